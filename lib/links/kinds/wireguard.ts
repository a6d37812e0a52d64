/**
 * Source: drivers/net/wireguard/device.c (link_ops): no attributes of its own. Keys and peers are told and set over
 * generic netlink, by the service of that name.
 */
import { attrs } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";

/** A tunnel over UDP, encrypted, of layer 3. */
export const wireguard = linkKind({ kind: "wireguard", wire: attrs("IFLA_WIREGUARD", {}), options: {} });
