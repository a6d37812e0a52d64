/**
 * Tunnel headers that a route or a nexthop puts before packets (lightweight tunnels) on the wire.
 *
 * Source: include/uapi/linux/lwtunnel.h (LWTUNNEL_*), include/uapi/linux/mpls_iptunnel.h, include/uapi/linux/seg6_iptunnel.h,
 * include/uapi/linux/seg6.h (struct ipv6_sr_hdr), net/ipv4/ip_tunnel_core.c (ip_tun_policy, ip6_tun_policy,
 * ip_tun_fill_encap_info), net/mpls/mpls_iptunnel.c (mpls_iptunnel_policy, mpls_encap_fill_encap_info),
 * net/ipv6/seg6_iptunnel.c (seg6_iptunnel_policy, seg6_fill_encap_info).
 */
import {
  type AttrsIn,
  type AttrsOut,
  array,
  at,
  attrs,
  be16,
  be32,
  be64,
  bytes,
  type Codec,
  type Field,
  HEADER,
  ipv4,
  ipv6,
  type Nest,
  NUMBER,
  padding,
  type Reader,
  u8,
  u16,
  WireError,
} from "../wire/index.ts";

/** Options of Geneve and others are not taken apart. */
export const lwtunnelIp = attrs("LWTUNNEL_IP", {
  id: at(1, be64),
  dst: at(2, ipv4),
  src: at(3, ipv4),
  tos: at(5, u8),
  ttl: at(4, u8),
  flags: at(6, be16),
  pad: padding(7),
  opts: at(8, bytes),
});
export const lwtunnelIp6 = attrs("LWTUNNEL_IP6", {
  id: at(1, be64),
  dst: at(2, ipv6),
  src: at(3, ipv6),
  tc: at(5, u8),
  hoplimit: at(4, u8),
  flags: at(6, be16),
  pad: padding(7),
  opts: at(8, bytes),
});
export const mplsIptunnel = attrs("MPLS_IPTUNNEL", {
  /** Label stack entries: 20 bits of label, 3 of class, 1 that marks the last, 8 of time to live. */
  dst: at(1, array(be32)),
  ttl: at(2, u8),
});

/** A segment routing header; `segments` are in the order of travel. */
export interface SegmentRouting {
  /** SEG6_IPTUN_MODE_*. */
  readonly mode: number;
  readonly segments: readonly string[];
}
/** struct seg6_iptunnel_encap: the mode, then a routing header of type 4 with its segments from last to first. */
const SRH = 12;
const ROUTING_TYPE = 4;
const srh: Codec<SegmentRouting> = {
  name: "seg6_iptunnel_encap",
  write(out, { mode, segments }) {
    const begin = out.take(SRH);
    out.u32[begin >> 2] = mode;
    out.u8[begin + 5] = 2 * segments.length;
    out.u8[begin + 6] = ROUTING_TYPE;
    out.u8[begin + 7] = out.u8[begin + 8] = segments.length - 1;
    for (const one of segments.toReversed()) ipv6.write(out, one);
  },
  // An HMAC may follow the segments: it is not shown.
  read(from, start, end) {
    const count = (from.u8[start + 8] as number) + 1;
    if (start + SRH + 16 * count > end || from.u8[start + 6] !== ROUTING_TYPE)
      throw new WireError("this form of a segment routing header is not known");
    const segments = Array.from({ length: count }, (_, i) => {
      const begin = start + SRH + 16 * i;
      return ipv6.read(from, begin, begin + 16);
    });
    return { mode: from.u32[start >> 2] as number, segments: segments.reverse() };
  },
};
export const seg6Iptunnel = attrs("SEG6_IPTUNNEL", { srh: at(1, srh) });

/** LWTUNNEL_ENCAP_* of the headers that are taken apart. */
const TYPES = { mpls: 1, ip: 2, ip6: 4, seg6: 5 } as const;
const SCHEMAS = { mpls: mplsIptunnel, ip: lwtunnelIp, ip6: lwtunnelIp6, seg6: seg6Iptunnel } as const;
type Kind = keyof typeof SCHEMAS;
type Tunnel<Way extends "in" | "out"> = {
  [K in Kind]: {
    readonly type: K;
    readonly data: Way extends "in" ? AttrsIn<(typeof SCHEMAS)[K]["fields"]> : AttrsOut<(typeof SCHEMAS)[K]["fields"]>;
  };
}[Kind];
/** A header as its bytes, by its number. */
interface Bytes {
  readonly type: number;
  readonly data: Uint8Array;
}
export type EncapIn = Tunnel<"in"> | Bytes;
export type EncapOut = Tunnel<"out"> | Bytes;

const NESTED = 0x8000;
const kinds = new Map<number, Kind>((Object.keys(TYPES) as Kind[]).map((kind) => [TYPES[kind], kind]));

/** The payload of the attribute `number`. */
function payloadOf(from: Reader, number: number, { start, end }: Nest): Nest | undefined {
  for (let at = start; at + HEADER <= end; ) {
    const length = from.u16[at >> 1] as number;
    if (length < HEADER || at + length > end) return undefined;
    if (((from.u16[(at >> 1) + 1] as number) & NUMBER) === number) return { start: at + HEADER, end: at + length };
    at += (length + 3) & ~3;
  }
  return undefined;
}

/** Two attributes, where the number in the first says what the second means. */
export function encapAt(typeNumber: number, dataNumber: number): Field<EncapIn, EncapOut> {
  const typeOf = (from: Reader, nest: Nest): number => {
    const hit = payloadOf(from, typeNumber, nest);
    return hit === undefined ? 0 : u16.read(from, hit.start, hit.end);
  };
  return {
    claims: [typeNumber, dataNumber],
    write(out, { type, data }) {
      const begin = out.begin(typeNumber);
      u16.write(out, typeof type === "number" ? type : TYPES[type]);
      out.end(begin);
      const nest = out.begin(dataNumber | NESTED);
      const codec: Codec<never, unknown> = typeof type === "number" ? bytes : SCHEMAS[type];
      codec.write(out, data as never);
      out.end(nest);
    },
    read(from, number, start, end, before, nest) {
      if (number === typeNumber) return before;
      const type = typeOf(from, nest);
      const kind = kinds.get(type);
      if (kind === undefined) return { type, data: bytes.read(from, start, end) };
      return { type: kind, data: SCHEMAS[kind].read(from, start, end) } as EncapOut;
    },
    open(from, number, nest) {
      const kind = number === dataNumber ? kinds.get(typeOf(from, nest)) : undefined;
      return kind === undefined ? {} : { codec: SCHEMAS[kind] };
    },
  };
}
