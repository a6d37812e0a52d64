/** Entries of which Linux has one: what is in the place of another goes first. */
import type { DesiredEntry } from "./desired.ts";
import type { Sort } from "./entries/sort.ts";
import { grouped } from "./grouped.ts";
import type { Observed } from "./observed.ts";
import type { Planner } from "./planner.ts";
import type { Words } from "./step.ts";

/** All of one sort by their places, looked through when it is first asked for. */
export class Rivals {
  readonly #planner: Planner;
  readonly #sort: Sort;
  readonly #world: Observed;
  #wanted: ReadonlyMap<string, readonly DesiredEntry[]> | undefined;
  #seen: ReadonlyMap<string, readonly Words[]> | undefined;

  /** `world` is what is there once links are made again. */
  constructor(planner: Planner, sort: Sort, world: Observed) {
    this.#planner = planner;
    this.#sort = sort;
    this.#world = world;
  }

  /** What is in the place of a new one, and does not go by an entry of its own. */
  of({ words }: DesiredEntry): readonly Words[] {
    const place = this.#place(words);
    if (place === undefined) return [];
    this.#seen ??= this.#byPlace(this.#world[this.#sort.list] ?? [], (one) => one);
    const goes = (seen: Words): boolean =>
      this.#planner.desired[this.#sort.list].some((one) => one.absent && this.#sort.same(one.words, seen));
    return (this.#seen.get(place) ?? []).filter((seen) => !this.#fit(words, seen) && !goes(seen));
  }

  /** The entry of the document that has the place of what somebody has, or wants; undefined for none. */
  holder(words: Words): DesiredEntry | undefined {
    const place = this.#place(words);
    if (place === undefined) return undefined;
    const entries = this.#planner.desired[this.#sort.list];
    this.#wanted ??= this.#byPlace(
      entries.filter(({ absent }) => !absent),
      (one) => one.words,
    );
    return this.#wanted.get(place)?.find((one) => one.words === words || !this.#fit(one.words, words));
  }

  #place(words: Words): string | undefined {
    return this.#sort.once?.place(words, this.#planner);
  }

  #fit(one: Words, other: Words): boolean {
    return this.#sort.once?.fit(one, other) ?? true;
  }

  #byPlace<T>(list: readonly T[], wordsOf: (one: T) => Words): ReadonlyMap<string, readonly T[]> {
    return grouped(
      list.flatMap((one) => {
        const place = this.#place(wordsOf(one));
        return place === undefined ? [] : [[place, one] as const];
      }),
    );
  }
}
