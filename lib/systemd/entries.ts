/** Addresses, routes, neighbors and forwarding entries as sections of a .network file. */
import { protocols, tables } from "../families/lookup.ts";
import type { Desired, DesiredEntry, DesiredLink } from "../state/desired.ts";
import type { ListName } from "../state/entries/sort.ts";
import { ZERO_MAC } from "../state/words.ts";
import { addressKeys, fdbKeys, type Keys, neighborKeys, routeKeys } from "./keys.ts";
import type { Section } from "./section.ts";
import type { Unsayable } from "./unsaid.ts";

type Words = Readonly<Record<string, unknown>>;

/** The words as networkd takes them: what it assumes by itself is left out. */
const readers: Readonly<
  Partial<Record<ListName, readonly [section: string, keys: Keys, read: (words: Words) => Words]>>
> = {
  addresses: ["Address", addressKeys, (words) => words],
  routes: ["Route", routeKeys, routeWords],
  neighbors: ["Neighbor", neighborKeys, ({ state, ...words }) => (state === "permanent" ? words : { ...words, state })],
  fdb: ["BridgeFDB", fdbKeys, fdbWords],
};
const REASONS: Readonly<Partial<Record<ListName, string>>> = {
  rules: "networkd keeps a policy rule only in the file of some link, and marks it as its own",
  nexthops: "networkd keeps nexthops only with a link, and marks them as its own",
  vnis: "networkd has no key for the entries of a VNI filter",
  vlans: "VLANs of ports are set by linkwright",
  vlanGlobals: "options of VLANs are set by linkwright",
  mdb: "group entries are set by linkwright",
  queues: "queues beside that at the root are set by linkwright",
  classes: "classes are set by linkwright",
  filters: "networkd has no key for filters",
};

function routeWords({ family, table, type, protocol, metric, dst, ...words }: Words): Words {
  const wide = family === "inet6";
  const number = tables.numberOf(table as never);
  const everything = wide ? "::/0" : "0.0.0.0/0";
  return {
    ...words,
    ...(type === "unicast" ? {} : { type }),
    dst: dst === "default" ? everything : dst,
    ...(number === tables.numberOf("main") ? {} : { table: number }),
    ...(wide && metric === 1024 ? {} : { metric }),
    protocol: protocols.numberOf(protocol as never),
  };
}

function fdbWords({ state, self, master, ...words }: Words): Words {
  return {
    ...words,
    ...(state === undefined || state === "permanent" ? {} : { state }),
    ...(self === undefined || self === true ? {} : { self }),
    ...(master === undefined || master === false ? {} : { master }),
  };
}

function sectionOf(list: ListName, { words, absent, path }: DesiredEntry, unsaid: Unsayable): Section | undefined {
  const { dev: _, ...given } = words;
  const reader = readers[list];
  if (absent) unsaid.leave(path, "networkd takes nothing away that it did not make");
  else if (reader === undefined) unsaid.leave(path, REASONS[list] ?? "networkd has no key for it");
  else {
    const [name, keys, read] = reader;
    const entries = unsaid.entriesOf(read(given), keys, path);
    return entries && { name, entries };
  }
  return undefined;
}

const LISTS: readonly ListName[] = [
  "addresses",
  "routes",
  "neighbors",
  "fdb",
  "rules",
  "nexthops",
  "vnis",
  "vlans",
  "vlanGlobals",
  "mdb",
  "queues",
  "classes",
  "filters",
];

/** The sections of each link. What belongs to no link that has a file is left to `apply`. */
export function entrySections(
  desired: Desired,
  filed: ReadonlySet<string>,
  unsaid: Unsayable,
): ReadonlyMap<string, readonly Section[]> {
  const found = new Map<string, Section[]>();
  for (const list of LISTS)
    for (const entry of desired[list]) {
      const dev = entry.words["dev"];
      if (readers[list] !== undefined && !entry.absent && (typeof dev !== "string" || !filed.has(dev))) {
        unsaid.leave(entry.path, "networkd keeps it in the file of a link, and no file is written for its link");
        continue;
      }
      const section = sectionOf(list, entry, unsaid);
      if (section !== undefined) found.set(String(dev), [...(found.get(String(dev)) ?? []), section]);
    }
  return found;
}

/** Head-end replication: all far ends but the one that the link itself has. */
export function farEndSections({ remotes = [], options }: DesiredLink): Section[] {
  return remotes
    .filter((dst) => dst !== options["remote"])
    .map((dst) => ({
      name: "BridgeFDB",
      entries: [
        ["MACAddress", ZERO_MAC],
        ["Destination", dst],
      ],
    }));
}
