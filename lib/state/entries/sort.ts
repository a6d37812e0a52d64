/** What a sort of entries is to plans: how entries are told apart, compared, changed and put back. */
import type { Observed } from "../observed.ts";
import type { Difference, Move, ObjectKind, Request, Words } from "../step.ts";
import { sameValue } from "../step.ts";

/** What lies on links or beside them, and is neither a link nor a setting. */
export type EntryKind = Exclude<ObjectKind, "link" | "sysctl" | "nftables">;

/** The name of a sort's list: in a document, in what was observed, and in what is desired. */
export type ListName = "addresses" | "routes" | "fdb" | "neighbors";

/** How one sort of entries is told apart, compared and changed. */
export interface Sort {
  readonly object: EntryKind;
  readonly list: ListName;
  /** Whether both are the same entry, whatever its other properties are. */
  same(wanted: Words, seen: Words): boolean;
  subject(words: Words): string;
  /** Properties that make it the entry that it is, or that change by themselves. */
  readonly uncompared: readonly string[];
  /** What must hold although the document does not name it. */
  readonly implied: (wanted: Words, seen: Words) => readonly Difference[];
  create(words: Words): Request;
  /** Requests for a change, and those that take it back. */
  change(wanted: Words, seen: Words, differences: readonly Difference[]): readonly Move[];
  /** An entry, as it takes to make it again. */
  again(seen: Words): Words;
  /** Makes again what was removed, given as `again` tells it. */
  restore(again: Words): Request;
  /** Whether somebody wrote it, so that it is put back with its link; the kernel makes and learns others itself. */
  isGiven(seen: Words, observed: Observed): boolean;
}

/** A call to the service of a sort. */
export const request = (object: EntryKind, verb: Request["verb"], words: Words): Request => ({ object, verb, words });
/** Whether all these properties are the same. */
export const equal = (a: Words, b: Words, ...keys: readonly string[]): boolean =>
  keys.every((key) => sameValue(a[key], b[key]));
