/**
 * Rates: bits per second to people, bytes per second on the wire, in 64 bits where 32 do not hold them.
 *
 * Source: include/uapi/linux/pkt_sched.h (struct tc_ratespec, TC_LINKLAYER_*, TC_RTAB_SIZE), net/sched/sch_generic.c
 * (psched_ratecfg_precompute), net/sched/sch_api.c (qdisc_get_rtab: what a rate table has to look like).
 */
import type { Shape } from "../shape/shape.ts";
import { s16, struct, u8, u16, u32 } from "../wire/index.ts";
import { TICK_NS } from "./clock.ts";
import { type Context, custom, type Option, valueAt } from "./option.ts";

export const ratespec = struct("tc_ratespec", {
  cellLog: u8,
  linklayer: u8,
  overhead: u16,
  cellAlign: s16,
  mpu: u16,
  rate: u32,
});
type Ratespec = Readonly<Record<"cellLog" | "linklayer" | "overhead" | "cellAlign" | "mpu" | "rate", number>>;

const MOST = 0xffff_ffff;
const FASTEST = Number.MAX_SAFE_INTEGER - 7;
/** With it the kernel needs no rate table to find out how packets are counted. */
const LINKLAYER = { ethernet: 1, atm: 2 } as const;
export type Linklayer = keyof typeof LINKLAYER;

/** Bits per second. */
export const rate: Shape<number> = {
  expected: `bits per second: a whole number from 8 to ${FASTEST}, a multiple of 8 as the kernel counts bytes`,
  json: { type: "integer", minimum: 8, maximum: FASTEST, multipleOf: 8 },
  accepts: (value): value is number =>
    Number.isSafeInteger(value) &&
    (value as number) >= 8 &&
    (value as number) <= FASTEST &&
    (value as number) % 8 === 0,
};

/** What stands in a ratespec: the rate, or the most that 32 bits hold. */
const narrow = (bits: number): number => Math.min(bits / 8, MOST);
/** What stands beside it: the rate, where 32 bits do not hold it. */
const wide = (bits: number): bigint | undefined => (bits / 8 >= MOST ? BigInt(bits / 8) : undefined);

/** The ratespec of a rate, and the other words that go into it. */
export function specOf(bits: number, values: Context["values"] = {}): Ratespec {
  const {
    linklayer = "ethernet",
    overhead = 0,
    mpu = 0,
  } = values as {
    readonly linklayer?: Linklayer;
    readonly overhead?: number;
    readonly mpu?: number;
  };
  return { cellLog: 0, linklayer: LINKLAYER[linklayer], overhead, cellAlign: -1, mpu, rate: narrow(bits) };
}
/** Bits per second; undefined where there is no rate. */
export function bitsOf(spec: Ratespec | undefined, rate64: bigint | undefined): number | undefined {
  const bytes = rate64 === undefined ? (spec?.rate ?? 0) : Number(rate64);
  return bytes === 0 ? undefined : bytes * 8;
}

/** A rate in a ratespec at `path`, with its 64-bit form in the attribute `key64`. */
export function rated(path: string, key64: string): Option<number> {
  return custom(
    [path, key64],
    rate,
    (bits, { values }) => ({ [path]: specOf(bits, values), [key64]: wide(bits) }),
    (wire) => bitsOf(valueAt(wire, path) as Ratespec | undefined, wire[key64] as bigint | undefined),
  );
}

/** A word of the ratespec at `path`, which is written together with the rate there. */
export function specWord<T>(path: string, shape: Shape<T>, read: (spec: Ratespec) => T | undefined): Option<T> {
  return custom(
    [path],
    shape,
    () => ({}),
    (wire) => {
      const spec = valueAt(wire, path) as Ratespec | undefined;
      return spec && read(spec);
    },
  );
}
export const linklayerOf = ({ linklayer }: Ratespec): Linklayer | undefined =>
  (linklayer & 0xf) === LINKLAYER.atm ? "atm" : undefined;

/** Ticks that `bytes` take at a rate. Rounded up: a packet of this size fits. */
export function burstTicks(bytes: number, bits: number): number {
  return Math.min(Math.ceil((bytes * 8e9) / bits / TICK_NS), MOST);
}
/** Bytes that pass in ticks at a rate; above 125 Mbit/s a tick is more than a byte, and so may be the difference. */
export function burstBytes(ticks: number, bits: number): number {
  return Math.round((ticks * TICK_NS * bits) / 8e9);
}

/** Cells of a rate table. */
const CELLS = 256;
/**
 * The table that a policer still has to bring, though the kernel only looks at its form: ticks for packets of one cell,
 * two cells, …
 */
export function rateTable(bits: number): { readonly cellLog: number; readonly table: readonly number[] } {
  const cellLog = 3;
  const table = Array.from({ length: CELLS }, (_, i) => burstTicks((i + 1) << cellLog, bits));
  return { cellLog, table };
}
