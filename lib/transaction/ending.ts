/** How an application ends: confirmed, taken back, or found interrupted. */
import { setTimeout as sleep } from "node:timers/promises";
import { Host } from "../host.ts";
import { goBack, type WayBack } from "./back.ts";
import { uptime } from "./boot.ts";
import { type Check, checksAfter, checksOf } from "./checks.ts";
import { namespaceDirectories } from "./directory.ts";
import { TransactionError } from "./error.ts";
import { type Begin, type End, Journal, type Outcome, type Witness } from "./journal.ts";
import { forgetReport } from "./report.ts";
import { clock, rootOf, Store, type StoreOptions, seconds } from "./store.ts";

/** Milliseconds between two looks at a journal. */
const PAUSE = 100;

/** An application that is kept; `begun` is when it began. */
export interface Committed {
  readonly state: "committed";
  readonly begun: string;
}
/** An application that was taken back. */
export interface Reverted {
  readonly state: "reverted";
  readonly begun: string;
  readonly wayBack: WayBack;
  /** What the document's probes find now that the old state is back; empty where it has none. */
  readonly checksAfter: readonly Check[];
}
/** How an application ended; `nothing` where there was none to end. */
export type Ended = Committed | Reverted | { readonly state: "nothing" };

/** What became of the last application, for whoever comes too late. */
async function nothingPending(store: Store): Promise<TransactionError> {
  const last = await Journal.readLast(store.directory);
  const end = last?.entries.find((entry) => entry.type === "end");
  if (last === undefined || end === undefined)
    return new TransactionError("ERR_NOT_PENDING", "nothing waits to be confirmed");
  const why = end.reason === undefined ? "" : `: ${end.reason}`;
  const what = `the last application, of ${clock(last.begin.at)}, was ${end.outcome} at ${clock(end.at)}${why}`;
  return new TransactionError("ERR_NOT_PENDING", `nothing waits to be confirmed; ${what}`);
}

/** Ends a journal; what a guardian could not do about it is old news then. */
async function end(journal: Journal, outcome: Outcome, reason?: string): Promise<void> {
  await forgetReport(journal.directory);
  await journal.end(outcome, reason);
}

/** Keeps what was applied with `confirm`. Same as: linkwright confirm @throws {TransactionError} `ERR_NOT_PENDING` */
export async function confirm(host: Host, options: StoreOptions = {}): Promise<Committed> {
  const store = await Store.open(host, options);
  await using _ = await store.lock();
  await using journal = await store.journal();
  if (journal === undefined) throw await nothingPending(store);
  const last = journal.entries.at(-1);
  if (last?.type !== "wait" || last.deadline < uptime())
    throw new TransactionError(
      "ERR_NOT_PENDING",
      last?.type === "wait"
        ? "it is too late to keep it; where nobody has put the old state back in a moment, do so with linkwright revert"
        : "it was interrupted; put the host in order with linkwright recover",
    );
  await end(journal, "committed");
  return { state: "committed", begun: journal.begin.at };
}

/** Puts the old state back now, instead of at the deadline. Same as: linkwright revert @throws {TransactionError} `ERR_NOT_PENDING` */
export async function revert(host: Host, options: StoreOptions = {}): Promise<Reverted> {
  const store = await Store.open(host, options);
  await using _ = await store.lock();
  await using journal = await store.journal();
  if (journal === undefined) throw await nothingPending(store);
  return await takeBack(host, journal, "somebody took it back");
}

async function takeBack(host: Host, journal: Journal, reason: string): Promise<Reverted> {
  const { at, probes = [] } = journal.begin;
  const wayBack = await goBack(host, journal, reason);
  if (wayBack.failed.length === 0) await end(journal, "reverted", reason);
  const checks = probes.length === 0 ? [] : await checksAfter(() => checksOf(host, probes));
  return { state: "reverted", begun: at, wayBack, checksAfter: checks };
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
    await end(journal, "committed", "finished by recover");
    return { state: "committed", begun: journal.begin.at };
  }
  if (last?.type === "wait" && last.deadline > uptime()) {
    const left = seconds(last.deadline - uptime());
    const wayOut = "linkwright confirm keeps it, linkwright revert takes it back";
    throw new TransactionError(
      "ERR_PENDING",
      `what was applied at ${clock(journal.begin.at)} waits ${left} more to be confirmed: ${wayOut}`,
    );
  }
  return await takeBack(host, journal, "it was interrupted");
}

/** Takes a journal away without looking at it, and leaves the host as it is. Same as: linkwright recover --discard */
export async function discard(host: Host, options: StoreOptions = {}): Promise<boolean> {
  const store = await Store.open(host, options);
  await using _ = await store.lock();
  await forgetReport(store.directory);
  return await Journal.discard(store.directory);
}

/** What {@link recoverAll} found in one namespace. */
export interface Found {
  /** The directory of its journal. */
  readonly directory: string;
  /** Its name, where it has one. */
  readonly netns?: string;
  /** What became of it; absent where its namespace is not here. */
  readonly ended?: Ended;
  /** Why it could not be ended. */
  readonly error?: unknown;
}

/** A host for the namespace that a journal names; undefined where that is not here. */
async function hostOf({ name, inode }: Begin["netns"]): Promise<Host | undefined> {
  try {
    const host = await Host.open(name === undefined ? {} : { netns: name });
    if (host.netns.identity.inode === inode) return host;
    host.close();
  } catch {
    // It is gone.
  }
  return undefined;
}

/** {@link recover} for every namespace that has a journal: what a machine does when it starts. */
export async function recoverAll(options: StoreOptions = {}): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const directory of await namespaceDirectories(rootOf(options)))
    try {
      const record = await Journal.read(directory);
      if (record === undefined) continue;
      const { netns } = record.begin;
      const name = netns.name === undefined ? {} : { netns: netns.name };
      await using host = await hostOf(netns);
      found.push({ directory, ...name, ...(host !== undefined && { ended: await recover(host, options) }) });
    } catch (error) {
      found.push({ directory, error });
    }
  return found;
}

/** Waits until an application is confirmed or taken back, by whomever. */
export async function untilEnded(host: Host, id: string, options: StoreOptions = {}): Promise<Omit<End, "type">> {
  const { directory } = await Store.open(host, options);
  for (;;) {
    if ((await Journal.read(directory))?.begin.id !== id) break;
    await sleep(PAUSE, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
  const last = await Journal.readLast(directory);
  const end = last?.entries.find((entry) => entry.type === "end");
  // Without a line about its end there was no room for one, as only whoever takes back is content to do without.
  if (last?.begin.id === id && end !== undefined) return end;
  return { outcome: "reverted", at: new Date().toISOString() };
}
