/**
 * Nexthop objects on the wire: ways that routes and forwarding entries refer to by number, groups of them, and the
 * buckets of resilient groups.
 *
 * Source: include/uapi/linux/nexthop.h (NHA_*, struct nexthop_grp), net/ipv4/nexthop.c (rtm_nh_policy_new,
 * nh_fill_node, nh_fill_res_bucket).
 */
import { encapAt } from "../families/lwtunnel.ts";
import {
  nhmsg,
  RTM_DELNEXTHOP,
  RTM_GETNEXTHOP,
  RTM_GETNEXTHOPBUCKET,
  RTM_NEWNEXTHOP,
  RTM_NEWNEXTHOPBUCKET,
} from "../families/route.ts";
import {
  array,
  at,
  attrs,
  body,
  flag,
  ip,
  many,
  message,
  padding,
  struct,
  u8,
  u16,
  u32,
  u64,
  uint,
} from "../wire/index.ts";

/** The weight less one: its low byte, and since Linux 6.13 its high one. */
const nexthopGrp = struct("nexthop_grp", { id: u32, weight: u8, weightHigh: u8, _resvd2: u16 });

/** Times are hundredths of seconds. */
export const nhaResGroup = attrs("NHA_RES_GROUP", {
  pad: padding(0),
  buckets: at(1, u16),
  idleTimer: at(2, u32),
  unbalancedTimer: at(3, u32),
  unbalancedTime: at(4, u64),
});
export const nhaResBucket = attrs("NHA_RES_BUCKET", {
  pad: padding(0),
  index: at(1, u16),
  nhId: at(3, u32),
  idleTime: at(2, u64),
});

export const nhaGroupStatsEntry = attrs("NHA_GROUP_STATS_ENTRY", {
  id: at(1, u32),
  /** With those that hardware sent. */
  packets: at(2, uint),
  packetsHw: at(3, uint),
});
const nhaGroupStats = attrs("NHA_GROUP_STATS", { entry: many(1, nhaGroupStatsEntry) });

export const nha = attrs("NHA", {
  id: at(1, u32),
  group: at(2, array(nexthopGrp)),
  groupType: at(3, u16),
  blackhole: flag(4),
  oif: at(5, u32),
  gateway: at(6, ip),
  encap: encapAt(7, 8),
  /** In a dump request: groups only. */
  groups: flag(9),
  /** In a dump request: only over ports of this link. */
  master: at(10, u32),
  fdb: flag(11),
  resGroup: at(12, nhaResGroup),
  resBucket: at(13, nhaResBucket),
  opFlags: at(14, u32),
  groupStats: at(15, nhaGroupStats),
  hwStatsEnable: at(16, u32),
  hwStatsUsed: at(17, u32),
});

const payload = body(nhmsg, nha);
export const newnexthop = message("RTM_NEWNEXTHOP", RTM_NEWNEXTHOP, payload);
export const delnexthop = message("RTM_DELNEXTHOP", RTM_DELNEXTHOP, payload);
export const getnexthop = message("RTM_GETNEXTHOP", RTM_GETNEXTHOP, payload);
export const newbucket = message("RTM_NEWNEXTHOPBUCKET", RTM_NEWNEXTHOPBUCKET, payload);
export const getbucket = message("RTM_GETNEXTHOPBUCKET", RTM_GETNEXTHOPBUCKET, payload);

/** NHA_GROUP_TYPE. */
export const NEXTHOP_GRP_TYPE = { MPATH: 0, RES: 1 } as const;
/** Bits of NHA_OP_FLAGS. */
export const NHA_OP_FLAG = { DUMP_STATS: 1, DUMP_HW_STATS: 2 } as const;
