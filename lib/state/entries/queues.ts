/** Queues beside that at the root of a link: at classes, and for what comes in. */
import { InputError } from "../../shape/shape.ts";
import type { Observed } from "../observed.ts";
import { move, type Planner } from "../planner.ts";
import { fixedOf, ownWords, timeAgrees } from "../queue.ts";
import { pick, type Words } from "../step.ts";
import { checkQdisc, innerShapes, qdiscPlaceShapes, retoldQdisc } from "../words.ts";
import {
  allInside,
  CLASSFUL,
  holderOf,
  holderThen,
  INGRESS,
  insideAgain,
  loopAt,
  rootThen,
  willHaveClass,
} from "./inside.ts";
import { equal, isOn, request, type Sort, unless } from "./sort.ts";

const KEYS = ["dev", "parent"];
const OF_INGRESS: readonly unknown[] = ["ingress", "clsact"];

const whole = (words: Words): Words => ownWords(words as never);

/** Where another queue of the link has the same handle: at the root, or before it in the document. */
function namesakeOf(planner: Planner, { dev, parent, handle }: Words): string | undefined {
  if (handle === undefined) return undefined;
  if (rootThen(planner, String(dev))?.handle === handle) return "root";
  const written = planner.desired.queues.filter(({ absent }) => !absent).map(({ words }) => words);
  const all = written.filter((one) => one["dev"] === dev && one["handle"] === handle);
  return all[0]?.["parent"] === parent ? undefined : String(all[0]?.["parent"]);
}

/** Whether there are filters in a queue that could not be put back. */
function untoldIn({ untoldFilters = [] }: Observed, { dev, parent, handle }: Words): boolean {
  const isIn = (at: unknown): boolean =>
    parent === INGRESS ? at === INGRESS || at === "egress" : holderOf(at) === handle;
  return untoldFilters.some((one) => one["dev"] === dev && isIn(one["parent"]));
}
const UNTOLD = "it has filters in it with what a document cannot say, which could not be put back; remove these first";

export const queues: Sort = {
  object: "queue",
  list: "queues",
  writing: {
    shapes: qdiscPlaceShapes,
    needed: ["dev"],
    kinds: innerShapes,
    place: "link",
    one: "a queue",
    inLink: "a queue such as { parent: '1:10', kind: fq_codel }, or { kind: clsact }",
    many: "queues",
  },
  canonical(words, absent) {
    const { dev, kind, parent = OF_INGRESS.includes(kind) ? INGRESS : undefined } = words;
    if (parent === undefined || parent === "root")
      throw new InputError(["parent"], "expected a class such as 1:10, or ingress; the queue at the root is qdisc");
    if (kind === undefined && absent) return { dev, parent };
    if (OF_INGRESS.includes(kind) !== (parent === INGRESS))
      throw new InputError(["parent"], `${String(kind)} is not for ${String(parent)}`);
    return { ...pick(retoldQdisc({ ...words, parent }), Object.keys(words)), dev, parent };
  },
  bucket: ({ dev, parent }) => `${String(dev)} ${String(parent)}`,
  same: (wanted, seen) => equal(wanted, seen, ...KEYS),
  subject: ({ dev, parent }) => `at ${String(parent)} on ${String(dev)}`,
  uncompared: KEYS,
  agrees: (field, wanted, seen, { kind }) => timeAgrees(kind, field, wanted, seen),
  implied: () => [],
  create: (words) => request("queue", "create", words),
  change(wanted, seen, differences) {
    const remade = differences.some(({ field }) => field === "kind" || fixedOf(seen["kind"]).includes(field));
    const same = wanted["kind"] === seen["kind"];
    const then = same ? { ...whole(seen), ...wanted } : wanted;
    if (!remade) return [move(request("queue", "replace", then), request("queue", "replace", whole(seen)))];
    return [
      move(request("queue", "delete", pick(seen, KEYS)), request("queue", "create", whole(seen))),
      move(request("queue", "create", then), request("queue", "delete", pick(then, KEYS))),
    ];
  },
  whole: (wanted, seen) => (wanted["kind"] === seen["kind"] ? { ...whole(seen), ...wanted } : wanted),
  again: whole,
  named: (words) => pick(words, KEYS),
  restore: (words) => request("queue", "create", words),
  isGiven: () => true,
  remains: (words, gone) => unless(isOn(gone, words["dev"]), words),
  // All that is in the queues of a link comes back in one order.
  restored: (observed, { links }) => [...links].flatMap((dev) => allInside(observed, dev)),
  along: (words, observed) =>
    insideAgain(observed, String(words["dev"]), String(words["parent"])).filter(
      ({ object, words: one }) => object !== "queue" || one["parent"] !== words["parent"],
    ),
  devices: ({ dev }) => [["dev", dev]],
  needs({ dev, parent }, planner) {
    const name = String(dev);
    if (parent === INGRESS) return [`qdisc ${name}`];
    return [holderThen(planner, name, holderOf(parent))?.id ?? "", `class ${String(parent)} on ${name}`];
  },
  check(planner, { words, absent, path }, seen, world) {
    const dev = String(words["dev"]);
    const say = (message: string): false => {
      planner.say(path, message);
      return false;
    };
    const untold = seen !== undefined && untoldIn(world, seen);
    if (absent) return !untold || say(UNTOLD);
    const namesake = namesakeOf(planner, words);
    if (namesake !== undefined)
      return say(`the queue at ${namesake} has the handle ${String(words["handle"])} already; give it another`);
    const loop = words["handle"] === undefined ? undefined : loopAt(planner, dev, String(words["handle"]));
    if (loop !== undefined) return say(loop);
    const wrong = checkQdisc({
      ...(seen?.["kind"] === words["kind"] && seen !== undefined ? whole(seen) : {}),
      ...words,
    });
    if (wrong !== undefined) return say(wrong);
    const remade =
      seen !== undefined &&
      (seen["kind"] !== words["kind"] ||
        fixedOf(words["kind"]).some((key) => words[key] !== undefined && words[key] !== seen[key]));
    if (remade && untold) return say(UNTOLD);
    if (remade && (queues.along?.(seen, world) ?? []).length > 0)
      return say(`it has to be made again, and has classes or filters in it; remove these first`);
    if (words["parent"] === INGRESS) return true;
    const handle = holderOf(words["parent"]);
    const holder = holderThen(planner, dev, handle);
    if (holder === undefined) return say(`${dev} has no queue ${handle}; write handle: '${handle}' where it is`);
    if (CLASSFUL.includes(holder.kind) && !willHaveClass(planner, dev, words["parent"]))
      return say(`${dev} has no class ${String(words["parent"])}; write it into classes`);
    return true;
  },
};
