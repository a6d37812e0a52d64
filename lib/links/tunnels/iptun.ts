/**
 * The table of attributes that the tunnels without a header of their own share: ipip, sit and ip6tnl.
 *
 * Source: include/uapi/linux/if_tunnel.h (IFLA_IPTUN_*), net/ipv4/ipip.c (ipip_policy, ipip_fill_info), net/ipv6/sit.c
 * (ipip6_policy, ipip6_fill_info), net/ipv6/ip6_tunnel.c (ip6_tnl_policy, ip6_tnl_fill_info).
 */
import { choice } from "../../shape/shape.ts";
import { at, attrs, bool, type Fixed, flag, ipv4, ipv6, u8, u16, u32 } from "../../wire/index.ts";
import { converted, type Option } from "../option.ts";
import { encapAttrs, flowinfo } from "./outer.ts";

/** The attributes, with addresses of the family of the outer packets, and the flags as wide as this kind has them. */
export const iptunAttrs = <I, O>(ip: Fixed<string>, flags: Fixed<I, O>) =>
  attrs("IFLA_IPTUN", {
    link: at(1, u32),
    local: at(2, ip),
    remote: at(3, ip),
    ttl: at(4, u8),
    tos: at(5, u8),
    encapLimit: at(6, u8),
    flowinfo: at(7, flowinfo),
    flags: at(8, flags),
    /** IP protocol of what is inside; 0 for any. */
    proto: at(9, u8),
    pmtudisc: at(10, bool),
    "6rdPrefix": at(11, ipv6),
    "6rdRelayPrefix": at(12, ipv4),
    "6rdPrefixlen": at(13, u16),
    "6rdRelayPrefixlen": at(14, u16),
    ...encapAttrs(15),
    collectMetadata: flag(19),
    fwmark: at(20, u32),
  });

/** A packet that can be sent round and round for its hops must not be cut up: Linux sets the bit in silence. */
export function checkPmtudisc({
  pmtudisc,
  ttl,
}: {
  readonly pmtudisc?: boolean;
  readonly ttl?: number | "inherit";
}): { readonly key: "pmtudisc"; readonly reason: string } | undefined {
  return pmtudisc === false && typeof ttl === "number"
    ? { key: "pmtudisc", reason: "false needs ttl: inherit" }
    : undefined;
}

/** IP protocols by iproute2's words for what is inside. */
const PROTOCOLS = { any: 0, ipip: 4, ip6ip: 41, mplsip: 137, ipip6: 4, ip6ip6: 41 } as const;
/** What is inside the outer packets. Same as: mode MODE */
export function mode<const N extends keyof typeof PROTOCOLS>(names: readonly N[], traits = {}): Option<N> {
  return converted<N, number>(
    "proto",
    choice(...names),
    (name) => PROTOCOLS[name],
    (number) => names.find((name) => PROTOCOLS[name] === number),
    traits,
  );
}
