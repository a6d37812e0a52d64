/**
 * Messages of the family `fou`.
 *
 * Source: include/uapi/linux/fou.h (FOU_ATTR_*, FOU_CMD_*, FOU_ENCAP_*), net/ipv4/fou.c (fou_nl_policy, parse_nl_config,
 * fou_fill_info). Ports and addresses are in network order.
 */
import { at, attrs, be16, flag, ipv4, ipv6, oneOf, s32, u8 } from "../wire/index.ts";

/** The name of the family. */
export const FOU_GENL_NAME = "fou";
/** The version of the family that requests are written for. */
export const FOU_GENL_VERSION = 1;
/** Opens a port. */
export const FOU_CMD_ADD = 1;
/** Closes a port. */
export const FOU_CMD_DEL = 2;
/** Asks for one port, or for all of them. */
export const FOU_CMD_GET = 3;

/** A port. */
export const fouPort = attrs("FOU_ATTR", {
  port: at(1, be16),
  /** AF_INET or AF_INET6. */
  af: at(2, u8),
  ipproto: at(3, u8),
  type: at(4, oneOf(u8, { direct: 1, gue: 2 })),
  remcsumNopartial: flag(5),
  localV4: at(6, ipv4),
  localV6: at(7, ipv6),
  peerV4: at(8, ipv4),
  peerV6: at(9, ipv6),
  peerPort: at(10, be16),
  ifindex: at(11, s32),
});
