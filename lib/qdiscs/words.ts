/** Qdiscs, classes and filters in people's words, and both directions between them and the wire. */
import { MAGIC_BLOCK, TC_H } from "../families/tc.ts";
import { check, InputError, integer, linkName, type Shape, type Shapes, text } from "../shape/shape.ts";
import type { MessageIn } from "../wire/index.ts";
import {
  actionDevices,
  actionsAgain,
  actionsFromWire,
  actionsToWire,
  checkActions,
  type TcAction,
  type TcActionConfig,
} from "./action.ts";
import { checkWhole, checkWords } from "./check.ts";
import type { filterKinds } from "./filters/index.ts";
import { type EtherType, etherTypes } from "./filters/protocol.ts";
import { classHandle, handleNumber, handleText, parents, qdiscHandle } from "./handle.ts";
import { type AnyKind, kindIn } from "./kind.ts";
import type { classKinds, qdiscKinds } from "./kinds/index.ts";
import {
  type Context,
  fromWire,
  type NameOf,
  type Options,
  type OptionsOf,
  shapesOf,
  type ToldOf,
  toWire,
} from "./option.ts";
import { classTable, filterTable, type KindTable, type newqdisc, qdiscTable, type TcMessage } from "./schema.ts";
import { type QdiscStatistics, statisticsOf } from "./statistics.ts";

type Declared = Readonly<Record<string, { readonly options: Options }>>;
/** One of the kinds: the words of all, and those of the kind. */
type Config<T extends Declared, Common> = {
  [K in keyof T & string]: { readonly kind: K } & Common & OptionsOf<T[K]["options"]>;
}[keyof T & string];
/** As it is told; of a kind that is not known here, with `#` before its name, the options are kept as bytes. */
type Told<T extends Declared, Common> =
  | { [K in keyof T & string]: { readonly kind: K } & Common & ToldOf<T[K]["options"]> }[keyof T & string]
  | ({ readonly kind: `#${string}`; readonly data?: Uint8Array } & Common);

/** What is told of each of them. */
export interface Known {
  readonly statistics?: QdiscStatistics;
  /** The message as the kernel sent it, with what has no word here. */
  readonly wire: TcMessage;
}

/** Where a qdisc is, and by which name. */
export interface QdiscPlace {
  /** Name of the link. */
  readonly dev: string;
  /**
   * `root`, the default; `ingress`, the default of kinds ingress and clsact; a class such as `1:10`, whose queue it
   * becomes.
   */
  readonly parent?: string | undefined;
  /** `1:`, hexadecimal; default one of the kernel's choice from `8001:` on. */
  readonly handle?: string | undefined;
}
export interface QdiscCommon extends QdiscPlace {
  /** Number of the block whose filters see what arrives; several qdiscs may share one. For ingress and clsact. */
  readonly ingressBlock?: number | undefined;
  /** Number of the block whose filters see what leaves. For clsact. */
  readonly egressBlock?: number | undefined;
}
/** A qdisc to be made, or what is to be changed of one. */
export type QdiscConfig = Config<typeof qdiscKinds, QdiscCommon>;
/** A qdisc as the kernel has it. */
export type Qdisc = Told<typeof qdiscKinds, Required<QdiscPlace> & QdiscCommon & Known>;

/** Which class. */
export interface TcClassPlace {
  readonly dev: string;
  /** `1:10`, hexadecimal: its qdisc, and its number there. */
  readonly classid: string;
}
export interface ClassCommon extends TcClassPlace {
  /** The class above it, or its qdisc; default its qdisc. */
  readonly parent?: string | undefined;
}
/** A class to be made, or what is to be changed of one. */
export type TcClassConfig = Config<typeof classKinds, ClassCommon>;
/** A class as the kernel has it; `parent` is `root` where no class is above it. */
export type TcClass = Told<
  typeof classKinds,
  Required<ClassCommon> & {
    /** Handle of the qdisc that holds its packets. */
    readonly leaf?: string;
  } & Known
>;

