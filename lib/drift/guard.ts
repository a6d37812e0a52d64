/** Keeps a host what its document says: looks again after every change, tells what differs, and puts it right. */
import type { Host } from "../host.ts";
import { ApplyError } from "../state/apply.ts";
import type { Desired } from "../state/desired.ts";
import type { Plan } from "../state/step.ts";
import { type Finding, type Verification, verify } from "../state/verify.ts";
import { TransactionError, type TransactOptions, transact } from "../transaction/index.ts";
import { Authors } from "./authors.ts";
import { managersOn } from "./managers.ts";
import { PACES, Pace, type Paces } from "./pace.ts";
import { type Suspect, suspectsOf } from "./suspects.ts";

/** What is told while a host is watched. */
export type Report =
  /** The host is as the document says: told at the beginning, and when that is so again. */
  | { readonly type: "ok"; readonly verification: Verification }
  /** Something differs. Told once for the same differences. */
  | { readonly type: "drift"; readonly verification: Verification; readonly suspects: readonly Suspect[] }
  /** It was put right. `contested` means that it had to be done again and again, and is done more seldom now. */
  | { readonly type: "repaired"; readonly steps: number; readonly contested: boolean }
  /** It could not be put right, or not even looked at. It is tried again; the same reason not to look is told once. */
  | { readonly type: "failed"; readonly error: unknown };

/** Options of {@link guard}. */
export interface GuardOptions extends Pick<TransactOptions, "directory" | "allowRecreate"> {
  /** Put right what differs; without, it is only told. */
  readonly reconcile?: boolean | undefined;
  /** Seconds between two looks where no change is told: sysctls change in silence. Default 30. */
  readonly interval?: number | undefined;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each look at the host that could be made, whatever it found. */
  readonly onRound?: (() => void) | undefined;
  /**
   * Called after each round that went as well as a new start would have it go: it was looked, and nothing had to be put
   * right, or it was; or it is refused, or somebody else is at work, and it stays as it is for now.
   */
  readonly onSuccess?: (() => void) | undefined;
  /** Gives what looks through a plan before something is put right; what that throws refuses it. */
  readonly planCheck?: (() => Promise<(plan: Plan) => void>) | undefined;
  /** For tests. */
  readonly paces?: Paces | undefined;
}

/** Seconds. */
const INTERVAL = 30;
/** Milliseconds without a change after which one looks, and for how long changes may go on until one looks all the same. */
const QUIET = 100;
const RESTLESS = 1000;
/** Milliseconds until one looks again where it could not be: what was there at first may have gone in between. */
const AGAIN = 1000;

/** Waits for changes, but not for ever. */
class Bell {
  #ring: (() => void) | undefined;
  #rung = false;

  ring(): void {
    this.#rung = true;
    this.#ring?.();
  }

  /** True where it rang within so many milliseconds; what rang before counts. */
  heard(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        this.#ring = undefined;
        const rung = this.#rung;
        this.#rung = false;
        resolve(rung);
      };
      const timer = setTimeout(done, milliseconds);
      signal.addEventListener("abort", done, { once: true });
      this.#ring = done;
      if (this.#rung || signal.aborted) done();
    });
  }
}

const textOf = (differences: readonly Finding[]): string =>
  JSON.stringify(differences, (_, one: unknown) => (typeof one === "bigint" ? String(one) : one));

/** What a look at the host found. */
interface Look {
  /** Whether it could be looked at. */
  readonly seen: boolean;
  readonly differs: boolean;
  readonly reports: readonly Report[];
}

class Watchman {
  readonly #host: Host;
  readonly #desired: Desired;
  readonly #options: GuardOptions;
  readonly #signal: AbortSignal;
  readonly #bell = new Bell();
  readonly #pace: Pace;
  /** What was told last; undefined at the beginning. */
  #told: string | undefined;
  /** Whether the last thing that had to be put right could not be. */
  #isStuck = false;

