/** Source: include/uapi/linux/if_tunnel.h (IFLA_IPTUN_*), net/ipv4/ipip.c (ipip_policy, ipip_changelink, ipip_fill_info). */
import { ipv4, u16 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { checkPmtudisc, iptunAttrs, mode } from "../tunnels/iptun.ts";
import { encap, external, externalAlone, header4, pointToPoint4 } from "../tunnels/outer.ts";

/** IPv4 in IPv4. */
export const ipip = linkKind({
  kind: "ipip",
  wire: iptunAttrs(ipv4, u16),
  whole: true,
  options: {
    ...pointToPoint4,
    ...header4,
    /** What is inside, default `ipip`. */
    mode: mode(["ipip", "mplsip", "any"], { ignored: true }),
    ...encap,
    external,
  },
  check: (options) => externalAlone(options) ?? checkPmtudisc(options),
});
