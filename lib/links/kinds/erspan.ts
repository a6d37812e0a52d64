/** Source: include/uapi/linux/if_tunnel.h (IFLA_GRE_*), net/ipv4/ip_gre.c (ipgre_policy, erspan_validate, erspan_fill_info). */
import { ipv4 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { checkErspan, completeErspan, defaultsErspan, erspanHeader, greAttrs, greHeader } from "../tunnels/gre.ts";
import { ends4, external, externalAlone, header4 } from "../tunnels/outer.ts";

const { ikey, okey, iseq, oseq } = greHeader;

/** Mirrored Ethernet frames over GRE over IPv4. `okey` is the session. */
export const erspan = linkKind({
  kind: "erspan",
  wire: greAttrs(ipv4),
  whole: true,
  options: { ...ends4, ...header4, ikey, okey, iseq, oseq, ...erspanHeader, external },
  defaults: defaultsErspan,
  complete: completeErspan,
  check: (options) => externalAlone(options) ?? checkErspan(options),
});
