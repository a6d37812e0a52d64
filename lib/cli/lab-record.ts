/**
 * Where a running lab is written down, so that other commands find it: a directory of this user in /tmp. (Not in
 * $XDG_RUNTIME_DIR, which is below /run, and the lab lives in a sandbox that has a /run of its own.)
 */
import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { CommandError } from "./failure.ts";

/** A running lab. */
export interface LabRecord {
  /** Real path of the document. */
  readonly file: string;
  /** The process that holds the lab, as seen from outside of its sandbox. */
  readonly pid: number;
  /** When that process started, in clock ticks since boot: tells it from a later one with its number. */
  readonly started: string;
  /** Descriptor, in that process, of each node's network namespace. */
  readonly nodes: Readonly<Record<string, number>>;
}

/** The number of this process as /proc has it, also inside of a sandbox that numbers its processes anew. */
export function outerPid(): number {
  return Number(readlinkSync("/proc/self"));
}

/** The numbers of a process: as /proc has it, and then in each process namespace further in. */
function numbersOf(pid: number | "self"): number[] {
  const line = /^NSpid:(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
  return line.trim().split(/\s+/).map(Number);
}

/** Sends a signal to a process that has this number in /proc, which is another one's for us inside of a sandbox. */
export function signal(pid: number, name: NodeJS.Signals): void {
  const here = numbersOf(pid)[numbersOf("self").length - 1];
  if (here === undefined) throw new CommandError(`process ${pid} is out of reach from here`, "ESRCH");
  process.kill(here, name);
}

/** When a process started; undefined where there is none with this number. */
export function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** This user's number outside of the user namespace that a sandbox may have. */
function outerUid(): number {
  const uid = process.getuid?.() ?? 0;
  for (const line of readFileSync("/proc/self/uid_map", "utf8").trim().split("\n")) {
    const [first = 0, outer = 0, count = 0] = line.trim().split(/\s+/).map(Number);
    if (uid >= first && uid < first + count) return outer + uid - first;
  }
  return uid;
}

/** Whether a process is in another user namespace than this one. */
export function inOtherUserNamespace(pid: number): boolean {
  return readlinkSync(`/proc/${pid}/ns/user`) !== readlinkSync("/proc/self/ns/user");
}

/** The directory of this user's labs, made where it is missing. @throws {CommandError} where it is not safe. */
export function recordDirectory(base = "/tmp"): string {
  const directory = join(base, `linkwright-${outerUid()}`);
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const stat = lstatSync(directory);
  const mine = stat.isDirectory() && stat.uid === (process.getuid?.() ?? 0) && (stat.mode & 0o077) === 0;
  if (mine) return directory;
  throw new CommandError(
    `${directory} is not a directory that only this user can write to; remove it`,
    "ERR_LAB_DIRECTORY",
  );
}

/** The record of a document's lab: its path, which depends on the document's real path only. */
export function recordPath(directory: string, file: string): string {
  let real: string;
  try {
    real = realpathSync(file);
  } catch {
    throw new CommandError(`${file}: there is no such file`, "ENOENT");
  }
  return join(directory, `lab-${createHash("sha256").update(real).digest("hex").slice(0, 16)}.json`);
}

/** The running lab of a record, or undefined: there is none, or it ended without taking its record away. */
export function readRecord(path: string): LabRecord | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  try {
    if (fstatSync(fd).uid !== (process.getuid?.() ?? 0)) return undefined;
    const record = JSON.parse(readFileSync(fd, "utf8")) as LabRecord;
    const started = startOf(record.pid);
    return started !== undefined && started === record.started ? record : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** The path of the door of the lab with this record. */
export const doorOf = (record: string): string => record.replace(/\.json$/, ".sock");

const filesBefore = (record: string): string => record.replace(/\.json$/, ".");

/** A directory for what the lab that this process is about to hold keeps in files; it goes with the process, or by {@link sweep}. */
export function labFiles(record: string): { readonly path: string } & Disposable {
  const pid = outerPid();
  const path = `${filesBefore(record)}${pid}.${startOf(pid)}`;
  mkdirSync(path, { mode: 0o700 });
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Takes away what labs of a record left that were killed. */
function sweep(record: string): void {
  for (const path of [record, doorOf(record)]) rmSync(path, { force: true });
  const before = basename(filesBefore(record));
  for (const name of readdirSync(dirname(record))) {
    const [, pid, started] = /^(\d+)\.(\d+)$/.exec(name.startsWith(before) ? name.slice(before.length) : "") ?? [];
    if (pid !== undefined && startOf(Number(pid)) !== started)
      rmSync(join(dirname(record), name), { recursive: true, force: true });
  }
}

/** The running lab of a document, or undefined; what one that was killed has left is taken away. */
export function findRunning(file: string, directory = recordDirectory()): LabRecord | undefined {
  const path = recordPath(directory, file);
  const running = readRecord(path);
  if (running === undefined) sweep(path);
  return running;
}

/** Two labs of one document cannot be told apart by `lab run`. */
export function alreadyUp({ file, pid }: LabRecord): CommandError {
  const message = `the lab of ${file} is up already (process ${pid}); linkwright lab down ${file} ends it`;
  return new CommandError(message, "ERR_LAB_UP");
}

/** Writes a record; one that a dead lab left is replaced. @throws {CommandError} where the lab is up already. */
export function writeRecord(path: string, record: LabRecord): void {
  const running = readRecord(path);
  if (running !== undefined) throw alreadyUp(running);
  // Whole when it is seen: one that nobody can read is taken for a dead lab's.
  const draft = `${path}.${record.pid}`;
  for (const old of [path, draft]) rmSync(old, { force: true });
  writeFileSync(draft, `${JSON.stringify(record)}\n`, { mode: 0o600, flag: "wx" });
  try {
    linkSync(draft, path);
  } catch (error) {
    const other = readRecord(path);
    throw other === undefined ? error : alreadyUp(other);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Takes a record away, unless it is another lab's by now. */
export function removeRecord(path: string, pid: number): void {
  if (readRecord(path)?.pid === pid) rmSync(path, { force: true });
}
