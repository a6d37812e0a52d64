/** What is on the links that a document names, or steers their traffic, and is not in the document: it is left alone. */
import type { Desired, DesiredEntry } from "./desired.ts";
import { brief } from "./entries/brief.ts";
import { KERNEL, LEASED, makerOf, PEOPLE, ROUTER } from "./entries/maker.ts";
import type { ListName, Sort } from "./entries/sort.ts";
import { SORTS } from "./entries/sorts.ts";
import { flow } from "./flow.ts";
import { withoutIgnored } from "./ignore.ts";
import type { ForeignChain, Observed, ObservedLink } from "./observed.ts";
import type { ObjectKind, Plan, Words } from "./step.ts";

/** One object that a plan leaves alone. */
export interface Foreign {
  readonly object: ObjectKind;
  /** `192.0.2.9/24 on eth0`, `tap0, a port of br0`, `ip docker`. */
  readonly subject: string;
  /** Who keeps it, where it is known that nobody wrote it by hand: a daemon, `DHCP, or a router`. */
  readonly owner?: string;
  /** What to write into the document to take it over; absent where a document cannot say it, or its owner would undo it. */
  readonly takeOver?: string | undefined;
  /** What removes it: lines of a document, or a command. Absent where its owner would bring it back. */
  readonly remove?: string | undefined;
}

/** The part of a document that one key stands for. */
const line = (value: object): string => flow(value).slice(2, -2);

/** An entry as a document has it, in its place. */
function written(sort: Sort, seen: Words): { readonly takeOver: string; readonly remove: string } {
  const { list, writing, again, wayOut } = sort;
  const { dev, ...rest } = again(seen);
  const inLink = typeof dev === "string" && writing.place !== "top";
  const place = (entry: unknown): string =>
    line(inLink ? { links: { [dev]: { [list]: [entry] } } } : { [list]: [entry] });
  const all = inLink || dev === undefined ? rest : { ...rest, dev };
  const terse = brief(list, all);
  // What belongs to others is named as theirs, or it is refused.
  const { protocol } = seen;
  const theirs = wayOut === undefined || isPlain(protocol) ? {} : { protocol };
  const map = (typeof terse === "object" ? terse : (writing.short?.expand(terse) ?? {})) as Words;
  const { state: _, ...named } = map;
  return {
    takeOver: place(Object.keys(theirs).length > 0 ? { ...map, ...theirs } : terse),
    remove: place({ ...named, ...theirs, state: "absent" }),
  };
}
const isPlain = (protocol: unknown): boolean =>
  [undefined, "boot", "static", "linkwright", "unspec"].includes(protocol as string);

/** Entries of the document, to find out quickly whether one is about something. */
class Listed {
  readonly #sort: Sort;
  readonly #buckets = new Map<string, DesiredEntry[]>();
  constructor(sort: Sort, entries: readonly DesiredEntry[]) {
    this.#sort = sort;
    for (const entry of entries) {
      const key = sort.bucket(entry.words);
      const bucket = this.#buckets.get(key);
      if (bucket === undefined) this.#buckets.set(key, [entry]);
      else bucket.push(entry);
    }
  }
  /** The parts of something that no entry is about. */
  beside(seen: Words): readonly Words[] {
    const { bucket, besides, again, restore, same } = this.#sort;
    const entries = this.#buckets.get(bucket(seen)) ?? [];
    if (besides !== undefined && entries.length > 0)
      return besides(restore(again(seen)), entries).map(({ words }) => words);
    return entries.some(({ words }) => same(words, seen)) ? [] : [seen];
  }
}

/** The VLAN that the kernel gives each port and each bridge. */
function isGivenVlan({ dev, vid, vidEnd = vid, pvid, untagged }: Words, { links }: Observed): boolean {
  const link = links.find(({ name }) => name === dev);
  const bridge = link?.kind === "bridge" ? link : links.find(({ name }) => name === link?.["master"]);
  return vid === (bridge?.["vlanDefaultPvid"] ?? 1) && vidEnd === vid && pvid === true && untagged === true;
}

