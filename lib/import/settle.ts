/** Makes sure that a document is one: what its own checks refuse is taken out, and stands in a comment instead. */
import { checkAll } from "../fabric/fabric.ts";
import { ConfigError, type Issue, type Path } from "../state/error.ts";
import { parseSource } from "../state/source.ts";
import { type Draft, type DraftValue, writeDraft } from "./draft.ts";
import type { Findings } from "./finding.ts";

/** More than this is not put right one by one. */
const MOST_REPAIRS = 200;

/** A copy without the value at a path. */
function without(value: unknown, path: Path): unknown {
  const [first, ...rest] = path;
  if (first === undefined || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value))
    return rest.length === 0
      ? value.filter((_, i) => i !== Number(first))
      : value.map((one, i) => (i === Number(first) ? without(one, rest) : one));
  const entries = Object.entries(value);
  if (rest.length === 0) return Object.fromEntries(entries.filter(([key]) => key !== String(first)));
  return Object.fromEntries(entries.map(([key, one]) => [key, key === String(first) ? without(one, rest) : one]));
}

/** Takes out what is at a path, or the nearest above it that is there; undefined where nothing is. */
export function takenOut(
  value: DraftValue,
  path: Path,
): { readonly value: DraftValue; readonly path: Path } | undefined {
  for (let length = path.length; length > 0; length--) {
    const part = path.slice(0, length);
    const rest = without(value, part) as DraftValue;
    if (JSON.stringify(rest) !== JSON.stringify(value)) return { value: rest, path: part };
  }
  return undefined;
}

/** Which part is taken out for a complaint: a key of a link, or the whole entry of a list. */
export function partOf({ path }: Issue): Path {
  return path.slice(0, path[0] === "links" ? 4 : 2);
}

/** Complaints about a document, all of its hosts. */
function issuesOf(draft: Draft): readonly Issue[] {
  try {
    // What hosts contradict each other in is a slip of its own, and both have to stand there for whoever mends it.
    checkAll(parseSource(writeDraft(draft)), false);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.issues;
    throw error;
  }
}

/** A draft without a part, and with a comment that says so. */
export function leftOut(
  draft: Draft,
  { value, path }: { readonly value: DraftValue; readonly path: Path },
  reason: string,
  findings: Findings,
): Draft {
  const place = path.join(".");
  // Lines of a document that nobody has seen say nothing.
  const said = reason.replaceAll(/ at line \d+/g, "");
  findings.say("error", undefined, `${place} is left out: ${said}`);
  return { ...draft, value, foot: [...draft.foot, `Left out: ${place}: ${said}`] };
}

/** Takes out what cannot be said, until the rest is a document. */
export function settle(draft: Draft, findings: Findings): Draft {
  let settled = draft;
  for (let repair = 0; repair < MOST_REPAIRS; repair++) {
    const [issue] = issuesOf(settled);
    if (issue === undefined) return settled;
    const taken = takenOut(settled.value, partOf(issue));
    if (taken === undefined) break;
    settled = leftOut(settled, taken, issue.message, findings);
  }
  return settled;
}
