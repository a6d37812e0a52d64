/** Policy rules in people's words, and both directions between them and the wire. */
import {
  type Family,
  type IpProtocol,
  ipProtocols,
  type Protocol,
  protocols,
  type Table,
  tables,
} from "../families/lookup.ts";
import { canonicalPrefix, parsePrefix, prefixText } from "../families/prefix.ts";
import { AF_INET, AF_INET6 } from "../families/route.ts";
import { familyShape } from "../families/service.ts";
import {
  boolean,
  check,
  choice,
  InputError,
  integer,
  linkName,
  network,
  type Shape,
  type Shapes,
} from "../shape/shape.ts";
import type { MessageIn, MessageOut } from "../wire/index.ts";
import { FIB_RULE, FR_ACT, type newrule } from "./schema.ts";

const ACTIONS = {
  table: FR_ACT.TO_TBL,
  goto: FR_ACT.GOTO,
  nop: FR_ACT.NOP,
  blackhole: FR_ACT.BLACKHOLE,
  unreachable: FR_ACT.UNREACHABLE,
  prohibit: FR_ACT.PROHIBIT,
} as const;
/** What becomes of a packet: a table is asked, a later rule is gone to, nothing, or it is dropped with or without word. */
export type RuleAction = keyof typeof ACTIONS;
/** One number, or the first and the last of several: `"1024-65534"`. */
export type Range = number | `${number}-${number}`;

/**
 * A rule to be made. A packet has to have everything that is given here.
 *
 * A kernel that is older than a property acknowledges the rule without it, and the rule is then for more packets than
 * was meant: where `dscp`, `flowlabel` or a mask matters, read the rule back.
 */
export interface RuleConfig {
  /** The smaller, the earlier; 0 to 4294967295. Absent: before the rules that there are, but the first. */
  readonly priority?: number | undefined;
  /** Of a rule that names neither `from` nor `to`. Default inet. */
  readonly family?: Family | undefined;
  /** For packets that are not so. */
  readonly not?: boolean | undefined;
  /** Source network. */
  readonly from?: string | undefined;
  /** Destination network. */
  readonly to?: string | undefined;
  /** Name of the input link; `lo` is for packets of this host. The link need not exist yet. */
  readonly iif?: string | undefined;
  /** Name of the output link that a socket is bound to. */
  readonly oif?: string | undefined;
  readonly fwmark?: number | undefined;
  /** Bits of the mark that are compared; default all. */
  readonly fwmask?: number | undefined;
  /** Type of service, 0 to 255. IPv4: three bits of it only, see `dscp`. */
  readonly tos?: number | undefined;
  /** Differentiated services code point, 0 to 63. Linux 6.14 and later. */
  readonly dscp?: number | undefined;
  /** Bits that are compared; default all. Linux 6.15 and later, as the other masks. */
  readonly dscpMask?: number | undefined;
  /** IPv6 flow label. Linux 6.14 and later. */
  readonly flowlabel?: number | undefined;
  readonly flowlabelMask?: number | undefined;
  /** IP protocol. */
  readonly ipproto?: IpProtocol | undefined;
  /** Source port, 1 to 65534. */
  readonly sport?: Range | undefined;
  readonly sportMask?: number | undefined;
  /** Destination port, 1 to 65534. */
  readonly dport?: Range | undefined;
  readonly dportMask?: number | undefined;
  /** Users of this host's sockets. */
  readonly uidrange?: Range | undefined;
  /** Key or VNI of the tunnel that a packet came from. Up to 2^53 - 1. */
  readonly tunId?: number | undefined;
  /** Ask the table of the VRF that the packet is in. */
  readonly l3mdev?: boolean | undefined;

