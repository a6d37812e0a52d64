/** Source: include/uapi/linux/if_tunnel.h (IFLA_GRE_*), net/ipv4/ip_gre.c (ipgre_policy, ipgre_changelink, ipgre_fill_info). */
import { ipv4 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { checkGre4, greAttrs, greHeader, ignoreDf } from "../tunnels/gre.ts";
import { encap, external, externalAlone, header4, pointToPoint4 } from "../tunnels/outer.ts";

/** Generic routing encapsulation over IPv4, with packets of layer 3 inside. */
export const gre = linkKind({
  kind: "gre",
  wire: greAttrs(ipv4),
  whole: true,
  options: { ...pointToPoint4, ...header4, ...greHeader, ignoreDf, ...encap, external },
  check: (options) => externalAlone(options) ?? checkGre4(options),
});
