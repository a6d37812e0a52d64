/** Probabilities: percent to people, a fraction of 2^32 - 1 on the wire. */
import type { Shape } from "../shape/shape.ts";

const WHOLE = 0xffff_ffff;
/** What the fraction can tell apart. */
const DIGITS = 1e7;

/** Percent. */
export const percent: Shape<number> = {
  expected: "percent, from 0 to 100",
  json: { type: "number", minimum: 0, maximum: 100 },
  accepts: (value): value is number => typeof value === "number" && value >= 0 && value <= 100,
};
export const fractionOf = (value: number): number => Math.round((value / 100) * WHOLE);
export const percentOf = (fraction: number): number => Math.round((fraction / WHOLE) * 100 * DIGITS) / DIGITS;