  /** Default table; goto where `goto` is given. */
  readonly action?: RuleAction | undefined;
  /** Default main. */
  readonly table?: Table | undefined;
  /** Priority of the rule to go on with: a later one. */
  readonly goto?: number | undefined;
  /** Routes with prefixes of this length or shorter do not count. */
  readonly suppressPrefixlength?: number | undefined;
  /** Routes over links of this group do not count. */
  readonly suppressIfgroup?: number | undefined;
  /** IPv4: realm of the destination in the low 16 bits, of the source in the high ones. */
  readonly realm?: number | undefined;
  /** Who made it. Default: linkwright. */
  readonly protocol?: Protocol | undefined;
}
/** A rule as the kernel has it. */
export interface Rule extends RuleConfig {
  readonly priority: number;
  readonly family: Family;
  readonly action: RuleAction;
  readonly protocol: Protocol;
  /** The kernel made it, and keeps it. */
  readonly permanent?: true;
  /** `goto` leads to a rule that is not there: packets go on with the next one. */
  readonly unresolved?: true;
  /** There is no link of this name. */
  readonly iifDetached?: true;
  readonly oifDetached?: true;
}

const word = integer(0, 0xffff_ffff);
function range(minimum: number, maximum: number): Shape<Range> {
  const one = integer(minimum, maximum);
  return {
    expected: `${one.expected}, or a range such as 1024-${maximum}`,
    json: { anyOf: [one.json, { type: "string", pattern: "^[0-9]+-[0-9]+$" }] },
    accepts(value): value is Range {
      if (typeof value !== "string") return one.accepts(value);
      const [, first, last] = /^(\d+)-(\d+)$/.exec(value)?.map(Number) ?? [];
      return first !== undefined && last !== undefined && first <= last && one.accepts(first) && one.accepts(last);
    },
  };
}
/** The kernel takes neither 0 nor 65535. */
const ports = range(1, 0xfffe);

/** What each property of {@link RuleConfig} must look like. */
export const ruleShapes = {
  priority: word,
  family: familyShape,
  not: boolean,
  from: network,
  to: network,
  iif: linkName,
  oif: linkName,
  fwmark: word,
  fwmask: word,
  tos: integer(0, 255),
  dscp: integer(0, 63),
  dscpMask: integer(0, 63),
  flowlabel: integer(0, 0xf_ffff),
  flowlabelMask: integer(0, 0xf_ffff),
  ipproto: ipProtocols.shape,
  sport: ports,
  sportMask: integer(0, 0xffff),
  dport: ports,
  dportMask: integer(0, 0xffff),
  uidrange: range(0, 0xffff_fffe),
  tunId: integer(0, Number.MAX_SAFE_INTEGER),
  l3mdev: boolean,
  action: choice(...(Object.keys(ACTIONS) as RuleAction[])),
  table: tables.shape,
  goto: word,
  suppressPrefixlength: integer(0, 128),
  suppressIfgroup: integer(0, 0x7fff_ffff),
  realm: word,
  protocol: protocols.shape,
} as const satisfies Shapes;

/** Properties that are numbers on both sides: the attribute, and what the kernel tells where it was not asked for. */
const NUMBERS = {
  priority: ["priority"],
  fwmark: ["fwmark"],
  fwmask: ["fwmask", 0xffff_ffff],
  dscp: ["dscp"],
  dscpMask: ["dscpMask", 0x3f],
  flowlabel: ["flowlabel"],
  flowlabelMask: ["flowlabelMask", 0xf_ffff],
  sportMask: ["sportMask", 0xffff],
  dportMask: ["dportMask", 0xffff],
  goto: ["goto"],
  suppressPrefixlength: ["suppressPrefixlen", 0xffff_ffff],
  suppressIfgroup: ["suppressIfgroup", 0xffff_ffff],
  realm: ["flow", 0],
} as const;
type Numeric = keyof typeof NUMBERS;
const numeric = Object.keys(NUMBERS) as Numeric[];

const RANGES = { sport: "sportRange", dport: "dportRange", uidrange: "uidRange" } as const;
const ranges = Object.keys(RANGES) as (keyof typeof RANGES)[];

