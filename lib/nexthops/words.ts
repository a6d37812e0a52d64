/** Nexthop objects in people's words, and both directions between them and the wire. */
import { canonicalEncap, checkEncap, type Encap, encapFromWire, encapShape, encapToWire } from "../families/encap.ts";
import {
  canonicalIp,
  type Family,
  linkNamed,
  type Protocol,
  protocols,
  type Scope,
  scopes,
} from "../families/lookup.ts";
import { AF_INET, AF_INET6, AF_UNSPEC, RTNH_F } from "../families/route.ts";
import { familyShape } from "../families/service.ts";
import {
  address,
  boolean,
  check,
  choice,
  InputError,
  integer,
  linkName,
  type Shape,
  type Shapes,
  seconds,
} from "../shape/shape.ts";
import type { MessageIn, MessageOut, Out } from "../wire/index.ts";
import { NEXTHOP_GRP_TYPE, type newbucket, type newnexthop, type nhaResGroup } from "./schema.ts";

/** One of the nexthops of a group. */
export interface NexthopMember {
  /** Number of a nexthop that is no group. */
  readonly id: number;
  /** Share of the traffic, 1 to 65536; over 256 since Linux 6.13. Default 1. */
  readonly weight?: number | undefined;
}

/** A nexthop object to be made: a way over a gateway or link, a black hole, or a group of others. */
export interface NexthopObjectConfig {
  /** Its number, by which routes (`nhid`) and forwarding entries refer to it: 1 to 4294967295. */
  readonly id: number;
  /** Gateway, of either family. */
  readonly via?: string | undefined;
  /** Name of the output link. */
  readonly dev?: string | undefined;
  /** Of a nexthop without gateway. Default inet. */
  readonly family?: Family | undefined;
  /** The gateway is taken to be on the link, whatever the addresses say. */
  readonly onlink?: boolean | undefined;
  /** Packets are dropped without a word. */
  readonly blackhole?: boolean | undefined;
  /** A header that is put before each packet. */
  readonly encap?: Encap | undefined;
  /** For forwarding entries of a VXLAN instead of routes: it has a `via` and no `dev`, or is a group of such. */
  readonly fdb?: boolean | undefined;
  /** The nexthops of a group. */
  readonly group?: readonly NexthopMember[] | undefined;
  /** Of a group. Default mpath: traffic is shared by hash. resilient: flows keep their way where others come and go. */
  readonly type?: "mpath" | "resilient" | undefined;
  /** Resilient: number of buckets, 1 to 65535, which cannot change. */
  readonly buckets?: number | undefined;
  /** Resilient: seconds without traffic after which a bucket may move to another nexthop. Default 120. */
  readonly idleTimer?: number | undefined;
  /** Resilient: seconds out of balance after which buckets move though they have traffic. Default 0: never. */
  readonly unbalancedTimer?: number | undefined;
  /**
   * Of a group: whether hardware is to count what each nexthop is chosen for; told only where counters are asked for.
   * Default false. Linux 6.9 and later, which older ones refuse. Not in documents.
   */
  readonly hwStats?: boolean | undefined;
  /** Who made it. Default: linkwright. */
  readonly protocol?: Protocol | undefined;
}
/** One of the nexthops of a group as the kernel has it. */
export interface KnownMember extends Required<NexthopMember> {
  /** Packets that it was chosen for; only where counters were asked for. */
  readonly packets?: bigint;
  /** Those of them that hardware sent, where it counts. */
  readonly packetsHw?: bigint;
}
/** A nexthop object as the kernel has it. */
export interface NexthopObject extends Omit<NexthopObjectConfig, "family"> {
  /** Absent for a group. */
  readonly family?: Family;
  readonly scope: Scope;
  readonly protocol: Protocol;
  readonly group?: readonly KnownMember[];
  /** Resilient: seconds that it has been out of balance. */
  readonly unbalancedTime?: number;
  /** Group: whether any hardware does, where it is asked to. */
  readonly hwStatsUsed?: boolean;
  /** Its link is down, or has no carrier. */
  readonly dead?: true;
  readonly linkdown?: true;
  readonly offload?: true;
  readonly trap?: true;
}
/** A bucket of a resilient group. */
export interface NexthopBucket {
  /** Number of the group. */
  readonly id: number;
  readonly index: number;
  /** Number of the nexthop that its traffic takes. */
  readonly nhid: number;
  /** Seconds since it had traffic. */
  readonly idleTime: number;
}

