/**
 * Counters of bridges, bonds and their ports on the wire.
 *
 * Source: include/uapi/linux/if_link.h (IFLA_STATS_*, LINK_XSTATS_TYPE_*, struct if_stats_msg), include/uapi/linux/if_bridge.h
 * (BRIDGE_XSTATS_*, struct bridge_vlan_xstats, br_mcast_stats, bridge_stp_xstats), include/uapi/linux/if_bonding.h
 * (BOND_XSTATS_*, BOND_3AD_STAT_*), net/core/rtnetlink.c (rtnl_fill_statsinfo), net/bridge/br_netlink.c (br_fill_linkxstats),
 * drivers/net/bonding/bond_netlink.c (bond_fill_linkxstats), drivers/net/bonding/bond_3ad.c (bond_3ad_stats_fill).
 */
import { RTM_GETSTATS, RTM_NEWSTATS } from "../families/route.ts";
import { at, attrs, body, bytes, many, message, padding, struct, u8, u16, u32, u64 } from "../wire/index.ts";

export const ifStatsMsg = struct("if_stats_msg", { family: u8, _pad1: u8, _pad2: u16, ifindex: u32, filterMask: u32 });

const both = struct("both directions", { rx: u64, tx: u64 });
const vlanXstats = struct("bridge_vlan_xstats", {
  rxBytes: u64,
  rxPackets: u64,
  txBytes: u64,
  txPackets: u64,
  vid: u16,
  flags: u16,
  _pad2: u32,
});
const mcastStats = struct("br_mcast_stats", {
  igmpV1queries: both,
  igmpV2queries: both,
  igmpV3queries: both,
  igmpLeaves: both,
  igmpV1reports: both,
  igmpV2reports: both,
  igmpV3reports: both,
  igmpParseErrors: u64,
  mldV1queries: both,
  mldV2queries: both,
  mldLeaves: both,
  mldV1reports: both,
  mldV2reports: both,
  mldParseErrors: u64,
  mcastBytes: both,
  mcastPackets: both,
});
const stpXstats = struct("bridge_stp_xstats", {
  transitionBlk: u64,
  transitionFwd: u64,
  rxBpdu: u64,
  txBpdu: u64,
  rxTcn: u64,
  txTcn: u64,
});
export const bridgeXstats = attrs("BRIDGE_XSTATS", {
  vlan: many(1, vlanXstats),
  mcast: at(2, mcastStats),
  pad: padding(3),
  stp: at(4, stpXstats),
});
export const bond3adStats = attrs("BOND_3AD_STAT", {
  lacpduRx: at(0, u64),
  lacpduTx: at(1, u64),
  lacpduUnknownRx: at(2, u64),
  lacpduIllegalRx: at(3, u64),
  markerRx: at(4, u64),
  markerTx: at(5, u64),
  markerRespRx: at(6, u64),
  markerRespTx: at(7, u64),
  markerUnknownRx: at(8, u64),
  pad: padding(9),
});
export const bondXstats = attrs("BOND_XSTATS", { "3ad": at(1, bond3adStats) });
/** By the kind of the link, or of its master. */
export const linkXstats = attrs("LINK_XSTATS_TYPE", { bridge: at(1, bridgeXstats), bond: at(2, bondXstats) });
export const iflaStats = attrs("IFLA_STATS", {
  /** Put before numbers of 64 bits where processors need these aligned. */
  unspec: padding(0),
  link64: at(1, bytes),
  linkXstats: at(2, linkXstats),
  linkXstatsSlave: at(3, linkXstats),
  linkOffloadXstats: at(4, bytes),
  afSpec: at(5, bytes),
});
/** Bits of if_stats_msg.filter_mask. */
export const IFLA_STATS_FILTER = { LINK_XSTATS: 1 << 1, LINK_XSTATS_SLAVE: 1 << 2 } as const;

const payload = body(ifStatsMsg, iflaStats);
export const newstats = message("RTM_NEWSTATS", RTM_NEWSTATS, payload);
export const getstats = message("RTM_GETSTATS", RTM_GETSTATS, payload);
