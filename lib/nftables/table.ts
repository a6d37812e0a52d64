/** Tables and chains as values, in nft's own words. */
import type { Count, Family, Rule } from "./rule.ts";
import type { hooks } from "./words.ts";

export type Hook = keyof typeof hooks;
/** Hooks that are read and not written. */
export type OtherHook = "ingress" | "egress" | `#${number}`;
export type ChainType = "filter" | "nat" | "route";

/** A chain. With `hook` it is a base chain, which packets enter by themselves; without, other chains jump to it. */
export interface Chain {
  readonly name: string;
  readonly hook?: Hook | OtherHook;
  /** `filter` when absent. */
  readonly type?: ChainType;
  /** A number, or nft's name for it: `srcnat`, `filter`, `filter - 10`. `filter` when absent. */
  readonly priority?: number | string;
  /** `accept` when absent. */
  readonly policy?: "accept" | "drop";
  readonly comment?: string;
  readonly rules?: readonly Rule[];
}

/** A counter with a name, which several rules may share. Same as: nft add counter …. */
export interface NamedCounter {
  readonly name: string;
  readonly comment?: string;
  /** What it starts from, or where it stands. */
  readonly count?: Count;
}

/** A table with all that is in it. Same as: nft add table …. */
export interface Table {
  readonly family: Family;
  readonly name: string;
  readonly comment?: string;
  /** The table is kept but does nothing. */
  readonly dormant?: boolean;
  readonly counters?: readonly NamedCounter[];
  readonly chains?: readonly Chain[];
}

/** A rule as the kernel has it. */
export type ObservedRule = Rule & { readonly handle: bigint };

/** A chain as the kernel has it. */
export interface ObservedChain extends Chain {
  readonly handle: bigint;
  readonly priority?: number;
  readonly rules: readonly ObservedRule[];
}

/** A table as the kernel has it. */
export interface ObservedTable extends Table {
  readonly handle: bigint;
  readonly counters: readonly (NamedCounter & { readonly count: Count })[];
  readonly chains: readonly ObservedChain[];
  /** Named sets, maps, flowtables and objects other than counters, of which only the number is known. */
  readonly others: number;
  /** The generation of the ruleset that this was read from: give it to `replace`. */
  readonly generation: number;
  /** False when the ruleset changed each time it was read. */
  readonly consistent: boolean;
}

/** A table as it is listed. Families that cannot be written are shown too. */
export interface TableEntry {
  readonly family: Family | "arp" | "netdev" | `#${number}`;
  readonly name: string;
  readonly handle: bigint;
  readonly comment?: string;
  readonly dormant: boolean;
  /** The port id of the socket that alone may change the table. */
  readonly owner?: number;
}

/** A chain of any table, as it is listed. */
export interface ChainEntry extends Omit<Chain, "rules" | "type"> {
  readonly family: TableEntry["family"];
  readonly table: string;
  readonly handle: bigint;
  readonly type?: string;
  readonly hook?: Hook | OtherHook;
  readonly priority?: number;
  /** Interfaces of a chain of the netdev family. */
  readonly devices?: readonly string[];
}

/** A counter, and the rule or the name it belongs to. */
export interface CounterReading extends Count {
  /** The counter's own name, where it has one. */
  readonly name?: string;
  /** The chain, and the handle of the rule, of a counter without a name. */
  readonly chain?: string;
  readonly rule?: bigint;
  readonly comment?: string;
}

/** The state of the ruleset: every change by anybody makes a new generation. */
export interface Generation {
  readonly id: number;
}
