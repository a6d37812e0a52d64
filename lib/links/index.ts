/** Links: what services and the host use of them. */
export { type Difference, differences } from "./differences.ts";
export type { BridgeOptions } from "./kinds/bridge.ts";
export { type KindName, kindNamed, linkKinds } from "./kinds/index.ts";
export type { VethOptions, VethPeer } from "./kinds/veth.ts";
export type { PortRange, VxlanOptions } from "./kinds/vxlan.ts";
export { type LinkFilter, Links, type LinksOptions } from "./links.ts";
export type { NetnsRef } from "./option.ts";
export type { Port, PortOptions } from "./port.ts";
export {
  type CommonOptions,
  type ConfigOf,
  type Link,
  type LinkChanges,
  type LinkConfig,
  type LinkStatistics,
  linkShapes,
  portShapes,
} from "./words.ts";
