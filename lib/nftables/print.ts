/** Tables and rules as text, in nft's own syntax, for people. Nothing in it can reach the terminal unescaped. */
import { split, text } from "../wire/index.ts";
import { negated, operators } from "./compared.ts";
import type { Expression } from "./expressions/index.ts";
import { impliedNetwork } from "./normal.ts";
import { priorityOf } from "./normal-table.ts";
import { parseTarget } from "./prefix.ts";
import {
  type Action,
  type Compared,
  type Family,
  type FriendlyRule,
  isRaw,
  type Match,
  type Not,
  type Rule,
} from "./rule.ts";
import type { Chain, Table } from "./table.ts";
import { fromBytes } from "./value.ts";
import { priorities, units } from "./words.ts";

/** Text in quotes; quotes, control and invisible characters and bytes that are no text as `\x22`, `\u{202e}`. */
export function quote(text: string): string {
  const safe = text.replace(/["\p{C}\u2028\u2029]/gu, (char) => {
    const code = char.codePointAt(0) ?? 0;
    const byte = code >= 0xdc80 && code <= 0xdcff ? code - 0xdc00 : code;
    return byte < 0x100 ? `\\x${byte.toString(16).padStart(2, "0")}` : `\\u{${byte.toString(16)}}`;
  });
  return `"${safe}"`;
}

function compared(value: Compared): string {
  if (typeof value === "object" && !Array.isArray(value))
    for (const [word, , operator] of operators)
      if (word in value) return `${operator} ${(value as Readonly<Record<string, number>>)[word]}`;
  const { not, value: span } = negated(value as Not<number | readonly [number, number]>);
  return `${not ? "!= " : ""}${typeof span === "number" ? span : span.join("-")}`;
}

function plain<T extends string | number>(value: Not<T>, show: (value: T) => string = String): string {
  const { not, value: inner } = negated<T>(value);
  return `${not ? "!= " : ""}${show(inner)}`;
}

function printMatch(family: Family, match: Match, action: Action | undefined): string[] {
  const words: string[] = [];
  const network = match.family ?? impliedNetwork(family, match, action);
  const ip = network === "ip6" ? "ip6" : "ip";
  if (match.family !== undefined)
    words.push(family === "bridge" ? `meta protocol ${ip}` : `meta nfproto ${ip === "ip" ? "ipv4" : "ipv6"}`);
  for (const key of ["saddr", "daddr"] as const)
    if (match[key] !== undefined) words.push(`${ip} ${key} ${plain(match[key])}`);
  for (const key of ["iifname", "oifname"] as const)
    if (match[key] !== undefined) words.push(`${key} ${plain(match[key], quote)}`);
  for (const key of ["ibrname", "obrname"] as const)
    if (match[key] !== undefined) words.push(`meta ${key} ${plain(match[key], quote)}`);
  const { protocol } = match;
  const header = typeof protocol === "object" ? "th" : String(protocol);
  const named = ["sport", "dport", "icmpType", "icmpCode", "tcpFlags", "mss"].some((key) => key in match);
  const byAction = typeof action === "object" && "clampMss" in action;
  if (protocol !== undefined && !named && !byAction) words.push(`meta l4proto ${plain(protocol)}`);
  for (const key of ["sport", "dport"] as const)
    if (match[key] !== undefined) words.push(`${header} ${key} ${compared(match[key])}`);
  if (match.icmpType !== undefined) words.push(`${header} type ${match.icmpType}`);
  if (match.icmpCode !== undefined) words.push(`${header} code ${match.icmpCode}`);
  const flags = match.tcpFlags;
  if (flags && "any" in flags) words.push(`tcp flags ${flags.any.join(",")}`);
  else if (flags)
    words.push(`tcp flags ${flags.set.length > 0 ? `${flags.set.join(",")} / ` : "! "}${flags.of.join(",")}`);
  if (match.mss !== undefined) words.push(`tcp option maxseg size ${compared(match.mss)}`);
  if (match.length !== undefined) words.push(`meta length ${compared(match.length)}`);
  if (match.ctState !== undefined) words.push(`ct state ${match.ctState.join(",")}`);
  return words;
}

function printAction(action: Action): string {
  if (typeof action === "string") return action;
  if ("jump" in action) return `jump ${action.jump}`;
  if ("goto" in action) return `goto ${action.goto}`;
  if ("clampMss" in action) return `tcp option maxseg size set ${action.clampMss}`;
  if ("reject" in action) return action.reject === true ? "reject" : `reject with ${action.reject}`;
  const flags = action.flags ? ` ${action.flags.join(",")}` : "";
  const ports = (value: true | string): string => (value === true ? "" : ` to ${value}`);
  if ("masquerade" in action) return `masquerade${ports(action.masquerade)}${flags}`;
  if ("redirect" in action) return `redirect${ports(action.redirect)}${flags}`;
  const [kind, text] = "snat" in action ? ["snat", action.snat] : ["dnat", action.dnat];
  const of = parseTarget(text, kind).address?.family;
  return `${kind}${of ? ` ${of}` : ""} to ${text}${flags}`;
}

