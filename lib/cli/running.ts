/** A document from a file, or the running host in place of one: what `import` would write. */
import { readFileSync } from "node:fs";
import type { Finding } from "../import/finding.ts";
import type { Imported } from "../import/index.ts";
import { desiredOf, parseSource } from "../state/index.ts";
import { type HostDocument, openHost, readDocument } from "./document.ts";
import { EXIT, UsageError } from "./failure.ts";
import type { Given } from "./options.ts";
import { type Terminal, withProgress } from "./terminal.ts";

/** A checked document with its text. */
export interface DocumentText extends HostDocument {
  /** Absent where it was made of the running host. */
  readonly file?: string;
  readonly text: string;
  /** What of the running host is not in it, and what looked odd; empty where it is from a file. */
  readonly findings: readonly Finding[];
}

/** Looks at the host that was named, or at this one. */
export async function importRunning(given: Given, terminal: Terminal): Promise<Imported> {
  const { importHost } = await import("../import/host.ts");
  await using host = await openHost(given);
  return await withProgress(terminal, "looking at the host", () => importHost(host));
}

/** Reads the file, or makes a document of the running host where there is none. */
export async function readDocumentOrHost(
  file: string | undefined,
  given: Given,
  terminal: Terminal,
): Promise<DocumentText> {
  if (file !== undefined)
    return { file, ...(await readDocument(file, given)), text: readFileSync(file, "utf8"), findings: [] };
  if (given.host !== undefined) throw new UsageError("--host is for a document of several hosts: name its FILE");
  const { writeDraft } = await import("../import/index.ts");
  const { draft, findings } = await importRunning(given, terminal);
  const text = writeDraft(draft);
  return { text, desired: desiredOf(parseSource(text, "the running host")), findings };
}

/** Tells findings, one a line. */
export async function remarkOn(findings: readonly Finding[], terminal: Terminal): Promise<void> {
  const { formatFinding } = await import("../import/finding.ts");
  for (const finding of findings) terminal.remark(formatFinding(finding));
}

/** The exit code for findings: 2 where something of the host cannot be said. */
export function exitFor(findings: readonly Finding[]): number {
  return findings.some(({ level }) => level !== "note") ? EXIT.DIFFERENT : EXIT.OK;
}
