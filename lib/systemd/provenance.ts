/** The first lines of a file that we wrote: by them it is known again, and whether somebody edited it. */
import { createHash } from "node:crypto";

const MARK = "# Written by linkwright; a file that was changed by hand is not written over.";
const SUM = "# sha256 of what follows: ";

const sumOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The text with its head. */
export function seal(text: string): string {
  return `${MARK}\n${SUM}${sumOf(text)}\n${text}`;
}

/** `ours` as we wrote it, `edited` since, or `foreign`: somebody else's. */
export function originOf(text: string): "ours" | "edited" | "foreign" {
  const [mark, sum = "", ...body] = text.split("\n");
  if (mark !== MARK || !sum.startsWith(SUM)) return "foreign";
  return sum === `${SUM}${sumOf(body.join("\n"))}` ? "ours" : "edited";
}
