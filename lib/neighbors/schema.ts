/**
 * Neighbors and forwarding entries on the wire: one message, two tables.
 *
 * Source: include/uapi/linux/neighbour.h (NDA_*, NTF_*, NUD_*, NFEA_*, struct nda_cacheinfo), net/core/neighbour.c
 * (nda_policy, neigh_fill_info), net/core/rtnetlink.c (rtnl_fdb_add, rtnl_fdb_dump), net/bridge/br_fdb.c
 * (fdb_fill_info), drivers/net/vxlan/vxlan_core.c (vxlan_fdb_parse, vxlan_fdb_info).
 */
import { ndmsg, RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWNEIGH } from "../families/route.ts";
import { at, attrs, be16, body, flag, hardware, ip, message, s32, struct, u8, u16, u32 } from "../wire/index.ts";

/** Hundredths of seconds since. */
export const ndaCacheinfo = struct("nda_cacheinfo", { confirmed: u32, used: u32, updated: u32, refcnt: u32 });

export const nfea = attrs("NFEA", {
  activityNotify: at(1, u8),
  dontRefresh: flag(2),
});

export const nda = attrs("NDA", {
  dst: at(1, ip),
  lladdr: at(2, hardware),
  cacheinfo: at(3, ndaCacheinfo),
  probes: at(4, u32),
  vlan: at(5, u16),
  port: at(6, be16),
  vni: at(7, u32),
  ifindex: at(8, u32),
  master: at(9, u32),
  linkNetnsid: at(10, s32),
  srcVni: at(11, u32),
  protocol: at(12, u8),
  nhId: at(13, u32),
  fdbExtAttrs: at(14, nfea),
  flagsExt: at(15, u32),
  ndmStateMask: at(16, u16),
  ndmFlagsMask: at(17, u8),
});

const payload = body(ndmsg, nda);
export const newneigh = message("RTM_NEWNEIGH", RTM_NEWNEIGH, payload);
export const delneigh = message("RTM_DELNEIGH", RTM_DELNEIGH, payload);
export const getneigh = message("RTM_GETNEIGH", RTM_GETNEIGH, payload);

/** Bits of ndmsg.flags. */
export const NTF = {
  USE: 0x01,
  SELF: 0x02,
  MASTER: 0x04,
  PROXY: 0x08,
  EXT_LEARNED: 0x10,
  OFFLOADED: 0x20,
  STICKY: 0x40,
  ROUTER: 0x80,
} as const;
/** Bits of NDA_FLAGS_EXT. */
export const NTF_EXT = { MANAGED: 0x01, LOCKED: 0x02, EXT_VALIDATED: 0x04 } as const;

/** Bits of NFEA_ACTIVITY_NOTIFY. */
export const NOTIFY = { ACTIVITY: 0x01, INACTIVE: 0x02 } as const;

/** Bits of ndmsg.state. */
export const NUD = {
  NONE: 0x00,
  INCOMPLETE: 0x01,
  REACHABLE: 0x02,
  STALE: 0x04,
  DELAY: 0x08,
  PROBE: 0x10,
  FAILED: 0x20,
  NOARP: 0x40,
  PERMANENT: 0x80,
} as const;
