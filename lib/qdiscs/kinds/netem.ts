/**
 * Source: include/uapi/linux/pkt_sched.h (struct tc_netem_*, TCA_NETEM_*, NETEM_LOSS_*), net/sched/sch_netem.c
 * (netem_policy, netem_change, netem_dump).
 */
import { boolean, integer, type Shape, seconds } from "../../shape/shape.ts";
import { array, at, attrs, padding, s16, s32, struct, u32, u64 } from "../../wire/index.ts";
import { fromNanoseconds, nanosecondsOf, secondsOf, ticksOf } from "../clock.ts";
import { distribution, type NetemDistribution, tableOf } from "../distribution.ts";
import { kind, prefixed } from "../kind.ts";
import { converted, custom, type Option, same, switched, unlessZero, valueAt, type Wire } from "../option.ts";
import { fractionOf, percent, percentOf } from "../percent.ts";
import { bitsOf, rate } from "../rate.ts";

const qopt = struct("tc_netem_qopt", { latency: u32, limit: u32, loss: u32, gap: u32, duplicate: u32, jitter: u32 });
const chance = struct("tc_netem_chance", { probability: u32, correlation: u32 });

/** The attributes after struct tc_netem_qopt. */
export const netemAttributes = attrs("TCA_NETEM", {
  corr: at(1, struct("tc_netem_corr", { delay: u32, loss: u32, duplicate: u32 })),
  /** Set and never dumped. */
  delayDist: at(2, array(s16)),
  reorder: at(3, chance),
  corrupt: at(4, chance),
  loss: at(
    5,
    attrs("NETEM_LOSS", {
      gi: at(1, struct("tc_netem_gimodel", { p13: u32, p31: u32, p32: u32, p14: u32, p23: u32 })),
      ge: at(2, struct("tc_netem_gemodel", { p: u32, r: u32, h: u32, k1: u32 })),
    }),
  ),
  rate: at(6, struct("tc_netem_rate", { rate: u32, packetOverhead: s32, cellSize: u32, cellOverhead: s32 })),
  ecn: at(7, u32),
  rate64: at(8, u64),
  pad: padding(9),
  latency64: at(10, u64),
  jitter64: at(11, u64),
  slot: at(
    12,
    struct("tc_netem_slot", {
      minDelay: u64,
      maxDelay: u64,
      maxPackets: s32,
      maxBytes: s32,
      distDelay: u64,
      distJitter: u64,
    }),
  ),
  slotDist: at(13, array(s16)),
  /** Linux 6.6 and later. */
  prngSeed: at(14, u64),
});

/** Four states of loss, each number the percent of packets at which one state turns into another. */
export interface NetemLossState {
  /** From no loss to a burst of losses. */
  readonly p13: number;
  /** From a burst of losses to no loss; default what `p13` leaves of 100. */
  readonly p31?: number;
  /** Within a burst of losses, to receiving; default 0. */
  readonly p32?: number;
  /** Within a burst of losses, from receiving; default 100. */
  readonly p23?: number;
  /** From no loss to the loss of a single packet; default 0. */
  readonly p14?: number;
}
/** The model of Gilbert and Elliott: a good and a bad state, in percent. */
export interface NetemLossGemodel {
  /** From good to bad. */
  readonly p: number;
  /** From bad to good; default what `p` leaves of 100. */
  readonly r?: number;
  /** Packets lost in the bad state; default 100. */
  readonly "1-h"?: number;
  /** Packets lost in the good state; default 0. */
  readonly "1-k"?: number;
}
/** Packets wait for the next slot: its length is between `min` and `max`, or follows a distribution. */
export interface NetemSlot {
  /** Seconds. */
  readonly min?: number;
  /** Seconds; default `min`. */
  readonly max?: number;
  /** Instead of `min` and `max`; default uniform. The kernel does not tell it. */
  readonly distribution?: NetemDistribution;
  /** Mean and spread of the distribution, in seconds. */
  readonly delay?: number;
  readonly jitter?: number;
  /** Most packets and bytes of one slot; default no limit. */
  readonly packets?: number;
  readonly bytes?: number;
}

const WHOLE = 100;
/** Nanoseconds that the kernel holds in 31 bits. */
const spread = seconds(2);
const delay = seconds(4_000_000);

