/**
 * What an attribute means: the words for it, and whether it is read and written. Outside of links nothing declares that:
 * it is found by giving attributes of captured messages, and words of requests, other values, and by leaving them out.
 */
import { type Captured, inside, type Values, type Whole } from "./captured.ts";

/** The cells of an attribute. */
export interface Meaning {
  readonly words: readonly string[];
  readonly read: boolean;
  readonly write: boolean;
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
  if (Array.isArray(value)) return value.map(other);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, other(part)]));
  return value;
}
/** The same with another value, or with none, at the key, wherever the path leads. */
function variants(value: unknown, path: readonly string[], key: string): unknown[] {
  return [() => undefined, other].map((make) => changed(value, path, key, make));
}
/** Where another value says which word it is, more that goes with the whole of it does not count. */
const narrowest = ([without = [], other = []]: readonly (readonly string[])[]): readonly string[] =>
  other.length > 0 ? other : without;
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
  read: boolean;
  write: boolean;
}
class Findings {
  readonly all = new Map<string, Found>();

  of(key: string): Found {
    const known = this.all.get(key);
    if (known !== undefined) return known;
    const made: Found = { words: new Set(), wide: new Set(), read: false, write: false };
    this.all.set(key, made);
    return made;
  }

  read({ path, read }: Telling, message: Whole): void {
    const told = trying(() => read(message));
    if (told === undefined) return;
    for (const key of new Set(inside(message.attrs, path).flatMap((one) => Object.keys(one as Values)))) {
      const words = variants(message.attrs, path, key).map((attrs) => {
        const less = trying(() => read({ ...message, attrs: attrs as Values }));
        return less === undefined ? [] : differing(told, less).filter((word) => word !== "");
      });
      for (const word of narrowest(words)) {
        this.of(key).words.add(word);
        this.of(key).read = true;
      }
    }
  }

  written({ path, asked = path, write, read }: Telling, message: Whole): void {
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
          }
        }
    }
  }
}
const keysOf = (list: readonly unknown[]): string[] =>
  list.flatMap((one) => (typeof one === "string" ? [one.split(".")[0] ?? ""] : Object.keys(one as Values)));

/** What is found out of a section's attributes. */
export function meaningsOf(tellings: readonly Telling[]): Meanings {
  const findings = new Findings();
  for (const telling of tellings)
    for (const { whole } of telling.messages) {
      findings.read(telling, whole);
      findings.written(telling, whole);
    }
  return new Map(
    [...findings.all].map(([key, { words, wide, read, write }]) => {
      const named = words.size === 0 ? wide : words;
      // A part says it better than the whole.
      const least = [...named].filter((word) => ![...named].some((one) => one.startsWith(`${word}.`)));
      return [key, { words: least, read, write }];
    }),
  );
}
