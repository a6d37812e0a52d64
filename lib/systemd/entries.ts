/** Addresses, routes, rules, neighbors and the like as sections of a .network file. */
import { protocols, tables } from "../families/lookup.ts";
import type { Desired, DesiredEntry, DesiredLink } from "../state/desired.ts";
import type { ListName } from "../state/entries/sort.ts";
import { ZERO_MAC } from "../state/words.ts";
import { addressKeys, fdbKeys, type Keys, neighborKeys, routeKeys, ruleKeys } from "./keys.ts";
import type { Section } from "./section.ts";
import type { Unsayable } from "./unsaid.ts";

type Words = Readonly<Record<string, unknown>>;

/** The words as networkd takes them: what it assumes by itself is left out. */
const readers: Readonly<
  Partial<Record<ListName, readonly [section: string, keys: Keys, read: (words: Words) => Words]>>
> = {
  addresses: ["Address", addressKeys, addressWords],
  routes: ["Route", routeKeys, routeWords],
  neighbors: ["Neighbor", neighborKeys, ({ state, ...words }) => (state === "permanent" ? words : { ...words, state })],
  fdb: ["BridgeFDB", fdbKeys, fdbWords],
  rules: ["RoutingPolicyRule", ruleKeys, ruleWords],
};
const REASONS: Readonly<Partial<Record<ListName, string>>> = {
  nexthops:
    "networkd 252 gives a link up that it configures anew, where a route or a group is over a nexthop of its own",
  vnis: "networkd has no key for the entries of a VNI filter",
  vlans: "VLANs of ports are set by linkwright",
  vlanGlobals: "options of VLANs are set by linkwright",
  mdb: "group entries are set by linkwright",
  queues: "queues beside that at the root are set by linkwright",
  classes: "classes are set by linkwright",
  filters: "networkd has no key for filters",
  addressLabels: "networkd has labels for single links only; they are set by linkwright",
  fou: "networkd opens ports of FOU as netdevs of a name; they are opened by linkwright",
};

/** networkd takes the length of the prefix from whichever of the two comes last, and makes one up where that has none. */
function addressWords({ address, peer, ...words }: Words): Words {
  const length = String(address).split("/")[1];
  return { address, ...(peer !== undefined && { peer: `${String(peer)}/${length}` }), ...words };
}

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

/** networkd marks what it makes as static, which is nobody's in particular; another mark it cannot give. */
function unmarked({ protocol, ...words }: Words): Words {
  return protocol === "linkwright" || protocol === "static" ? words : { ...words, protocol };
}

function ruleWords({ action, table, fwmark, fwmask, ...words }: Words): Words {
  return {
    ...unmarked(words),
    ...(fwmark !== undefined && { fwmark: fwmask === undefined ? fwmark : `${String(fwmark)}/${String(fwmask)}` }),
    ...(action === "table" ? { table: tables.numberOf(table as never) } : { action }),
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
  else if (reader === undefined) unsaid.leave(path, REASONS[list] ?? "networkd has no key for it", list);
  else {
    const [name, keys, read] = reader;
    const entries = unsaid.entriesOf(read(given), keys, path, list);
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
  "addressLabels",
  "fou",
];

/** Links whose files entries stand in. */
export interface Filed {
  /** Those that have one. */
  readonly names: ReadonlySet<string>;
  /** The one for what is on no link. */
  readonly any: string | undefined;
}

/** The sections of each link. What belongs to no link that has a file is left to `apply`. */
export function entrySections(
  desired: Desired,
  filed: Filed,
  unsaid: Unsayable,
): ReadonlyMap<string, readonly Section[]> {
  const found = new Map<string, Section[]>();
  for (const list of LISTS)
    for (const entry of desired[list]) {
      const link = list === "rules" ? filed.any : entry.words["dev"];
      if (readers[list] !== undefined && !entry.absent && (typeof link !== "string" || !filed.names.has(link))) {
        unsaid.leave(entry.path, "networkd keeps it in the file of a link, and no file is written for its link", list);
        continue;
      }
      const section = sectionOf(list, entry, unsaid);
      if (section !== undefined) found.set(String(link), [...(found.get(String(link)) ?? []), section]);
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
