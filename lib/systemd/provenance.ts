/** The first lines of a file that we wrote: by them it is known again, whether somebody edited it, and what it was made of. */
import { createHash } from "node:crypto";

const MARK = "# Written by linkwright; a file that was changed by hand is not written over.";
const SUM = "# sha256 of what follows: ";
const SOURCE = /^# First so written by linkwright(?: \S+)?, of a document with the sha256 [0-9a-f]{64}\n/;

const sumOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** What a file is made of. */
export interface Source {
  /** The document's text. */
  readonly text: string;
  /** The version of linkwright; absent where nobody said. */
  readonly tool?: string | undefined;
}

/** The text with its head. What makes the same text later, a newer version or another document, leaves both as they are. */
export function seal(text: string, source?: Source): string {
  const by = source?.tool === undefined ? "" : ` ${source.tool}`;
  const of =
    source === undefined
      ? ""
      : `# First so written by linkwright${by}, of a document with the sha256 ${sumOf(source.text)}\n`;
  return `${MARK}\n${SUM}${sumOf(of + text)}\n${of}${text}`;
}

/** `ours` as we wrote it, `edited` since, or `foreign`: somebody else's. */
export function originOf(text: string): "ours" | "edited" | "foreign" {
  const [mark, sum = "", ...body] = text.split("\n");
  if (mark !== MARK || !sum.startsWith(SUM)) return "foreign";
  return sum === `${SUM}${sumOf(body.join("\n"))}` ? "ours" : "edited";
}

/** What a file of ours says, whatever it was made of. */
export function bodyOf(text: string): string {
  return text.split("\n").slice(2).join("\n").replace(SOURCE, "");
}
