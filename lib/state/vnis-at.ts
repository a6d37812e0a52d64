/** Finds a VNI of a VXLAN in a list of ranges, which is asked for each of many entries. */
import type { Words } from "./step.ts";

interface Range {
  readonly from: number;
  readonly to: number;
  /** The last VNI of this range and of all that begin before it. */
  readonly last: number;
  readonly words: Words;
}

/** Ranges by their link, in the order of where they begin. */
function rangesOf(all: Iterable<Words>): ReadonlyMap<unknown, readonly Range[]> {
  const found = new Map<unknown, Omit<Range, "last">[]>();
  for (const words of all) {
    const { dev, vni, vniEnd = vni } = words;
    const one = { from: Number(vni), to: Number(vniEnd), words };
    const same = found.get(dev);
    if (same === undefined) found.set(dev, [one]);
    else same.push(one);
  }
  const ordered = [...found].map(([dev, ranges]): [unknown, readonly Range[]] => {
    let last = 0;
    const withLast = ranges
      .sort((a, b) => a.from - b.from)
      .map((one) => {
        last = Math.max(last, one.to);
        return { ...one, last };
      });
    return [dev, withLast];
  });
  return new Map(ordered);
}

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

const known = new WeakMap<readonly object[], ReadonlyMap<unknown, readonly Range[]>>();

/** What a list says of an entry's VNI; `wordsOf` gives the range that one of the list is, and is the same for each list. */
export function vnisAt<T extends object>(
  list: readonly T[],
  wordsOf: (one: T) => Words,
  { dev, srcVni }: Words,
): readonly Words[] {
  let byLink = known.get(list);
  if (byLink === undefined) {
    byLink = rangesOf(list.map(wordsOf));
    known.set(list, byLink);
  }
  const ranges = byLink.get(dev) ?? [];
  const vni = Number(srcVni);
  const found: Words[] = [];
  for (let i = countUpTo(ranges, vni) - 1; i >= 0; i--) {
    const { to, last, words } = ranges[i] as Range;
    if (last < vni) break;
    if (vni <= to) found.push(words);
  }
  return found;
}
