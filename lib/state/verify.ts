/** Reads a host again and compares it with the document, field by field. */
import type { Host } from "../host.ts";
import type { Desired } from "./desired.ts";
import { observe } from "./observe.ts";
import { plan } from "./plan.ts";
import type { ObjectKind, Plan } from "./step.ts";

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
}

/** The comparison of a host with a document. */
export interface Verification {
  /** Whether everything that this kernel knows is as it should be. */
  readonly ok: boolean;
  /** What is not as it should be. */
  readonly differences: readonly Finding[];
  /** How many properties are. */
  readonly applied: number;
  /** What would put it right. */
  readonly plan: Plan;
}

/** The findings in a plan: what it would still do is what is not there. Right after it was `applied`, at that. */
export function findings(after: Plan, applied?: Plan): readonly Finding[] {
  const sent = new Set(
    applied?.steps.flatMap(({ object, subject, differences }) =>
      differences.map(({ field }) => `${object} ${subject} ${field}`),
    ),
  );
  return after.steps.flatMap(({ object, subject, action, differences }) =>
    (differences.length > 0
      ? differences
      : [{ field: "exists", from: action === "remove", to: action !== "remove" }]
    ).map(({ field, from, to }): Finding => {
      // Acknowledged, and yet not told: the kernel does not know it.
      const silent = from === undefined && action === "change" && sent.has(`${object} ${subject} ${field}`);
      return { object, subject, field, wanted: to, found: from, outcome: silent ? "unsupported" : "drifted" };
    }),
  );
}

/** Compares a plan's outcome with the document; `applied` is the plan that was just carried out. */
export function judge(after: Plan, applied?: Plan): Verification {
  const differences = findings(after, applied);
  return {
    ok: differences.every(({ outcome }) => outcome === "unsupported"),
    differences,
    applied: after.kept.reduce((sum, { fields }) => sum + Math.max(fields.length, 1), 0),
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
