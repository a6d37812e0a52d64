/**
 * What the kinds of GRE share: one table of attributes, keys and sequence numbers.
 *
 * Source: include/uapi/linux/if_tunnel.h (IFLA_GRE_*, GRE_*), net/ipv4/ip_gre.c (ipgre_policy, ipgre_fill_info,
 * erspan_fill_info), net/ipv6/ip6_gre.c (ip6gre_policy, ip6gre_fill_info). Keys, flags and ports are in network order,
 * the rest is not.
 */
import { boolean, choice, integer } from "../../shape/shape.ts";
import { at, attrs, be16, be32, bits, bool, type Fixed, flag, oneOf, u8, u16, u32 } from "../../wire/index.ts";
import { custom, type Option, same } from "../option.ts";
import { encapAttrs, flowinfo, hasBit, mark, tunnelFlags6 } from "./outer.ts";

const greFlags = bits(be16, { csum: 0x8000, routing: 0x4000, key: 0x2000, seq: 0x1000 });

/** The attributes, with addresses of the family of the outer packets. */
export const greAttrs = (ip: Fixed<string>) =>
  attrs("IFLA_GRE", {
    link: at(1, u32),
    /** What packets that come in carry. */
    iflags: at(2, greFlags),
    /** What packets that go out carry. */
    oflags: at(3, greFlags),
    ikey: at(4, be32),
    okey: at(5, be32),
    local: at(6, ip),
    remote: at(7, ip),
    ttl: at(8, u8),
    tos: at(9, u8),
    pmtudisc: at(10, bool),
    encapLimit: at(11, u8),
    flowinfo: at(12, flowinfo),
    flags: at(13, tunnelFlags6),
    ...encapAttrs(14),
    collectMetadata: flag(18),
    ignoreDf: at(19, bool),
    fwmark: at(20, u32),
    erspanIndex: at(21, u32),
    erspanVer: at(22, u8),
    erspanDir: at(23, oneOf(u8, { ingress: 0, egress: 1 })),
    erspanHwid: at(24, u16),
  });

/** A key counts only together with its flag. */
function key(key: "ikey" | "okey", flags: "iflags" | "oflags"): Option<number> {
  return custom(
    [key, flags],
    mark,
    (value) => ({ [key]: value, [flags]: { key: true } }),
    (wire) => (hasBit(wire, flags, "key") ? (wire[key] as number | undefined) : undefined),
  );
}
function switchOf(flags: "iflags" | "oflags", bit: "seq" | "csum"): Option<boolean> {
  return custom(
    [flags],
    boolean,
    (value) => ({ [flags]: { [bit]: value } }),
    (wire) => (wire[flags] === undefined ? undefined : hasBit(wire, flags, bit)),
  );
}
/** What the GRE header carries. The word `key` of iproute2 means `ikey` and `okey`; so do `seq` and `csum`. */
export const greHeader = {
  /** Key that packets must have to come in, 32 bits; default none. */
  ikey: key("ikey", "iflags"),
  /** Key of packets that go out, 32 bits; default none. */
  okey: key("okey", "oflags"),
  /** Whether packets that come in must be in order. Default false. */
  iseq: switchOf("iflags", "seq"),
  /** Whether packets that go out are numbered. Default false. */
  oseq: switchOf("oflags", "seq"),
  /** Whether packets that come in must have a checksum. Default false. */
  icsum: switchOf("iflags", "csum"),
  /** Whether packets that go out have a checksum. Default false. */
  ocsum: switchOf("oflags", "csum"),
};
/** Whether packets are cut up although they ask not to be; needs `pmtudisc: false`. Default false. Same as: ignore-df */
export const ignoreDf: Option<boolean> = same("ignoreDf", boolean);

/** Says what is wrong with options of GRE over IPv4 together. */
export function checkGre4(options: {
  readonly ignoreDf?: boolean;
  readonly pmtudisc?: boolean;
}): { readonly key: "ignoreDf"; readonly reason: string } | undefined {
  return options.ignoreDf === true && options.pmtudisc !== false
    ? { key: "ignoreDf", reason: "needs pmtudisc: false" }
    : undefined;
}

/** Bits that an ERSPAN header has for the session. */
const SESSION = 0x3ff;
/** What the ERSPAN header carries. */
export const erspanHeader = {
  /** Version: 1 (default), 2, and over IPv4 also 0. Same as: erspan_ver VERSION */
  erspanVer: same("erspanVer", integer(0, 2)),
  /** Index of the mirrored port, 20 bits, in version 1. Default 0. Same as: erspan IDX */
  erspan: same("erspanIndex", integer(0, 0xf_ffff)),
  /** Which way the mirrored packets went, in version 2. Default `ingress`. Same as: erspan_dir DIRECTION */
  erspanDir: same("erspanDir", choice("ingress", "egress")),
  /** Number of the mirroring engine, 6 bits, in version 2. Default 0. Same as: erspan_hwid HWID */
  erspanHwid: same("erspanHwid", integer(0, 0x3f)),
};
interface Erspan {
  readonly external?: boolean;
  readonly erspanVer?: number;
  readonly okey?: number;
}
/** The kernel wants ERSPAN numbered, and with a session, but for version 0, which has no GRE header fields at all. */
const numbered = ({ external, erspanVer }: Erspan): boolean => external !== true && erspanVer !== 0;
export const defaultsErspan = (options: Erspan) => (numbered(options) ? { iseq: true, oseq: true } : {});
export function completeErspan(options: Erspan): { readonly key: "okey"; readonly reason: string } | undefined {
  return numbered(options) && options.okey === undefined
    ? { key: "okey", reason: "missing; it is the session, 0 to 1023" }
    : undefined;
}
export function checkErspan({ okey = 0 }: Erspan): { readonly key: "okey"; readonly reason: string } | undefined {
  return okey > SESSION ? { key: "okey", reason: `${okey} is no session; these are 0 to ${SESSION}` } : undefined;
}
