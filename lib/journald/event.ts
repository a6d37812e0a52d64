/** What the journal is told of: one message id for each kind, for whoever looks for it or waits for it. */
import { type FieldValue, type JournalEntry, writeJournal } from "./entry.ts";
import type { Priority } from "./stream.ts";

/** The kinds, with ids that never change. */
export const MESSAGE_IDS = {
  /** A document was applied, or what it describes removed. */
  applied: "6e72fcb0a416438f8129a07253808a01",
  /** What a document rests on is not there yet, or not ready. */
  waiting: "c90f5fdf0bc64319a5c46884fee2440e",
  /** What waited to be confirmed is kept. */
  confirmed: "eedb6b777a724b02b66db5ffcee97a8f",
  /** The old state was put back. */
  reverted: "2a1698cc19fe4cb39401fca0267eb409",
  /** The old state could not be put back, or not all of it. */
  stuck: "5ec53dd0c590424f8d5c4bfae4769f82",
  /** The host is not as its document says. */
  drifted: "f457ef7b7eb14a418be63f574cf68552",
  /** It was put right. */
  repaired: "7f39c939680e4988858d5e744978d37c",
  /** It could not be looked at or put right. */
  failed: "402981e4d3bc474dbd0e5da1034267f9",
} as const;

/** A kind of event. */
export type EventKind = keyof typeof MESSAGE_IDS;

const PRIORITIES: Readonly<Record<EventKind, Priority>> = {
  applied: "notice",
  waiting: "warning",
  confirmed: "notice",
  reverted: "warning",
  stuck: "error",
  drifted: "warning",
  repaired: "notice",
  failed: "error",
};

/** An event and what is known of it. */
export interface Event {
  readonly kind: EventKind;
  readonly message: string;
  /** In lower case: `file` becomes the field `LINKWRIGHT_FILE`. */
  readonly details?: Readonly<Record<string, FieldValue>>;
}

/** The entry of an event. */
export function entryOf({ kind, message, details = {} }: Event): JournalEntry {
  const named = Object.entries({ event: kind, ...details }).map(([name, value]) => [
    `LINKWRIGHT_${name.toUpperCase()}`,
    value,
  ]);
  return { message, priority: PRIORITIES[kind], messageId: MESSAGE_IDS[kind], fields: Object.fromEntries(named) };
}

/** Tells the journal; false where there is none. */
export function tellJournal(event: Event): Promise<boolean> {
  return writeJournal(entryOf(event));
}
