/** What a route tells the transport protocols, in people's words and units. Source: include/uapi/linux/rtnetlink.h (RTAX_*). */
import { boolean, choice, integer, list, type Shapes, seconds, text } from "../shape/shape.ts";
import type { In, Out } from "../wire/index.ts";
import type { rtax } from "./schema.ts";

/** Properties that can be locked: what the network says does not change them. */
export type Lockable = keyof typeof SCALED | "congctl";

/** Properties of a route that tell the transport protocols how to behave. */
export interface RouteMetrics {
  /** Bytes of the largest packet. */
  readonly mtu?: number | undefined;
  /** Bytes of the largest TCP segment that is advertised. */
  readonly advmss?: number | undefined;
  /** Bytes of the largest TCP window that is advertised. */
  readonly window?: number | undefined;
  /** First guess of the round-trip time, seconds. */
  readonly rtt?: number | undefined;
  readonly rttvar?: number | undefined;
  /** Shortest TCP retransmission timeout, seconds. */
  readonly rtoMin?: number | undefined;
  /** Packets. */
  readonly ssthresh?: number | undefined;
  readonly cwnd?: number | undefined;
  readonly initcwnd?: number | undefined;
  readonly initrwnd?: number | undefined;
  readonly reordering?: number | undefined;
  readonly hoplimit?: number | undefined;
  /** Bits RTAX_FEATURE_*; 1 is ECN. */
  readonly features?: number | undefined;
  readonly quickack?: boolean | undefined;
  readonly fastopenNoCookie?: boolean | undefined;
  /** Congestion control algorithm: `bbr`. */
  readonly congctl?: string | undefined;
  /** What the network must not change: `["mtu"]` keeps a path MTU that is learned from lowering `mtu`. */
  readonly lock?: readonly Lockable[] | undefined;
}

const SCALED = {
  mtu: { bit: 2, scale: 1 },
  window: { bit: 3, scale: 1 },
  rtt: { bit: 4, scale: 8000 },
  rttvar: { bit: 5, scale: 4000 },
  ssthresh: { bit: 6, scale: 1 },
  cwnd: { bit: 7, scale: 1 },
  advmss: { bit: 8, scale: 1 },
  reordering: { bit: 9, scale: 1 },
  hoplimit: { bit: 10, scale: 1 },
  initcwnd: { bit: 11, scale: 1 },
  features: { bit: 12, scale: 1 },
  rtoMin: { bit: 13, scale: 1000 },
  initrwnd: { bit: 14, scale: 1 },
} as const;
type Scaled = keyof typeof SCALED;
const scaled = Object.keys(SCALED) as Scaled[];
const LOCK_BITS: Readonly<Record<Lockable, number>> = {
  ...(Object.fromEntries(scaled.map((key) => [key, SCALED[key].bit])) as Record<Scaled, number>),
  congctl: 16,
};
const SWITCHED = ["quickack", "fastopenNoCookie"] as const;

const packets = integer(0, 0xffff_ffff);
/** What each property must look like. */
export const metricShapes = {
  mtu: integer(0, 0xffff_ffff, "bytes"),
  advmss: integer(0, 0xffff_ffff, "bytes"),
  window: integer(0, 0xffff_ffff, "bytes"),
  rtt: seconds(500_000),
  rttvar: seconds(1_000_000),
  rtoMin: seconds(4_000_000),
  ssthresh: packets,
  cwnd: packets,
  initcwnd: packets,
  initrwnd: packets,
  reordering: packets,
  hoplimit: integer(0, 255),
  features: packets,
  quickack: boolean,
  fastopenNoCookie: boolean,
  congctl: text(15),
  lock: list(choice(...(Object.keys(LOCK_BITS) as Lockable[]))),
} as const satisfies Shapes;

/** The caller's property for each attribute. */
export const METRIC_PROPERTIES: Readonly<Record<string, string>> = {
  ...Object.fromEntries([...scaled, ...SWITCHED, "lock"].map((key) => [`metrics.${key}`, key])),
  "metrics.ccAlgo": "congctl",
};

/** RTA_METRICS, or undefined where no such property is given. */
export function metricsToWire(config: RouteMetrics): In<typeof rtax> | undefined {
  if (!hasMetrics(config)) return undefined;
  const wire: { -readonly [K in keyof typeof rtax.fields]?: In<typeof rtax>[K] } = {};
  for (const key of scaled) {
    const value = config[key];
    if (value !== undefined) wire[key] = Math.round(value * SCALED[key].scale);
  }
  for (const key of SWITCHED) {
    const value = config[key];
    if (value !== undefined) wire[key] = value ? 1 : 0;
  }
  if (config.congctl !== undefined) wire.ccAlgo = config.congctl;
  if (config.lock !== undefined && config.lock.length > 0)
    wire.lock = config.lock.reduce((bits, key) => bits | (1 << LOCK_BITS[key]), 0);
  return Object.keys(wire).length > 0 ? wire : undefined;
}
/** Few routes have any, and few properties are looked at sooner than all that there might be. */
function hasMetrics(config: object): boolean {
  for (const key in config) if (Object.hasOwn(metricShapes, key)) return true;
  return false;
}

/** Adds the properties that RTA_METRICS tells to a route. */
export function metricsFromWire(wire: Out<typeof rtax>, into: Record<string, unknown>): void {
  for (const key of scaled) {
    const value = wire[key];
    if (value !== undefined) into[key] = value / SCALED[key].scale;
  }
  for (const key of SWITCHED) if (wire[key] !== undefined) into[key] = wire[key] !== 0;
  if (wire.ccAlgo !== undefined) into["congctl"] = wire.ccAlgo;
  const { lock } = wire;
  if (lock !== undefined && lock !== 0)
    into["lock"] = (Object.keys(LOCK_BITS) as Lockable[]).filter((key) => (lock & (1 << LOCK_BITS[key])) !== 0);
}
