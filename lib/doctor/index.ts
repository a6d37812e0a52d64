/** Why traffic does not pass. */

export type { Asked, AskOptions, Bridged, Duplicate, FarEnd } from "./ask.ts";
export type { Claimed, Clone } from "./clones.ts";
export { type DiagnoseOptions, type Diagnosis, diagnose } from "./diagnose.ts";
export { CAUSES, type Cause, type Finding, type Severity } from "./finding.ts";
export type { Heard, Refusal, Sound } from "./hear.ts";
export type { Spoiled } from "./sums.ts";
export type { Offer, Overheard, Oversize } from "./taps.ts";
