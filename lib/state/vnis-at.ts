/** Finds a VNI of a VXLAN in a list of ranges, which is asked for each of many entries. */
import { grouped, remembered } from "./grouped.ts";
import type { Words } from "./step.ts";

interface Range {
  readonly from: number;
  readonly to: number;
  /** The last VNI of this range and of all that begin before it. */
  readonly last: number;
  readonly words: Words;
}

/** Ranges in the order of where they begin. */
function ordered(all: readonly Words[]): readonly Range[] {
  let last = 0;
  return all
    .map((words) => ({ from: Number(words["vni"]), to: Number(words["vniEnd"] ?? words["vni"]), words }))
    .sort((a, b) => a.from - b.from)
    .map((one) => {
      last = Math.max(last, one.to);
      return { ...one, last };
    });
}

/** Ranges by their link. */
const rangesOf = remembered((list: readonly object[], wordsOf: (one: never) => Words) => {
  const byLink = grouped((list as readonly never[]).map((one) => wordsOf(one)).map((words) => [words["dev"], words]));
  return new Map([...byLink].map(([dev, all]) => [dev, ordered(all)]));
});

/** How many ranges begin at this VNI or before it. */
function countUpTo(ranges: readonly Range[], vni: number): number {
  let [low, high] = [0, ranges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ranges[middle]?.from ?? 0) <= vni) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What a list says of an entry's VNI; `wordsOf` gives the range that one of the list is, and is the same for each list. */
export function vnisAt<T extends object>(
  list: readonly T[],
  wordsOf: (one: T) => Words,
  { dev, srcVni }: Words,
): readonly Words[] {
  const ranges = rangesOf(list, wordsOf).get(dev) ?? [];
  const vni = Number(srcVni);
  const found: Words[] = [];
  for (let i = countUpTo(ranges, vni) - 1; i >= 0; i--) {
    const { to, last, words } = ranges[i] as Range;
    if (last < vni) break;
    if (vni <= to) found.push(words);
  }
  return found;
}
