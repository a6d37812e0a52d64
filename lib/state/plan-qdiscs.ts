/** Steps for the queue at the root of a link. The kernel's own has the handle `0:`, and comes back when another goes. */
import type { DesiredLink } from "./desired.ts";
import { insideAgain } from "./entries/inside.ts";
import { sortOf } from "./entries/sorts.ts";
import type { Path } from "./error.ts";
import { linkOf, type Observed } from "./observed.ts";
import { move, type Planner } from "./planner.ts";
import { FIXED, fixedOf, isWhole, type ObservedQdisc, OWN, ownWords, qdiscAgain, timeAgrees } from "./queue.ts";
import { DIFFERS, type Difference, type Move, type Request, sameValue, type Words } from "./step.ts";
import { checkQdisc } from "./words.ts";

const request = (verb: Request["verb"], words: Words): Request => ({ object: "qdisc", verb, words });

/** Makes a queue what it shall be: the kernel takes again what is there and cannot change as little as what differs of it. */
function movesTo(planner: Planner, dev: string, whole: Words, is: ObservedQdisc | undefined): Move[] {
  const back = [...qdiscAgain(planner.before, dev), ...(is === undefined ? [] : inRoot(planner.before, dev, is))];
  if (is !== undefined && isAnew(whole, is))
    return [move(gone(dev), ...back), move(request("create", whole), gone(dev))];
  const fixed = (is?.kind === whole["kind"] && FIXED[String(whole["kind"])]) || [];
  const rest = Object.fromEntries(Object.entries(whole).filter(([key]) => !fixed.includes(key)));
  return [move(request("replace", rest), gone(dev), ...back)];
}
/** Whether the kernel would take what is wanted for a change that it cannot make. */
function isAnew(whole: Words, is: ObservedQdisc): boolean {
  if (whole["kind"] !== is.kind) return whole["handle"] === is.handle;
  return fixedOf(is.kind).some((key) => whole[key] !== undefined && !sameValue(whole[key], is[key]));
}
/** What is in the queue at the root of a link. */
const inRoot = (observed: Observed, dev: string, { handle, kind }: ObservedQdisc): Request[] =>
  insideAgain(observed, dev, handle, kind);
const gone = (dev: string): Request => request("delete", { dev, parent: "root" });

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
    const drops = [`packets that wait at ${dev}`, ...inRoot(planner.before, dev, is).map(nameOf)];
    return planner.add({
      ...common,
      action: "remove",
      reason: "to be absent",
      drops,
      moves: [move(gone(dev), ...qdiscAgain(planner.before, dev), ...inRoot(planner.before, dev, is))],
    });
  }
  const same = is !== undefined && is.kind === wanted["kind"];
  // One that goes with its link keeps what the document does not name.
  const former = is ?? planner.before.qdiscs?.[dev];
  const differences: Difference[] = Object.entries(wanted)
    .filter(([field, to]) => to !== undefined && !timeAgrees(wanted["kind"], field, to, is?.[field]))
    .map(([field, to]) => ({ field, from: is?.[field], to }));
  const remade = differences.some(({ field }) => fixedOf(wanted["kind"]).includes(field));
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
    drops:
      is === undefined || (same && !remade) ? [] : [`packets that wait at ${dev}`, ...lostIn(planner, dev, whole, is)],
    // Another link comes without it: of one that is new there is nothing to take back.
    moves: seen === undefined ? [move(request("replace", whole))] : movesTo(planner, dev, whole, is),
  });
  if (is !== undefined && keepsInside(whole, is) && isAnew(whole, is)) planInside(planner, dev, path, is);
}

/** Whether what was in a queue can be in the one that takes its place. */
const keepsInside = (whole: Words, { kind, handle }: ObservedQdisc): boolean =>
  whole["kind"] === kind && whole["handle"] === handle;

const nameOf = ({ object, words }: Request): string => `${object} ${sortOf(object)?.subject(words) ?? ""}`;
const isListed = ({ desired }: Planner, { object, words }: Request): boolean => {
  const sort = sortOf(object);
  return sort !== undefined && desired[sort.list].some((entry) => sort.same(entry.words, words));
};

/** What is lost for good with a queue that another one takes the place of. */
function lostIn(planner: Planner, dev: string, whole: Words, is: ObservedQdisc): string[] {
  if (keepsInside(whole, is)) return [];
  return inRoot(planner.before, dev, is)
    .filter((one) => !isListed(planner, one))
    .map(nameOf);
}

/** Puts back what was in a queue that is made again, and that the document does not name. */
function planInside(planner: Planner, dev: string, path: Path, is: ObservedQdisc): void {
  for (const one of inRoot(planner.before, dev, is).filter((each) => !isListed(planner, each))) {
    const sort = sortOf(one.object);
    planner.add({
      action: "create",
      object: one.object,
      subject: sort?.subject(one.words) ?? "",
      path,
      reason: `was in the queue of ${dev} before it was made again`,
      needs: [`qdisc ${dev}`, ...(sort?.needs?.(one.words, planner) ?? [])],
      // It goes with the queue that was made.
      moves: [move(one)],
      restores: true,
    });
  }
}

/** A host without what is in queues that go, or are made again. */
export function withoutQueues({ desired, before }: Planner, world: Observed): Observed {
  const gone = desired.links.flatMap(({ name, qdisc, absent }): [string, Set<unknown>][] => {
    const is = before.qdiscs?.[name];
    if (absent || qdisc === undefined || is === undefined || is.handle === OWN) return [];
    const whole: Words = { handle: is.handle, ...qdisc };
    const goes = qdisc["state"] === "absent" || whole["kind"] !== is.kind || isAnew(whole, is);
    return goes ? [[name, new Set(inRoot(before, name, is).map(({ words }) => words))]] : [];
  });
  if (gone.length === 0) return world;
  const lost = new Map(gone);
  const left = (list: readonly Words[] = []): readonly Words[] =>
    list.filter((one) => lost.get(String(one["dev"]))?.has(one) !== true);
  return { ...world, queues: left(world.queues), classes: left(world.classes), filters: left(world.filters) };
}

/** All steps for queues; `world` is what will be there once links are made again. */
export function planQdiscs(planner: Planner, world: Observed): void {
  for (const link of planner.desired.links) {
    if (link.absent || link.qdisc === undefined) continue;
    const there = linkOf(world, link.name) !== undefined;
    planOne(planner, link, there ? planner.before.qdiscs?.[link.name] : undefined);
  }
}
