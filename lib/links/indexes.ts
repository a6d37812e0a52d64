/** Links that were looked up a moment ago, so that a thousand requests about one link ask once. */
import { now } from "../socket/clock.ts";

/** Milliseconds that what was told of a link is taken for right; changes of our own end it at once. */
const FRESH = 100;

/** What links are, by their names. */
export class Indexes<T> {
  readonly #known = new Map<string, { readonly link: T; readonly until: number }>();
  /** What is being asked. */
  readonly #asked = new Map<string, Promise<T | undefined>>();

  /** What `ask` tells of a link, or has told a moment ago. With `alone` nobody else waits for the same answer. */
  async find(name: string, ask: () => Promise<T | undefined>, alone = false): Promise<T | undefined> {
    const entry = this.#known.get(name);
    if (entry !== undefined && entry.until > now()) return entry.link;
    // Where another was told that it is not there, it may have been made since he asked.
    const other = alone ? undefined : this.#asked.get(name);
    const told = other && (await other.catch(() => undefined));
    if (told !== undefined) return told;
    const since = now();
    const asked = ask();
    this.#asked.set(name, asked);
    try {
      const link = await asked;
      if (link !== undefined && this.#asked.get(name) === asked) this.#known.set(name, { link, until: since + FRESH });
      return link;
    } finally {
      if (this.#asked.get(name) === asked) this.#asked.delete(name);
    }
  }
  /** Forgets one name, as another link has it now. */
  forget(name: string): void {
    this.#known.delete(name);
    this.#asked.delete(name);
  }
  /** Forgets all, as names have changed. */
  clear(): void {
    this.#known.clear();
    this.#asked.clear();
  }
}
