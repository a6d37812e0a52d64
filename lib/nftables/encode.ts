/** Rules as the steps that the kernel runs, written as nft writes them. */
import { negated, operators } from "./compared.ts";
import type { Expression } from "./expressions/index.ts";
import { interfaceBytes } from "./names.ts";
import { impliedNetwork, normalRule } from "./normal.ts";
import { maskOf, parsePrefix, parseTarget } from "./prefix.ts";
import {
  type Action,
  type Compared,
  type Family,
  type FriendlyRule,
  isRaw,
  type Match,
  type NatFlag,
  type Not,
  type Rule,
  type Span,
} from "./rule.ts";
import { bigEndian, hostWord } from "./value.ts";
import { bitsOf, ctStates, icmpTypes, icmpv6Types, protocols, rejectCodes, tcpFlags, units } from "./words.ts";

const REG = 1;
const REG_2 = 2;
const VERDICT = 0;
type Step<K extends Expression["kind"]> = NonNullable<Extract<Expression, { kind: K }>["data"]>;

const meta = (key: Step<"meta">["key"] & string): Expression => ({ kind: "meta", data: { key, dreg: REG } });
const payload = (base: "network" | "transport", offset: number, len: number): Expression => ({
  kind: "payload",
  data: { dreg: REG, base, offset, len },
});
const cmp = (op: Step<"cmp">["op"] & string, value: Uint8Array): Expression => ({
  kind: "cmp",
  data: { sreg: REG, op, data: { value } },
});
const mask = (bits: Uint8Array): Expression => ({
  kind: "bitwise",
  data: {
    sreg: REG,
    dreg: REG,
    len: bits.length,
    op: "mask_xor",
    mask: { value: bits },
    xor: { value: new Uint8Array(bits.length) },
  },
});
const swap = (size: number): Expression => ({
  kind: "byteorder",
  data: { sreg: REG, dreg: REG, op: "hton", len: size, size },
});
const constant = (dreg: number, value: Uint8Array): Expression => ({
  kind: "immediate",
  data: { dreg, data: { value } },
});
const equal = (load: Expression, not: boolean, value: Uint8Array): Expression[] => [
  load,
  cmp(not ? "neq" : "eq", value),
];

/** A number compared; `host` where the kernel keeps it in the byte order of the host, which only equality can compare. */
function number(load: Expression, size: number, value: Compared, host = false): Expression[] {
  const big = (n: number): Uint8Array => bigEndian(n, size);
  const ordered = host ? [load, swap(size)] : [load];
  if (typeof value === "object" && !Array.isArray(value))
    for (const [word, op] of operators)
      if (word in value) return [...ordered, cmp(op, big((value as Record<string, number>)[word] ?? 0))];
  const { not, value: span } = negated(value as Not<Span>);
  if (typeof span === "number") return equal(load, not, host ? hostWord(span) : big(span));
  const [from, to] = span;
  if (!not) return [...ordered, cmp("gte", big(from)), cmp("lte", big(to))];
  const range = { sreg: REG, op: "neq", fromData: { value: big(from) }, toData: { value: big(to) } } as const;
  return [...ordered, { kind: "range", data: range }];
}

/** Offsets of the addresses in the header. */
const offsets = { ip: { saddr: 12, daddr: 16 }, ip6: { saddr: 8, daddr: 24 } } as const;

function address(key: "saddr" | "daddr", given: Not<string>): Expression[] {
  const { not, value } = negated(given);
  const { family, bytes, length } = parsePrefix(value, key);
  const at = offsets[family][key];
  const size = length % 8 === 0 ? length / 8 : bytes.length;
  const steps = equal(payload("network", at, size), not, bytes.slice(0, size));
  if (length % 8 !== 0) steps.splice(1, 0, mask(maskOf(length, size)));
  return steps;
}

function family(table: Family, network: "ip" | "ip6" | undefined): Expression[] {
  if (network === undefined || table === "ip" || table === "ip6") return [];
  if (table === "bridge") return equal(meta("protocol"), false, bigEndian(network === "ip" ? 0x0800 : 0x86dd, 2));
  return equal(meta("nfproto"), false, bigEndian(network === "ip" ? 2 : 10, 1));
}

const metaKeys = { iifname: "iifname", oifname: "oifname", ibrname: "bri_iifname", obrname: "bri_oifname" } as const;

function encodeMatch(match: Match): Expression[] {
  const steps: Expression[] = [];
  for (const key of ["saddr", "daddr"] as const) if (match[key] !== undefined) steps.push(...address(key, match[key]));
  for (const key of ["iifname", "oifname", "ibrname", "obrname"] as const)
    if (match[key] !== undefined) {
      const { not, value } = negated(match[key]);
      steps.push(...equal(meta(metaKeys[key]), not, interfaceBytes(value, key)));
    }
  const { protocol, icmpType, icmpCode, tcpFlags: flags, ctState } = match;
  if (protocol !== undefined) {
    const { not, value } = negated(protocol);
    steps.push(...equal(meta("l4proto"), not, bigEndian(typeof value === "number" ? value : protocols[value], 1)));
  }
  if (match.sport !== undefined) steps.push(...number(payload("transport", 0, 2), 2, match.sport));
  if (match.dport !== undefined) steps.push(...number(payload("transport", 2, 2), 2, match.dport));
  if (icmpType !== undefined) {
    const names: Readonly<Record<string, number>> = protocol === "icmp" ? icmpTypes : icmpv6Types;
    const type = typeof icmpType === "number" ? icmpType : (names[icmpType] ?? 0);
    steps.push(...number(payload("transport", 0, 1), 1, type));
  }
  if (icmpCode !== undefined) steps.push(...number(payload("transport", 1, 1), 1, icmpCode));
  if (flags !== undefined) {
    const any = "any" in flags;
    steps.push(payload("transport", 13, 1), mask(bigEndian(bitsOf(tcpFlags, any ? flags.any : flags.of), 1)));
    steps.push(any ? cmp("neq", bigEndian(0, 1)) : cmp("eq", bigEndian(bitsOf(tcpFlags, flags.set), 1)));
  }
  if (match.mss !== undefined)
    steps.push(
      ...number({ kind: "exthdr", data: { dreg: REG, type: 2, offset: 2, len: 2, op: "tcpopt" } }, 2, match.mss),
    );
  if (match.length !== undefined) steps.push(...number(meta("len"), 4, match.length, true));
  if (ctState !== undefined) {
    steps.push({ kind: "ct", data: { key: "state", dreg: REG } }, mask(hostWord(bitsOf(ctStates, ctState))));
    steps.push(cmp("neq", hostWord(0)));
  }
  return steps;
}

