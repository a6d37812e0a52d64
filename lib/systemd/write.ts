/** Files onto the disk: all checked before the first is written, each either old or new whatever happens. */
import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { access, chmod, lstat, mkdir, open, readdir, readFile, readlink, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { bodyOf, originOf } from "./provenance.ts";

/** A file, its path from `/` on. */
export interface ExportedFile {
  readonly path: string;
  readonly text: string;
}

/** A file cannot be written, or must not be. Nothing was written. */
export class WriteError extends Error {
  override readonly name = "WriteError";
  readonly code: string;

  constructor(message: string, code = "ERR_FILE_NOT_OURS") {
    super(message);
    this.code = code;
  }
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Each directory between root and file has to be one: a link could lead anywhere. */
async function checkParents(root: string, path: string): Promise<void> {
  const parts = dirname(path).split("/").filter(Boolean);
  for (const [i] of parts.entries()) {
    const parent = join(root, ...parts.slice(0, i + 1));
    const seen = await statOf(parent);
    if (seen !== undefined && !seen.isDirectory())
      throw new WriteError(`${parent}: no directory, but something else; move it away first`);
  }
}

/** A link that systemctl made goes by systemctl, which takes those along that point to it. */
function linkedUnit(file: string, target: string): WriteError {
  const verb = target === "/dev/null" ? "unmask" : "disable";
  return new WriteError(`${file}: a link to ${target}; take it away first: systemctl ${verb} ${basename(file)}`);
}

/** Names of files that are being written; networkd reads every name that ends in .netdev or .network. */
const TEMPORARY = /^\.linkwright-[0-9a-f]{16}$/;

/** What is in the file now; undefined where it is not there. @throws {WriteError} where it is not ours. */
async function ownText(root: string, path: string): Promise<string | undefined> {
  await checkParents(root, path);
  const file = join(root, path);
  const seen = await statOf(file);
  if (seen === undefined) return undefined;
  if (seen.isSymbolicLink() && path.endsWith(".service")) throw linkedUnit(file, await readlink(file));
  if (!seen.isFile()) throw new WriteError(`${file}: no regular file; move it away first`);
  const text = await readFile(file, "utf8");
  const origin = originOf(text);
  if (origin === "foreign") throw new WriteError(`${file}: somebody else's file; move it away first`);
  if (origin === "edited")
    throw new WriteError(`${file}: was changed by hand since it was written; move it away first`);
  return text;
}

/** What is in a file that we no longer want; undefined where it is not there, or only has a name like one of ours. */
async function oldText(root: string, path: string): Promise<string | undefined> {
  const seen = await statOf(join(root, path));
  if (seen?.isFile() !== true || originOf(await readFile(join(root, path), "utf8")) === "foreign") return undefined;
  return await ownText(root, path);
}

/** Whether what is to be written below a directory can be: an image, or /etc, may be read-only. @throws {WriteError} */
export async function checkWritable(root: string, path: string): Promise<void> {
  for (let directory = dirname(join(root, path)); ; directory = dirname(directory))
    try {
      return await access(directory, constants.W_OK);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" && directory !== "/") continue;
      if (code === "EROFS") throw new WriteError(`${directory} is read-only`, "EROFS");
      throw new WriteError(`${directory}: this user may not write there (${code})`, code);
    }
}

/** A read-only /etc has a way out, where what is wanted may be in /run as well. */
export function withWayOut(error: unknown, runtime: boolean): unknown {
  if (!(error instanceof WriteError) || error.code !== "EROFS") return error;
  const way = runtime ? "mount it writable" : "mount it writable, or add --runtime, which lasts until the next boot";
  return new WriteError(`${error.message}; ${way}`, error.code);
}

async function sync(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the directory and those above it, for all to read whatever the umask: networkd is a user of its own. */
async function makeDirectory(path: string): Promise<void> {
  if ((await statOf(path)) !== undefined) return;
  await makeDirectory(dirname(path));
  await mkdir(path);
  await chmod(path, 0o755);
  await sync(dirname(path));
}

async function writeOne(root: string, { path, text }: ExportedFile): Promise<void> {
  const file = join(root, path);
  const directory = dirname(file);
  await makeDirectory(directory);
  // A half-written file must have no name that somebody reads.
  const temporary = join(directory, `.linkwright-${randomBytes(8).toString("hex")}`);
  const handle = await open(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    await handle.writeFile(text);
    await handle.chmod(0o644);
    await handle.sync();
    await handle.close();
    await rename(temporary, file);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
  await sync(directory);
}

async function removeOne(root: string, path: string): Promise<void> {
  const file = join(root, path);
  const directory = dirname(file);
  await rm(file, { force: true });
  await sync(directory);
  await removeEmpty(directory);
}

/** A directory of drop-ins was made for ours; where others have one there too, it stays. */
async function removeEmpty(directory: string): Promise<void> {
  if (/\.(network|service|conf)\.d$/.test(directory)) await rmdir(directory).catch(() => undefined);
}

/** What becomes of a file: made where it has no text `before`, removed where it has none `after`. */
export interface FileChange {
  readonly path: string;
  readonly before?: string;
  readonly after?: string;
}

/**
 * What writing these files, and removing those of `others` that are ours, would change. Nothing is written by it.
 *
 * @throws {WriteError} where one of them is somebody else's, was changed by hand, or cannot be written.
 */
export async function surveyFiles(
  root: string,
  files: readonly ExportedFile[],
  others: readonly string[] = [],
): Promise<readonly FileChange[]> {
  const found: FileChange[] = [];
  for (const { path, text } of files) {
    const before = await ownText(root, path);
    if (before === undefined) found.push({ path, after: text });
    else if (bodyOf(before) !== bodyOf(text)) found.push({ path, before, after: text });
  }
  for (const path of others) {
    const before = files.some((one) => one.path === path) ? undefined : await oldText(root, path);
    if (before !== undefined) found.push({ path, before });
  }
  for (const { path } of found) await checkWritable(root, path);
  return found;
}

async function setFile(root: string, path: string, text: string | undefined): Promise<void> {
  if (text === undefined) await removeOne(root, path);
  else await writeOne(root, { path, text });
}

/** Changes files; where one cannot be changed, those before it are put back. `witness`, for tests, is called around each. */
export async function changeFiles(
  root: string,
  changes: readonly FileChange[],
  witness: (path: string) => void = () => undefined,
): Promise<void> {
  const done: FileChange[] = [];
  try {
    for (const change of changes) {
      witness(change.path);
      done.push(change);
      await setFile(root, change.path, change.after);
    }
    witness("");
  } catch (error) {
    await putBack(root, done).catch(() => undefined);
    throw error;
  }
}

/** What is in a file now; null where it is no file that we could have made. */
async function presentText(root: string, path: string): Promise<string | null | undefined> {
  const seen = await statOf(join(root, path));
  if (seen === undefined) return undefined;
  return seen.isFile() ? await readFile(join(root, path), "utf8") : null;
}

/** Takes away what is left of a file that was being written, and a directory that was made for it. */
async function tidy(root: string, path: string): Promise<void> {
  const directory = dirname(join(root, path));
  for (const name of await readdir(directory).catch(() => []))
    if (TEMPORARY.test(name)) await rm(join(directory, name), { force: true });
  await removeEmpty(directory);
}

/** Takes a change back, as far as it was made. @throws {WriteError} where somebody changed the file since. */
async function putBackOne(root: string, { path, before, after }: FileChange): Promise<void> {
  const now = await presentText(root, path);
  if (now !== before && now !== after)
    throw new WriteError(`${join(root, path)}: was changed since by somebody else, and is left as it is`);
  if (now !== before) await setFile(root, path, before);
  await tidy(root, path);
}

/** Takes changes back, whether they were made or not. @throws where a file could not be; the others are back. */
export async function putBack(root: string, changes: readonly FileChange[]): Promise<void> {
  const failed: unknown[] = [];
  for (const change of changes.toReversed())
    await putBackOne(root, change).catch((error: unknown) => failed.push(error));
  if (failed.length > 0) throw failed[0];
}

/**
 * Writes files below a directory, mode 0644. Existing files are written over where they are ours and nobody edited them.
 *
 * @throws {WriteError} before anything is written, where one of them is not.
 */
export async function writeFiles(root: string, files: readonly ExportedFile[]): Promise<void> {
  await changeFiles(root, await surveyFiles(root, files));
}
