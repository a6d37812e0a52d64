/** The firewall of a running host: what of it is ours, and what of others' a document could say. */
import type { Host } from "../host.ts";
import {
  describe,
  type Family,
  isRaw,
  type Match,
  type ObservedTable,
  printRule,
  type Rule,
  sameTable,
} from "../nftables/index.ts";
import { policyTable, TABLE } from "../state/policy.ts";
import { writePart } from "./draft.ts";
import { type FirewallRule, sayingOf } from "./firewall.ts";
import type { Bag } from "./model.ts";
import { takeXtables } from "./xtables.ts";

/** What a host's rules come to. */
export interface RulesOfHost {
  readonly nat?: readonly Bag[];
  readonly forward?: readonly Bag[];
  /** Comments for the end of the document. */
  readonly foot: readonly string[];
  /** Whether something is there that the document does not say. */
  readonly left: readonly string[];
}

const FAMILIES: readonly string[] = ["ip", "ip6", "inet"] satisfies Family[];
const HANDSHAKES = JSON.stringify({ set: ["syn"], of: ["syn", "rst"] });

function actionOf(rule: Rule): FirewallRule["action"] {
  const action = isRaw(rule) ? undefined : rule.action;
  if (action === "accept" || action === "drop") return action;
  if (typeof action !== "object") return "other";
  if ("masquerade" in action && action.masquerade === true && (action.flags ?? []).length === 0) return "masquerade";
  return "clampMss" in action && action.clampMss === "rt mtu" ? "clamp" : "other";
}

/** Words of a match that stand for nothing a document has. */
function moreOf(match: Match, clamps: boolean): string[] {
  const known = ["saddr", "iifname", "oifname", "ctState", "family", ...(clamps ? ["protocol", "tcpFlags"] : [])];
  const odd = Object.entries(match).filter(
    ([key, value]) => !known.includes(key) || (typeof value === "object" && "not" in value),
  );
  const other =
    clamps && match.tcpFlags !== undefined && JSON.stringify(match.tcpFlags) !== HANDSHAKES ? ["tcpFlags"] : [];
  return [...odd.map(([key]) => key), ...other];
}

/** A rule in the one form for all; undefined where it has none. */
function firewallRule(family: Family, hook: string | undefined, rule: Rule): FirewallRule | undefined {
  const { plain, facts } = isRaw(rule) ? takeXtables(rule.expressions) : { plain: [], facts: { more: [] } };
  const friendly = isRaw(rule) ? describe(family, plain) : rule;
  if (isRaw(friendly)) return undefined;
  const { match = {}, limit, log } = friendly;
  const action = facts.action ?? actionOf(friendly);
  const states = facts.states ?? match.ctState;
  const beside = [...(limit === undefined ? [] : ["limit"]), ...(log === undefined ? [] : ["log"])];
  const name = (value: Match["iifname"]): string | undefined => (typeof value === "string" ? value : undefined);
  const [saddr, input, out] = [name(match.saddr), name(match.iifname), name(match.oifname)];
  return {
    ...(hook !== undefined && { hook }),
    ...(saddr !== undefined && { saddr }),
    ...(input !== undefined && { in: input }),
    ...(out !== undefined && { out }),
    ...(states !== undefined && { states }),
    action,
    more: [...facts.more, ...moreOf(match, action === "clamp"), ...beside],
  };
}

interface Said {
  readonly nat: Bag[];
  readonly forward: Bag[];
  readonly clamps: { readonly in?: string; readonly out?: string }[];
  readonly unsaid: string[];
}

function sayTable(table: ObservedTable): Said {
  const said = nothing();
  for (const chain of table.chains)
    for (const rule of chain.rules) {
      const found = firewallRule(table.family, chain.hook, rule);
      const saying = found === undefined ? undefined : sayingOf(found);
      if (saying === undefined || saying.section === "none")
        said.unsaid.push(`${chain.name}: ${shownRule(table.family, rule)}`);
      else if (saying.section === "clamp") said.clamps.push(saying);
      else said[saying.section].push(saying.words);
    }
  return said;
}

/** Comments and prefixes of others may hold anything, and are no part of what a rule does. */
function shownRule(family: Family, rule: Rule): string {
  const { comment: _, ...bare } = rule;
  try {
    return printRule(family, bare as Rule).slice(0, 200);
  } catch {
    return "a rule without words";
  }
}

function clamped({ forward, clamps }: Said): Bag[] {
  const fits = (rule: Bag, end: { readonly in?: string; readonly out?: string }): boolean =>
    (end.in ?? rule["in"]) === rule["in"] && (end.out ?? rule["out"]) === rule["out"];
  return forward.map((rule) => (clamps.some((one) => fits(rule, one)) ? { ...rule, clampMss: true } : rule));
}

/** Our own table as the sections that it was made of, where that is all there is in it. */
function ours(table: ObservedTable): Pick<RulesOfHost, "nat" | "forward"> | undefined {
  const said = sayTable(table);
  const forward = clamped(said);
  const again = policyTable(said.nat as never, forward as never);
  if (table.others > 0 || again === undefined || !sameTable(again, table)) return undefined;
  return { ...(said.nat.length > 0 && { nat: said.nat }), ...(forward.length > 0 && { forward }) };
}

const nothing = (): Said => ({ nat: [], forward: [], clamps: [], unsaid: [] });

/** Rules of others, all tables together, as sections that somebody may take over. */
function theirs(tables: readonly ObservedTable[]): string[] {
  const all = nothing();
  for (const table of tables) {
    const { nat, forward, clamps, unsaid } = sayTable(table);
    const own = (list: readonly Bag[]): Bag[] =>
      list.filter(
        (one) => ![...all.nat, ...all.forward].some((other) => JSON.stringify(one) === JSON.stringify(other)),
      );
    all.nat.push(...own(nat));
    all.forward.push(...own(forward));
    all.clamps.push(...clamps);
    all.unsaid.push(...unsaid.map((line) => `table ${table.family} ${table.name}: ${line}`));
  }
  const forward = clamped(all);
  const sections = { ...(all.nat.length > 0 && { nat: all.nat }), ...(forward.length > 0 && { forward }) };
  const said = Object.keys(sections).length === 0 ? [] : [TAKE_OVER, ...writePart(sections)];
  return [
    ...said,
    ...(all.unsaid.length === 0
      ? []
      : ["A document has no words for these rules of others:", ...all.unsaid.map((line) => `  ${line}`)]),
  ];
}
const TAKE_OVER = "Rules of others are left alone. To have this document keep them, take this over, and delete theirs:";

/** Reads the rules of a host. */
export async function rulesOf(host: Host): Promise<RulesOfHost> {
  const foreign: ObservedTable[] = [];
  const left: string[] = [];
  let own: Pick<RulesOfHost, "nat" | "forward"> = {};
  for (const { family, name } of await host.nftables.list()) {
    const label = `table ${family} ${name}`;
    const table = FAMILIES.includes(family) ? await host.nftables.get(family as Family, name) : undefined;
    if (table === undefined) left.push(`${label} is left alone: a document has no words for its family`);
    else if (family === TABLE.family && name === TABLE.name) {
      const sections = ours(table);
      if (sections === undefined) left.push(`${label} is not as a document makes it, and left out`);
      own = sections ?? {};
    } else {
      foreign.push(table);
      if (table.chains.some(({ rules }) => rules.length > 0))
        left.push(`${label} belongs to others, and is left alone: its rules stand in comments`);
    }
  }
  return { ...own, foot: theirs(foreign), left };
}
