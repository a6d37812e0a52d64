/**
 * Rules checked and brought to their one form, so that two rules which do the same are equal. Everything that is refused
 * here is refused before anything is sent, with the field's name and the way out.
 */
import { negate, negated, normalCompared } from "./compared.ts";
import { invalid, shown } from "./error.ts";
import { checkComment, checkName, interfaceBytes, interfaceName } from "./names.ts";
import { formatPrefix, formatTarget, parsePrefix, parseTarget } from "./prefix.ts";
import {
  type Action,
  type Count,
  type Family,
  type FriendlyRule,
  isRaw,
  type Limit,
  type Match,
  type NatFlag,
  type Not,
  type Protocol,
  type Rule,
} from "./rule.ts";
import {
  ctStates,
  icmpTypes,
  icmpv6Types,
  nameOf,
  protocols,
  rejectCodes,
  tcpFlags,
  units,
  withPorts,
} from "./words.ts";

type Network = "ip" | "ip6";
type Mutable<T> = { -readonly [K in keyof T]: T[K] };
const version = { ip: "IPv4", ip6: "IPv6" } as const;

/** Refuses keys that a value does not have: a mistyped match would match everything. */
export function checkKeys(value: unknown, known: readonly string[], path: string): void {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    invalid(path, `expected an object, got ${shown(value)}`);
  for (const key of Object.keys(value))
    if (!known.includes(key)) invalid(path === "" ? key : `${path}.${key}`, `unknown; known are ${known.join(", ")}`);
}

export function oneOf<T extends string>(value: unknown, known: readonly T[], path: string): T {
  if (typeof value !== "string" || !(known as readonly string[]).includes(value))
    invalid(path, `expected one of ${known.join(", ")}, got ${shown(value)}`);
  return value as T;
}

/** Names in the table's order, each once. */
function normalNames<N extends string>(table: Readonly<Record<N, number>>, names: readonly N[], path: string): N[] {
  const known = Object.keys(table) as N[];
  if (!Array.isArray(names) || names.length === 0)
    invalid(path, `expected a list of ${known.join(", ")}, got ${shown(names)}`);
  for (const name of names) oneOf(name, known, path);
  return known.filter((name) => names.includes(name));
}

/** The family of the packets that a rule can match, as its table, its addresses and its action imply it. */
export function impliedNetwork(
  family: Family,
  match: Match,
  action: Action | undefined,
  path = "",
): Network | undefined {
  const claims: (readonly [Network, string])[] = [];
  if (family === "ip" || family === "ip6") claims.push([family, `a table of family ${family}`]);
  for (const key of ["saddr", "daddr"] as const)
    if (match[key] !== undefined) {
      const { family: of } = parsePrefix(negated(match[key]).value, `${path}match.${key}`);
      claims.push([of, `match.${key}`]);
    }
  if (typeof action === "object" && "reject" in action && typeof action.reject === "string") {
    if (action.reject.startsWith("icmp ")) claims.push(["ip", "action.reject"]);
    if (action.reject.startsWith("icmpv6 ")) claims.push(["ip6", "action.reject"]);
  }
  if (match.icmpType !== undefined || match.icmpCode !== undefined)
    claims.push([match.protocol === "icmpv6" || match.protocol === 58 ? "ip6" : "ip", "match.protocol"]);
  const [implied] = claims;
  // NAT to an address is left to the kernel, which lets packets of the other family pass: as nft does it.
  if (typeof action === "object")
    for (const key of ["snat", "dnat"] as const)
      if (key in action) {
        const of = parseTarget((action as Record<typeof key, string>)[key], `${path}action.${key}`).address?.family;
        if (of) claims.push([of, `action.${key}`]);
      }
  const [first] = claims;
  if (match.family !== undefined)
    claims.push([oneOf(match.family, ["ip", "ip6"], `${path}match.family`), "match.family"]);
  for (const [of, where] of claims)
    if (first && of !== first[0])
      invalid(
        `${path}${where}`,
        `is ${version[of]}, but ${first[1]} is ${version[first[0]]}: write two rules, one for each`,
      );
  return implied?.[0];
}

