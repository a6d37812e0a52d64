/** Indexes that were looked up a moment ago, so that a thousand requests about one link ask once. */
import { now } from "../socket/clock.ts";

/** Milliseconds that an index is taken for right; changes of our own end it at once. */
const FRESH = 100;

/** Indexes of links by their names. */
export class Indexes {
  readonly #known = new Map<string, { readonly index: number; readonly until: number }>();
  /** How many times everything was forgotten: what was asked for before may be wrong. */
  changes = 0;

  get(name: string): number | undefined {
    const entry = this.#known.get(name);
    if (entry === undefined || entry.until > now()) return entry?.index;
    this.#known.delete(name);
    return undefined;
  }
  put(name: string, index: number): void {
    this.#known.set(name, { index, until: now() + FRESH });
  }
  /** Forgets all, as names have changed. */
  clear(): void {
    this.#known.clear();
    this.changes++;
  }
}
