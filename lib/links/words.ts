/** A link in people's words: what may be asked for, what is told, and what a mistake in it is called. */
import {
  IFF_ALLMULTI,
  IFF_DYNAMIC,
  IFF_MULTICAST,
  IFF_NOARP,
  IFF_NOTRAILERS,
  IFF_PROMISC,
  IFF_UP,
} from "../families/route.ts";
import {
  boolean,
  check,
  checkObject,
  choice,
  InputError,
  integer,
  linkName,
  list,
  mac,
  type Shape,
  type Shapes,
  shown,
  text,
  unknownKey,
} from "../shape/shape.ts";
import type { MessageOut } from "../wire/index.ts";
import { type AnyKind, shapesOf } from "./kind.ts";
import { type KindName, kindNamed, linkKinds } from "./kinds/index.ts";
import { custom, type NetnsRef, nullableReference, type OptionsOf, same, status, type ToldOf } from "./option.ts";
import { netnsRef } from "./peer.ts";
import { type Every, type Port, type PortOptions, portOf, portShapes } from "./ports.ts";
import type { Counters, newlink } from "./schema.ts";
import { ipv6Address } from "./tunnels/outer.ts";

const bytes = integer(0, 0xffff_ffff, "bytes");
const told = <T>(value: T): T => value;
/** Attributes of IPv6. */
const inet6Of = (wire: Readonly<Record<string, unknown>>): { addrGenMode?: AddrGenMode; token?: string } | undefined =>
  (wire["afSpec"] as { inet6?: { addrGenMode?: AddrGenMode; token?: string } } | undefined)?.inet6;
type AddrGenMode = "eui64" | "none" | "stable_secret" | "random";

/** Numbers of the bits that are set. */
const bitsOf = (mask: number): number[] =>
  Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => (mask >>> bit) & 1);
const maskOf = (bits: readonly number[]): number => bits.reduce((mask, bit) => mask | (1 << bit), 0) >>> 0;

