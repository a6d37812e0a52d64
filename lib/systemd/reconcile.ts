/** The service that keeps a host what its document says, as systemd wants services to be. */
import { type GuardOptions, guard, type Report } from "../drift/index.ts";
import type { Host } from "../host.ts";
import type { Desired } from "../state/desired.ts";
import type { Verification } from "../state/verify.ts";
import type { Pending } from "../transaction/index.ts";
import { settle } from "./at-boot.ts";
import type { Tell } from "./notify.ts";

/** What the service does at the moment, in words, and since when. */
export interface ServiceStatus {
  readonly state: "starting" | "ok" | "drift" | "failed";
  readonly text: string;
  readonly since: string;
  /** How often the host was looked at. */
  readonly rounds: number;
  /** How often something was put right. */
  readonly repairs: number;
  /** What differs from the document, object and property without values, and since when; absent where nothing does. */
  readonly differing?: { readonly since: string; readonly what: readonly string[] };
  /** Why the document that was to be read again is not in force; absent where it is. */
  readonly warning?: string;
}

/** What the service says at its socket to whoever asks for its status. */
export interface ServiceTold extends ServiceStatus {
  /** The file with the document. */
  readonly document: string;
  /** The application that is not over. */
  readonly pending?: Pending;
}

/** Options of {@link Reconciler}. */
export interface ReconcileOptions extends Pick<GuardOptions, "directory" | "allowRecreate" | "interval" | "paces"> {
  /** For a document, what {@link GuardOptions.planCheck} is. */
  readonly planCheck?: ((desired: Desired) => ReturnType<NonNullable<GuardOptions["planCheck"]>>) | undefined;
  /** Reads the document: at the beginning, and whenever it is to be read again. */
  readonly read: () => Promise<Desired>;
  readonly tell: Tell;
  /** Seconds within which systemd wants to hear of a successful round; absent where it does not. */
  readonly watchdog?: number | undefined;
  readonly onReport?: ((report: Report) => Promise<void>) | undefined;
}

/** Seconds between two looks where no change is told. */
const INTERVAL = 30;

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";

/** Names only: values may be for root alone, as filter rules are. */
function namesIn({ differences }: Verification): readonly string[] {
  return differences.map(({ object, subject, field }) => `${object} ${subject}: ${field}`);
}

function textOf(report: Report): string {
  switch (report.type) {
    case "ok":
      return `as the document says, ${report.verification.counts.same} properties`;
    case "drift":
      return `${report.verification.differences.length} differ: ${[
        ...new Set(report.verification.differences.map(({ object, subject }) => `${object} ${subject}`)),
      ].join(", ")}`;
    case "repaired":
      return report.contested ? "put right; somebody keeps undoing it" : "put right";
    case "failed":
      return firstLine(report.error);
  }
}

/** Looks, puts right, tells systemd; reads its document again when it is told to. */
export class Reconciler {
  readonly #host: Host;
  readonly #options: ReconcileOptions;
  readonly #ended = new AbortController();
  /** Whether the host could ever be looked at. */
  #looked = false;
  #again = new AbortController();
  #status: ServiceStatus = {
    state: "starting",
    text: "reads its document",
    since: new Date().toISOString(),
    rounds: 0,
    repairs: 0,
  };

  constructor(host: Host, options: ReconcileOptions) {
    this.#host = host;
    this.#options = options;
  }

  get status(): ServiceStatus {
    return this.#status;
  }

  /** Reads the document again. Same as: systemctl reload linkwright */
  reload(): void {
    this.#again.abort();
  }

  /** Ends it; the host stays as it is. */
  stop(): void {
    this.#ended.abort();
    this.#again.abort();
  }

  /** Runs until it is stopped. @throws {ConfigError} where the first document is wrong; a later one is only told of. */
  async run(): Promise<void> {
    let desired = await this.#options.read();
    await settle(this.#host, { directory: this.#options.directory, signal: this.#ended.signal });
    while (!this.#ended.signal.aborted) {
      this.#again = new AbortController();
      await this.#keep(desired, this.#again.signal);
      if (!this.#ended.signal.aborted) desired = await this.#readAgain(desired);
    }
    this.#options.tell("STOPPING=1");
  }

  async #keep(desired: Desired, again: AbortSignal): Promise<void> {
    const { directory, allowRecreate, paces, watchdog, tell, onReport, planCheck } = this.#options;
    const interval = Math.min(this.#options.interval ?? INTERVAL, (watchdog ?? Number.POSITIVE_INFINITY) / 3);
    const signal = AbortSignal.any([this.#ended.signal, again]);
    const onRound = (): void => {
      this.#looked = true;
      this.#status = { ...this.#status, rounds: this.#status.rounds + 1 };
    };
    const onSuccess = (): void => {
      if (watchdog !== undefined) tell("WATCHDOG=1");
    };
    for await (const report of guard(this.#host, desired, {
      ...{ directory, allowRecreate, paces, interval, signal, onRound, onSuccess },
      ...(planCheck !== undefined && { planCheck: () => planCheck(desired) }),
      reconcile: true,
    })) {
      // What was cut off by its end is no finding.
      if (signal.aborted) break;
      await onReport?.(report);
      this.#take(report);
      this.#tellStatus();
    }
  }

  /** Ready is who could look at the host. */
  #tellStatus(): void {
    this.#options.tell(...(this.#looked ? ["READY=1"] : []), `STATUS=${this.#words}`);
  }

  #take(report: Report): void {
    const repaired = report.type === "repaired";
    const { differing, ...before } = this.#status;
    const since = new Date().toISOString();
    const now =
      report.type === "drift"
        ? { since: differing?.since ?? since, what: namesIn(report.verification) }
        : report.type === "failed"
          ? differing
          : undefined;
    this.#status = {
      ...before,
      state: repaired ? "ok" : report.type,
      text: textOf(report),
      since,
      repairs: before.repairs + (repaired ? 1 : 0),
      ...(now !== undefined && { differing: now }),
    };
  }

  /** The new document; the old one where it is wrong. */
  async #readAgain(old: Desired): Promise<Desired> {
    const { tell, read, onReport } = this.#options;
    if (this.#looked)
      tell("RELOADING=1", `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`, "STATUS=reads its document again");
    const { warning: _, ...status } = this.#status;
    try {
      const desired = await read();
      this.#status = status;
      return desired;
    } catch (error) {
      await onReport?.({ type: "failed", error });
      this.#status = { ...status, warning: `the old document is kept: ${firstLine(error)}` };
      return old;
    } finally {
      this.#tellStatus();
    }
  }

  get #words(): string {
    const { text, warning } = this.#status;
    return warning === undefined ? text : `${text}; ${warning}`;
  }
}
