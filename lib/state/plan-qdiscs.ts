/** Steps for the queue at the root of a link. The kernel's own has the handle `0:`, and comes back when another goes. */
import type { DesiredLink } from "./desired.ts";
import { linkOf, type Observed } from "./observed.ts";
import { move, type Planner } from "./planner.ts";
import { DIFFERS, type Difference, type Request, sameValue, type Words } from "./step.ts";
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

const OWN = "0:";
const request = (verb: Request["verb"], words: Words): Request => ({ object: "qdisc", verb, words });

/** Without what is told of queues beside it. */
function ownWords({ inner: _, ingress: __, ...words }: ObservedQdisc): Words {
  return words;
}

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
function isWhole({ kind, handle, inner }: ObservedQdisc): boolean {
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
  const gone = request("delete", { dev, parent: "root" });
  if (state === "absent") {
    if (is === undefined) return planner.keep("qdisc", dev, []);
    if (!isWhole(is)) return refuse();
    const drops = [`packets that wait at ${dev}`];
    return planner.add({
      ...common,
      action: "remove",
      reason: "to be absent",
      drops,
      moves: [move(gone, ...qdiscAgain(planner.before, dev))],
    });
  }
  const same = is !== undefined && is.kind === wanted["kind"];
  // One that goes with its link keeps what the document does not name.
  const former = is ?? planner.before.qdiscs?.[dev];
  const differences: Difference[] = Object.entries(wanted)
    .filter(([field, to]) => to !== undefined && !sameValue(is?.[field], to))
    .map(([field, to]) => ({ field, from: is?.[field], to }));
  const fields = Object.keys(wanted);
  if (differences.length === 0) return planner.keep("qdisc", dev, fields);
  if (is !== undefined && !isWhole(is)) return refuse();
  const kept = former !== undefined && former.handle !== OWN && former.kind === wanted["kind"] ? ownWords(former) : {};
  const whole = { ...kept, dev, ...wanted };
  const wrong = checkQdisc(whole);
  if (wrong !== undefined) return planner.say(path, wrong);
  planner.keepRest("qdisc", dev, fields, differences);
  planner.add({
    ...common,
    action: is === undefined ? "create" : "change",
    reason: is === undefined ? "not there" : DIFFERS,
    differences,
    drops: is === undefined || same ? [] : [`packets that wait at ${dev}`],
    // Another link comes without it: of one that is new there is nothing to take back.
    moves: [move(request("replace", whole), ...(seen === undefined ? [] : [gone, ...qdiscAgain(planner.before, dev)]))],
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
