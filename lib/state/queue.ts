/** One queue: how it is told, what cannot change of it, and what it takes to have it again. */
import type { Observed } from "./observed.ts";
import { type Request, sameValue, type Words } from "./step.ts";
import { qdiscShapes } from "./words.ts";

/** A root qdisc as it is: its kind, its handle, and what can be set of it. */
export type ObservedQdisc = Words & {
  readonly kind: string;
  readonly handle: string;
  /** Somebody put into it what a document cannot say. */
  readonly inner?: true;
  /** Somebody put one beside it for what comes in, with what a document cannot say. */
  readonly ingress?: true;
};

/** The handle of a queue that the kernel made by itself. */
export const OWN = "0:";
/** Times that the kernel rounds down when they are written and when they are read. */
const ROUNDED: Readonly<Record<string, readonly string[]>> = { fq_codel: ["target", "interval", "ceThreshold"] };
/** What can be said of a queue when it is made, and never again. */
export const FIXED: Readonly<Record<string, readonly string[]>> = {
  fq_codel: ["flows"],
  htb: Object.keys(qdiscShapes["htb"] ?? {}),
  prio: ["bands"],
};
/** Properties with which a queue has to be made again. */
export const fixedOf = (kind: unknown): readonly string[] => ["handle", ...(FIXED[String(kind)] ?? [])];

/** What is kept of a time: units of 1024 ns. */
const kept = (seconds: unknown): number => Math.floor((Math.round(Number(seconds) * 1e6) * 1000) / 1024);
/** A time as it is told, a microsecond longer: written so, it is kept as it was. */
const written = (seconds: unknown): number => (Math.round(Number(seconds) * 1e6) + 1) / 1e6;

/** A queue as it takes to have it again: without what is told of queues beside it. */
export function ownWords({ inner: _, ingress: __, ...words }: ObservedQdisc): Words {
  const times = (ROUNDED[words.kind] ?? []).filter((key) => words[key] !== undefined);
  return { ...words, ...Object.fromEntries(times.map((key) => [key, written(words[key])])) };
}

/** Whether a property is as it shall be, times as well as they are kept. */
export function timeAgrees(kind: unknown, field: string, wanted: unknown, seen: unknown): boolean {
  const time = seen !== undefined && ROUNDED[String(kind)]?.includes(field) === true;
  return time ? kept(wanted) === kept(written(seen)) : sameValue(seen, wanted);
}

/** The document's words, a handle as the kernel writes it. */
export function canonicalQdisc({ handle, ...rest }: Words): Words {
  if (typeof handle !== "string") return rest;
  return { ...rest, handle: `${Number.parseInt(handle, 16).toString(16)}:` };
}

/** What it takes to have the queue of a link back that was made again. */
export function qdiscAgain({ qdiscs }: Observed, dev: string): Request[] {
  const seen = qdiscs?.[dev];
  if (seen === undefined || seen.handle === OWN) return [];
  return [{ object: "qdisc", verb: "create", words: { dev, ...ownWords(seen) } }];
}

/** What could not be put back of the queues of a link that goes, and the way out; undefined where all could. */
export function unrestorable({ qdiscs }: Observed, dev: string): string | undefined {
  const seen = qdiscs?.[dev];
  if (seen === undefined || (isWhole(seen) && seen.ingress !== true)) return undefined;
  const [what, where] = isWhole(seen)
    ? ["a queue for what comes in", "ingress"]
    : [`${seen.kind}, with what is in it`, "root"];
  return `${dev} has ${what}, which could not be put back; remove it first (tc qdisc delete dev ${dev} ${where})`;
}

/** Whether all of a queue is known, with what is in it, so that it can be put back. */
export function isWhole({ kind, handle, inner }: ObservedQdisc): boolean {
  return handle === OWN || (inner !== true && Object.hasOwn(qdiscShapes, kind));
}
