/**
 * Tables of neighbors, and their settings, on the wire.
 *
 * Source: include/uapi/linux/neighbour.h (NDTA_*, NDTPA_*, struct ndtmsg, struct ndt_config, struct ndt_stats),
 * net/core/neighbour.c (nl_neightbl_policy, nl_ntbl_parm_policy, neightbl_fill_info, neightbl_fill_parms).
 */
import { RTM_GETNEIGHTBL, RTM_NEWNEIGHTBL, RTM_SETNEIGHTBL } from "../families/route.ts";
import { at, attrs, body, message, padding, struct, text, u8, u16, u32, u64 } from "../wire/index.ts";

export const ndtmsg = struct("ndtmsg", { family: u8, _pad1: u8, _pad2: u16 });
/** Times are milliseconds ago. */
const config = struct("ndt_config", {
  keyLen: u16,
  entrySize: u16,
  entries: u32,
  lastFlush: u32,
  lastRand: u32,
  hashRnd: u32,
  hashMask: u32,
  hashChainGc: u32,
  proxyQlen: u32,
});
const stats = struct("ndt_stats", {
  allocs: u64,
  destroys: u64,
  hashGrows: u64,
  resFailed: u64,
  lookups: u64,
  hits: u64,
  rcvProbesMcast: u64,
  rcvProbesUcast: u64,
  periodicGcRuns: u64,
  forcedGcRuns: u64,
  tableFulls: u64,
});
/** Of a device, or the defaults of new ones. Times in milliseconds. */
export const ndtpa = attrs("NDTPA", {
  ifindex: at(1, u32),
  refcnt: at(2, u32),
  reachableTime: at(3, u64),
  baseReachableTime: at(4, u64),
  retransTime: at(5, u64),
  gcStaletime: at(6, u64),
  delayProbeTime: at(7, u64),
  queueLen: at(8, u32),
  appProbes: at(9, u32),
  ucastProbes: at(10, u32),
  mcastProbes: at(11, u32),
  anycastDelay: at(12, u64),
  proxyDelay: at(13, u64),
  proxyQlen: at(14, u32),
  locktime: at(15, u64),
  queueLenbytes: at(16, u32),
  mcastReprobes: at(17, u32),
  pad: padding(18),
  intervalProbeTimeMs: at(19, u64),
});
export const ndta = attrs("NDTA", {
  name: at(1, text),
  thresh1: at(2, u32),
  thresh2: at(3, u32),
  thresh3: at(4, u32),
  config: at(5, config),
  parms: at(6, ndtpa),
  stats: at(7, stats),
  /** Milliseconds. */
  gcInterval: at(8, u64),
  pad: padding(9),
});

const payload = body(ndtmsg, ndta);
export const newneightbl = message("RTM_NEWNEIGHTBL", RTM_NEWNEIGHTBL, payload);
export const getneightbl = message("RTM_GETNEIGHTBL", RTM_GETNEIGHTBL, payload);
export const setneightbl = message("RTM_SETNEIGHTBL", RTM_SETNEIGHTBL, payload);
