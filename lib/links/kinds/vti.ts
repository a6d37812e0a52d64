/** Source: include/uapi/linux/if_tunnel.h (IFLA_VTI_*), net/ipv4/ip_vti.c (vti_policy, vti_changelink, vti_fill_info). */
import { ipv4 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { pointToPoint4 } from "../tunnels/outer.ts";
import { vtiAttrs, vtiMarks } from "../tunnels/vti.ts";

/** A link for what an IPsec policy over IPv4 takes. */
export const vti = linkKind({
  kind: "vti",
  wire: vtiAttrs(ipv4),
  whole: true,
  options: { ...pointToPoint4, ...vtiMarks },
});
