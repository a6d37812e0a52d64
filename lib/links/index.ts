/** Links: what services and the host use of them. */
export type { BridgeOptions } from "./kinds/bridge.ts";
export { linkKinds } from "./kinds/index.ts";
export type { VethOptions, VethPeer } from "./kinds/veth.ts";
export type { VxlanOptions } from "./kinds/vxlan.ts";
export { Links } from "./links.ts";
export type { PortOptions } from "./port.ts";
export type { CommonOptions, Link, LinkChanges, LinkConfig, LinkStatistics } from "./words.ts";