/** Options that every link has. Those that are flags of the header are in {@link flagWords}. */
export const commonOptions = {
  /**
   * MAC address, default random. A bridge without one takes the lowest of its ports' as they come and go.
   * Same as: ip link set dev NAME address LLADDR
   */
  mac: same("address", mac),
  /** Address that reaches all stations, default ff:ff:ff:ff:ff:ff. Same as: ip link set dev NAME broadcast LLADDR */
  broadcast: same("broadcast", mac),
  /**
   * Bytes of the largest packet, 68 to 65535, default 1500. A bridge follows the smallest of its ports until it is told.
   * Same as: ip link set dev NAME mtu MTU
   */
  mtu: same("mtu", integer(68, 65_535, "bytes")),
  /** Name of the bridge, or other link, that this one belongs to; null takes it out. Same as: ip link set dev NAME master DEV */
  master: nullableReference("master"),
  /** Free text of up to 255 bytes; empty for none. Same as: ip link set dev NAME alias TEXT */
  alias: same("ifalias", text(255), { none: "" }),
  /** Packets that may wait to be sent, default 1000. Same as: ip link set dev NAME txqueuelen PACKETS */
  txqlen: same("txqlen", integer(0, 0xffff_ffff, "packets")),
  /** Device group, default 0. Same as: ip link set dev NAME group GROUP */
  group: same("group", integer(0, 0x7fff_ffff)),
  /** Queues for sending, fixed at creation. Same as: ip link add NAME numtxqueues COUNT */
  numTxQueues: same("numTxQueues", integer(1, 4096), { ignored: true }),
  /** Queues for receiving, fixed at creation. Same as: ip link add NAME numrxqueues COUNT */
  numRxQueues: same("numRxQueues", integer(1, 4096), { ignored: true }),
  /**
   * Bytes of the largest packet that is handed down to be cut into segments; of IPv6, or of both where no other is told.
   * Same as: ip link set dev NAME gso_max_size BYTES
   */
  gsoMaxSize: same("gsoMaxSize", bytes),
  /** Most segments of such a packet, default 65535. Same as: ip link set dev NAME gso_max_segs PACKETS */
  gsoMaxSegs: same("gsoMaxSegs", integer(0, 0xffff_ffff)),
  /** Bytes of the largest packet that segments are put together to. Same as: ip link set dev NAME gro_max_size BYTES */
  groMaxSize: same("groMaxSize", bytes),
  /** The same as `gsoMaxSize`, of IPv4. Linux 6.3 and later. Same as: ip link set dev NAME gso_ipv4_max_size BYTES */
  gsoIpv4MaxSize: same("gsoIpv4MaxSize", bytes),
  /** The same as `groMaxSize`, of IPv4. Linux 6.3 and later. Same as: ip link set dev NAME gro_ipv4_max_size BYTES */
  groIpv4MaxSize: same("groIpv4MaxSize", bytes),
  /**
   * How the link makes IPv6 addresses of its own; `none` for links that should have no link-local one.
   * Same as: ip link set dev NAME addrgenmode MODE
   */
  addrGenMode: custom<AddrGenMode>(
    ["afSpec"],
    choice("eui64", "none", "stable_secret", "random"),
    (value) => ({ afSpec: { inet6: { addrGenMode: value } } }),
    (wire) => inet6Of(wire)?.addrGenMode,
  ),
  /**
   * Last 64 bits of the IPv6 addresses that the link makes of prefixes that routers announce; `::`, the default, for
   * none. Needs a link that takes announcements. Same as: ip token set TOKEN dev NAME
   */
  token: custom(
    ["afSpec"],
    ipv6Address,
    (value) => ({ afSpec: { inet6: { token: value } } }),
    (wire) => {
      const token = inet6Of(wire)?.token;
      return token === "::" ? undefined : token;
    },
    { none: "::" },
  ),
  /**
   * What an operational state may become by itself: `up`, or with `dormant` only that, until a program such as an
   * 802.1X supplicant says otherwise. Same as: ip link set dev NAME mode MODE
   */
  linkmode: same("linkmode", choice("default", "dormant")),
  /**
   * Whether the other side is there. Only links without one, such as a dummy or a macvlan, can be told.
   * Same as: ip link set dev NAME carrier on
   */
  carrier: same("carrier", boolean),
  /**
   * Numbers of the reasons, 0 to 31, for which a protocol keeps the link down; all of them.
   * Same as: ip link set dev NAME protodown_reason NUMBER on
   */
  protodownReasons: custom<readonly number[]>(
    ["protoDownReason"],
    list(integer(0, 31)),
    (value) => ({ protoDownReason: { mask: 0xffff_ffff, value: maskOf(value) } }),
    (wire) => {
      const { value = 0 } = (wire["protoDownReason"] ?? {}) as { readonly value?: number };
      return value === 0 ? undefined : bitsOf(value);
    },
    { none: [], equal: (a, b) => maskOf(a) === maskOf(b) },
  ),
  /**
   * Whether a protocol keeps the link without carrier, as VRRP does with a macvlan, default false. Not while there are
   * reasons is it taken back. Same as: ip link set dev NAME protodown on
   */
  protodown: same("protoDown", boolean),
  /** How many want the link to receive everything. */
  promiscuity: status<number>("promiscuity", told<number>),
  /** How many want the link to receive all multicast. */
  allmulti: status<number>("allmulti", told<number>),
  /** How often the carrier has come or gone. */
  carrierChanges: status<number>("carrierChanges", told<number>),
  /** How often the carrier has come. */
  carrierUpCount: status<number>("carrierUpCount", told<number>),
  /** How often the carrier has gone. */
  carrierDownCount: status<number>("carrierDownCount", told<number>),
  /** Bytes that the hardware can cut into segments. */
  tsoMaxSize: status<number>("tsoMaxSize", told<number>),
  /** Segments that the hardware can cut. */
  tsoMaxSegs: status<number>("tsoMaxSegs", told<number>),
  /** Bus of the hardware: `pci`, `virtio`, … */
  parentBus: status<string>("parentDevBusName", told<string>),
  /** Name of the hardware on its bus: `0000:03:00.0`. */
  parentDev: status<string>("parentDevName", told<string>),
};