function normalProtocol(value: Not<Protocol>, path: string): Not<Protocol> {
  const { not, value: name } = negated(value);
  if (typeof name === "number") {
    normalCompared(name, 255, path);
    return negate<Protocol>(not, (nameOf(protocols, name) as Protocol | undefined) ?? name);
  }
  return negate<Protocol>(not, oneOf(name, Object.keys(protocols) as (keyof typeof protocols)[], path));
}

const matchKeys =
  `family saddr daddr iifname oifname ibrname obrname protocol sport dport icmpType icmpCode tcpFlags mss
  length ctState`.split(/\s+/) as (keyof Match)[];

function normalTcpFlags(value: NonNullable<Match["tcpFlags"]>, path: string): NonNullable<Match["tcpFlags"]> {
  if ("any" in value) {
    checkKeys(value, ["any"], path);
    return { any: normalNames(tcpFlags, value.any, `${path}.any`) };
  }
  checkKeys(value, ["set", "of"], path);
  const of = normalNames(tcpFlags, value.of, `${path}.of`);
  const set = value.set?.length === 0 ? [] : normalNames(tcpFlags, value.set, `${path}.set`);
  for (const flag of set) if (!of.includes(flag)) invalid(`${path}.set`, `${flag} is not among "of": add it there`);
  return { set, of };
}

function normalMatch(family: Family, given: Match, action: Action | undefined, path: string): Match {
  checkKeys(given, matchKeys, `${path}match`);
  const at = (key: keyof Match): string => `${path}match.${key}`;
  const match: Mutable<Match> = {};
  const implied = impliedNetwork(family, given, action, path);
  if (given.family !== undefined && implied === undefined) match.family = given.family;
  for (const key of ["saddr", "daddr"] as const)
    if (given[key] !== undefined) {
      const { not, value } = negated(given[key]);
      const { bytes, length } = parsePrefix(value, at(key));
      match[key] = negate(not, formatPrefix(bytes, length));
    }
  for (const key of ["iifname", "oifname", "ibrname", "obrname"] as const)
    if (given[key] !== undefined) {
      if (key.endsWith("brname") && family !== "bridge")
        invalid(
          at(key),
          `only a table of family bridge knows the bridge: match ${key === "ibrname" ? "iifname" : "oifname"}`,
        );
      const { not, value } = negated(given[key]);
      match[key] = negate(not, interfaceName(interfaceBytes(value, at(key))) ?? value);
    }
  if (given.protocol !== undefined) match.protocol = normalProtocol(given.protocol, at("protocol"));
  const needsTcp =
    given.tcpFlags !== undefined ||
    given.mss !== undefined ||
    (typeof action === "object" && ("clampMss" in action || ("reject" in action && action.reject === "tcp reset")));
  if (needsTcp) {
    match.protocol ??= "tcp";
    if (match.protocol !== "tcp")
      invalid(at("protocol"), `this rule is about TCP: write protocol: tcp, or leave it out`);
  }
  const protocol = typeof match.protocol === "object" ? undefined : match.protocol;
  for (const key of ["sport", "dport"] as const)
    if (given[key] !== undefined) {
      if (protocol === undefined || !withPorts.includes(protocol))
        invalid(at(key), `ports need a protocol that has them: add protocol: tcp or udp`);
      match[key] = normalCompared(given[key], 0xffff, at(key));
    }
  for (const key of ["icmpType", "icmpCode"] as const)
    if (given[key] !== undefined && protocol !== "icmp" && protocol !== "icmpv6")
      invalid(at(key), `needs protocol: icmp or icmpv6`);
  if (given.icmpType !== undefined) {
    const names = protocol === "icmp" ? icmpTypes : icmpv6Types;
    const type = given.icmpType;
    if (typeof type === "number") normalCompared(type, 255, at("icmpType"));
    else oneOf(type, Object.keys(names), at("icmpType"));
    match.icmpType = typeof type === "number" ? ((nameOf(names, type) as typeof type | undefined) ?? type) : type;
  }
  if (given.icmpCode !== undefined) match.icmpCode = normalCompared(given.icmpCode, 255, at("icmpCode")) as number;
  if (given.tcpFlags !== undefined) match.tcpFlags = normalTcpFlags(given.tcpFlags, at("tcpFlags"));
  if (given.mss !== undefined) match.mss = normalCompared(given.mss, 0xffff, at("mss"));
  if (given.length !== undefined) match.length = normalCompared(given.length, 0xffff_ffff, at("length"));
  if (given.ctState !== undefined) match.ctState = normalNames(ctStates, given.ctState, at("ctState"));
  return match;
}

