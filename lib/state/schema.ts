/**
 * The schema of a document. What an option of a kind of link looks like stands with the kind; here is only how a
 * document puts them together.
 */
import * as z from "zod";
import { shapesOf } from "../links/kind.ts";
import { probeShapes, probeWord } from "../probe/words.ts";
import {
  address,
  boolean,
  choice,
  integer,
  interfaceAddress,
  linkName,
  mac,
  network,
  problem,
  type Shape,
  type Shapes,
  shown,
  text,
} from "../shape/shape.ts";
import type { Writing } from "./entries/sort.ts";
import { SORTS } from "./entries/sorts.ts";
import { linkPattern } from "./ignore.ts";
import { asn, flood, hostName, overlayShapes, overlayVni, routerId, vrfTable } from "./overlay-words.ts";
import {
  deviceGroupShapes,
  kinds,
  linkShapes,
  portShapes,
  qdiscPlaceShapes,
  qdiscShapes,
  routeShapes,
  wireguardPeerShapes,
  wireguardShapes,
} from "./words.ts";

/** The version of the format that this library reads. */
export const VERSION = 1;

const shapes = new WeakMap<object, Shape<unknown>>();

function leaf<T>(shape: Shape<T>): z.ZodType<T> {
  const schema = z.custom<T>((value) => shape.accepts(value), {
    error: ({ input }) => (input === undefined ? `missing; expected ${shape.expected}` : (problem(shape, input) ?? "")),
  });
  shapes.set(schema, shape);
  return schema;
}
const optionals = new WeakMap<object, z.ZodType>();
/** Most kinds of links take the same, and a schema takes longer to make than to find. */
function optionalLeaf(shape: Shape<unknown>): z.ZodType {
  const known = optionals.get(shape) ?? leaf(shape).optional();
  optionals.set(shape, known);
  return known;
}
function optional(all: Shapes): Record<string, z.ZodType> {
  return Object.fromEntries(Object.entries(all).map(([key, shape]) => [key, optionalLeaf(shape)]));
}

/** The known keys travel in the message, for `issuesOf` to say what was meant. */
function object<S extends Record<string, z.ZodType>>(what: string, shape: S) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? Object.keys(shape).join(" ")
        : issue.input === undefined
          ? `missing; expected ${what}`
          : `expected ${what}, got ${shown(issue.input)}`,
  });
}
function listOf<T extends z.ZodType>(what: string, item: T) {
  return z.array(item, {
    error: ({ input }) => (input === undefined ? `missing; expected ${what}` : `expected ${what}, got ${shown(input)}`),
  });
}
function mapOf<T extends z.ZodType>(what: string, item: T) {
  return z.record(z.string(), item, {
    error: ({ input }) => (input === undefined ? `missing; expected ${what}` : `expected ${what}, got ${shown(input)}`),
  });
}

/** Bytes of an MTU that we set; Linux itself has other limits for some drivers. */
const mtuNumber = integer(68, 65_535, "bytes");
const mtu: Shape<number | "auto"> = {
  expected: "a whole number of bytes from 68 to 65535, or auto",
  json: { anyOf: [mtuNumber.json, { const: "auto" }] },
  accepts: (value): value is number | "auto" => value === "auto" || mtuNumber.accepts(value),
};
const state = choice("present", "absent");
/** What either of two shapes accepts. */
function either(one: Shape<unknown>, other: Shape<unknown>): Shape<unknown> {
  return {
    expected: `${one.expected}, or ${other.expected}`,
    json: { anyOf: [one.json, other.json] },
    accepts: (value): value is unknown => one.accepts(value) || other.accepts(value),
  };
}
const sysctl: Shape<number | string> = {
  expected: "a whole number or text",
  json: { anyOf: [{ type: "integer" }, { type: "string" }] },
  accepts: (value): value is number | string => typeof value === "string" || Number.isSafeInteger(value),
};
/** A name of an interface that somebody else made may be odder than those we make. */
export const anyLinkName: Shape<string> = {
  expected: "an interface name: 1 to 15 bytes without slash, white space and control characters",
  json: { type: "string", minLength: 1, maxLength: 15 },
  accepts: (value): value is string =>
    typeof value === "string" &&
    value !== "." &&
    value !== ".." &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
    /^[^/:\s\x00-\x1f\x7f]+$/.test(value) &&
    Buffer.byteLength(value) <= 15,
};

