/** Link messages in people's words. */
import { IFF_LOWER_UP, ifinfomsg } from "../families/route.ts";
import { chosen, type Excerpt, excerpt, type Message, type MessageOut, type Out } from "../wire/index.ts";
import { kindNamed } from "./kinds/index.ts";
import { addFromWire, fromWire, type LinkNames, type Telling } from "./option.ts";
import { portOf } from "./ports.ts";
import { dellink, type ifla, newlink, readCounters, spokenIfla } from "./schema.ts";
import { bitFor, commonOptions, flagWords, type Link } from "./words.ts";

type Told = Readonly<Record<string, unknown>>;
type Key = keyof typeof ifla.fields;

/** Attributes that have words, beside those of {@link commonOptions}. */
const SPOKEN = [
  "ifname",
  "link",
  "qdisc",
  "operstate",
  "carrier",
  "linkinfo",
  "stats64",
  "linkNetnsid",
  "minMtu",
  "maxMtu",
  "propList",
  "permAddress",
] as const satisfies readonly Key[];
const ofOptions = Object.values(commonOptions).flatMap(({ keys }) => keys) as (typeof SPOKEN)[number][];
const spoken = chosen(spokenIfla, [...new Set([...SPOKEN, ...ofOptions])]);

type Whole = MessageOut<typeof newlink>;
/** A link message of which is read what has words. */
export type LinkMessage = Excerpt<Whole["header"], Out<typeof spoken>, Whole>;
export const linkTold: Message<never, LinkMessage> = excerpt(newlink, ifinfomsg, spoken);
export const linkGone: Message<never, LinkMessage> = excerpt(dellink, ifinfomsg, spoken);

/** A word that the attributes tell, or the header. */
const ofAttrs = (read: (attrs: LinkMessage["attrs"]) => unknown): Telling => ({
  beside: false,
  read: (attrs) => read(attrs as LinkMessage["attrs"]),
});
const ofHeader = (read: (header: LinkMessage["header"]) => unknown): Telling => ({
  beside: true,
  read: (header) => read(header as LinkMessage["header"]),
});
const ofFlag = (bit: number, inverse = false): Telling => ofHeader(({ flags }) => ((flags & bit) !== 0) !== inverse);

const nameOfKind = ({ linkinfo }: LinkMessage["attrs"]): string | undefined =>
  linkinfo?.info?.kind.replace(/^#/, "") || undefined;

/** What is told of every link. */
const words: Readonly<Record<string, Telling>> = {
  name: ofAttrs(({ ifname = "" }) => ifname),
  index: ofHeader(({ index }) => index),
  kind: ofAttrs(nameOfKind),
  ...Object.fromEntries(Object.entries(flagWords).map(([word, bit]) => [word, ofFlag(bit, bitFor(word, false))])),
  ...commonOptions,
  mtu: ofAttrs((attrs) => (attrs as { readonly mtu?: number }).mtu ?? 0),
  operstate: ofAttrs(({ operstate = "unknown" }) => String(operstate)),
  carrier: ofAttrs(({ carrier = false }) => carrier),
  lowerUp: ofFlag(IFF_LOWER_UP),
  altnames: ofAttrs(({ propList }) => propList?.altIfname),
  qdisc: ofAttrs(({ qdisc }) => qdisc),
  permanentMac: ofAttrs(({ permAddress }) => permAddress),
  minMtu: ofAttrs(({ minMtu }) => minMtu),
  maxMtu: ofAttrs(({ maxMtu }) => maxMtu),
};

/** Where a link has what reads the whole message; of no interest to comparisons and copies. */
const WHOLE = Symbol("whole");
/** One for all, as the engine tells objects with different ones apart. */
const wire: PropertyDescriptor = {
  enumerable: true,
  configurable: true,
  get(this: { readonly [WHOLE]: () => Whole }) {
    return this[WHOLE]();
  },
  // So that one link can be assigned to another.
  set(value: Whole) {
    Object.defineProperty(this, "wire", { value, enumerable: true, configurable: true, writable: true });
  },
};

/** Links of other namespaces have indexes of those. */
const elsewhere: LinkNames["nameOf"] = () => undefined;

/** A link message in people's words. */
export function linkFromWire({ header, attrs, whole }: LinkMessage, names: LinkNames, statistics = true): Link {
  const link = fromWire(words, attrs, names, header);
  const { info, slave } = attrs.linkinfo ?? {};
  const kind = kindNamed(link["kind"] as string | undefined);
  if (kind !== undefined) {
    const below: LinkNames = attrs.linkNetnsid === undefined ? names : { ...names, nameOf: elsewhere };
    const { data = {} } = info ?? {};
    if (!(data instanceof Uint8Array)) addFromWire(link, kind.options, data, below, attrs);
    if (kind.beside !== undefined) Object.assign(link, kind.beside(attrs, below));
  }
  const port = portOf(slave?.kind);
  if (port !== undefined && slave?.data !== undefined) link["port"] = fromWire(port.options, slave.data as Told, names);
  if (attrs.link !== undefined && attrs.link !== 0) {
    const parent = attrs.linkNetnsid === undefined && kind?.beside === undefined ? names.nameOf(attrs.link) : undefined;
    if (parent !== undefined) link["parent"] = parent;
    link["parentIndex"] = attrs.link;
    if (attrs.linkNetnsid !== undefined) link["parentNsid"] = attrs.linkNetnsid;
  }
  if (statistics && attrs.stats64 !== undefined) link["statistics"] = readCounters(attrs.stats64);
  Object.defineProperty(link, WHOLE, { value: whole });
  return Object.defineProperty(link, "wire", wire) as unknown as Link;
}
