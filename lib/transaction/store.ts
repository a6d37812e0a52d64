/** The place of one network namespace's journal, and whether the one that lies there is about the namespace that is. */
import { resolve } from "node:path";
import { loadBinding } from "../../native-bindings/index.ts";
import type { Host } from "../host.ts";
import { HERE, placeOf } from "../netns/netns.ts";
import { bootId, uptime } from "./boot.ts";
import { namespaceDirectories, namespaceDirectory, rootDirectory, stateDirectory } from "./directory.ts";
import { TransactionError } from "./error.ts";
import { type Begin, Journal, type Record, type Witness } from "./journal.ts";
import { Lock } from "./lock.ts";
import { nameOf } from "./place.ts";

/** Options of everything that has to do with journals. */
export interface StoreOptions {
  /**
   * Where journals are kept; by default /run/linkwright for root. It has to belong to this user, and nobody else may be
   * able to write to it.
   */
  readonly directory?: string | undefined;
  /** Seconds to wait while another process changes the same namespace; 10 by default, 0 not at all. */
  readonly wait?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The directory of journals; from here on it means the same wherever a process is. */
export function rootOf({ directory }: StoreOptions): string {
  return directory === undefined ? stateDirectory() : resolve(directory);
}

/** The same, made where it is not there. @throws {TransactionError} where others could have made it, or may write to it. */
export async function madeRoot(options: StoreOptions): Promise<string> {
  const root = rootOf(options);
  await rootDirectory(root);
  return root;
}

/** Seconds that a second run waits for the first. */
const WAIT = 10;

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_NETNS_COOKIE = 71;

/** A number that no other namespace of this boot has. Source: include/uapi/asm-generic/socket.h */
function cookieOf(fd: number): bigint | undefined {
  const native = loadBinding();
  const socket = native.open(AF_UNIX, SOCK_DGRAM, 0, fd);
  if (typeof socket === "number") return undefined;
  const out = new BigUint64Array(1);
  const length = native.getopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, new Uint8Array(out.buffer));
  native.close(socket);
  return length === 8 ? out[0] : undefined;
}

/** Whether a host is the namespace that this thread lives in, which takes no privilege to enter. */
export function isHere({ netns }: Host): boolean {
  return placeOf(netns) === HERE;
}

/** The namespace of a host, as a journal names it. */
export function namespaceOf(host: Host): Begin["netns"] {
  const { netns } = host;
  const cookie = cookieOf(placeOf(netns));
  const { inode } = netns.identity;
  const name = nameOf(netns);
  return { inode, ...(cookie !== undefined && { cookie }), ...(name !== undefined && { name }) };
}

/** Whether a journal or report tells of a namespace that is there no more, though another has its number. */
export function isStale({ boot, netns }: Pick<Begin, "boot" | "netns">, now: Begin["netns"]): boolean {
  return boot !== bootId() || (netns.cookie !== undefined && now.cookie !== undefined && netns.cookie !== now.cookie);
}

/** The journals of one namespace. */
export class Store {
  readonly directory: string;
  readonly #netns: Begin["netns"];
  readonly #options: StoreOptions;

  private constructor(directory: string, netns: Begin["netns"], options: StoreOptions) {
    this.directory = directory;
    this.#netns = netns;
    this.#options = options;
  }

  /** @throws {TransactionError} `ERR_STATE_DIRECTORY` */
  static async open(host: Host, options: StoreOptions = {}): Promise<Store> {
    const netns = namespaceOf(host);
    const root = rootOf(options);
    return new Store(await namespaceDirectory(root, netns.inode), netns, options);
  }

  /** Waits for whoever changes this namespace. @throws {TransactionError} `ERR_LOCKED` */
  lock(): Promise<Lock> {
    const { wait = WAIT, signal } = this.#options;
    return Lock.take(this.directory, wait, signal);
  }

