/** Tunnel headers of routes and nexthops in people's words, and both directions between them and the wire. */
import { address, boolean, check, choice, InputError, integer, list, type Shape, type Shapes } from "../shape/shape.ts";
import { canonicalIp } from "./lookup.ts";
import type { EncapIn, EncapOut } from "./lwtunnel.ts";

/** What a tunnel over IP adds to each packet. */
interface TunnelKey {
  /** Key or VNI of the tunnel, for the link that sends: a VXLAN or GRE with `external`. Up to 2^53 - 1. */
  readonly id?: number | undefined;
  /** Far end. */
  readonly dst?: string | undefined;
  /** Absent: the kernel chooses. */
  readonly src?: string | undefined;
  /** Time to live, 1 to 255. Absent: the link's. */
  readonly ttl?: number | undefined;
  /** Type of service, 0 to 255. */
  readonly tos?: number | undefined;
  /** Send the key, a checksum, sequence numbers: what GRE can. */
  readonly key?: boolean | undefined;
  readonly csum?: boolean | undefined;
  readonly seq?: boolean | undefined;
}
/** A tunnel header over IPv4. Same as: ip route add … encap ip id ID dst DST dev DEV */
export interface IpEncap extends TunnelKey {
  readonly type: "ip";
}
/** A tunnel header over IPv6. Same as: ip route add … encap ip6 … */
export interface Ip6Encap extends TunnelKey {
  readonly type: "ip6";
}
/** MPLS labels. Same as: ip route add … encap mpls 100/200 */
export interface MplsEncap {
  readonly type: "mpls";
  /** Outermost first, 0 to 1048575. */
  readonly labels: readonly number[];
  /** Time to live of the labels; absent: that of the packet. */
  readonly ttl?: number | undefined;
}
/** Segment routing over IPv6. Same as: ip route add … encap seg6 mode encap segs A,B */
export interface Seg6Encap {
  readonly type: "seg6";
  /** Default encap. */
  readonly mode?: Seg6Mode | undefined;
  /** IPv6 addresses in the order of travel. */
  readonly segments: readonly string[];
}
/** Any other header, as its bytes: a number of LWTUNNEL_ENCAP_* and the attributes that belong to it. */
export interface RawEncap {
  readonly type: number;
  readonly data: Uint8Array;
}
/** A header that is put before each packet. */
export type Encap = IpEncap | Ip6Encap | MplsEncap | Seg6Encap | RawEncap;

const MODES = ["inline", "encap", "l2encap", "encap.red", "l2encap.red"] as const;
type Seg6Mode = (typeof MODES)[number];

/** Bits of LWTUNNEL_IP_FLAGS. Source: include/uapi/linux/if_tunnel.h (TUNNEL_*). */
const FLAGS = { csum: 0x01, key: 0x04, seq: 0x08 } as const;

const tunnelKey = {
  id: integer(0, Number.MAX_SAFE_INTEGER),
  dst: address,
  src: address,
  ttl: integer(1, 255),
  tos: integer(0, 255),
  key: boolean,
  csum: boolean,
  seq: boolean,
} as const satisfies Shapes;
const SHAPES: Readonly<Record<string, Shapes>> = {
  ip: tunnelKey,
  ip6: tunnelKey,
  mpls: { labels: list(integer(0, 0xf_ffff)), ttl: integer(1, 255) },
  seg6: { mode: choice(...MODES), segments: list(address) },
};
const types = Object.keys(SHAPES);
const isBytes = (value: Encap): value is RawEncap => typeof value.type === "number";

/** What a header must look like at first sight; {@link checkEncap} looks closer. */
export const encapShape: Shape<Encap> = {
  expected: "a tunnel header such as { type: ip, id: 39, dst: 192.0.2.1 }, of type ip, ip6, mpls or seg6",
  json: {
    anyOf: Object.entries(SHAPES).map(([type, shapes]) => ({
      type: "object",
      properties: {
        type: { const: type },
        ...Object.fromEntries(Object.entries(shapes).map(([key, one]) => [key, one.json])),
      },
      required: ["type"],
      additionalProperties: false,
    })),
  },
  accepts(value): value is Encap {
    const { type, data } = (value ?? {}) as Partial<RawEncap>;
    return types.includes(type as never) || (integer(1, 0xffff).accepts(type) && data instanceof Uint8Array);
  },
};

