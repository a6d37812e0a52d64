/** One call: it ends with its answer, at its deadline, or when its signal says so, whichever is first. */
import type { Outcome } from "./answers.ts";
import type { Deadlines, Limited } from "./deadline.ts";
import { SocketError } from "./errors.ts";

/** What a caller may ask for with every request. */
export interface CallOptions {
  /** Gives the request up: it rejects with the signal's reason. One that was sent may be carried out all the same. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds without an answer, or without a further part of it, until `ERR_TIMEOUT`; default 10000. */
  readonly timeout?: number | undefined;
}

/** Milliseconds. */
const TIMEOUT = 10_000;

/** How a call is given up. */
export interface Ending {
  /** The request's name, for the error. */
  readonly name: string;
  /** When something was last heard, by performance.now(). */
  heard?(): number;
  /** Nobody waits any more. `late`: because no answer came. */
  cancel(late: boolean): void;
}

/** Watches over one call; `outcome` is what its answers are to be told to. */
export function call<T>(
  deadlines: Deadlines,
  { signal, timeout = TIMEOUT }: CallOptions,
  begin: (outcome: Outcome<T>) => Ending,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const start = performance.now();
    let over = false;
    let ending: Ending | undefined;
    const finish = (): void => {
      over = true;
      deadlines.delete(limited);
      signal?.removeEventListener("abort", abort);
    };
    const abort = (): void => {
      finish();
      ending?.cancel(false);
      reject(signal?.reason);
    };
    const limited: Limited = {
      get deadline() {
        return Math.max(start, ending?.heard?.() ?? 0) + timeout;
      },
      expire() {
        finish();
        ending?.cancel(true);
        const text = `${ending?.name}: no answer in ${timeout} ms: whether it was carried out is unknown`;
        reject(new SocketError("ERR_TIMEOUT", text));
      },
    };
    ending = begin({
      resolve(value) {
        finish();
        resolve(value);
      },
      reject(error) {
        finish();
        reject(error);
      },
    });
    if (over) return;
    deadlines.add(limited);
    signal?.addEventListener("abort", abort);
  });
}