function entry({ shapes: all, needed }: Writing, left?: "dev"): Record<string, z.ZodType> {
  const kept = Object.entries(all).filter(([key]) => key !== left);
  return {
    ...Object.fromEntries(
      kept.map(([key, shape]) => [key, needed.includes(key) ? leaf(shape) : leaf(shape).optional()]),
    ),
    state: leaf(all["state"] === undefined ? state : either(all["state"], state)).optional(),
  };
}

/** The lists of entries in a link's entry, and those beside the links. */
function listsIn(place: "link" | "top", options: Shapes = {}): Record<string, z.ZodType> {
  const all = SORTS.filter(({ writing: { place: of, besideOption } }) => {
    const fits = besideOption === undefined || Object.hasOwn(options, besideOption);
    return (of === place || of === "both") && fits;
  });
  return Object.fromEntries(
    all.map(({ list, writing }) => {
      const item = itemIn(place, list, writing);
      return [list, listOf(`a list of ${writing.many}`, item).optional()];
    }),
  );
}

/** An entry, of each kind with its own properties. */
function mapIn(what: string, all: Record<string, z.ZodType>, ofKinds: Writing["kinds"]): z.ZodType {
  if (ofKinds === undefined) return object(what, all);
  const state = z.literal("absent", { error: "expected absent; an entry that shall be there has a kind" });
  const gone = object(what, { ...all, kind: z.undefined().optional(), state });
  const each = Object.entries(ofKinds).map(([kind, more]) =>
    object(what, { kind: z.literal(kind), ...all, ...optional(more) }),
  );
  const error = () => `expected ${what}, of the kinds ${Object.keys(ofKinds).join(", ")}`;
  return z.discriminatedUnion("kind", [gone, ...each] as never, { error });
}

const items = new Map<string, z.ZodType>();

/** What stands in a list: the same for links of all kinds, so that the schema says it once. */
function itemIn(place: "link" | "top", list: string, writing: Writing): z.ZodType {
  const inLink = place === "link";
  const key = inLink ? `${list}OfLink` : list;
  const known = items.get(key);
  if (known !== undefined) return known;
  const { short, one, inLink: told = one } = writing;
  const map = mapIn(inLink ? told : one, entry(writing, inLink ? "dev" : undefined), writing.kinds);
  const item: z.ZodType = short === undefined || !inLink ? map : z.union([leaf(short.shape), map]);
  const named = item.meta({ id: key });
  items.set(key, named);
  return named;
}

const onOff: Shape<boolean | "on" | "off"> = {
  expected: "true or false, or on or off",
  json: { enum: [true, false, "on", "off"] },
  accepts: (value): value is boolean | "on" | "off" => [true, false, "on", "off"].includes(value as boolean),
};
const SUCH_AS: Readonly<Record<string, string>> = {
  rings: "a map such as { rx: 512 }",
  channels: "a map such as { combined: 4 }",
  coalesce: "a map such as { rxUsecs: 50 }",
  pause: "a map such as { rx: false, tx: false }",
};
/** What devices are told; which features there are only the device knows. */
function ethtoolEntry(): z.ZodType {
  const groups = Object.entries(deviceGroupShapes);
  return object("a map such as { features: { tso: false }, rings: { rx: 512 } }", {
    features: mapOf("a map of features such as { tso: false }", leaf(onOff)).optional(),
    ...Object.fromEntries(
      groups.map(([group, all]) => [group, object(SUCH_AS[group] ?? "a map", optional(all)).optional()]),
    ),
  }).meta({ id: "ethtool" });
}
let device: z.ZodType | undefined;
/** The queue at the root of a link. */
function qdiscEntry(): z.ZodType {
  const what = "a map such as { kind: fq }";
  const each = Object.entries(qdiscShapes).map(([kind, all]) =>
    object(what, { kind: z.literal(kind), ...optional({ handle: qdiscPlaceShapes.handle, ...all }) }),
  );
  const gone = object("the map { state: absent }", { kind: z.undefined().optional(), state: z.literal("absent") });
  const error = () => `expected ${what}, of the kinds ${Object.keys(qdiscShapes).join(", ")}; or { state: absent }`;
  return z.discriminatedUnion("kind", [gone, ...each] as never, { error }).meta({ id: "qdisc" });
}
let queue: z.ZodType | undefined;

