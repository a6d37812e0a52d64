/** Source: include/uapi/linux/pkt_cls.h (struct tc_police, TCA_POLICE_*), net/sched/act_police.c (police_policy, tcf_police_init, tcf_police_dump). */
import { choice, integer } from "../../shape/shape.ts";
import { array, at, attrs, bytes, padding, s32, struct, u32, u64 } from "../../wire/index.ts";
import { TICK_NS } from "../clock.ts";
import { control, controlNumber, controlOf, type TcControl } from "../control.ts";
import { kind } from "../kind.ts";
import { converted, custom, unlessZero, valueAt } from "../option.ts";
import {
  bitsOf,
  burstBytes,
  burstTicks,
  type Linklayer,
  linklayerOf,
  rate,
  rated,
  ratespec,
  rateTable,
  type specOf,
  specWord,
} from "../rate.ts";

const NS = 1e9;
/** Rounded up: so many fit. */
const packetTicks = (packets: number, perSecond: number): number => Math.ceil((packets * NS) / perSecond / TICK_NS);

/** Limits the rate of what a filter matches. */
export const police = kind({
  kind: "police",
  wire: attrs("TCA_POLICE", {
    tbf: at(
      1,
      struct("tc_police", {
        index: u32,
        action: s32,
        limit: u32,
        burst: u32,
        mtu: u32,
        rate: ratespec,
        peakrate: ratespec,
        refcnt: s32,
        bindcnt: s32,
        capab: u32,
      }),
    ),
    rate: at(2, array(u32)),
    peakrate: at(3, array(u32)),
    avrate: at(4, u32),
    /** What becomes of packets within the rate. */
    result: at(5, s32),
    tm: at(6, bytes),
    pad: padding(7),
    rate64: at(8, u64),
    peakrate64: at(9, u64),
    pktrate64: at(10, u64),
    pktburst64: at(11, u64),
  }),
  options: {
    /** Bits per second. */
    rate: custom<number>(
      ["tbf.rate", "rate", "rate64"],
      rate,
      (bits, context) => {
        const { cellLog, table } = rateTable(bits);
        const { "tbf.rate": spec, rate64 } = rated("tbf.rate", "rate64").write(bits, context);
        return { "tbf.rate": { ...(spec as ReturnType<typeof specOf>), cellLog }, rate64, rate: table };
      },
      (wire) => bitsOf(valueAt(wire, "tbf.rate") as never, wire["rate64"] as bigint | undefined),
    ),
    /** Bytes that may come at once. */
    burst: custom<number>(
      ["tbf.burst"],
      integer(1, 0xffff_ffff, "bytes"),
      (value, { values }) => ({ "tbf.burst": burstTicks(value, values["rate"] as number) }),
      (wire) => {
        const bits = bitsOf(valueAt(wire, "tbf.rate") as never, wire["rate64"] as bigint | undefined);
        return bits === undefined ? undefined : burstBytes(valueAt(wire, "tbf.burst") as number, bits);
      },
    ),
    /** Bytes of the largest packet; larger ones are above the rate. Default 2040. */
    mtu: unlessZero("tbf.mtu", integer(0, 0xffff_ffff, "bytes")),
    overhead: specWord("tbf.rate", integer(0, 0xffff, "bytes"), ({ overhead }) => overhead || undefined),
    mpu: specWord("tbf.rate", integer(0, 0xffff, "bytes"), ({ mpu }) => mpu || undefined),
    linklayer: specWord<Linklayer>("tbf.rate", choice("ethernet", "atm"), linklayerOf),
    /** Packets per second, instead of `rate`. Linux 5.13 and later. */
    packetRate: converted<number, bigint>("pktrate64", integer(1, Number.MAX_SAFE_INTEGER), BigInt, Number),
    /**
     * Packets that may come at once; on the wire the ticks that they take at `packetRate`. Above some 7.8 million packets
     * a second a tick is more than half a packet, and one more may be read back.
     */
    packetBurst: custom<number>(
      ["pktburst64"],
      integer(1, 0xffff_ffff),
      (value, { values }) => ({ pktburst64: BigInt(packetTicks(value, values["packetRate"] as number)) }),
      (wire) => {
        const [rate64, ticks] = [wire["pktrate64"], wire["pktburst64"]] as readonly (bigint | undefined)[];
        if (rate64 === undefined || ticks === undefined) return undefined;
        return Math.round((Number(ticks) * TICK_NS * Number(rate64)) / NS);
      },
    ),
    /** What becomes of packets above the rate; default reclassify. */
    exceed: converted<TcControl, number>("tbf.action", control, controlNumber, controlOf),
    /** What becomes of packets within the rate; default pass. */
    conform: converted<TcControl, number>("result", control, controlNumber, controlOf),
  },
  defaults: (): { exceed: TcControl } => ({ exceed: "reclassify" }),
  exclusive: [["rate", "packetRate"]],
  check({ rate: bits, burst, packetRate, packetBurst }) {
    if (bits === undefined && packetRate === undefined) return { key: "rate", reason: "missing; or packetRate" };
    if ((bits === undefined) !== (burst === undefined))
      return { key: burst === undefined ? "burst" : "rate", reason: "missing; rate and burst go together" };
    if ((packetRate === undefined) !== (packetBurst === undefined))
      return { key: packetBurst === undefined ? "packetBurst" : "packetRate", reason: "missing; both go together" };
    return undefined;
  },
});
