/**
 * Source: include/uapi/linux/pkt_sched.h (TCA_FQ_*, struct tc_fq_qd_stats), net/sched/sch_fq.c (fq_policy, fq_change,
 * fq_dump, fq_dump_stats).
 */
import { boolean, integer, list, type Shape, seconds } from "../../shape/shape.ts";
import { array, at, attrs, s32, struct, u8, u32, u64 } from "../../wire/index.ts";
import { fromMicroseconds, microsecondsOf } from "../clock.ts";
import { kind } from "../kind.ts";
import { converted, custom, type Option, same, switched } from "../option.ts";
import { type PrioQopt, prioQopt } from "./prio.ts";

const NEVER = 0xffff_ffff;
const number = integer(0, 0xffff_ffff);
const size = integer(1, 0x7fff_ffff, "bytes");
function microseconds(path: string): Option<number> {
  return converted(path, seconds(4000), microsecondsOf, (value) =>
    value === NEVER ? undefined : fromMicroseconds(value),
  );
}
/** Rates that 32 bits hold; the highest number stands for no limit. */
const slow: Shape<number> = {
  expected: "bits per second: a multiple of 8 from 8 to 34359738352",
  json: { type: "integer", minimum: 8, maximum: (NEVER - 1) * 8, multipleOf: 8 },
  accepts: (value): value is number => integer(1, NEVER - 1).accepts((value as number) / 8),
};
function bits(path: string): Option<number> {
  return converted<number, number>(
    path,
    slow,
    (value) => value / 8,
    (value) => (value === NEVER || value === 0 ? undefined : value * 8),
  );
}
const BANDS = 3;
const bands: Shape<readonly number[]> = {
  ...list(integer(0, BANDS - 1)),
  expected: "16 bands from 0 to 2, one for each priority",
  accepts: (value): value is readonly number[] => list(integer(0, BANDS - 1)).accepts(value) && value.length === 16,
};
const weights: Shape<readonly number[]> = {
  ...list(integer(16_384, 0x7fff_ffff)),
  expected: "3 weights of 16384 and more",
  accepts: (value): value is readonly number[] =>
    list(integer(16_384, 0x7fff_ffff)).accepts(value) && value.length === 3,
};

/** Fair queuing by sockets, with pacing. */
export const fq = kind({
  kind: "fq",
  wire: attrs("TCA_FQ", {
    plimit: at(1, u32),
    flowPlimit: at(2, u32),
    quantum: at(3, u32),
    initialQuantum: at(4, u32),
    rateEnable: at(5, u32),
    flowDefaultRate: at(6, u32),
    flowMaxRate: at(7, u32),
    bucketsLog: at(8, u32),
    flowRefillDelay: at(9, u32),
    orphanMask: at(10, u32),
    lowRateThreshold: at(11, u32),
    ceThreshold: at(12, u32),
    timerSlack: at(13, u32),
    horizon: at(14, u32),
    horizonDrop: at(15, u8),
    priomap: at(16, prioQopt),
    weights: at(17, array(s32)),
    offloadHorizon: at(18, u32),
  }),
  options: {
    /** Packets that may wait, default 10000. */
    limit: same("plimit", number),
    /** Packets of one flow that may wait, default 100. */
    flowLimit: same("flowPlimit", number),
    /** Bytes that a flow may send in its turn; default two packets of the link. */
    quantum: same("quantum", size),
    /** Bytes that a new flow may send at first; default ten packets of the link. */
    initialQuantum: same("initialQuantum", size),
    /** Whether senders are held to their pace. Default true. */
    pacing: switched("rateEnable", boolean),
    /** Bits per second of one flow at most; default no limit. */
    maxrate: bits("flowMaxRate"),
    /** Number of buckets, a power of two from 1 to 262144, default 1024. */
    buckets: converted<number, number>(
      "bucketsLog",
      {
        expected: "a power of two from 2 to 262144",
        json: { type: "integer", minimum: 2, maximum: 262_144 },
        accepts: (value): value is number => integer(2, 262_144).accepts(value) && Number.isInteger(Math.log2(value)),
      },
      Math.log2,
      (value) => 2 ** value,
    ),
    /** Seconds after which an idle flow is like a new one, default 0.04. */
    refillDelay: microseconds("flowRefillDelay"),
    /** Mask of the hash of packets without a socket, default 1023. */
    orphanMask: same("orphanMask", number),
    /** Bits per second below which a flow is held to its pace packet by packet, default 550000. */
    lowRateThreshold: bits("lowRateThreshold"),
    /** Seconds of delay above which packets are marked; default never. */
    ceThreshold: microseconds("ceThreshold"),
    /** Seconds that the timer may be late, default 0.00001. */
    timerSlack: converted<number, number>(
      "timerSlack",
      seconds(4),
      (value) => Math.round(value * 1e9),
      (value) => value / 1e9,
    ),
    /** Seconds that a packet may be due in the future, default 10. */
    horizon: microseconds("horizon"),
    /** Whether packets beyond the horizon are dropped, or sent at its end. Default true. */
    horizonDrop: switched("horizonDrop", boolean),
    /** Band of each of 16 priorities. Linux 6.7 and later. */
    priomap: custom<readonly number[]>(
      ["priomap"],
      bands,
      (value) => ({ priomap: { bands: BANDS, priomap: value } }),
      (wire) => (wire["priomap"] as PrioQopt | undefined)?.priomap,
    ),
    /** Weights of the three bands. Linux 6.7 and later. */
    weights: same("weights", weights),
    /** Seconds that the device itself can hold packets. Linux 6.13 and later. */
    offloadHorizon: microseconds("offloadHorizon"),
  },
  counters: struct("tc_fq_qd_stats", {
    gcFlows: u64,
    highprioPackets: u64,
    _tcpRetrans: u64,
    throttled: u64,
    flowsPlimit: u64,
    packetsTooLong: u64,
    allocationErrors: u64,
    _timeNextDelayedFlow: u64,
    flows: u32,
    inactiveFlows: u32,
    throttledFlows: u32,
    unthrottleLatencyNs: u32,
  }),
});