/** @throws {InputError} for the first property of a header that is unknown, does not fit, or is missing. */
export function checkEncap(path: readonly string[], encap: Encap | undefined): void {
  if (encap === undefined || isBytes(encap)) return;
  const { type, ...rest } = encap;
  check(path, SHAPES[type] ?? {}, rest);
  const family = (key: string, value: string | undefined): void => {
    if (value !== undefined && value.includes(":") !== (type !== "ip"))
      throw new InputError([...path, key], `${value} is not of the family of a header of type ${type}`);
  };
  if (encap.type === "mpls") {
    if (encap.labels === undefined || encap.labels.length === 0)
      throw new InputError([...path, "labels"], "missing; expected a list of labels such as [100, 200]");
  } else if (encap.type === "seg6") {
    if (encap.segments === undefined || encap.segments.length === 0)
      throw new InputError([...path, "segments"], "missing; expected a list of IPv6 addresses");
    for (const [i, one] of encap.segments.entries()) family(`segments.${i}`, one);
  } else {
    family("dst", encap.dst);
    family("src", encap.src);
  }
}

/** A checked header in the one form in which the kernel's are shown: defaults filled in, texts by RFC 5952. */
export function canonicalEncap(encap: Encap): Encap {
  if (isBytes(encap) || encap.type === "mpls") return encap;
  if (encap.type === "seg6")
    return { ...encap, mode: encap.mode ?? "encap", segments: encap.segments.map(canonicalIp) };
  const ends = ["dst", "src"] as const;
  const given = ends.flatMap((key) => (encap[key] === undefined ? [] : [[key, canonicalIp(encap[key])]]));
  return { ...encap, ...Object.fromEntries(given) };
}

/** Bits of a label stack entry. */
const BOTTOM = 0x100;
const LABEL = 12;

/** The header on the wire. */
export function encapToWire(encap: Encap): EncapIn {
  switch (encap.type) {
    case "mpls": {
      const last = encap.labels.length - 1;
      const dst = encap.labels.map((label, i) => ((label << LABEL) | (i === last ? BOTTOM : 0)) >>> 0);
      return { type: "mpls", data: { dst, ttl: encap.ttl } };
    }
    case "seg6": {
      const mode = MODES.indexOf(encap.mode ?? "encap");
      // The place of the packet's own destination, which becomes the last segment.
      const segments = mode === 0 ? [...encap.segments, "::"] : encap.segments;
      return { type: "seg6", data: { srh: { mode, segments } } };
    }
    case "ip":
    case "ip6": {
      const { type, id, dst, src, ttl, tos } = encap;
      const bits = Object.entries(FLAGS).reduce(
        (all, [key, bit]) => (encap[key as keyof typeof FLAGS] === true ? all | bit : all),
        0,
      );
      const common = { id: id === undefined ? undefined : BigInt(id), dst, src, flags: bits === 0 ? undefined : bits };
      return type === "ip"
        ? { type, data: { ...common, ttl, tos } }
        : { type, data: { ...common, hoplimit: ttl, tc: tos } };
    }
    default:
      return encap;
  }
}

const given = (object: object): object =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
const set = (value: number | undefined): number | undefined => (value === 0 ? undefined : value);
const specified = (value: string | undefined): string | undefined =>
  value === "0.0.0.0" || value === "::" ? undefined : value;

/** A header in people's words. What has no word stays what it is on the wire, under its type. */
export function encapFromWire(encap: EncapOut): Encap {
  switch (encap.type) {
    case "mpls": {
      const labels = (encap.data.dst ?? []).map((entry) => entry >>> LABEL);
      return { type: "mpls", labels, ...given({ ttl: set(encap.data.ttl) }) };
    }
    case "seg6": {
      const { mode = 1, segments = [] } = encap.data.srh ?? {};
      return {
        type: "seg6",
        mode: MODES[mode] ?? "encap",
        segments: mode === 0 ? segments.slice(0, -1) : segments,
      };
    }
    case "ip":
    case "ip6": {
      const { id, dst, src, flags = 0 } = encap.data;
      const [ttl, tos] = encap.type === "ip" ? [encap.data.ttl, encap.data.tos] : [encap.data.hoplimit, encap.data.tc];
      const words = Object.entries(FLAGS).filter(([, bit]) => (flags & bit) !== 0);
      return {
        type: encap.type,
        ...given({ id: id === undefined ? undefined : Number(id), dst: specified(dst), src: specified(src) }),
        ...given({ ttl: set(ttl), tos: set(tos) }),
        ...Object.fromEntries(words.map(([key]) => [key, true])),
      };
    }
    default:
      return encap;
  }
}
