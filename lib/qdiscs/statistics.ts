/**
 * Counters of qdiscs, classes and actions.
 *
 * Source: include/uapi/linux/gen_stats.h (TCA_STATS_*, struct gnet_stats_*), net/core/gen_stats.c.
 */
import { type AttrsOut, at, attrs, bytes, type Codec, padding, Reader, struct, u32, u64 } from "../wire/index.ts";

const basic = struct("gnet_stats_basic", { bytes: u64, packets: u32, _pad: u32 });
const queue = struct("gnet_stats_queue", { qlen: u32, backlog: u32, drops: u32, requeues: u32, overlimits: u32 });

/** TCA_STATS2 of a qdisc or class, TCA_ACT_STATS of an action. */
export const stats = attrs("TCA_STATS", {
  basic: at(1, basic),
  rateEst: at(2, struct("gnet_stats_rate_est", { bps: u32, pps: u32 })),
  queue: at(3, queue),
  /** Counters of the kind's own, whose form the kind gives. */
  app: at(4, bytes),
  rateEst64: at(5, struct("gnet_stats_rate_est64", { bps: u64, pps: u64 })),
  pad: padding(6),
  /** What hardware did of {@link basic}. */
  basicHw: at(7, basic),
  /** All of the packets, where 32 bits do not hold them. */
  pkt64: at(8, u64),
});

/** Counters since the object exists. Exact up to 2^53. */
export interface QdiscCounters {
  /** Bytes and packets that were sent, or that came to an action. */
  readonly bytes: number;
  readonly packets: number;
  readonly drops: number;
  /** Times that a packet had to wait for its rate, or was above it. */
  readonly overlimits: number;
  /** Packets that the device gave back. */
  readonly requeues: number;
  /** Bytes that wait now. */
  readonly backlog: number;
  /** Packets that wait now. */
  readonly qlen: number;
  /** Bits and packets per second, where the kernel was told to estimate them. */
  readonly rate?: number;
  readonly packetRate?: number;
}
/** Counters, and in `app` those of the kind's own. */
export interface QdiscStatistics<A = Readonly<Record<string, number>>> extends QdiscCounters {
  readonly app?: A;
}

/** A kind's own counters as numbers; undefined where this form is not known. */
function ownCounters(codec: Codec<never, object> | undefined, app: Uint8Array): Record<string, number> | undefined {
  // A kernel of another age has a struct of another length: read what both know.
  if (codec === undefined || !("size" in codec) || app.length < (codec.size as number)) return undefined;
  const told = codec.read(new Reader(new Uint8Array(app)), 0, app.length);
  return Object.fromEntries(Object.entries(told).map(([key, value]) => [key, Number(value)]));
}

/** Counters in people's words. */
export function statisticsOf(
  wire: AttrsOut<typeof stats.fields> | undefined,
  own?: Codec<never, object>,
): QdiscStatistics | undefined {
  if (wire?.basic === undefined) return undefined;
  const { qlen = 0, backlog = 0, drops = 0, requeues = 0, overlimits = 0 } = wire.queue ?? {};
  const estimate = wire.rateEst64 ?? wire.rateEst;
  const app = wire.app && ownCounters(own, wire.app);
  return {
    bytes: Number(wire.basic.bytes),
    packets: Number(wire.pkt64 ?? wire.basic.packets),
    drops,
    overlimits,
    requeues,
    backlog,
    qlen,
    ...(estimate === undefined ? {} : { rate: Number(estimate.bps) * 8, packetRate: Number(estimate.pps) }),
    ...(app === undefined ? {} : { app }),
  };
}
