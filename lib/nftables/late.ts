/** nf_tables as users import it: what is more than types and errors is loaded when it is first called. */
import { late } from "../families/late.ts";
import type { Command } from "../socket/index.ts";
import type { TableComparison } from "./difference.ts";
import type { Expression } from "./expressions/index.ts";
import type { NormalTable } from "./normal-table.ts";
import type { Family, Rule } from "./rule.ts";
import type { ObservedTable, Table } from "./table.ts";

export type { TableComparison, TableDifference } from "./difference.ts";
export { NftablesError, StaleGenerationError } from "./error.ts";
export type { Expression } from "./expressions/index.ts";
export type { ChangeOptions, Nftables } from "./nftables.ts";
export * from "./rule.ts";
export * from "./table.ts";

const nftables = () => late<typeof import("./index.ts")>("nftables/index");

/**
 * The commands that put this table in place of whatever has its name, for one transaction. Pure: sends nothing.
 * @throws {NftablesError} `ERR_INVALID` when the table cannot be.
 */
export function commandsFor(table: Table): readonly Command[] {
  return nftables().commandsFor(table);
}
/** What a rule of a table of this family says, or its steps as they are where there are no words for one of them. */
export function describe(table: Family, steps: readonly Expression[], comment?: string): Rule {
  return nftables().describe(table, steps, comment);
}
/**
 * What is the same in a table as it should be and as it is, and what differs; either may be absent. There are no
 * differences where `sameTable` says that they are the same.
 *
 * @throws {NftablesError} `ERR_INVALID` when the wanted table cannot be.
 */
export function compareTables(wanted: Table | undefined, seen: ObservedTable | Table | undefined): TableComparison {
  return nftables().compareTables(wanted, seen);
}
/** The steps of a rule in a table of this family. @throws {NftablesError} where the rule cannot be. */
export function encodeRule(table: Family, rule: Rule, path = ""): readonly Expression[] {
  return nftables().encodeRule(table, rule, path);
}
/** The one form of a rule in a table of this family. @throws {NftablesError} when it cannot be. */
export function normalRule(family: Family, rule: Rule, path = ""): Rule {
  return nftables().normalRule(family, rule, path);
}
/** The one form of a table. @throws {NftablesError} `ERR_INVALID` with the path of what cannot be. */
export function normalTable(table: Table): NormalTable {
  return nftables().normalTable(table);
}
/** The number of a priority: `srcnat`, `filter - 10`, `100`. */
export function priorityOf(family: Family, value: number | string, path = "priority"): number {
  return nftables().priorityOf(family, value, path);
}
/**
 * A rule as nft writes it: `iifname "br-vm" oifname "ens34f0" accept comment "out"`. Steps that have no words stand in
 * brackets, which nft refuses to load.
 */
export function printRule(family: Family, rule: Rule): string {
  return nftables().printRule(family, rule);
}
/** A table as `nft list table` writes it. */
export function printTable(table: Table): string {
  return nftables().printTable(table);
}
/**
 * Whether the kernel's table does what the wanted one says: handles, counts, and the order of chains do not matter.
 * True means that an apply has nothing to send.
 * @throws {NftablesError} `ERR_INVALID` when the wanted table cannot be.
 */
export function sameTable(wanted: Table, seen: ObservedTable | Table): boolean {
  return nftables().sameTable(wanted, seen);
}
