/**
 * rtnetlink: message numbers and fixed headers.
 *
 * Source: include/uapi/linux/rtnetlink.h (RTM_*, RTNH_F_*, RTEXT_FILTER_*, struct rtmsg), include/uapi/linux/if_addr.h
 * (struct ifaddrmsg), include/uapi/linux/neighbour.h (struct ndmsg), include/uapi/linux/fib_rules.h (struct
 * fib_rule_hdr), include/uapi/linux/nexthop.h (struct nhmsg), include/uapi/linux/if.h (IFF_*).
 */
import { s32, struct, u8, u16, u32 } from "../wire/index.ts";

/** The protocol number for socket(2). */
export const NETLINK_ROUTE = 0;

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_SETLINK = 19;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;
export const RTM_NEWNEIGH = 28;
export const RTM_DELNEIGH = 29;
export const RTM_GETNEIGH = 30;
export const RTM_NEWRULE = 32;
export const RTM_DELRULE = 33;
export const RTM_GETRULE = 34;
export const RTM_GETMULTICAST = 58;
export const RTM_NEWNEIGHTBL = 64;
export const RTM_GETNEIGHTBL = 66;
export const RTM_SETNEIGHTBL = 67;
export const RTM_NEWADDRLABEL = 72;
export const RTM_DELADDRLABEL = 73;
export const RTM_GETADDRLABEL = 74;
export const RTM_NEWMDB = 84;
export const RTM_DELMDB = 85;
export const RTM_GETMDB = 86;
export const RTM_NEWSTATS = 92;
export const RTM_GETSTATS = 94;
export const RTM_NEWNEXTHOP = 104;
export const RTM_DELNEXTHOP = 105;
export const RTM_GETNEXTHOP = 106;
export const RTM_NEWVLAN = 112;
export const RTM_DELVLAN = 113;
export const RTM_GETVLAN = 114;
export const RTM_NEWNEXTHOPBUCKET = 116;
export const RTM_GETNEXTHOPBUCKET = 118;
export const RTM_NEWTUNNEL = 120;
export const RTM_DELTUNNEL = 121;
export const RTM_GETTUNNEL = 122;

/** The multicast group that tells of IPv6 addresses. */
export const RTNLGRP_IPV6_IFADDR = 9;

export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_BRIDGE = 7;
export const AF_INET6 = 10;

export const ifinfomsg = struct("ifinfomsg", { family: u8, _pad: u8, type: u16, index: s32, flags: u32, change: u32 });
export const ifaddrmsg = struct("ifaddrmsg", { family: u8, prefixlen: u8, flags: u8, scope: u8, index: u32 });
export const rtmsg = struct("rtmsg", {
  family: u8,
  dstLen: u8,
  srcLen: u8,
  tos: u8,
  table: u8,
  protocol: u8,
  scope: u8,
  type: u8,
  flags: u32,
});
export const ndmsg = struct("ndmsg", {
  family: u8,
  _pad1: u8,
  _pad2: u16,
  ifindex: s32,
  state: u16,
  flags: u8,
  type: u8,
});
export const fibRuleHdr = struct("fib_rule_hdr", {
  family: u8,
  dstLen: u8,
  srcLen: u8,
  tos: u8,
  table: u8,
  _res1: u8,
  _res2: u8,
  action: u8,
  flags: u32,
});
export const nhmsg = struct("nhmsg", { family: u8, scope: u8, protocol: u8, _resvd: u8, flags: u32 });

/** Bits of IFLA_EXT_MASK: virtual functions; no counters; the spanning trees of a bridge's port. */
export const RTEXT_FILTER_VF = 1;
export const RTEXT_FILTER_SKIP_STATS = 8;
export const RTEXT_FILTER_MST = 128;

/** Bits of ifinfomsg.flags. */
export const IFF_UP = 0x1;
export const IFF_NOTRAILERS = 0x20;
export const IFF_NOARP = 0x80;
export const IFF_PROMISC = 0x100;
export const IFF_ALLMULTI = 0x200;
export const IFF_MULTICAST = 0x1000;
export const IFF_DYNAMIC = 0x8000;
export const IFF_LOWER_UP = 0x1_0000;
/** Bits of a nexthop: in rtmsg.flags, rtnexthop and nhmsg.flags. */
export const RTNH_F = {
  DEAD: 1,
  PERVASIVE: 2,
  ONLINK: 4,
  OFFLOAD: 8,
  LINKDOWN: 16,
  UNRESOLVED: 32,
  TRAP: 64,
} as const;
