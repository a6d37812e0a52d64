/** Tables checked and brought to their one form. */
import { invalid, shown } from "./error.ts";
import { checkComment, checkName } from "./names.ts";
import { checkKeys, normalRule, oneOf } from "./normal.ts";
import { type Action, type Family, isRaw, type Rule } from "./rule.ts";
import type { Chain, Hook, NamedCounter, Table } from "./table.ts";
import { hooks, priorities } from "./words.ts";

/** A chain with nothing left to default. */
export interface NormalChain extends Chain {
  readonly hook?: Hook;
  readonly priority?: number;
  readonly rules: readonly Rule[];
}
/** A table with nothing left to default. */
export interface NormalTable extends Table {
  readonly counters: readonly NamedCounter[];
  readonly chains: readonly NormalChain[];
}

/** The number of a priority: `srcnat`, `filter - 10`, `100`. */
export function priorityOf(family: Family, value: number | string, path = "priority"): number {
  if (typeof value === "number") {
    if (!Number.isInteger(value) || Math.abs(value) > 0x7fff_ffff)
      invalid(path, `expected a whole number, got ${value}`);
    return value;
  }
  const names = priorities(family);
  const [, name = "", sign, offset] = /^([a-z]+)\s*(?:([+-])\s*(\d{1,9}))?$/.exec(value) ?? [];
  const base = Object.hasOwn(names, name) ? names[name] : undefined;
  if (base === undefined)
    invalid(
      path,
      `expected a number or one of ${Object.keys(names).join(", ")} as in "filter - 10", got ${shown(value)}`,
    );
  return base + (offset === undefined ? 0 : Number(`${sign}${offset}`));
}

/** Which hooks a NAT action works at. Source: net/netfilter/nft_masq.c, nft_nat.c, nft_redir.c: *_validate. */
const natHooks: Readonly<Record<string, readonly Hook[]>> = {
  masquerade: ["postrouting"],
  snat: ["postrouting", "input"],
  dnat: ["prerouting", "output"],
  redirect: ["prerouting", "output"],
};

function checkPlace(action: Action, chain: NormalChain, path: string): void {
  if (typeof action !== "object" || chain.hook === undefined) return;
  for (const [kind, places] of Object.entries(natHooks)) {
    if (!(kind in action)) continue;
    if (chain.type !== "nat" || !places.includes(chain.hook))
      invalid(
        `${path}.action.${kind}`,
        `works only in a chain of type nat at ${places.join(" or ")}; ${chain.name} is of type ${chain.type} at ${chain.hook}`,
      );
  }
}

function normalChain(family: Family, chain: Chain, path: string): NormalChain {
  checkKeys(chain, ["name", "hook", "type", "priority", "policy", "comment", "rules", "handle"], path);
  const name = checkName(chain.name, `${path}.name`);
  const comment = chain.comment ? { comment: checkComment(chain.comment, `${path}.comment`) } : {};
  const rules = (chain.rules ?? []).map((rule, at) => normalRule(family, rule, `${path}.rules[${at}]`));
  if (chain.hook === undefined) {
    for (const key of ["type", "priority", "policy"] as const)
      if (chain[key] !== undefined) invalid(`${path}.${key}`, `is for a chain with a hook: add hook, or leave it out`);
    return { name, ...comment, rules };
  }
  const hook = oneOf(chain.hook, Object.keys(hooks) as Hook[], `${path}.hook`);
  const type = oneOf(chain.type ?? "filter", ["filter", "nat", "route"], `${path}.type`);
  const priority = priorityOf(family, chain.priority ?? "filter", `${path}.priority`);
  if (type === "nat" && family === "bridge") invalid(`${path}.type`, `a bridge table has no NAT: use family inet`);
  if (type === "nat" && hook === "forward")
    invalid(
      `${path}.hook`,
      `NAT does not happen at forward: use postrouting for masquerade and snat, prerouting for dnat`,
    );
  if (type === "nat" && priority <= -200)
    invalid(`${path}.priority`, `NAT needs the connection, which is known after -200: use srcnat or dnat`);
  if (type === "route" && hook !== "output") invalid(`${path}.hook`, `a chain of type route stands at output`);
  const policy = oneOf(chain.policy ?? "accept", ["accept", "drop"], `${path}.policy`);
  return { name, hook, type, priority, policy, ...comment, rules };
}

function unique(names: readonly string[], what: string, path: string): void {
  for (const [at, name] of names.entries())
    if (names.indexOf(name) !== at) invalid(`${path}[${at}].name`, `there are two ${what}s called ${name}`);
}

/** The one form of a table. @throws {NftablesError} `ERR_INVALID` with the path of what cannot be. */
export function normalTable(table: Table): NormalTable {
  checkKeys(
    table,
    ["family", "name", "comment", "dormant", "counters", "chains", "handle", "others", "generation", "consistent"],
    "",
  );
  const family = oneOf(table.family, ["ip", "ip6", "inet", "bridge"], "family");
  const name = checkName(table.name, "name");
  const counters = (table.counters ?? []).map((counter, at): NamedCounter => {
    checkKeys(counter, ["name", "comment", "count"], `counters[${at}]`);
    return {
      name: checkName(counter.name, `counters[${at}].name`),
      ...(counter.comment && { comment: checkComment(counter.comment, `counters[${at}].comment`) }),
      ...(counter.count && { count: counter.count }),
    };
  });
  const chains = (table.chains ?? []).map((chain, at) => normalChain(family, chain, `chains[${at}]`));
  unique(
    counters.map((counter) => counter.name),
    "counter",
    "counters",
  );
  unique(
    chains.map((chain) => chain.name),
    "chain",
    "chains",
  );
  for (const [at, chain] of chains.entries())
    for (const [number, rule] of chain.rules.entries()) {
      const path = `chains[${at}].rules[${number}]`;
      if (isRaw(rule)) continue;
      const { action, counter } = rule;
      if (typeof counter === "string" && !counters.some((known) => known.name === counter))
        invalid(`${path}.counter`, `the table has no counter called ${counter}: add it to counters`);
      if (action === undefined) continue;
      checkPlace(action, chain, path);
      const target =
        typeof action !== "object"
          ? undefined
          : "jump" in action
            ? action.jump
            : "goto" in action
              ? action.goto
              : undefined;
      const found = target === undefined ? undefined : chains.find((known) => known.name === target);
      if (target !== undefined && found === undefined)
        invalid(`${path}.action`, `the table has no chain called ${target}: add it to chains`);
      if (found?.hook !== undefined)
        invalid(`${path}.action`, `${target} has a hook of its own: only chains without one can be jumped to`);
    }
  return {
    family,
    name,
    ...(table.comment && { comment: checkComment(table.comment, "comment") }),
    ...(table.dormant && { dormant: true }),
    counters,
    chains,
  };
}
