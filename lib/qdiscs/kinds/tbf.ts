/** Source: include/uapi/linux/pkt_sched.h (struct tc_tbf_qopt, TCA_TBF_*), net/sched/sch_tbf.c (tbf_policy, tbf_change, tbf_dump). */
import { choice, integer } from "../../shape/shape.ts";
import { at, attrs, bytes, padding, struct, u32, u64 } from "../../wire/index.ts";
import { kind } from "../kind.ts";
import { custom, type Option, same, valueAt, type Wire } from "../option.ts";
import { bitsOf, burstBytes, burstTicks, type Linklayer, linklayerOf, rated, ratespec, specWord } from "../rate.ts";

const size = integer(1, 0xffff_ffff, "bytes");

/** Bytes, carried as the ticks that they take at a rate, and as they are where the kernel is new enough. */
function burst(ticks: string, rate: string, rate64: string, exact: string, word: string): Option<number> {
  return custom(
    [ticks, exact],
    size,
    (value, { values }) => ({ [ticks]: burstTicks(value, values[word] as number), [exact]: value }),
    (wire: Wire) => {
      const bits = bitsOf(valueAt(wire, rate) as never, wire[rate64] as bigint | undefined);
      return bits === undefined ? undefined : burstBytes(valueAt(wire, ticks) as number, bits);
    },
  );
}

/** Token bucket: packets wait until the rate lets them go. */
export const tbf = kind({
  kind: "tbf",
  wire: attrs("TCA_TBF", {
    parms: at(1, struct("tc_tbf_qopt", { rate: ratespec, peakrate: ratespec, limit: u32, buffer: u32, mtu: u32 })),
    rtab: at(2, bytes),
    ptab: at(3, bytes),
    rate64: at(4, u64),
    prate64: at(5, u64),
    burst: at(6, u32),
    pburst: at(7, u32),
    pad: padding(8),
  }),
  options: {
    /** Bits per second. */
    rate: rated("parms.rate", "rate64"),
    /** Bytes that may go at once; at least one packet of the link. */
    burst: burst("parms.buffer", "parms.rate", "rate64", "burst", "rate"),
    /** Bytes that may wait. */
    limit: same("parms.limit", size),
    /** Bits per second at which the burst goes, above `rate`; default as fast as the link can. Needs `mtu`. */
    peakrate: rated("parms.peakrate", "prate64"),
    /** Bytes of the largest packet at `peakrate`. */
    mtu: burst("parms.mtu", "parms.peakrate", "prate64", "pburst", "peakrate"),
    /** Bytes that each packet is taken to be longer than it is. */
    overhead: specWord("parms.rate", integer(0, 0xffff, "bytes"), ({ overhead }) => overhead || undefined),
    /** Bytes that a packet is taken to have at least. */
    mpu: specWord("parms.rate", integer(0, 0xffff, "bytes"), ({ mpu }) => mpu || undefined),
    /** How the bytes of a packet are counted: `atm` in cells of 53. Default ethernet. */
    linklayer: specWord<Linklayer>("parms.rate", choice("ethernet", "atm"), linklayerOf),
  },
  whole: true,
  needed: ["rate", "burst", "limit"],
  check({ peakrate, mtu, rate = 0 }) {
    if (peakrate === undefined) return mtu === undefined ? undefined : { key: "mtu", reason: "needs peakrate" };
    if (mtu === undefined) return { key: "mtu", reason: "missing; peakrate needs it" };
    return peakrate > rate ? undefined : { key: "peakrate", reason: `expected more than the rate, ${rate}` };
  },
});
