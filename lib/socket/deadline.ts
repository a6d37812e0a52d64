/** Deadlines of many requests with one timer. */
import { now } from "./clock.ts";

/** Something that ends by itself at a time. */
export interface Limited {
  /** When it is over, by {@link now}; may move to a later time by itself. */
  readonly deadline: number;
  expire(): void;
}

/** Watches over deadlines; the timer does not hold the process while nothing is limited. */
export class Deadlines {
  readonly #limited = new Set<Limited>();
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;

  add(limited: Limited): void {
    if (this.#limited.size === 0) this.#timer?.ref();
    this.#limited.add(limited);
    if (limited.deadline < this.#due) this.#arm(limited.deadline);
  }

  delete(limited: Limited): void {
    if (this.#limited.delete(limited) && this.#limited.size === 0) this.#timer?.unref();
  }

  #arm(due: number): void {
    clearTimeout(this.#timer);
    this.#due = due;
    // A timer takes at most 2^31 ms; one that comes early looks again.
    const wait = Math.min(Math.max(1, Math.ceil(due - now())), 0x7fff_ffff);
    this.#timer = setTimeout(() => this.#check(), wait);
  }

  #check(): void {
    this.#timer = undefined;
    this.#due = Number.POSITIVE_INFINITY;
    const time = now();
    let next = Number.POSITIVE_INFINITY;
    for (const limited of [...this.#limited]) {
      if (limited.deadline <= time) {
        this.#limited.delete(limited);
        limited.expire();
      } else next = Math.min(next, limited.deadline);
    }
    if (this.#limited.size > 0 && next < this.#due) this.#arm(next);
  }

  /** Forgets them all. */
  clear(): void {
    this.#limited.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = Number.POSITIVE_INFINITY;
  }
}
