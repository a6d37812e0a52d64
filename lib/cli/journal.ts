/** What systemd's journal is told by commands, where there is one: what was done to the host, and what was found. */
import type { Report } from "../drift/index.ts";
import { type Event, isJournal, tellJournal } from "../journald/index.ts";
import { describeVerification } from "../state/index.ts";
import {
  type Committed,
  clock,
  describeWayBack,
  type Ended,
  isExact,
  type Mode,
  RefusedError,
  type Reverted,
  RevertedError,
  type Transacted,
  TransactionError,
} from "../transaction/index.ts";
import { escapeText } from "./escape.ts";
import { messagesOf } from "./failure.ts";
import { counted } from "./report.ts";

/** Where it happened. */
interface Where {
  readonly netns: { readonly name: string | undefined };
}

/** Tells the journal; false where there is none. */
function tell({ netns }: Where, { kind, message, details }: Event): Promise<boolean> {
  const lines = message.split("\n").map(escapeText).join("\n");
  return tellJournal({ kind, message: lines, details: { ...details, netns: netns.name } });
}

/** A document was applied or removed; nothing is told of one that changed nothing. */
export async function tellApplied(host: Where, file: string, mode: Mode, done: Transacted): Promise<void> {
  const { state, plan, requests, id, deadline } = done;
  if (state === "unchanged") return;
  const until = deadline === undefined ? "" : `; it is taken back at ${clock(deadline)} unless somebody confirms`;
  const message = `${mode === "apply" ? "applied" : "removed"} ${file}: ${counted(plan.steps.length, "step")}${until}`;
  await tell(host, {
    kind: "applied",
    message,
    details: { file, mode, state, steps: plan.steps.length, requests, id },
  });
}

/** Whether all is as it was, after something was done; undefined where nothing was, as far as one can tell. */
function wentBack(error: unknown): boolean | undefined {
  if (error instanceof RevertedError) return isExact(error.wayBack);
  if (error instanceof RefusedError) return error.undone.length > 0 ? error.undoFailed.length === 0 : undefined;
  // Others came first, before it began or on the way; what was done by then is undone.
  return error instanceof TransactionError && error.code === "ERR_UNSTEADY" ? true : undefined;
}

/** An application failed and was taken back; other errors changed nothing, and are none of the journal's business. */
export async function tellFailed(host: Where, file: string, error: unknown): Promise<void> {
  const exact = wentBack(error);
  if (exact === undefined) return;
  await tell(host, { kind: exact ? "reverted" : "stuck", message: (error as Error).message, details: { file, exact } });
}

/**
 * What a document rests on is not there yet, or not ready, as the links `link`; true where it need not be printed, as what
 * is printed comes to the same journal.
 */
export async function tellWaiting(
  host: Where,
  file: string,
  message: string,
  link: readonly string[] = [],
): Promise<boolean> {
  return (await tell(host, { kind: "waiting", message, details: { file, link } })) && isJournal(2);
}

/** What an installation, or taking one away, did. */
export interface InstallationTold {
  /** Absent where all that was installed is taken away. */
  readonly file?: string;
  /** How many files changed. */
  readonly files: number;
  /** How many steps the host lacked. */
  readonly steps?: number;
}

/** A document was installed, or what was installed is taken away; nothing is told where nothing changed. */
export async function tellInstalled(host: Where, { file, files, steps = 0 }: InstallationTold): Promise<void> {
  if (files + steps === 0) return;
  const mode = file === undefined ? "uninstall" : "install";
  const did = file === undefined ? "took away what was installed" : `installed ${file}`;
  const message = `${did}: ${counted(files, "file")}${steps > 0 ? `, ${counted(steps, "step")}` : ""}`;
  await tell(host, { kind: "applied", message, details: { file, mode, files, steps } });
}

/** An installation failed and was taken back, all of it or not. */
export async function tellNotInstalled(host: Where, file: string, error: Error, exact: boolean): Promise<void> {
  await tell(host, {
    kind: exact ? "reverted" : "stuck",
    message: `did not install ${file}: ${error.message}`,
    details: { file, mode: "install", exact },
  });
}

/** An application was ended: kept, or taken back. */
export async function tellEnded(host: Where, ended: Ended | Committed | Reverted): Promise<void> {
  if (ended.state === "nothing") return;
  const { begun } = ended;
  const what = `what was applied at ${clock(begun)}`;
  if (ended.state === "committed")
    await tell(host, { kind: "confirmed", message: `${what} is kept`, details: { begun } });
  else {
    const exact = isExact(ended.wayBack);
    const message = `${what} is not kept: ${describeWayBack(ended.wayBack)}`;
    await tell(host, { kind: exact ? "reverted" : "stuck", message, details: { begun, exact } });
  }
}

function eventOf(report: Report, file: string): Event | undefined {
  switch (report.type) {
    case "ok":
      return undefined;
    case "drift": {
      const { verification, suspects } = report;
      const difference = describeVerification(verification).map((line) => line.trim());
      const suspect = suspects.map(({ who, because }) => `${who} (${because})`);
      const lines = [...difference, ...suspect.map((one) => `suspected: ${one}`)].map((line) => `  ${line}`);
      const message = [`not as ${file} says:`, ...lines].join("\n");
      return { kind: "drifted", message, details: { file, difference, suspect } };
    }
    case "repaired": {
      const { steps, contested } = report;
      const again = contested ? "; somebody keeps undoing it" : "";
      return {
        kind: "repaired",
        message: `put right, ${counted(steps, "step")}${again}`,
        details: { file, steps, contested },
      };
    }
    case "failed":
      return { kind: "failed", message: messagesOf(report.error).join("\n"), details: { file } };
  }
}

/** What was found on the host; true where it need not be printed, as what is printed comes to the same journal. */
export async function tellReport(host: Where, file: string, report: Report): Promise<boolean> {
  const event = eventOf(report, file);
  return event !== undefined && (await tell(host, event)) && isJournal(1);
}
