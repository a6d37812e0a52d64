/** What is wanted of a host, in a form that can be written down and taken up again by another process. */
import type { Host } from "../host.ts";
import { type Desired, desiredOf } from "../state/desired.ts";
import type { DocumentValue } from "../state/document.ts";
import { observe } from "../state/observe.ts";
import type { Observed } from "../state/observed.ts";
import { plan } from "../state/plan.ts";
import { planRemoval } from "../state/remove.ts";
import { parseSource } from "../state/source.ts";
import type { Plan, Step } from "../state/step.ts";
import { encode } from "./encoding.ts";

/** Whether the document is to be made true, or what it describes to be taken away. */
export type Mode = "apply" | "remove";

/** What is wanted. */
export interface Wanted {
  readonly desired: Desired;
  readonly mode: Mode;
}

/** The same as plain data: one host's document, without the places in the file. */
export interface KeptDocument {
  readonly mode: Mode;
  readonly file: string;
  readonly value: unknown;
}

/** What a journal keeps of it: without what does not describe the host. */
export function keep({ desired, mode }: Wanted): KeptDocument {
  const { probes: _, confirm: __, ...value } = desired.source.value as DocumentValue;
  return { mode, file: desired.source.file, value };
}

/** What was kept, as it was wanted. */
export function takeUp({ mode, file, value }: KeptDocument): Wanted {
  return { mode, desired: desiredOf(parseSource(JSON.stringify(value), file)) };
}

/** A plan, and the host that it was made for. */
export interface Planned {
  readonly plan: Plan;
  readonly observed: Observed;
}

/** What is to be done to the host as it is now. */
export async function planFor(host: Host, { desired, mode }: Wanted, signal?: AbortSignal): Promise<Planned> {
  const observed = await observe(host, desired, signal === undefined ? {} : { signal });
  return { observed, plan: mode === "apply" ? plan(observed, desired) : planRemoval(observed, desired) };
}

/** What runs by itself while nobody changes anything. */
const RUNNING = ["validLifetime", "preferredLifetime", "expires"];

/** A step as text that is the same as long as the host is. */
export function stepText(step: Step): string {
  const { id, action, differences, moves } = step;
  return encode(
    JSON.parse(
      encode({ id, action, differences: differences.map(({ field, from, to }) => ({ field, from, to })), moves }),
      (key, value: unknown) => (RUNNING.includes(key) ? undefined : value),
    ),
  );
}

/** Steps of one plan that are not in the other, as they are: where there are none, the host did not change in between. */
export function changedSteps(before: readonly Step[], after: readonly Step[]): readonly Step[] {
  const [old, now] = [new Set(before.map(stepText)), new Set(after.map(stepText))];
  return [...after.filter((step) => !old.has(stepText(step))), ...before.filter((step) => !now.has(stepText(step)))];
}
