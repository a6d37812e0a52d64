/** nf_tables: NAT, forward rules, MSS clamping and counters, without nft. */
export { commandsFor } from "./commands.ts";
export { describe } from "./describe.ts";
export { compareTables, type TableComparison, type TableDifference } from "./difference.ts";
export { encodeRule } from "./encode.ts";
export { NftablesError, StaleGenerationError } from "./error.ts";
export type { Expression } from "./expressions/index.ts";
export { type ChangeOptions, Nftables } from "./nftables.ts";
export { normalRule } from "./normal.ts";
export { normalTable, priorityOf } from "./normal-table.ts";
export { printRule, printTable } from "./print.ts";
export * from "./rule.ts";
export { sameTable } from "./same.ts";
export * from "./table.ts";
