/** What a sort of entries is to documents and plans: how it is written, told apart, compared, changed and put back. */
import type { Shape, Shapes } from "../../shape/shape.ts";
import type { DesiredEntry } from "../desired.ts";
import type { Observed } from "../observed.ts";
import type { Planner } from "../planner.ts";
import type { Difference, Move, ObjectKind, Request, Words } from "../step.ts";
import { sameValue } from "../step.ts";

/** What lies on links or beside them, and is neither a link nor a setting. */
export type EntryKind = Exclude<ObjectKind, "link" | "wireguard" | "ethtool" | "qdisc" | "sysctl" | "nftables">;

/** The name of a sort's list: in a document, in what was observed, and in what is desired. */
export const LIST_NAMES = [
  "addresses",
  "routes",
  "rules",
  "nexthops",
  "fdb",
  "neighbors",
  "vlans",
  "vlanGlobals",
  "vnis",
  "mdb",
  "queues",
  "classes",
  "filters",
  "addressLabels",
  "fou",
] as const;
export type ListName = (typeof LIST_NAMES)[number];

/** How a document writes entries of a sort. */
export interface Writing {
  readonly shapes: Shapes;
  /** Properties without which nothing is meant. */
  readonly needed: readonly string[];
  /** Where they stand: in a link's entry, beside the links, or in both places. */
  readonly place: "link" | "top" | "both";
  /** In the entries of links that have this option only. */
  readonly besideOption?: string;
  /** `a route`, and `a route such as { dst: default, via: 192.0.2.1 }` in a link's entry. */
  readonly one: string;
  readonly inLink?: string;
  /** `routes` */
  readonly many: string;
  /** Of each kind more properties; an entry that shall be absent need not say its kind. */
  readonly kinds?: Readonly<Record<string, Shapes>>;
  /** A value that stands for a whole entry. */
  readonly short?: { readonly shape: Shape<unknown>; expand(value: unknown): Words };
}

/** Links that go, and what goes because of them. */
export interface Gone {
  readonly links: ReadonlySet<string>;
  /** Links that are no longer ports of what they were ports of. */
  readonly ports: ReadonlySet<string>;
  readonly nexthops: ReadonlySet<unknown>;
}

/** Entries that cannot be beside each other, although they are not the same: one takes the place of the other. */
export interface Once {
  /** A text that is the same for all that this may be true of; undefined where it is of none. */
  place(words: Words, planner: Planner): string | undefined;
  /** Whether two of one place fit beside each other all the same; `one` is wanted. */
  fit(one: Words, other: Words): boolean;
}

/** How one sort of entries is told apart, compared and changed. */
export interface Sort {
  readonly object: EntryKind;
  readonly list: ListName;
  readonly writing: Writing;
  /**
   * The one form in which the kernel's are shown. Of an entry that shall be absent less has to be said.
   * @throws {InputError} for what contradicts itself.
   */
  canonical(words: Words, absent: boolean): Words;
  /** A text that is the same for all that `same` may hold of. */
  bucket(words: Words): string;
  /** Whether both are the same entry, whatever its other properties are. */
  same(wanted: Words, seen: Words): boolean;
  /** Whether a document cannot have both; by default what is the same. */
  clashes?(one: Words, other: Words): boolean;
  /** Of several that are the same the one that is meant. */
  exact?(wanted: Words, seen: Words): boolean;
  subject(words: Words): string;
  /** Properties that make it the entry that it is, or that change by themselves. */
  readonly uncompared: readonly string[];
  /** Whether a property is as it shall be, where equality is not what decides; `words` are all that is wanted. */
  agrees?(field: string, wanted: unknown, seen: unknown, words: Words): boolean;
  /** What must hold although the document does not name it. */
  readonly implied: (wanted: Words, seen: Words) => readonly Difference[];
  create(words: Words): Request;
  /** Requests for a change, and those that take it back. */
  change(wanted: Words, seen: Words, differences: readonly Difference[]): readonly Move[];
  /** What is wanted of one that comes back, with what the document does not name; by default that is nothing. */
  whole?(wanted: Words, seen: Words): Words;
  /** An entry, as it takes to make it again. */
  again(seen: Words): Words;
  /** What names an entry for its deletion; by default all of it. */
  named?(words: Words): Words;
  /** Makes again what was removed, given as `again` tells it. */
  restore(again: Words): Request;
  /** What Linux has once, where `same` holds of less. */
  readonly once?: Once;
  /** Requests that put back what goes with one that is removed. */
  along?(seen: Words, observed: Observed): readonly Request[];
  /** Whether somebody wrote it, so that it is put back with its link; the kernel makes and learns others itself. */
  isGiven(seen: Words, observed: Observed): boolean;
  /** Whether it leads over others of its sort, which are put back before it. */
  isLater?(words: Words): boolean;
  /** What is left of an entry where links go; undefined for nothing. */
  remains(words: Words, gone: Gone): Words | undefined;
  /** Requests that put back all of the sort that goes; by default each that is lost by itself. */
  restored?(observed: Observed, gone: Gone): Request[];
  /** Linux keeps it under the number of its link where that goes, and nobody can name it any more: it goes before. */
  readonly outlastsLink?: true;
  /** The parts of a request that puts something back which no entry of the document is about. */
  besides?(request: Request, entries: readonly DesiredEntry[]): readonly Request[];
  /** Names of links that it takes, by the property that names them. */
  devices(words: Words): readonly (readonly [property: string, name: unknown])[];
  /** Ids of steps that come before the one that makes or changes it, beside those of its links. */
  needs?(words: Words, planner: Planner): readonly string[];
  /** Ids of steps that come before the one that removes it. */
  needsGone?(words: Words, planner: Planner): readonly string[];
  /** Says what this host has against it; `seen` is the entry as it is there. False where it cannot be planned. */
  check?(planner: Planner, entry: DesiredEntry, seen: Words | undefined, world: Observed): boolean;
  /** Plans an entry that is a whole range of what the kernel has. */
  plan?(planner: Planner, entry: DesiredEntry, world: Observed, before: Observed): void;
  /** Its `protocol` says whose it is: others' are not changed. The way out, where one of theirs is in the way. */
  readonly wayOut?: string;
}

/** A call to the service of a sort. */
export const request = (object: EntryKind, verb: Request["verb"], words: Words): Request => ({ object, verb, words });
/** Whether all these properties are the same. */
export const equal = (a: Words, b: Words, ...keys: readonly string[]): boolean =>
  keys.every((key) => sameValue(a[key], b[key]));
/** The entry as a whole, or nothing of it. */
export const unless = (goes: boolean, words: Words): Words | undefined => (goes ? undefined : words);
/** Whether an entry lies on a link that goes. */
export const isOn = ({ links }: Gone, dev: unknown): boolean => links.has(String(dev));
