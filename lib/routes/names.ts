/** Words for the numbers in a route. Source: include/uapi/linux/rtnetlink.h (RTN_*), include/uapi/linux/icmpv6.h (ICMPV6_ROUTER_PREF_*). */
import { words } from "../families/lookup.ts";

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
/** Preference of an IPv6 router. */
export const preferences = words({ medium: 0, high: 1, low: 3 }, 3);

export type RouteType = Parameters<typeof routeTypes.numberOf>[0];
export type Preference = Parameters<typeof preferences.numberOf>[0];
