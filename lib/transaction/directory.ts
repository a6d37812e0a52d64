/** Where journals lie: a directory that only its owner can write, for each network namespace one below it. */
import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, lstat, mkdir, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { TransactionError } from "./error.ts";

/**
 * The directory of this user: /run/linkwright for root; for others what systemd gives as `RUNTIME_DIRECTORY`, or the user's
 * own runtime directory. It goes with the boot, as the state of the kernel does that its journals tell of.
 */
export function stateDirectory(env: NodeJS.ProcessEnv = process.env, uid = process.geteuid?.() ?? 0): string {
  const given = env["RUNTIME_DIRECTORY"]?.split(":")[0];
  if (uid === 0) return "/run/linkwright";
  return given?.startsWith("/") === true ? given : `/run/user/${uid}/linkwright`;
}

const OTHERS_MAY_WRITE = 0o022n;

function distrust(path: string, what: string, wayOut: string): TransactionError {
  return new TransactionError("ERR_STATE_DIRECTORY", `cannot keep a journal in ${path}: ${what}; ${wayOut}`);
}

/** What makes a file or directory untrustworthy, in words; undefined where nothing does. */
function fault(stat: BigIntStats, kind: "directory" | "file"): string | undefined {
  if (stat.isSymbolicLink()) return "it is a symbolic link";
  if (kind === "directory" ? !stat.isDirectory() : !stat.isFile()) return `it is no ${kind}`;
  if (stat.uid !== BigInt(process.geteuid?.() ?? 0)) return `it belongs to user ${stat.uid}`;
  if ((stat.mode & OTHERS_MAY_WRITE) !== 0n) return "others may write to it";
  if (kind === "file" && stat.nlink !== 1n) return "it has another name elsewhere";
  return undefined;
}

/** Makes a directory of our own, or makes sure that it is. @throws {TransactionError} where others could have made it. */
export async function ownDirectory(path: string, mode = 0o700): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== "EEXIST") throw distrust(path, `it cannot be made (${code})`, "name another with --state");
  }
  await checkDirectory(path);
}

/** The directory of all namespaces: others may pass, to the service's socket; what else lies there is closed by itself. */
export async function rootDirectory(path: string): Promise<void> {
  await ownDirectory(path, 0o711);
}

/** The directory of one namespace, made where it is not there. @throws {TransactionError} where others could have made it. */
export async function namespaceDirectory(root: string, inode: number): Promise<string> {
  await rootDirectory(root);
  const path = join(root, `netns-${inode}`);
  await ownDirectory(path);
  return path;
}

/** Makes sure that a directory that is there is ours. */
async function checkDirectory(path: string): Promise<void> {
  const wrong = fault(await lstat(path, { bigint: true }), "directory");
  if (wrong !== undefined) throw distrust(path, wrong, "remove it, or name another with --state");
}

/** The directory of one namespace; undefined where it is not there. @throws {TransactionError} where others could have made it. */
export async function existingDirectory(root: string, inode: number): Promise<string | undefined> {
  const path = join(root, `netns-${inode}`);
  try {
    await checkDirectory(root);
    await checkDirectory(path);
    return path;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Directories of namespaces that are there. */
export async function namespaceDirectories(root: string): Promise<readonly string[]> {
  try {
    await checkDirectory(root);
    return (await readdir(root)).filter((name) => /^netns-\d+$/.test(name)).map((name) => join(root, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Opens a file of ours; undefined where there is none. @throws {TransactionError} where it is not ours alone. */
export async function openOwn(path: string, flags: number): Promise<FileHandle | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, flags | constants.O_NOFOLLOW, 0o600);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP") throw distrust(path, "it is a symbolic link", "remove it");
    throw cause;
  }
  try {
    const wrong = fault(await file.stat({ bigint: true }), "file");
    if (wrong !== undefined) throw distrust(path, wrong, "look at it, and remove it");
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** What a file of ours holds; undefined where there is none. @throws {TransactionError} where it is not ours alone. */
export async function readOwn(path: string): Promise<string | undefined> {
  const file = await openOwn(path, constants.O_RDONLY);
  if (file === undefined) return undefined;
  try {
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

/** Makes sure that names made, changed or removed in a directory outlast a loss of power. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