/** Keys of every link; those of the kind come to them. */
function linkEntry(kind: z.ZodType, options: Shapes, port: z.ZodType, more: Record<string, z.ZodType> = {}) {
  const common = Object.fromEntries(
    Object.entries(linkShapes).filter(([key]) => !["kind", "name", "mtu", "port", "carrier"].includes(key)),
  );
  device ??= ethtoolEntry();
  queue ??= qdiscEntry();
  return object("a map such as { kind: bridge, mtu: auto }", {
    kind,
    state: optionalLeaf(state),
    mtu: optionalLeaf(mtu),
    ...optional(common),
    ...optional(options),
    ...more,
    port,
    ethtool: device.optional(),
    qdisc: queue.optional(),
    ...listsIn("link", options),
    ...(Object.hasOwn(options, "vni") && {
      remotes: listOf("a list of addresses", leaf(address)).optional(),
      flood: leaf(flood).optional(),
    }),
  });
}

function kindSchema() {
  const port = object("a map of the link's options as a port of its bridge", optional(portShapes)).optional();
  const peer = object("a peer such as { publicKey: KEY, endpoint: '192.0.2.1:51820', allowedIps: [192.0.2.0/24] }", {
    ...optional(wireguardPeerShapes),
    publicKey: leaf(wireguardPeerShapes.publicKey),
  });
  // Keys and peers are told and set by a service of their own.
  const more: Readonly<Record<string, Record<string, z.ZodType>>> = {
    wireguard: { ...optional(wireguardShapes), peers: listOf("a list of peers", peer).optional() },
  };
  const each = Object.values(kinds).map(({ kind, options }) =>
    linkEntry(z.literal(kind), shapesOf(options), port, more[kind]),
  );
  // A link without a kind is one that is there already, such as a network card.
  return z.discriminatedUnion("kind", [linkEntry(z.undefined().optional(), {}, port), ...each] as never, {
    error: ({ input }) => `expected a map such as { kind: bridge, mtu: auto }, got ${shown(input)}`,
  });
}

