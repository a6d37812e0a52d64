/** Entries that stand for a range of numbers, each of which the kernel has for itself: VLANs and VNIs. */
import type { Shape } from "../../shape/shape.ts";
import { integer } from "../../shape/shape.ts";
import type { DesiredEntry } from "../desired.ts";
import { move, type Planner } from "../planner.ts";
import { DIFFERS, type Difference, type Move, pick, type Request, type Words } from "../step.ts";

/** How numbers and ranges of them are written. */
export interface Span {
  /** Properties for the first number and the last one. */
  readonly first: "vid" | "vni";
  readonly last: "vidEnd" | "vniEnd";
  /** A field that grows by one with each number. */
  readonly growing?: string;
}
/** What the numbers of a sort are. */
export interface Numbers extends Span {
  readonly object: "vlan" | "vni";
  readonly fields: readonly string[];
  /** Fields that are set of numbers that are there already, each with what a new one has; by default there are none. */
  readonly options?: Words;
  /** Fields of which an entry has one. */
  readonly exclusive: readonly string[];
  /** What goes before a change of numbers that are there, given as they are, and what takes it back. */
  before(seen: Words, differences: readonly Difference[]): readonly Move[];
  /** What takes a change back, besides putting the numbers back as they were. */
  undo(made: Words, seen: Words | undefined, others: readonly Words[]): readonly Request[];
}

export interface Ends {
  readonly from: number;
  readonly to: number;
}
export const endsOf = ({ first, last }: Span, words: Words): Ends => {
  const from = Number(words[first]);
  return { from, to: Number(words[last] ?? from) };
};
export const textOf = ({ from, to }: Ends): string => (from === to ? `${from}` : `${from}-${to}`);
/** Whether two entries have a number in common. */
export function overlap(numbers: Span, a: Words, b: Words): boolean {
  const [one, other] = [endsOf(numbers, a), endsOf(numbers, b)];
  return a["dev"] === b["dev"] && one.from <= other.to && other.from <= one.to;
}

/** A number, or a range of them, instead of a map. */
export function shortRange(minimum: number, maximum: number): Shape<unknown> {
  const one = integer(minimum, maximum);
  return {
    expected: `${one.expected}, or a range such as ${minimum + 9}-${minimum + 19}`,
    json: { anyOf: [one.json, { type: "string", pattern: "^[0-9]+-[0-9]+$" }] },
    accepts(value): value is unknown {
      if (typeof value !== "string") return one.accepts(value);
      const [, from, to] = /^(\d+)-(\d+)$/.exec(value)?.map(Number) ?? [];
      return from !== undefined && to !== undefined && from <= to && one.accepts(from) && one.accepts(to);
    },
  };
}
/** The words of an entry that is a number or a range. */
export function expandRange({ first, last }: Span, value: unknown): Words {
  const [from, to] = String(value).split("-").map(Number);
  return { [first]: from, ...(to !== undefined && to !== from && { [last]: to }) };
}

/** Words for a part of a range. */
export function part(numbers: Span, words: Words, { from, to }: Ends): Words {
  const { first, last, growing } = numbers;
  const start = Number(words[first]);
  const { [last]: _, ...rest } = words;
  const grown = growing !== undefined && words[growing] !== undefined;
  return {
    ...rest,
    [first]: from,
    ...(to !== from && { [last]: to }),
    ...(grown && { [growing]: Number(words[growing]) + from - start }),
  };
}

interface Run extends Ends {
  /** The part of what is there; absent where nothing is. */
  readonly seen?: Words;
}

/** A range as what is there, and what is missing between. */
export function runsOf(numbers: Span, range: Words, list: readonly Words[]): readonly Run[] {
  const { from, to } = endsOf(numbers, range);
  const there = list
    .filter((one) => overlap(numbers, range, one))
    .sort((a, b) => endsOf(numbers, a).from - endsOf(numbers, b).from);
  const runs: Run[] = [];
  let next = from;
  for (const one of there) {
    const ends = endsOf(numbers, one);
    const cut = { from: Math.max(ends.from, next), to: Math.min(ends.to, to) };
    if (cut.from > cut.to) continue;
    if (cut.from > next) runs.push({ from: next, to: cut.from - 1 });
    runs.push({ ...cut, seen: part(numbers, one, cut) });
    next = cut.to + 1;
  }
  if (next <= to) runs.push({ from: next, to });
  return runs;
}

/** What of a request is about numbers that no entry of the document names. */
export function besideRanges(numbers: Span, one: Request, entries: readonly DesiredEntry[]): readonly Request[] {
  const named = entries.map(({ words }) => words);
  const free = runsOf(numbers, one.words, named).filter(({ seen }) => seen === undefined);
  return free.map((run) => ({ ...one, words: part(numbers, one.words, run) }));
}

const call = ({ object }: Numbers, verb: Request["verb"], words: Words): Request => ({ object, verb, words });

/** The words by which numbers are removed. */
function named({ first, last }: Numbers, words: Words): Words {
  return pick(words, ["dev", first, last, "self"]);
}
/** What is there, as it takes to make it again. */
export function againOf(numbers: Numbers, seen: Words, self: Words): Words {
  return { ...pick(seen, ["dev", numbers.first, numbers.last, ...numbers.fields]), ...self };
}
/** What is there of options that a new one would have otherwise. */
export function chosenOf({ options = {} }: Numbers, seen: Words): Words {
  const others = Object.keys(options).filter((key) => seen[key] !== undefined && seen[key] !== options[key]);
  return pick(seen, others);
}
/** Sets options of numbers that are there; nothing where there are none to be set. */
export function setting(numbers: Numbers, words: Words, options: Words): Request[] {
  if (Object.keys(options).length === 0) return [];
  return [call(numbers, "update", { ...pick(words, ["dev", numbers.first, numbers.last]), ...options })];
}