/** Options that are flags of the header, with their bits. */
export const flagWords = {
  up: IFF_UP,
  arp: IFF_NOARP,
  multicast: IFF_MULTICAST,
  allmulticast: IFF_ALLMULTI,
  promisc: IFF_PROMISC,
  trailers: IFF_NOTRAILERS,
  dynamic: IFF_DYNAMIC,
} as const;
const OPPOSITES = new Set(["arp", "trailers"]);
/** Whether a flag's bit is set for a value of the word: of some it says the opposite. */
export const bitFor = (word: string, value: unknown): boolean => value === !OPPOSITES.has(word);

/** What may be asked of every link, at creation and later. */
export interface CommonOptions extends OptionsOf<typeof commonOptions> {
  /** Whether it is switched on; a new link is not unless told. Same as: ip link set dev NAME up */
  readonly up?: boolean;
  /** Whether it resolves neighbors. Same as: ip link set dev NAME arp on */
  readonly arp?: boolean;
  /** Whether it can send multicast. Same as: ip link set dev NAME multicast on */
  readonly multicast?: boolean;
  /** Whether it receives all multicast. Same as: ip link set dev NAME allmulticast on */
  readonly allmulticast?: boolean;
  /** Whether it receives everything. Same as: ip link set dev NAME promisc on */
  readonly promisc?: boolean;
  /** A mark of old drivers, without effect. Same as: ip link set dev NAME trailers on */
  readonly trailers?: boolean;
  /** Marks a link whose address changes, without effect in the kernel. Same as: ip link set dev NAME dynamic on */
  readonly dynamic?: boolean;
  /** Further names, of up to 127 bytes each; all of them. Same as: ip link property add dev NAME altname NAME */
  readonly altnames?: readonly string[];
  /** Options as a port of the bridge or bond that `master` names. */
  readonly port?: PortOptions;
}

type Kinds = typeof linkKinds;
/** A link of one kind, to be made. */
export type ConfigOf<K extends KindName> = CommonOptions &
  OptionsOf<Kinds[K]["options"]> & {
    readonly kind: K;
    readonly name: string;
    /** Where the link is to live; the default is here. What it refers to (`dev`) is looked for here. */
    readonly netns?: NetnsRef;
    /**
     * Where what it refers to (`dev`), but not its `master`, is looked for, and where the packets of a tunnel go; the
     * default is here. Same as: ip link add NAME link-netns NETNS …
     */
    readonly linkNetns?: NetnsRef;
    /** Number of the link, 1 to 2147483647; the kernel chooses one by default. Same as: ip link add NAME index INDEX */
    readonly index?: number;
  };
/** A link to be made: its kind, its name, common options and those of the kind. */
export type LinkConfig = { [K in KindName]: ConfigOf<K> }[KindName];

/** Changes to a link: common options, those of its kind, and its `name`. What is absent stays. */
export type LinkChanges = CommonOptions &
  Every<{ [K in KindName]: OptionsOf<Kinds[K]["options"]> }[KindName]> & { readonly name?: string };

/** Counters since the link exists. */
export type LinkStatistics = Counters;

type OptionsTold = Omit<ToldOf<typeof commonOptions>, "mtu" | "master"> &
  Every<{ [K in KindName]: ToldOf<Kinds[K]["options"]> }[KindName]>;

/**
 * A link as the kernel shows it: the words of {@link LinkConfig}, flat, and what only the kernel knows. Names come as
 * they are and may hold any byte; `#7` is a link that is not known in this namespace.
 */