function record<T>(
  expected: string,
  parts: Readonly<Record<string, Shape<unknown>>>,
  fits: (value: T) => boolean,
): Shape<T> {
  const properties = Object.fromEntries(Object.entries(parts).map(([key, { json }]) => [key, json]));
  return {
    expected,
    json: { type: "object", properties, additionalProperties: false },
    accepts(value): value is T {
      if (typeof value !== "object" || value === null) return false;
      const known = Object.entries(value).every(
        ([key, part]) => part === undefined || parts[key]?.accepts(part) === true,
      );
      return known && fits(value as T);
    },
  };
}
const lossState = record<NetemLossState>(
  "percents such as { p13: 1, p31: 20, p32: 0, p23: 100, p14: 0 }; p13 is needed",
  { p13: percent, p31: percent, p32: percent, p23: percent, p14: percent },
  ({ p13 }) => p13 !== undefined,
);
const lossGemodel = record<NetemLossGemodel>(
  'percents such as { p: 1, r: 20, "1-h": 100, "1-k": 0 }; p is needed',
  { p: percent, r: percent, "1-h": percent, "1-k": percent },
  ({ p }) => p !== undefined,
);
const count = integer(1, 0x7fff_ffff);
const slot = record<NetemSlot>(
  "{ min, max } or { distribution, delay, jitter } in seconds, with packets and bytes if these are limited",
  { min: delay, max: delay, distribution, delay, jitter: spread, packets: count, bytes: count },
  ({ min, max = min, distribution: by, delay: mean, jitter }) =>
    (by ?? mean ?? jitter) === undefined
      ? min !== undefined && (max as number) >= min
      : min === undefined && max === undefined && jitter !== undefined && jitter > 0,
);
const seed: Shape<number | bigint> = {
  expected: "a whole number from 0 to 2^64 - 1; a bigint where it is above 2^53",
  json: { type: "integer", minimum: 0 },
  accepts: (value): value is number | bigint =>
    typeof value === "bigint"
      ? value >= 0n && value <= 0xffff_ffff_ffff_ffffn
      : Number.isSafeInteger(value) && (value as number) >= 0,
};

function chanceAt(path: string): Option<number> {
  return converted<number, number>(path, percent, fractionOf, (value) => percentOf(value) || undefined);
}
/** A time as ticks for old kernels, and in nanoseconds. */
function time(ticks: string, nanoseconds: string, shape: Shape<number>): Option<number> {
  return custom<number>(
    [ticks, nanoseconds],
    shape,
    (value) => ({ [ticks]: ticksOf(value), [nanoseconds]: nanosecondsOf(value) }),
    (wire) => {
      const exact = wire[nanoseconds] as bigint | undefined;
      return (exact === undefined ? secondsOf(valueAt(wire, ticks) as number) : fromNanoseconds(exact)) || undefined;
    },
  );
}

function slotToWire({
  min = 0,
  max = min,
  distribution: by,
  delay: mean = 0,
  jitter = 0,
  packets,
  bytes,
}: NetemSlot): Wire {
  return {
    slot: {
      minDelay: nanosecondsOf(min),
      maxDelay: nanosecondsOf(max),
      maxPackets: packets ?? 0,
      maxBytes: bytes ?? 0,
      distDelay: nanosecondsOf(mean),
      distJitter: nanosecondsOf(jitter),
    },
    slotDist: by === undefined ? undefined : tableOf(by),
  };
}
const MOST = 0x7fff_ffff;
const limited = (value: number): number | undefined => (value === 0 || value === MOST ? undefined : value);
function slotFromWire(wire: Wire): NetemSlot | undefined {
  const told = wire["slot"] as
    | {
        minDelay: bigint;
        maxDelay: bigint;
        maxPackets: number;
        maxBytes: number;
        distDelay: bigint;
        distJitter: bigint;
      }
    | undefined;
  if (told === undefined) return undefined;
  const packets = limited(told.maxPackets);
  const bytes = limited(told.maxBytes);
  return {
    ...(told.distJitter === 0n
      ? { min: fromNanoseconds(told.minDelay), max: fromNanoseconds(told.maxDelay) }
      : { delay: fromNanoseconds(told.distDelay), jitter: fromNanoseconds(told.distJitter) }),
    ...(packets === undefined ? {} : { packets }),
    ...(bytes === undefined ? {} : { bytes }),
  };
}

type Numbers<K extends string> = Readonly<Record<K, number>>;
const NEEDS = [
  ["jitter", "delay"],
  ["delayCorrelation", "jitter"],
  ["distribution", "jitter"],
  ["lossCorrelation", "loss"],
  ["duplicateCorrelation", "duplicate"],
  ["corruptCorrelation", "corrupt"],
  ["reorder", "delay"],
  ["reorderCorrelation", "reorder"],
  ["gap", "reorder"],
  ["packetOverhead", "rate"],
  ["cellSize", "rate"],
  ["cellOverhead", "cellSize"],
] as const;

