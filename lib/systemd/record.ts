/**
 * What an installation changes, on the disk before the first change: whoever comes after one that was killed can take it
 * back by that. It outlasts a boot where the files do.
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Table } from "../nftables/index.ts";
import { Secrets } from "../state/secrets.ts";
import type { Step } from "../state/step.ts";
import { openOwn, ownDirectory, readOwn, syncDirectory } from "../transaction/directory.ts";
import { TransactionError } from "../transaction/error.ts";
import type { Begin } from "../transaction/journal.ts";
import { lineOf, parseLines } from "../transaction/lines.ts";
import { Lock } from "../transaction/lock.ts";
import type { KeptDocument } from "../transaction/wanted.ts";
import type { UnitState } from "./bus/units.ts";
import type { FileChange } from "./write.ts";

/** Everything that it takes to take an installation back. */
export interface InstallationRecord {
  /** The version of the form. */
  readonly format: 1;
  /** The boot and the network namespace that kernel and units were changed in. */
  readonly boot: string;
  readonly netns: Begin["netns"];
  /** When it began, and which process. */
  readonly at: string;
  readonly pid: number;
  readonly runtime: boolean;
  readonly direct: boolean;
  readonly changes: readonly FileChange[];
  /** How the units were before. */
  readonly units: readonly UnitState[];
  readonly document: KeptDocument;
  /** What the host lacked before, with what undoes it. */
  readonly steps: readonly Step[];
  /** Our nftables table, as it was. */
  readonly table?: Table;
}

const FILE = "record";
/** Seconds that a second installation waits for the first. */
const WAIT = 10;
/** By whether the files go with the boot. */
const DIRECTORIES = { lasting: "/var/lib/linkwright/installation", runtime: "/run/linkwright/installation" } as const;

/** Directories that a record may be in, below the directory that stands for `/`. */
export function recordDirectories(root: string): readonly string[] {
  return Object.values(DIRECTORIES).map((directory) => join(root, directory));
}

/** What a record in a directory says; undefined where there is none. @throws {TransactionError} where it cannot be trusted. */
export async function readRecord(directory: string): Promise<InstallationRecord | undefined> {
  const path = join(directory, FILE);
  const content = await readOwn(path);
  if (content === undefined) return undefined;
  const lines = parseLines(content);
  const [record] = typeof lines === "number" ? [] : (lines.values as [InstallationRecord?]);
  if (record?.format === 1) return record;
  const wayOut = "look at the files of linkwright in /etc and /run, then: linkwright recover --discard";
  throw new TransactionError("ERR_JOURNAL", `${path} was edited, or is of another version; ${wayOut}`);
}

/** The only one who installs on this host, until it is disposed of. */
export class RecordKeeper implements AsyncDisposable {
  readonly #directory: string;
  readonly #lock: Lock;
  /** Former keys of the kernel's, as long as the record is there. */
  readonly secrets: Secrets;

  private constructor(directory: string, lock: Lock) {
    this.#directory = directory;
    this.#lock = lock;
    this.secrets = new Secrets(directory);
  }

  /** Waits for whoever installs. @throws {TransactionError} `ERR_LOCKED` */
  static async open(directory: string, seconds: number): Promise<RecordKeeper> {
    try {
      await mkdir(dirname(directory), { recursive: true, mode: 0o755 });
      await ownDirectory(directory);
    } catch (error) {
      if (error instanceof TransactionError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      const wayOut =
        code === "EROFS" ? "mount it writable, or add --runtime, which lasts until the next boot" : "look there";
      throw new TransactionError("ERR_STATE_DIRECTORY", `cannot keep a record in ${directory} (${code}); ${wayOut}`);
    }
    return new RecordKeeper(directory, await Lock.take(directory, seconds, undefined, "installing"));
  }

  static forFiles(root: string, runtime: boolean, seconds = WAIT): Promise<RecordKeeper> {
    return RecordKeeper.open(join(root, runtime ? DIRECTORIES.runtime : DIRECTORIES.lasting), seconds);
  }

  read(): Promise<InstallationRecord | undefined> {
    return readRecord(this.#directory);
  }

  /** Writes it, whole or not at all; it is on the disk afterwards. */
  async write(record: InstallationRecord): Promise<void> {
    const draft = join(this.#directory, `${FILE}.${randomBytes(8).toString("hex")}`);
    const file = await openOwn(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL);
    try {
      await file?.writeFile(lineOf("", record).line);
      await file?.sync();
      await rename(draft, join(this.#directory, FILE));
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    } finally {
      await file?.close();
    }
    await syncDirectory(this.#directory);
  }

  /** Takes it away: what was installed stays, or is taken back. */
  async forget(): Promise<void> {
    await rm(join(this.#directory, FILE), { force: true });
    await this.secrets.forget();
    await syncDirectory(this.#directory);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#lock[Symbol.asyncDispose]();
  }
}