const host = object("a map such as { underlay: eth0, vtep: 192.0.2.1 }", {
  underlay: leaf(anyLinkName).optional(),
  vtep: leaf(address).optional(),
  mtu: leaf(mtuNumber).optional(),
  routerId: leaf(routerId).optional(),
});
const gateways = "a list of addresses such as [192.0.2.1/24], or a map of them by host";
const overlay = object("a map such as { vni: 39, flood: unicast }", {
  ...optional(overlayShapes),
  vni: leaf(overlayVni),
  mtu: leaf(mtu).optional(),
  members: listOf("a list of hosts", leaf(hostName)).optional(),
  gateway: z
    .union([
      listOf(gateways, leaf(interfaceAddress)),
      mapOf(gateways, listOf("a list of addresses", leaf(interfaceAddress))),
    ])
    .optional(),
  staticMacs: mapOf("a map of hosts and the MAC addresses there", listOf("a list of MACs", leaf(mac))).optional(),
});
const vrf = object("a map such as { vni: 5000, table: 1100 }", {
  vni: leaf(overlayVni),
  table: leaf(vrfTable),
});
const evpn = object("a map such as { asn: 64512 }", {
  asn: leaf(asn),
  reflectors: listOf("a list of hosts, or of addresses of other route reflectors", leaf(hostName)).optional(),
  vrfs: mapOf("a map of VRFs such as blue: { vni: 5000, table: 1100 }", vrf).optional(),
});
const nat = object("a map such as { masquerade: 192.0.2.0/24, out: eth0 }", {
  masquerade: leaf(network),
  out: leaf(anyLinkName),
});
const forward = object("a map such as { in: br0, out: eth0, accept: all }", {
  in: leaf(anyLinkName),
  out: leaf(anyLinkName),
  accept: leaf(choice("all", "replies")),
  clampMss: leaf(boolean).optional(),
});
const guests = object("a map such as { on: br0, mtu: auto }", {
  on: leaf(linkName),
  mtu: leaf(mtu).optional(),
  inside: listOf("a list of overlays inside the guests", leaf(text(64))).optional(),
});

const probe = z.union([
  leaf(probeWord),
  object("a probe such as gateway, or { ping: 192.0.2.1 }", optional(probeShapes)),
]);

const ignore = object("a map such as { links: [docker*], routes: [{ protocol: bird }] }", {
  links: listOf("a list of names of links", leaf(linkPattern)).optional(),
  routes: listOf(
    "a list of routes",
    object("a map such as { protocol: bird }", {
      protocol: leaf(routeShapes.protocol).optional(),
      table: leaf(routeShapes.table).optional(),
      dst: leaf(network).optional(),
    }),
  ).optional(),
  addresses: listOf("a list of networks", leaf(network)).optional(),
});

const version: Shape<1> = {
  expected: `${VERSION}, the version of the format`,
  json: { const: VERSION },
  accepts: (value): value is 1 => value === VERSION,
};

/** The whole document. Made on the first use: nothing happens by importing. */
function makeSchema() {
  return object("a document", {
    linkwright: leaf(version),
    hosts: mapOf("a map of hosts", host).optional(),
    overlays: mapOf("a map of overlays by name", overlay).optional(),
    evpn: evpn.optional(),
    links: mapOf("a map of links by name", kindSchema()).optional(),
    sysctls: mapOf("a map of sysctls such as net.ipv4.ip_forward: 1", leaf(sysctl)).optional(),
    nat: listOf("a list of NAT rules", nat).optional(),
    forward: listOf("a list of forward rules", forward).optional(),
    guests: guests.optional(),
    ignore: ignore.optional(),
    probes: listOf("a list of probes such as gateway", probe).optional(),
    confirm: leaf(integer(0, 86_400, "seconds")).optional(),
    ...listsIn("top"),
  });
}
let made: ReturnType<typeof makeSchema> | undefined;
/** The schema of a document, for zod. */
export function documentSchema(): ReturnType<typeof makeSchema> {
  made ??= makeSchema();
  return made;
}

/** Where a value differs between hosts, or is derived: a text with `$`, or a map of host names. */
function orDerived(json: Record<string, unknown>): Record<string, unknown> {
  return {
    anyOf: [
      json,
      { type: "string", pattern: "\\$[a-z{]" },
      { type: "object", additionalProperties: json, minProperties: 1 },
    ],
  };
}

/** The JSON Schema of a document, for editors. Same as: linkwright schema */
export function documentJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(documentSchema(), {
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const shape = shapes.get(zodSchema);
      if (shape !== undefined) Object.assign(jsonSchema, orDerived({ ...shape.json }));
      const kind = (jsonSchema.properties as Record<string, unknown> | undefined)?.["kind"];
      if (kind !== undefined && Object.keys(kind as object).length === 0) delete jsonSchema.properties?.["kind"];
    },
  }) as Record<string, unknown>;
}
