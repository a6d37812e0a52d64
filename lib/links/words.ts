/** A link in people's words: what may be asked for, what is shown, and the mapping to and from a link message. */
import { IFF_UP } from "../families/route.ts";
import {
  boolean,
  check,
  InputError,
  integer,
  linkName,
  mac,
  type Shape,
  type Shapes,
  text,
  unknownKey,
} from "../shape/shape.ts";
import type { MessageIn, MessageOut } from "../wire/index.ts";
import { type AnyKind, shapesOf } from "./kind.ts";
import type { BridgeOptions } from "./kinds/bridge.ts";
import { kindNamed, linkKinds } from "./kinds/index.ts";
import type { VethOptions } from "./kinds/veth.ts";
import type { VxlanOptions } from "./kinds/vxlan.ts";
import { custom, fromWire, type LinkNames, type OptionsOf, same, toWire } from "./option.ts";
import { type PortOptions, portOptions } from "./port.ts";
import type { newlink } from "./schema.ts";

const masterName: Shape<string | null> = {
  expected: `${linkName.expected}, or null for none`,
  json: { anyOf: [linkName.json, { type: "null" }] },
  accepts: (value): value is string | null => value === null || linkName.accepts(value),
};

/** Options that every link has. `up` is beside them: it is a flag of the header. */
export const commonOptions = {
  /** MAC address. A bridge without one follows its ports. */
  mac: same("address", mac),
  /** Bytes of the largest packet. A bridge without one follows its ports. */
  mtu: same("mtu", integer(68, 65_535, "bytes")),
  /** Name of the bridge, or other link, that this one belongs to; null takes it out. */
  master: custom<string | null>(
    ["master"],
    masterName,
    (value, names) => ({ master: value === null ? 0 : names.indexOf(value) }),
    (wire, names) => {
      const index = wire["master"];
      return typeof index === "number" && index !== 0 ? (names.nameOf(index) ?? `#${index}`) : undefined;
    },
  ),
  /** Free text, up to 255 bytes. */
  alias: same("ifalias", text(255)),
  /** Packets that may wait to be sent, default 1000. */
  txqlen: same("txqlen", integer(0, 0xffff_ffff, "packets")),
  /** Device group, default 0. */
  group: same("group", integer(0, 0x7fff_ffff)),
};
export interface CommonOptions extends OptionsOf<typeof commonOptions> {
  /** Whether it is switched on; a new link is not unless told. */
  readonly up?: boolean;
  /** Options as a port of the bridge that `master` names. */
  readonly port?: PortOptions;
}

/** A link to be made. */
export type LinkConfig = CommonOptions & { readonly name: string } & (
    | ({ readonly kind: "bridge" } & BridgeOptions)
    | ({ readonly kind: "vxlan" } & VxlanOptions)
    | ({ readonly kind: "veth" } & VethOptions)
    | { readonly kind: "dummy" | "ifb" }
  );
/** Changes to a link: common options, its `name`, and the options of its kind. What is absent stays. */
export type LinkChanges = CommonOptions & { readonly name?: string } & BridgeOptions & VxlanOptions;

/** Counters since the link exists. */
export type LinkStatistics = NonNullable<MessageOut<typeof newlink>["attrs"]["stats64"]>;

/** A link as the kernel shows it: the words of {@link LinkConfig}, flat, and what only the kernel knows. */
export interface Link extends Readonly<Record<string, unknown>> {
  readonly name: string;
  readonly index: number;
  /** `bridge`, `vxlan`, …; absent where the driver tells none, as loopback and hardware do. */
  readonly kind?: string;
  readonly up: boolean;
  readonly mtu: number;
  readonly mac?: string;
  readonly master?: string;
  readonly port?: PortOptions;
  /** RFC 2863: `up`, `down`, `lowerlayerdown`, `unknown`, … */
  readonly operstate: string;
  /** Whether the other side is there. */
  readonly carrier: boolean;
  /** Index of the link below, or of the veth peer; in the namespace `parentNsid` where that is given. */
  readonly parentIndex?: number;
  readonly parentNsid?: number;
  readonly altnames?: readonly string[];
  readonly minMtu?: number;
  readonly maxMtu?: number;
  readonly statistics?: LinkStatistics;
  /** Everything the kernel sent, in its own names; unknown attributes as `#47`. */
  readonly wire: MessageOut<typeof newlink>;
}

/** Shapes of what every link takes, with `kind` and `name`. */
export const linkShapes: Shapes = {
  kind: {
    expected: `one of ${Object.keys(linkKinds).join(", ")}`,
    json: { enum: Object.keys(linkKinds) },
    accepts: (value): value is unknown => typeof value === "string" && kindNamed(value) !== undefined,
  },
  name: linkName,
  up: boolean,
  ...shapesOf(commonOptions),
};
/** Shapes of a port's options. */
export const portShapes: Shapes = shapesOf(portOptions);

const portShape: Shape<unknown> = {
  expected: "a map of port options",
  json: { type: "object" },
  accepts: (value): value is unknown => typeof value === "object" && value !== null,
};

/** @throws {InputError} for the first property that does not fit; `name` begins its path. */
export function checkLink(name: string, kind: AnyKind | undefined, values: object): void {
  const options = kind === undefined ? {} : shapesOf(kind.options);
  check([name], { ...linkShapes, ...options, port: portShape }, values);
  const { port } = values as { readonly port?: object };
  if (port !== undefined) check([name, "port"], portShapes, port);
  const wrong = kind?.check?.(values);
  if (wrong !== undefined) throw new InputError([name, wrong.key], wrong.reason);
}

