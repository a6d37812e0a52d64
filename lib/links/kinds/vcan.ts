/** Source: drivers/net/can/vcan.c (vcan_link_ops): no attributes of its own. */
import { attrs } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";

/** A CAN bus that exists only in this host. */
export const vcan = linkKind({ kind: "vcan", wire: attrs("IFLA_VCAN", {}), options: {} });