export interface Link extends OptionsTold {
  readonly name: string;
  readonly index: number;
  /** `bridge`, `vxlan`, …, also kinds without options here; absent where the driver tells none, as loopback and hardware. */
  readonly kind?: string;
  readonly up: boolean;
  readonly arp: boolean;
  readonly multicast: boolean;
  readonly allmulticast: boolean;
  readonly promisc: boolean;
  readonly trailers: boolean;
  readonly dynamic: boolean;
  readonly mtu: number;
  readonly master?: string;
  /** Options and state as a port of a bridge or bond. */
  readonly port?: Port;
  /** RFC 2863: `up`, `down`, `lowerlayerdown`, `unknown`, … */
  readonly operstate: string;
  /** Whether the other side is there. */
  readonly carrier: boolean;
  /** Whether the link below is up. */
  readonly lowerUp: boolean;
  /** Name of the link below, where it lives in this namespace. */
  readonly parent?: string;
  /** Index of the link below, or of a veth's far end; in the namespace `parentNsid` where that is given. */
  readonly parentIndex?: number;
  readonly parentNsid?: number;
  readonly altnames?: readonly string[];
  readonly qdisc?: string;
  readonly permanentMac?: string;
  readonly minMtu?: number;
  readonly maxMtu?: number;
  readonly statistics?: LinkStatistics;
  /**
   * Everything the kernel sent, in its own names; unknown attributes as `#47`. Read when it is first asked for:
   * `console.log` shows `[Getter/Setter]`, copies and comparisons have it all. A link that is kept keeps the datagram that it came
   * in, up to 32 KiB, which a copy such as `{ ...link }` does not. Numbers of 64 bits are bigints: `JSON.stringify` needs to
   * be told how to write them.
   */
  readonly wire: MessageOut<typeof newlink>;
}

/** An alternative name: what the kernel accepts is more than is good. */
const altname: Shape<string> = {
  expected: "a name of 1 to 127 bytes without control characters, blanks or slashes",
  json: { type: "string", minLength: 1, maxLength: 127 },
  accepts: (value): value is string =>
    typeof value === "string" && Buffer.byteLength(value) <= 127 && /^[^\p{Cc}\p{Cs}\s/]+$/u.test(value),
};
/** Shapes of what every link takes, with `kind` and `name`; `port` is in {@link portShapes}. */
export const linkShapes: Shapes = {
  kind: choice(...Object.keys(linkKinds)),
  name: linkName,
  ...Object.fromEntries(Object.keys(flagWords).map((word) => [word, boolean])),
  altnames: list(altname),
  ...shapesOf(commonOptions),
};
const object: Shape<unknown> = {
  expected: "an object with options of a port",
  json: { type: "object" },
  accepts: (value): value is unknown => typeof value === "object" && value !== null && !Array.isArray(value),
};

/** What only a new link takes. */
const atCreation: Shapes = { netns: netnsRef, linkNetns: netnsRef, index: integer(1, 0x7fff_ffff) };
const known = new Map<string, Shapes>();
/** All that a link of a kind takes, put together once. */
function shapesFor(kind: AnyKind | undefined, created: boolean): Shapes {
  const key = `${kind?.kind} ${created}`;
  const made = known.get(key);
  if (made !== undefined) return made;
  const options = kind === undefined ? {} : shapesOf(kind.options);
  const all = { ...linkShapes, ...options, ...(created ? atCreation : {}), port: object };
  known.set(key, all);
  return all;
}

function checkShapes(name: string, kind: AnyKind | undefined, values: object, created: boolean): void {
  check([name], shapesFor(kind, created), values);
  const { port } = values as { readonly port?: object };
  if (port !== undefined) check([name, "port"], portShapes, port);
}

