/**
 * What became of an application when nobody was there to be told, as a guardian leaves it: beside the journal for the next
 * command.
 */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { rename, rm, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "../host.ts";
import type { Check } from "./checks.ts";
import { existingDirectory, openOwn, readOwn, syncDirectory } from "./directory.ts";
import { TransactionError } from "./error.ts";
import type { Begin } from "./journal.ts";
import { lineOf, parseLines } from "./lines.ts";
import { clock, isStale, namespaceOf, rootOf, type StoreOptions } from "./store.ts";

/** What a guardian did; of which application, in which namespace of which boot. */
export interface Report extends Pick<Begin, "id" | "boot" | "netns"> {
  /** When the application began, and when this was written. */
  readonly begun: string;
  readonly at: string;
  /** Why the old state was put back. */
  readonly reason: string;
  /** How well it was: one line. */
  readonly text: string;
  /** Whether the old state is back as it was. */
  readonly exact: boolean;
  /** What the document's probes found then; absent until they have answered. */
  readonly checksAfter?: readonly Check[];
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

/** Puts a fuller report in the place of the one about the same application; where that is gone, somebody has read it. */
export async function completeReport(directory: string, report: Report): Promise<void> {
  const lines = parseLines((await readOwn(join(directory, FILE))) ?? "");
  if (typeof lines === "object" && (lines.values[0] as Report | undefined)?.id === report.id)
    await leaveReport(directory, report);
}

/** Takes a report away that what happens now makes old news. */
export async function forgetReport(directory: string): Promise<void> {
  await rm(join(directory, FILE), { force: true });
}

/**
 * The report that nobody has read yet; it is gone afterwards. Undefined where there is none, or one of another boot or of a
 * namespace that had the same number. Nothing is made for it.
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
  if (typeof lines === "object" && lines.values.length === 1) {
    const report = lines.values[0] as Report;
    return isStale(report, namespaceOf(host)) ? undefined : report;
  }
  throw new TransactionError(
    "ERR_JOURNAL",
    `${path} was edited or cut off, so nobody knows what a guardian did; it is gone now`,
  );
}

/** A report in lines for a person. */
export function describeReport({ begun, at, reason, text, checksAfter }: Report): string {
  const unknown = checksAfter === undefined ? "; what the document's probes find now is not known" : "";
  return `what was applied at ${clock(begun)} ended at ${clock(at)} without anybody to tell: ${reason}; ${text}${unknown}`;
}