function normalReject(family: Family, value: true | string, path: string): string {
  if (value === "tcp reset") return value;
  const standard = { ip: "icmp port-unreachable", ip6: "icmpv6 port-unreachable" };
  const given =
    value !== true ? value : family === "ip" || family === "ip6" ? standard[family] : "icmpx port-unreachable";
  const [word = "", code = ""] = given.split(" ");
  const table = Object.hasOwn(rejectCodes, word) ? rejectCodes[word as keyof typeof rejectCodes] : undefined;
  if (table === undefined || !Object.hasOwn(table, code) || given !== `${word} ${code}`)
    invalid(
      path,
      `expected true, "tcp reset", or icmpx, icmp or icmpv6 with a reason such as "icmpx admin-prohibited", got ${shown(value)}`,
    );
  if (word === "icmpx" && (family === "ip" || family === "ip6"))
    invalid(path, `icmpx is for tables that see both families: write ${family === "ip" ? "icmp" : "icmpv6"}`);
  return given;
}

const actions = ["jump", "goto", "masquerade", "snat", "dnat", "redirect", "clampMss", "reject"] as const;
const natActions = ["masquerade", "snat", "dnat", "redirect"];

function normalAction(family: Family, action: Action, path: string): Action {
  if (typeof action === "string") return oneOf(action, ["accept", "drop", "return"] as const, path);
  checkKeys(action, [...actions, "flags"], path);
  const [kind, more] = actions.filter((name) => name in action);
  if (kind === undefined || more !== undefined) invalid(path, `expected one of ${actions.join(", ")}`);
  const value = (action as Record<string, unknown>)[kind];
  const at = `${path}.${kind}`;
  const given = action as { readonly flags?: readonly NatFlag[] };
  if (given.flags !== undefined && !natActions.includes(kind)) invalid(`${path}.flags`, `${kind} has no flags`);
  if (kind === "jump" || kind === "goto") return { [kind]: checkName(value, at) } as unknown as Action;
  if (kind === "reject") return { reject: normalReject(family, value as string, at) };
  if (kind === "clampMss") {
    if (value !== "rt mtu") normalCompared(value as number, 0xffff, at);
    if (value === "rt mtu" && family === "bridge")
      invalid(at, `a bridge has no routes: write the number of bytes, such as 1410`);
    return action;
  }
  if (family === "bridge")
    invalid(at, `a bridge table has no NAT: put the rule into a table of family inet, ip or ip6`);
  const flags = (["random", "fully-random", "persistent"] as const).filter((flag) => given.flags?.includes(flag));
  for (const flag of given.flags ?? []) oneOf(flag, ["random", "fully-random", "persistent"], `${path}.flags`);
  const rest = flags.length > 0 ? { flags } : {};
  if (value === true && (kind === "masquerade" || kind === "redirect"))
    return { [kind]: true, ...rest } as unknown as Action;
  if (typeof value !== "string") invalid(at, `expected text such as "192.0.2.23" or ":80", got ${shown(value)}`);
  const target = parseTarget(value, at);
  if (!target.address && (kind === "snat" || kind === "dnat"))
    invalid(at, `needs an address; for ports only use ${kind === "dnat" ? "redirect" : "masquerade"}`);
  if (target.address && (kind === "masquerade" || kind === "redirect"))
    invalid(
      at,
      `takes the address of the interface; write ports only, such as ":1024-65535", or use ${kind === "redirect" ? "dnat" : "snat"}`,
    );
  return { [kind]: formatTarget(target), ...rest } as unknown as Action;
}

