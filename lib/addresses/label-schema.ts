/**
 * Labels of addresses on the wire.
 *
 * Source: include/uapi/linux/if_addrlabel.h (IFAL_*, struct ifaddrlblmsg), net/ipv6/addrlabel.c (ifal_policy,
 * ip6addrlbl_fill).
 */
import { RTM_DELADDRLABEL, RTM_GETADDRLABEL, RTM_NEWADDRLABEL } from "../families/route.ts";
import { at, attrs, body, ipv6, message, struct, u8, u32 } from "../wire/index.ts";

/** `index` is that of a link, 0 for all; `seq` counts the changes of the table. */
export const ifaddrlblmsg = struct("ifaddrlblmsg", {
  family: u8,
  _reserved: u8,
  prefixlen: u8,
  flags: u8,
  index: u32,
  seq: u32,
});
export const ifal = attrs("IFAL", { address: at(1, ipv6), label: at(2, u32) });

const payload = body(ifaddrlblmsg, ifal);
export const newaddrlabel = message("RTM_NEWADDRLABEL", RTM_NEWADDRLABEL, payload);
export const deladdrlabel = message("RTM_DELADDRLABEL", RTM_DELADDRLABEL, payload);
export const getaddrlabel = message("RTM_GETADDRLABEL", RTM_GETADDRLABEL, payload);
