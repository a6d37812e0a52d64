/** Addresses, routes, rules and the like of a running host, without what the kernel and daemons make by themselves. */
import { brief } from "../state/entries/brief.ts";
import { KERNEL, LEASED, makerOf, PEOPLE, ROUTER } from "../state/entries/maker.ts";
import type { ListName, Sort } from "../state/entries/sort.ts";
import { SORTS } from "../state/entries/sorts.ts";
import { chosenOptions } from "../state/entries/vlans.ts";
import type { Observed } from "../state/observed.ts";
import type { Words } from "../state/step.ts";
import { ORIGINAL_LABELS } from "../state/words.ts";

/** Entries of a host: those that stand in a link's entry, and those beside. */
export interface HostEntries {
  readonly onLinks: ReadonlyMap<string, Readonly<Record<string, readonly unknown[]>>>;
  readonly beside: Readonly<Record<string, readonly unknown[]>>;
  /** What was left out that somebody may miss. */
  readonly left: readonly string[];
}

/** Counts what is left out, by reason. */
class Left {
  readonly #counts = new Map<string, number>();
  count(reason: string): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  }
  lines(): string[] {
    return [...this.#counts].map(([reason, count]) => `${reason}: ${count}`);
  }
}

/** What is said of entries that others keep. */
function leftOut(sort: Sort, maker: string): string {
  if (maker === LEASED) return "addresses with a lifetime (DHCP, or announced by a router)";
  if (maker === ROUTER) return "routes that a router announces";
  return `${sort.writing.many} of ${maker}, which keeps them itself`;
}

/** The VLAN that a new port has, and that a document need not say; where it is gone, that is said. */
function vlansOf(observed: Observed, dev: string, all: readonly Words[]): readonly Words[] {
  const link = observed.links.find(({ name }) => name === dev);
  const bridge = link?.kind === "bridge" ? link : observed.links.find(({ name }) => name === link?.["master"]);
  if (bridge?.kind !== "bridge") return [];
  const pvid = Number(bridge["vlanDefaultPvid"] ?? 1);
  const isGiven = ({ vid, vidEnd, pvid: first, untagged, tunnelId }: Words): boolean =>
    vid === pvid && (vidEnd ?? vid) === vid && first === true && untagged === true && tunnelId === undefined;
  const isUsual = (one: Words): boolean => isGiven(one) && Object.keys(chosenOptions(one)).length === 0;
  const rest = all.filter((one) => !isUsual(one));
  const has = all.some(({ vid, vidEnd = vid }) => Number(vid) <= pvid && pvid <= Number(vidEnd));
  return has || pvid === 0 || bridge["vlanFiltering"] !== true ? rest : [{ dev, vid: pvid, state: "absent" }, ...rest];
}

/** Labels that every host has from its start, where somebody took them away. */
function goneLabels({ addressLabels }: Observed): readonly Words[] {
  if (addressLabels === undefined) return [];
  const there = new Set(addressLabels.flatMap(({ prefix, dev }) => (dev === undefined ? [prefix] : [])));
  return [...ORIGINAL_LABELS.keys()].flatMap((prefix) => (there.has(prefix) ? [] : [{ prefix, state: "absent" }]));
}

function entriesOf(sort: Sort, observed: Observed, left: Left): readonly Words[] {
  const all = observed[sort.list] ?? [];
  if (sort.list === "vlans") {
    const ports = observed.links.filter(
      ({ name }) => all.some(({ dev }) => dev === name) || observed.links.some((one) => one["master"] === name),
    );
    return ports.flatMap(({ name }) =>
      vlansOf(
        observed,
        name,
        all.filter(({ dev }) => dev === name),
      ),
    );
  }
  const gone = sort.list === "addressLabels" ? goneLabels(observed) : [];
  const found = all.filter((words) => {
    const maker = makerOf(sort, words, observed);
    if (maker !== PEOPLE && maker !== KERNEL) left.count(leftOut(sort, maker));
    return maker === PEOPLE;
  });
  return [...gone, ...found];
}

/** Sorts that are known here. Of another one it is not known what somebody wrote, nor what of it is a secret. */
const KNOWN: readonly string[] = [
  "addresses",
  "routes",
  "rules",
  "nexthops",
  "fdb",
  "neighbors",
  "vlans",
  "vlanGlobals",
  "vnis",
  "mdb",
  "queues",
  "classes",
  "filters",
  "addressLabels",
  "fou",
] satisfies ListName[];

/** Reads what is on links and beside them. */
export function entriesOfHost(observed: Observed): HostEntries {
  const left = new Left();
  const onLinks = new Map<string, Record<string, unknown[]>>();
  const beside: Record<string, unknown[]> = {};
  for (const sort of SORTS.filter(({ list }) => KNOWN.includes(list)))
    for (const words of entriesOf(sort, observed, left)) {
      const { dev, ...again } = words["state"] === "absent" ? words : sort.again(words);
      const name = typeof dev === "string" && sort.writing.place !== "top" ? dev : undefined;
      const terse = brief(sort.list, name === undefined && dev !== undefined ? { ...again, dev } : again);
      if (name === undefined) beside[sort.list] = [...(beside[sort.list] ?? []), terse];
      else {
        const lists = onLinks.get(name) ?? {};
        onLinks.set(name, { ...lists, [sort.list]: [...(lists[sort.list] ?? []), terse] });
      }
    }
  return { onLinks, beside, left: left.lines() };
}