/** Where a filter is attached: to a link, or to a block, which several links may share. */
export interface TcFilterPlace {
  /** Name of the link. */
  readonly dev?: string | undefined;
  /**
   * `root`, the default, is the qdisc that is the link's root; `ingress` and `egress` are those of a clsact, or ingress,
   * qdisc; a qdisc or class such as `1:`.
   */
  readonly parent?: string | undefined;
  /** Number of the block, instead of `dev` and `parent`: the kernel takes no link where the qdisc has a numbered block. */
  readonly block?: number | undefined;
}
/** Which of the filters there. */
export interface TcFilterName extends TcFilterPlace {
  /** Filters are asked in this order, 1 to 65535; default before those that are there. */
  readonly pref?: number | undefined;
  /** Default all. */
  readonly protocol?: EtherType | undefined;
  /** Default 0, where every packet begins; others are reached by `{ goto: chain }`. */
  readonly chain?: number | undefined;
  /** A number, or for u32 `800::1`; default one of the kernel's choice. */
  readonly handle?: number | string | undefined;
}
export interface FilterCommon extends TcFilterName {
  /** Carried out one after the other on what matches. */
  readonly actions?: readonly TcActionConfig[] | undefined;
}
/** A filter to be made, or what is to be changed of one. */
export type TcFilterConfig = Config<typeof filterKinds, FilterCommon>;
/** A filter as the kernel has it. */
export type TcFilter = Told<
  typeof filterKinds,
  TcFilterPlace & {
    readonly pref: number;
    readonly protocol: EtherType;
    readonly chain: number;
    readonly handle: number | string;
    readonly actions?: readonly TcAction[];
    readonly wire: TcMessage;
  }
>;

const qdiscParents = parents({ root: TC_H.ROOT, ingress: TC_H.INGRESS });
const classParents = parents({ root: TC_H.ROOT });
const filterParents = parents({ root: 0, ingress: TC_H.MIN_INGRESS, egress: TC_H.MIN_EGRESS });

/** `800::1`: table, bucket and number, of 12, 8 and 12 bits. */
const NODE = /^([0-9a-f]{1,3}):([0-9a-f]{0,2})(?::([0-9a-f]{0,3}))?$/i;
function nodeNumber(text: string): number {
  const [, table = "", bucket = "", node = ""] = NODE.exec(text) ?? [];
  const part = (hex: string): number => Number.parseInt(hex || "0", 16);
  return ((part(table) << 20) | (part(bucket) << 12) | part(node)) >>> 0;
}
function nodeText(number: number): string {
  const [bucket, node] = [(number >>> 12) & 0xff, number & 0xfff];
  const hex = (part: number): string => (part === 0 ? "" : part.toString(16));
  return `${(number >>> 20).toString(16)}:${node === 0 && bucket === 0 ? "" : `${hex(bucket)}:${hex(node)}`}`;
}
const filterHandle: Shape<number | string> = {
  expected: "a number from 1 to 4294967295, or for u32 a text such as 800::1",
  json: { anyOf: [{ type: "integer", minimum: 1 }, { type: "string" }] },
  accepts: (value): value is number | string =>
    typeof value === "string" ? NODE.test(value) : integer(1, 0xffff_ffff).accepts(value),
};

const blockNumber = integer(1, 0xffff_ffff);
/** What the words of all kinds must look like. */
export const qdiscShapes = {
  dev: linkName,
  parent: qdiscParents.shape,
  handle: qdiscHandle,
  ingressBlock: blockNumber,
  egressBlock: blockNumber,
} as const satisfies Shapes;
export const classShapes = {
  dev: linkName,
  parent: classParents.shape,
  classid: classHandle,
} as const satisfies Shapes;
const actionsShape: Shape<readonly TcActionConfig[]> = {
  expected: "a list of actions such as { kind: gact, control: drop }",
  json: { type: "array", items: { type: "object" } },
  accepts: (value): value is readonly TcActionConfig[] => Array.isArray(value),
};
export const filterShapes = {
  dev: linkName,
  parent: filterParents.shape,
  block: blockNumber,
  pref: integer(1, 0xffff),
  protocol: etherTypes.shape,
  chain: integer(0, 0xfff_ffff),
  handle: filterHandle,
  actions: actionsShape,
} as const satisfies Shapes;

type Request = MessageIn<typeof newqdisc>;
type Values = Readonly<Record<string, unknown>>;

/** How one sort of object is checked and written. */
export interface Sort {
  readonly kinds: KindTable;
  readonly shapes: Shapes;
  /** Words without which nothing can be found; of a list, one. */
  readonly needed: readonly (string | readonly string[])[];
  /** Words that find one. */
  readonly named: readonly string[];
  header(values: Values, indexOf: Context["indexOf"]): Request["header"];
  /** Attributes beside the kind's own. */
  attributes(values: Values): object;
}

