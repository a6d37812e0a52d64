/** How neighbors are looked for and forgotten: the settings of their tables, in one network namespace. */
import {
  type ChangeRules,
  type Family,
  type LinkLookup,
  type Listing,
  linkNamed,
  listing,
} from "../families/lookup.ts";
import { AF_INET, AF_INET6 } from "../families/route.ts";
import { familyNumber, familyShape, matches, Service } from "../families/service.ts";
import { inTurns } from "../families/turns.ts";
import { check, InputError, integer, linkName, type Shape, type Shapes, seconds } from "../shape/shape.ts";
import type { CallOptions, Connection } from "../socket/index.ts";
import type { In, MessageIn, MessageOut, Out } from "../wire/index.ts";
import { getneightbl, type ndtpa, newneightbl, setneightbl } from "./table-schema.ts";

/** Settings of a device, or the defaults of new ones. Times in seconds, to a thousandth, which the kernel rounds to its clock. */
export interface NeighborTiming {
  /** Mean time that a neighbor which answered is taken to be there, default 30; half to one and a half of it is used. */
  readonly baseReachable?: number | undefined;
  /** Time between two questions, default 1. */
  readonly retrans?: number | undefined;
  /** Time after which an unused entry may be forgotten, default 60. */
  readonly gcStale?: number | undefined;
  /** Time that is waited for an answer of a higher layer before a stale neighbor is asked, default 5. */
  readonly delayProbe?: number | undefined;
  /** Time between two looks at `managed` neighbors, default 5. Linux 6.1 and later. */
  readonly intervalProbe?: number | undefined;
  /** Packets that may wait for a neighbor, each counted as one of the greatest size; another form of `queueBytes`. To be set up to 524287. */
  readonly queue?: number | undefined;
  /** Bytes of packets that may wait for a neighbor. */
  readonly queueBytes?: number | undefined;
  /** Questions to a daemon in user space, default 0. */
  readonly appProbes?: number | undefined;
  /** Questions to the address that is known, default 3. */
  readonly ucastProbes?: number | undefined;
  /** Questions to all, default 3. */
  readonly mcastProbes?: number | undefined;
  /** Questions to all after those to the address that was known, default 0. */
  readonly mcastReprobes?: number | undefined;
  /** Longest time until an answer for an anycast address, default 1. */
  readonly anycastDelay?: number | undefined;
  /** Longest time until an answer for another host, default 0.8. */
  readonly proxyDelay?: number | undefined;
  /** Questions about other hosts that may wait, default 64. */
  readonly proxyQueue?: number | undefined;
  /** IPv4: time in which a second answer changes nothing, default 1. */
  readonly locktime?: number | undefined;
}
/** Settings of a whole table, of all namespaces: they are changed in the first one only. */
export interface NeighborLimits {
  /** Entries up to which none is forgotten for want of room, default 128. */
  readonly thresh1?: number | undefined;
  /** Entries beyond which old ones are forgotten after five seconds, default 512. */
  readonly thresh2?: number | undefined;
  /** Most entries, default 1024. */
  readonly thresh3?: number | undefined;
  /** Seconds between two cleanings, default 30. */
  readonly gcInterval?: number | undefined;
}
/** A change of settings. What is absent stays as it is. */
export interface NeighborTableChange extends NeighborTiming, NeighborLimits {
  /** `inet`: ARP. `inet6`: neighbor discovery. */
  readonly family: Family;
  /** Name of the device. Default: the table, which takes no settings in another namespace than the host's first. */
  readonly dev?: string | undefined;
}
/** What a table has counted, in all namespaces. */
export interface NeighborTableStatistics {
  readonly allocs: bigint;
  readonly destroys: bigint;
  readonly hashGrows: bigint;
  /** Neighbors that did not answer. */
  readonly resFailed: bigint;
  readonly lookups: bigint;
  readonly hits: bigint;
  readonly rcvProbesMcast: bigint;
  readonly rcvProbesUcast: bigint;
  readonly periodicGcRuns: bigint;
  readonly forcedGcRuns: bigint;
  /** How often there was no room for an entry. */
  readonly tableFulls: bigint;
}
/** Settings as the kernel has them: of a device, or without `dev` those of the table. */
export interface NeighborTable extends NeighborTableChange {
  /** Seconds that a neighbor which answered is taken to be there now. */
  readonly reachable?: number;
  /** Neighbors now, of all namespaces; only of a table. */
  readonly entries?: number;
  /** Only of a table. */
  readonly statistics?: NeighborTableStatistics;
}
/** Which settings are meant. */
export interface NeighborTableFilter {
  readonly family?: Family | undefined;
  readonly dev?: string | undefined;
}

