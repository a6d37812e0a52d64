/** The policy rules of one network namespace. */
import {
  type ChangeRules,
  type Family,
  type LinkLookup,
  type Listing,
  listing,
  type Protocol,
  protocols,
  type Table,
  tables,
} from "../families/lookup.ts";
import { checkFlush, familyNumber, matches, removeAll, Service } from "../families/service.ts";
import { inTurns } from "../families/turns.ts";
import { check } from "../shape/shape.ts";
import { type CallOptions, type Connection, command } from "../socket/index.ts";
import { type MessageIn, type MessageOut, NLM_F_CREATE, NLM_F_EXCL } from "../wire/index.ts";
import { delrule, FIB_RULE, getrule, newrule } from "./schema.ts";
import {
  checkRule,
  RULE_PROPERTIES,
  type Rule,
  type RuleConfig,
  ruleFromWire,
  ruleShapes,
  ruleToWire,
} from "./words.ts";

/** Which rules are meant: those that have all of this. */
export interface RuleFilter {
  readonly family?: Family | undefined;
  readonly priority?: number | undefined;
  readonly table?: Table | undefined;
  readonly protocol?: Protocol | undefined;
  readonly iif?: string | undefined;
  readonly oif?: string | undefined;
}
/** What can be done with a rule. */
export type RuleVerb = "create" | "delete";

const { family, priority, table, protocol, iif, oif } = ruleShapes;
const FILTER = { family, priority, table, protocol, iif, oif };
const ACTS = { create: "add", delete: "delete" } as const;
type Wire = MessageIn<typeof newrule>;

/** A rule as `ip rule` names it: by what is given of it. */
function named(config: RuleConfig): string {
  const { priority: at, from, to, table: into } = config;
  const parts = [at, from === undefined ? undefined : `from ${from}`, to === undefined ? undefined : `to ${to}`];
  return [...parts, into === undefined ? undefined : `table ${into}`].filter((part) => part !== undefined).join(" ");
}
const rules: ChangeRules<RuleVerb, RuleConfig, Wire> = {
  verbs: {
    create: { message: newrule, flags: NLM_F_CREATE | NLM_F_EXCL },
    delete: { message: delrule, flags: 0 },
  },
  check: checkRule,
  devices: () => [], // rules name links by text, also such as do not exist yet
  toWire: ruleToWire,
  told: (config, verb) => ({
    what: `cannot ${ACTS[verb]} rule ${named(config)}`.trimEnd(),
    properties: RULE_PROPERTIES,
    blamed: { ENOENT: "priority" },
  }),
};

interface Found {
  readonly pairs: { readonly message: MessageOut<typeof newrule>; readonly rule: Rule }[];
  readonly consistent: boolean;
}

/** Lists and changes policy rules, of both families. */
export class Rules extends Service<RuleVerb, RuleConfig, Wire> {
  constructor(connection: Connection, links: LinkLookup) {
    super(connection, links, rules);
  }

  async #found(filter: RuleFilter, options?: CallOptions): Promise<Found> {
    check([], FILTER, filter, "filter");
    const header = { family: familyNumber(filter.family) };
    const { messages, consistent } = await this.connection.dump(getrule, { header }, newrule, options);
    const wanted = {
      ...filter,
      table: filter.table === undefined ? undefined : tables.wordOf(tables.numberOf(filter.table)),
      protocol: filter.protocol === undefined ? undefined : protocols.wordOf(protocols.numberOf(filter.protocol)),
    };
    const pairs = await inTurns(messages, (message) => {
      const rule = ruleFromWire(message);
      return rule !== undefined && matches(wanted, rule) ? { message, rule } : undefined;
    });
    return { pairs, consistent };
  }

  /** Rules in the order in which they are asked, IPv4 before IPv6. Same as: ip rule show; ip -6 rule show */
  async list(filter: RuleFilter = {}, options?: CallOptions): Promise<Listing<Rule>> {
    const { pairs, consistent } = await this.#found(filter, options);
    return listing(
      pairs.map(({ rule }) => rule),
      consistent,
    );
  }

  /**
   * Removes all rules that the filter means, except those of priority 0. Resolves to how many were removed.
   * Same as: ip rule flush
   * @throws {InputError} for a filter that names nothing.
   */
  async flush(filter: RuleFilter, options?: CallOptions): Promise<number> {
    checkFlush(filter, "rules");
    const { pairs } = await this.#found(filter, options);
    const commands = pairs
      .filter(({ rule }) => rule.priority !== 0)
      .map(({ message: { header, attrs } }) =>
        command(delrule, { header: { ...header, flags: header.flags & FIB_RULE.INVERT }, attrs }, 0),
      );
    return removeAll(this.connection, commands, "rules", options);
  }

  /** Adds a rule. Same as: ip rule add priority PRIORITY from FROM table TABLE @throws {NetlinkError} `EEXIST` */
  create(config: RuleConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("create", config, options);
  }

  /**
   * Removes the first rule that has all the given properties. Same as: ip rule delete
   * @throws {NetlinkError} `ENOENT` where there is none.
   */
  delete(config: RuleConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("delete", config, options);
  }
}
