/** The tables of one network namespace. */
import { batchBegin, batchEnd, nfproto, nftBatch } from "../families/netfilter.ts";
import { type CallOptions, type Command, type Connection, checkCall, command, NetlinkError } from "../socket/index.ts";
import { headerOf, type Step, stepsToReplace, stepToDelete } from "./commands.ts";
import { invalid, StaleGenerationError, shown } from "./error.ts";
import {
  getChain,
  getGen,
  getObject,
  getRule,
  getTable,
  newChain,
  newGen,
  newObject,
  newRule,
  newTable,
} from "./messages.ts";
import { oneOf } from "./normal.ts";
import { normalTable } from "./normal-table.ts";
import { chainEntry, observedTable, readings, tableEntry } from "./observe.ts";
import { explain } from "./refusal.ts";
import type { Family } from "./rule.ts";
import { sameTable } from "./same.ts";
import type { ChainEntry, CounterReading, Generation, ObservedTable, Table, TableEntry } from "./table.ts";

/** A change that lost against another one is decided anew so many times. */
const ATTEMPTS = 5;
const anyFamily = { header: { family: 0, version: 0, resId: 0 } };

/** Options of a change. */
export interface ChangeOptions extends CallOptions {
  /** The generation that the change was decided on; the kernel refuses it when the ruleset is another one by now. */
  readonly generation?: number;
}

/** Which table is meant; somebody else's may be called what ours may not. @throws {NftablesError} `ERR_INVALID` */
function checkAsked(family: unknown, name: unknown): void {
  oneOf(family, Object.keys(nfproto), "family");
  if (typeof name !== "string" || name === "") invalid("name", `expected the name of a table, got ${shown(name)}`);
}

/** Same as: nft; one object for each network namespace. Takes a connection of protocol NETLINK_NETFILTER, which stays the caller's. */
export class Nftables {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * The ruleset's generation. Read it before the state that a change is decided on. The process that the kernel names
   * beside it is the one that asks (nf_tables_fill_gen_info), so it is left out.
   */
  async generation(options?: CallOptions): Promise<Generation> {
    return this.#ask("read the generation of", "the ruleset", () => this.#generation(options));
  }

  async #generation(options?: CallOptions): Promise<Generation> {
    const { attrs } = await this.#connection.get(getGen, anyFamily, newGen, options);
    return { id: attrs.id ?? 0 };
  }

  /** All tables. Same as: nft list tables. */
  async list(options?: CallOptions): Promise<readonly TableEntry[]> {
    const { messages } = await this.#ask("list", "the tables", () =>
      this.#connection.dump(getTable, anyFamily, newTable, options),
    );
    return messages.map(tableEntry);
  }

  /** All chains of all tables, without rules: a foreign chain at forward with policy drop stops what ours accept. Same as: nft list chains. */
  async chains(options?: CallOptions): Promise<readonly ChainEntry[]> {
    const { messages } = await this.#ask("list", "the chains", () =>
      this.#connection.dump(getChain, anyFamily, newChain, options),
    );
    return messages.map(chainEntry);
  }

  /** A table with its chains and rules, all of one generation, or nothing when there is none. Same as: nft list table …. */
  async get(family: Family, name: string, options?: CallOptions): Promise<ObservedTable | undefined> {
    checkAsked(family, name);
    return this.#ask("read", `table ${family} ${name}`, async () => {
      for (let attempt = 1; ; attempt++) {
        const read = await this.#read(family, name, options);
        if (read === undefined || read.consistent || attempt === ATTEMPTS) return read;
      }
    });
  }

  async #read(family: Family, name: string, options?: CallOptions): Promise<ObservedTable | undefined> {
    const connection = this.#connection;
    const header = headerOf(family);
    const { id } = await this.#generation(options);
    try {
      const table = await connection.get(getTable, { header, attrs: { name } }, newTable, options);
      const [objects, chains, rules] = [
        await connection.dump(getObject, { header, attrs: { table: name } }, newObject, options),
        await connection.dump(getChain, { header }, newChain, options),
        await connection.dump(getRule, { header, attrs: { table: name } }, newRule, options),
      ];
      const parts = [objects, chains, rules];
      const after = await this.#generation(options);
      const consistent = after.id === id && parts.every((part) => part.consistent);
      return observedTable(family, table, objects.messages, chains.messages, rules.messages, id, consistent);
    } catch (error) {
      if (error instanceof NetlinkError && error.code === "ENOENT") return undefined;
      throw error;
    }
  }

  /**
   * Puts a table in place of whatever has its name, whole or not at all; counts start from zero unless the table brings
   * some. Other tables are left alone. Same as: nft -f with `table …; delete table …; table … { … }`.
   * @throws {StaleGenerationError} when the ruleset is not of `generation` any more. Without `generation` it is read here,
   * and read again when another change comes first.
   * @throws {NftablesError} with the path of the field at fault.
   */
  async replace(table: Table, options: ChangeOptions = {}): Promise<void> {
    const steps = stepsToReplace(table);
    await this.#change("replace", `table ${table.family} ${table.name}`, steps, options);
  }

  /** Removes a table with all that is in it; resolves to whether it was there. Same as: nft destroy table …. */
  async delete(family: Family, name: string, options: ChangeOptions = {}): Promise<boolean> {
    checkAsked(family, name);
    try {
      await this.#change("delete", `table ${family} ${name}`, [stepToDelete(family, name)], options);
      return true;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
      throw error;
    }
  }

  /** Makes it so: replaces the table unless it is the same already; resolves to whether it had to. Decides anew when somebody else changes the ruleset meanwhile. */
  async ensure(table: Table, options?: CallOptions): Promise<boolean> {
    normalTable(table);
    for (let attempt = 1; ; attempt++) {
      const { id } = await this.generation(options);
      const seen = await this.get(table.family, table.name, options);
      if (seen?.consistent && sameTable(table, seen)) return false;
      try {
        await this.replace(table, { ...options, generation: id });
        return true;
      } catch (error) {
        if (!(error instanceof StaleGenerationError) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** What the counters of a table say: those in rules, and those with a name. Same as: nft list counters …. */
  async counters(family: Family, name: string, options?: CallOptions): Promise<readonly CounterReading[]> {
    checkAsked(family, name);
    const header = headerOf(family);
    return this.#ask("read the counters of", `table ${family} ${name}`, async () => {
      const value = { header, attrs: { table: name } };
      const rules = await this.#connection.dump(getRule, value, newRule, options);
      const objects = await this.#connection.dump(getObject, value, newObject, options);
      return readings(rules.messages, objects.messages);
    });
  }

  async #change(verb: string, what: string, steps: readonly Step[], options: ChangeOptions): Promise<void> {
    checkCall(options);
    const { generation, ...call } = options;
    for (let attempt = 1; ; attempt++) {
      const commands: readonly Command[] = steps.map((step) => step.command);
      try {
        const id = generation ?? (await this.#generation(call)).id;
        const begin = command(batchBegin, nftBatch(id), 0);
        return await this.#connection.transaction(begin, commands, command(batchEnd, nftBatch(), 0), call);
      } catch (error) {
        const explained = explain(error, verb, what, steps);
        const again = explained instanceof StaleGenerationError && generation === undefined && attempt < ATTEMPTS;
        if (!again) throw explained;
      }
    }
  }

  async #ask<T>(verb: string, what: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw explain(error, verb, what, []);
    }
  }
}
