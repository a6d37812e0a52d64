/** What an import has to say about what it read. */

/**
 * How bad it is: `error` cannot work or cannot be said in a document, `warning` is a slip, `note` is worth knowing.
 */
export type Level = "error" | "warning" | "note";

/** One remark of an import. */
export interface Finding {
  /** The file of commands; absent for a running host. */
  readonly file?: string;
  /** Counted from 1; absent where it is about no line. */
  readonly line?: number;
  readonly level: Level;
  readonly message: string;
  /** The way out; absent where there is nothing to do. */
  readonly fix?: string;
}

/** Text that came from a kernel or from somebody's clipboard, without what a terminal or YAML would take for commands. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (char) => {
    return `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
  });
}

/** A finding as one line: `bm1.txt:3: warning: … ; …`. */
export function formatFinding({ file, line, level, message, fix }: Finding): string {
  const place = [...(file === undefined ? [] : [file]), ...(line === undefined ? [] : [String(line)])].join(":");
  return printable(`${place === "" ? "" : `${place}: `}${level}: ${message}${fix === undefined ? "" : `; ${fix}`}`);
}

/** Collects findings of one file of commands, in whatever order they are found. */
export class Findings {
  readonly all: Finding[] = [];
  readonly #file: string | undefined;

  constructor(file?: string) {
    this.#file = file;
  }

  say(level: Level, line: number | undefined, message: string, fix?: string): void {
    this.all.push({
      ...(this.#file !== undefined && { file: this.#file }),
      ...(line !== undefined && { line }),
      level,
      message,
      ...(fix !== undefined && { fix }),
    });
  }

  /** In the order of the lines; what is about no line comes last. */
  sorted(): readonly Finding[] {
    const last = Number.MAX_SAFE_INTEGER;
    return [...this.all].sort((a, b) => (a.line ?? last) - (b.line ?? last));
  }
}
