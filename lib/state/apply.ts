/** Carries a plan out, and back where a step is refused. It decides nothing. */
import type { Host } from "../host.ts";
import { escaped } from "./error.ts";
import { mayBeDone, type Perform, performer, type UndoFailure, undoAll } from "./perform.ts";
import { placed, refusal, rivalOf } from "./refusal.ts";
import { type Secrets, secretsOf } from "./secrets.ts";
import type { Source } from "./source.ts";
import { type Plan, type Request, recreates, type Step } from "./step.ts";

/** What happened to a step. */
export interface Progress {
  readonly step: Step;
  /** From 1. */
  readonly number: number;
  readonly of: number;
  readonly state: "begin" | "done" | "undone" | "undo failed";
}
/** A request of a plan. */
export interface Place {
  /** From 0. */
  readonly step: number;
  /** Which of the step's moves, from 0. */
  readonly move: number;
}
/** Options of an application. */
export interface ApplyOptions {
  /** Stops before the next request, and undoes what was done. */
  readonly signal?: AbortSignal | undefined;
  /** Links may be deleted and made again. */
  readonly allowRecreate?: boolean | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * Awaited before each request, or before many that are made at once, by the numbers of their steps, one after the other,
   * and of the move in each: whoever keeps a journal writes it there.
   */
  readonly onRequest?: ((steps: readonly number[], move: number) => Promise<void>) | undefined;
  /** Awaited before anything is undone; `nothing` are requests that were announced and are known to have done nothing. */
  readonly onUndo?: ((why: unknown, nothing: readonly Place[]) => Promise<void>) | undefined;
  /** Keeps the keys that are replaced; by default in memory, as long as the host is open. */
  readonly secrets?: Secrets | undefined;
  /** The document that the plan was made from: a refusal is told with its place there. */
  readonly source?: Source | undefined;
}
/** What was done. */
export interface Applied {
  readonly steps: readonly Step[];
  /** Number of requests that were made. */
  readonly requests: number;
}
/** A step was refused. What had been done before was undone, as far as `undoFailed` does not say otherwise. */
export class ApplyError extends Error {
  override readonly name = "ApplyError";
  readonly code: "ERR_APPLY" | "ERR_RECREATE" | "ERR_ABORTED";
  readonly step: Step;
  /** Steps that had been done. */
  readonly done: readonly Step[];
  readonly undone: readonly Step[];
  readonly undoFailed: readonly UndoFailure[];

  constructor(
    code: ApplyError["code"],
    message: string,
    parts: Pick<ApplyError, "step" | "done" | "undone" | "undoFailed"> & { readonly cause?: unknown },
  ) {
    super(message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.code = code;
    this.step = parts.step;
    this.done = parts.done;
    this.undone = parts.undone;
    this.undoFailed = parts.undoFailed;
  }
}

function fateOf(failed: readonly UndoFailure[]): string {
  return failed.length === 0 ? "undone" : `${failed.length} ${failed.length === 1 ? "undoing" : "undoings"} refused`;
}

/** What was done so far, and how to take it back. */
class Log {
  readonly done: Step[] = [];
  requests = 0;
  readonly #undo: { readonly placed: Placed; readonly requests: readonly Request[] }[] = [];

  made(placed: Placed, undo: readonly Request[]): void {
    this.requests++;
    this.#undo.push({ placed, requests: undo });
  }

  async back(
    perform: Perform,
    report: (placed: Placed, failed: boolean) => void,
  ): Promise<{ undone: Step[]; failed: UndoFailure[] }> {
    const undone: Step[] = [];
    const failed: UndoFailure[] = [];
    for (const { placed, requests } of this.#undo.reverse()) {
      const now = await undoAll(perform, requests);
      failed.push(...now);
      if (undone.at(-1) !== placed.step) undone.push(placed.step);
      report(placed, now.length > 0);
    }
    return { undone, failed };
  }
}

/**
 * Throws where a plan makes links again and nobody allowed it.
 *
 * @throws {ApplyError} `ERR_RECREATE`
 */
export function refuseRecreation(plan: Plan, source: Source | undefined, allowed: boolean | undefined): void {
  const [again] = recreates(plan);
  if (again === undefined || allowed === true) return;
  const drops = escaped(again.drops.join(", "));
  const text = `link ${escaped(again.subject)} has to be made again: ${escaped(again.reason)}; it drops ${drops}; allow it with allowRecreate (--allow-recreate)`;
  const message = placed({ step: again, request: undefined, error: undefined }, source, text);
  throw new ApplyError("ERR_RECREATE", message, { step: again, done: [], undone: [], undoFailed: [] });
}

/** A step, and its place in the plan. */
interface Placed {
  readonly step: Step;
  readonly at: number;
}

/** Steps that are made at once, at most. */
const AT_ONCE = 256;

/** An entry that is made by one request, and that no step of its kind has to wait for. */
function isPlain({ action, restores, moves: [first, ...more] }: Step): boolean {
  const { object, verb } = first?.request ?? {};
  return (
    (object === "fdb" || object === "neighbor") &&
    (verb === "create" || verb === "append" || verb === "replace") &&
    action === "create" &&
    restores !== true &&
    more.length === 0
  );
}

/** The steps in their order, those together that may be made at once. */
function batches(steps: readonly Step[]): readonly (readonly Placed[])[] {
  const found: Placed[][] = [];
  for (const [at, step] of steps.entries()) {
    const last = found.at(-1);
    const before = last?.[0]?.step;
    const joins = before !== undefined && isPlain(before) && isPlain(step) && before.object === step.object;
    if (joins && last !== undefined && last.length < AT_ONCE) last.push({ step, at });
    else found.push([{ step, at }]);
  }
  return found;
}

/** A request that was refused, and what is known of those beside it. */
class Refusal {
  readonly at: number;
  readonly step: Step;
  readonly request: Request | undefined;
  readonly cause: unknown;
  /** Requests that are known to have done nothing. */
  readonly nothing: readonly Place[];

