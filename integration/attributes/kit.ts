/** Tries each word of a sort of object on one that is there, and notes what the kernel, and our planner, made of it. */
import { deepEqual } from "node:assert/strict";
import { inspect } from "node:util";
import type { Host } from "../../lib/host.ts";
import { InputError } from "../../lib/shape/shape.ts";
import { NetlinkError } from "../../lib/socket/index.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import { sortOf } from "../../lib/state/entries/sorts.ts";
import { ConfigError } from "../../lib/state/error.ts";
import { observe } from "../../lib/state/observe.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Step } from "../../lib/state/step.ts";
import { type Outcome, tried, wasTried } from "../../test/tried.ts";
import { isUpTo, type Scene } from "../links/kit.ts";

export type Words = Readonly<Record<string, unknown>>;

/** What is tried of one word. */
export interface Change {
  /** The words that differ then. */
  readonly to: Words;
  /** What the object has beside the usual words; what is undefined it has not. */
  readonly with?: Words;
  /** Shell, before the object is made. */
  readonly first?: string;
  /** The kernel that brought the word: an older one takes it without a word. */
  readonly since?: readonly [major: number, minor: number];
  /** iproute2 shows nothing of it, or not this one. */
  readonly unseen?: true;
}
/** A sort of object. */
export interface Tries {
  /** As test/fixtures/tried.txt calls it. */
  readonly kind: string;
  /** An object, as it is made first. */
  readonly base: Words;
  /** Changes by the word, with a point where one stands in another. */
  readonly words: Readonly<Record<string, Change>>;
  /** Shell, once before all. */
  readonly first?: string;
  /** Removes one that is listed. */
  remove(host: Host, one: Words): Promise<unknown>;
  /** Shell that shows them as iproute2 does. */
  readonly shown: string;
  list(host: Host): Promise<readonly object[]>;
  make(host: Host, words: Words): Promise<unknown>;
  /** Asks for the change; `to` are the words that differ. */
  change(host: Host, words: Words, to: Words): Promise<unknown>;
  /** The document that has the object; none where documents do not have such. */
  document?(words: Words): object;
  /** This machine's kernel may not have it: it is tried, and its plans are compared, in the lanes of other kernels, too. */
  readonly elsewhere?: true;
  /** What the steps of a plan are about; by default `kind`. */
  readonly object?: string;
}

/** In the lane of another kernel neither iproute2 nor the planner is asked beside: each takes longer than the change. */
const SLOW = process.env["LINKWRIGHT_LOAD"] === "0";
/** Whether a lane does without it, unless it is to be noted. */
export const isLeftOut = ({ elsewhere }: Tries): boolean =>
  SLOW && elsewhere === undefined && process.env["TRIED"] === undefined;

/** A change of one word. */
export const set = (word: string, value: unknown, more: Omit<Change, "to"> = {}): Readonly<Record<string, Change>> => ({
  [word]: { to: { [word]: value }, ...more },
});

const isObject = (value: unknown): value is Words => typeof value === "object" && value !== null;
/** Whether all that is wanted is there; the kernel rounds times and rates, and what runs has run. */
function has(wanted: unknown, seen: unknown): boolean {
  if (Array.isArray(wanted))
    return Array.isArray(seen) && wanted.length === seen.length && wanted.every((one, i) => has(one, seen[i]));
  if (isObject(wanted)) return isObject(seen) && Object.entries(wanted).every(([key, one]) => has(one, seen[key]));
  if (typeof wanted === "number" && typeof seen === "number")
    return Math.abs(wanted - seen) <= (Number.isInteger(seen) && wanted < 50 ? 0 : 0.005 * wanted);
  return wanted === seen || ((wanted === false || wanted === undefined) && (seen === false || seen === undefined));
}

/** What a plan makes of the change: in place, by another object, or nothing. */
async function planned({ document, kind, elsewhere, object = kind }: Tries, { host }: Scene, words: Words) {
  if (document === undefined || (SLOW && elsewhere === undefined)) return undefined;
  try {
    const whole = (_: string, value: unknown): unknown => (typeof value === "bigint" ? Number(value) : value);
    const text = JSON.stringify({ linkwright: 1, ...document(words) }, whole);
    const desired = desiredOf(parseSource(text, "tried.yaml"));
    const { steps } = plan(await observe(host, desired), desired);
    const mine = steps.filter((one) => one.object === object);
    if (mine.length === 0) return "nothing";
    const isAnother = ({ action, moves }: Step): boolean =>
      action !== "change" || moves.some(({ request: { verb } }) => verb === "delete" || verb === "create");
    return mine.some(isAnother) ? "another" : "in place";
  } catch (error) {
    if (error instanceof ConfigError || error instanceof InputError) return "refused";
    throw error;
  }
}

