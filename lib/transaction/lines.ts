/** Values as lines of text, each with a checksum over itself and the lines before it. */
import { createHash } from "node:crypto";
import { decode, encode } from "./encoding.ts";

/** What such a text says. */
export interface Lines {
  readonly values: readonly unknown[];
  /** Of the last whole line. */
  readonly sum: string;
  /** Bytes of the whole lines: what is behind them was being written when the power went. */
  readonly length: number;
}

/** Characters of a checksum. */
const SUM = 32;

function checksum(before: string, text: string): string {
  return createHash("sha256").update(before).update(text).digest("hex").slice(0, SUM);
}

/** A value as the line after one with the checksum `before`, which of the first line is empty. */
export function lineOf(before: string, value: unknown): { readonly line: string; readonly sum: string } {
  const text = encode(value);
  const sum = checksum(before, text);
  return { line: `${sum} ${text}\n`, sum };
}

/** The checksum of a line without its end, where it is the right one. */
function sumOf(before: string, line: string): string | undefined {
  const sum = checksum(before, line.slice(SUM + 1));
  return line.startsWith(`${sum} `) ? sum : undefined;
}

/** What a text says, or the number of the line, from 1, at which it was edited. */
export function parseLines(content: string): Lines | number {
  const end = content.lastIndexOf("\n") + 1;
  const values: unknown[] = [];
  let sum = "";
  for (const line of content.slice(0, end).split("\n").slice(0, -1)) {
    const next = sumOf(sum, line);
    if (next === undefined) return values.length + 1;
    values.push(decode(line.slice(SUM + 1)));
    sum = next;
  }
  // A whole line that something else than its end comes after was not cut off.
  if (end < content.length && sumOf(sum, content.slice(end, -1)) !== undefined) return values.length + 1;
  return { values, sum, length: Buffer.byteLength(content.slice(0, end)) };
}