const options = {
  /** Packets that may wait, default 1000. At a high rate and a long delay it has to be larger. */
  limit: same("qopt.limit", integer(1, 0xffff_ffff, "packets")),
  /** Seconds that each packet is held. */
  delay: time("qopt.latency", "latency64", delay),
  /** Seconds that the delay of a packet differs from `delay` at most, or, with `distribution`, on the average; up to 2. */
  jitter: time("qopt.jitter", "jitter64", spread),
  /** Percent of a packet's jitter that is the one's before it. */
  delayCorrelation: chanceAt("corr.delay"),
  /** How the jitter is distributed; default uniform. The kernel does not tell it, and keeps it when netem is replaced by netem. */
  distribution: custom<NetemDistribution>(
    ["delayDist"],
    distribution,
    (value) => ({ delayDist: tableOf(value) }),
    () => undefined,
  ),
  /** Percent of packets that are lost, each by itself. */
  loss: chanceAt("qopt.loss"),
  lossCorrelation: chanceAt("corr.loss"),
  /** Instead of `loss`. */
  lossState: custom<NetemLossState>(
    ["loss.gi"],
    lossState,
    ({ p13, p31 = WHOLE - p13, p32 = 0, p23 = WHOLE, p14 = 0 }) => ({
      "loss.gi": {
        p13: fractionOf(p13),
        p31: fractionOf(p31),
        p32: fractionOf(p32),
        p23: fractionOf(p23),
        p14: fractionOf(p14),
      },
    }),
    (wire) => {
      const told = valueAt(wire, "loss.gi") as Numbers<"p13" | "p31" | "p32" | "p14" | "p23"> | undefined;
      if (told === undefined) return undefined;
      const { p13, p31, p32, p23, p14 } = told;
      return {
        p13: percentOf(p13),
        p31: percentOf(p31),
        p32: percentOf(p32),
        p23: percentOf(p23),
        p14: percentOf(p14),
      };
    },
  ),
  /** Instead of `loss`. */
  lossGemodel: custom<NetemLossGemodel>(
    ["loss.ge"],
    lossGemodel,
    ({ p, r = WHOLE - p, "1-h": bad = WHOLE, "1-k": good = 0 }) => ({
      // The kernel wants h, and 1-k.
      "loss.ge": { p: fractionOf(p), r: fractionOf(r), h: fractionOf(WHOLE - bad), k1: fractionOf(good) },
    }),
    (wire) => {
      const told = valueAt(wire, "loss.ge") as Numbers<"p" | "r" | "h" | "k1"> | undefined;
      if (told === undefined) return undefined;
      const { p, r, h, k1 } = told;
      return { p: percentOf(p), r: percentOf(r), "1-h": percentOf(0xffff_ffff - h), "1-k": percentOf(k1) };
    },
  ),
  /** Percent of packets that are sent twice. */
  duplicate: chanceAt("qopt.duplicate"),
  duplicateCorrelation: chanceAt("corr.duplicate"),
  /** Percent of packets in which one bit is turned over. */
  corrupt: chanceAt("corrupt.probability"),
  corruptCorrelation: chanceAt("corrupt.correlation"),
  /** Percent of packets that are sent at once, which needs a `delay` for the others. */
  reorder: chanceAt("reorder.probability"),
  reorderCorrelation: chanceAt("reorder.correlation"),
  /** Packets that have to be delayed before one may be sent at once; default 1. */
  gap: unlessZero("qopt.gap", integer(0, 0xffff_ffff, "packets")),
  /** Bits per second. */
  rate: custom<number>(
    ["rate.rate", "rate64"],
    rate,
    (bits) => {
      const bytes = bits / 8;
      const narrow = bytes < 2 ** 32;
      return { "rate.rate": narrow ? bytes : 2 ** 32 - 1, rate64: narrow ? undefined : BigInt(bytes) };
    },
    (wire) => bitsOf(wire["rate"] as never, wire["rate64"] as bigint | undefined),
  ),
  /** Bytes that each packet is taken to be longer, or with a negative number shorter, than it is. */
  packetOverhead: unlessZero("rate.packetOverhead", integer(-0x8000_0000, 0x7fff_ffff, "bytes")),
  /** Bytes of the cells that packets are cut into. */
  cellSize: unlessZero("rate.cellSize", integer(0, 0xffff_ffff, "bytes")),
  /** Bytes that each cell is taken to be longer than it is. */
  cellOverhead: unlessZero("rate.cellOverhead", integer(-0x8000_0000, 0x7fff_ffff, "bytes")),
  /** Whether packets are marked instead of lost, where their sender can be told so. */
  ecn: switched("ecn", boolean),
  slot: custom<NetemSlot>(["slot", "slotDist"], slot, slotToWire, slotFromWire),
  /** Where loss and corruption begin, so that they come out the same again; default random. Linux 6.6 and later. */
  seed: converted<number | bigint, bigint>("prngSeed", seed, BigInt, (value) => value),
};

/** A bad network: delay, loss, and more. */
export const netem = kind({
  kind: "netem",
  wire: prefixed("qopt", qopt, netemAttributes),
  options,
  whole: true,
  // What a new netem has. The kernel changes one that is there in place, and keeps what it is not told.
  base: {
    corr: { delay: 0, loss: 0, duplicate: 0 },
    reorder: { probability: 0, correlation: 0 },
    corrupt: { probability: 0, correlation: 0 },
    rate: { rate: 0, packetOverhead: 0, cellSize: 0, cellOverhead: 0 },
    ecn: 0,
    slot: { minDelay: 0n, maxDelay: 0n, maxPackets: 0, maxBytes: 0, distDelay: 0n, distJitter: 0n },
  },
  needs: NEEDS,
  exclusive: [["loss", "lossState", "lossGemodel"]],
  defaults: ({ reorder }) => ({ limit: 1000, ...(reorder ? { gap: 1 } : {}) }),
});
