/** Random documents A and B: A applied, B applied over it and verified, then taken back; the host has to be as A made it. Then another B. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import fc from "fast-check";
import { ApplyError } from "../../lib/state/apply.ts";
import type { Desired } from "../../lib/state/desired.ts";
import { isExact } from "../../lib/transaction/back.ts";
import { RevertedError } from "../../lib/transaction/reverted.ts";
import { type TransactOptions, transact } from "../../lib/transaction/transaction.ts";
import { type Document, documents } from "./documents.ts";
import { desired, difference, type Machine, machine, snapshot } from "./host.ts";
import { toldByOthers } from "./others.ts";

/** What became of many transitions. */
export interface Transitions {
  /** Of all, those that were verified and rolled back to A. */
  exact: number;
  /** B says what A had made already: there was nothing to do. */
  unchanged: number;
  /** The kernel refused B, which was undone to A; or A itself, which was undone to nothing. */
  refused: number;
  /** Neither. */
  wrong: number;
  /** Objects, settings and the like that were left, or lost. */
  leaked: number;
  descriptors: number;
  namespaces: number;
  readonly faults: string[];
}

const COUNTS = ["exact", "unchanged", "refused", "wrong", "leaked", "descriptors", "namespaces"] as const;
const zeros = Object.fromEntries(COUNTS.map((key) => [key, 0])) as Record<(typeof COUNTS)[number], number>;
export const NO_TRANSITIONS: Transitions = { ...zeros, faults: [] };

export function sum(parts: readonly Transitions[]): Transitions {
  const all = { ...zeros };
  for (const part of parts) for (const key of COUNTS) all[key] += part[key];
  return { ...all, faults: parts.flatMap(({ faults }) => faults) };
}

class Fault extends Error {
  readonly leaked: number;
  constructor(message: string, lines: readonly string[] = []) {
    super([message, ...lines.slice(0, 12).map((one) => one.slice(0, 1500))].join("\n  "));
    this.leaked = lines.length;
  }
}

function same(before: readonly string[], now: readonly string[], when: string): void {
  const lines = difference(before, now);
  if (lines.length > 0) throw new Fault(`${when}, ${lines.length} lines differ`, lines);
}

/** Refused by the kernel and undone. */
function checkRefused(error: unknown, when: string): void {
  if (error instanceof RevertedError)
    throw new Fault(
      `${when}: ${error.message}`,
      error.verification?.differences.map((one) => JSON.stringify(one)),
    );
  if (!(error instanceof ApplyError)) throw error;
  if (error.undoFailed.length > 0)
    throw new Fault(
      `${when}: ${error.message}`,
      error.undoFailed.map(({ request, cause }) => `${JSON.stringify(request)}: ${String(cause)}`),
    );
}

/** Applies; false where the kernel refused it, and it was undone exactly. */
async function applied(on: Machine, document: Desired, options: TransactOptions): Promise<boolean> {
  const before = await snapshot(on);
  try {
    await transact(on.host, document, options);
    return true;
  } catch (error) {
    checkRefused(error, "A");
    same(before, await snapshot(on), "after A was refused");
    return false;
  }
}

/** A host that became what A says, and can be looked at again. */
interface Standing {
  readonly on: Machine;
  readonly options: TransactOptions;
  /** Throws where it is not as A made it, for us and, where they are asked, for others. */
  isBack(when: string): Promise<void>;
}

/** A, applied and found done; undefined where the kernel refused it, and it was undone exactly. */
async function stand(on: Machine, a: Document, directory: string, others: boolean): Promise<Standing | undefined> {
  const first = desired(a);
  const options = { directory, allowRecreate: true, wait: 0 };
  if (!(await applied(on, first, options))) return undefined;
  const again = await transact(on.host, first, options);
  if (again.state !== "unchanged" || again.requests !== 0) throw new Fault("A is not done after it was applied");
  const look = async () => [await snapshot(on), others ? await toldByOthers(on) : []] as const;
  const [before, toldBefore] = await look();
  const isBack = async (when: string): Promise<void> => {
    const [now, toldNow] = await look();
    same(before, now, when);
    same(toldBefore, toldNow, `${when}, others say,`);
  };
  return { on, options, isBack };
}

/** Whether B was done, found right, and taken back because a probe said so; anything else is thrown. */
function checkTakenBack(error: unknown): boolean {
  if (!(error instanceof RevertedError && error.message.startsWith("take it back"))) return false;
  const missing = error.verification?.plan.steps.map(({ id }) => id) ?? ["everything"];
  if (missing.length > 0) throw new Fault("B is not done after it was applied", missing);
  if (isExact(error.wayBack)) return true;
  const { failed, differing } = error.wayBack;
  throw new Fault(`taken back: ${error.message}`, [
    ...failed.map(({ request, cause }) => `${JSON.stringify(request)}: ${String(cause)}`),
    ...differing.map((step) => JSON.stringify([step.id, step.differences, step.moves])),
  ]);
}

