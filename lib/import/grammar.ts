/** What the commands' grammars are made of: words are looked up in tables, values are checked by the shapes of options. */
import type { Shape } from "../shape/shape.ts";
import type { Word } from "./lexer.ts";

/** A word that is not as a grammar wants it; told with the line it stands on. */
export class NotUnderstood extends Error {
  readonly line: number;
  readonly fix: string | undefined;

  constructor(line: number, message: string, fix?: string) {
    super(message);
    this.line = line;
    this.fix = fix;
  }
}

/** The words of a command, taken one after the other. */
export class Args {
  readonly line: number;
  readonly #words: readonly Word[];
  #at = 0;

  constructor(words: readonly Word[], line: number) {
    this.#words = words;
    this.line = line;
  }

  get done(): boolean {
    return this.#at >= this.#words.length;
  }
  /** The next word without taking it; empty at the end. */
  get ahead(): string {
    return this.#words[this.#at]?.text ?? "";
  }
  /** The line of the next word. */
  get lineAhead(): number {
    return this.#words[this.#at]?.line ?? this.line;
  }
  /** Whether one of these comes next; it is then taken. */
  accept(...words: readonly string[]): boolean {
    const found = !this.done && words.includes(this.ahead);
    if (found) this.#at++;
    return found;
  }
  /** The next word, which has to be there. @throws {NotUnderstood} */
  take(what: string): string {
    const word = this.#words[this.#at];
    if (word === undefined) throw new NotUnderstood(this.#words.at(-1)?.line ?? this.line, `${what} is missing`);
    if (word.expansion !== undefined)
      throw new NotUnderstood(
        word.line,
        `${word.expansion} is for a shell to work out, and nothing is run here`,
        "write what it stands for",
      );
    this.#at++;
    return word.text;
  }
  rest(): readonly Word[] {
    const rest = this.#words.slice(this.#at);
    this.#at = this.#words.length;
    return rest;
  }
  /** @throws {NotUnderstood} where words are left. */
  end(): void {
    if (!this.done) throw new NotUnderstood(this.lineAhead, `${shownWord(this.ahead)} is not understood here`);
  }
}

/** A word of the input in a message. */
export function shownWord(word: string): string {
  return JSON.stringify(word.length > 60 ? `${word.slice(0, 60)}…` : word);
}

/** Takes what belongs to a word, and puts it where it belongs. */
export type Reader = (args: Args, into: Record<string, unknown>, word: string) => void;
/** Readers by the words that they are for. */
export type Table = Readonly<Record<string, Reader>>;

/** A number where the text is one, also of base 16; the text itself otherwise. */
function numberOf(text: string): number | string {
  return /^-?(0|[1-9]\d{0,15}|0[xX][0-9a-fA-F]{1,12})$/.test(text) ? Number(text) : text;
}

/** A text as the value that a shape accepts. @throws {NotUnderstood} */
export function valueFor(shape: Shape<unknown>, text: string, line: number, word: string): unknown {
  const number = numberOf(text);
  if (shape.accepts(number)) return number;
  if (shape.accepts(text)) return text;
  const got = shape.secret === true ? "" : `, got ${shownWord(text)}`;
  throw new NotUnderstood(line, `${word}: expected ${shape.expected}${got}`);
}

/** One value. */
export function value(key: string, shape: Shape<unknown>): Reader {
  return (args, into, word) => {
    const line = args.lineAhead;
    into[key] = valueFor(shape, args.take(`the value of ${word}`), line, word);
  };
}
/** One value in another unit. */
export function scaled(key: string, shape: Shape<unknown>, divisor: number): Reader {
  return (args, into, word) => {
    const line = args.lineAhead;
    const text = args.take(`the value of ${word}`);
    const number = Number(text) / divisor;
    if (!/^\d+$/.test(text) || !shape.accepts(number))
      throw new NotUnderstood(line, `${word}: expected ${shape.expected} as a number of 1/${divisor}, got ${text}`);
    into[key] = number;
  };
}
/** A word that says something by itself. */
export function says(key: string, meaning: unknown): Reader {
  return (_, into) => {
    into[key] = meaning;
  };
}
const SWITCHES: Readonly<Record<string, boolean>> = { on: true, off: false, "1": true, "0": false };
/** A switch: with on, off, 1 or 0 after it, or alone. */
export function flag(key: string): Reader {
  return (args, into) => {
    const state = Object.hasOwn(SWITCHES, args.ahead) ? SWITCHES[args.ahead] : undefined;
    if (state !== undefined) args.take(key);
    into[key] = state ?? true;
  };
}

/** Reads words by a table until one is not in it. */
export function readWords(args: Args, table: Table, into: Record<string, unknown>): void {
  while (!args.done && Object.hasOwn(table, args.ahead)) {
    const word = args.take("a word");
    table[word]?.(args, into, word);
  }
}
/** Reads all that is left by a table. @throws {NotUnderstood} for a word that is not in it. */
export function readAll(args: Args, table: Table, into: Record<string, unknown>): void {
  readWords(args, table, into);
  args.end();
}

/** The first of these words that the given one begins, as iproute2 looks them up; undefined for none. */
export function abbreviated(word: string, words: readonly string[]): string | undefined {
  return words.includes(word) ? word : word === "" ? undefined : words.find((one) => one.startsWith(word));
}