function differencesOf({ fields, options = {} }: Numbers, wanted: Words, seen: Words): readonly Difference[] {
  return [...fields, ...Object.keys(options)]
    .filter((key) => wanted[key] !== undefined && (wanted[key] || undefined) !== (seen[key] || undefined))
    .map((field) => ({ field, from: seen[field], to: wanted[field] }));
}

const without = (words: Words, field: string | undefined): Words =>
  Object.fromEntries(Object.entries(words).filter(([key]) => key !== field));

/** What is there, with what is wanted of it. */
function merged({ exclusive }: Numbers, seen: Words, wanted: Words): Words {
  const one = exclusive.some((key) => wanted[key] !== undefined);
  const left = Object.entries(seen).filter(([key]) => !(one && exclusive.includes(key)));
  return { ...Object.fromEntries(left), ...wanted };
}

/** What entries of a sort of ranges are compared with. */
export interface Lists {
  readonly world: readonly Words[];
  readonly before: readonly Words[];
  /** Comes with each request. */
  readonly self: Words;
  /** A field that another entry of the document takes away from all others. */
  readonly taken?: string | undefined;
}

/** Steps for one entry of a sort of ranges. */
export function planRange(planner: Planner, numbers: Numbers, entry: DesiredEntry, lists: Lists): void {
  const { words, path, absent } = entry;
  const { object, first } = numbers;
  const subject = `${textOf(endsOf(numbers, words))} on ${String(words["dev"])}`;
  const runs = runsOf(numbers, words, lists.world);
  const there = runs.filter(({ seen }) => seen !== undefined);
  const draft = { object, subject, path };
  const again = (seen: Words): Words => againOf(numbers, seen, lists.self);
  if (absent) {
    if (there.length === 0) planner.keep(object, subject, []);
    else
      planner.add({
        ...draft,
        action: "remove",
        reason: "to be absent",
        needs: planner.linkIds(words["dev"]),
        moves: there.flatMap(({ seen = {} }) => {
          const old = again(seen);
          const options = setting(numbers, seen, chosenOf(numbers, seen));
          return [move(call(numbers, "delete", named(numbers, old)), call(numbers, "create", old), ...options)];
        }),
      });
    return;
  }
  const isOption = (key: string): boolean => Object.hasOwn(numbers.options ?? {}, key);
  const given = Object.keys(words).filter(
    (key) => (numbers.fields.includes(key) || isOption(key)) && words[key] !== undefined,
  );
  const fields = [first, ...given];
  const changes = runs.flatMap((run) => {
    const wanted = { ...part(numbers, words, run), ...lists.self };
    const differences = run.seen === undefined ? [] : differencesOf(numbers, wanted, run.seen);
    return run.seen !== undefined && differences.length === 0 ? [] : [{ ...run, wanted, differences }];
  });
  if (changes.length === 0) {
    planner.keep(object, subject, fields);
    return;
  }
  const others = lists.world.filter((one) => one["dev"] === words["dev"]).map(again);
  const moves = changes.flatMap(({ wanted, seen, differences }): Move[] => {
    const options = given.filter(isOption);
    const plain = Object.fromEntries(Object.entries(wanted).filter(([key]) => !options.includes(key)));
    if (seen === undefined) {
      const undo = [call(numbers, "delete", named(numbers, plain)), ...numbers.undo(plain, undefined, others)];
      // Options go with it.
      const set = setting(numbers, wanted, pick(wanted, options)).map((one) => move(one));
      return [move(call(numbers, "create", plain), ...undo), ...set];
    }
    const differ = differences.map(({ field }) => field).filter(isOption);
    const set = setting(numbers, wanted, pick(wanted, differ)).map((one) =>
      move(one, ...setting(numbers, seen, pick(seen, differ))),
    );
    if (differ.length === differences.length) return set;
    const made = merged(numbers, without(again(seen), lists.taken), plain);
    const undo = numbers.undo(made, again(seen), others);
    return [...numbers.before(again(seen), differences), move(call(numbers, "create", made), ...undo), ...set];
  });
  const needs = planner.linkIds(words["dev"]);
  if (there.length === 0) {
    const before = runsOf(numbers, words, lists.before).some(({ seen }) => seen !== undefined);
    const reason = before ? "goes with its link, and is put back" : "not there";
    const differences = fields.map((field) => ({ field, from: before ? words[field] : undefined, to: words[field] }));
    planner.add({ ...draft, action: "create", reason, differences, needs, moves });
    return;
  }
  const missing = runs.some(({ seen }) => seen === undefined);
  const differences: Difference[] = [
    ...(missing ? [{ field: first, from: there.map(textOf).join(", "), to: textOf(endsOf(numbers, words)) }] : []),
    ...(changes.find((one) => one.differences.length > 0)?.differences ?? []),
  ];
  planner.keepRest(object, subject, fields, differences);
  planner.add({ ...draft, action: "change", reason: DIFFERS, differences, needs, moves });
}
