/** Reads captures: a line that begins with `#` tells the command that made them, the others are hex. */
import { readFileSync } from "node:fs";

/** The bytes of `test/fixtures/<path>`, one entry for each line. The tests run from the root of the checkout. */
export function capture(path: string): Uint8Array[] {
  return readFileSync(`test/fixtures/${path}`, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => new Uint8Array(Buffer.from(line, "hex")));
}

/** The only bytes of a capture of one line. */
export function only(path: string): Uint8Array {
  const [first, second] = capture(path);
  if (first === undefined || second !== undefined) throw new Error(`${path} should have exactly one line of bytes`);
  return first;
}
