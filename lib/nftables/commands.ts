/** A table as the commands of one transaction. */
import { nfproto } from "../families/netfilter.ts";
import { type Command, command } from "../socket/index.ts";
import { NLM_F_APPEND, NLM_F_CREATE } from "../wire/index.ts";
import { encodeRule } from "./encode.ts";
import { invalid } from "./error.ts";
import { delTable, newChain, newObject, newRule, newTable } from "./messages.ts";
import { normalTable } from "./normal-table.ts";
import { printRule } from "./print.ts";
import type { Family } from "./rule.ts";
import type { Table } from "./table.ts";
import { commentData } from "./userdata.ts";
import { hooks } from "./words.ts";

/** A command, and what it is about in the caller's words. */
export interface Step {
  readonly command: Command;
  /** `chains[1].rules[0]`. */
  readonly path: string;
  /** `rule 1 of chain lw_fwd (iifname "br-vm" accept)`. */
  readonly what: string;
}

/** The fixed header of a message about this family. */
export const headerOf = (family: Family) => ({ family: nfproto[family], version: 0, resId: 0 });
const userdata = (comment: string | undefined): { userdata?: Uint8Array } =>
  comment === undefined ? {} : { userdata: commentData(comment) };

/** What removes a table. */
export function stepToDelete(family: Family, name: string): Step {
  const value = { header: headerOf(family), attrs: { name } };
  return { command: command(delTable, value, 0), path: "", what: `table ${family} ${name}` };
}

/** What puts a table in place of whatever has its name. NEWTABLE, DELTABLE, NEWTABLE is the one way that kernels before 6.3 have too. */
export function stepsToReplace(table: Table): readonly Step[] {
  const { family, name, comment, dormant, counters, chains } = normalTable(table);
  const header = headerOf(family);
  const what = `table ${family} ${name}`;
  const empty = { header, attrs: { name } };
  const full = { header, attrs: { name, flags: { dormant: dormant === true }, ...userdata(comment) } };
  const steps: Step[] = [
    { command: command(newTable, empty, NLM_F_CREATE), path: "", what },
    stepToDelete(family, name),
    { command: command(newTable, full, NLM_F_CREATE), path: "", what },
  ];
  for (const [at, counter] of counters.entries()) {
    const { packets, bytes } = counter.count ?? { packets: 0n, bytes: 0n };
    const attrs = {
      table: name,
      name: counter.name,
      type: "counter",
      data: { bytes, packets },
      ...userdata(counter.comment),
    } as const;
    const made = command(newObject, { header, attrs }, NLM_F_CREATE);
    steps.push({ command: made, path: `counters[${at}]`, what: `counter ${counter.name}` });
  }
  for (const [at, chain] of chains.entries()) {
    const attrs = { table: name, name: chain.name, ...userdata(chain.comment) };
    const base = chain.hook && {
      hook: { hooknum: hooks[chain.hook], priority: chain.priority ?? 0 },
      policy: chain.policy ?? "accept",
      type: chain.type ?? "filter",
    };
    const made = command(newChain, { header, attrs: { ...attrs, ...base } }, NLM_F_CREATE);
    steps.push({ command: made, path: `chains[${at}]`, what: `chain ${chain.name}` });
  }
  for (const [at, chain] of chains.entries())
    for (const [number, rule] of chain.rules.entries()) {
      const path = `chains[${at}].rules[${number}]`;
      const expressions = encodeRule(family, rule, path);
      if (expressions.some(({ kind }) => kind === "lookup"))
        invalid(path, `looks into a set, and sets are not written: write one rule for each element`);
      const attrs = { table: name, chain: chain.name, expressions, ...userdata(rule.comment) };
      const made = command(newRule, { header, attrs }, NLM_F_CREATE | NLM_F_APPEND);
      steps.push({
        command: made,
        path,
        // Asked for when the rule is refused, and takes longer than all the rest.
        get what() {
          return `rule ${number + 1} of chain ${chain.name} (${printRule(family, rule)})`;
        },
      });
    }
  return steps;
}

/**
 * The commands that put this table in place of whatever has its name, for one transaction. Pure: sends nothing.
 * @throws {NftablesError} `ERR_INVALID` when the table cannot be.
 */
export const commandsFor = (table: Table): readonly Command[] => stepsToReplace(table).map((step) => step.command);
