/** Where a command writes: standard output and error, with or without colors, and how wide. */
import type { WriteStream } from "node:tty";
import { isJournal, type Priority, withPriority } from "../journald/stream.ts";

/** Wraps text in a color, or leaves it as it is. */
export type Paint = (text: string) => string;

/** The colors, by what they mean. */
export interface Palette {
  /** What all is well with, and what is added. */
  readonly good: Paint;
  /** What is wrong, and what is removed. */
  readonly bad: Paint;
  /** What is changed, or needs a look. */
  readonly notable: Paint;
  /** Names of things. */
  readonly strong: Paint;
  /** What may be skipped in reading. */
  readonly faint: Paint;
}

const paint =
  (open: number, close: number): Paint =>
  (text) =>
    text === "" ? "" : `\u001b[${open}m${text}\u001b[${close}m`;
const plain: Paint = (text) => text;

/** No colors at all. */
export const PLAIN: Palette = { good: plain, bad: plain, notable: plain, strong: plain, faint: plain };
/** The sixteen colors that every terminal has, so that they follow the reader's theme. */
export const COLORED: Palette = {
  good: paint(32, 39),
  bad: paint(31, 39),
  notable: paint(33, 39),
  strong: paint(1, 22),
  faint: paint(2, 22),
};

/** Standard output and error as commands see them. */
export interface Terminal {
  readonly palette: Palette;
  /** Columns; unlimited where the output is no terminal. */
  readonly width: number;
  /** Whether somebody may be watching standard error. */
  readonly watched: boolean;
  /** A line on standard output. */
  line(text?: string): void;
  /** A line on standard error; it says how important it is where systemd's journal reads that. Default: `notice`. */
  remark(text: string, priority?: Priority): void;
  /** Overwrites one line of standard error; the empty text takes it away. Nothing happens where nobody watches. */
  progress(text: string): void;
}

/** What decides on colors. */
export interface ColorChoice {
  readonly isTerminal: boolean;
  /** False with `--no-color`. */
  readonly wanted: boolean;
  readonly env: NodeJS.ProcessEnv;
}

/** Colors are for terminals, unless somebody said no. */
export function choosePalette({ isTerminal, wanted, env }: ColorChoice): Palette {
  const refused = !wanted || (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  return isTerminal && !refused ? COLORED : PLAIN;
}

const reset = (out: WriteStream): void => void out.write("\r\u001b[K");

/** The terminal of this process. */
export function openTerminal(color: boolean): Terminal {
  const { stdout, stderr, env } = process;
  const journal = isJournal(2);
  let shown = false;
  const clear = (): void => {
    if (shown) reset(stderr);
    shown = false;
  };
  return {
    palette: choosePalette({ isTerminal: stdout.isTTY === true, wanted: color, env }),
    width: stdout.isTTY ? Math.max(40, stdout.columns || 80) : Number.POSITIVE_INFINITY,
    watched: stderr.isTTY === true,
    line(text = "") {
      clear();
      stdout.write(`${text}\n`);
    },
    remark(text, priority = "notice") {
      clear();
      stderr.write(`${journal ? withPriority(text, priority) : text}\n`);
    },
    progress(text) {
      if (!stderr.isTTY) return;
      clear();
      if (text === "") return;
      shown = true;
      stderr.write(text.slice(0, Math.max(10, (stderr.columns || 80) - 1)));
    },
  };
}

/** A reader that went away (`| head -1`) is no reason to stop half-way: what was begun is finished unseen. */
export function surviveBrokenPipes(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
}

/**
 * Runs `work`, and says on standard error what it is doing once it takes longer than a second. `work` may change the
 * words.
 */
export async function withProgress<T>(
  terminal: Terminal,
  doing: string,
  work: (say: (doing: string) => void) => Promise<T>,
): Promise<T> {
  const start = performance.now();
  let words = doing;
  const show = (): void => terminal.progress(`${words} … ${Math.floor((performance.now() - start) / 1000)} s`);
  const timer = terminal.watched ? setInterval(show, 1000) : undefined;
  try {
    return await work((next) => {
      words = next;
    });
  } finally {
    clearInterval(timer);
    terminal.progress("");
  }
}
