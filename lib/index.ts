/** What users may import. Documents have an entry of their own, `linkwright/document`, as they load zod and yaml. */
export { Addresses, type AddressFilter, type AddressOptions } from "./addresses/addresses.ts";
export { DadError } from "./addresses/dad.ts";
export type { Address, AddressConfig, AddressProtocol, Lifetime } from "./addresses/words.ts";
export { Mdb, type MdbConfig, type MdbEntry, type MdbFilter } from "./bridges/mdb.ts";
export {
  type Vlan,
  type VlanChange,
  type VlanConfig,
  type VlanFilter,
  type VlanGlobals,
  type VlanGlobalsConfig,
  type VlanOptions,
  type VlanState,
  type VlanStatistics,
  Vlans,
} from "./bridges/vlans.ts";
export { type Vni, type VniConfig, type VniFilter, type VniStatistics, Vnis } from "./bridges/vnis.ts";
export { Devconf, type InterfaceConf } from "./devconf/devconf.ts";
export { Netconf, type NetconfEntry, type NetconfFamily, type NetconfFilter } from "./devconf/netconf.ts";
export type { Inet6Conf, InetConf, InetConfChanges, RpFilter } from "./devconf/settings.ts";
export type { Driver } from "./ethtool/driver.ts";
export { Ethtool } from "./ethtool/ethtool.ts";
export {
  EthtoolError,
  type Feature,
  type FeatureChange,
  type FeatureChanges,
  type FeatureReport,
  type Features,
} from "./ethtool/features.ts";
export type { LinkModeChanges, LinkModes, LinkState, MasterSlave } from "./ethtool/link.ts";
export type { EthtoolChange, EthtoolSettings } from "./ethtool/notices.ts";
export type {
  ChannelChanges,
  Channels,
  Coalesce,
  LinkInfo,
  LinkInfoChanges,
  Pause,
  RingChanges,
  Rings,
} from "./ethtool/settings.ts";
export type { SizeCount, StandardStatistics, StatsGroup } from "./ethtool/statistics.ts";
export type { Encap, Ip6Encap, IpEncap, MplsEncap, RawEncap, Seg6Encap } from "./families/encap.ts";
export type { Listing } from "./families/lookup.ts";
export { Host, type HostOptions } from "./host.ts";
export * from "./links/index.ts";
export { type FdbConfig, type FdbEntry, type FdbState, ZERO_MAC } from "./neighbors/entry.ts";
export { Fdb, type FdbFilter, type FdbFlush, type FdbQuery, type RemoteChanges } from "./neighbors/fdb.ts";
export { type NeighborFilter, Neighbors } from "./neighbors/neighbors.ts";
export type { Neighbor, NeighborConfig, NeighborState } from "./neighbors/words.ts";
export { NetnsError } from "./netns/error.ts";
export { Netns, type NetnsIdentity, type Removal } from "./netns/netns.ts";
export { type NetnsId, Nsids } from "./netns/nsids.ts";
export { type BucketFilter, type NexthopFilter, Nexthops } from "./nexthops/nexthops.ts";
export type { NexthopBucket, NexthopMember, NexthopObject, NexthopObjectConfig } from "./nexthops/words.ts";
export * from "./nftables/index.ts";
export * from "./qdiscs/index.ts";
export { type RouteFilter, type RouteQuery, Routes } from "./routes/routes.ts";
export type { Nexthop, Route, RouteConfig } from "./routes/words.ts";
export { type RuleFilter, Rules } from "./rules/rules.ts";
export type { Range, Rule, RuleAction, RuleConfig } from "./rules/words.ts";
export { InputError } from "./shape/shape.ts";
export type { CallOptions, Command } from "./socket/index.ts";
export { NetlinkError, SocketError, type SocketErrorCode } from "./socket/index.ts";
export { SysctlError } from "./sysctl/error.ts";
export { expandBraces, type SysctlKey } from "./sysctl/key.ts";
export { type SavedSysctl, Sysctls } from "./sysctl/sysctl.ts";
export { CachedWatch } from "./watch/cache.ts";
export type { TableName, Tables, Watched, WatchName } from "./watch/tables.ts";
export { type Chosen, type Resynced, type Told, Watch, type WatchEvent, type WatchOptions } from "./watch/watch.ts";
export { WireError } from "./wire/index.ts";
export { generatePresharedKey, generateWireguardKey, wireguardPublicKey } from "./wireguard/keys.ts";
export { Wireguard } from "./wireguard/wireguard.ts";
export type { WireguardConfig, WireguardDevice, WireguardPeer, WireguardPeerConfig } from "./wireguard/words.ts";