/** Milliseconds that the kernel takes, in seconds. */
const longest = seconds(2_147_483);
const SHORTEST = 0.001;
const time: Shape<number> = {
  expected: `${longest.expected}, none but 0 shorter than ${SHORTEST}`,
  json: { anyOf: [{ const: 0 }, { ...longest.json, minimum: SHORTEST }] },
  accepts: (value): value is number => longest.accepts(value) && (value === 0 || value >= SHORTEST),
};
const count = integer(0, 0x7fff_ffff);
/** The kernel counts each packet as up to 4096 bytes, and the bytes in 31 bits. */
const packets = integer(0, 0x7fff_ffff >> 12);
const TIMES = {
  baseReachable: "baseReachableTime",
  retrans: "retransTime",
  gcStale: "gcStaletime",
  delayProbe: "delayProbeTime",
  intervalProbe: "intervalProbeTimeMs",
  anycastDelay: "anycastDelay",
  proxyDelay: "proxyDelay",
  locktime: "locktime",
} as const;
const COUNTS = {
  queue: "queueLen",
  queueBytes: "queueLenbytes",
  appProbes: "appProbes",
  ucastProbes: "ucastProbes",
  mcastProbes: "mcastProbes",
  mcastReprobes: "mcastReprobes",
  proxyQueue: "proxyQlen",
} as const;
const LIMITS = ["thresh1", "thresh2", "thresh3"] as const;
type Word = keyof typeof TIMES | keyof typeof COUNTS;
const keys = <T extends object>(table: T): (keyof T & string)[] => Object.keys(table) as (keyof T & string)[];

const shapesOf = <T extends object, S>(table: T, shape: S): { readonly [K in keyof T]: S } =>
  Object.fromEntries(keys(table).map((key) => [key, shape])) as { readonly [K in keyof T]: S };
/** What each property of {@link NeighborTableChange} must look like. */
export const neighborTableShapes = {
  family: familyShape,
  dev: linkName,
  ...shapesOf(TIMES, time),
  ...shapesOf(COUNTS, count),
  queue: packets,
  thresh1: count,
  thresh2: count,
  thresh3: count,
  gcInterval: time,
} as const satisfies Shapes;

/** @throws {InputError} for the first property that is unknown, missing, does not fit, or contradicts another. */
export function checkNeighborTable(change: NeighborTableChange): void {
  check([], neighborTableShapes, change);
  if (change.family === undefined) throw new InputError(["family"], `missing; expected ${familyShape.expected}`);
  const whole = [...LIMITS, "gcInterval" as const].find((key) => change[key] !== undefined);
  if (whole !== undefined && change.dev !== undefined)
    throw new InputError([whole], "is of the whole table; leave out dev");
  if (change.queue !== undefined && change.queueBytes !== undefined)
    throw new InputError(["queueBytes"], "is another form of queue; leave one of them out");
}

const NAMES = { inet: "arp_cache", inet6: "ndisc_cache" } as const;
const milliseconds = (value: number | undefined): bigint | undefined =>
  value === undefined ? undefined : BigInt(Math.round(value * 1000));
const ofMilliseconds = (value: bigint | undefined): number | undefined =>
  value === undefined ? undefined : Number(value) / 1000;
const given = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as T;

type Wire = MessageIn<typeof setneightbl>;
/** The message for a checked change. */
export function neighborTableToWire(change: NeighborTableChange, indexOf: (name: string) => number): Wire {
  const { family, dev, thresh1, thresh2, thresh3, gcInterval } = change;
  const parms: In<typeof ndtpa> = given({
    ifindex: dev === undefined ? undefined : indexOf(dev),
    ...Object.fromEntries(keys(TIMES).map((key) => [TIMES[key], milliseconds(change[key])])),
    ...Object.fromEntries(keys(COUNTS).map((key) => [COUNTS[key], change[key]])),
  });
  const limits = given({ thresh1, thresh2, thresh3, gcInterval: milliseconds(gcInterval) });
  const attrs = { name: NAMES[family], ...limits, ...(Object.keys(parms).length > 0 && { parms }) };
  return { header: { family: familyNumber(family) }, attrs };
}