  /** What the journal says that is there; one of a namespace that is gone is no more than a file. */
  async pending(): Promise<Record | undefined> {
    const record = await Journal.read(this.directory);
    return record === undefined || isStale(record.begin, this.#netns) ? undefined : record;
  }

  /** The journal that is there, to go on with; the lock has to be held. */
  async journal(witness?: Witness): Promise<Journal | undefined> {
    const journal = await Journal.open(this.directory, witness);
    if (journal === undefined || !isStale(journal.begin, this.#netns)) return journal;
    await journal[Symbol.asyncDispose]();
    await Journal.discard(this.directory);
    return undefined;
  }

  /** Begins a journal; the lock has to be held. @throws {TransactionError} `ERR_PENDING` where there is one. */
  async begin(what: Pick<Begin, "document" | "steps" | "probes" | "confirm">, witness?: Witness): Promise<Journal> {
    const by = { pid: process.pid, at: new Date().toISOString() };
    return Journal.create(this.directory, { boot: bootId(), netns: this.#netns, ...by, ...what }, witness);
  }

  /** @throws {TransactionError} `ERR_PENDING` where an application is not over. */
  async refusePending(): Promise<void> {
    const record = await this.pending();
    if (record !== undefined) throw pendingError(record);
  }
}

/** Seconds as people say them. */
export function seconds(count: number): string {
  const whole = Math.max(0, Math.round(count));
  return whole < 120 ? `${whole} s` : `${Math.round(whole / 60)} min`;
}

/** A time of day as a clock on the wall shows it, with the date where it is not of today. */
export function clock(at: string | Date): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString("en-GB");
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString("en-CA")} ${time}`;
}

/** An application that is not over. */
export interface Pending {
  /** When it began. */
  readonly begun: string;
  /** The process that began it. */
  readonly pid: number;
  /** Until when somebody may confirm it; absent where it is under way, or was interrupted. */
  readonly until?: string;
}

/**
 * The application of this namespace that is not over; undefined where there is none. Nothing is made or locked.
 *
 * @throws {TransactionError} where the directory or the journal cannot be trusted.
 */
export async function pendingOf(host: Host, options: StoreOptions = {}): Promise<Pending | undefined> {
  const now = namespaceOf(host);
  const directories = await namespaceDirectories(rootOf(options));
  const directory = directories.find((path) => path.endsWith(`/netns-${now.inode}`));
  const record = directory === undefined ? undefined : await Journal.read(directory);
  if (record === undefined || isStale(record.begin, now)) return undefined;
  const { at, pid } = record.begin;
  const last = record.entries.at(-1);
  if (last?.type !== "wait") return { begun: at, pid };
  return { begun: at, pid, until: new Date(Date.now() + (last.deadline - uptime()) * 1000).toISOString() };
}

/** What is to be said of an application that is not over. */
export function describePending({ begun, pid, until }: Pending): string {
  return until === undefined
    ? `the application that process ${pid} began at ${clock(begun)} is under way, or was interrupted: see linkwright recover`
    : `what was applied at ${clock(begun)} waits to be confirmed: linkwright confirm keeps it, linkwright revert takes it back`;
}

/**
 * What whoever only looks at a host should know of an application that is not over; undefined where there is none. Nothing
 * is made or locked. Where the directory was not named, one that cannot be looked into is passed over.
 */
export async function pendingRemark(host: Host, options: StoreOptions = {}): Promise<string | undefined> {
  try {
    const pending = await pendingOf(host, options);
    return pending && describePending(pending);
  } catch (error) {
    if (options.directory === undefined) return undefined;
    return `whether an application waits to be confirmed is not known: ${(error as Error).message}`;
  }
}

function pendingError({ begin, entries }: Record): TransactionError {
  const { pid } = begin;
  const last = entries.at(-1)?.type;
  if (last === "wait") {
    const wayOut = "keep it with linkwright confirm, or take it back with linkwright revert";
    return new TransactionError(
      "ERR_PENDING",
      `what was applied at ${clock(begin.at)} waits to be confirmed; ${wayOut}`,
      {
        pid,
      },
    );
  }
  const wayOut = "put the host in order first with linkwright recover";
  return new TransactionError(
    "ERR_PENDING",
    `the application of ${clock(begin.at)} by process ${pid} was interrupted; ${wayOut}`,
    { pid },
  );
}
