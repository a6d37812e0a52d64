/** The kernel's steps as a rule in words: those of this library's own rules, and those that nft writes for the same. */
import { negate, operators } from "./compared.ts";
import { type Condition, takeApart } from "./conditions.ts";
import { NftablesError } from "./error.ts";
import type { Expression } from "./expressions/index.ts";
import { interfaceName } from "./names.ts";
import { normalRule } from "./normal.ts";
import { formatPrefix, lengthOf } from "./prefix.ts";
import type { Compared, Family, FriendlyRule, Match, Protocol, Rule } from "./rule.ts";
import { describeStatements } from "./statements.ts";
import { fromBigEndian, fromHostWord } from "./value.ts";
import { ctStates, nameOf, namesOf, protocols, tcpFlags, withPorts } from "./words.ts";

type Network = "ip" | "ip6";
type Mutable<T> = { -readonly [K in keyof T]: T[K] };
/** Thrown inside this file where a rule has no words; it stays raw then. */
class Wordless extends Error {}
const wordless = (): never => {
  throw new Wordless();
};

interface Context {
  readonly network: Network | undefined;
  readonly protocol: Protocol | undefined;
  readonly match: Mutable<Match>;
}

function isEqual(condition: Condition, key: string): boolean {
  const { source, op, mask, swapped } = condition;
  return source.from === "meta" && source.key === key && op === "eq" && !mask && !swapped;
}

/** The family that the rule's own conditions narrow the table to. */
function networkOf(table: Family, conditions: readonly Condition[]): Network | undefined {
  if (table === "ip" || table === "ip6") return table;
  const key = table === "bridge" ? "protocol" : "nfproto";
  const hit = conditions.find((condition) => isEqual(condition, key));
  if (!hit) return undefined;
  const number = fromBigEndian(hit.value);
  const [v4, v6] = table === "bridge" ? [0x0800, 0x86dd] : [2, 10];
  return number === v4 ? "ip" : number === v6 ? "ip6" : wordless();
}

function protocolOf(conditions: readonly Condition[]): Protocol | undefined {
  const hit = conditions.find((condition) => isEqual(condition, "l4proto"));
  if (!hit) return undefined;
  const number = fromBigEndian(hit.value);
  return (nameOf(protocols, number) as Protocol | undefined) ?? number;
}

/** A comparison in words. `host` where the register holds the number in host order. */
function comparedOf({ op, value, to, mask, swapped = false }: Condition, size: number, host = false): Compared {
  if (mask || value.length !== size || (swapped && !host)) wordless();
  if (op === "eq" || op === "neq")
    return negate(op === "neq", host && !swapped ? fromHostWord(value) : fromBigEndian(value));
  if (host && !swapped) wordless();
  const number = fromBigEndian(value);
  if (op === "in" || op === "not in") return negate(op === "not in", [number, fromBigEndian(to ?? value)] as const);
  const word = operators.find(([, name]) => name === op)?.[0] ?? wordless();
  return { [word]: number } as unknown as Compared;
}

/** Sets a field once; the two ends of a range may come one after the other. */
function set<K extends keyof Match>(match: Mutable<Match>, key: K, value: Match[K] & {}): true {
  const before: unknown = match[key];
  if (before === undefined) match[key] = value;
  else if (
    typeof before === "object" &&
    before !== null &&
    "atLeast" in before &&
    typeof value === "object" &&
    "atMost" in value
  )
    match[key] = [before.atLeast, value.atMost] as unknown as Match[K];
  else wordless();
  return true;
}

function takeAddress(context: Context, condition: Condition, offset: number, len: number): true {
  const { op, value, mask, swapped } = condition;
  const size = context.network === "ip" ? 4 : 16;
  const first = context.network === "ip" ? 12 : 8;
  if (context.network === undefined || swapped || (op !== "eq" && op !== "neq") || value.length !== len) wordless();
  if (mask && (mask.length !== len || value.some((byte, at) => (byte & ~(mask[at] ?? 0)) !== 0))) wordless();
  const both = offset === first && len > size;
  if (both && (mask || op !== "eq")) wordless();
  for (let at = 0; at < len; at += size) {
    const place = (offset + at - first) / size;
    const part = value.slice(at, Math.min(len, at + size));
    const length = mask ? lengthOf(mask) : 8 * part.length;
    if ((place !== 0 && place !== 1) || !length) return wordless();
    const bytes = new Uint8Array(size);
    bytes.set(part);
    set(context.match, place === 0 ? "saddr" : "daddr", negate(op === "neq", formatPrefix(bytes, length)));
  }
  return true;
}

