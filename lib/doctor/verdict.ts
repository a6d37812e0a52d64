/** What the packet filter makes of a packet that is only thought of. */
import { isRaw, type Match, type Not, type ObservedTable, type Rule } from "../nftables/index.ts";
import { inPrefix } from "./prefix.ts";

/** A packet, as much of it as rules look at. What is absent may be anything. */
export interface Packet {
  /** `bridge`: a frame, which may be of either version of IP, or of none. */
  readonly family: "ip" | "ip6" | "bridge";
  readonly in?: string;
  readonly out?: string;
  readonly saddr?: string;
  readonly daddr?: string;
  readonly protocol?: string;
  readonly dport?: number;
  readonly ctState?: "new" | "established";
}

/** What becomes of it: `unsure` where a rule decides that this library has no words for. */
export interface Verdict {
  readonly verdict: "accept" | "drop" | "unsure";
  /** The chain whose word it is, or may be. */
  readonly chain?: string;
  /** The rule in it, counted from 1; absent for its policy. */
  readonly rule?: number;
  /** Whether an address was translated on the way. */
  readonly nat?: boolean;
}

/** Whether a rule is for the packet; undefined where that is not known. */
type Truth = boolean | undefined;
const not = (truth: Truth): Truth => (truth === undefined ? undefined : !truth);

function holds<T>(wanted: Not<T> | undefined, test: (value: T) => Truth): Truth {
  if (wanted === undefined) return true;
  const turned = typeof wanted === "object" && wanted !== null && "not" in wanted;
  return turned ? not(test((wanted as { readonly not: T }).not)) : test(wanted as T);
}

