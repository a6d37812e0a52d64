/**
 * Handles as text, as `tc` writes them: hexadecimal, `1:` for a qdisc and `1:10` for a class.
 *
 * Source: include/uapi/linux/pkt_sched.h (TC_H_MAJ, TC_H_MIN).
 */
import type { Shape } from "../shape/shape.ts";

const HANDLE = /^([0-9a-f]{1,4}):([0-9a-f]{0,4})$/i;

/** The number of a handle. */
export function handleNumber(text: string): number {
  const [, major = "", minor = ""] = HANDLE.exec(text) ?? [];
  return ((Number.parseInt(major, 16) << 16) | Number.parseInt(minor || "0", 16)) >>> 0;
}
/** The text of a handle. */
export function handleText(number: number): string {
  const minor = number & 0xffff;
  return `${(number >>> 16).toString(16)}:${minor === 0 ? "" : minor.toString(16)}`;
}

const isHandle = (value: unknown): value is string => typeof value === "string" && HANDLE.test(value);
/** A qdisc's handle. */
export const qdiscHandle: Shape<string> = {
  expected: "a handle such as 1: (hexadecimal)",
  json: { type: "string", pattern: "^[0-9a-fA-F]{1,4}:$" },
  accepts: (value): value is string => isHandle(value) && value.endsWith(":") && handleNumber(value) !== 0,
};
/** A class's handle. */
export const classHandle: Shape<string> = {
  expected: "a class such as 1:10 (hexadecimal)",
  json: { type: "string", pattern: "^[0-9a-fA-F]{1,4}:[0-9a-fA-F]{1,4}$" },
  accepts: (value): value is string =>
    isHandle(value) && handleNumber(value) >>> 16 !== 0 && (handleNumber(value) & 0xffff) !== 0,
};

/** Where something is attached: a word or a handle. */
export interface Parents {
  readonly shape: Shape<string>;
  numberOf(text: string): number;
  textOf(number: number): string;
}
/** Declares the words for parents that are no handles. */
export function parents(words: Readonly<Record<string, number>>): Parents {
  const names = Object.keys(words);
  return {
    shape: {
      expected: `${names.join(", ")}, or a handle such as 1: or 1:10`,
      json: { anyOf: [{ enum: names }, { type: "string", pattern: "^[0-9a-fA-F]{1,4}:[0-9a-fA-F]{0,4}$" }] },
      accepts: (value): value is string =>
        typeof value === "string" && (Object.hasOwn(words, value) || (isHandle(value) && handleNumber(value) !== 0)),
    },
    numberOf: (text) => words[text] ?? handleNumber(text),
    textOf: (number) => names.find((name) => words[name] === number) ?? handleText(number),
  };
}
