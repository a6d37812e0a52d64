/**
 * Routes on the wire.
 *
 * Source: include/uapi/linux/rtnetlink.h (RTA_*, RTAX_*, RTM_F_*, RTNH_F_*, struct rtnexthop, rtvia, rta_cacheinfo),
 * net/ipv4/fib_frontend.c (rtm_ipv4_policy), net/ipv4/fib_semantics.c (fib_dump_info), net/ipv4/route.c
 * (rt_fill_info), net/ipv6/route.c (rtm_ipv6_policy, rt6_fill_node).
 */
import { encapAt } from "../families/lwtunnel.ts";
import { AF_INET, AF_INET6, RTM_DELROUTE, RTM_GETROUTE, RTM_NEWROUTE, rtmsg } from "../families/route.ts";
import {
  type AttrsIn,
  type AttrsOut,
  align,
  at,
  attrs,
  be16,
  body,
  bytes,
  type Codec,
  ip,
  message,
  padding,
  s32,
  struct,
  text,
  u8,
  u32,
  u64,
  WireError,
} from "../wire/index.ts";

/** What a route tells the transport protocols. Times are milliseconds, `rtt` in eighths, `rttvar` in quarters of them. */
export const rtax = attrs("RTAX", {
  /** Which of the others must not be adjusted: bit n for attribute n. */
  lock: at(1, u32),
  mtu: at(2, u32),
  window: at(3, u32),
  rtt: at(4, u32),
  rttvar: at(5, u32),
  ssthresh: at(6, u32),
  cwnd: at(7, u32),
  advmss: at(8, u32),
  reordering: at(9, u32),
  hoplimit: at(10, u32),
  initcwnd: at(11, u32),
  features: at(12, u32),
  rtoMin: at(13, u32),
  initrwnd: at(14, u32),
  quickack: at(15, u32),
  ccAlgo: at(16, text),
  fastopenNoCookie: at(17, u32),
});

/** A gateway of another family than the destination (struct rtvia): the family, then the address. */
export const rtvia: Codec<string> = {
  name: "rtvia",
  write(out, value) {
    out.u16[out.take(2) >> 1] = value.includes(":") ? AF_INET6 : AF_INET;
    ip.write(out, value);
  },
  read(from, start, end) {
    const family = end - start >= 2 ? from.u16[start >> 1] : 0;
    if (end - start !== (family === AF_INET ? 6 : family === AF_INET6 ? 18 : 0))
      throw new WireError(`rtvia of family ${family} and ${end - start} bytes is not known`);
    return ip.read(from, start + 2, end);
  },
};

/** The attributes that one of several nexthops may have. */
export const nexthopRta = attrs("RTA", {
  gateway: at(5, ip),
  flow: at(11, u32),
  via: at(18, rtvia),
  newdst: at(19, bytes),
  encap: encapAt(21, 22),
  ttlPropagate: at(26, u8),
});
type NexthopAttrs = typeof nexthopRta.fields;

/** One of several nexthops (struct rtnexthop, then attributes). `hops` is the weight less one. */
export interface RtNexthop<A> {
  readonly flags?: number;
  readonly hops?: number;
  readonly ifindex?: number;
  readonly attrs?: A;
}
const RTNEXTHOP = 8;

/** RTA_MULTIPATH: nexthops one after the other, each with its length. */
export const multipath: Codec<
  readonly RtNexthop<AttrsIn<NexthopAttrs>>[],
  readonly Required<RtNexthop<AttrsOut<NexthopAttrs>>>[]
