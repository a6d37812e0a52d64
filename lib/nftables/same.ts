/** Whether a table is as it should be. */
import { isDeepStrictEqual } from "node:util";
import { describe } from "./describe.ts";
import { NftablesError } from "./error.ts";
import { type NormalTable, normalTable } from "./normal-table.ts";
import { type Family, isRaw, type Rule } from "./rule.ts";
import type { ObservedTable, Table } from "./table.ts";

function comparableRule(family: Family, rule: Rule): Rule {
  const described = isRaw(rule) ? describe(family, rule.expressions, rule.comment) : rule;
  return !isRaw(described) && typeof described.counter === "object" ? { ...described, counter: true } : described;
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;

/** A table without what says nothing of its purpose. */
export type Comparable = ReturnType<typeof comparable>;
export function comparable(table: Table): NormalTable {
  const { counters, chains, ...rest } = normalTable(table);
  return {
    ...rest,
    counters: counters.map(({ count: _, ...counter }) => counter).sort(byName),
    chains: chains
      .map((chain) => ({ ...chain, rules: chain.rules.map((rule) => comparableRule(rest.family, rule)) }))
      .sort(byName),
  };
}

/**
 * Whether the kernel's table does what the wanted one says: handles, counts, and the order of chains do not matter.
 * True means that an apply has nothing to send.
 * @throws {NftablesError} `ERR_INVALID` when the wanted table cannot be.
 */
export function sameTable(wanted: Table, seen: ObservedTable | Table): boolean {
  const left = comparable(wanted);
  if ("others" in seen && seen.others > 0) return false;
  try {
    return isDeepStrictEqual(left, comparable(seen));
  } catch (error) {
    if (error instanceof NftablesError) return false; // nothing that we would write
    throw error;
  }
}