/** The caller's property for each attribute. */
export const RULE_PROPERTIES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(numeric.map((key) => [NUMBERS[key][0], key])),
  ...Object.fromEntries(ranges.map((key) => [RANGES[key], key])),
  dst: "to",
  src: "from",
  iifname: "iif",
  oifname: "oif",
  ipProto: "ipproto",
};

/** Whether a rule is IPv6: by its networks, else by what is said of one without. */
function isWide({ from, to, family }: RuleConfig): boolean {
  const known = [from, to].find((text) => text !== undefined && text !== "default");
  return known === undefined ? family === "inet6" : known.includes(":");
}
const actionOf = ({ action, goto }: RuleConfig): RuleAction => action ?? (goto === undefined ? "table" : "goto");

/** @throws {InputError} for the first property that is unknown, does not fit, or contradicts another. */
export function checkRule(config: RuleConfig, verb: string): void {
  check([], ruleShapes, config);
  const wide = isWide(config);
  for (const key of ["from", "to"] as const) {
    const text = config[key];
    if (text === undefined || text === "default") continue;
    if (text.includes(":") !== wide) throw new InputError([key], `${text} is not of the family of the other network`);
    parsePrefix(text, key, wide);
  }
  if (config.family !== undefined && (config.family === "inet6") !== wide)
    throw new InputError(["family"], `${config.family}, but the networks are of the other; leave it out`);
  if (wide && config.realm !== undefined) throw new InputError(["realm"], "is for IPv4 only; leave it out");
  if (!wide && config.flowlabel !== undefined) throw new InputError(["flowlabel"], "is for IPv6 only; leave it out");
  if (verb === "delete") checkDeletion(config);
  else checkAction(config);
}

function checkDeletion(config: RuleConfig): void {
  const names = Object.entries(config).some(([key, value]) => key !== "family" && value !== undefined);
  if (!names) throw new InputError(["priority"], "missing; with no property at all the kernel deletes its first rule");
}

function checkAction(config: RuleConfig): void {
  const action = actionOf(config);
  if (action === "goto" && config.goto === undefined)
    throw new InputError(["goto"], "missing; expected the priority of a later rule");
  for (const [key, owner] of [
    ["goto", "goto"],
    ["table", "table"],
    ["l3mdev", "table"],
    ["suppressPrefixlength", "table"],
    ["suppressIfgroup", "table"],
  ] as const)
    if (config[key] !== undefined && config[key] !== false && action !== owner)
      throw new InputError([key], `a rule with action ${action} has none; leave it out`);
  if (config.goto !== undefined && config.priority !== undefined && config.goto <= config.priority)
    throw new InputError(["goto"], `${config.goto} is no later rule than ${config.priority}`);
  if (config.l3mdev === true && config.table !== undefined)
    throw new InputError(["table"], "stands beside l3mdev, which asks the table of the VRF; use one");
  for (const [mask, of] of [
    ["fwmask", "fwmark"],
    ["dscpMask", "dscp"],
    ["flowlabelMask", "flowlabel"],
    ["sportMask", "sport"],
    ["dportMask", "dport"],
  ] as const)
    if (config[mask] !== undefined && config[of] === undefined)
      throw new InputError([of], `missing; needed by ${mask}`);
}

type Attrs = { -readonly [K in keyof NonNullable<MessageIn<typeof newrule>["attrs"]>]: unknown };
const ends = (value: Range): { start: number; end: number } => {
  const [start = 0, end = start] = String(value).split("-").map(Number);
  return { start, end };
};