const number = integer(1, 0xffff_ffff);
const memberShapes = { id: number, weight: integer(1, 0x1_0000) } as const satisfies Shapes;
const group: Shape<readonly NexthopMember[]> = {
  expected: "a list of nexthops such as { id: 1, weight: 1 }",
  json: {
    type: "array",
    minItems: 1,
    items: {
      type: "object",
      properties: { id: memberShapes.id.json, weight: memberShapes.weight.json },
      required: ["id"],
      additionalProperties: false,
    },
  },
  accepts: (value): value is readonly NexthopMember[] =>
    Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "object" && one !== null),
};

/** What each property of {@link NexthopObjectConfig} must look like. */
export const nexthopShapes = {
  id: number,
  via: address,
  dev: linkName,
  family: familyShape,
  onlink: boolean,
  blackhole: boolean,
  encap: encapShape,
  fdb: boolean,
  group,
  type: choice("mpath", "resilient"),
  buckets: integer(1, 0xffff),
  idleTimer: seconds(0xffff_ffff / 100),
  unbalancedTimer: seconds(0xffff_ffff / 100),
  hwStats: boolean,
  protocol: protocols.shape,
} as const satisfies Shapes;

/** The caller's property for each attribute. */
export const NEXTHOP_PROPERTIES: Readonly<Record<string, string>> = {
  gateway: "via",
  oif: "dev",
  groupType: "type",
  hwStatsEnable: "hwStats",
  resGroup: "buckets",
  "resGroup.buckets": "buckets",
  "resGroup.idleTimer": "idleTimer",
  "resGroup.unbalancedTimer": "unbalancedTimer",
};

const OF_ONE = ["via", "dev", "family", "onlink", "blackhole", "encap"] as const;
const OF_RESILIENT = ["buckets", "idleTimer", "unbalancedTimer"] as const;
type Key = keyof NexthopObjectConfig;

function refuse(config: NexthopObjectConfig, keys: readonly Key[], reason: string): void {
  for (const key of keys) if (config[key] !== undefined && config[key] !== false) throw new InputError([key], reason);
}

function checkGroup(config: NexthopObjectConfig, members: readonly NexthopMember[]): void {
  refuse(config, OF_ONE, "a group has none; it is for the nexthops in it");
  for (const [i, one] of members.entries()) {
    const path = ["group", String(i)];
    check(path, memberShapes, one);
    if (one.id === undefined) throw new InputError([...path, "id"], `missing; expected ${number.expected}`);
  }
  if (config.type !== "resilient") refuse(config, OF_RESILIENT, "is for a group of type resilient");
  else if (config.buckets === undefined)
    throw new InputError(["buckets"], `missing; expected ${nexthopShapes.buckets.expected}`);
}

/** @throws {InputError} for the first property that is unknown, does not fit, or contradicts another. */
export function checkNexthop(config: NexthopObjectConfig, verb: string): void {
  check([], nexthopShapes, config);
  const { id, via, dev, family, blackhole, fdb } = config;
  if (id === undefined) throw new InputError(["id"], `missing; expected ${number.expected}`);
  if (verb === "delete") return;
  if (config.group !== undefined) {
    checkGroup(config, config.group);
    return;
  }
  refuse(config, ["type", "hwStats", ...OF_RESILIENT], "is for a group; give it one");
  checkEncap(["encap"], config.encap);
  if (via !== undefined && family !== undefined && via.includes(":") !== (family === "inet6"))
    throw new InputError(["family"], `${family}, but the gateway ${via} is of the other; leave it out`);
  if (blackhole === true)
    refuse(config, ["via", "dev", "onlink", "encap", "fdb"], "a black hole has none; leave it out");
  else if (fdb === true) {
    if (via === undefined) throw new InputError(["via"], "missing; a nexthop for forwarding entries needs a far end");
    refuse(config, ["dev", "onlink", "encap"], "a nexthop for forwarding entries has none; leave it out");
  } else if (dev === undefined)
    throw new InputError(["dev"], "missing; a nexthop needs dev, blackhole, group, or fdb with via");
}

/**
 * A nexthop in the one form in which the kernel's are shown, with what the kernel adds; a group's nexthops by their
 * numbers. @throws {InputError}
 */
export function canonicalNexthop(config: NexthopObjectConfig): NexthopObjectConfig & Pick<NexthopObject, "protocol"> {
  checkNexthop(config, "create");
  const { via, family, group: members, type = "mpath", encap } = config;
  const wide = via?.includes(":") ?? family === "inet6";
  const ways = members?.map(({ id, weight = 1 }) => ({ id, weight })).sort((a, b) => a.id - b.id);
  return {
    ...config,
    ...(ways === undefined ? { family: wide ? "inet6" : "inet" } : { group: ways, type }),
    ...(via === undefined ? {} : { via: canonicalIp(via) }),
    ...(encap === undefined ? {} : { encap: canonicalEncap(encap) }),
    protocol: protocols.wordOf(protocols.numberOf(config.protocol ?? "linkwright")),
  };
}

