/** An application that is all or nothing, also where whoever does it is killed. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../host.ts";
import { StaleGenerationError } from "../nftables/index.ts";
import type { Probe } from "../probe/index.ts";
import { ApplyError, type ApplyOptions, apply, refuseRecreation } from "../state/apply.ts";
import type { Desired } from "../state/desired.ts";
import { Secrets } from "../state/secrets.ts";
import type { Plan } from "../state/step.ts";
import { judge, type Verification } from "../state/verify.ts";
import { goBack } from "./back.ts";
import { uptime } from "./boot.ts";
import { type Check, checksAfter } from "./checks.ts";
import { TransactionError } from "./error.ts";
import { Guardian } from "./guardian.ts";
import type { Journal, Witness } from "./journal.ts";
import { forgetReport } from "./report.ts";
import { describeWayBack, messageOf, RefusedError, RevertedError } from "./reverted.ts";
import { Store, type StoreOptions } from "./store.ts";
import { changedSteps, keep, type Mode, type Planned, planFor, type Wanted } from "./wanted.ts";

/** Options of {@link transact}. */
export interface TransactOptions extends StoreOptions, Pick<ApplyOptions, "allowRecreate" | "onProgress"> {
  /** `apply`, the default, makes the document true; `remove` takes away what it describes. */
  readonly mode?: Mode | undefined;
  /** Seconds within which `confirm` has to be called, else the old state is put back; 0 waits for nobody. Default: what the document says, else 0. */
  readonly confirm?: number | undefined;
  /** Called with each plan before it is carried out: a second time where the host changed meanwhile. */
  readonly onPlan?: ((planned: Planned) => void) | undefined;
  /** Looks whether the new state is good for something; called again after the old state was put back. */
  readonly probe?: ((planned: Planned) => Promise<readonly Check[]>) | undefined;
  /** What the same asks, as data: whoever else puts the old state back, a guardian as well, asks it afterwards. */
  readonly probes?: ((planned: Planned) => readonly Probe[]) | undefined;
  /** For tests. */
  readonly witness?: Witness | undefined;
}

/** What {@link transact} did. */
export interface Transacted {
  /** `unchanged`: there was nothing to do. `unconfirmed`: it is done, and is taken back unless somebody confirms. */
  readonly state: "unchanged" | "committed" | "unconfirmed";
  readonly plan: Plan;
  /** Number of requests that changed something. */
  readonly requests: number;
  readonly verification: Verification;
  readonly checks: readonly Check[];
  /** Which application it is, for whoever waits for its end. */
  readonly id?: string;
  /** When the old state is put back. */
  readonly deadline?: Date;
}

/** How often a host is planned for anew that changes meanwhile. */
const ATTEMPTS = 5;
/** Milliseconds for the kernel to settle, such as a carrier that is found, and between two looks. */
const SETTLE = 1000;
const PAUSE = 50;

/** The longest time to confirm in, in seconds: a day. */
export const LONGEST_CONFIRM = 86_400;

function checkConfirm(confirm: number): void {
  if (Number.isInteger(confirm) && confirm >= 0 && confirm <= LONGEST_CONFIRM) return;
  throw new TypeError(`confirm: expected whole seconds from 0 to ${LONGEST_CONFIRM}, got ${String(confirm)}`);
}

interface Prepared {
  readonly planned: Planned;
  readonly journal: Journal;
  readonly guardian: Guardian | undefined;
}

/** Whether somebody else changed our rules after they were planned for, and all that had been done is undone. */
function isOvertaken(error: unknown): boolean {
  return error instanceof ApplyError && error.cause instanceof StaleGenerationError && error.undoFailed.length === 0;
}

/** One application, from the plan to its end. The lock is held all the time. */
class Transaction {
  readonly #host: Host;
  readonly #store: Store;
  readonly #wanted: Wanted;
  readonly #options: TransactOptions;
  readonly #confirm: number;
  /** How often it was planned for. */
  #attempts = 0;

