/** Classes of queues that have some of their own. */
import { move } from "../planner.ts";
import { pick, type Words } from "../step.ts";
import { checkClass, classKindShapes, classPlaceShapes, retoldClass } from "../words.ts";
import { CLASSFUL, holderOf, holderThen, insideAgain, loopAt, willHaveClass } from "./inside.ts";
import { equal, isOn, request, type Sort, unless } from "./sort.ts";

const KEYS = ["dev", "classid"];

/** Its qdisc as the parent means that it has none. */
const parentOf = ({ classid, parent }: Words): unknown =>
  parent === undefined || parent === holderOf(classid) ? "root" : parent;

/** What is there, with what is wanted of it; where its ceiling is its rate and nobody says otherwise, that goes on. */
function onTopOf(seen: Words, wanted: Words): Words {
  const { rate, ceil } = wanted;
  const follows = rate !== undefined && ceil === undefined && seen["ceil"] === seen["rate"];
  return { ...seen, ...wanted, ...(follows && { ceil: rate }) };
}

export const classes: Sort = {
  object: "class",
  list: "classes",
  writing: {
    shapes: classPlaceShapes,
    needed: ["dev", "classid"],
    kinds: classKindShapes,
    place: "link",
    one: "a class",
    inLink: "a class such as { classid: '1:10', kind: htb, rate: 1000000 }",
    many: "classes",
  },
  canonical(words, absent) {
    if (absent && words["kind"] === undefined) return pick(words, KEYS);
    return { ...pick(retoldClass(words), Object.keys(words)), parent: parentOf(words) };
  },
  bucket: ({ dev }) => String(dev),
  same: (wanted, seen) => equal(wanted, seen, ...KEYS),
  subject: ({ dev, classid }) => `${String(classid)} on ${String(dev)}`,
  uncompared: [...KEYS, "kind"],
  implied: () => [],
  create: (words) => request("class", "create", words),
  change: (wanted, seen) => [
    move(request("class", "replace", onTopOf(seen, wanted)), request("class", "replace", seen)),
  ],
  whole: (wanted, seen) => onTopOf(seen, wanted),
  again: (seen) => seen,
  named: (words) => pick(words, KEYS),
  restore: (words) => request("class", "create", words),
  isGiven: () => true,
  remains: (words, gone) => unless(isOn(gone, words["dev"]), words),
  restored: () => [],
  along: ({ dev, classid }, observed) => insideAgain(observed, String(dev), String(classid)),
  devices: ({ dev }) => [["dev", dev]],
  needs({ dev, classid, parent }, planner) {
    const holder = holderThen(planner, String(dev), holderOf(classid));
    return [holder?.id ?? "", ...(parent === "root" ? [] : [`class ${String(parent)} on ${String(dev)}`])];
  },
  needsGone: ({ dev, classid }, planner) =>
    (planner.before.classes ?? [])
      .filter((one) => one["dev"] === dev && one["parent"] === classid)
      .map((one) => `class ${String(one["classid"])} on ${String(dev)}`),
  check(planner, { words, absent, path }, seen, world) {
    const { classid } = words;
    const dev = String(words["dev"]);
    const say = (message: string): false => {
      planner.say(path, message);
      return false;
    };
    if (absent) {
      const isGoing = (list: "classes" | "filters", one: Words): boolean =>
        planner.desired[list].some(
          (entry) => entry.absent && (list === "classes" ? classes : filterKey).same(entry.words, one),
        );
      const above = (world.classes ?? []).find(
        (one) => one["dev"] === dev && one["parent"] === classid && !isGoing("classes", one),
      );
      const leading = (world.filters ?? []).find(
        (one) => one["dev"] === dev && one["classid"] === classid && !isGoing("filters", one),
      );
      if (above !== undefined)
        return say(`class ${String(above["classid"])} is below it; say what becomes of that too`);
      if (leading !== undefined)
        return say(
          `filter ${String(leading["pref"])} at ${String(leading["parent"])} leads there; say what becomes of it too`,
        );
      return true;
    }
    const holder = holderThen(planner, dev, holderOf(classid));
    if (holder === undefined)
      return say(
        `${dev} has no queue ${holderOf(classid)}; write qdisc: { kind: htb, handle: '${holderOf(classid)}' }`,
      );
    if (!CLASSFUL.includes(holder.kind))
      return say(`queue ${holderOf(classid)} of ${dev} is ${String(holder.kind)}, which takes no classes`);
    if (words["parent"] !== "root" && !willHaveClass(planner, dev, words["parent"]))
      return say(`${dev} has no class ${String(words["parent"])}; write it into classes`);
    if (seen !== undefined && seen["parent"] !== words["parent"])
      return say(`it is below ${String(seen["parent"])}, and cannot move; give it another number`);
    const loop = loopAt(planner, dev, String(classid));
    if (loop !== undefined) return say(loop);
    const wrong = checkClass(onTopOf(seen ?? {}, words));
    return wrong === undefined || say(wrong);
  },
};
/** Which filter one is. */
const filterKey = { same: (one: Words, other: Words): boolean => equal(one, other, "dev", "parent", "pref", "chain") };