/** Whether the planner knows what the kernel does. */
function plannerErrs(tries: Tries, word: string, outcome: Outcome, plans: string | undefined): boolean {
  if (plans === "in place") return outcome !== "changes";
  const uncompared = sortOf(tries.object ?? tries.kind)?.uncompared.includes(word.split(".")[0] ?? "") ?? false;
  return plans === "nothing" && outcome === "changes" && !uncompared;
}

async function outcomeOf(tries: Tries, here: Scene, words: Words, { to, unseen }: Change): Promise<Outcome> {
  const show = (): Promise<string> => (SLOW || unseen === true ? Promise.resolve("") : here.sh(tries.shown));
  const [before, shown] = [await tries.list(here.host), await show()];
  if (before.some((one) => has(to, one))) throw new Error(`it is so before: ${inspect(before)}`);
  try {
    await tries.change(here.host, { ...words, ...to }, to);
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    return error.code as Outcome;
  }
  const after = await tries.list(here.host);
  const done = after.some((one) => has(to, one));
  if (done && unseen === undefined && (await here.sh(tries.shown)) === shown)
    throw new Error("iproute2 sees no change");
  if (after.length > before.length) return "another";
  if (after.length < before.length) throw new Error(`fewer than before: ${inspect(after)}`);
  return done ? "changes" : "kept";
}

const ofKernel = (error: unknown): void => {
  if (!(error instanceof NetlinkError)) throw error;
};
/** Makes the object, and what it needs before; resolves to why this kernel has none. */
async function made(
  { make, list, remove }: Tries,
  { host, sh }: Scene,
  words: Words,
  first: string,
): Promise<string | undefined> {
  const lacks = first === "" ? "" : await sh(`{ ${first}; } 2>&1 | grep -iE 'not supported|unknown' || true`);
  if (lacks !== "") return lacks.trim();
  // Some go with others, in one order or the other: secondary addresses, multicast entries of a source.
  for (let left = await list(host), tries = 0; left.length > 0; left = await list(host)) {
    if (tries++ > 1) throw new Error(`it stays: ${inspect(left)}`);
    for (const one of left.toReversed()) await remove(host, one as Words).catch(ofKernel);
  }
  try {
    await make(host, words);
  } catch (error) {
    const lacks =
      error instanceof NetlinkError && (error.code === "EOPNOTSUPP" || /unknown|not found|load/.test(error.message));
    if (!lacks) throw error;
    return error.message;
  }
  return undefined;
}

/** Resolves to why it could not be tried. */
async function tryWord(tries: Tries, here: Scene, word: string, change: Change): Promise<string | undefined> {
  const { since: [major, minor] = [0, 0] } = change;
  if (isUpTo(major, minor - 1)) return `${major}.${minor} brought it`;
  const words = Object.fromEntries(
    Object.entries({ ...tries.base, ...change.with }).filter(([, value]) => value !== undefined),
  );
  const lacks = await made(tries, here, words, change.first ?? "");
  if (lacks !== undefined) return lacks;
  const plans = await planned(tries, here, { ...words, ...change.to });
  const outcome = await outcomeOf(tries, here, words, change);
  tried(`${tries.kind}.${word}`, outcome);
  if (plannerErrs(tries, word, outcome, plans)) throw new Error(`the kernel: ${outcome}; our plan: ${plans}`);
  return undefined;
}

/** Tries all words; what is wrong with any of them is told of all at once. Resolves to why some could not be tried. */
export async function tryAll(tries: Tries, here: Scene): Promise<readonly string[]> {
  if (tries.first !== undefined) await here.sh(tries.first);
  const [problems, lacks] = [[] as string[], [] as string[]];
  for (const [word, change] of Object.entries(tries.words)) {
    try {
      const lack = await tryWord(tries, here, word, change);
      if (lack === undefined) continue;
      lacks.push(`${word}: ${lack}`);
      if (wasTried(`${tries.kind}.${word}`))
        problems.push(`${word}: was tried on this kernel, and is not now: ${lack}`);
    } catch (error) {
      problems.push(`${word}: ${(error as Error).message}`);
    }
  }
  deepEqual(problems, []);
  return lacks;
}
