/** What differs between a table as it should be and as it is, in the language in which rules are printed. */
import { NftablesError } from "./error.ts";
import { printHook, printRule } from "./print.ts";
import type { Family, Rule } from "./rule.ts";
import { type Comparable, comparable } from "./same.ts";
import type { ObservedTable, Table } from "./table.ts";

/** One rule, or one property of a chain or of the table. `from` is what is there, `to` what shall be. */
export interface TableDifference {
  /** `rule`, `chain`, `counter`, `comment`, `dormant`, `others`. */
  readonly field: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** A rule of a chain, and the text that is the same for two rules that do the same. */
interface Placed {
  readonly rule: Rule;
  readonly key: string;
}
interface Pair {
  readonly seen: number;
  readonly wanted: number;
}

const keyOf = (rule: Rule): string =>
  JSON.stringify(rule, (_, value: unknown) =>
    typeof value === "bigint" ? `${value}n` : value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
  );

/** Equal rules, the first with the first. */
function equalPairs(seen: readonly Placed[], wanted: readonly Placed[]): Pair[] {
  const places = new Map<string, number[]>();
  for (const [at, { key }] of seen.entries()) places.set(key, [...(places.get(key) ?? []), at]);
  return wanted.flatMap(({ key }, at) => {
    const found = places.get(key)?.shift();
    return found === undefined ? [] : [{ seen: found, wanted: at }];
  });
}

/** As many pairs as can be in which both sides rise: the rules that stay where they are. */
function rising(pairs: readonly Pair[]): ReadonlySet<Pair> {
  const ends: Pair[] = [];
  const before = new Map<Pair, Pair | undefined>();
  for (const pair of pairs) {
    const at = ends.findIndex((end) => end.seen > pair.seen);
    const length = at < 0 ? ends.length : at;
    before.set(pair, ends[length - 1]);
    ends[length] = pair;
  }
  const stay = new Set<Pair>();
  for (let pair = ends.at(-1); pair !== undefined; pair = before.get(pair)) stay.add(pair);
  return stay;
}

/** Rules that are not the same and stand for each other: by their comment, or between the same neighbors. */
function changedPairs(
  seen: readonly Placed[],
  wanted: readonly Placed[],
  equal: readonly Pair[],
  stay: ReadonlySet<Pair>,
): Pair[] {
  const free = (list: readonly Placed[], side: keyof Pair): number[] =>
    [...list.keys()].filter((at) => equal.every((pair) => pair[side] !== at));
  const below = (at: number, side: keyof Pair): number => [...stay].filter((pair) => pair[side] < at).length;
  const [left, rest] = [free(seen, "seen"), free(wanted, "wanted")];
  const found: Pair[] = [];
  const take = (fits: (from: number, to: number) => boolean): void => {
    for (const to of rest) {
      if (found.some((pair) => pair.wanted === to)) continue;
      const from = left.find((at) => found.every((pair) => pair.seen !== at) && fits(at, to));
      if (from !== undefined) found.push({ seen: from, wanted: to });
    }
  };
  const comment = (list: readonly Placed[], at: number): string | undefined => list[at]?.rule.comment;
  take((from, to) => comment(wanted, to) !== undefined && comment(seen, from) === comment(wanted, to));
  take((from, to) => below(from, "seen") === below(to, "wanted"));
  return found;
}

/** The rule in print, with its comment where that is what differs. */
function print(family: Family, rule: Rule | undefined, withComment: boolean): string {
  if (rule === undefined) return "";
  const { comment, ...bare } = rule;
  return printRule(family, withComment ? rule : (bare as Rule));
}

function ruleDifferences(
  family: Family,
  chain: string,
  before: readonly Rule[],
  after: readonly Rule[],
): TableDifference[] {
  const [seen, wanted] = [before, after].map((rules) => rules.map((rule): Placed => ({ rule, key: keyOf(rule) })));
  if (seen === undefined || wanted === undefined) return [];
  const equal = equalPairs(seen, wanted);
  const stay = rising(equal);
  const changed = changedPairs(seen, wanted, equal, stay);
  const text = (rule: Rule | undefined, withComment = false): string => `${chain}: ${print(family, rule, withComment)}`;
  const removed = seen.flatMap(({ rule }, at) =>
    [...equal, ...changed].some((pair) => pair.seen === at) ? [] : [{ field: "rule", from: text(rule), to: undefined }],
  );
  const others = wanted.flatMap(({ rule }, at): TableDifference[] => {
    const same = equal.find((pair) => pair.wanted === at);
    if (same !== undefined && stay.has(same)) return [{ field: "rule", from: text(rule), to: text(rule) }];
    const place = (number: number): string => `${chain}, place ${number + 1}: ${print(family, rule, false)}`;
    if (same !== undefined) return [{ field: "rule", from: place(same.seen), to: place(at) }];
    const former = changed.find((pair) => pair.wanted === at);
    if (former === undefined) return [{ field: "rule", from: undefined, to: text(rule) }];
    const old = seen[former.seen]?.rule;
    const remark = text(old) === text(rule);
    return [{ field: "rule", from: text(old, remark), to: text(rule, remark) }];
  });
  return [...removed, ...others];
}

/** A property in words; nothing where neither side has it. */
function one(field: string, from: string | undefined, to: string | undefined): TableDifference[] {
  return from === undefined && to === undefined ? [] : [{ field, from, to }];
}

/** All names of both, in order. */
const names = (...lists: readonly (readonly { readonly name: string }[])[]): string[] =>
  [...new Set(lists.flat().map(({ name }) => name))].sort();

/** All rules and properties of both; those that are the same have it on both sides. */
function partsOf(seen: Comparable | undefined, wanted: Comparable | undefined): TableDifference[] {
  const family = wanted?.family ?? seen?.family ?? "inet";
  const [before, after] = [seen?.chains ?? [], wanted?.chains ?? []];
  const chains = names(after, before).flatMap((name) => {
    const [from, to] = [before, after].map((list) => list.find((chain) => chain.name === name));
    const head = (chain: typeof from): string | undefined => chain && `${name}: ${printHook(family, chain)}`;
    return [
      ...one("chain", head(from), head(to)),
      ...one("comment", from?.comment, to?.comment),
      ...ruleDifferences(family, name, from?.rules ?? [], to?.rules ?? []),
    ];
  });
  const [had, has] = [seen?.counters ?? [], wanted?.counters ?? []];
  const counters = names(has, had).flatMap((name) => {
    const [from, to] = [had, has].map((list) => list.find((counter) => counter.name === name));
    const text = (counter: typeof from): string | undefined =>
      counter && [name, ...(counter.comment === undefined ? [] : [counter.comment])].join(" ");
    return one("counter", text(from), text(to));
  });
  return [
    ...one("comment", seen?.comment, wanted?.comment),
    ...one("dormant", seen?.dormant ? "true" : undefined, wanted?.dormant ? "true" : undefined),
    ...counters,
    ...chains,
  ];
}

/** Two tables beside each other. */
export interface TableComparison {
  /** Rules, heads of chains and other properties that are as they should be. */
  readonly same: readonly string[];
  /** Those that are missing, not wanted, other than they should be, or in another place. */
  readonly differences: readonly TableDifference[];
}

/**
 * What is the same in a table as it should be and as it is, and what differs; either may be absent. There are no
 * differences where `sameTable` says that they are the same.
 *
 * @throws {NftablesError} `ERR_INVALID` when the wanted table cannot be.
 */
export function compareTables(wanted: Table | undefined, seen: ObservedTable | Table | undefined): TableComparison {
  const after = wanted && comparable(wanted);
  const others = seen !== undefined && "others" in seen ? seen.others : 0;
  const foreign =
    others === 0 ? [] : [{ field: "others", from: `${others} sets, maps or other objects`, to: undefined }];
  try {
    const parts = partsOf(seen && comparable(seen), after);
    return {
      same: parts.flatMap(({ from, to }) => (from === to && to !== undefined ? [to] : [])),
      differences: [...foreign, ...parts.filter(({ from, to }) => from !== to)],
    };
  } catch (error) {
    if (!(error instanceof NftablesError)) throw error;
    // Nothing that we would write: it says so itself.
    const differences = [{ field: "table", from: error.message, to: wanted && "as the document says" }];
    return { same: [], differences: [...foreign, ...differences] };
  }
}
