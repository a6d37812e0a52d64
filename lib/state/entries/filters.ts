/** Filters: what sorts packets into classes, and acts on them. */
import { InputError } from "../../shape/shape.ts";
import { move } from "../planner.ts";
import { type Difference, pick, type Request, sameValue, type Words } from "../step.ts";
import { filterKindShapes, filterPlaceShapes, retoldFilter } from "../words.ts";
import { holderOf, holderThen, INGRESS, lasting, willHaveClass } from "./inside.ts";
import { equal, type Gone, isOn, request, type Sort } from "./sort.ts";

/** What tells filters apart, but for their number. */
export const FILTER_PLACE = ["dev", "parent", "pref", "chain"];
const ENDS: readonly unknown[] = [INGRESS, "egress"];
/** From here on the kernel numbers tables of u32 by itself, one for each `pref`. */
const FIRST_TABLE = 0x800;

const tableOf = (handle: unknown): number => Number.parseInt(String(handle).split(":")[0] ?? "", 16);
const isRoot = (handle: unknown): boolean => typeof handle === "string" && tableOf(handle) >= FIRST_TABLE;

/** A filter of u32 without the number of the table that its `pref` has: another time that is another one. */
export function withoutTable(words: Words): Words {
  if (words["kind"] !== "u32") return words;
  const { ht, handle, ...rest } = words;
  const place = isRoot(handle) ? `0:${String(handle).split(":").slice(1).join(":")}` : handle;
  return { ...rest, ...(handle !== undefined && { handle: place }), ...(ht !== undefined && !isRoot(ht) && { ht }) };
}

/** Whether it is the table of u32 that the kernel made with the first filter of a `pref`. */
export const isOwnTable = ({ kind, match, handle }: Words): boolean =>
  kind === "u32" && match === undefined && isRoot(handle);

/** What names it for its deletion. */
const named = (words: Words): Words => pick(words, [...FILTER_PLACE, "protocol", "kind", "handle"]);
/** What a change in place may be about: with other fields of a packet the kernel wants another filter. */
const IN_PLACE = ["actions", "classid"];
/** The largest packet of an action that limits a rate, where nobody says another. */
const POLICE_MTU = 2040;
const withMtu = (actions: unknown): unknown =>
  Array.isArray(actions)
    ? actions.map((one: Words) => (one["kind"] === "police" ? { mtu: POLICE_MTU, ...one } : one))
    : actions;

const create = (words: Words): Request => request("filter", "create", lasting(words));
const replace = (words: Words): Request => request("filter", "replace", lasting(words));

const actionsOf = ({ actions }: Words): readonly Words[] => (actions ?? []) as readonly Words[];
/** Whether it sends packets to a link that goes: the kernel keeps the filter, and forgets the link. */
const leadsTo = (words: Words, gone: Gone): boolean =>
  actionsOf(words).some(({ dev }) => dev !== undefined && isOn(gone, dev));
function forgetting(words: Words, gone: Gone): Words {
  const actions = actionsOf(words).map(({ dev, ...rest }) =>
    dev === undefined || isOn(gone, dev) ? rest : { ...rest, dev },
  );
  return { ...words, actions };
}

