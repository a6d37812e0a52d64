/** What is in the queues of a link: classes, queues at these, filters; how it hangs together and how it comes back. */
import type { Observed } from "../observed.ts";
import type { Planner } from "../planner.ts";
import type { Request, Words } from "../step.ts";
import { request } from "./sort.ts";

/** The place of a queue for what comes in, and of one for both directions. */
export const INGRESS = "ingress";
/** Kinds whose classes somebody makes; those of others are there with the queue. */
export const CLASSFUL: readonly unknown[] = ["htb"];
const ENDS: readonly unknown[] = [INGRESS, "egress"];

/** The handle of the queue that a class belongs to: that of `1:10` is `1:`. */
export const holderOf = (classid: unknown): string => `${String(classid).split(":")[0]}:`;
const isClass = (parent: unknown): boolean => /:[0-9a-f]/i.test(String(parent));

const on = (list: readonly Words[] | undefined, dev: string): readonly Words[] =>
  (list ?? []).filter((one) => one["dev"] === dev);
const create = (object: "queue" | "class" | "filter", words: Words): Request => request(object, "create", words);

/** Those of `all` that hang on what is known, in the order in which they can be made; `known` grows. */
function hanging(all: readonly Request[], known: Set<string>, kinds: Map<string, unknown>): Request[] {
  const found: Request[] = [];
  const isReady = ({ object, words }: Request): boolean => {
    const { classid, parent } = words;
    const holder = holderOf(classid ?? parent);
    if (!known.has(holder)) return false;
    if (object === "class") return parent === "root" || known.has(String(parent));
    return !CLASSFUL.includes(kinds.get(holder)) || known.has(String(parent));
  };
  let left = [...all];
  for (;;) {
    const next = left.filter(isReady);
    if (next.length === 0) return found;
    for (const one of next) {
      const name = String(one.object === "class" ? one.words["classid"] : one.words["handle"]);
      known.add(name);
      if (one.object === "queue") kinds.set(name, one.words["kind"]);
    }
    found.push(...next);
    left = left.filter((one) => !next.includes(one));
  }
}

/** Tables of u32 come before what leads to them. */
const isTable = ({ kind, match }: Words): boolean => kind === "u32" && match === undefined;

/**
 * A filter as it can be made: what it sent to a link that is no more has no name. The kernel drops what was to go there,
 * and copies nothing.
 */
export function lasting(words: Words): Words {
  const isLost = ({ kind, dev }: Words): boolean => kind === "mirred" && dev === undefined;
  const actions = words["actions"] as readonly Words[] | undefined;
  if (actions?.some(isLost) !== true) return words;
  const verdict = ({ mode, control }: Words): Words => ({
    kind: "gact",
    control: mode === "redirect" ? "drop" : (control ?? "pipe"),
  });
  return { ...words, actions: actions.map((one) => (isLost(one) ? verdict(one) : one)) };
}

/** Filters of these places, in the order in which they can be made. */
function filtersAt(observed: Observed, dev: string, isAt: (parent: unknown) => boolean): Request[] {
  const all = on(observed.filters, dev).filter(({ parent }) => isAt(parent));
  return [...all.filter(isTable), ...all.filter((one) => !isTable(one))].map((one) => create("filter", lasting(one)));
}

/** Requests that put back all that is in a queue, or in a class, of this handle, and is not for itself. */
export function insideAgain(observed: Observed, dev: string, handle: string, kind?: unknown): Request[] {
  if (ENDS.includes(handle)) return filtersAt(observed, dev, (parent) => ENDS.includes(parent));
  const all = [
    ...on(observed.classes, dev).map((one) => create("class", one)),
    ...on(observed.queues, dev)
      .filter(({ parent }) => parent !== INGRESS)
      .map((one) => create("queue", one)),
  ];
  const known = new Set([handle]);
  const kinds = new Map<string, unknown>([[handle, kind]]);
  const within = isClass(handle)
    ? all.filter(({ object, words }) => object === "queue" && words["parent"] === handle)
    : [];
  for (const { words } of within) {
    known.add(String(words["handle"]));
    kinds.set(String(words["handle"]), words["kind"]);
  }
  const found = [
    ...within,
    ...hanging(
      all.filter((one) => !within.includes(one)),
      known,
      kinds,
    ),
  ];
  return [...found, ...filtersAt(observed, dev, (parent) => known.has(String(parent)))];
}

