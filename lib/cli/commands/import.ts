/** `linkwright import` */
import { readFile } from "node:fs/promises";
import { type Imported, importCommands, writeDraft } from "../../import/index.ts";
import type { Run } from "../command.ts";
import { CommandError, UsageError } from "../failure.ts";
import { printJson } from "../report.ts";
import { exitFor, importRunning, remarkOn } from "../running.ts";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "not readable for this user",
  EISDIR: "this is a directory, not a file",
};

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    throw new CommandError(`${file}: ${REASONS[code] ?? `cannot be read: ${message}`}`, code);
  }
}

/** `bm1=FILE`, or `FILE`. */
function split(given: string): { readonly host?: string; readonly file: string } {
  const [, host, file] = /^([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)$/s.exec(given) ?? [];
  return host === undefined || file === undefined ? { file: given } : { host, file };
}

async function fromCommands(files: readonly string[], netns: string | undefined): Promise<Imported> {
  const named = files.map(split);
  const hosts = named.map(({ host }) => host);
  if (named.length > 1 && (hosts.includes(undefined) || new Set(hosts).size < hosts.length))
    throw new UsageError("several files need a host each: --commands bm1=FILE --commands bm2=FILE");
  const inputs = await Promise.all(named.map(async (one) => ({ ...one, text: await readText(one.file) })));
  return importCommands(inputs, { netns });
}

/** Prints a document, and on standard error what is amiss. */
export const run: Run = async ({ given, terminal }) => {
  const { draft, findings } =
    given.commands === undefined
      ? await importRunning(given, terminal)
      : await fromCommands(given.commands, given.netns);
  const document = writeDraft(draft);
  if (given.json) printJson({ document, findings }, terminal);
  else {
    for (const line of document.trimEnd().split("\n")) terminal.line(line);
    await remarkOn(findings, terminal);
  }
  return exitFor(findings);
};
