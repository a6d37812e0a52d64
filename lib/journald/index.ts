/** systemd's journal: what is written to it, and whether what is printed goes there. */
export { encodeEntry, type FieldValue, type JournalEntry, writeJournal } from "./entry.ts";
export { type Event, type EventKind, MESSAGE_IDS, tellJournal } from "./event.ts";
export { isJournal, type Priority, withPriority } from "./stream.ts";
