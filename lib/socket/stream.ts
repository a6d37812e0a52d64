/** A dump on its way to a reader that may be slower than the kernel. */
import type { DumpSink, Outcome } from "./answers.ts";
import { SocketError } from "./errors.ts";

/** Messages of a part. */
const PART = 512;
/** Parts that wait for the reader before the kernel is made to wait. */
const WAITING = 16;

/** Collects messages into parts and gives them out when they are asked for. */
export class Parcels<O> {
  readonly #resume: () => void;
  readonly #full: O[][] = [];
  #open: O[] = [];
  #wake: (() => void) | undefined;
  /** Something was given out. */
  given = false;

  /** `resume` is called when there is room again. */
  constructor(resume: () => void) {
    this.#resume = resume;
  }

  /** Where the dump of the request `name` goes. */
  sink(name: string, outcome: Outcome<void>): DumpSink<O> {
    return {
      part: (value) => {
        if (this.#open.push(value) >= PART) {
          this.#full.push(this.#open);
          this.#open = [];
        }
        if (this.#wake !== undefined) this.#stir();
      },
      streamed: true,
      full: () => this.#full.length >= WAITING,
      end: (changed) => {
        if (!changed) return outcome.resolve();
        outcome.reject(new SocketError("ERR_INTERRUPTED", `${name}: the table changed while it was read`));
      },
      reject: (error) => outcome.reject(error),
    };
  }

  /** Wakes the reader, once. */
  #stir(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Gives out the parts until `ended` is settled and nothing is left. */
  async *read(ended: Promise<void>): AsyncGenerator<readonly O[], void, undefined> {
    let over = false;
    const end = (): void => {
      over = true;
      this.#stir();
    };
    ended.then(end, end);
    for (;;) {
      const part = this.#full.shift() ?? this.#open;
      if (part === this.#open) this.#open = [];
      if (part.length > 0) {
        this.given = true;
        yield part;
        this.#resume();
      } else if (over) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
