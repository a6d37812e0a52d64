/**
 * Options of the outer packet that several kinds of tunnels share. Their attributes have one name in every table.
 *
 * Source: include/uapi/linux/if_tunnel.h (TUNNEL_ENCAP_*), include/uapi/linux/ip6_tunnel.h (IP6_TNL_F_*),
 * net/ipv4/ip_tunnel.c (ip_tunnel_netlink_encap_parms, ip_tunnel_netlink_parms), net/ipv6/ip6_tunnel.c.
 */
import { isIPv4, isIPv6 } from "../../shape/ip.ts";
import { boolean, choice, integer, linkName, type Shape } from "../../shape/shape.ts";
import { at, be16, be32, bits, mapped, oneOf, u16, u32 } from "../../wire/index.ts";
import { converted, custom, flagged, type Option, reference, same } from "../option.ts";

export const ipv4Address: Shape<string> = {
  expected: "an IPv4 address",
  json: { type: "string", format: "ipv4" },
  accepts: (value): value is string => typeof value === "string" && isIPv4(value),
};
export const ipv6Address: Shape<string> = {
  expected: "an IPv6 address without zone",
  json: { type: "string", format: "ipv6" },
  accepts: (value): value is string => typeof value === "string" && isIPv6(value) && !value.includes("%"),
};
/** A number, or a word instead of it. */
export function orWord<const W extends string>(number: Shape<number>, word: W): Shape<number | W> {
  return {
    expected: `${number.expected}, or ${word}`,
    json: { anyOf: [number.json, { const: word }] },
    accepts: (value): value is number | W => value === word || number.accepts(value),
  };
}
const byte = integer(0, 255);
export const mark = integer(0, 0xffff_ffff);

/** One end of a tunnel; the kernel tells an unspecified address where it has none. */
function end(key: "local" | "remote", shape: Shape<string>, traits: object = {}): Option<string> {
  const none = shape === ipv4Address ? "0.0.0.0" : "::";
  const asIs = (value: string): string => value;
  return converted(key, shape, asIs, (value: string) => (value === none ? undefined : value), { none, ...traits });
}
/** Whether packets have one far end is part of what the link is: the kernel takes another far end, and none for one. */
const POINT_TO_POINT = { inPlace: (from: string | undefined) => from !== undefined };

/** Name of the link that the outer packets leave by; default: what the routes say. Same as: dev DEV */
const dev = reference("link", linkName);
/** Hops of the outer packets, 1 to 255, or `inherit` for the inner packet's. Same as: ttl TTL */
const ttl = converted<number | "inherit", number>(
  "ttl",
  orWord(integer(1, 255), "inherit"),
  (value) => (value === "inherit" ? 0 : value),
  (value) => (value === 0 ? "inherit" : value),
);

/** The ends of a tunnel over IPv4. */
export const ends4 = {
  dev,
  /** Source of the outer packets; default: what the routes say. */
  local: end("local", ipv4Address),
  /** The far end; default none, as for a link that hears from many. */
  remote: end("remote", ipv4Address),
};
/** The ends of a tunnel over IPv4 that has packets of layer 3 inside. */
export const pointToPoint4 = { ...ends4, remote: end("remote", ipv4Address, POINT_TO_POINT) };
/** The ends of a tunnel over IPv6. */
export const ends6 = {
  dev,
  /** Source of the outer packets; default: what the routes say. */
  local: end("local", ipv6Address),
  /** The far end; default none. */
  remote: end("remote", ipv6Address),
};
/** Mark of the outer packets, for routing and filters; default 0. Same as: fwmark MARK */
export const fwmark: Option<number> = same("fwmark", mark);

/** The outer IPv4 header. */
export const header4 = {
  /** Default `inherit`. */
  ttl,
  /** Traffic class of the outer packets; 1 means the inner packet's. Default 0. */
  tos: same("tos", byte),
  /** Whether the path's MTU is found out, which sets the don't-fragment bit. Default true. */
  pmtudisc: same("pmtudisc", boolean),
  fwmark,
};

/** Bits of the attribute `flags` of tunnels over IPv6. The kernel tells more, which are its own. */
export const TUNNEL_FLAGS = {
  ignEncapLimit: 0x1,
  useOrigTclass: 0x2,
  useOrigFlowlabel: 0x4,
  mip6Dev: 0x8,
  rcvDscpCopy: 0x10,
  useOrigFwmark: 0x20,
  allowLocalRemote: 0x40,
};
export const tunnelFlags6 = bits(u32, TUNNEL_FLAGS);
export interface Flow {
  readonly tclass?: number;
  readonly label?: number;
}
/** Traffic class and flow label as they stand in an IPv6 header. */
export const flowinfo = mapped<Flow, number>(
  be32,
  "traffic class and flow label",
  ({ tclass = 0, label = 0 }) => ((tclass << 20) | label) >>> 0,
  (number) => ({ tclass: (number >>> 20) & 0xff, label: number & 0xf_ffff }),
);
type Wire = Readonly<Record<string, unknown>>;
/** Whether a bit of a set of bits is set. */
export const hasBit = (wire: Wire, key: string, bit: string): boolean =>
  (wire[key] as Wire | undefined)?.[bit] === true;