const parentOfQdisc = ({ kind, parent }: Values): number =>
  qdiscParents.numberOf(
    (parent as string | undefined) ?? (kind === "ingress" || kind === "clsact" ? "ingress" : "root"),
  );

const swapped = (number: number): number => ((number & 0xff) << 8) | (number >>> 8);

export const qdiscSort: Sort = {
  kinds: qdiscTable,
  shapes: qdiscShapes,
  needed: ["dev"],
  named: ["dev", "parent", "handle"],
  header: (values, indexOf) => ({
    ifindex: indexOf(values["dev"] as string),
    parent: parentOfQdisc(values),
    handle: handleNumber((values["handle"] as string | undefined) ?? "0:"),
  }),
  attributes: ({ ingressBlock, egressBlock }) => ({ ingressBlock, egressBlock }),
};
export const classSort: Sort = {
  kinds: classTable,
  shapes: classShapes,
  needed: ["dev", "classid"],
  named: ["dev", "classid"],
  header(values, indexOf) {
    const classid = handleNumber(values["classid"] as string);
    const parent = values["parent"] as string | undefined;
    return {
      ifindex: indexOf(values["dev"] as string),
      parent: parent === undefined ? (classid & 0xffff_0000) >>> 0 : classParents.numberOf(parent),
      handle: classid,
    };
  },
  attributes: () => ({}),
};
export const filterSort: Sort = {
  kinds: filterTable,
  shapes: filterShapes,
  needed: [["dev", "block"]],
  named: ["dev", "parent", "block", "pref", "protocol", "chain", "handle"],
  header(values, indexOf) {
    const { dev, parent = "root", block = 0, pref = 0, handle = 0 } = values as Partial<FilterCommon>;
    const protocol = values["protocol"] as EtherType | undefined;
    // Without a protocol a deletion is of whichever; the kernel takes none for a new filter.
    const number = protocol === undefined ? (values["kind"] === undefined ? 0 : 3) : etherTypes.numberOf(protocol);
    return {
      ...(dev === undefined
        ? { ifindex: MAGIC_BLOCK, parent: block }
        : { ifindex: indexOf(dev), parent: filterParents.numberOf(parent) }),
      handle: typeof handle === "string" ? nodeNumber(handle) : handle,
      info: ((pref << 16) | swapped(number)) >>> 0,
    };
  },
  attributes: ({ chain }) => ({ chain }),
};

/** Words that every request needs. @throws {InputError} */
function checkNeeded(sort: Sort, values: Values): void {
  const given = (key: string): boolean => values[key] !== undefined;
  for (const one of sort.needed) {
    const [key = "", ...others] = [one].flat();
    if ([key, ...others].some(given)) continue;
    const or = others.map((other) => `, or ${other}`).join("");
    throw new InputError([key], `missing; expected ${sort.shapes[key]?.expected}${or}`);
  }
  const beside = given("block") ? ["dev", "parent"].find(given) : undefined;
  if (beside !== undefined) throw new InputError([beside], "stands beside block; use one");
}
/** What finds an object, and nothing else; a deletion may name its `kind`. @throws {InputError} */
export function checkPlace(sort: Sort, place: unknown): void {
  const shapes = Object.fromEntries(sort.named.map((key) => [key, sort.shapes[key] as Shape<unknown>]));
  check([], { ...shapes, kind: text(15) }, place, sort === filterSort ? "name" : "place");
  checkNeeded(sort, place as Values);
}
/** Everything that can be said before it is known what is there. @throws {InputError} */
export function checkConfig(sort: Sort, config: unknown): AnyKind {
  const known = checkWords([], sort.kinds, sort.shapes, config);
  const values = config as Values;
  checkNeeded(sort, values);
  if (sort === filterSort && typeof values["handle"] === "string" && known.kind !== "u32")
    throw new InputError(["handle"], `expected a number from 1 to 4294967295, got ${JSON.stringify(values["handle"])}`);
  if (values["actions"] !== undefined) checkActions(["actions"], values["actions"]);
  return known;
}

/** Names of the links that a config refers to. */
export function devicesOf(config: Values): (string | undefined)[] {
  return [
    config["dev"] as string | undefined,
    ...actionDevices(config["actions"] as readonly TcActionConfig[] | undefined),
  ];
}

