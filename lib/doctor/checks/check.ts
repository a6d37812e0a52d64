/** What every check is given, and gives. */
import type { Asked } from "../ask.ts";
import type { Counters } from "../counters.ts";
import type { Finding } from "../finding.ts";
import type { View } from "../view.ts";

/** A host as it was read, what was asked, and the counters that moved meanwhile. */
export interface Case {
  readonly view: View;
  readonly asked: Asked;
  readonly moved: Counters;
}

/** Looks for some causes. Pure. */
export type Check = (given: Case) => readonly Finding[];