/** A number of the attribute `key`, or a word that a flag stands for. */
function unlessFlag<const W extends string>(
  key: string,
  bit: string,
  word: W,
  number: Shape<number>,
  write: (value: number) => unknown,
  read: (value: never) => number | undefined,
): Option<number | W> {
  return custom<number | W>(
    [key, "flags"],
    orWord(number, word),
    (value) => ({ ...(value === word ? {} : { [key]: write(value as number) }), flags: { [bit]: value === word } }),
    (wire) => {
      if (hasBit(wire, "flags", bit)) return word;
      return wire[key] === undefined ? undefined : read(wire[key] as never);
    },
  );
}
const asIs = (value: number): number => value;

/** The outer IPv6 header. */
export const header6 = {
  /** Default 64. */
  ttl,
  /** How many more tunnels may be around the packet, default 4; `none` leaves that header out. Same as: encaplimit ELIM */
  encaplimit: unlessFlag("encapLimit", "ignEncapLimit", "none", byte, asIs, asIs),
  /** Traffic class of the outer packets, or `inherit` for the inner packet's. Default 0. Same as: tclass TCLASS */
  tclass: unlessFlag(
    "flowinfo",
    "useOrigTclass",
    "inherit",
    byte,
    (tclass) => ({ tclass }),
    (flow: Flow) => flow.tclass,
  ),
  /** Flow label of the outer packets, 20 bits, or `inherit` for the inner packet's. Default 0. */
  flowlabel: unlessFlag(
    "flowinfo",
    "useOrigFlowlabel",
    "inherit",
    integer(0, 0xf_ffff),
    (label) => ({ label }),
    (flow: Flow) => flow.label,
  ),
  /** What the inner packet's DSCP becomes on arrival: `keep` (default), or `inherit` the outer one. Same as: dscp inherit */
  dscp: custom<"keep" | "inherit">(
    ["flags"],
    choice("keep", "inherit"),
    (value) => ({ flags: { rcvDscpCopy: value === "inherit" } }),
    (wire) => (wire["flags"] === undefined ? undefined : hasBit(wire, "flags", "rcvDscpCopy") ? "inherit" : "keep"),
  ),
  /** Whether the far end may be an address of this host. Default false. Same as: allow-localremote */
  allowLocalremote: custom(
    ["flags"],
    boolean,
    (value) => ({ flags: { allowLocalRemote: value } }),
    (wire) => (wire["flags"] === undefined ? undefined : hasBit(wire, "flags", "allowLocalRemote")),
  ),
  /** Mark of the outer packets, or `inherit` for the inner packet's. Default 0. */
  fwmark: unlessFlag("fwmark", "useOrigFwmark", "inherit", mark, asIs, asIs),
};
/** What a tunnel over IPv6 has unless told: the kernel's own zero would forbid tunnels inside. As iproute2. */
export const defaults6 = ({ external }: { readonly external?: boolean }) =>
  external === true ? {} : ({ ttl: 64, encaplimit: 4 } as const);

/** UDP around the tunnel: attributes from `first` on. */
export const encapAttrs = (first: number) => ({
  encapType: at(first, oneOf(u16, { none: 0, fou: 1, gue: 2, mpls: 3 })),
  encapFlags: at(first + 1, bits(u16, { csum: 0x1, csum6: 0x2, remcsum: 0x4 })),
  encapSport: at(first + 2, be16),
  encapDport: at(first + 3, be16),
});
const encapBit = (bit: "csum" | "csum6" | "remcsum"): Option<boolean> =>
  custom(
    ["encapFlags"],
    boolean,
    (value) => ({ encapFlags: { [bit]: value } }),
    (wire) => (wire["encapFlags"] === undefined ? undefined : hasBit(wire, "encapFlags", bit)),
  );
const port = integer(0, 0xffff);
/** UDP around the tunnel. */
export const encap = {
  /** Foo-over-UDP or generic UDP encapsulation around the tunnel, default `none`. Needs a kernel with `fou`. */
  encap: same("encapType", choice("none", "fou", "gue")),
  /** UDP source port; 0, the default, takes one for each flow. Same as: encap-sport PORT */
  encapSport: same("encapSport", port),
  /** UDP destination port. Same as: encap-dport PORT */
  encapDport: same("encapDport", port),
  /** Whether UDP over IPv4 has a checksum. */
  encapCsum: encapBit("csum"),
  /** Whether UDP over IPv6 has a checksum. */
  encapCsum6: encapBit("csum6"),
  /** Remote checksum offload. */
  encapRemcsum: encapBit("remcsum"),
};

/** Metadata mode: the far end comes with each packet, from a route or a filter. Default false. */
export const external: Option<boolean> = flagged("collectMetadata", boolean, { ignored: true });

/** Says what is wrong with an `external` tunnel that also names a far end. */
export function externalAlone(options: {
  readonly external?: boolean;
  readonly remote?: string;
}): { readonly key: "remote"; readonly reason: string } | undefined {
  return options.external === true && options.remote !== undefined
    ? { key: "remote", reason: "comes with each packet where external is true; leave it out" }
    : undefined;
}
