/** Source: include/uapi/linux/if_tunnel.h (IFLA_VTI_*), net/ipv6/ip6_vti.c (vti6_policy, vti6_changelink, vti6_fill_info). */
import { ipv6 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { ends6 } from "../tunnels/outer.ts";
import { vtiAttrs, vtiMarks } from "../tunnels/vti.ts";

/** A link for what an IPsec policy over IPv6 takes. */
export const vti6 = linkKind({
  kind: "vti6",
  wire: vtiAttrs(ipv6),
  whole: true,
  options: { ...ends6, ...vtiMarks },
});