> = {
  name: "rtnexthop[]",
  write(out, nexthops) {
    for (const { flags = 0, hops = 0, ifindex = 0, attrs: attributes } of nexthops) {
      const begin = out.take(RTNEXTHOP);
      out.u8[begin + 2] = flags;
      out.u8[begin + 3] = hops;
      out.u32[(begin >> 2) + 1] = ifindex;
      if (attributes !== undefined) nexthopRta.write(out, attributes);
      out.u16[begin >> 1] = out.length - begin;
    }
  },
  read(from, start, end) {
    const nexthops: Required<RtNexthop<AttrsOut<NexthopAttrs>>>[] = [];
    for (let at = start; at + RTNEXTHOP <= end; ) {
      const length = from.u16[at >> 1] as number;
      if (length < RTNEXTHOP || at + length > end) throw new WireError(`rtnexthop of ${length} bytes at byte ${at}`);
      nexthops.push({
        flags: from.u8[at + 2] as number,
        hops: from.u8[at + 3] as number,
        ifindex: (from.u32[(at >> 2) + 1] as number) | 0,
        attrs: nexthopRta.read(from, at + RTNEXTHOP, at + length),
      });
      at += align(length);
    }
    return nexthops;
  },
};

/** `expires` is hundredths of seconds from now, `lastuse` hundredths of seconds ago. */
export const rtaCacheinfo = struct("rta_cacheinfo", {
  clntref: u32,
  lastuse: u32,
  expires: s32,
  error: u32,
  used: u32,
  id: u32,
  ts: u32,
  tsage: u32,
});
const rtaMfcStats = struct("rta_mfc_stats", { packets: u64, bytes: u64, wrongIf: u64 });

export const rta = attrs("RTA", {
  dst: at(1, ip),
  src: at(2, ip),
  iif: at(3, u32),
  oif: at(4, u32),
  gateway: at(5, ip),
  priority: at(6, u32),
  prefsrc: at(7, ip),
  metrics: at(8, rtax),
  multipath: at(9, multipath),
  protoinfo: at(10, bytes),
  flow: at(11, u32),
  cacheinfo: at(12, rtaCacheinfo),
  session: at(13, bytes),
  mpAlgo: at(14, bytes),
  table: at(15, u32),
  mark: at(16, u32),
  mfcStats: at(17, rtaMfcStats),
  via: at(18, rtvia),
  /** MPLS labels to push. */
  newdst: at(19, bytes),
  pref: at(20, u8),
  encap: encapAt(21, 22),
  expires: at(23, u32),
  pad: padding(24),
  uid: at(25, u32),
  ttlPropagate: at(26, u8),
  ipProto: at(27, u8),
  sport: at(28, be16),
  dport: at(29, be16),
  nhId: at(30, u32),
});

const payload = body(rtmsg, rta);
export const newroute = message("RTM_NEWROUTE", RTM_NEWROUTE, payload);
export const delroute = message("RTM_DELROUTE", RTM_DELROUTE, payload);
export const getroute = message("RTM_GETROUTE", RTM_GETROUTE, payload);

/** Families of routes of multicast. Source: include/uapi/linux/rtnetlink.h (RTNL_FAMILY_*) */
export const RTNL_FAMILY_IPMR = 128;
export const RTNL_FAMILY_IP6MR = 129;
/**
 * What they tell, of which `expires`, here since when it was not used, has 64 bits.
 * Source: net/ipv4/ipmr_base.c (mr_fill_mroute), net/ipv4/ipmr.c (ipmr_fill_mroute), net/ipv6/ip6mr.c (ip6mr_fill_mroute)
 */
export const mrouteRta = attrs("RTA", {
  dst: at(1, ip),
  src: at(2, ip),
  iif: at(3, u32),
  multipath: at(9, multipath),
  table: at(15, u32),
  mfcStats: at(17, rtaMfcStats),
  /** Hundredths of seconds. */
  expires: at(23, u64),
  pad: padding(24),
});
const mroute = body(rtmsg, mrouteRta);
export const newmroute = message("RTM_NEWROUTE", RTM_NEWROUTE, mroute);
export const getmroute = message("RTM_GETROUTE", RTM_GETROUTE, mroute);

/** Bits of rtmsg.flags; the low ones are those of the only nexthop. */
export const RTM_F = {
  NOTIFY: 0x100,
  CLONED: 0x200,
  PREFIX: 0x800,
  LOOKUP_TABLE: 0x1000,
  FIB_MATCH: 0x2000,
  OFFLOAD: 0x4000,
  TRAP: 0x8000,
  OFFLOAD_FAILED: 0x2000_0000,
} as const;