function natFlags(flags: readonly NatFlag[] | undefined): { flags?: Step<"masq">["flags"] & object } {
  if (flags === undefined) return {};
  const set = { random: flags.includes("random"), fullyRandom: flags.includes("fully-random") };
  return { flags: { ...set, persistent: flags.includes("persistent") } };
}

/** Ports into registers from `first`, and which registers those are. */
function ports(first: number, span: Span | undefined): [Expression[], { regProtoMin?: number; regProtoMax?: number }] {
  if (span === undefined) return [[], {}];
  const [from, to] = typeof span === "number" ? [span, span] : span;
  const steps = [constant(first, bigEndian(from, 2))];
  if (from === to) return [steps, { regProtoMin: first }];
  return [[...steps, constant(first + 1, bigEndian(to, 2))], { regProtoMin: first, regProtoMax: first + 1 }];
}

function encodeNat(type: "snat" | "dnat", text: string, flags: readonly NatFlag[] | undefined): Expression[] {
  const { address, ports: span } = parseTarget(text, type);
  const { family: of = "ip", bytes = new Uint8Array(4) } = address ?? {};
  const [loads, registers] = ports(REG_2, span);
  const data = { type, family: of, regAddrMin: REG, ...registers, ...natFlags(flags) };
  return [constant(REG, bytes), ...loads, { kind: "nat", data }];
}

function encodeReject(text: string): Expression {
  if (text === "tcp reset") return { kind: "reject", data: { type: "tcp reset", icmpCode: 0 } };
  const [word = "icmpx", code = ""] = text.split(" ") as [keyof typeof rejectCodes, string];
  const icmpCode = (rejectCodes[word] as Readonly<Record<string, number>>)[code] ?? 0;
  return { kind: "reject", data: { type: word === "icmpx" ? "icmpx" : "icmp", icmpCode } };
}

function encodeAction(action: Action): Expression[] {
  const verdict = (code: "accept" | "drop" | "return" | "jump" | "goto", chain?: string): Expression[] => [
    { kind: "immediate", data: { dreg: VERDICT, data: { verdict: { code, ...(chain && { chain }) } } } },
  ];
  if (typeof action === "string") return verdict(action);
  if ("jump" in action) return verdict("jump", action.jump);
  if ("goto" in action) return verdict("goto", action.goto);
  if ("reject" in action) return [encodeReject(String(action.reject))];
  if ("clampMss" in action) {
    const write: Expression = { kind: "exthdr", data: { sreg: REG, type: 2, offset: 2, len: 2, op: "tcpopt" } };
    if (action.clampMss !== "rt mtu") return [constant(REG, bigEndian(action.clampMss, 2)), write];
    return [{ kind: "rt", data: { key: "tcpmss", dreg: REG } }, swap(2), write];
  }
  if ("snat" in action) return encodeNat("snat", action.snat, action.flags);
  if ("dnat" in action) return encodeNat("dnat", action.dnat, action.flags);
  const text = "masquerade" in action ? action.masquerade : action.redirect;
  const [loads, registers] = ports(REG, text === true ? undefined : parseTarget(text, "").ports);
  const kind = "masquerade" in action ? "masq" : "redir";
  return [...loads, { kind, data: { ...registers, ...natFlags(action.flags) } }];
}

function encodeStatements(rule: FriendlyRule): Expression[] {
  const { limit, counter, log } = rule;
  const steps: Expression[] = [];
  if (limit) {
    const { rate, per, burst = 5, over } = limit;
    const data = { rate: BigInt(rate), unit: BigInt(units[per]), burst, type: "packets", flags: over ? 1 : 0 } as const;
    steps.push({ kind: "limit", data });
  }
  if (typeof counter === "string") steps.push({ kind: "objref", data: { immType: "counter", immName: counter } });
  else if (counter !== undefined) {
    const { bytes, packets } = counter === true ? { bytes: 0n, packets: 0n } : counter;
    steps.push({ kind: "counter", data: { bytes, packets } });
  }
  if (log)
    steps.push({
      kind: "log",
      data: { ...(log.prefix !== undefined && { prefix: log.prefix }), level: log.level ?? "warn" },
    });
  return steps;
}

/** The steps of a rule in a table of this family. @throws {NftablesError} where the rule cannot be. */
export function encodeRule(table: Family, rule: Rule, path = ""): readonly Expression[] {
  const normal = normalRule(table, rule, path);
  if (isRaw(normal)) return normal.expressions;
  const match = normal.match ?? {};
  const network = match.family ?? impliedNetwork(table, match, normal.action);
  return [
    ...family(table, network),
    ...encodeMatch(match),
    ...encodeStatements(normal),
    ...(normal.action === undefined ? [] : encodeAction(normal.action)),
  ];
}
