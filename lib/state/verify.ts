/** Reads a host again and compares it with the document, field by field. */
import type { Host } from "../host.ts";
import type { Desired } from "./desired.ts";
import { observe } from "./observe.ts";
import { plan } from "./plan.ts";
import { type Difference, type ObjectKind, type Plan, type Step, sameValue } from "./step.ts";

/**
 * What became of a wanted value: it is there; this kernel does not tell it, so that it did not take it; or the host has
 * another one.
 */
export type Outcome = "applied" | "unsupported" | "drifted";

/** One property of one object. */
export interface Finding {
  readonly object: ObjectKind;
  readonly subject: string;
  readonly field: string;
  readonly wanted: unknown;
  readonly found: unknown;
  readonly outcome: Outcome;
  /** Whether it has another value, is not there, or is there and not in the document. */
  readonly state: "differs" | "missing" | "foreign";
}

/** How many properties there are of each sort; `same`, `differ`, `missing` and `untold` are all that the document names. */
export interface Counts {
  readonly same: number;
  readonly differ: number;
  readonly missing: number;
  /** There, and not in the document although it decides about them: rules in our table, far ends of a VXLAN. */
  readonly foreign: number;
  /** Known to nobody, as this kernel does not tell them, or as they could not be looked at. */
  readonly untold: number;
}

/** The comparison of a host with a document. */
export interface Verification {
  /** Whether everything that could be looked at is as it should be; what could not is in `warnings`, and `untold`. */
  readonly ok: boolean;
  /** What is not as it should be. */
  readonly differences: readonly Finding[];
  readonly counts: Counts;
  /** What could not be looked at, and why. */
  readonly warnings: readonly string[];
  /** What would put it right. */
  readonly plan: Plan;
}

/** What differs in a step; a step without properties is about the whole object. */
function differencesOf({ differences, action, restores }: Step): readonly Difference[] {
  if (restores === true) return [];
  if (differences.length === 0) return [{ field: "exists", from: action === "remove", to: action !== "remove" }];
  // Steps repeat what others would rewrite, and add what the document does not name.
  return differences.filter(({ from, to, implied }) => implied !== true && !sameValue(from, to));
}

function stateOf({ from, to, field }: Difference, { action, object }: Step): Finding["state"] {
  if (action === "remove") return "foreign";
  if (action === "create") return "missing";
  // A sysctl of an interface is there with it.
  if (object === "sysctl") return from === undefined ? "missing" : "differs";
  if (object !== "nftables" || field === "comment") return "differs";
  return from === undefined ? "missing" : to === undefined ? "foreign" : "differs";
}

/** The findings in a plan: what it would still do is what is not there. Right after it was `applied`, at that. */
export function findings(after: Plan, applied?: Plan): readonly Finding[] {
  const sent = new Set(
    applied?.steps.flatMap(({ object, subject, differences }) =>
      differences.map(({ field }) => `${object} ${subject} ${field}`),
    ),
  );
  return after.steps.flatMap((step) =>
    differencesOf(step).map((one): Finding => {
      const { object, subject, action } = step;
      const { field, from, to } = one;
      // Acknowledged, and yet not told: the kernel does not know it.
      const silent = from === undefined && action === "change" && sent.has(`${object} ${subject} ${field}`);
      const outcome = silent ? "unsupported" : "drifted";
      return { object, subject, field, wanted: to, found: from, outcome, state: stateOf(one, step) };
    }),
  );
}

function countsOf(after: Plan, differences: readonly Finding[]): Counts {
  const drifted = differences.filter(({ outcome }) => outcome === "drifted");
  const of = (state: Finding["state"]): number => drifted.filter((one) => one.state === state).length;
  const told = after.kept.reduce(
    (sum, { fields, problem }) => sum + (problem === undefined ? Math.max(fields.length, 1) : 0),
    0,
  );
  const repeated = after.steps.flatMap((step) =>
    step.differences.filter(({ from, to, implied }) => implied !== true && sameValue(from, to)),
  );
  const silent = after.kept.reduce((sum, { untold = [] }) => sum + untold.length, 0);
  return {
    same: told + repeated.length,
    differ: of("differs"),
    missing: of("missing"),
    foreign: of("foreign"),
    untold: silent + differences.length - drifted.length,
  };
}

/** Compares a plan's outcome with the document; `applied` is the plan that was just carried out. */
export function judge(after: Plan, applied?: Plan): Verification {
  const differences = findings(after, applied);
  return {
    ok: differences.every(({ outcome }) => outcome === "unsupported"),
    differences,
    counts: countsOf(after, differences),
    warnings: after.kept.flatMap(({ problem }) => problem ?? []),
    plan: after,
  };
}

/** Reads the host and compares it with the document. */
export async function verify(
  host: Host,
  desired: Desired,
  options: { readonly signal?: AbortSignal; readonly applied?: Plan } = {},
): Promise<Verification> {
  const observed = await observe(host, desired, options);
  return judge(plan(observed, desired), options.applied);
}
