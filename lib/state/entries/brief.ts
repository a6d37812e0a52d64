/** Entries of a host as a document would have them: what goes without saying is left out. */
import { scopes } from "../../families/lookup.ts";
import type { Words } from "../step.ts";
import { isWideRoute } from "../words.ts";
import type { ListName } from "./sort.ts";

/** The last address of a prefix is the broadcast address by itself. */
function isUsualBroadcast({ address, broadcast }: Words): boolean {
  const [host = "", length = ""] = String(address).split("/");
  const number = (text: string): number => text.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const last = (number(host) | (2 ** (32 - Number(length)) - 1)) >>> 0;
  return number(String(broadcast)) === last;
}

function address(words: Words): Words {
  const { broadcast, scope, validLifetime: _, preferredLifetime: __, protocol: ___, ...rest } = words;
  const usual = broadcast === "none" || broadcast === undefined || isUsualBroadcast(words);
  const scoped =
    scopes.numberOf(scope as never) !== 0 &&
    !String(words["address"]).startsWith("127.") &&
    !String(words["address"]).includes(":");
  return { ...rest, ...(!usual && { broadcast }), ...(scoped && { scope }) };
}

function route(words: Words): Words {
  const { family, type, table, scope, metric, pref, protocol: _, nexthops, ...rest } = words;
  const wide = family === "inet6";
  const ways = nexthops as readonly Words[] | undefined;
  const usualScope =
    type === "local"
      ? "host"
      : words["via"] === undefined && ways === undefined && words["nhid"] === undefined
        ? "link"
        : "global";
  const nowhere = ["blackhole", "unreachable", "prohibit", "throw"].includes(String(type));
  const bare: Words = {
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

function rule(words: Words): Words {
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

function fdb(words: Words): Words {
  const { state, self, master, ...rest } = words;
  return {
    ...rest,
    ...(state !== "permanent" && { state }),
    ...(master !== undefined && { master: true, ...(self === true && { self }) }),
  };
}

function neighbor({ state, protocol: _, ...rest }: Words): Words {
  return { ...rest, ...(state !== undefined && state !== "permanent" && { state }) };
}

function nexthop({ protocol: _, family, type, group, ...rest }: Words): Words {
  const members = group as readonly Words[] | undefined;
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

/** Numbers that the kernel gives the first filter of a `pref`. */
const FIRST: readonly unknown[] = [1, "0::800"];
function filter({ chain, protocol, handle, ...rest }: Words): Words {
  return {
    ...rest,
    ...(chain !== 0 && { chain }),
    ...(protocol !== "all" && { protocol }),
    ...(handle !== undefined && !FIRST.includes(handle) && { handle }),
  };
}
function tcClass({ parent, ...rest }: Words): Words {
  return { ...rest, ...(parent !== "root" && { parent }) };
}
function queue({ parent, handle, ...rest }: Words): Words {
  return parent === "ingress" ? rest : { parent, handle, ...rest };
}

function fouPort({ family, gue, remcsumNopartial, ...rest }: Words): Words {
  const known = rest["local"] ?? rest["peer"];
  return {
    ...rest,
    ...(known === undefined && family === "inet6" && { family }),
    ...(gue === true && { gue }),
    ...(remcsumNopartial === true && { remcsumNopartial }),
  };
}

const BRIEF: Readonly<Record<string, (words: Words) => unknown>> = {
  addresses: (words) => {
    const bag = address(words);
    return Object.keys(bag).length === 1 ? bag["address"] : bag;
  },
  routes: route,
  rules: rule,
  fdb,
  queues: queue,
  classes: tcClass,
  filters: filter,
  neighbors: neighbor,
  nexthops: nexthop,
  vlans: numbered("vid", "vidEnd"),
  vnis: numbered("vni", "vniEnd"),
  fou: fouPort,
};

/** An entry as `again` tells it, in the fewest words that mean the same; of a list of a link without its `dev`. */
export const brief = (list: ListName, words: Words): unknown => (BRIEF[list] ?? ((one: Words) => one))(words);
