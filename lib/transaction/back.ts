/** The way back, by what a journal says: for whoever applied, for the guardian, and for the next boot. */
import type { Host } from "../host.ts";
import { type UndoFailure, undo } from "../state/perform.ts";
import { Secrets, secretsOf } from "../state/secrets.ts";
import type { Step } from "../state/step.ts";
import type { Begin, Entry, Journal } from "./journal.ts";
import { type Undoing, undoing } from "./undoing.ts";
import { changedSteps, planFor, takeUp, type Wanted } from "./wanted.ts";

/** How well the old state was put back. */
export interface WayBack {
  /** Steps that were undone, the last first. */
  readonly undone: readonly Step[];
  readonly failed: readonly UndoFailure[];
  /** What is not as it was before the application, found by reading the host again. */
  readonly differing: readonly Step[];
  /** Why the host could not be read again, where it could not: nothing is known then of what differs. */
  readonly unread?: unknown;
}

/** Whether the old state is there, and nothing was refused. */
export function isExact({ failed, differing, unread }: WayBack): boolean {
  return failed.length === 0 && differing.length === 0 && unread === undefined;
}

/**
 * What is not as it was when the journal began: planning for the same document again gives the same steps only where
 * all that they touch is as it was.
 */
export async function differing(host: Host, { begin }: Pick<Journal, "begin">): Promise<readonly Step[]> {
  const { plan } = await planFor(host, takeUp(begin.document));
  return changedSteps(begin.steps, plan.steps);
}

/** What the way back is found by: a journal, or what somebody remembers of one. */
export type Memory = Pick<Journal, "directory" | "begin" | "entries" | "note">;

/** A journal as far as its beginning is remembered: every step may have been begun. */
export function remembered(directory: string, begin: Begin): Memory {
  const entries = begin.steps.flatMap(({ moves }, step) => moves.map((_, move): Entry => ({ type: "do", step, move })));
  return { directory, begin, entries, note: async () => undefined };
}

/** Takes back all that was begun. It may be called again, after it was cut off anywhere. */
export async function goBack(host: Host, journal: Memory, reason: string): Promise<WayBack> {
  if (journal.entries.at(-1)?.type !== "back") await journal.note({ type: "back", reason });
  return await walk(host, undoing(journal), new Secrets(journal.directory), () => differing(host, journal));
}

/** Takes back all steps of a plan for this document, whoever did them, and as far as they were done. */
export async function takeBack(
  host: Host,
  wanted: Wanted,
  steps: readonly Step[],
  secrets: Secrets = secretsOf(host),
): Promise<WayBack> {
  const all = steps.flatMap((step) => step.moves.map(({ undo }) => ({ step, requests: undo }))).reverse();
  const unlike = async (): Promise<readonly Step[]> => changedSteps(steps, (await planFor(host, wanted)).plan.steps);
  return await walk(host, all, secrets, unlike);
}

async function walk(
  host: Host,
  steps: readonly Undoing[],
  secrets: Secrets,
  unlike: () => Promise<readonly Step[]>,
): Promise<WayBack> {
  const failed: UndoFailure[] = [];
  const undoAll = async (): Promise<void> => {
    for (const { requests } of steps) failed.push(...(await undo(host, requests, secrets)));
  };
  await undoAll();
  const undone = steps.map(({ step }) => step).filter((step, i, all) => step !== all[i - 1]);
  try {
    let differing = await unlike();
    // What was said to be gone may be there all the same: once more, as what is undone is not changed by that.
    if (failed.length === 0 && differing.length > 0) {
      await undoAll();
      differing = await unlike();
    }
    return { undone, failed, differing };
  } catch (unread) {
    return { undone, failed, differing: [], unread };
  }
}