  constructor(host: Host, desired: Desired, options: GuardOptions) {
    this.#host = host;
    this.#desired = desired;
    this.#options = options;
    this.#signal = options.signal ?? new AbortController().signal;
    this.#pace = new Pace(options.paces ?? PACES);
  }

  async *run(): AsyncGenerator<Report, undefined> {
    using authors = new Authors(this.#host, () => this.#bell.ring());
    while (!this.#signal.aborted) {
      const found = await this.#look(authors);
      if (found.seen) this.#options.onRound?.();
      yield* found.reports;
      const pause = found.differs && this.#options.reconcile === true ? this.#pace.wait(performance.now()) : undefined;
      if (pause === 0) yield await this.#repair();
      if (!found.differs) this.#isStuck = false;
      if (found.seen && !this.#isStuck) this.#options.onSuccess?.();
      await this.#rest(found.seen ? pause || undefined : AGAIN);
    }
    return undefined;
  }

  /** Compares, and says what is new. */
  async #look(authors: Authors): Promise<Look> {
    try {
      const verification = await verify(this.#host, this.#desired, { signal: this.#signal });
      const { ok, differences } = verification;
      const text = ok ? "" : textOf(differences);
      const seen = authors.take();
      if (text === this.#told) return { seen: true, differs: !ok, reports: [] };
      this.#told = text;
      if (ok) return { seen: true, differs: false, reports: [{ type: "ok", verification }] };
      const suspects = suspectsOf(differences, seen, managersOn(this.#host));
      return { seen: true, differs: true, reports: [{ type: "drift", verification, suspects }] };
    } catch (error) {
      const text = String(error);
      if (this.#signal.aborted || text === this.#told) return { seen: false, differs: false, reports: [] };
      this.#told = text;
      return { seen: false, differs: false, reports: [{ type: "failed", error }] };
    }
  }

  async #repair(): Promise<Report> {
    const { directory, allowRecreate } = this.#options;
    let refused = false;
    try {
      const check = await this.#options.planCheck?.();
      const onPlan = ({ plan }: { readonly plan: Plan }): void => {
        refused = true;
        check?.(plan);
        refused = false;
      };
      const options = { directory, allowRecreate, confirm: 0, signal: this.#signal, onPlan };
      const { plan } = await transact(this.#host, this.#desired, options);
      this.#told = "";
      this.#isStuck = false;
      return { type: "repaired", steps: plan.steps.length, contested: this.#pace.isContested };
    } catch (error) {
      this.#isStuck = !refused && !isUnallowed(error) && !isPassing(error);
      return { type: "failed", error };
    } finally {
      this.#pace.made(performance.now(), this.#isStuck);
    }
  }

  /** Until something changed and it is quiet again, or it is time to look all the same. */
  async #rest(pause = Number.POSITIVE_INFINITY): Promise<void> {
    const end = performance.now() + RESTLESS;
    const atMost = Math.min(pause, (this.#options.interval ?? INTERVAL) * 1000);
    if (!(await this.#bell.heard(atMost, this.#signal))) return;
    while (performance.now() < end && (await this.#bell.heard(QUIET, this.#signal))) if (this.#signal.aborted) return;
  }
}

/**
 * Watches a host: `for await (const report of guard(host, desired, { reconcile: true }))`. It looks at once, after
 * every change that the kernel tells, and every so many seconds; what others change is told with who is likely to have
 * done it, and put right where that is wanted, more and more seldom where somebody keeps undoing it.
 * Same as: linkwright watch FILE --reconcile
 *
 * @throws {SocketError} where the kernel gives no socket.
 */
export function guard(host: Host, desired: Desired, options: GuardOptions = {}): AsyncGenerator<Report, undefined> {
  return new Watchman(host, desired, options).run();
}

/** Whether what went wrong passes by itself: somebody else is at work. */
export function isPassing(error: unknown): boolean {
  return error instanceof TransactionError && (error.code === "ERR_LOCKED" || error.code === "ERR_PENDING");
}

/** Whether it takes a link that is made again, which nobody allowed. */
const isUnallowed = (error: unknown): boolean => error instanceof ApplyError && error.code === "ERR_RECREATE";