function named(pattern: string, name: string | undefined): Truth {
  if (name === undefined) return undefined;
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function inNetwork(network: string, address: string | undefined): Truth {
  return address === undefined ? undefined : inPrefix(address, network);
}

const WORDS = ["family", "saddr", "daddr", "iifname", "oifname", "protocol", "dport", "ctState"] as const;
const UNDERSTOOD: readonly string[] = WORDS satisfies readonly (keyof Match)[];

function portHolds(wanted: Match["dport"], port: number | undefined): Truth {
  if (wanted === undefined) return true;
  if (port === undefined || typeof wanted !== "number") return undefined;
  return wanted === port;
}

/** All of it must hold: one that does not decides, whatever is not known of the others. */
function matches(match: Match, packet: Packet): Truth {
  const truths: Truth[] = [
    holds(match.family, (family) => (packet.family === "bridge" ? undefined : family === packet.family)),
    holds(match.iifname, (pattern) => named(pattern, packet.in)),
    holds(match.oifname, (pattern) => named(pattern, packet.out)),
    holds(match.saddr, (network) => inNetwork(network, packet.saddr)),
    holds(match.daddr, (network) => inNetwork(network, packet.daddr)),
    holds(match.protocol, (protocol) => (packet.protocol === undefined ? undefined : protocol === packet.protocol)),
    portHolds(match.dport, packet.dport),
    match.ctState === undefined || (packet.ctState === undefined ? undefined : match.ctState.includes(packet.ctState)),
    Object.keys(match).every((key) => UNDERSTOOD.includes(key)) ? true : undefined,
  ];
  if (truths.includes(false)) return false;
  return truths.includes(undefined) ? undefined : true;
}

/** The name of a link in a register: it ends with a zero byte, or where any ending will do. */
function patternOf(value: unknown): string | undefined {
  if (!(value instanceof Uint8Array)) return undefined;
  const text = Buffer.from(value).toString("latin1");
  const end = text.indexOf("\0");
  return end < 0 ? `${text}*` : text.slice(0, end);
}

/** Whether a rule names another link than the packet's, which settles it whatever else it asks for. */
function isForOthers(steps: readonly { readonly kind: string; readonly data?: unknown }[], packet: Packet): boolean {
  let name: string | undefined;
  for (const { kind, data } of steps) {
    if (kind === "meta") {
      const { key } = data as { readonly key?: unknown };
      name = key === "iifname" ? packet.in : key === "oifname" ? packet.out : undefined;
    } else if (kind === "cmp" && name !== undefined) {
      const { op, data: against } = data as { readonly op?: unknown; readonly data?: { readonly value?: unknown } };
      const pattern = patternOf(against?.value);
      if (pattern !== undefined && named(pattern, name) !== (op === "eq")) return true;
      name = undefined;
    } else name = undefined;
  }
  return false;
}

/** The verdict in a step that has one. */
function verdictOf(data: unknown): { readonly code?: unknown; readonly chain?: unknown } | undefined {
  return (data as { data?: { verdict?: { code?: unknown; chain?: unknown } } } | undefined)?.data?.verdict;
}

type Outcome = Verdict | "return" | "maybe return" | "on";

/** Decides by a chain's rules in turn; doubts are kept until the end. */
class Walk {
  readonly #table: ObservedTable;
  readonly #packet: Packet;
  /** What rules of which it is not known whether they are for the packet would have made of it. */
  readonly doubts: Verdict[] = [];
  nat = false;

  constructor(table: ObservedTable, packet: Packet) {
    this.#table = table;
    this.#packet = packet;
  }

  chain(name: string, depth = 0): Outcome {
    const chain = this.#table.chains.find((one) => one.name === name);
    if (chain === undefined || depth > 16) return "on";
    let left = false;
    for (const [at, rule] of chain.rules.entries()) {
      const outcome = this.#rule(rule, { chain: name, rule: at + 1 }, depth);
      if (outcome === "maybe return") left = true;
      else if (outcome === "return") return "on";
      else if (typeof outcome === "object" && !left) return outcome;
      else if (typeof outcome === "object") {
        // The packet may have left the chain before.
        this.doubts.push(outcome);
        return "on";
      }
    }
    return "on";
  }

  #rule(rule: Rule, where: { readonly chain: string; readonly rule: number }, depth: number): Outcome {
    if (isRaw(rule)) return this.#raw(rule.expressions, where, depth);
    const truth = rule.limit === undefined ? matches(rule.match ?? {}, this.#packet) : undefined;
    if (truth === false || rule.action === undefined) return "on";
    const outcome = this.#act(rule.action, where, depth);
    if (truth === true || outcome === "on") return outcome;
    if (outcome === "return" || outcome === "maybe return") return "maybe return";
    this.doubts.push(outcome);
    return "on";
  }

  #act(action: NonNullable<Exclude<Rule, { expressions: unknown }>["action"]>, where: object, depth: number): Outcome {
    if (action === "accept" || action === "drop") return { verdict: action, ...where };
    if (action === "return") return "return";
    if ("jump" in action) return this.chain(action.jump, depth + 1);
    if ("goto" in action) {
      const outcome = this.chain(action.goto, depth + 1);
      return outcome === "on" ? "return" : outcome;
    }
    if ("reject" in action) return { verdict: "drop", ...where };
    if ("masquerade" in action || "snat" in action) return { verdict: "accept", nat: true, ...where };
    return "on";
  }

  /** A rule of iptables-nft, or with a set: of it only the links and the last word are understood. */
  #raw(steps: readonly { readonly kind: string; readonly data?: unknown }[], where: object, depth: number): Outcome {
    if (isForOthers(steps, this.#packet)) return "on";
    const verdicts = steps.flatMap(({ kind, data }) => {
      if (kind === "masq" || kind === "nat") return [{ verdict: "accept" as const, nat: true, ...where }];
      if (kind === "reject") return [{ verdict: "drop" as const, ...where }];
      return kind === "immediate" ? this.#immediate(data, where, depth) : [];
    });
    this.doubts.push(...verdicts);
    return steps.some(({ data }) => verdictOf(data)?.code === "return") ? "maybe return" : "on";
  }

  #immediate(data: unknown, where: object, depth: number): Verdict[] {
    const told = verdictOf(data);
    if (told?.code === "accept" || told?.code === "drop") return [{ verdict: told.code, ...where }];
    if (typeof told?.chain !== "string") return [];
    const outcome = this.chain(told.chain, depth + 1);
    return typeof outcome === "object" ? [outcome] : [];
  }
}

/** What the base chains of one hook make of a packet, each table for itself: one drop is enough. */
export function judge(tables: readonly ObservedTable[], hook: string, packet: Packet, type?: "nat"): Verdict {
  const families = packet.family === "bridge" ? ["bridge"] : [packet.family, "inet"];
  const all = tables.flatMap((table) => {
    if (!families.includes(table.family)) return [];
    const bases = table.chains.filter((chain) => chain.hook === hook && (chain.type === "nat") === (type === "nat"));
    return bases.map((base): Verdict => {
      const walk = new Walk(table, packet);
      const outcome = walk.chain(base.name);
      const final: Verdict =
        typeof outcome === "object" ? outcome : { verdict: base.policy ?? "accept", chain: base.name };
      const sure = walk.doubts.every(({ verdict, nat }) => verdict === final.verdict && nat === final.nat);
      // What is in doubt is whether it is dropped: that is the rule to name.
      const drop = [final, ...walk.doubts].find(({ verdict }) => verdict === "drop") ?? final;
      const said: Verdict = sure ? final : { ...drop, verdict: "unsure", nat: final.nat === true };
      return { ...said, chain: `${table.family} ${table.name} ${said.chain ?? base.name}` };
    });
  });
  const worst = all.find(({ verdict }) => verdict === "drop") ?? all.find(({ verdict }) => verdict === "unsure");
  return worst ?? all.find(({ nat }) => nat === true) ?? { verdict: "accept" };
}