type Outcome = "exact" | "unchanged" | "refused";

/** One transition; what is wrong with it is thrown. */
async function transition({ on, options, isBack }: Standing, b: Document): Promise<Outcome> {
  let rounds = 0;
  // After the way back it is asked once more.
  const probe = async () => (rounds++ === 0 ? [{ ok: false, text: "take it back" }] : []);
  try {
    const { state } = await transact(on.host, desired(b), { ...options, probe });
    if (state === "unchanged") return state;
    throw new Fault(`B was ${state}`);
  } catch (error) {
    if (checkTakenBack(error)) {
      await isBack("after B was taken back");
      return "exact";
    }
    checkRefused(error, "B");
    await isBack("after B was refused");
    return "refused";
  }
}

/** Transitions from one A, after each of which the host has to be as A made it; `told` hears what became of each. */
async function chain(
  directory: string,
  a: Document,
  bs: readonly Document[],
  others: boolean,
  told: (outcome: Outcome) => void,
): Promise<void> {
  await using on = await machine();
  const standing = await stand(on, a, directory, others);
  if (standing === undefined) return told("refused");
  for (const b of bs) told(await transition(standing, b));
}

const openDescriptors = (): number => readdirSync("/proc/self/fd").length;

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // It is gone, or no link.
    return "";
  }
}
/** Namespaces of networks that are held: by a descriptor or a child of ours, or by a name. */
function heldNamespaces(): number {
  const children = readFileSync("/proc/thread-self/children", "utf8").split(" ").filter(Boolean);
  const held = [
    ...children.map((child) => linkOf(`/proc/${child}/ns/net`)),
    ...readdirSync("/proc/self/fd").map((fd) => linkOf(`/proc/self/fd/${fd}`)),
    ...[...readFileSync("/proc/self/mountinfo", "utf8").matchAll(/ (net:\[\d+\]) /g)].map(([, name]) => name ?? ""),
  ];
  return new Set(held.filter((name) => name.startsWith("net:["))).size;
}

/** Milliseconds after which a counterexample is no longer made smaller. */
const SHRINK = 60_000;
/** After so many counterexamples the rest is not tried. */
const ENOUGH = 10;

/** Of so many A others than we look at one. */
const OTHERS = 10;
/** Transitions from one A. */
const EACH = 10;

/** Some documents by their seed; a counterexample is told as small as it could be made. */
async function one(all: Transitions, seed: number, directory: string, most: number): Promise<void> {
  const bs = fc.tuple(...Array.from({ length: Math.min(EACH, most) }, () => documents));
  let first = true;
  const property = fc.asyncProperty(documents, bs, async (a, some) => {
    const count = first;
    first = false;
    try {
      await chain(directory, a, some, seed % OTHERS === 0, (outcome) => {
        if (count) all[outcome]++;
      });
    } catch (error) {
      if (count) {
        all.wrong++;
        all.leaked += error instanceof Fault ? error.leaked : 1;
      }
      throw error;
    }
  });
  const { counterexample, errorInstance } = await fc.check(property, {
    ...{ numRuns: 1, seed, unbiased: true, skipAllAfterTimeLimit: SHRINK },
  });
  if (counterexample === null) return;
  const [a, some] = counterexample;
  const why = errorInstance instanceof Fault ? errorInstance.message : String((errorInstance as Error)?.stack);
  all.faults.push(`seed ${seed}:\nA ${JSON.stringify(a)}\nB, one after the other ${JSON.stringify(some)}\n${why}`);
}

/** So many transitions, from a seed on. */
export async function transitions(count: number, seed: number, directory: string): Promise<Transitions> {
  const all: Transitions = { ...NO_TRANSITIONS, faults: [] };
  // The first opens what stays open.
  await chain(directory, { linkwright: 1, links: {} }, [], false, () => undefined);
  const [descriptors, namespaces] = [openDescriptors(), heldNamespaces()];
  const left = (): number => count - all.exact - all.unchanged - all.refused - all.wrong;
  for (let i = seed; left() > 0 && all.faults.length < ENOUGH; i++) await one(all, i, directory, left());
  all.descriptors = Math.max(0, openDescriptors() - descriptors);
  all.namespaces = Math.max(0, heldNamespaces() - namespaces);
  return all;
}
