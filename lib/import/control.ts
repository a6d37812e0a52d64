/** Loops and conditions: what stands in them only a shell can decide. */
import type { Findings } from "./finding.ts";
import { shownWord } from "./grammar.ts";
import type { Statement } from "./lexer.ts";

const OPENING = ["if", "for", "while", "until", "case", "select", "function"];
const CLOSING = ["fi", "done", "esac", "}"];
const JOINING = ["do", "then", "else"];

/** Knows how deep within them a statement stands. */
export class Control {
  readonly #findings: Findings;
  #depth = 0;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** Whether a statement belongs to a loop or a condition, which is said then. */
  has({ words, line }: Statement): boolean {
    const first = words[0]?.text ?? "";
    if (OPENING.includes(first)) this.#depth++;
    const within = this.#depth > 0;
    if (CLOSING.includes(first)) this.#depth = Math.max(0, this.#depth - 1);
    if (!within) return false;
    if (words.length === 1 && [...JOINING, ...CLOSING].includes(first)) return true;
    this.#findings.say(
      "error",
      line,
      `what stands in ${shownWord(first)} … is for a shell to decide, and nothing is run here`,
      "write the lines that it comes to",
    );
    return true;
  }
}
