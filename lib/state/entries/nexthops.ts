/** Nexthop objects as entries of a document. */
import type { DesiredEntry } from "../desired.ts";
import type { Observed } from "../observed.ts";
import { move, type Planner } from "../planner.ts";
import { type Difference, pick, sameValue, type Words } from "../step.ts";
import { canonicalNexthop, nexthopShapes } from "../words.ts";
import { fdb } from "./fdb.ts";
import { knowsNexthop, nexthopIds } from "./nexthop-id.ts";
import { hasAll, routes } from "./routes.ts";
import { isOn, request, type Sort, unless } from "./sort.ts";

type Member = Words & { readonly id: number; readonly weight?: number };
const membersOf = ({ group }: Words): readonly Member[] => (group ?? []) as readonly Member[];
const inOrder = (group: unknown): readonly Member[] =>
  [...((group ?? []) as readonly Member[])].map(({ id, weight = 1 }) => ({ id, weight })).sort((a, b) => a.id - b.id);

/** What makes it another way: where the document leaves one out, it shall not be there. */
const WAYS = ["via", "dev", "blackhole", "encap", "onlink", "fdb"];

const again = (words: Words): Words => pick(words, Object.keys(nexthopShapes));

/** Those on the host that lead over a nexthop: the kernel drops them with it. */
function usersOf(id: unknown, host: Observed) {
  const over = ({ nhid }: Words): boolean => nhid === id;
  return {
    routes: (host.routes ?? []).filter(over),
    fdb: (host.fdb ?? []).filter(over),
    nexthops: (host.nexthops ?? []).filter((one) => membersOf(one).some((member) => member.id === id)),
  };
}

/** Whether the document takes a user of a nexthop away, or away from it. */
function lets(entries: readonly DesiredEntry[], same: (words: Words) => boolean, id: unknown): boolean {
  return entries.some(
    ({ words, absent }) =>
      same(words) && (absent || (words["nhid"] !== id && membersOf(words).every((member) => member.id !== id))),
  );
}

/** With a nexthop the kernel drops what leads over it: all of it has to be in the document. */
function checkUsers(planner: Planner, { words: { id }, path, ours }: DesiredEntry, world: Observed): boolean {
  const { desired, before } = planner;
  // What is ignored is no part of the world, and would go all the same.
  const ignored = (before.routes ?? []).filter((one) => desired.ignored.entry("routes", one) !== undefined);
  const users = usersOf(id, { ...world, routes: [...(world.routes ?? []), ...ignored] });
  const left = [
    ...users.routes
      .filter((one) => !lets(desired.routes, (words) => routes.same(words, one), id))
      .map(({ dst }) => `route ${String(dst)}`),
    ...users.fdb
      .filter((one) => !lets(desired.fdb, (words) => fdb.same(words, one), id))
      .map(({ mac, dev }) => `the forwarding entry ${String(mac)} on ${String(dev)}`),
    ...users.nexthops
      .filter((one) => !lets(desired.nexthops, (words) => words["id"] === one["id"], id))
      .map((one) => `group ${String(one["id"])}`),
  ];
  const [first] = left;
  if (first === undefined) return true;
  const text = `${first} leads over nexthop ${String(id)} and would go with it`;
  if (ours === true) planner.warn(`nexthop ${String(id)} stays: ${first} leads over it`);
  else planner.say(path, `${text}; describe it too, or remove it first`);
  return false;
}

/** A group's nexthops have to be there, and be no groups themselves. */
function checkMembers(planner: Planner, { words, path }: DesiredEntry): boolean {
  const numbers = membersOf(words).map(({ id }) => id);
  const wrong = numbers.filter((id) => {
    const found =
      planner.desired.nexthops.find((one) => one.words["id"] === id)?.words ??
      planner.before.nexthops?.find((one) => one["id"] === id);
    if (found?.["group"] === undefined) return !knowsNexthop(planner, id, path, ["group"]);
    planner.say([...path, "group"], `nexthop ${id} is a group itself; name the nexthops in it`);
    return true;
  });
  const twice = numbers.find((id, i) => numbers.indexOf(id) < i);
  if (twice !== undefined) planner.say([...path, "group"], `nexthop ${twice} stands in it twice; give it a weight`);
  return wrong.length === 0 && twice === undefined;
}

/** What cannot change while routes lead over it. */
function checkKind(planner: Planner, { words, path }: DesiredEntry, seen: Words | undefined): boolean {
  if (seen === undefined) return true;
  const kind = ({ group, type }: Words): string =>
    group === undefined ? "a single one" : `a group of type ${String(type)}`;
  const buckets = words["buckets"] !== undefined && words["buckets"] !== seen["buckets"];
  if (kind(words) === kind(seen) && !buckets) return true;
  const is = buckets ? `has ${String(seen["buckets"])} buckets` : `is ${kind(seen)}`;
  planner.say(path, `nexthop ${String(words["id"])} ${is}, which cannot change; give this one another id`);
  return false;
}

export const nexthops: Sort = {
  object: "nexthop",
  list: "nexthops",
  writing: { shapes: nexthopShapes, needed: ["id"], place: "top", one: "a nexthop", many: "nexthops" },
  canonical: (words, absent) =>
    absent && Object.keys(words).length === 1 ? words : (canonicalNexthop(words as never) as unknown as Words),
  bucket: ({ id }) => String(id),
  same: (wanted, seen) => wanted["id"] === seen["id"],
  subject: ({ id }) => String(id),
  uncompared: ["id", "protocol"],
  agrees: (field, wanted, seen) =>
    field === "group"
      ? sameValue(inOrder(wanted), inOrder(seen))
      : field === "encap"
        ? hasAll(wanted, seen)
        : sameValue(wanted, seen),
  implied: (wanted, seen) =>
    WAYS.filter((key) => wanted[key] === undefined && seen[key] !== undefined).map(
      (field): Difference => ({ field, from: seen[field], to: undefined }),
    ),
  create: (words) => request("nexthop", "create", words),
  change: (wanted, seen) => [move(request("nexthop", "replace", wanted), request("nexthop", "replace", again(seen)))],
  again,
  named: ({ id }) => ({ id }),
  // A group may have lost only some of its nexthops.
  restore: (words) => request("nexthop", words["group"] === undefined ? "create" : "replace", words),
  isGiven: () => true,
  isLater: ({ group }) => group !== undefined,
  remains(words, gone) {
    if (words["group"] === undefined) return unless(isOn(gone, words["dev"]), words);
    const left = membersOf(words).filter(({ id }) => !gone.nexthops.has(id));
    if (left.length === membersOf(words).length) return words;
    return left.length === 0 ? undefined : { ...words, group: left };
  },
  devices: ({ dev }) => [["dev", dev]],
  needs: (words) => membersOf(words).flatMap(({ id }) => nexthopIds(id)),
  needsGone({ id }, { desired, before }) {
    const users = usersOf(id, before);
    const ids = (sort: Sort, entries: readonly DesiredEntry[], seen: readonly Words[]): string[] =>
      entries
        .filter(({ words }) => seen.some((one) => sort.same(words, one)))
        .map(({ words }) => `${sort.object} ${sort.subject(words)}`);
    return [
      ...ids(routes, desired.routes, users.routes),
      ...ids(fdb, desired.fdb, users.fdb),
      ...users.nexthops.flatMap((one) => nexthopIds(one["id"])),
    ];
  },
  check(planner, entry, seen, world) {
    if (entry.absent) return seen === undefined || checkUsers(planner, entry, world);
    const kind = checkKind(planner, entry, seen);
    return checkMembers(planner, entry) && kind;
  },
  wayOut: "give ours another id",
};
