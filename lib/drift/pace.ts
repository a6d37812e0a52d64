/** How soon something may be put right again: at once, and ever later where somebody keeps undoing it. */

/** Milliseconds. */
export interface Paces {
  /** The shortest time between two repairs. */
  readonly shortest: number;
  /** The longest. */
  readonly longest: number;
  /** The longest after a repair that failed: what is not put right is no more contested, and may soon be possible. */
  readonly retry: number;
  /** After so long a time without a repair the next one is as the first. */
  readonly calm: number;
}

/** The paces that nobody chose otherwise. */
export const PACES: Paces = { shortest: 1000, longest: 300_000, retry: 30_000, calm: 60_000 };

/** Counts repairs. */
export class Pace {
  readonly #paces: Paces;
  #pause = 0;
  #last = Number.NEGATIVE_INFINITY;

  constructor(paces: Paces = PACES) {
    this.#paces = paces;
  }

  /** Milliseconds from `now` until the next repair may be made. */
  wait(now: number): number {
    return Math.max(0, this.#last + this.#pause - now);
  }

  /** A repair was made: the one after it has to wait twice as long as this one had to, but not after one that failed. */
  made(now: number, failed = false): void {
    const { shortest, longest: most, retry, calm } = this.#paces;
    const longest = failed ? Math.min(most, retry) : most;
    const quiet = now - this.#last - this.#pause > calm;
    this.#pause = quiet ? shortest : Math.min(longest, Math.max(shortest, this.#pause * 2));
    this.#last = now;
  }

  /** Whether somebody keeps undoing it. */
  get isContested(): boolean {
    return this.#pause > this.#paces.shortest;
  }
}