/** The kind of a config that is as it should be. @throws {InputError} whose path begins with the link's name. */
export function checkConfig(config: LinkConfig): AnyKind {
  checkObject([], config);
  const { name, kind: kindName } = config as { readonly name: unknown; readonly kind: unknown };
  if (!linkName.accepts(name)) throw new InputError(["name"], `expected ${linkName.expected}, got ${shown(name)}`);
  if (kindName === undefined) throw new InputError([name, "kind"], "missing");
  const kind = typeof kindName === "string" ? kindNamed(kindName) : undefined;
  if (kind === undefined) {
    const reason = unknownKey(String(kindName), Object.keys(linkKinds)).replace("unknown key", "unknown kind");
    throw new InputError([name, "kind"], reason);
  }
  checkShapes(name, kind, config, true);
  const wrong = kind.complete?.(config) ?? kind.check?.(config) ?? together(config);
  if (wrong !== undefined) throw new InputError([name, wrong.key], wrong.reason);
  return kind;
}

/** Says what is wrong with common options that do not go together. */
function together(config: LinkConfig): { readonly key: string; readonly reason: string } | undefined {
  if (config.port !== undefined && (config.master ?? null) === null)
    return { key: "port", reason: "needs master, the bridge or bond that it is a port of" };
  if (config.kind === "tun" && config.linkNetns !== undefined)
    return { key: "linkNetns", reason: "means nothing for a tun, which refers to no link" };
  if (config.kind === "tun" && config.index !== undefined)
    return { key: "index", reason: "cannot be chosen for a tun; leave it out" };
  if (config.netns !== undefined && (config.master ?? null) !== null)
    return { key: "master", reason: "is a link of this namespace; leave it out with netns" };
  return undefined;
}

/** Alternative names but for those that the link has already: whatever these are, they may stay. */
function newNames(now: Link, names: unknown): unknown {
  return Array.isArray(names) ? names.filter((name) => now.altnames?.includes(name) !== true) : names;
}

/** @throws {InputError} for what does not fit, or cannot be together with what the link has now. */
export function checkChanges(now: Link, kind: AnyKind | undefined, changes: LinkChanges): void {
  checkShapes(now.name, kind, { ...changes, altnames: newNames(now, changes.altnames) }, false);
  const ours: AnyKind["options"] = { ...kind?.options, ...commonOptions };
  for (const [key, option] of Object.entries(ours)) {
    const value = (changes as Readonly<Record<string, unknown>>)[key];
    const has = now[key as "mtu"] as unknown;
    if (option.ignored && value !== undefined && !(has !== undefined && option.equal(has, value)))
      throw new InputError([now.name, key], "can be chosen only when the link is made");
  }
  const master = changes.master === undefined ? now.master : changes.master;
  if (changes.port !== undefined && (master ?? null) === null)
    throw new InputError([now.name, "port"], "the link is no port of a bridge or bond");
  const wrong = kind?.check?.({ ...now, ...changes });
  if (wrong !== undefined && Object.hasOwn(changes, wrong.key))
    throw new InputError([now.name, wrong.key], wrong.reason);
}

/** The caller's words for the attributes of a kind's messages, for refusals. */
export function properties(kind: AnyKind | undefined): Record<string, string> {
  const words: Record<string, string> = {
    ifname: "name",
    altIfname: "name",
    propList: "altnames",
    "linkinfo.info": "kind",
    linkinfo: "kind",
    netNsFd: "netns",
    netNsPid: "netns",
    linkNetnsid: "linkNetns",
    afSpec: "addrGenMode",
    "afSpec.inet6": "addrGenMode",
    "afSpec.inet6.addrGenMode": "addrGenMode",
    "afSpec.inet6.token": "token",
    "linkinfo.slave": "port",
    protinfo: "port",
  };
  const add = (prefix: string, options: AnyKind["options"], inside = ""): void => {
    for (const [word, { keys }] of Object.entries(options))
      for (const key of keys) words[prefix + key] ??= inside + word;
  };
  add("", commonOptions);
  if (kind !== undefined) {
    const beside = Object.entries(kind.options).filter(([, one]) => one.beside);
    add("", Object.fromEntries(beside));
    add(`linkinfo.info(${kind.kind}).`, kind.options);
  }
  for (const name of Object.keys(linkKinds)) add(`linkinfo.slave(${name}).`, portOf(name)?.options ?? {}, "port.");
  return words;
}
