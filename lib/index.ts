/** What users may import. Documents have an entry of their own, `linkwright/document`, as they load zod and yaml. */
export type { Addresses, AddressFilter, AddressOptions } from "./addresses/addresses.ts";
export { DadError } from "./addresses/error.ts";
export type {
  AddressLabel,
  AddressLabelConfig,
  AddressLabelFilter,
  AddressLabels,
} from "./addresses/labels.ts";
export type { MulticastAddress } from "./addresses/multicast.ts";
export type { Address, AddressConfig, AddressProtocol, Lifetime } from "./addresses/words.ts";
export type { Mdb, MdbConfig, MdbEntry, MdbFilter, MdbFlush } from "./bridges/mdb.ts";
export type { KnownMstState, Mst, MstFilter, MstState } from "./bridges/mst.ts";
export type {
  KnownVlanGlobals,
  Vlan,
  VlanChange,
  VlanConfig,
  VlanFilter,
  VlanGlobals,
  VlanGlobalsConfig,
  VlanOptions,
  VlanState,
  VlanStatistics,
  Vlans,
} from "./bridges/vlans.ts";
export type { Vni, VniConfig, VniFilter, VniStatistics, Vnis } from "./bridges/vnis.ts";
export type { Devconf, InterfaceConf } from "./devconf/devconf.ts";
export type { Netconf, NetconfEntry, NetconfFamily, NetconfFilter } from "./devconf/netconf.ts";
export type { Inet6Conf, InetConf, InetConfChanges, RpFilter } from "./devconf/settings.ts";
export type { Driver } from "./ethtool/driver.ts";
export { EthtoolError } from "./ethtool/error.ts";
export type { Ethtool } from "./ethtool/ethtool.ts";
export type {
  Feature,
  FeatureChange,
  FeatureChanges,
  FeatureReport,
  Features,
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
export type { McastQuerier, McastQueriers } from "./families/querier.ts";
export type { Fou } from "./fou/fou.ts";
export type { FouConfig, FouName, FouPort } from "./fou/words.ts";
export { Host, type HostOptions } from "./host.ts";
export * from "./links/index.ts";
export type { Vf, VfChange, VfFilter, VfOptions, VfStatistics, Vfs } from "./links/vfs.ts";
export type {
  BothDirections,
  BridgeCounters,
  BridgeVlanCounters,
  LacpCounters,
  LinkXstats,
  McastCounters,
  StpCounters,
  Xstats,
} from "./links/xstats.ts";
export type { Macsec, MacsecParts } from "./macsec/macsec.ts";
export type {
  MacsecDevice,
  MacsecOffload,
  MacsecRxSa,
  MacsecRxSaChanges,
  MacsecRxSaConfig,
  MacsecRxSaName,
  MacsecRxSaStatistics,
  MacsecRxSc,
  MacsecRxScConfig,
  MacsecRxScName,
  MacsecRxScStatistics,
  MacsecSa,
  MacsecSaChanges,
  MacsecSaConfig,
  MacsecStatistics,
  MacsecTxSa,
  MacsecTxSaChanges,
  MacsecTxSaConfig,
  MacsecTxSaName,
  MacsecTxSaStatistics,
} from "./macsec/words.ts";
export type { FdbConfig, FdbEntry, FdbState } from "./neighbors/entry.ts";
export type { Fdb, FdbFilter, FdbFlush, FdbQuery, RemoteChanges } from "./neighbors/fdb.ts";
export type { NeighborFilter, Neighbors } from "./neighbors/neighbors.ts";
export type {
  NeighborLimits,
  NeighborTable,
  NeighborTableChange,
  NeighborTableFilter,
  NeighborTableStatistics,
  NeighborTables,
  NeighborTiming,
} from "./neighbors/tables.ts";
export type { Neighbor, NeighborConfig, NeighborState } from "./neighbors/words.ts";
export { ZERO_MAC } from "./neighbors/zero-mac.ts";
export { NetnsError } from "./netns/error.ts";
export { Netns, type NetnsIdentity, type Removal } from "./netns/netns.ts";
export type { NetnsId, Nsids } from "./netns/nsids.ts";
export type { BucketFilter, NexthopFilter, NexthopQuery, Nexthops } from "./nexthops/nexthops.ts";
export type {
  KnownMember,
  NexthopBucket,
  NexthopMember,
  NexthopObject,
  NexthopObjectConfig,
} from "./nexthops/words.ts";
export * from "./nftables/late.ts";
export * from "./probe/late.ts";
export * from "./qdiscs/index.ts";
export type { MulticastHop, MulticastRoute, MulticastRouteFilter } from "./routes/multicast.ts";
export type { RouteFilter, RouteQuery, Routes } from "./routes/routes.ts";
export type { Nexthop, Route, RouteConfig } from "./routes/words.ts";
export type { RuleFilter, Rules } from "./rules/rules.ts";
export type { Range, Rule, RuleAction, RuleConfig } from "./rules/words.ts";
export { InputError } from "./shape/shape.ts";
export type { CallOptions, Command } from "./socket/index.ts";
export { NetlinkError, SocketError, type SocketErrorCode } from "./socket/index.ts";
export { SysctlError } from "./sysctl/error.ts";
export { expandBraces, type SysctlKey } from "./sysctl/key.ts";
export type { SavedSysctl, Sysctls } from "./sysctl/sysctl.ts";
export type { CachedWatch } from "./watch/cache.ts";
export type { TableName, Tables, Watched, WatchName } from "./watch/tables.ts";
export type { Chosen, Resynced, Told, Watch, WatchEvent, WatchOptions } from "./watch/watch.ts";
export { WireError } from "./wire/index.ts";
export { generatePresharedKey, generateWireguardKey, wireguardPublicKey } from "./wireguard/keys.ts";
export type { Wireguard } from "./wireguard/wireguard.ts";
export type { WireguardConfig, WireguardDevice, WireguardPeer, WireguardPeerConfig } from "./wireguard/words.ts";
