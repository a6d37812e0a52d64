/** Tells a story on the terminal, and keeps what was expected and what was seen. */
import { table } from "../table.ts";
import type { Palette, Terminal } from "../terminal.ts";
import { wrapped } from "../text-width.ts";

/** One thing that was tried. */
export interface Check {
  readonly what: string;
  readonly expected: string;
  readonly seen: string;
  /** A figure that belongs to it; it decides nothing. */
  readonly detail?: string;
  readonly ok: boolean;
}

/** One chapter of the story. */
export interface Chapter {
  readonly title: string;
  readonly checks: readonly Check[];
}

const WIDEST = 100;
const MARGIN = "   ";

/** Without a terminal it keeps quiet, and only remembers. */
export class Narrator {
  readonly #terminal: Terminal | undefined;
  readonly #width: number;
  readonly #chapters: { readonly title: string; readonly checks: Check[] }[] = [];

  constructor(terminal: Terminal | undefined) {
    this.#terminal = terminal;
    const width = terminal?.width ?? WIDEST;
    this.#width = Number.isFinite(width) ? Math.min(width, WIDEST) : 80;
  }

  get chapters(): readonly Chapter[] {
    return this.#chapters;
  }
  /** Whether everything so far happened as told. */
  get ok(): boolean {
    return this.#chapters.every(({ checks }) => checks.every((check) => check.ok));
  }
  /** Columns for pictures. */
  get room(): number {
    return this.#width - MARGIN.length;
  }

  /** A heading and a paragraph. */
  chapter(title: string, text: string): void {
    this.#chapters.push({ title, checks: [] });
    const number = this.#chapters.length;
    this.#terminal?.line();
    this.#terminal?.line(this.#terminal.palette.strong(`${number}  ${title}`));
    this.tell(text);
  }

  /** A paragraph. */
  tell(text: string): void {
    for (const line of wrapped(text, this.room)) this.#terminal?.line(MARGIN + line);
  }

  /** Lines as they are. */
  picture(lines: readonly string[]): void {
    for (const line of lines) this.#terminal?.line(MARGIN + line);
  }

  /** Compares what was seen with what the story says. */
  check(what: string, expected: string, seen: string, detail?: string): void {
    const check = { what, expected, seen, ok: expected === seen, ...(detail === undefined ? {} : { detail }) };
    this.#chapters.at(-1)?.checks.push(check);
    const palette = this.#terminal?.palette;
    if (palette === undefined) return;
    const found = check.ok ? seen : `${palette.bad(seen)}, and the story says: ${expected}`;
    const figure = detail === undefined ? "" : palette.faint(`, ${detail}`);
    const rows = table([[sign(check.ok, palette), what.padEnd(34), found + figure]], this.room);
    for (const line of rows) this.#terminal?.line(MARGIN + line);
  }

  /** All checks in one table. */
  summary(): void {
    const terminal = this.#terminal;
    if (terminal === undefined) return;
    const { palette } = terminal;
    const rows = this.#chapters.flatMap(({ checks }, chapter) =>
      checks.map(({ ok, what, expected, seen }, index) => [
        index === 0 ? palette.strong(String(chapter + 1)) : "",
        sign(ok, palette),
        what,
        expected,
        seen === expected ? "as told" : palette.bad(seen),
      ]),
    );
    terminal.line();
    const head = ["", "", "what was tried", "the story says", "seen"].map(palette.faint);
    for (const line of table([head, ...rows], this.#width)) terminal.line(line);
  }
}

function sign(ok: boolean, palette: Palette): string {
  return ok ? palette.good("✓") : palette.bad("✗");
}
