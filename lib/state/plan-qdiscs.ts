/** Steps for the queue at the root of a link. The kernel's own has the handle `0:`, and comes back when another goes. */
import type { DesiredLink } from "./desired.ts";
import { linkOf, type Observed } from "./observed.ts";
import { move, type Planner } from "./planner.ts";
import { DIFFERS, type Difference, type Move, type Request, sameValue, type Words } from "./step.ts";
import { checkQdisc, qdiscShapes } from "./words.ts";

/** A root qdisc as it is: its kind, its handle, and what can be set of it. */
export type ObservedQdisc = Words & {
  readonly kind: string;
  readonly handle: string;
  /** Somebody put another one into it. */
  readonly inner?: true;
  /** Somebody put one beside it for what comes in, which holds filters. */
  readonly ingress?: true;
};

/** The handle of a queue that the kernel made by itself. */
export const OWN = "0:";
const request = (verb: Request["verb"], words: Words): Request => ({ object: "qdisc", verb, words });

/** Times that the kernel rounds down when they are written and when they are read. */
const ROUNDED: Readonly<Record<string, readonly string[]>> = { fq_codel: ["target", "interval", "ceThreshold"] };
/** What can be said of a queue when it is made, and never again. */
const FIXED: Readonly<Record<string, readonly string[]>> = { fq_codel: ["flows"] };

/** What is kept of a time: units of 1024 ns. */
const kept = (seconds: unknown): number => Math.floor((Math.round(Number(seconds) * 1e6) * 1000) / 1024);
/** A time as it is told, a microsecond longer: written so, it is kept as it was. */
const written = (seconds: unknown): number => (Math.round(Number(seconds) * 1e6) + 1) / 1e6;

/** A queue as it takes to have it again: without what is told of queues beside it. */
export function ownWords({ inner: _, ingress: __, ...words }: ObservedQdisc): Words {
  const times = (ROUNDED[words.kind] ?? []).filter((key) => words[key] !== undefined);
  return { ...words, ...Object.fromEntries(times.map((key) => [key, written(words[key])])) };
}

function agrees(kind: unknown, field: string, wanted: unknown, seen: unknown): boolean {
  const time = seen !== undefined && ROUNDED[String(kind)]?.includes(field) === true;
  return time ? kept(wanted) === kept(written(seen)) : sameValue(seen, wanted);
}

/** Makes a queue what it shall be: the kernel takes again what is there and cannot change as little as what differs of it. */
function movesTo(planner: Planner, dev: string, whole: Words, is: ObservedQdisc | undefined): Move[] {
  const back = qdiscAgain(planner.before, dev);
  const fixed = (is?.kind === whole["kind"] && FIXED[String(whole["kind"])]) || [];
  const rest = Object.fromEntries(Object.entries(whole).filter(([key]) => !fixed.includes(key)));
  const anew = is !== undefined && fixed.some((key) => !sameValue(whole[key], is[key]));
  if (!anew) return [move(request("replace", rest), gone(dev), ...back)];
  return [move(gone(dev), ...back), move(request("create", whole), gone(dev))];
}
const gone = (dev: string): Request => request("delete", { dev, parent: "root" });

/** What it takes to have the queue of a link back that was made again. */
export function qdiscAgain({ qdiscs }: Observed, dev: string): Request[] {
  const seen = qdiscs?.[dev];
  if (seen === undefined || seen.handle === OWN) return [];
  return [request("create", { dev, ...ownWords(seen) })];
}

/** What could not be put back of the queues of a link that goes, and the way out; undefined where all could. */
export function unrestorable({ qdiscs }: Observed, dev: string): string | undefined {
  const seen = qdiscs?.[dev];
  if (seen === undefined || (isWhole(seen) && seen.ingress !== true)) return undefined;
  const [what, where] = isWhole(seen)
    ? ["filters for what comes in", "ingress"]
    : [`${seen.kind}, with what is in it`, "root"];
  return `${dev} has ${what}, which could not be put back; remove it first (tc qdisc delete dev ${dev} ${where})`;
}

/** Whether all of a queue is known, so that it can be put back: others have classes and filters. */
export function isWhole({ kind, handle, inner }: ObservedQdisc): boolean {
  return handle === OWN || (inner !== true && Object.hasOwn(qdiscShapes, kind));
}

function planOne(planner: Planner, { name: dev, path: of, qdisc = {} }: DesiredLink, seen: ObservedQdisc | undefined) {
  const path = [...of, "qdisc"];
  const { state, ...wanted } = qdisc;
  const is = seen === undefined || seen.handle === OWN ? undefined : seen;
  const common = { object: "qdisc", subject: dev, path, needs: planner.linkIds(dev) } as const;
  const refuse = (): void =>
    planner.say(
      path,
      `${dev} has ${String(seen?.kind)}, with what is in it, which could not be put back; remove it first (tc qdisc delete dev ${dev} root)`,
    );
  if (state === "absent") {
    if (is === undefined) return planner.keep("qdisc", dev, []);
    if (!isWhole(is)) return refuse();
    const drops = [`packets that wait at ${dev}`];
    return planner.add({
      ...common,
      action: "remove",
      reason: "to be absent",
      drops,
      moves: [move(gone(dev), ...qdiscAgain(planner.before, dev))],
    });
  }
  const same = is !== undefined && is.kind === wanted["kind"];
  // One that goes with its link keeps what the document does not name.
  const former = is ?? planner.before.qdiscs?.[dev];
  const differences: Difference[] = Object.entries(wanted)
    .filter(([field, to]) => to !== undefined && !agrees(wanted["kind"], field, to, is?.[field]))
    .map(([field, to]) => ({ field, from: is?.[field], to }));
  const remade = differences.some(({ field }) => FIXED[String(wanted["kind"])]?.includes(field));
  const fields = Object.keys(wanted);
  if (differences.length === 0) return planner.keep("qdisc", dev, fields);
  if (is !== undefined && !isWhole(is)) return refuse();
  const own = former !== undefined && former.handle !== OWN && former.kind === wanted["kind"] ? ownWords(former) : {};
  const whole = { ...own, dev, ...wanted };
  const wrong = checkQdisc(whole);
  if (wrong !== undefined) return planner.say(path, wrong);
  planner.keepRest("qdisc", dev, fields, differences);
  planner.add({
    ...common,
    action: is === undefined ? "create" : "change",
    reason: is === undefined ? "not there" : DIFFERS,
    differences,
    drops: is === undefined || (same && !remade) ? [] : [`packets that wait at ${dev}`],
    // Another link comes without it: of one that is new there is nothing to take back.
    moves: seen === undefined ? [move(request("replace", whole))] : movesTo(planner, dev, whole, is),
  });
}

/** All steps for queues; `world` is what will be there once links are made again. */
export function planQdiscs(planner: Planner, world: Observed): void {
  for (const link of planner.desired.links) {
    if (link.absent || link.qdisc === undefined) continue;
    const there = linkOf(world, link.name) !== undefined;
    planOne(planner, link, there ? planner.before.qdiscs?.[link.name] : undefined);
  }
}
