/** Links: what services and the host use of them. */
export { type Difference, differences } from "./differences.ts";
export type { BondAdInfo, BondOptions } from "./kinds/bond.ts";
export type { BridgeOptions } from "./kinds/bridge.ts";
export type { HsrOptions } from "./kinds/hsr.ts";
export { type KindName, kindNamed, linkKinds } from "./kinds/index.ts";
export type { IpvlanOptions } from "./kinds/ipvlan.ts";
export type { MacsecOptions } from "./kinds/macsec.ts";
export type { MacvlanOptions } from "./kinds/macvlan.ts";
export type { NetkitOptions } from "./kinds/netkit.ts";
export type { TunOptions } from "./kinds/tun.ts";
export type { VethOptions } from "./kinds/veth.ts";
export type { QosMap, VlanOptions } from "./kinds/vlan.ts";
export type { VrfOptions } from "./kinds/vrf.ts";
export type { VxlanOptions } from "./kinds/vxlan.ts";
export { type LinkFilter, Links, type LinksOptions } from "./links.ts";
export type { NetnsRef } from "./option.ts";
export type { Peer as VethPeer } from "./peer.ts";
export { type Port, type PortOptions, portShapes } from "./ports.ts";
export type { PortRange } from "./tunnels/udp.ts";
export {
  type CommonOptions,
  type ConfigOf,
  type Link,
  type LinkChanges,
  type LinkConfig,
  type LinkStatistics,
  linkShapes,
} from "./words.ts";
