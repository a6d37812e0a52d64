/** Files onto the disk: all checked before the first is written, each either old or new whatever happens. */
import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { lstat, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { originOf } from "./provenance.ts";

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

async function checkFile(root: string, { path }: ExportedFile): Promise<void> {
  await checkParents(root, path);
  const file = join(root, path);
  const seen = await statOf(file);
  if (seen === undefined) return;
  if (!seen.isFile()) throw new WriteError(`${file}: no regular file; move it away first`);
  const origin = originOf(await readFile(file, "utf8"));
  if (origin === "foreign") throw new WriteError(`${file}: somebody else's file; move it away first`);
  if (origin === "edited")
    throw new WriteError(`${file}: was changed by hand since it was written; move it away first`);
}

async function sync(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeOne(root: string, { path, text }: ExportedFile): Promise<void> {
  const file = join(root, path);
  const directory = dirname(file);
  await mkdir(directory, { recursive: true, mode: 0o755 });
  // networkd reads every name that ends in .netdev or .network: a half-written file must not.
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

/**
 * Writes files below a directory, mode 0644. Existing files are written over where they are ours and nobody edited them.
 *
 * @throws {WriteError} before anything is written, where one of them is not.
 */
export async function writeFiles(root: string, files: readonly ExportedFile[]): Promise<void> {
  for (const file of files) await checkFile(root, file);
  for (const file of files) await writeOne(root, file);
}
