/** Finds what somebody meant to type. */

/** How many letters have to be typed, left out, changed or swapped to make one word of the other. */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const line = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const change = cell(above, column - 1) + (same ? 0 : 1);
      let best = Math.min(change, cell(above, column) + 1, cell(line, column - 1) + 1);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        best = Math.min(best, cell(before, column - 2) + 1);
      line.push(best);
    }
    before = above;
    above = line;
  }
  return cell(above, b.length);
}

function cell(line: readonly number[], column: number): number {
  return line[column] ?? Number.POSITIVE_INFINITY;
}

/** The word that was meant, where one is near enough. */
export function nearest(word: string, words: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of words) {
    const near = candidate.startsWith(word) && word.length >= 2 ? 1 : distance(word, candidate);
    if (near >= least) continue;
    least = near;
    best = candidate;
  }
  return best;
}

/** ` (did you mean X?)`, or nothing. */
export function didYouMean(word: string, words: Iterable<string>): string {
  const meant = nearest(word, words);
  return meant === undefined ? "" : ` (did you mean ${meant}?)`;
}