/** The name that a match or target of iptables has (NFTA_MATCH_NAME, NFTA_TARGET_NAME). */
function xtName(data: Uint8Array): string {
  try {
    const name = split(data).find(({ type }) => type === 1);
    return name === undefined ? "" : fromBytes(text, name.payload);
  } catch {
    return "";
  }
}

function printStep({ kind, data }: Expression): string {
  if ((kind === "#match" || kind === "#target") && data instanceof Uint8Array)
    return `[ xt ${kind.slice(1)} ${quote(xtName(data))} ]`;
  const show = (value: unknown): string => {
    if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString("hex")}`;
    if (Array.isArray(value)) return value.map(show).join(" ");
    if (typeof value !== "object" || value === null) return typeof value === "string" ? quote(value) : String(value);
    return Object.entries(value)
      .map(([key, inner]) => `${key} ${show(inner)}`)
      .join(" ");
  };
  const shown = data === undefined ? "" : show(data);
  return `[ ${kind.replace(/[^#\w.-]/g, "?")}${shown === "" ? "" : ` ${shown}`} ]`;
}

function printFriendly(family: Family, rule: FriendlyRule): string[] {
  const { match = {}, limit, counter, log, action } = rule;
  const words = printMatch(family, match, action);
  if (limit) {
    const burst = limit.burst === undefined ? "" : ` burst ${limit.burst} packets`;
    words.push(
      `limit rate ${limit.over ? "over " : ""}${limit.rate}/${limit.per in units ? limit.per : "second"}${burst}`,
    );
  }
  if (typeof counter === "string") words.push(`counter name ${quote(counter)}`);
  else if (counter === true) words.push("counter");
  else if (counter !== undefined) words.push(`counter packets ${counter.packets} bytes ${counter.bytes}`);
  if (log)
    words.push(`log${log.prefix ? ` prefix ${quote(log.prefix)}` : ""}${log.level ? ` level ${log.level}` : ""}`);
  if (action !== undefined) words.push(printAction(action));
  return words;
}

/**
 * A rule as nft writes it: `iifname "br-vm" oifname "ens34f0" accept comment "out"`. Steps that have no words stand in
 * brackets, which nft refuses to load.
 */
export function printRule(family: Family, rule: Rule): string {
  const words = isRaw(rule) ? rule.expressions.map(printStep) : printFriendly(family, rule);
  if (rule.comment !== undefined) words.push(`comment ${quote(rule.comment)}`);
  return words.join(" ");
}

/** A priority as nft lists it. */
function printPriority(family: Family, chain: Chain): string {
  const value = priorityOf(family, chain.priority ?? "filter");
  const only: Readonly<Record<string, string>> = { srcnat: "postrouting", dnat: "prerouting", out: "output" };
  for (const [name, number] of Object.entries(priorities(family)))
    if (number === value && (only[name.replace("dstnat", "dnat")] ?? chain.hook) === chain.hook) return name;
  return String(value);
}

/** Where packets enter a chain, and what becomes of those that no rule decides about. */
export function printHook(family: Family, chain: Chain): string {
  if (chain.hook === undefined) return "no hook";
  const head = `type ${chain.type ?? "filter"} hook ${chain.hook} priority ${printPriority(family, chain)}`;
  return `${head}; policy ${chain.policy ?? "accept"};`;
}

function printChain(family: Family, chain: Chain): string[] {
  const lines = [`  chain ${chain.name} {`];
  if (chain.comment !== undefined) lines.push(`    comment ${quote(chain.comment)}`);
  if (chain.hook !== undefined) lines.push(`    ${printHook(family, chain)}`);
  for (const rule of chain.rules ?? []) lines.push(`    ${printRule(family, rule)}`);
  return [...lines, "  }"];
}

/** A table as `nft list table` writes it. */
export function printTable(table: Table): string {
  const lines = [`table ${table.family} ${table.name} {`];
  if (table.comment !== undefined) lines.push(`  comment ${quote(table.comment)}`);
  if (table.dormant) lines.push("  flags dormant");
  for (const { name, comment, count } of table.counters ?? []) {
    const inside = [
      comment === undefined ? "" : `comment ${quote(comment)}`,
      count ? `packets ${count.packets} bytes ${count.bytes}` : "",
    ];
    lines.push(`  counter ${name} {`, ...inside.filter(Boolean).map((line) => `    ${line}`), "  }");
  }
  for (const chain of table.chains ?? []) lines.push(...printChain(table.family, chain));
  return `${[...lines, "}"].join("\n")}\n`;
}