/** The kind of a config. @throws {InputError} */
export function kindOf(config: { readonly kind: string; readonly name: string }): AnyKind {
  const kind = kindNamed(config.kind);
  if (kind !== undefined) return kind;
  const known = Object.keys(linkKinds);
  throw new InputError([String(config.name), "kind"], unknownKey(String(config.kind), known).replace("key", "kind"));
}

/** Names of other links that an option's value refers to. */
export function linksNamed(kind: AnyKind | undefined, values: Readonly<Record<string, unknown>>): string[] {
  const named = Object.entries(kind?.options ?? {}).flatMap(([key, one]) => (one.refers ? [values[key]] : []));
  const port = values["port"] as PortOptions | undefined;
  return [values["master"], ...named, port?.backupPort].filter((name) => typeof name === "string");
}

type LinkMessage = MessageIn<typeof newlink>;
type Data = Record<string, unknown>;

/** The message that creates a link with everything it should have; `port` follows in one of its own. */
export function createMessage(config: LinkConfig, kind: AnyKind, names: LinkNames, netNsFd?: number): LinkMessage {
  const data = toWire(kind.options, config, names);
  // The registered port, not the kernel's own default from before there was one.
  if (kind.kind === "vxlan" && data["port"] === undefined) data["port"] = VXLAN_PORT;
  const info = { kind: kind.kind, ...(Object.keys(data).length > 0 ? { data } : {}) };
  const attrs = { ...toWire(commonOptions, config, names), ifname: config.name, netNsFd, linkinfo: { info } };
  return { header: upHeader(config.up), attrs } as LinkMessage;
}
/** Source: RFC 7348, section 5. */
const VXLAN_PORT = 4789;

const upHeader = (up: boolean | undefined): { flags?: number; change?: number } =>
  up === undefined ? {} : { flags: up ? IFF_UP : 0, change: IFF_UP };

/** One message for each property: a refused message may be half done, and so is at most one property. */
export function changeMessages(
  index: number,
  kind: AnyKind | undefined,
  values: Readonly<Record<string, unknown>>,
  names: LinkNames,
): { readonly key: string; readonly message: LinkMessage }[] {
  const order = Object.keys(values).filter((key) => values[key] !== undefined && key !== "kind");
  const last = ["port", "up"]; // a port's options need its bridge; switching on comes last, switching off first
  order.sort((a, b) => last.indexOf(a) - last.indexOf(b));
  if (values["up"] === false) order.unshift(...order.splice(order.indexOf("up"), 1));
  return order.flatMap((key) => {
    const only = { [key]: values[key] };
    const make = (attrs: object, header: object = {}): LinkMessage =>
      ({ header: { index, ...header }, attrs }) as LinkMessage;
    if (key === "up") return [{ key, message: make({}, upHeader(values["up"] as boolean)) }];
    if (key === "name") return [{ key, message: make({ ifname: values["name"] }) }];
    if (key === "port") return portMessages(values["port"] as object, names, make);
    if (kind !== undefined && Object.hasOwn(kind.options, key)) {
      const data: Data = toWire(kind.options, only, names);
      return [{ key, message: make({ linkinfo: { info: { kind: kind.kind, data } } }) }];
    }
    return [{ key, message: make(toWire(commonOptions, only, names)) }];
  });
}

function portMessages(
  port: object,
  names: LinkNames,
  make: (attrs: object) => LinkMessage,
): { readonly key: string; readonly message: LinkMessage }[] {
  return Object.entries(port).flatMap(([key, value]) => {
    const data = toWire(portOptions, { [key]: value }, names);
    const message = make({ linkinfo: { slave: { kind: "bridge", data } } });
    return value === undefined ? [] : [{ key: `port.${key}`, message }];
  });
}

/** A link message in people's words. */
export function linkFromWire(wire: MessageOut<typeof newlink>, names: LinkNames): Link {
  const { header, attrs } = wire;
  const { info, slave } = attrs.linkinfo ?? {};
  const kind = info?.kind.replace(/^#/, "");
  const known = kindNamed(kind);
  const given = <T>(key: string, value: T | undefined): Record<string, T> =>
    value === undefined ? {} : { [key]: value };
  return {
    name: attrs.ifname ?? "",
    index: header.index,
    ...given("kind", kind),
    up: (header.flags & IFF_UP) !== 0,
    ...fromWire(commonOptions, attrs, names),
    ...(known && info?.data && !(info.data instanceof Uint8Array) ? fromWire(known.options, info.data, names) : {}),
    mtu: attrs.mtu ?? 0,
    ...given("port", slave?.kind === "bridge" && slave.data ? fromWire(portOptions, slave.data, names) : undefined),
    operstate: String(attrs.operstate ?? "unknown"),
    carrier: attrs.carrier ?? false,
    ...given("parentIndex", attrs.link === 0 ? undefined : attrs.link),
    ...given("parentNsid", attrs.linkNetnsid),
    ...given("altnames", attrs.propList?.altIfname),
    ...given("minMtu", attrs.minMtu),
    ...given("maxMtu", attrs.maxMtu),
    ...given("statistics", attrs.stats64),
    wire,
  };
}

/** The caller's words for the attributes of a kind's messages, for refusals. */
export function properties(kind: AnyKind | undefined): Record<string, string> {
  const words: Record<string, string> = { ifname: "name", "linkinfo.info": "kind", linkinfo: "kind", netNsFd: "netns" };
  const add = (prefix: string, options: AnyKind["options"], inside = ""): void => {
    for (const [word, { keys }] of Object.entries(options))
      for (const key of keys) words[prefix + key] ??= inside + word;
  };
  add("", commonOptions);
  if (kind !== undefined) add(`linkinfo.info(${kind.kind}).`, kind.options);
  add("linkinfo.slave(bridge).", portOptions, "port.");
  return words;
}
