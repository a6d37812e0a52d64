/** Words for the numbers in a route. Source: include/uapi/linux/rtnetlink.h (RTN_*, RTPROT_*, enum rt_class_t, RTAX_*), include/uapi/linux/icmpv6.h (ICMPV6_ROUTER_PREF_*), include/uapi/linux/lwtunnel.h. */
import { words } from "../families/lookup.ts";

/** The protocol number that marks our routes: no routing daemon uses it. Same as: ip route show proto 139 */
export const RTPROT_LINKWRIGHT = 139;

export const routeTypes = words(
  {
    unspec: 0,
    unicast: 1,
    local: 2,
    broadcast: 3,
    anycast: 4,
    multicast: 5,
    blackhole: 6,
    unreachable: 7,
    prohibit: 8,
    throw: 9,
    nat: 10,
    xresolve: 11,
  },
  255,
);
export const protocols = words(
  {
    unspec: 0,
    redirect: 1,
    kernel: 2,
    boot: 3,
    static: 4,
    gated: 8,
    ra: 9,
    mrt: 10,
    zebra: 11,
    bird: 12,
    dnrouted: 13,
    xorp: 14,
    ntk: 15,
    dhcp: 16,
    mrouted: 17,
    keepalived: 18,
    babel: 42,
    openr: 99,
    linkwright: RTPROT_LINKWRIGHT,
    bgp: 186,
    isis: 187,
    ospf: 188,
    rip: 189,
    eigrp: 192,
  },
  255,
);
export const tables = words({ compat: 252, default: 253, main: 254, local: 255 }, 0xffff_ffff);
/** Preference of an IPv6 router. */
export const preferences = words({ medium: 0, high: 1, low: 3 }, 3);

export type RouteType = Parameters<typeof routeTypes.numberOf>[0];
export type Protocol = Parameters<typeof protocols.numberOf>[0];
export type Table = Parameters<typeof tables.numberOf>[0];
export type Preference = Parameters<typeof preferences.numberOf>[0];