/** The message for a checked rule. */
export function ruleToWire(config: RuleConfig, verb: string): MessageIn<typeof newrule> {
  const wide = isWide(config);
  const any = verb === "delete";
  const to = parsePrefix(config.to ?? "default", "to", wide);
  const from = parsePrefix(config.from ?? "default", "from", wide);
  const action = actionOf(config);
  const attrs: Attrs = { dst: to.address, src: from.address, iifname: config.iif, oifname: config.oif };
  for (const key of numeric) if (config[key] !== undefined) attrs[NUMBERS[key][0]] = config[key];
  for (const key of ranges) if (config[key] !== undefined) attrs[RANGES[key]] = ends(config[key]);
  if (config.tunId !== undefined) attrs.tunId = BigInt(config.tunId);
  if (config.l3mdev === true) attrs.l3mdev = 1;
  if (config.ipproto !== undefined) attrs.ipProto = ipProtocols.numberOf(config.ipproto);
  const asks = !any && action === "table" && config.l3mdev !== true;
  const table = tables.numberOf(config.table ?? (asks ? "main" : 0));
  if (table >= 256) attrs.table = table;
  if (config.protocol !== undefined || !any) attrs.protocol = protocols.numberOf(config.protocol ?? "linkwright");
  return {
    header: {
      family: wide ? AF_INET6 : AF_INET,
      dstLen: to.length,
      srcLen: from.length,
      tos: config.tos ?? 0,
      table: table < 256 ? table : 0,
      action: any && config.action === undefined && config.goto === undefined ? FR_ACT.UNSPEC : ACTIONS[action],
      flags: config.not === true ? FIB_RULE.INVERT : 0,
    },
    attrs: attrs as NonNullable<MessageIn<typeof newrule>["attrs"]>,
  };
}

const actions = new Map<number, RuleAction>(
  Object.entries(ACTIONS).map(([name, number]) => [number, name as RuleAction]),
);
const TOLD = [
  ["not", FIB_RULE.INVERT],
  ["permanent", FIB_RULE.PERMANENT],
  ["unresolved", FIB_RULE.UNRESOLVED],
  ["iifDetached", FIB_RULE.IIF_DETACHED],
  ["oifDetached", FIB_RULE.OIF_DETACHED],
] as const;

/** A rule in people's words; undefined for a message of another family. */
export function ruleFromWire({ header, attrs }: MessageOut<typeof newrule>): Rule | undefined {
  if (header.family !== AF_INET && header.family !== AF_INET6) return undefined;
  const wide = header.family === AF_INET6;
  const action = actions.get(header.action) ?? "nop";
  const found: Record<string, unknown> = { priority: 0, family: wide ? "inet6" : "inet", action };
  for (const [key, bit] of TOLD) if ((header.flags & bit) !== 0) found[key] = true;
  if (header.srcLen > 0) found["from"] = prefixText(attrs.src, header.srcLen, wide);
  if (header.dstLen > 0) found["to"] = prefixText(attrs.dst, header.dstLen, wide);
  if (header.tos !== 0) found["tos"] = header.tos;
  if (attrs.iifname !== undefined) found["iif"] = attrs.iifname;
  if (attrs.oifname !== undefined) found["oif"] = attrs.oifname;
  for (const key of numeric) {
    const [attribute, unset] = NUMBERS[key];
    const value = attrs[attribute];
    if (value !== undefined && value !== unset) found[key] = value;
  }
  for (const key of ranges) {
    const value = attrs[RANGES[key]];
    if (value !== undefined) found[key] = value.start === value.end ? value.start : `${value.start}-${value.end}`;
  }
  if (attrs.tunId !== undefined) found["tunId"] = Number(attrs.tunId);
  if (attrs.ipProto !== undefined) found["ipproto"] = ipProtocols.wordOf(attrs.ipProto);
  if (attrs.l3mdev === 1) found["l3mdev"] = true;
  else if (action === "table") found["table"] = tables.wordOf(attrs.table ?? header.table);
  found["protocol"] = protocols.wordOf(attrs.protocol ?? 0);
  return found as unknown as Rule;
}

/** A rule in the one form in which the kernel's are shown, with what the kernel adds. @throws {InputError} */
export function canonicalRule(config: RuleConfig): Rule {
  checkRule(config, "create");
  const network = (key: "from" | "to"): object =>
    config[key] === undefined ? {} : { [key]: canonicalPrefix(config[key]) };
  const wire = ruleToWire({ ...config, ...network("from"), ...network("to") }, "create");
  return ruleFromWire(wire as unknown as MessageOut<typeof newrule>) as Rule;
}