function takeTransport(context: Context, condition: Condition, offset: number, len: number): true {
  const { match, protocol } = context;
  const { op, value, mask } = condition;
  if (offset === 13 && len === 1 && protocol === "tcp" && mask?.length === 1 && value.length === 1) {
    const of = namesOf(tcpFlags, mask[0] ?? 0) ?? wordless();
    const bits = namesOf(tcpFlags, value[0] ?? 0) ?? wordless();
    if (op === "neq" && bits.length === 0) return set(match, "tcpFlags", { any: of });
    return op === "eq" ? set(match, "tcpFlags", { set: bits, of }) : wordless();
  }
  const icmp = protocol === "icmp" || protocol === "icmpv6";
  if (protocol === undefined || !(icmp || withPorts.includes(protocol))) return wordless();
  const size = icmp ? 1 : 2;
  const [first, second] = icmp ? (["icmpType", "icmpCode"] as const) : (["sport", "dport"] as const);
  if (offset === 0 && len === 2 * size && op === "eq" && !mask && value.length === len) {
    set(match, first, fromBigEndian(value.slice(0, size)));
    return set(match, second, fromBigEndian(value.slice(size)));
  }
  if (len !== size || (offset !== 0 && offset !== size)) return wordless();
  const compared = comparedOf(condition, size);
  if (!icmp) return set(match, offset === 0 ? "sport" : "dport", compared);
  return typeof compared === "number" ? set(match, offset === 0 ? "icmpType" : "icmpCode", compared) : wordless();
}

const interfaceKeys = {
  iifname: "iifname",
  oifname: "oifname",
  bri_iifname: "ibrname",
  bri_oifname: "obrname",
} as const;

function takeMeta(table: Family, context: Context, condition: Condition, key: string): true {
  const { match } = context;
  const { op, value, mask, swapped } = condition;
  if (key in interfaceKeys) {
    if (mask || swapped || (op !== "eq" && op !== "neq")) return wordless();
    const name = interfaceName(value) ?? wordless();
    return set(match, interfaceKeys[key as keyof typeof interfaceKeys], negate(op === "neq", name));
  }
  if (key === "len") return set(match, "length", comparedOf(condition, 4, true));
  if (key === "l4proto") {
    const number = comparedOf(condition, 1);
    if (typeof number === "object" && !("not" in number)) return wordless();
    return set(match, "protocol", number as NonNullable<Match["protocol"]>);
  }
  if (key === (table === "bridge" ? "protocol" : "nfproto") && isEqual(condition, key))
    return set(match, "family", context.network ?? wordless());
  return wordless();
}

function take(table: Family, context: Context, condition: Condition): true {
  const { source, mask, op, value, swapped } = condition;
  if (source.from === "meta") return takeMeta(table, context, condition, source.key);
  if (source.from === "payload" && source.base === "network")
    return takeAddress(context, condition, source.offset, source.len);
  if (source.from === "payload" && source.base === "transport")
    return takeTransport(context, condition, source.offset, source.len);
  if (source.from === "mss") return set(context.match, "mss", comparedOf(condition, 2));
  if (source.from === "ct state") {
    if (mask?.length !== 4 || op !== "neq" || swapped || value.length !== 4 || fromHostWord(value) !== 0)
      return wordless();
    return set(context.match, "ctState", namesOf(ctStates, fromHostWord(mask)) ?? wordless());
  }
  return wordless();
}

/** What a rule of a table of this family says, or its steps as they are where there are no words for one of them. */
export function describe(table: Family, steps: readonly Expression[], comment?: string): Rule {
  const remark = comment ? { comment } : {};
  try {
    const parts = takeApart(steps) ?? wordless();
    const network = networkOf(table, parts.conditions);
    const context: Context = { network, protocol: protocolOf(parts.conditions), match: {} };
    for (const condition of parts.conditions) take(table, context, condition);
    const done = describeStatements(parts.statements, network, context.protocol) ?? wordless();
    const rule: FriendlyRule = { match: context.match, ...done };
    return { ...normalRule(table, rule), ...remark };
  } catch (error) {
    if (error instanceof Wordless || error instanceof NftablesError) return { expressions: steps, ...remark };
    throw error;
  }
}
