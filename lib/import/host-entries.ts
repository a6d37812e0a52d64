/** Addresses, routes, rules and the like of a running host, without what the kernel and daemons make by themselves. */
import { scopes } from "../families/lookup.ts";
import { ZERO_MAC } from "../neighbors/zero-mac.ts";
import { isWide as isWideRoute } from "../routes/words.ts";
import type { ListName, Sort } from "../state/entries/sort.ts";
import { SORTS } from "../state/entries/sorts.ts";
import type { Observed } from "../state/observed.ts";
import type { Words } from "../state/step.ts";
import type { Bag } from "./model.ts";

/** Entries of a host: those that stand in a link's entry, and those beside. */
export interface HostEntries {
  readonly onLinks: ReadonlyMap<string, Readonly<Record<string, readonly unknown[]>>>;
  readonly beside: Readonly<Record<string, readonly unknown[]>>;
  /** What was left out that somebody may miss. */
  readonly left: readonly string[];
}

/** Makers whose routes, rules and nexthops a document may take over: people, and ourselves. */
const PEOPLE: readonly unknown[] = ["boot", "static", "linkwright", "unspec", undefined];

/** Counts what is left out, by reason. */
class Left {
  readonly #counts = new Map<string, number>();
  count(reason: string): false {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    return false;
  }
  lines(): string[] {
    return [...this.#counts].map(([reason, count]) => `${reason}: ${count}`);
  }
}

type Keeps = (words: Words, observed: Observed, left: Left) => boolean;

/** Whether this kernel tells who made an address: since Linux 5.18. */
const tellsMakers = ({ addresses = [] }: Observed): boolean => addresses.some(({ protocol }) => protocol !== undefined);

function keepsAddress(words: Words, observed: Observed, left: Left): boolean {
  const { dev, address, protocol, dynamic, temporary } = words;
  const text = String(address);
  if (temporary === true || dynamic === true)
    return left.count("addresses with a lifetime (DHCP, or announced by a router)");
  if (String(protocol).startsWith("kernel_")) return false;
  if (dev === "lo" && (text === "127.0.0.1/8" || text === "::1/128")) return false;
  return !/^fe80:/i.test(text) || tellsMakers(observed);
}

function keepsRoute({ protocol, expires, cached }: Words, _: Observed, left: Left): boolean {
  if (cached === true || protocol === "redirect") return false;
  if (protocol === "ra" || expires !== undefined) return left.count("routes that a router announces");
  return PEOPLE.includes(protocol) || left.count(`routes of ${String(protocol)}, which keeps them itself`);
}

/** Every kernel has these rules from the beginning. */
function keepsRule({ protocol, priority, table, action }: Words, _: Observed, left: Left): boolean {
  const original =
    [0, 32_766, 32_767].includes(Number(priority)) &&
    action === "table" &&
    ["local", "main", "default"].includes(String(table));
  if (protocol === "kernel" || original) return false;
  return PEOPLE.includes(protocol) || left.count(`rules of ${String(protocol)}, which keeps them itself`);
}

/** Somebody's own entry on a bridge or a VXLAN, and not the address of a link that is there. */
function keepsFdb(words: Words, observed: Observed): boolean {
  // Written for no VLAN, a bridge adds it for each VLAN that the port has.
  const twin = ({ dev, mac, master, vlan }: Words): boolean =>
    vlan === undefined && dev === words["dev"] && mac === words["mac"] && master === words["master"];
  if (words["vlan"] !== undefined && words["master"] !== undefined && (observed.fdb ?? []).some(twin)) return false;
  return !observed.links.some((link) => link["mac"] === words["mac"] && words["mac"] !== ZERO_MAC);
}

const KEEPS: Readonly<Record<string, Keeps>> = {
  addresses: keepsAddress,
  routes: keepsRoute,
  rules: keepsRule,
  fdb: keepsFdb,
  nexthops: ({ protocol }, _, left) =>
    PEOPLE.includes(protocol) || left.count(`nexthops of ${String(protocol)}, which keeps them itself`),
};
/** Sorts whose own judgment asks what comes back with a link, and not what somebody wrote. */
const OWN_JUDGMENT = ["addresses", "rules"];

/** The last address of a prefix is the broadcast address by itself. */
function isUsualBroadcast({ address, broadcast }: Words): boolean {
  const [host = "", length = ""] = String(address).split("/");
  const number = (text: string): number => text.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const last = (number(host) | (2 ** (32 - Number(length)) - 1)) >>> 0;
  return number(String(broadcast)) === last;
}

function address(words: Words): Bag {
  const { broadcast, scope, validLifetime: _, preferredLifetime: __, protocol: ___, ...rest } = words;
  const usual = broadcast === "none" || broadcast === undefined || isUsualBroadcast(words);
  const scoped =
    scopes.numberOf(scope as never) !== 0 &&
    !String(words["address"]).startsWith("127.") &&
    !String(words["address"]).includes(":");
  return { ...rest, ...(!usual && { broadcast }), ...(scoped && { scope }) };
}

function route(words: Words): Bag {
  const { family, type, table, scope, metric, pref, protocol: _, nexthops, ...rest } = words;
  const wide = family === "inet6";
  const ways = nexthops as readonly Bag[] | undefined;
  const usualScope =
    type === "local"
      ? "host"
      : words["via"] === undefined && ways === undefined && words["nhid"] === undefined
        ? "link"
        : "global";
  const nowhere = ["blackhole", "unreachable", "prohibit", "throw"].includes(String(type));
  const bare: Bag = {
    ...rest,
    ...(type !== "unicast" && { type }),
    ...(table !== "main" && { table }),
    ...(!wide && !nowhere && scope !== usualScope && { scope }),
    ...(metric !== undefined && !(wide && metric === 1024) && { metric }),
    ...(pref !== undefined && pref !== "medium" && { pref }),
    ...(ways !== undefined && {
      nexthops: ways.map(({ weight, ...way }) => ({ ...way, ...(weight !== 1 && { weight }) })),
    }),
  };
  return isWideRoute(bare as never) === wide ? bare : { ...bare, family };
}

function rule(words: Words): Bag {
  const { protocol: _, family, action, ...rest } = words;
  const selected = rest["from"] !== undefined || rest["to"] !== undefined;
  const some = Object.keys(rest).some((key) => !["priority", "table", "goto"].includes(key));
  return {
    ...rest,
    ...(action !== "table" && action !== undefined && { action }),
    ...(!some && { from: "default" }),
    ...(family === "inet6" && !selected && { family }),
  };
}

function fdb(words: Words): Bag {
  const { state, self, master, ...rest } = words;
  return {
    ...rest,
    ...(state !== "permanent" && { state }),
    ...(master !== undefined && { master: true, ...(self === true && { self }) }),
  };
}

function neighbor({ state, protocol: _, ...rest }: Words): Bag {
  return { ...rest, ...(state !== undefined && state !== "permanent" && { state }) };
}

function nexthop({ protocol: _, family, type, group, ...rest }: Words): Bag {
  const members = group as readonly Bag[] | undefined;
  const known = rest["via"] !== undefined || members !== undefined || family === "inet";
  return {
    ...rest,
    ...(!known && { family }),
    ...(members !== undefined && {
      group: members.map(({ weight, ...member }) => ({ ...member, ...(weight !== 1 && { weight }) })),
    }),
    ...(type !== undefined && type !== "mpath" && { type }),
  };
}

/** A number or a range, where nothing else is said. */
const numbered =
  (first: string, last: string) =>
  (words: Words): unknown => {
    const { [first]: from, [last]: to, ...rest } = words;
    if (Object.keys(rest).length > 0) return words;
    return to === undefined || to === from ? from : `${String(from)}-${String(to)}`;
  };

const TERSE: Readonly<Record<string, (words: Words) => unknown>> = {
  addresses: (words) => {
    const bag = address(words);
    return Object.keys(bag).length === 1 ? bag["address"] : bag;
  },
  routes: route,
  rules: rule,
  fdb,
  neighbors: neighbor,
  nexthops: nexthop,
  vlans: numbered("vid", "vidEnd"),
  vnis: numbered("vni", "vniEnd"),
};

/** The VLAN that a new port has, and that a document need not say; where it is gone, that is said. */
function vlansOf(observed: Observed, dev: string, all: readonly Words[]): readonly Words[] {
  const link = observed.links.find(({ name }) => name === dev);
  const bridge = link?.kind === "bridge" ? link : observed.links.find(({ name }) => name === link?.["master"]);
  if (bridge?.kind !== "bridge") return [];
  const pvid = Number(bridge["vlanDefaultPvid"] ?? 1);
  const isGiven = ({ vid, vidEnd, pvid: first, untagged, tunnelId }: Words): boolean =>
    vid === pvid && (vidEnd ?? vid) === vid && first === true && untagged === true && tunnelId === undefined;
  const rest = all.filter((one) => !isGiven(one));
  const has = all.some(({ vid, vidEnd = vid }) => Number(vid) <= pvid && pvid <= Number(vidEnd));
  return has || pvid === 0 || bridge["vlanFiltering"] !== true ? rest : [{ dev, vid: pvid, state: "absent" }, ...rest];
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
  const keeps = KEEPS[sort.list];
  return all.filter(
    (words) =>
      (OWN_JUDGMENT.includes(sort.list) || sort.isGiven(words, observed)) &&
      (keeps === undefined || keeps(words, observed, left)),
  );
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
  "vnis",
  "mdb",
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
      const terse = (TERSE[sort.list] ?? ((one: Words) => one))(
        name === undefined && dev !== undefined ? { ...again, dev } : again,
      );
      if (name === undefined) beside[sort.list] = [...(beside[sort.list] ?? []), terse];
      else {
        const lists = onLinks.get(name) ?? {};
        onLinks.set(name, { ...lists, [sort.list]: [...(lists[sort.list] ?? []), terse] });
      }
    }
  return { onLinks, beside, left: left.lines() };
}