/** The request for a config that is complete. */
export function configToWire(sort: Sort, known: AnyKind, config: Values, indexOf: Context["indexOf"]): Request {
  const values: Values = { ...known.defaults?.(config), ...withoutAbsent(config) };
  checkWhole([], known, values);
  const base = typeof known.base === "function" ? known.base(values) : known.base;
  const data = toWire(known.options, { values, indexOf }, base);
  const actions = values["actions"] as readonly TcActionConfig[] | undefined;
  if (actions !== undefined) data["act"] = actionsToWire(actions, indexOf);
  const options = { kind: known.kind, ...(Object.keys(data).length === 0 ? {} : { data }) };
  return { header: sort.header(values, indexOf), attrs: { ...sort.attributes(values), options } };
}
/** The request that names an object without saying what it is like. */
export function placeToWire(sort: Sort, values: Values, indexOf: Context["indexOf"]): Request {
  return { header: sort.header(values, indexOf), attrs: sort.attributes(values) as NonNullable<Request["attrs"]> };
}
function withoutAbsent(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** A change on top of what is there, where the kernel would take what is left out for unset. */
export function changed(known: AnyKind, now: Values, config: Values): Values {
  if (known.whole !== true) return config;
  const given = withoutAbsent(config);
  const dropped = new Set((known.exclusive ?? []).filter((group) => group.some((key) => key in given)).flat());
  const kept = Object.keys(shapesOf(known.options)).filter((key) => now[key] !== undefined && !dropped.has(key));
  const actions = now["actions"] as readonly TcAction[] | undefined;
  const whole: Record<string, unknown> = {
    ...Object.fromEntries(kept.map((key) => [key, now[key]])),
    ...(actions === undefined ? {} : { actions: actionsAgain(actions) }),
    ...given,
  };
  for (const [key, other] of known.needs ?? []) if (!whole[other] && !(key in given)) delete whole[key];
  return whole;
}

/** The kind, its options, and its counters. */
function ownWords({ attrs }: TcMessage, kinds: KindTable, nameOf: NameOf): Record<string, unknown> {
  const { kind = "#", data } = attrs.options ?? {};
  const known = kindIn(kinds, kind);
  const statistics = statisticsOf(attrs.stats2, known?.counters);
  return {
    kind,
    ...(known === undefined
      ? data === undefined
        ? {}
        : { data }
      : fromWire(known.options, (data ?? {}) as Values, nameOf)),
    ...(statistics === undefined ? {} : { statistics }),
  };
}

/** A qdisc in people's words. */
export function qdiscFromWire(wire: TcMessage, nameOf: NameOf): Qdisc {
  const { header, attrs } = wire;
  return {
    dev: nameOf(header.ifindex),
    parent: qdiscParents.textOf(header.parent),
    handle: handleText(header.handle),
    ...ownWords(wire, qdiscTable, nameOf),
    ...(attrs.ingressBlock === undefined ? {} : { ingressBlock: attrs.ingressBlock }),
    ...(attrs.egressBlock === undefined ? {} : { egressBlock: attrs.egressBlock }),
    wire,
  } as unknown as Qdisc;
}
/** A class in people's words. */
export function classFromWire(wire: TcMessage, nameOf: NameOf): TcClass {
  const { header } = wire;
  return {
    dev: nameOf(header.ifindex),
    classid: handleText(header.handle),
    parent: classParents.textOf(header.parent),
    ...(header.info === 0 ? {} : { leaf: handleText(header.info) }),
    ...ownWords(wire, classTable, nameOf),
    wire,
  } as unknown as TcClass;
}
/** A filter in people's words. */
export function filterFromWire(wire: TcMessage, nameOf: NameOf): TcFilter {
  const { header, attrs } = wire;
  const words = ownWords(wire, filterTable, nameOf);
  const { act } = (attrs.options?.data ?? {}) as { readonly act?: Parameters<typeof actionsFromWire>[0] };
  return {
    ...(header.ifindex === MAGIC_BLOCK
      ? { block: header.parent }
      : { dev: nameOf(header.ifindex), parent: filterParents.textOf(header.parent) }),
    pref: header.info >>> 16,
    protocol: etherTypes.wordOf(swapped(header.info & 0xffff)),
    chain: attrs.chain ?? 0,
    handle: words["kind"] === "u32" ? nodeText(header.handle) : header.handle,
    ...words,
    ...(act === undefined ? {} : { actions: actionsFromWire(act, nameOf) }),
    wire,
  } as unknown as TcFilter;
}
