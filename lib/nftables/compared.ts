/** Numbers that are compared: checked, and brought to one form. */
import { invalid, shown } from "./error.ts";
import type { Compared, Not, Span } from "./rule.ts";

type Words = "over" | "atLeast" | "under" | "atMost";
/** The words of a comparison with their operators: the kernel's and nft's. */
export const operators: readonly (readonly [Words, "gt" | "gte" | "lt" | "lte", string])[] = [
  ["over", "gt", ">"],
  ["atLeast", "gte", ">="],
  ["under", "lt", "<"],
  ["atMost", "lte", "<="],
];

/** Whether a value is negated, and the value itself. */
export function negated<T>(value: Not<T>): { readonly not: boolean; readonly value: T } {
  return typeof value === "object" && value !== null && "not" in value
    ? { not: true, value: value.not }
    : { not: false, value: value as T };
}

/** The same negation around another value. */
export const negate = <T>(not: boolean, value: T): Not<T> => (not ? { not: value } : value);

function checkNumber(value: unknown, max: number, path: string): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > max)
    invalid(path, `expected a whole number from 0 to ${max}, got ${shown(value)}`);
  return value;
}

function normalSpan(value: Span, max: number, path: string): Span {
  if (typeof value === "number") return checkNumber(value, max, path);
  if (!Array.isArray(value) || value.length !== 2)
    invalid(path, `expected a number or a range such as [1, 9], got ${shown(value)}`);
  const [from, to] = [checkNumber(value[0], max, path), checkNumber(value[1], max, path)];
  if (from > to) invalid(path, `the range ends before it begins: write [${to}, ${from}]`);
  return from === to ? from : [from, to];
}

/** Checks a comparison of numbers up to `max` and brings it to its one form. */
export function normalCompared(value: Compared, max: number, path: string): Compared {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const keys = Object.keys(value);
    const [key] = keys;
    const word = operators.find(([name]) => name === key);
    if (keys.length !== 1 || (word === undefined && key !== "not"))
      invalid(path, `expected one of not, over, atLeast, under, atMost, got ${shown(value)}`);
    if (word !== undefined) {
      const number = (value as Record<string, unknown>)[word[0]];
      return { [word[0]]: checkNumber(number, max, path) } as unknown as Compared;
    }
  }
  const { not, value: span } = negated(value as Not<Span>);
  return negate(not, normalSpan(span, max, path));
}