const devicesOf = (sort: Sort, words: Words): unknown[] => sort.devices(words).map(([, name]) => name);

/** Sorts of which each is for the traffic of all links, unless it names one. */
const STEERING: readonly ListName[] = ["rules", "addressLabels", "fou"];

function entriesOf(sort: Sort, observed: Observed, desired: Desired, names: ReadonlySet<unknown>): Foreign[] {
  const listed = new Listed(sort, desired[sort.list]);
  const concerns = (words: Words): boolean =>
    (STEERING.includes(sort.list) && words["dev"] === undefined) ||
    devicesOf(sort, words).some((name) => names.has(name));
  return (observed[sort.list] ?? []).filter(concerns).flatMap((seen): Foreign[] => {
    const maker = makerOf(sort, seen, observed);
    if (maker === KERNEL || (sort.list === "vlans" && isGivenVlan(seen, observed))) return [];
    // Whoever keeps it brings it back, with another lifetime.
    const kept = maker === LEASED || maker === ROUTER;
    return listed.beside(seen).map((words) => ({
      object: sort.object,
      subject: sort.subject(words),
      ...(maker !== PEOPLE && { owner: maker }),
      // Of many nobody reads all.
      get takeOver() {
        return kept ? undefined : written(sort, words).takeOver;
      },
      get remove() {
        return kept ? undefined : written(sort, words).remove;
      },
    }));
  });
}

/** Ports of the document's links, and links over these, that the document does not name as such. */
function linksOf({ links }: Observed, desired: Desired, names: ReadonlySet<unknown>): Foreign[] {
  const named = (name: string, key: "master" | "dev"): boolean =>
    desired.links.some((one) => one.name === name && (one.absent || key in one.options || key === "dev"));
  const of = (link: ObservedLink): Foreign[] => {
    const { name, master, dev } = link;
    const found: Foreign[] = [];
    if (names.has(master) && !named(name, "master"))
      found.push({
        object: "link",
        subject: `${name}, a port of ${String(master)}`,
        takeOver: line({ links: { [name]: { master } } }),
        remove: line({ links: { [name]: { master: null } } }),
      });
    if (names.has(dev) && !named(name, "dev"))
      found.push({
        object: "link",
        subject: `${name} over ${String(dev)}`,
        remove: line({ links: { [name]: { kind: link.kind, state: "absent" } } }),
      });
    return found;
  };
  return links.filter(({ name }) => desired.ignored.link(name) === undefined).flatMap(of);
}

/** Tables of others that packets go through. */
function tablesOf({ chains = [] }: Observed): Foreign[] {
  const tables = new Map<string, ForeignChain[]>();
  for (const chain of chains) {
    const name = `${chain.family} ${chain.table}`;
    tables.set(name, [...(tables.get(name) ?? []), chain]);
  }
  return [...tables].map(([name, all]) => {
    const hooks = all.map(({ hook, policy }) => `${String(hook)}${policy === "drop" ? " (drops by default)" : ""}`);
    return {
      object: "nftables",
      subject: `${name}, at ${[...new Set(hooks)].join(", ")}`,
      remove: `nft delete table ${name}`,
    };
  });
}

/**
 * What a plan leaves alone: on links that the document names, ports of these and links over them, policy rules, and
 * tables of others. What the kernel makes by itself, what the document ignores and what a step touches is not among it.
 */
export function foreignOf(observed: Observed, desired: Desired, { steps }: Plan): Foreign[] {
  const touched = new Set(steps.map(({ object, subject }) => `${object} ${subject}`));
  const mine = withoutIgnored(desired.ignored, observed);
  const names = new Set<unknown>(desired.links.flatMap(({ name, absent }) => (absent ? [] : [name])));
  return [
    ...linksOf(mine, desired, names),
    ...SORTS.flatMap((sort) => entriesOf(sort, mine, desired, names)),
    ...tablesOf(mine),
  ].filter(({ object, subject }) => !touched.has(`${object} ${subject}`));
}
