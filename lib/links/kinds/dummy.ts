/** Source: drivers/net/dummy.c (dummy_link_ops): no attributes of its own. */
import { attrs } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";

/** A link that drops what it is given; for addresses that belong to no other link. */
export const dummy = linkKind({ kind: "dummy", wire: attrs("IFLA_DUMMY", {}), options: {} });
