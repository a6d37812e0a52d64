/** What is wanted of a host, in a form that can be written down and taken up again by another process. */
import type { Host } from "../host.ts";
import { type Desired, desiredOf } from "../state/desired.ts";
import type { DocumentValue } from "../state/document.ts";
import { observe } from "../state/observe.ts";
import type { Observed } from "../state/observed.ts";
import { plan } from "../state/plan.ts";
import { planRemoval } from "../state/remove.ts";
import { parseSource } from "../state/source.ts";
import type { Move, Plan, Request, Step, Words } from "../state/step.ts";
import { expandBraces, formatKey, parseKey } from "../sysctl/key.ts";
import { isSecret } from "../sysctl/secret.ts";

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

/** What a journal keeps of it: without what does not describe the host, and without secrets. */
export function keep({ desired, mode }: Wanted, steps: readonly Step[]): KeptDocument {
  const { probes: _, confirm: __, ...value } = desired.source.value as DocumentValue;
  return { mode, file: desired.source.file, value: withoutSecrets(value, steps) };
}

/** Stands for a secret that is another one than before; it is never set. */
const NO_SECRET = "::";

/** Secrets that are to be changed are there, as others; those that stay make no step, and are left out. */
function withoutSecrets({ sysctls, ...value }: DocumentValue, steps: readonly Step[]): DocumentValue {
  if (sysctls === undefined) return value;
  const set = new Set(steps.filter(({ object }) => object === "sysctl").map(({ subject }) => subject));
  const kept = Object.entries(sysctls).flatMap(([written, one]): [string, string | number][] => {
    const keys = expandBraces(written).filter((key) => isSecret(parseKey(key)));
    if (keys.length === 0) return [[written, one]];
    return keys.filter((key) => set.has(formatKey(parseKey(key)))).map((key) => [key, NO_SECRET]);
  });
  return { ...value, sysctls: Object.fromEntries(kept) };
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
  const observed = await observe(host, desired, { signal, removal: mode === "remove" });
  return { observed, plan: mode === "apply" ? plan(observed, desired) : planRemoval(observed, desired) };
}

/** What runs by itself while nobody changes anything: lifetimes, and the generation of nftables, which is that of others' tables too. */
const RUNNING = ["validLifetime", "preferredLifetime", "expires", "generation"];
/** The same of what counts, in a rule, by itself, or as an expression; elsewhere these are settings. */
const COUNTING = ["packets", "bytes"];
const COUNTERS = ["counter", "count"];

function runs(key: string, within: string): boolean {
  return RUNNING.includes(key) || (COUNTERS.includes(within) && COUNTING.includes(key));
}

/** Whether two values are the same where somebody decides about them; a property that is undefined is not there. */
function same(a: unknown, b: unknown, within = ""): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [one, other] = [a as Words, b as Words];
  const isExpression = one["kind"] === "counter";
  for (const key in one)
    if (!runs(key, within) && !same(one[key], other[key], isExpression && key === "data" ? "counter" : key))
      return false;
  for (const key in other) if (other[key] !== undefined && one[key] === undefined && !runs(key, within)) return false;
  return true;
}

/** The kernel tells entries in any order, and so they are put back. */
function sameUndo(a: readonly Request[], b: readonly Request[]): boolean {
  if (a.length !== b.length) return false;
  return same(a, b) || a.every((one) => b.some((other) => same(one, other)));
}
function sameMoves(a: readonly Move[], b: readonly Move[]): boolean {
  const isSame = ({ request, undo }: Move, other: Move | undefined): boolean =>
    other !== undefined && same(request, other.request) && sameUndo(undo, other.undo);
  return a.length === b.length && a.every((one, i) => isSame(one, b[i]));
}
const sameStep = (a: Step, b: Step): boolean =>
  a.id === b.id && a.action === b.action && sameMoves(a.moves, b.moves) && same(fromTo(a), fromTo(b));
const fromTo = ({ differences }: Step): object => differences.map(({ field, from, to }) => ({ field, from, to }));

/** Steps of one plan that are not in the other, as they are: where there are none, the host did not change in between. */
export function changedSteps(before: readonly Step[], after: readonly Step[]): readonly Step[] {
  const [old, now] = [byId(before), byId(after)];
  const isIn = (steps: ReadonlyMap<string, Step>, step: Step): boolean => {
    const other = steps.get(step.id);
    return other !== undefined && sameStep(step, other);
  };
  return [...after.filter((step) => !isIn(old, step)), ...before.filter((step) => !now.has(step.id))];
}
const byId = (steps: readonly Step[]): ReadonlyMap<string, Step> => new Map(steps.map((step) => [step.id, step]));
