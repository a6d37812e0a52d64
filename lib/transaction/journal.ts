/**
 * The journal of an application: all steps with what undoes them, on the disk before the first request; then what is
 * begun, line by line.
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, readdir, rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Probe } from "../probe/index.ts";
import type { Place } from "../state/apply.ts";
import { Secrets } from "../state/secrets.ts";
import type { Step } from "../state/step.ts";
import { openOwn, readOwn, syncDirectory } from "./directory.ts";
import { TransactionError } from "./error.ts";
import { type Lines, lineOf, parseLines } from "./lines.ts";
import type { KeptDocument } from "./wanted.ts";

/** The version of the format. */
const FORMAT = 1;

/** The first line: everything that is needed to go back. */
export interface Begin {
  readonly type: "begin";
  readonly format: typeof FORMAT;
  readonly id: string;
  /** The boot that the state belongs to. */
  readonly boot: string;
  readonly netns: {
    readonly inode: number;
    /** Never used again until the next boot, unlike the inode. Absent before Linux 5.14. */
    readonly cookie?: bigint;
    /** Its name under /run/netns; absent where it has none. */
    readonly name?: string;
  };
  /** The process that applies. */
  readonly pid: number;
  /** Time of day, for people. */
  readonly at: string;
  readonly document: KeptDocument;
  /** What has to answer when all is done; asked again when it was taken back. Absent where the document says nothing of it. */
  readonly probes?: readonly Probe[];
  /** Seconds within which somebody has to confirm; absent where nobody has to. */
  readonly confirm?: number;
  /** With their inverses; and with what is different now, which is there again when all is undone. */
  readonly steps: readonly Step[];
}

/** What became of an application. */
export type Outcome = "committed" | "reverted";

/** The last line. */
export interface End {
  readonly type: "end";
  readonly outcome: Outcome;
  readonly at: string;
  readonly reason?: string;
}

/** A line after the first. */
export type Entry =
  /** This request is about to be made; with `last`, those of all steps from `step` to that one. */
  | { readonly type: "do"; readonly step: number; readonly last?: number; readonly move: number }
  /** All were made, and what they made was found to be as it should be. */
  | { readonly type: "done" }
  /** Somebody has to confirm before this much uptime, in seconds. */
  | { readonly type: "wait"; readonly deadline: number }
  /** The old state is being put back; `nothing` are requests that are known to have done nothing. */
  | { readonly type: "back"; readonly reason: string; readonly nothing?: readonly Place[] }
  | End;

/** Everything that a journal says. */
export interface Record {
  readonly begin: Begin;
  readonly entries: readonly Entry[];
}

/** For tests: called right before and right after a line is written. */
export type Witness = (moment: "before" | "after", entry: Begin | Entry) => void;

const CURRENT = "journal";
const LAST = "last";

/** What whoever was killed right before its journal got its name has left; where it cannot be taken away, it does no harm. */
async function forgetDrafts(directory: string): Promise<void> {
  try {
    for (const name of await readdir(directory))
      if (/^journal\.[0-9a-f]{16}$/.test(name)) await unlink(join(directory, name));
  } catch {
    // Whoever writes there next says what is wrong.
  }
}

function damaged(path: string, what: string): TransactionError {
  const wayOut = "look at the host, then remove it with: linkwright recover --discard";
  return new TransactionError("ERR_JOURNAL", `${path} ${what}, so nothing is undone by it; ${wayOut}`);
}

interface Parsed extends Record, Omit<Lines, "values"> {}

function parse(path: string, content: string): Parsed {
  const lines = parseLines(content);
  if (typeof lines === "number") throw damaged(path, `was edited at line ${lines}`);
  const { values, ...rest } = lines;
  const [begin, ...entries] = values as [Begin | undefined, ...Entry[]];
  if (begin === undefined) throw damaged(path, content === "" ? "is empty" : "was cut off");
  if (begin.format !== FORMAT)
    throw damaged(path, `has format ${String(begin.format)}, and this version reads ${FORMAT}`);
  return { begin, entries, ...rest };
}

/** An open journal. Only whoever holds the lock of its namespace may have it. */
export class Journal implements AsyncDisposable {
  readonly directory: string;
  readonly begin: Begin;
  readonly #entries: Entry[];
  readonly #file: FileHandle;
  readonly #witness: Witness | undefined;
  #sum: string;
  #over = false;
  /** Bytes of all lines. */
  #length: number;

