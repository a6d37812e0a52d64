/**
 * Addresses of links on the wire.
 *
 * Source: include/uapi/linux/if_addr.h (IFA_*, IFA_F_*, struct ifa_cacheinfo), net/ipv4/devinet.c (ifa_ipv4_policy,
 * inet_fill_ifaddr, inet_fill_ifmcaddr), net/ipv6/addrconf.c (ifa_ipv6_policy, inet6_fill_ifaddr, inet6_fill_ifmcaddr).
 */
import { ifaddrmsg, RTM_DELADDR, RTM_GETADDR, RTM_GETMULTICAST, RTM_NEWADDR } from "../families/route.ts";
import { at, attrs, body, ip, message, s32, struct, text, u8, u32 } from "../wire/index.ts";

/** Lifetimes are seconds, time stamps are hundredths of seconds since the system started. */
export const ifaCacheinfo = struct("ifa_cacheinfo", { prefered: u32, valid: u32, cstamp: u32, tstamp: u32 });

export const ifa = attrs("IFA", {
  /** The prefix's address; on a point-to-point link that of the far end. */
  address: at(1, ip),
  /** The address itself. IPv6 has it only where there is a peer. */
  local: at(2, ip),
  label: at(3, text),
  broadcast: at(4, ip),
  anycast: at(5, ip),
  cacheinfo: at(6, ifaCacheinfo),
  multicast: at(7, ip),
  /** Replaces the eight bits of ifaddrmsg. */
  flags: at(8, u32),
  /** Metric of the prefix's route. */
  rtPriority: at(9, u32),
  targetNetnsid: at(10, s32),
  proto: at(11, u8),
});

const payload = body(ifaddrmsg, ifa);
export const newaddr = message("RTM_NEWADDR", RTM_NEWADDR, payload);
export const deladdr = message("RTM_DELADDR", RTM_DELADDR, payload);
export const getaddr = message("RTM_GETADDR", RTM_GETADDR, payload);
/** The kernel answers with the number of the request. */
export const toldmulticast = message("RTM_GETMULTICAST", RTM_GETMULTICAST, payload);

/** A lifetime without end. */
export const INFINITY_LIFE_TIME = 0xffff_ffff;

/** Bits of IFA_FLAGS. Bit 1 means "secondary" for IPv4 and "temporary" for IPv6. */
export const IFA_F = {
  SECONDARY: 0x01,
  NODAD: 0x02,
  OPTIMISTIC: 0x04,
  DADFAILED: 0x08,
  HOMEADDRESS: 0x10,
  DEPRECATED: 0x20,
  TENTATIVE: 0x40,
  PERMANENT: 0x80,
  MANAGETEMPADDR: 0x100,
  NOPREFIXROUTE: 0x200,
  MCAUTOJOIN: 0x400,
  STABLE_PRIVACY: 0x800,
} as const;