  constructor(host: Host, store: Store, desired: Desired, options: TransactOptions) {
    this.#host = host;
    this.#store = store;
    this.#wanted = { desired, mode: options.mode ?? "apply" };
    this.#options = options;
    this.#confirm = options.confirm ?? desired.confirm ?? 0;
  }

  async run(): Promise<Transacted> {
    for (;;) {
      const prepared = await this.#prepare();
      if ("state" in prepared) return prepared;
      const done = await this.#tryOnce(prepared);
      if (done !== undefined) return done;
    }
  }

  /** Carries it out; undefined where somebody else came first, and it has to be planned again. */
  async #tryOnce({ planned, journal, guardian }: Prepared): Promise<Transacted | undefined> {
    await using _ = journal;
    try {
      return await this.#carryOut(planned, journal, guardian);
    } catch (error) {
      if (!isOvertaken(error)) throw error;
      return undefined;
    } finally {
      if (journal.isOver) guardian?.dismiss();
      else guardian?.handOver();
    }
  }

  /** A plan that is still right when the journal is on the disk and the guardian ready. */
  async #prepare(): Promise<Prepared | Transacted> {
    let planned = await this.#plan();
    while (this.#attempts++ < ATTEMPTS) {
      this.#options.onPlan?.(planned);
      const { plan } = planned;
      refuseRecreation(plan, this.#wanted.desired.source, this.#options.allowRecreate);
      if (plan.steps.length === 0)
        return { state: "unchanged", plan, requests: 0, verification: judge(plan), checks: [] };
      const prepared = await this.#arm(planned);
      try {
        const again = await this.#plan();
        if (changedSteps(plan.steps, again.plan.steps).length === 0) return { ...prepared, planned };
        planned = again;
      } catch (error) {
        await this.#disarm(prepared, messageOf(error));
        throw error;
      }
      await this.#disarm(prepared, "the host changed before it began");
    }
    const message = `the host changed each of the ${ATTEMPTS} times that it was planned for, and is left as it was: find out who changes it`;
    throw new TransactionError("ERR_UNSTEADY", message);
  }

  #plan(): Promise<Planned> {
    return planFor(this.#host, this.#wanted, this.#options.signal);
  }

  async #arm(planned: Planned): Promise<Omit<Prepared, "planned">> {
    const { steps } = planned.plan;
    const probes = this.#options.probes?.(planned) ?? [];
    const what = {
      document: keep(this.#wanted, steps),
      steps,
      ...(probes.length > 0 && { probes }),
      ...(this.#confirm > 0 && { confirm: this.#confirm }),
    };
    await forgetReport(this.#store.directory);
    const journal = await this.#store.begin(what, this.#options.witness);
    try {
      const { directory, begin } = journal;
      const charge = { directory, id: begin.id, seconds: this.#confirm };
      return { journal, guardian: this.#confirm > 0 ? await Guardian.arm(this.#host, charge) : undefined };
    } catch (error) {
      await journal.end("reverted", "there was no guardian");
      await journal[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Nothing was changed yet. */
  async #disarm({ journal, guardian }: Omit<Prepared, "planned">, why: string): Promise<void> {
    guardian?.dismiss();
    await journal.end("reverted", why);
    await journal[Symbol.asyncDispose]();
  }

  async #carryOut(planned: Planned, journal: Journal, guardian: Guardian | undefined): Promise<Transacted> {
    // The guardian's time began a little earlier.
    const deadline = uptime() + this.#confirm;
    const due = new Date(Date.now() + this.#confirm * 1000);
    const { plan } = planned;
    const { requests } = await this.#apply(planned, journal);
    const { verification, checks } = await this.#judged(planned, journal, async () => {
      if (guardian === undefined) return await journal.append({ type: "done" });
      await journal.append({ type: "wait", deadline });
      await guardian.entrust();
    });
    const done = { plan, requests, verification, checks };
    if (guardian !== undefined) return { state: "unconfirmed", ...done, id: journal.begin.id, deadline: due };
    await journal.end("committed");
    return { state: "committed", ...done };
  }

  /** What was found to be good, and written down as such; whatever goes wrong on the way, the old state is put back. */
  async #judged(
    planned: Planned,
    journal: Journal,
    write: () => Promise<void>,
  ): Promise<Pick<Transacted, "verification" | "checks">> {
    let verification: Verification | undefined;
    let checks: readonly Check[] = [];
    const bad = (reason: string, cause?: unknown): Promise<RevertedError> =>
      this.#revert(planned, journal, reason, { verification, checks, cause });
    try {
      verification = await this.#verify(planned.plan);
      if (verification.ok) checks = (await this.#options.probe?.(planned)) ?? [];
      if (verification.ok && checks.every(({ ok }) => ok)) {
        await write();
        return { verification, checks };
      }
    } catch (cause) {
      throw await bad(messageOf(cause), cause);
    }
    if (!verification.ok) throw await bad("it did not become what the document says");
    const failed = checks.filter(({ ok }) => !ok);
    throw await bad(failed.map(({ text }) => text).join("; "));
  }

  async #apply(planned: Planned, journal: Journal): Promise<{ readonly requests: number }> {
    const { signal, allowRecreate, onProgress } = this.#options;
    try {
      return await apply(this.#host, planned.plan, {
        signal,
        allowRecreate,
        onProgress,
        secrets: new Secrets(journal.directory),
        source: this.#wanted.desired.source,
        onRequest: ([step = 0, ...more], move) =>
          journal.append({ type: "do", step, move, ...(more.length > 0 && { last: step + more.length }) }),
        onUndo: (why, nothing) =>
          journal.note({ type: "back", reason: messageOf(why), ...(nothing.length > 0 && { nothing }) }),
      });
    } catch (error) {
      if (!(error instanceof ApplyError))
        throw await this.#revert(planned, journal, messageOf(error), { cause: error });
      // What could not be undone is left to `recover`, which reads the journal.
      if (error.undoFailed.length === 0) await journal.end("reverted", messageOf(error));
      if (isOvertaken(error)) throw error;
      throw new RefusedError(error, error.undone.length === 0 ? [] : await this.#checksAfter(planned));
    }
  }

  /** What the checks find now that the old state is back. */
  async #checksAfter(planned: Planned): Promise<readonly Check[]> {
    const { probe } = this.#options;
    return probe === undefined ? [] : await checksAfter(() => probe(planned));
  }

  /** Reads back until it is as it should be, or had time enough. */
  async #verify(planned: Plan): Promise<Verification> {
    for (const end = performance.now() + SETTLE; ; await sleep(PAUSE)) {
      const verification = judge((await this.#plan()).plan, planned);
      if (verification.ok || performance.now() > end) return verification;
    }
  }

  async #revert(
    planned: Planned,
    journal: Journal,
    reason: string,
    found: Partial<Pick<RevertedError, "verification" | "checks">> & { readonly cause?: unknown },
  ): Promise<RevertedError> {
    const wayBack = await goBack(this.#host, journal, reason);
    if (wayBack.failed.length === 0) await journal.end("reverted", reason);
    const message = `${reason}; ${describeWayBack(wayBack)}`;
    const { verification, checks = [], cause } = found;
    const again = await this.#checksAfter(planned);
    return new RevertedError(message, { verification, cause, wayBack, checks, checksAfter: again });
  }
}

/**
 * Makes a host what a document says, or leaves it as it was: everything is in a journal before the first request, read
 * back afterwards, and undone where anything is not as it should be. Where this process is killed on the way,
 * {@link recover} puts the old state back; with `confirm` a guardian does so at once.
 * Same as: linkwright apply
 *
 * @throws {RefusedError} where a step was refused; what was done before is undone.
 * @throws {RevertedError} where the new state is not what it should be, or a check failed.
 * @throws {TransactionError} where it could not begin, and nothing was changed; `ERR_UNSTEADY` where others kept changing the
 *   host, and what had been done by then, if anything, is undone.
 */
export async function transact(host: Host, desired: Desired, options: TransactOptions = {}): Promise<Transacted> {
  checkConfirm(options.confirm ?? 0);
  const store = await Store.open(host, options);
  await using _ = await store.lock();
  await store.refusePending();
  return await new Transaction(host, store, desired, options).run();
}