/** Requests that put back all that is in the queues of a link whose queue at the root is there again. */
export function allInside(observed: Observed, dev: string): Request[] {
  const root = observed.qdiscs?.[dev];
  const ends = on(observed.queues, dev).filter(({ parent }) => parent === INGRESS);
  return [
    ...(root === undefined ? [] : insideAgain(observed, dev, root.handle, root.kind)),
    ...ends.map((one) => create("queue", one)),
    ...(ends.length === 0 ? [] : insideAgain(observed, dev, INGRESS)),
  ];
}

/** A queue that there will be: its kind, and the id of the step that makes or changes it. */
export interface Holder {
  readonly kind: unknown;
  readonly id: string;
}
/** The queue of a link that will have this handle; `ingress` stands for that of what comes in. */
export function holderThen(planner: Planner, dev: string, handle: string): Holder | undefined {
  const root = rootThen(planner, dev);
  if (root?.handle === handle) return { kind: root.kind, id: `qdisc ${dev}` };
  const isIt = ({ dev: of, handle: own, parent }: Words): boolean =>
    of === dev && (handle === INGRESS ? parent === INGRESS : own === handle);
  const isAt = (one: Words, other: Words): boolean => one["dev"] === other["dev"] && one["parent"] === other["parent"];
  const wanted = planner.desired.queues.find(({ words, absent }) => !absent && isIt(words));
  const seen = (planner.before.queues ?? []).find(isIt);
  const goes = seen !== undefined && planner.desired.queues.some(({ words, absent }) => absent && isAt(words, seen));
  const found = wanted?.words ?? (goes ? undefined : seen);
  return found && { kind: found["kind"], id: `queue at ${String(found["parent"])} on ${dev}` };
}

/** The class or the queue that one is in, as it will be; undefined for a queue that is in none. */
function aboveThen({ desired, before }: Planner, dev: string, name: string): string | undefined {
  const named = isClass(name) ? "classid" : "handle";
  const isIt = (one: Words): boolean => one["dev"] === dev && one[named] === name;
  const list = isClass(name) ? "classes" : "queues";
  const wanted = desired[list].find(({ words, absent }) => !absent && isIt(words))?.words;
  const parent = (wanted ?? (before[list] ?? []).find(isIt))?.["parent"];
  if (isClass(name)) return parent === undefined || parent === "root" ? holderOf(name) : String(parent);
  return parent === undefined ? undefined : String(parent);
}

/** What is wrong where a class or a queue would be within itself; told of a loop once. */
export function loopAt(planner: Planner, dev: string, name: string): string | undefined {
  const loop = [name];
  for (;;) {
    const above = aboveThen(planner, dev, loop.at(-1) ?? "");
    if (above === undefined) return undefined;
    if (above === name) break;
    if (loop.includes(above)) return undefined;
    loop.push(above);
  }
  const { classes, queues } = planner.desired;
  const written = [...classes, ...queues].flatMap(({ words, absent }) =>
    absent || words["dev"] !== dev ? [] : (words["classid"] ?? words["handle"] ?? []),
  );
  const [first] = loop.filter((one) => written.includes(one)).sort();
  return first === name ? `${[...loop, name].join(" → ")} is a loop; take one of them out` : undefined;
}

/** Kind and handle of the queue at the root, as it will be. */
export function rootThen(
  planner: Planner,
  dev: string,
): { readonly kind: unknown; readonly handle: unknown } | undefined {
  const wanted = planner.desired.links.find(({ name }) => name === dev)?.qdisc;
  const seen = planner.before.qdiscs?.[dev];
  if (wanted === undefined) return seen;
  if (wanted["state"] === "absent") return undefined;
  return {
    kind: wanted["kind"],
    handle: wanted["handle"] ?? (seen?.kind === wanted["kind"] ? seen?.handle : undefined),
  };
}

/** Whether there will be a class of this name; one that goes with its queue or its link comes back with it. */
export function willHaveClass({ desired, before }: Planner, dev: string, classid: unknown): boolean {
  const isIt = (words: Words): boolean => words["dev"] === dev && words["classid"] === classid;
  const wanted = desired.classes.find(({ words }) => isIt(words));
  return wanted === undefined ? (before.classes ?? []).some(isIt) : !wanted.absent;
}
