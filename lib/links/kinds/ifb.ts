/** Source: drivers/net/ifb.c (ifb_link_ops): no attributes of its own. */
import { attrs } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";

/** A link that traffic of others is sent through, so that what comes in can be queued. */
export const ifb = linkKind({ kind: "ifb", wire: attrs("IFLA_IFB", {}), options: {} });
