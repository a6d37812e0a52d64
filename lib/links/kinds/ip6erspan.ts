/** Source: include/uapi/linux/if_tunnel.h (IFLA_GRE_*), net/ipv6/ip6_gre.c (ip6gre_policy, ip6erspan_tap_validate, ip6gre_fill_info). */
import { ipv6 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { checkErspan, completeErspan, defaultsErspan, erspanHeader, greAttrs, greHeader } from "../tunnels/gre.ts";
import { defaults6, ends6, external, externalAlone, header6 } from "../tunnels/outer.ts";

const { ikey, okey, iseq, oseq } = greHeader;

/** Mirrored Ethernet frames over GRE over IPv6. `okey` is the session. */
export const ip6erspan = linkKind({
  kind: "ip6erspan",
  wire: greAttrs(ipv6),
  whole: true,
  options: { ...ends6, ...header6, ikey, okey, iseq, oseq, ...erspanHeader, external },
  defaults: (options) => ({ ...defaults6(options), ...defaultsErspan(options) }),
  complete: completeErspan,
  check: (options) => externalAlone(options) ?? checkErspan(options),
});