  private constructor(directory: string, file: FileHandle, { begin, entries, sum, length }: Parsed, witness?: Witness) {
    this.directory = directory;
    this.begin = begin;
    this.#entries = [...entries];
    this.#file = file;
    this.#sum = sum;
    this.#length = length;
    this.#witness = witness;
  }

  /** Begins one. It is there, whole, or not at all. */
  static async create(
    directory: string,
    what: Omit<Begin, "type" | "format" | "id">,
    witness?: Witness,
  ): Promise<Journal> {
    const id = randomBytes(8).toString("hex");
    const begin: Begin = { type: "begin", format: FORMAT, id, ...what };
    const path = join(directory, CURRENT);
    const draft = `${path}.${id}`;
    const { line, sum } = lineOf("", begin);
    await forgetDrafts(directory);
    witness?.("before", begin);
    const file = await openOwn(draft, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND);
    if (file === undefined) throw new TransactionError("ERR_STATE_DIRECTORY", `cannot make ${draft}`);
    try {
      await file.appendFile(line);
      await file.sync();
      await rename(draft, path);
      await syncDirectory(directory);
    } catch (cause) {
      await file.close();
      await unlink(draft).catch(() => undefined);
      const { code } = cause as NodeJS.ErrnoException;
      const message = `cannot write ${path} (${code}); nothing was changed: make room, or name another directory with --state`;
      throw new TransactionError("ERR_STATE_DIRECTORY", message, { cause });
    }
    witness?.("after", begin);
    return new Journal(directory, file, { begin, entries: [], sum, length: Buffer.byteLength(line) }, witness);
  }

  /** The one that is there, to go on with. @throws {TransactionError} `ERR_JOURNAL` */
  static async open(directory: string, witness?: Witness): Promise<Journal | undefined> {
    const path = join(directory, CURRENT);
    const file = await openOwn(path, constants.O_RDWR | constants.O_APPEND);
    if (file === undefined) return undefined;
    try {
      const parsed = parse(path, await file.readFile("utf8"));
      await file.truncate(parsed.length);
      return new Journal(directory, file, parsed, witness);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** What the one that is there says; for this no lock is needed. */
  static async read(directory: string): Promise<Record | undefined> {
    const path = join(directory, CURRENT);
    const content = await readOwn(path);
    return content === undefined ? undefined : parse(path, content);
  }

  /** What the one that ended last says. */
  static async readLast(directory: string): Promise<Record | undefined> {
    const path = join(directory, LAST);
    const content = await readOwn(path);
    return content === undefined ? undefined : parse(path, content);
  }

  /** Takes one away whatever is in it; false where there is none. */
  static async discard(directory: string): Promise<boolean> {
    try {
      await unlink(join(directory, CURRENT));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
    await new Secrets(directory).forget();
    await syncDirectory(directory);
    return true;
  }

  /** Whether it has ended. */
  get isOver(): boolean {
    return this.#over;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Writes a line, and returns when it will outlast a loss of power. */
  async append(entry: Entry): Promise<void> {
    this.#witness?.("before", entry);
    const { line, sum } = lineOf(this.#sum, entry);
    try {
      await this.#file.appendFile(line);
      await this.#file.datasync();
    } catch (error) {
      // What is there of it must not spoil the lines to come, nor pass for said.
      await this.#file.truncate(this.#length);
      throw error;
    }
    this.#length += Buffer.byteLength(line);
    this.#sum = sum;
    this.#entries.push(entry);
    this.#witness?.("after", entry);
  }

  /** Writes a line that others may do without: what it says shows in the kernel too. */
  async note(entry: Entry): Promise<void> {
    try {
      await this.append(entry);
    } catch {
      // A full disk must not stop whoever puts the old state back.
    }
  }

  /** Ends it. What became of it stays to be read. */
  async end(outcome: Outcome, reason?: string): Promise<void> {
    const entry: Entry = {
      type: "end",
      outcome,
      at: new Date().toISOString(),
      ...(reason !== undefined && { reason }),
    };
    // "committed" has to be on the disk; of what was put back the next look finds nothing more to undo.
    if (outcome === "committed") await this.append(entry);
    else await this.note(entry);
    await rename(join(this.directory, CURRENT), join(this.directory, LAST));
    this.#over = true;
    try {
      await new Secrets(this.directory).forget();
      await syncDirectory(this.directory);
    } catch {
      // It has ended, and says so itself where a loss of power brings it back.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}
