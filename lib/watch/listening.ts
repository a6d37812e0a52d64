/** Several monitors, heard as one. */
import type { Monitor } from "../socket/index.ts";
import type { Message } from "../wire/index.ts";

type Source = Monitor<Message<never, unknown>>;
/** What a watch needs of whom it listens to. */
export type Listening = Pick<Source, "next" | "take" | "poll" | "close">;
type Result = Awaited<ReturnType<Source["next"]>>;

/** One monitor is itself; several are read as they tell something. It ends with the first that does. */
export function together(monitors: readonly Source[]): Listening {
  const [first, ...others] = monitors;
  return first !== undefined && others.length === 0 ? first : new Together(monitors);
}

class Together implements Listening {
  readonly #monitors: readonly Source[];
  /** Those whose next word is waited for already. */
  readonly #asked = new Set<Source>();
  /** What was told and not read. */
  readonly #told: (() => Promise<Result>)[] = [];
  #wake: (() => void) | undefined;

  constructor(monitors: readonly Source[]) {
    this.#monitors = monitors;
  }

  #ask(monitor: Source): void {
    if (this.#asked.has(monitor)) return;
    this.#asked.add(monitor);
    const told = (result: () => Promise<Result>): void => {
      this.#asked.delete(monitor);
      this.#told.push(result);
      this.#wake?.();
    };
    monitor.next().then(
      (result) => told(async () => result),
      (error: unknown) =>
        told(async () => {
          throw error;
        }),
    );
  }
  async next(): Promise<Result> {
    for (;;) {
      const told = this.#told.shift();
      if (told !== undefined) return told();
      for (const monitor of this.#monitors) this.#ask(monitor);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
  take(): ReturnType<Source["take"]> {
    return this.#monitors.flatMap((monitor) => monitor.take());
  }
  poll(): boolean {
    return this.#monitors.map((monitor) => monitor.poll()).every(Boolean);
  }
  close(): void {
    for (const monitor of this.#monitors) monitor.close();
  }
}
