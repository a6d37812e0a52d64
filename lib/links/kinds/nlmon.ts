/** Source: drivers/net/nlmon.c (nlmon_link_ops): no attributes of its own. */
import { attrs } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";

/** A link on which the netlink messages of the namespace are seen, as by tcpdump. */
export const nlmon = linkKind({ kind: "nlmon", wire: attrs("IFLA_NLMON", {}), options: {} });