function timingOf(parms: Out<typeof ndtpa>): NeighborTiming {
  return Object.fromEntries([
    ...keys(TIMES).map((key) => [key, ofMilliseconds(parms[TIMES[key]])]),
    ...keys(COUNTS).map((key) => [key, parms[COUNTS[key]]]),
  ]) as { readonly [K in Word]?: number };
}
/** Settings in people's words; undefined for a message of another family. */
export function neighborTableFromWire(
  { header, attrs }: MessageOut<typeof newneightbl>,
  names: ReadonlyMap<number, string>,
): NeighborTable | undefined {
  if (header.family !== AF_INET && header.family !== AF_INET6) return undefined;
  const { thresh1, thresh2, thresh3, gcInterval, config, parms = {}, stats } = attrs;
  return given<NeighborTable>({
    family: header.family === AF_INET ? "inet" : "inet6",
    dev: parms.ifindex === undefined ? undefined : linkNamed(names, parms.ifindex),
    thresh1,
    thresh2,
    thresh3,
    gcInterval: ofMilliseconds(gcInterval),
    ...timingOf(parms),
    ...given({ reachable: ofMilliseconds(parms.reachableTime), entries: config?.entries, statistics: stats }),
  } as NeighborTable);
}

/** Each attribute by the word for it. */
const PROPERTIES = {
  ...Object.fromEntries([...keys(TIMES), ...keys(COUNTS)].map((key) => [`parms.${{ ...TIMES, ...COUNTS }[key]}`, key])),
  parms: "dev",
  "parms.ifindex": "dev",
  name: "family",
};
const OF_A_TABLE = "settings of a table are changed in the host's first namespace only; those of a device take dev";
const rules: ChangeRules<"update", NeighborTableChange, Wire> = {
  verbs: { update: { message: setneightbl, flags: 0 } },
  check: checkNeighborTable,
  devices: ({ dev }) => [dev],
  toWire: (change, _verb, indexOf) => neighborTableToWire(change, indexOf),
  told: ({ family, dev, ...settings }) => {
    const what = `cannot change neighbors of ${family}`;
    if (dev !== undefined)
      return { what: `${what} on ${dev}`, properties: PROPERTIES, blamed: { ENOENT: "dev", ENODEV: "dev" } };
    const [setting = "family"] = Object.keys(given(settings));
    return { what, properties: PROPERTIES, blamed: { ENOENT: setting }, reasons: { ENOENT: OF_A_TABLE } };
  },
};

/** Lists and changes settings of neighbors. The kernel sends no events of them; `host.sysctls` has them too, by their files. */
export class NeighborTables extends Service<"update", NeighborTableChange, Wire> {
  constructor(connection: Connection, links: LinkLookup) {
    super(connection, links, rules);
  }

  /** The tables, and the settings of each device, or those that the filter means. Same as: ip -s ntable show */
  async list(filter: NeighborTableFilter = {}, options?: CallOptions): Promise<Listing<NeighborTable>> {
    check([], { family: familyShape, dev: linkName }, filter, "filter");
    const header = { family: familyNumber(filter.family) };
    const { messages, consistent } = await this.connection.dump(getneightbl, { header }, newneightbl, options);
    const names = await this.links.names();
    const found = await inTurns(messages, (message) => {
      const one = neighborTableFromWire(message, names);
      return one !== undefined && matches(filter, one) ? one : undefined;
    });
    return listing(found, consistent);
  }

  /**
   * Changes settings of a device, or of a table. Same as: ip ntable change name NAME dev DEV base_reachable MSEC …
   * @throws {NetlinkError} `ENOENT` for a table in a namespace that is not the host's first: name `dev` there, where
   * the setting is one of devices.
   */
  update(change: NeighborTableChange, options?: CallOptions): Promise<void> {
    return this.changes.make("update", change, options);
  }
}
