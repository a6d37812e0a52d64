/**
 * Source: include/uapi/linux/pkt_sched.h (struct tc_htb_*, TCA_HTB_*), net/sched/sch_htb.c (htb_policy, htb_init,
 * htb_change_class, htb_dump, htb_dump_class).
 */
import { boolean, choice, integer } from "../../shape/shape.ts";
import { at, attrs, bytes, flag, padding, s32, struct, u32, u64 } from "../../wire/index.ts";
import { kind } from "../kind.ts";
import { converted, custom, type Option, same, status, unlessZero, valueAt, type Wire } from "../option.ts";
import { bitsOf, burstBytes, burstTicks, type Linklayer, linklayerOf, rated, ratespec, specWord } from "../rate.ts";

const wire = attrs("TCA_HTB", {
  parms: at(
    1,
    struct("tc_htb_opt", {
      rate: ratespec,
      ceil: ratespec,
      buffer: u32,
      cbuffer: u32,
      quantum: u32,
      level: u32,
      prio: u32,
    }),
  ),
  init: at(2, struct("tc_htb_glob", { version: u32, rate2quantum: u32, defcls: u32, debug: u32, directPkts: u32 })),
  ctab: at(3, bytes),
  rtab: at(4, bytes),
  directQlen: at(5, u32),
  rate64: at(6, u64),
  ceil64: at(7, u64),
  pad: padding(8),
  offload: flag(9),
});

/** The one version of this protocol that there is. */
const VERSION = 3;
const RATE2QUANTUM = 10;
const minor = integer(0, 0xffff);

/** Hierarchical token buckets: classes that share a link, each with a rate of its own. */
export const htb = kind({
  kind: "htb",
  wire,
  options: {
    /** Minor number of the class for packets that no filter sends anywhere; default 0: unshaped. 0x10 for `1:10`. */
    default: same("init.defcls", minor),
    /** What a class's rate is divided by to get its quantum, where it has none of its own. Default 10. */
    r2q: same("init.rate2quantum", integer(1, 0xffff_ffff)),
    /** Packets that may wait unshaped; default the link's `txqlen`. */
    directQlen: same("directQlen", integer(0, 0xffff_ffff, "packets")),
    /** Whether hardware does the work. */
    offload: custom<boolean>(
      ["offload"],
      boolean,
      (value) => ({ offload: value }),
      (told) => told["offload"] as boolean | undefined,
    ),
    /** Packets that were sent unshaped. */
    directPackets: status("init.directPkts", (value: number) => value),
  },
  base: { init: { version: VERSION, rate2quantum: RATE2QUANTUM } },
});

/** Bytes as the ticks that they take at the rate of the same class. */
function burst(ticks: string, rate: string, rate64: string, word: "rate" | "ceil"): Option<number> {
  return custom(
    [ticks],
    integer(1, 0xffff_ffff, "bytes"),
    (value, { values }) => ({ [ticks]: burstTicks(value, (values[word] ?? values["rate"]) as number) }),
    (told: Wire) => {
      const bits = bitsOf(valueAt(told, rate) as never, told[rate64] as bigint | undefined);
      return bits === undefined ? undefined : burstBytes(valueAt(told, ticks) as number, bits);
    },
  );
}
/** What leaves in one tick of a clock of 1000 Hz, and one packet: enough to reach the rate. */
const enough = (bits: number): number => Math.ceil(bits / 8 / 1000) + 1600;

/** A class of {@link htb}. */
export const htbClass = kind({
  kind: "htb",
  wire,
  options: {
    /** Bits per second that the class has for certain. */
    rate: rated("parms.rate", "rate64"),
    /** Bits per second that it may have when others do not use theirs; default `rate`. */
    ceil: rated("parms.ceil", "ceil64"),
    /** Bytes that may go at once at `ceil`; default what goes in a millisecond at `rate`, and 1600. */
    burst: burst("parms.buffer", "parms.rate", "rate64", "rate"),
    /** Bytes that may go at once, as fast as the link can; default what goes in a millisecond at `ceil`, and 1600. */
    cburst: burst("parms.cbuffer", "parms.ceil", "ceil64", "ceil"),
    /** 0 to 7; of classes that want more than their rate, lower ones are served first. Default 0. */
    prio: converted<number, number>(
      "parms.prio",
      integer(0, 7),
      (value) => value,
      (value) => value,
    ),
    /** Bytes that are served in one turn; default the rate divided by the qdisc's `r2q`. */
    quantum: unlessZero("parms.quantum", integer(1, 0xffff_ffff, "bytes")),
    overhead: specWord("parms.rate", integer(0, 0xffff, "bytes"), ({ overhead }) => overhead || undefined),
    mpu: specWord("parms.rate", integer(0, 0xffff, "bytes"), ({ mpu }) => mpu || undefined),
    linklayer: specWord<Linklayer>("parms.rate", choice("ethernet", "atm"), linklayerOf),
    /** 0 for a class without classes below it. */
    level: status("parms.level", (value: number) => value),
  },
  whole: true,
  needed: ["rate"],
  defaults: ({ rate = 0, ceil = rate }) => ({ ceil, burst: enough(rate), cburst: enough(ceil) }),
  check: ({ rate = 0, ceil = rate }) =>
    ceil < rate ? { key: "ceil", reason: `expected no less than the rate, ${rate}` } : undefined,
  counters: struct("tc_htb_xstats", { lends: u32, borrows: u32, giants: u32, tokens: s32, ctokens: s32 }),
});