/** Actions that read ports need to know the protocol that has them. */
function checkPorts(action: Action, match: Match, path: string): void {
  if (typeof action !== "object") return;
  for (const kind of natActions) {
    const value = (action as Record<string, unknown>)[kind];
    const { protocol } = match;
    if (typeof value !== "string" || parseTarget(value, path).ports === undefined) continue;
    if (typeof protocol === "object" || protocol === undefined || !withPorts.includes(protocol))
      invalid(`${path}action.${kind}`, `ports need a protocol that has them: add match: { protocol: tcp }`);
  }
}

function normalLimit(limit: Limit, path: string): Limit {
  checkKeys(limit, ["rate", "per", "burst", "over"], path);
  for (const key of ["rate", "burst"] as const)
    if (limit[key] !== undefined || key === "rate") {
      normalCompared(limit[key] ?? 0, 0xffff_ffff, `${path}.${key}`);
      if (limit[key] === undefined || limit[key] < 1) invalid(`${path}.${key}`, `expected a number from 1`);
    }
  const per = oneOf(limit.per, Object.keys(units) as (keyof typeof units)[], `${path}.per`);
  return {
    rate: limit.rate,
    per,
    ...(limit.burst !== undefined && limit.burst !== 5 && { burst: limit.burst }),
    ...(limit.over && { over: true }),
  };
}

const logLevels = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "audit"] as const;

function normalLog(log: NonNullable<FriendlyRule["log"]>, path: string): NonNullable<FriendlyRule["log"]> {
  checkKeys(log, ["prefix", "level"], path);
  if (log.level !== undefined) oneOf(log.level, logLevels, `${path}.level`);
  if (log.prefix !== undefined && checkComment(log.prefix, `${path}.prefix`).length > 127)
    invalid(`${path}.prefix`, `a prefix has at most 127 bytes`);
  return { ...(log.prefix && { prefix: log.prefix }), ...(log.level && log.level !== "warn" && { level: log.level }) };
}

function normalCounter(counter: unknown, path: string): true | string | Count {
  if (counter === true) return true;
  if (typeof counter === "string") return checkName(counter, path);
  checkKeys(counter, ["packets", "bytes"], path);
  const { packets, bytes } = counter as Record<keyof Count, unknown>;
  for (const value of [packets, bytes])
    if (typeof value !== "bigint" || value < 0n || value > 0xffff_ffff_ffff_ffffn)
      invalid(path, `expected true, the name of a counter, or packets and bytes as bigint, got ${shown(counter)}`);
  return { packets, bytes } as Count;
}

/** The one form of a rule in a table of this family. @throws {NftablesError} when it cannot be. */
export function normalRule(family: Family, rule: Rule, path = ""): Rule {
  const lead = path === "" ? "" : `${path}.`;
  checkKeys(rule, ["match", "limit", "counter", "log", "action", "comment", "handle", "expressions"], path);
  const given = rule.comment ?? "";
  const comment = given === "" ? {} : { comment: checkComment(given, `${lead}comment`) };
  if (isRaw(rule)) {
    for (const key of ["match", "limit", "counter", "log", "action"] as const)
      if (key in rule) invalid(`${lead}${key}`, "a rule has words or expressions, not both");
    return { expressions: rule.expressions, ...comment };
  }
  const action = rule.action === undefined ? undefined : normalAction(family, rule.action, `${lead}action`);
  const match = rule.match === undefined ? {} : rule.match;
  const checked = normalMatch(family, match, action, lead);
  if (action !== undefined) checkPorts(action, checked, lead);
  const { counter, limit, log } = rule;
  if (counter === undefined && action === undefined && log === undefined)
    invalid(`${lead}action`, `the rule does nothing: give it an action, a counter or a log`);
  return {
    ...(Object.keys(checked).length > 0 && { match: checked }),
    ...(limit !== undefined && { limit: normalLimit(limit, `${lead}limit`) }),
    ...(counter !== undefined && { counter: normalCounter(counter, `${lead}counter`) }),
    ...(log !== undefined && { log: normalLog(log, `${lead}log`) }),
    ...(action !== undefined && { action }),
    ...comment,
  };
}
