/**
 * Source: include/uapi/linux/if_tunnel.h (IFLA_IPTUN_*), net/ipv6/ip6_tunnel.c (ip6_tnl_policy, ip6_tnl_changelink,
 * ip6_tnl_fill_info).
 */
import { ipv6 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { iptunAttrs, mode } from "../tunnels/iptun.ts";
import { defaults6, encap, ends6, external, externalAlone, header6, tunnelFlags6 } from "../tunnels/outer.ts";

/** IPv4 or IPv6 in IPv6. */
export const ip6tnl = linkKind({
  kind: "ip6tnl",
  wire: iptunAttrs(ipv6, tunnelFlags6),
  whole: true,
  options: {
    ...ends6,
    ...header6,
    /** What is inside, default `any`. */
    mode: mode(["ip6ip6", "ipip6", "any"]),
    ...encap,
    external,
  },
  defaults: defaults6,
  check: externalAlone,
});
