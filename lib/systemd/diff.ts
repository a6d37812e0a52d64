/** Differences of texts for people, line by line, as `diff -u` has them. */

/** A line, and whether it stays, goes, or comes. */
interface Edit {
  readonly sign: " " | "-" | "+";
  readonly line: string;
}

/** Lines of context around a change. */
const CONTEXT = 3;
/** Above so many pairs of lines, what differs is told as one piece. */
const MOST_PAIRS = 4_000_000;

/** How many lines are common to the ends of both texts, from each line on. */
function commonCounts(before: readonly string[], after: readonly string[]): readonly Uint32Array[] {
  const counts = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--) {
      const [row, below] = [counts[i], counts[i + 1]];
      if (row === undefined || below === undefined) continue;
      row[j] = before[i] === after[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  return counts;
}

/** Edits between texts that begin and end with different lines. */
function middle(before: readonly string[], after: readonly string[]): Edit[] {
  const found: Edit[] = [];
  const counts = before.length * after.length > MOST_PAIRS ? [] : commonCounts(before, after);
  let [i, j] = [0, 0];
  while (i < before.length && j < after.length) {
    if (counts.length > 0 && before[i] === after[j]) {
      found.push({ sign: " ", line: before[i++] ?? "" });
      j++;
    } else if ((counts[i + 1]?.[j] ?? 0) >= (counts[i]?.[j + 1] ?? 0))
      found.push({ sign: "-", line: before[i++] ?? "" });
    else found.push({ sign: "+", line: after[j++] ?? "" });
  }
  while (i < before.length) found.push({ sign: "-", line: before[i++] ?? "" });
  while (j < after.length) found.push({ sign: "+", line: after[j++] ?? "" });
  return found;
}

const kept = (lines: readonly string[]): Edit[] => lines.map((line) => ({ sign: " ", line }));

function editsBetween(before: readonly string[], after: readonly string[]): readonly Edit[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return [
    ...kept(before.slice(0, head)),
    ...middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...kept(before.slice(before.length - tail)),
  ];
}

/** Runs of edits with their context, from the first to before the last. */
function hunks(edits: readonly Edit[]): readonly (readonly [from: number, to: number])[] {
  const found: [number, number][] = [];
  for (const [i, { sign }] of edits.entries()) {
    if (sign === " ") continue;
    const [from, to] = [Math.max(0, i - CONTEXT), Math.min(edits.length, i + CONTEXT + 1)];
    const last = found.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = to;
    else found.push([from, to]);
  }
  return found;
}

/** Number of the first line and of all lines, as the head of a hunk has them. */
function extent(edits: readonly Edit[], from: number, to: number, without: "+" | "-"): string {
  const count = (some: readonly Edit[]): number => some.filter(({ sign }) => sign !== without).length;
  const [before, lines] = [count(edits.slice(0, from)), count(edits.slice(from, to))];
  return `${lines === 0 ? before : before + 1},${lines}`;
}

const linesOf = (text: string | undefined): readonly string[] =>
  text === undefined || text === "" ? [] : text.replace(/\n$/, "").split("\n");

/** The lines of `diff -u`; none where both are the same. A text that is undefined is a file that is not there. */
export function unifiedDiff(path: string, before: string | undefined, after: string | undefined): readonly string[] {
  const edits = editsBetween(linesOf(before), linesOf(after));
  const found = hunks(edits);
  if (found.length === 0 && before === after) return [];
  return [
    `--- ${before === undefined ? "/dev/null" : path}`,
    `+++ ${after === undefined ? "/dev/null" : path}`,
    ...found.flatMap(([from, to]) => [
      `@@ -${extent(edits, from, to, "+")} +${extent(edits, from, to, "-")} @@`,
      ...edits.slice(from, to).map(({ sign, line }) => sign + line),
    ]),
  ];
}
