/** One call: it ends with its answer, at its deadline, or when its signal says so, whichever is first. */

import { checkObject, checkOne, type Shape } from "../shape/shape.ts";
import type { Outcome } from "./answers.ts";
import { now } from "./clock.ts";
import type { Deadlines, Limited } from "./deadline.ts";
import { SocketError } from "./errors.ts";

/** What a caller may ask for with every request. */
export interface CallOptions {
  /** Gives the request up: it rejects with the signal's reason. One that was sent may be carried out all the same. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds without an answer, or without a further part of it, until `ERR_TIMEOUT`; default 10000. */
  readonly timeout?: number | undefined;
}

/** What ends a call, or a watch. */
export const signalShape: Shape<AbortSignal> = {
  expected: "an AbortSignal",
  json: { not: {} },
  accepts: (value): value is AbortSignal => value instanceof AbortSignal,
};
const timeoutShape: Shape<number> = {
  expected: "milliseconds, 0 or more",
  json: { type: "number", minimum: 0 },
  accepts: (value): value is number => typeof value === "number" && value >= 0,
};

/** What every call takes; a service may take more, which is its own to check. @throws {InputError} */
export function checkCall(options: CallOptions | undefined): void {
  if (options === undefined) return;
  checkObject(["options"], options);
  const { signal, timeout } = options;
  if (signal !== undefined) checkOne(["options", "signal"], signalShape, signal);
  if (timeout !== undefined) checkOne(["options", "timeout"], timeoutShape, timeout);
}

/** Milliseconds. */
const TIMEOUT = 10_000;

/** What a call watches over. */
export interface Work {
  /** The request's name, for the error. */
  readonly name: string;
  /** When something was last heard, by {@link now}. */
  heard?(): number;
  /** Nobody waits any more. `late`: because no answer came. */
  cancel(late: boolean): void;
}

/** One object for each call, as there may be many. */
class Call<T> implements Outcome<T>, Limited {
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;
  readonly #deadlines: Deadlines;
  readonly #signal: AbortSignal | undefined;
  readonly #timeout: number;
  readonly #start = now();
  #work: Work | undefined;
  #over = false;

  constructor(
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
    deadlines: Deadlines,
    { signal, timeout = TIMEOUT }: CallOptions,
  ) {
    this.#resolve = resolve;
    this.#reject = reject;
    this.#deadlines = deadlines;
    this.#signal = signal;
    this.#timeout = timeout;
  }

  begin(work: Work): void {
    this.#work = work;
    if (this.#over) return;
    this.#deadlines.add(this);
    this.#signal?.addEventListener("abort", this);
  }
  #finish(): void {
    this.#over = true;
    this.#deadlines.delete(this);
    this.#signal?.removeEventListener("abort", this);
  }
  resolve(value: T): void {
    this.#finish();
    this.#resolve(value);
  }
  reject(error: unknown): void {
    this.#finish();
    this.#reject(error);
  }
  /** The signal says so. */
  handleEvent(): void {
    this.#finish();
    this.#work?.cancel(false);
    this.#reject(this.#signal?.reason);
  }
  get deadline(): number {
    return Math.max(this.#start, this.#work?.heard?.() ?? 0) + this.#timeout;
  }
  expire(): void {
    this.#finish();
    this.#work?.cancel(true);
    const text = `${this.#work?.name}: no answer in ${this.#timeout} ms: whether it was carried out is unknown`;
    this.#reject(new SocketError("ERR_TIMEOUT", text));
  }
}

/** Watches over one call whose options it checks; `begin` starts the work, whose end is to be told to `outcome`. */
export function call<T>(deadlines: Deadlines, options: CallOptions, begin: (outcome: Outcome<T>) => Work): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    checkCall(options);
    if (options.signal?.aborted === true) {
      reject(options.signal.reason);
      return;
    }
    const one = new Call<T>(resolve, reject, deadlines, options);
    one.begin(begin(one));
  });
}