export const filters: Sort = {
  object: "filter",
  list: "filters",
  writing: {
    shapes: filterPlaceShapes,
    needed: ["dev", "parent", "pref"],
    kinds: filterKindShapes,
    place: "link",
    one: "a filter",
    inLink:
      "a filter such as { parent: '1:', pref: 10, kind: flower, protocol: ip, dstIp: 192.0.2.1, classid: '1:10' }",
    many: "filters",
  },
  canonical(words, absent) {
    const { parent, chain = 0 } = words;
    if (parent === "root")
      throw new InputError(["parent"], "expected ingress, egress, or the handle of a queue such as 1:");
    if (absent && words["kind"] === undefined) return { ...pick(words, [...FILTER_PLACE, "handle"]), chain };
    const told = withoutTable({ ...retoldFilter(words), chain });
    // A number of the kernel's choice.
    return words["handle"] === undefined
      ? Object.fromEntries(Object.entries(told).filter(([key]) => key !== "handle"))
      : told;
  },
  bucket: ({ dev, parent, pref }) => `${String(dev)} ${String(parent)} ${String(pref)}`,
  same: (wanted, seen) =>
    equal(wanted, seen, ...FILTER_PLACE) && (wanted["handle"] === undefined || wanted["handle"] === seen["handle"]),
  subject: ({ dev, parent, pref, chain, handle }) =>
    [
      `${String(pref)}`,
      ...(chain === 0 ? [] : [`in chain ${String(chain)}`]),
      ...(handle === undefined ? [] : [`number ${String(handle)}`]),
      `at ${String(parent)} on ${String(dev)}`,
    ].join(" "),
  uncompared: [...FILTER_PLACE, "handle"],
  // A filter is all that it asks for: what nobody wants any more it may not ask for.
  implied: (wanted, seen): readonly Difference[] =>
    Object.keys(seen)
      .filter((field) => wanted[field] === undefined && field !== "handle")
      .map((field) => ({ field, from: seen[field], to: undefined })),
  create,
  agrees: (field, wanted, seen) =>
    field === "actions" ? sameValue(withMtu(wanted), withMtu(seen)) : sameValue(wanted, seen),
  change(wanted, seen, differences) {
    const then = wanted["handle"] === undefined ? { ...wanted, handle: seen["handle"] } : wanted;
    const inPlace = seen["kind"] === "flower" && differences.every(({ field }) => IN_PLACE.includes(field));
    if (inPlace) return [move(replace(then), replace(seen))];
    return [
      move(request("filter", "delete", named(seen)), create(seen)),
      move(create(wanted), request("filter", "delete", named(wanted))),
    ];
  },
  again: (seen) => seen,
  named,
  restore: create,
  isGiven: () => true,
  remains(words, gone) {
    if (isOn(gone, words["dev"])) return undefined;
    return leadsTo(words, gone) ? forgetting(words, gone) : words;
  },
  // Those on links that go come back with the queues.
  restored: ({ filters: all = [] }, gone) =>
    all.filter((words) => !isOn(gone, words["dev"]) && leadsTo(words, gone)).map(replace),
  devices: (words) => [
    ["dev", words["dev"]],
    ...actionsOf(words).flatMap((one, i) =>
      one["dev"] === undefined ? [] : [[`actions.${i}.dev`, one["dev"]] as const],
    ),
  ],
  needs({ dev, parent, classid }, planner) {
    const name = String(dev);
    const holder = holderThen(planner, name, ENDS.includes(parent) ? INGRESS : holderOf(parent));
    const of = [parent, classid].filter((one) => one !== undefined);
    return [holder?.id ?? "", ...of.map((one) => `class ${String(one)} on ${name}`)];
  },
  check(planner, { words, absent, path }, _, world) {
    const { parent, classid, pref } = words;
    const dev = String(words["dev"]);
    const say = (message: string): false => {
      planner.say(path, message);
      return false;
    };
    if ((world.untoldFilters ?? []).some((one) => equal(words, one, ...FILTER_PLACE)))
      return say(
        `there is one with what a document cannot say, which could not be put back; remove it first (tc filter delete dev ${dev} ${ENDS.includes(parent) ? "" : "parent "}${String(parent)} pref ${String(pref)})`,
      );
    const all = (world.filters ?? []).filter((one) => equal(words, one, ...FILTER_PLACE));
    if (words["handle"] === undefined && all.length > 1)
      return say(
        `there are ${all.length} filters of pref ${String(pref)} at ${String(parent)}; say which one by its handle: ${all.map(({ handle }) => String(handle)).join(", ")}`,
      );
    if (absent) return true;
    const holder = holderThen(planner, dev, ENDS.includes(parent) ? INGRESS : holderOf(parent));
    if (holder === undefined)
      return say(
        ENDS.includes(parent)
          ? `${dev} has no queue for that; write queues: [{ kind: clsact }]`
          : `${dev} has no queue ${holderOf(parent)}; write its handle where it is`,
      );
    if (parent === "egress" && holder.kind !== "clsact")
      return say(`${dev} has ${String(holder.kind)}, which sees what comes in only; write queues: [{ kind: clsact }]`);
    if (classid !== undefined && holder.kind === "htb" && !willHaveClass(planner, dev, classid))
      return say(`${dev} has no class ${String(classid)}; write it into classes`);
    return true;
  },
  exact: (wanted, seen) => sameValue(wanted["handle"], seen["handle"]),
};
