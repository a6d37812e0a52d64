/** What a rule does, read from the kernel's steps. */
import { held, isMss, type Statement } from "./conditions.ts";
import type { Expression } from "./expressions/index.ts";
import { formatTarget } from "./prefix.ts";
import type { Action, FriendlyRule, Limit, LogLevel, NatFlag, Protocol, Span } from "./rule.ts";
import { fromBigEndian } from "./value.ts";
import { nameOf, rejectCodes, units } from "./words.ts";

type Network = "ip" | "ip6" | undefined;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Step<K extends Expression["kind"]> = Extract<Expression, { kind: K }>;

const unknownKeys = (data: object): boolean => Object.keys(data).some((key) => key.startsWith("#"));

function constant(statement: Statement, register: number | undefined): Uint8Array | undefined {
  const loaded = held(statement, register);
  return loaded?.source.from === "constant" && !loaded.mask && !loaded.swapped ? loaded.source.value : undefined;
}

/** The ports in registers: `undefined` for none, `null` where they are no constants. */
function portsOf(statement: Statement, min: number | undefined, max = min): Span | undefined | null {
  if (min === undefined) return undefined;
  const [from, to] = [constant(statement, min), constant(statement, max)];
  if (from?.length !== 2 || to?.length !== 2) return null;
  return [fromBigEndian(from), fromBigEndian(to)];
}

function flagsOf(flags: Step<"masq">["data"]): { flags?: NatFlag[] } | undefined {
  const { random, fullyRandom, persistent, rest } = flags?.flags ?? {};
  if (rest) return undefined;
  const names: NatFlag[] = [];
  if (random) names.push("random");
  if (fullyRandom) names.push("fully-random");
  if (persistent) names.push("persistent");
  return names.length > 0 ? { flags: names } : {};
}

function natOf(statement: Statement, network: Network): Action | undefined {
  const step = statement.step;
  if (step.kind === "masq" || step.kind === "redir") {
    const { regProtoMin, regProtoMax, flags } = step.data ?? {};
    const rest = flagsOf({ ...(flags && { flags }) });
    const ports = portsOf(statement, regProtoMin, regProtoMax);
    if (rest === undefined || ports === null) return undefined;
    const value = ports === undefined ? true : formatPorts(ports);
    return { [step.kind === "masq" ? "masquerade" : "redirect"]: value, ...rest } as unknown as Action;
  }
  if (step.kind !== "nat" || step.data === undefined) return undefined;
  const { type, family, regAddrMin, regAddrMax = regAddrMin, regProtoMin, regProtoMax, flags } = step.data;
  const rest = flagsOf({ ...(flags && { flags }) });
  const ports = portsOf(statement, regProtoMin, regProtoMax);
  const address = constant(statement, regAddrMin);
  if (typeof type !== "string" || typeof family !== "string" || (network ?? family) !== family) return undefined;
  if (rest === undefined || ports === null || regAddrMin !== regAddrMax) return undefined;
  if (address?.length !== (family === "ip" ? 4 : 16)) return undefined;
  const target = formatTarget({
    address: { family, bytes: address },
    ...(ports !== undefined && { ports: typeof ports === "object" && ports[0] === ports[1] ? ports[0] : ports }),
  });
  return { [type]: target, ...rest } as unknown as Action;
}

const formatPorts = (ports: Span): string =>
  formatTarget({ ports: typeof ports === "object" && ports[0] === ports[1] ? ports[0] : ports });

function rejectOf(step: Step<"reject">, network: Network, protocol: Protocol | undefined): Action | undefined {
  const { type, icmpCode = 0 } = step.data ?? {};
  if (type === "tcp reset") return protocol === "tcp" ? { reject: "tcp reset" } : undefined;
  const word = type === "icmpx" ? "icmpx" : network === "ip6" ? "icmpv6" : "icmp";
  if (type === undefined || typeof type === "number" || (type === "icmp" && network === undefined)) return undefined;
  const name = nameOf(rejectCodes[word], icmpCode);
  return name === undefined ? undefined : { reject: `${word} ${name}` };
}

function actionOf(statement: Statement, network: Network, protocol: Protocol | undefined): Action | undefined {
  const { step } = statement;
  if (step.kind === "immediate") {
    const { code, chain } = step.data?.data?.verdict ?? {};
    if (code === "accept" || code === "drop" || code === "return") return code;
    return (code === "jump" || code === "goto") && chain ? ({ [code]: chain } as unknown as Action) : undefined;
  }
  if (step.kind === "reject") return rejectOf(step, network, protocol);
  if (step.kind === "exthdr") {
    const loaded = held(statement, step.data?.sreg);
    if (!isMss(step) || loaded === undefined || loaded.mask || protocol !== "tcp") return undefined;
    if (loaded.source.from === "rt mtu") return loaded.swapped ? { clampMss: "rt mtu" } : undefined;
    const value = constant(statement, step.data?.sreg);
    return value?.length === 2 ? { clampMss: fromBigEndian(value) } : undefined;
  }
  return natOf(statement, network);
}

function limitOf(step: Step<"limit">): Limit | undefined {
  const { rate, unit, burst, type, flags = 0 } = step.data ?? {};
  const per = nameOf(units, Number(unit)) as Limit["per"] | undefined;
  if (per === undefined || rate === undefined || type !== "packets" || flags > 1 || burst === 0) return undefined;
  return { rate: Number(rate), per, ...(burst !== undefined && { burst }), ...(flags === 1 && { over: true }) };
}

function logOf(step: Step<"log">): FriendlyRule["log"] {
  const { prefix, level, flags = 0, ...rest } = step.data ?? {};
  if (Object.keys(rest).length > 0 || flags !== 0 || typeof level === "number") return undefined;
  return { ...(prefix !== undefined && { prefix }), ...(level !== undefined && { level: level as LogLevel }) };
}

/** What these steps do, or nothing when it is more than a rule in words can hold. */
export function describeStatements(
  statements: readonly Statement[],
  network: Network,
  protocol: Protocol | undefined,
): FriendlyRule | undefined {
  const rule: Mutable<FriendlyRule> = {};
  for (const statement of statements) {
    const { step } = statement;
    const seen = step.data === undefined || step.data instanceof Uint8Array || !unknownKeys(step.data);
    if (!seen || rule.action !== undefined) return undefined;
    if (step.kind === "limit") {
      const limit = limitOf(step);
      if (limit === undefined || rule.limit || rule.counter !== undefined || rule.log) return undefined;
      rule.limit = limit;
    } else if (step.kind === "log") {
      const log = logOf(step);
      if (log === undefined || rule.log) return undefined;
      rule.log = log;
    } else if (step.kind === "counter" || step.kind === "objref") {
      if (rule.counter !== undefined) return undefined;
      if (step.kind === "counter") rule.counter = { packets: step.data?.packets ?? 0n, bytes: step.data?.bytes ?? 0n };
      else if (step.data?.immType === "counter" && step.data.immName) rule.counter = step.data.immName;
      else return undefined;
    } else {
      const action = actionOf(statement, network, protocol);
      if (action === undefined) return undefined;
      rule.action = action;
    }
  }
  return rule;
}
