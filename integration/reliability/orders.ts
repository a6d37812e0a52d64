/** The keys and lists of a document in another order: one plan, and one host. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { ApplyError } from "../../lib/state/apply.ts";
import { observe } from "../../lib/state/observe.ts";
import { plan } from "../../lib/state/plan.ts";
import type { Plan } from "../../lib/state/step.ts";
import { encode } from "../../lib/transaction/encoding.ts";
import { transact } from "../../lib/transaction/transaction.ts";
import { type Document, documents, randomOf, shuffled } from "./documents.ts";
import { anonymous, desired, difference, machine, snapshot } from "./host.ts";

/** What became of so many documents. */
export interface Orders {
  documents: number;
  /** Those whose orders all gave one plan and one host. */
  same: number;
  /** The kernel refused them, in each order. */
  refused: number;
  readonly faults: string[];
}

const SHUFFLES = 5;
const REFUSED = "refused";

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  const entries = Object.entries(value).map(([key, one]) => [key, sorted(one)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
};
const digest = (lines: readonly string[]): string => createHash("sha256").update(lines.join("\n")).digest("hex");
/** Steps in their order, each with its differences in any. */
const planPrint = ({ steps }: Plan): string =>
  digest(
    steps.map(({ id, action, moves, differences }) =>
      encode(sorted([id, action, moves, differences.map((one) => encode(sorted(one))).sort()])),
    ),
  );

/** The host that a document makes, without its random MAC addresses and what the kernel makes of them. */
async function hostOf(document: Document, directory: string): Promise<readonly string[]> {
  await using on = await machine();
  try {
    await transact(on.host, desired(document), { directory, allowRecreate: true });
  } catch (error) {
    if (error instanceof ApplyError) return [REFUSED];
    throw error;
  }
  return anonymous(await snapshot(on));
}

/** So many documents, each in five more orders. */
export async function orders(count: number, seed: number, directory: string): Promise<Orders> {
  const all: Orders = { documents: 0, same: 0, refused: 0, faults: [] };
  await using on = await machine();
  for (const [number, document] of fc.sample(documents, { numRuns: count, seed }).entries()) {
    const random = randomOf(seed + number);
    const others = Array.from({ length: SHUFFLES }, () => shuffled(document, random) as Document);
    const wanted = [document, ...others].map(desired);
    const plans: string[] = [];
    for (const one of wanted) plans.push(planPrint(plan(await observe(on.host, one), one)));
    const hosts: (readonly string[])[] = [];
    for (const one of [document, ...others]) hosts.push(await hostOf(one, directory));
    const [first = [], ...rest] = hosts;
    const unlike = rest.flatMap((one) => difference(first, one));
    all.documents++;
    if (new Set(plans).size > 1 || unlike.length > 0)
      all.faults.push([`${new Set(plans).size} plans: ${JSON.stringify(document)}`, ...unlike].join("\n  "));
    else if (first[0] === REFUSED) all.refused++;
    else all.same++;
  }
  return all;
}
