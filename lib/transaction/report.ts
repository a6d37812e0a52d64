/**
 * What became of an application when nobody was there to be told, as a guardian leaves it: beside the journal for the next
 * command.
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { rename, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "../host.ts";
import type { Check } from "./checks.ts";
import { existingDirectory, openOwn, readOwn, syncDirectory } from "./directory.ts";
import { TransactionError } from "./error.ts";
import { lineOf, parseLines } from "./lines.ts";
import { clock, rootOf, type StoreOptions } from "./store.ts";

/** What a guardian did. */
export interface Report {
  /** When the application began, and when this was written. */
  readonly begun: string;
  readonly at: string;
  /** Why the old state was put back. */
  readonly reason: string;
  /** How well it was: one line. */
  readonly text: string;
  /** Whether the old state is back as it was. */
  readonly exact: boolean;
  /** What the document's probes found then. */
  readonly checksAfter: readonly Check[];
}

const FILE = "report";

/** Leaves a report; one that nobody has read is replaced. */
export async function leaveReport(directory: string, report: Report): Promise<void> {
  const path = join(directory, FILE);
  const draft = `${path}.${randomBytes(8).toString("hex")}`;
  const file = await openOwn(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL);
  try {
    await file?.writeFile(lineOf("", report).line);
    await file?.sync();
    await rename(draft, path);
  } catch (error) {
    await unlink(draft).catch(() => undefined);
    throw error;
  } finally {
    await file?.close();
  }
  await syncDirectory(directory);
}

/**
 * The report that nobody has read yet; it is gone afterwards. Undefined where there is none. Nothing is made for it.
 *
 * @throws {TransactionError} where others could have written it, or edited it.
 */
export async function takeReport(host: Host, options: StoreOptions = {}): Promise<Report | undefined> {
  const directory = await existingDirectory(rootOf(options), host.netns.identity.inode);
  if (directory === undefined) return undefined;
  const path = join(directory, FILE);
  const content = await readOwn(path);
  if (content === undefined) return undefined;
  await unlink(path);
  const lines = parseLines(content);
  if (typeof lines === "object" && lines.values.length === 1) return lines.values[0] as Report;
  throw new TransactionError(
    "ERR_JOURNAL",
    `${path} was edited or cut off, so nobody knows what a guardian did; it is gone now`,
  );
}

/** A report in lines for a person. */
export function describeReport({ begun, at, reason, text }: Report): string {
  return `what was applied at ${clock(begun)} ended at ${clock(at)} without anybody to tell: ${reason}; ${text}`;
}
