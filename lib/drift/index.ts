/** Drift: what differs from a document, who did it, and how it is put right. */
export { type GuardOptions, guard, isPassing, type Report } from "./guard.ts";
export type { Suspect } from "./suspects.ts";
