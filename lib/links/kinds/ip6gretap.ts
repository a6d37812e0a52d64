/**
 * Source: include/uapi/linux/if_tunnel.h (IFLA_GRE_*), net/ipv6/ip6_gre.c (ip6gre_policy, ip6gre_changelink,
 * ip6gre_fill_info).
 */
import { ipv6 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { greAttrs, greHeader } from "../tunnels/gre.ts";
import { defaults6, encap, ends6, external, externalAlone, header6 } from "../tunnels/outer.ts";

/** Generic routing encapsulation over IPv6, with Ethernet frames inside. */
export const ip6gretap = linkKind({
  kind: "ip6gretap",
  wire: greAttrs(ipv6),
  whole: true,
  options: { ...ends6, ...header6, ...greHeader, ...encap, external },
  defaults: defaults6,
  check: externalAlone,
});
