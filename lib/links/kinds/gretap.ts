/** Source: include/uapi/linux/if_tunnel.h (IFLA_GRE_*), net/ipv4/ip_gre.c (ipgre_policy, ipgre_changelink, ipgre_fill_info). */
import { ipv4 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { checkGre4, greAttrs, greHeader, ignoreDf } from "../tunnels/gre.ts";
import { encap, ends4, external, externalAlone, header4 } from "../tunnels/outer.ts";

/** Generic routing encapsulation over IPv4, with Ethernet frames inside. */
export const gretap = linkKind({
  kind: "gretap",
  wire: greAttrs(ipv4),
  whole: true,
  options: { ...ends4, ...header4, ...greHeader, ignoreDf, ...encap, external },
  check: (options) => externalAlone(options) ?? checkGre4(options),
});
