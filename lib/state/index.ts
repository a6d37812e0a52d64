/** One host's document: read, planned, applied, verified, removed. */
export {
  type Applied,
  ApplyError,
  type ApplyOptions,
  apply,
  type Progress,
} from "./apply.ts";
export { ObserveError } from "./consistent.ts";
export {
  countForeign,
  describePlan,
  describeStep,
  describeVerification,
  explainForeign,
  explainKept,
  explainMtus,
  explainStep,
  type Painter,
} from "./describe.ts";
export { type Desired, desiredOf } from "./desired.ts";
export { ConfigError, formatIssue, type Issue, type Path, type Position } from "./error.ts";
export { type Foreign, foreignOf } from "./foreign.ts";
export { observe } from "./observe.ts";
export type { Observed, ObservedLink } from "./observed.ts";
export type { UndoFailure } from "./perform.ts";
export { plan } from "./plan.ts";
export { type DesiredProbe, probesOf } from "./probes.ts";
export { planRemoval } from "./remove.ts";
export { documentJsonSchema } from "./schema.ts";
export { type Peer, parseSource, readSource, type Source } from "./source.ts";
export * from "./step.ts";
export { type Finding, type Outcome, type Verification, verify } from "./verify.ts";