  constructor({ at, step }: Placed, request: Request | undefined, cause: unknown, nothing: readonly Place[]) {
    this.at = at;
    this.step = step;
    this.request = request;
    this.cause = cause;
    this.nothing = nothing;
  }
}

/** One application of a plan. */
class Application {
  readonly #host: Host;
  readonly #plan: Plan;
  readonly #options: ApplyOptions;
  readonly #secrets: Secrets;
  readonly #perform: Perform;
  readonly #log = new Log();

  constructor(host: Host, plan: Plan, options: ApplyOptions) {
    this.#host = host;
    this.#secrets = options.secrets ?? secretsOf(host);
    this.#perform = performer(host, this.#secrets);
    this.#plan = plan;
    this.#options = options;
  }

  async run(): Promise<Applied> {
    try {
      for (const batch of batches(this.#plan.steps)) await this.#make(batch);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw await this.#back(error);
    }
    return { steps: this.#log.done, requests: this.#log.requests };
  }

  #tell({ step, at }: Placed, state: Progress["state"]): void {
    this.#options.onProgress?.({ step, number: at + 1, of: this.#plan.steps.length, state });
  }

  async #make(batch: readonly Placed[]): Promise<void> {
    for (const one of batch) this.#tell(one, "begin");
    const [first] = batch;
    if (first !== undefined && batch.length === 1) await this.#makeOne(first);
    else await this.#makeAll(batch);
    for (const one of batch) {
      this.#log.done.push(one.step);
      this.#tell(one, "done");
    }
  }

  /** One step, move by move. */
  async #makeOne(placed: Placed): Promise<void> {
    const { step, at } = placed;
    for (const [move, { request, undo: back }] of step.moves.entries()) {
      let begun = false;
      try {
        this.#options.signal?.throwIfAborted();
        await this.#secrets.hold(this.#host, back);
        await this.#options.onRequest?.([at], move);
        begun = true;
        await this.#perform(request);
      } catch (cause) {
        const partly = begun && mayBeDone(request, cause);
        if (partly) this.#log.made(placed, back);
        throw new Refusal(placed, request, cause, partly ? [] : [{ step: at, move }]);
      }
      this.#log.made(placed, back);
    }
  }

  /** Many steps of one move each, at once. */
  async #makeAll(batch: readonly Placed[]): Promise<void> {
    const [first] = batch;
    if (first === undefined) return;
    try {
      this.#options.signal?.throwIfAborted();
      await this.#options.onRequest?.(
        batch.map(({ at }) => at),
        0,
      );
    } catch (cause) {
      throw new Refusal(
        first,
        undefined,
        cause,
        batch.map(({ at }) => ({ step: at, move: 0 })),
      );
    }
    const requests = batch.map(({ step }) => step.moves[0]?.request as Request);
    const results = await Promise.allSettled(requests.map(this.#perform));
    const nothing: Place[] = [];
    for (const [i, result] of results.entries()) {
      const placed = batch[i] as Placed;
      if (result.status === "fulfilled" || mayBeDone(requests[i] as Request, result.reason))
        this.#log.made(placed, placed.step.moves[0]?.undo ?? []);
      else nothing.push({ step: placed.at, move: 0 });
    }
    const worst = results.findIndex(({ status }) => status === "rejected");
    if (worst < 0) return;
    const { reason } = results[worst] as PromiseRejectedResult;
    throw new Refusal(batch[worst] as Placed, requests[worst], reason, nothing);
  }

  /** Undoes what was done, and says why. */
  async #back(refused: Refusal): Promise<ApplyError> {
    const { at, step, request, cause } = refused;
    const { signal, source, onUndo } = this.#options;
    await onUndo?.(cause, refused.nothing);
    const { undone, failed } = await this.#log.back(this.#perform, (placed, bad) =>
      this.#tell(placed, bad ? "undo failed" : "undone"),
    );
    const told = { step, request, error: cause };
    const rival = await rivalOf(this.#host, told);
    const number = `step ${at + 1} of ${this.#plan.steps.length}`;
    const message = refusal(told, { number, fate: fateOf(failed), source, rival });
    const code = signal?.aborted === true ? "ERR_ABORTED" : "ERR_APPLY";
    return new ApplyError(code, message, { step, done: this.#log.done, undone, undoFailed: failed, cause });
  }
}

/**
 * Carries a plan out, step by step; entries that need nothing of each other are made at once. Where one is refused, all
 * before it are undone in reverse.
 *
 * @throws {ApplyError} with the step at fault, and with `ERR_RECREATE` before anything is done where the plan makes
 * links again and `allowRecreate` is not set.
 */
export async function apply(host: Host, plan: Plan, options: ApplyOptions = {}): Promise<Applied> {
  refuseRecreation(plan, options.source, options.allowRecreate);
  return await new Application(host, plan, options).run();
}
