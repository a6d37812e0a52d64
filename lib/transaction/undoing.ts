/** What a journal says is to be undone. */
import type { Place } from "../state/apply.ts";
import type { Request, Step } from "../state/step.ts";
import type { Entry, Record } from "./journal.ts";

/** What takes back one request that may have been made. */
export interface Undoing {
  readonly step: Step;
  readonly requests: readonly Request[];
}

/** All requests that may have been made, in their order. */
function begunIn(entries: readonly Entry[]): readonly Place[] {
  const places = entries.flatMap((entry): Place[] => {
    if (entry.type !== "do") return [];
    const { step, last = step, move } = entry;
    return Array.from({ length: last - step + 1 }, (_, i) => ({ step: step + i, move }));
  });
  const nothing = new Set(
    entries.flatMap((entry) =>
      entry.type === "back" ? (entry.nothing ?? []).map(({ step, move }) => `${step} ${move}`) : [],
    ),
  );
  return places.filter(({ step, move }) => !nothing.has(`${step} ${move}`));
}

/** What takes back all that may have been done, in the order in which it is to be done. */
export function undoing({ begin, entries }: Pick<Record, "begin" | "entries">): readonly Undoing[] {
  return [...begunIn(entries)].reverse().flatMap(({ step, move }) => {
    const kept = begin.steps[step];
    const requests = kept?.moves[move]?.undo ?? [];
    return kept === undefined || requests.length === 0 ? [] : [{ step: kept, requests }];
  });
}