/** The message for a checked nexthop. */
export function nexthopToWire(
  config: NexthopObjectConfig,
  verb: string,
  indexOf: (name: string) => number,
): MessageIn<typeof newnexthop> {
  const { id, via, dev, group: members, type, protocol } = config;
  if (verb === "delete") return { header: {}, attrs: { id } };
  const wide = via?.includes(":") ?? config.family === "inet6";
  const hundredths = (value: number | undefined): number | undefined => value && Math.round(value * 100);
  return {
    header: {
      family: members !== undefined ? AF_UNSPEC : wide ? AF_INET6 : AF_INET,
      protocol: protocols.numberOf(protocol ?? "linkwright"),
      flags: config.onlink === true ? RTNH_F.ONLINK : 0,
    },
    attrs: {
      id,
      group: members?.map(({ id: one, weight = 1 }) => {
        return { id: one, weight: (weight - 1) & 0xff, weightHigh: (weight - 1) >> 8 };
      }),
      groupType: type === "resilient" ? NEXTHOP_GRP_TYPE.RES : undefined,
      blackhole: config.blackhole,
      oif: dev === undefined ? undefined : indexOf(dev),
      gateway: via,
      encap: config.encap === undefined ? undefined : encapToWire(config.encap),
      fdb: config.fdb,
      hwStatsEnable: config.hwStats === undefined ? undefined : Number(config.hwStats),
      resGroup:
        type === "resilient"
          ? {
              buckets: config.buckets,
              idleTimer: hundredths(config.idleTimer),
              unbalancedTimer: hundredths(config.unbalancedTimer),
            }
          : undefined,
    },
  };
}

const TOLD = [
  ["onlink", RTNH_F.ONLINK],
  ["dead", RTNH_F.DEAD],
  ["linkdown", RTNH_F.LINKDOWN],
  ["offload", RTNH_F.OFFLOAD],
  ["trap", RTNH_F.TRAP],
] as const;

function resilience(wire: Out<typeof nhaResGroup>): object {
  const { buckets, idleTimer = 0, unbalancedTimer = 0, unbalancedTime = 0n } = wire;
  return {
    buckets,
    idleTimer: idleTimer / 100,
    unbalancedTimer: unbalancedTimer / 100,
    unbalancedTime: Number(unbalancedTime) / 100,
  };
}

/** A nexthop object in people's words. */
export function nexthopFromWire(
  { header, attrs }: MessageOut<typeof newnexthop>,
  names: ReadonlyMap<number, string>,
): NexthopObject {
  const found: Record<string, unknown> = { id: attrs.id };
  if (attrs.group !== undefined) {
    const counted = new Map(attrs.groupStats?.entry?.map((one) => [one.id, one]));
    found["group"] = attrs.group.map(({ id, weight, weightHigh }): KnownMember => {
      const { packets, packetsHw } = counted.get(id) ?? {};
      return {
        id,
        weight: weight + (weightHigh << 8) + 1,
        ...(packets !== undefined && { packets }),
        ...(packetsHw !== undefined && { packetsHw }),
      };
    });
    if (attrs.hwStatsEnable !== undefined) found["hwStats"] = attrs.hwStatsEnable !== 0;
    if (attrs.hwStatsUsed !== undefined) found["hwStatsUsed"] = attrs.hwStatsUsed !== 0;
    found["type"] = attrs.groupType === NEXTHOP_GRP_TYPE.RES ? "resilient" : "mpath";
    if (attrs.resGroup !== undefined) Object.assign(found, resilience(attrs.resGroup));
  } else found["family"] = header.family === AF_INET6 ? "inet6" : "inet";
  if (attrs.gateway !== undefined) found["via"] = attrs.gateway;
  if (attrs.oif !== undefined) found["dev"] = linkNamed(names, attrs.oif);
  if (attrs.blackhole === true) found["blackhole"] = true;
  if (attrs.fdb === true) found["fdb"] = true;
  if (attrs.encap !== undefined) found["encap"] = encapFromWire(attrs.encap);
  for (const [word, bit] of TOLD) if ((header.flags & bit) !== 0) found[word] = true;
  found["scope"] = scopes.wordOf(header.scope);
  found["protocol"] = protocols.wordOf(header.protocol);
  return found as unknown as NexthopObject;
}

/** A bucket in people's words. */
export function bucketFromWire({ attrs }: MessageOut<typeof newbucket>): NexthopBucket {
  const { index = 0, nhId = 0, idleTime = 0n } = attrs.resBucket ?? {};
  return { id: attrs.id ?? 0, index, nhid: nhId, idleTime: Number(idleTime) / 100 };
}
