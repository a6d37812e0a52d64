/**
 * Distributions of netem's jitter. A table holds the values of the distribution at evenly spaced probabilities, in
 * units of 1/8192 of the jitter; the kernel draws one of them.
 *
 * Source: include/uapi/linux/pkt_sched.h (NETEM_DIST_SCALE, NETEM_DIST_MAX), net/sched/sch_netem.c (tabledist).
 */
import type { Shape } from "../shape/shape.ts";

const SCALE = 8192;
const MOST = 16_384;
/** As many as the tables that come with `tc`. */
const ENTRIES = 4096;
const NAMES = ["uniform", "normal", "pareto", "paretonormal"] as const;
type Name = (typeof NAMES)[number];

/** A name, or numbers of one's own: -32768 to 32767, where 8192 is the jitter; at most 16384 of them. */
export type NetemDistribution = Name | readonly number[];
const isEntry = (value: unknown): boolean => Number.isInteger(value) && Math.abs(value as number) <= 0x7fff;
export const distribution: Shape<NetemDistribution> = {
  expected: `one of ${NAMES.join(", ")}, or 1 to ${MOST} whole numbers from -32767 to 32767 (8192 is the jitter)`,
  json: { anyOf: [{ enum: NAMES }, { type: "array", items: { type: "integer" }, minItems: 1, maxItems: MOST }] },
  accepts: (value): value is NetemDistribution =>
    Array.isArray(value)
      ? value.length > 0 && value.length <= MOST && value.every(isEntry)
      : NAMES.includes(value as Name),
};

const clamp = (value: number): number => Math.max(-0x8000, Math.min(0x7fff, Math.round(value)));

/** The integral of the normal distribution below `x`, by the series of Abramowitz and Stegun 26.2.11 within 6 deviations. */
function below(x: number): number {
  let term = x;
  let sum = x;
  for (let i = 3; Math.abs(term) > 1e-17; i += 2) {
    term *= (x * x) / i;
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}
/** The `x` that a part `p` of all is below; by halving. */
function quantile(p: number): number {
  let [low, high] = [-6, 6];
  for (let i = 0; i < 48; i++) {
    const middle = (low + high) / 2;
    if (below(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

const normal = (p: number): number => quantile(p) * SCALE;
/** With exponent 3, moved so that its mean is 0, and widened to about the spread of the others. */
const pareto = (p: number): number => (p ** (-1 / 3) - 1.5) * (4 / 3) * SCALE;
const SHAPES: Readonly<Record<Exclude<Name, "uniform">, (p: number) => number>> = {
  normal: (p) => normal(p),
  pareto: (p) => pareto(1 - p),
  paretonormal: (p) => 0.25 * normal(p) + 0.75 * clamp(pareto(1 - p)),
};
const tables = new Map<Name, readonly number[]>();

/** The numbers of a distribution. One table is what the kernel cannot take back: uniform is told by three numbers. */
export function tableOf(wanted: NetemDistribution): readonly number[] {
  if (typeof wanted !== "string") return wanted;
  const known = tables.get(wanted);
  if (known !== undefined) return known;
  const at = (i: number): number => (i + 0.5) / ENTRIES;
  const made =
    wanted === "uniform"
      ? Array.from({ length: ENTRIES }, (_, i) => clamp((2 * at(i) - 1) * SCALE))
      : Array.from({ length: ENTRIES }, (_, i) => clamp(SHAPES[wanted](at(i))));
  tables.set(wanted, made);
  return made;
}
