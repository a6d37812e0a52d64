/**
 * What an attribute means: the words for it, whether it is read and written, and whether it changes in place. Outside of
 * links nothing declares that: it is found by leaving attributes out of captured
 * messages, words out of requests, and by giving them other values. Whether it changes in place is what our planner says.
 */
import type { Sort } from "../../lib/state/entries/sort.ts";
import { type Captured, inside, type Values, type Whole } from "./captured.ts";

/** The cells of an attribute. */
export interface Meaning {
  readonly words: readonly string[];
  readonly read: boolean;
  readonly write: boolean;
  /** Whether a plan would change it in an entry that is there, by the sort of the entry; no kernel was asked. */
  readonly inPlace: ReadonlyMap<string, boolean>;
}
/** The meanings of a section's attributes. */
export type Meanings = ReadonlyMap<string, Meaning>;

/** How messages become words, and words requests. */
export interface Telling {
  readonly messages: readonly Captured[];
  /** Where the section's attributes stand in a message; in a request, where that is elsewhere. */
  readonly path: readonly string[];
  read(message: Whole): unknown;
  readonly asked?: readonly string[];
  /** The attributes of the request for these words. */
  write?(words: Values): unknown;
  /** How documents plan a change. */
  readonly sort?: Sort;
}

const isObject = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !(value instanceof Uint8Array);
const text = (value: unknown): string =>
  JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}n` : part)) ?? "";

/** The words that differ; those in lists without their place. */
function differing(one: unknown, other: unknown, path: readonly string[] = []): string[] {
  if (text(one) === text(other)) return [];
  const lists = Array.isArray(one) && Array.isArray(other);
  if (!isObject(one) || !isObject(other) || (lists && one.length !== other.length)) return [path.join(".")];
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
  return keys.flatMap((key) =>
    differing((one as Values)[key], (other as Values)[key], lists || Array.isArray(one) ? path : [...path, key]),
  );
}
/** What cannot be made of less is not told. */
function trying<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

/** Another value of the same sort, where one can be made up: a number in a text is part of an address, or an index. */
function other(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  if (typeof value === "bigint") return value + 1n;
  if (typeof value === "boolean") return !value;
  if (typeof value === "string") return value.replace(/\d+/, (digits) => String(Number(digits) ^ 2));
  return value;
}
/** The same with another value, or with none, at the key, wherever the path leads. */
function variants(value: unknown, path: readonly string[], key: string): unknown[] {
  return [() => undefined, other].map((make) => changed(value, path, key, make));
}
function changed(value: unknown, path: readonly string[], key: string, make: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => changed(one, path, key, make));
  const [next, ...more] = path;
  if (!isObject(value) || !Object.hasOwn(value, next ?? key)) return value;
  if (next !== undefined) return { ...value, [next]: changed(value[next], more, key, make) };
  const { [key]: now, ...rest } = value;
  const made = make(now);
  return made === undefined ? rest : { ...rest, [key]: made };
}
/** All words, and those in them; of lists, those of their objects. */
function wordsIn(value: unknown, path: readonly string[] = []): string[][] {
  if (Array.isArray(value)) return value.flatMap((one) => wordsIn(one, path));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, part]) => [[...path, key], ...wordsIn(part, [...path, key])]);
}

interface Found {
  readonly words: Set<string>;
  /** Words that decide whether there is a nest around the attribute at all. */
  readonly wide: Set<string>;
  readonly inPlace: Map<string, boolean>;
  read: boolean;
  write: boolean;
}
class Findings {
  readonly all = new Map<string, Found>();

  of(key: string): Found {
    const known = this.all.get(key);
    if (known !== undefined) return known;
    const made: Found = { words: new Set(), wide: new Set(), inPlace: new Map(), read: false, write: false };
    this.all.set(key, made);
    return made;
  }

  read({ path, read }: Telling, message: Whole): void {
    const told = trying(() => read(message));
    if (told === undefined) return;
    for (const key of new Set(inside(message.attrs, path).flatMap((one) => Object.keys(one as Values))))
      for (const attrs of variants(message.attrs, path, key)) {
        const less = trying(() => read({ ...message, attrs: attrs as Values }));
        for (const word of less === undefined ? [] : differing(told, less)) {
          if (word === "") continue;
          this.of(key).words.add(word);
          this.of(key).read = true;
        }
      }
  }

  written({ path, asked = path, write, read, sort }: Telling, message: Whole): void {
    for (const words of [trying(() => read(message))].flat()) {
      if (write === undefined || !isObject(words)) continue;
      const request = (of: unknown): unknown[] | undefined => trying(() => inside(write(of as Values), asked));
      const all = request(words);
      if (all === undefined) continue;
      for (const place of wordsIn(words))
        for (const variant of variants(words, place.slice(0, -1), place.at(-1) ?? "")) {
          const less = request(variant);
          const keys = less === undefined ? [] : keysOf(less.length === all.length ? differing(all, less) : all);
          for (const key of keys) {
            const found = this.of(key);
            (less?.length === all.length ? found.words : found.wide).add(place.join("."));
            found.write = true;
            const may = sort && changes(sort, words, place[0] ?? "");
            if (sort !== undefined && may !== undefined)
              found.inPlace.set(sort.object, may && (found.inPlace.get(sort.object) ?? true));
          }
        }
    }
  }
}
const keysOf = (list: readonly unknown[]): string[] =>
  list.flatMap((one) => (typeof one === "string" ? [one.split(".")[0] ?? ""] : Object.keys(one as Values)));

/** How often a plan has something against an entry, beside one as it is now. */
function complaints({ check }: Sort, words: Values, seen: Values): number {
  let count = 0;
  const planner = { say: () => count++, desired: { nexthops: [], routes: [], fdb: [] }, before: {} };
  trying(() => check?.(planner as never, { words, path: [], absent: false } as never, seen, {} as never));
  return count;
}
/** Whether a plan changes the word of an entry that is there; undefined where it cannot be asked. */
function changes(sort: Sort, words: Values, word: string): boolean | undefined {
  if (!Object.hasOwn(sort.writing.shapes, word)) return undefined;
  const wanted = { ...words, [word]: typeof words[word] === "string" ? "other" : other(words[word]) };
  if (trying(() => sort.same(wanted, words)) !== true) return false;
  if (complaints(sort, wanted, words) > complaints(sort, words, words)) return false;
  const differences = [{ field: word, from: words[word], to: wanted[word as "other"] }];
  const moves = trying(() => sort.change(wanted, words, differences)) ?? [];
  return moves.length === 0
    ? undefined
    : moves.every(({ request: { verb } }) => verb !== "delete" && verb !== "create");
}

/** What is found out of a section's attributes. */
export function meaningsOf(tellings: readonly Telling[]): Meanings {
  const findings = new Findings();
  for (const telling of tellings)
    for (const { whole } of telling.messages) {
      findings.read(telling, whole);
      findings.written(telling, whole);
    }
  return new Map(
    [...findings.all].map(([key, { words, wide, inPlace, read, write }]) => {
      const named = words.size === 0 ? wide : words;
      // A part says it better than the whole.
      const least = [...named].filter((word) => ![...named].some((one) => one.startsWith(`${word}.`)));
      return [key, { words: least, read, write, inPlace }];
    }),
  );
}
