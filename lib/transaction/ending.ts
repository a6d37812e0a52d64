/** How an application ends: confirmed, taken back, or found interrupted. */
import type { Host } from "../host.ts";
import { goBack, type WayBack } from "./back.ts";
import { uptime } from "./boot.ts";
import { TransactionError } from "./error.ts";
import { Journal, type Witness } from "./journal.ts";
import { Store, type StoreOptions, seconds } from "./store.ts";

/** What `confirm`, `revert` and `recover` found. */
export interface Ended {
  /** `committed`, `reverted`, or `nothing` where there was no application to end. */
  readonly state: "committed" | "reverted" | "nothing";
  /** When the application was begun. */
  readonly begun?: string;
  readonly wayBack?: WayBack;
}

/** What became of the last application, for whoever comes too late. */
async function nothingPending(store: Store): Promise<TransactionError> {
  const last = await Journal.readLast(store.directory);
  const end = last?.entries.find((entry) => entry.type === "end");
  if (last === undefined || end === undefined)
    return new TransactionError("ERR_NOT_PENDING", "nothing waits to be confirmed");
  const why = end.reason === undefined ? "" : `: ${end.reason}`;
  const what = `the last application, of ${last.begin.at}, was ${end.outcome} at ${end.at}${why}`;
  return new TransactionError("ERR_NOT_PENDING", `nothing waits to be confirmed; ${what}`);
}

/** Keeps what was applied with `confirm`. Same as: linkwright confirm @throws {TransactionError} `ERR_NOT_PENDING` */
export async function confirm(host: Host, options: StoreOptions = {}): Promise<Ended> {
  const store = await Store.open(host, options);
  await using _ = await store.lock();
  await using journal = await store.journal();
  if (journal === undefined) throw await nothingPending(store);
  const last = journal.entries.at(-1);
  if (last?.type !== "wait" || last.deadline < uptime())
    throw new TransactionError(
      "ERR_NOT_PENDING",
      last?.type === "wait"
        ? "it is too late: the old state is being put back"
        : "it was interrupted; put the host in order with linkwright recover",
    );
  await journal.end("committed");
  return { state: "committed", begun: journal.begin.at };
}

/** Puts the old state back now, instead of at the deadline. Same as: linkwright revert @throws {TransactionError} `ERR_NOT_PENDING` */
export async function revert(host: Host, options: StoreOptions = {}): Promise<Ended> {
  const store = await Store.open(host, options);
  await using _ = await store.lock();
  await using journal = await store.journal();
  if (journal === undefined) throw await nothingPending(store);
  return await takeBack(host, journal, "somebody took it back");
}

async function takeBack(host: Host, journal: Journal, reason: string): Promise<Ended> {
  const wayBack = await goBack(host, journal, reason);
  if (wayBack.failed.length === 0) await journal.end("reverted", reason);
  return { state: "reverted", begun: journal.begin.at, wayBack };
}

/** Options of {@link recover}. */
export interface RecoverOptions extends StoreOptions {
  /** For tests. */
  readonly witness?: Witness | undefined;
}

/**
 * Ends what was interrupted, by what its journal says: an application whose every step was done and found right is
 * kept, anything else is undone. What waits to be confirmed in time is left alone. It may be killed at any time and
 * called again; where there is nothing to do it does nothing. Same as: linkwright recover
 *
 * @throws {TransactionError} `ERR_JOURNAL` where the journal is damaged; `discard` takes it away.
 */
export async function recover(host: Host, options: RecoverOptions = {}): Promise<Ended> {
  const store = await Store.open(host, options);
  await using _ = await store.lock();
  await using journal = await store.journal(options.witness);
  if (journal === undefined) return { state: "nothing" };
  const last = journal.entries.at(-1);
  if (last?.type === "done" || (last?.type === "end" && last.outcome === "committed")) {
    await journal.end("committed", "finished by recover");
    return { state: "committed", begun: journal.begin.at };
  }
  if (last?.type === "wait" && last.deadline > uptime()) {
    const left = seconds(last.deadline - uptime());
    const wayOut = "linkwright confirm keeps it, linkwright revert takes it back";
    throw new TransactionError(
      "ERR_PENDING",
      `what was applied at ${journal.begin.at} waits ${left} more to be confirmed: ${wayOut}`,
    );
  }
  return await takeBack(host, journal, "it was interrupted");
}

/** Takes a journal away without looking at it, and leaves the host as it is. Same as: linkwright recover --discard */
export async function discard(host: Host, options: StoreOptions = {}): Promise<boolean> {
  const store = await Store.open(host, options);
  await using _ = await store.lock();
  return await Journal.discard(store.directory);
}
