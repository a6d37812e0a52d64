/** Which signals are of interest, and an end of waiting for them. */

/** Signals that fit each word that is given. */
export interface Rule {
  readonly sender: string;
  readonly interface: string;
  readonly member: string;
  readonly path?: string;
  /** The first value, where it is a string. */
  readonly first?: string;
}

/** A rule as the bus takes it. Source: D-Bus specification, Match Rules */
export function matchRule({ first, ...words }: Rule): string {
  const parts = Object.entries({ type: "signal", ...words, ...(first !== undefined && { arg0: first }) });
  return parts.map(([key, value]) => `${key}='${value}'`).join(",");
}

/** Wakes whoever waits, and remembers it where nobody does. */
export class Alarm {
  #rung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Until it rings, `milliseconds` are over, or the signal comes. */
  async wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (!this.#rung && signal?.aborted !== true && milliseconds > 0)
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        const timer = Number.isFinite(milliseconds) ? setTimeout(wake, milliseconds) : undefined;
        this.#wake = wake;
        signal?.addEventListener("abort", wake);
      });
    this.#rung = false;
    this.#wake = undefined;
  }
}

/** What a promise becomes, unless the signal comes before. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  });
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener("abort", stop));
}
