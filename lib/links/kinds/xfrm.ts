/** Source: include/uapi/linux/if_link.h (IFLA_XFRM_*), net/xfrm/xfrm_interface_core.c (xfrmi_policy, xfrmi_changelink, xfrmi_fill_info). */
import { boolean, integer, linkName } from "../../shape/shape.ts";
import { at, attrs, flag, u32 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { flagged, reference, same } from "../option.ts";

/** A link for what IPsec policies and states of its number take. */
export const xfrm = linkKind({
  kind: "xfrm",
  wire: attrs("IFLA_XFRM", { link: at(1, u32), ifId: at(2, u32), collectMetadata: flag(3) }),
  whole: true,
  options: {
    /** Name of the link that the outer packets leave by. */
    dev: reference("link", linkName, { fixed: true }),
    /** The number that policies and states name, not 0. Same as: if_id IF_ID */
    ifId: same("ifId", integer(1, 0xffff_ffff)),
    /** Metadata mode: the number comes with each packet, from a route. Default false. Linux 6.2 and later. */
    external: flagged("collectMetadata", boolean, { fixed: true }),
  },
  complete({ ifId, external }) {
    return ifId === undefined && external !== true
      ? { key: "ifId", reason: "missing; an xfrm link needs it, or external: true" }
      : undefined;
  },
  check({ ifId, external }) {
    return ifId !== undefined && external === true
      ? { key: "ifId", reason: "comes with each packet where external is true; leave it out" }
      : undefined;
  },
});
