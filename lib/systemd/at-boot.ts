/** Applies a document when a machine starts: links that others make may come a little later. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Host } from "../host.ts";
import type { Desired } from "../state/desired.ts";
import type { Plan } from "../state/step.ts";
import { recover, type Transacted, TransactionError, type TransactOptions, transact } from "../transaction/index.ts";

/** Milliseconds between two tries. */
const PAUSE = 250;

/** Options of {@link applyAtBoot}. */
export interface BootOptions extends Pick<TransactOptions, "directory" | "allowRecreate" | "signal"> {
  /** Seconds in which what the document needs has to be there. */
  readonly patience: number;
  /** Gives, for each try, what looks through its plan; what that throws is a reason to wait. */
  readonly planCheck?: (() => Promise<(plan: Plan) => void>) | undefined;
  /** Called with each new reason to wait. */
  readonly onWait?: ((error: unknown) => Promise<void>) | undefined;
}

/** Ends what was interrupted; what waits to be confirmed is left alone. */
export async function settle(host: Host, options: Pick<TransactOptions, "directory" | "signal">): Promise<void> {
  try {
    await recover(host, options);
  } catch (error) {
    if (!(error instanceof TransactionError && error.code === "ERR_PENDING")) throw error;
  }
}

/**
 * Makes the host what the document says, as soon as that can be. Nobody has to confirm it, and nothing is probed: a host
 * that cannot be reached yet is no reason to have no network. Same as: linkwright systemd apply
 *
 * @throws whatever the last try threw; what that had done is undone, as far as it does not say otherwise.
 */
export async function applyAtBoot(host: Host, desired: Desired, options: BootOptions): Promise<Transacted> {
  const { patience, onWait, planCheck, ...rest } = options;
  const end = performance.now() + patience * 1000;
  await settle(host, rest);
  for (let told = ""; ; ) {
    try {
      const check = await planCheck?.();
      return await transact(host, desired, { ...rest, confirm: 0, onPlan: ({ plan }) => check?.(plan) });
    } catch (error) {
      if (rest.signal?.aborted === true || performance.now() > end) throw error;
      const text = String(error);
      if (text !== told) await onWait?.(error);
      told = text;
      await sleep(PAUSE, undefined, rest.signal === undefined ? {} : { signal: rest.signal });
    }
  }
}
