/** Steps for addresses, routes, forwarding entries and neighbors. */
import type { DesiredEntry } from "./desired.ts";
import { request, type Sort } from "./entries/sort.ts";
import { SORTS, sortOf } from "./entries/sorts.ts";
import { linkOf, type Observed } from "./observed.ts";
import type { Fates } from "./plan-links.ts";
import { farEndsOf, isFarEnd } from "./plan-remotes.ts";
import { move, type Planner } from "./planner.ts";
import { entriesOn } from "./restore.ts";
import { DIFFERS, type Difference, pick, type Request, sameValue, type Words } from "./step.ts";

/** Makers of routes whose routes are ours to change: ourselves, and people. */
const CHANGEABLE = ["linkwright", "boot", "static"];

/** What is written for something that shall not be, and never told of it. */
const ABSENT: readonly unknown[] = [false, "none"];

function differencesOf(sort: Sort, wanted: Words, seen: Words): readonly Difference[] {
  const named = Object.keys(wanted).filter((key) => !sort.uncompared.includes(key) && wanted[key] !== undefined);
  const differ = named.filter(
    (key) => !sameValue(wanted[key], seen[key]) && !(seen[key] === undefined && ABSENT.includes(wanted[key])),
  );
  return [...differ.map((field) => ({ field, from: seen[field], to: wanted[field] })), ...sort.implied(wanted, seen)];
}

/** Links have to be there before what is on them; and what goes away is gone before what comes. */
function needsOf(planner: Planner, words: Words): string[] {
  return planner.linkIds(words["dev"], words["via"]);
}

function checkLinks(planner: Planner, { words, path, absent }: DesiredEntry): boolean {
  for (const key of ["dev"]) {
    const name = words[key];
    if (absent || typeof name !== "string" || planner.willExist(name)) continue;
    planner.sayMissing(name, path[0] === "links" ? path : [...path, key]);
    return false;
  }
  return true;
}

/** The properties that the document names. */
const compared = (words: Words): string[] => Object.keys(words).filter((key) => words[key] !== undefined);

/** An entry that the document wants gone. */
function planAbsent(planner: Planner, sort: Sort, { words, path }: DesiredEntry, seen: Words | undefined): void {
  const { object } = sort;
  const subject = sort.subject(words);
  if (seen === undefined) {
    planner.keep(object, subject, []);
    return;
  }
  const old = sort.again(seen);
  const moves = [move(request(object, "delete", old), sort.restore(old))];
  planner.add({ object, subject, path, action: "remove", reason: "to be absent", moves });
}

/** `before` is the entry where it is there now, and goes with a link that is made again. */
function planCreation(planner: Planner, sort: Sort, { words, path }: DesiredEntry, before: Words | undefined): void {
  const { object } = sort;
  const given = pick(words, compared(words));
  planner.add({
    action: "create",
    object,
    subject: sort.subject(words),
    path,
    reason: before === undefined ? "not there" : "goes with its link, and is put back",
    differences: Object.entries(given).map(([field, to]) => {
      const from = before === undefined || sort.uncompared.includes(field) ? before && to : before[field];
      return { field, from, to };
    }),
    needs: needsOf(planner, words),
    moves: [move(sort.create(words), request(object, "delete", words))],
  });
}

function planChange(planner: Planner, sort: Sort, { words, path }: DesiredEntry, seen: Words): void {
  const { object } = sort;
  const subject = sort.subject(words);
  const differences = differencesOf(sort, words, seen);
  const [first] = differences;
  if (first === undefined) {
    planner.keep(object, subject, compared(words));
    return;
  }
  const owner = String(seen["protocol"]);
  if (object === "route" && !CHANGEABLE.includes(owner)) {
    const way = "give ours another metric, or stop what makes the other";
    planner.say(path, `this route is there with ${first.field} ${String(first.from)}, and belongs to ${owner}; ${way}`);
    return;
  }
  planner.keepRest(object, subject, compared(words), differences);
  planner.add({
    action: "change",
    object,
    subject,
    path,
    reason: DIFFERS,
    differences,
    needs: needsOf(planner, words),
    moves: sort.change(words, seen, differences),
  });
}

/** `list` is what will be there once links are made again, `before` what is there now. */
function planEntry(
  planner: Planner,
  sort: Sort,
  entry: DesiredEntry,
  list: readonly Words[],
  before: readonly Words[],
): void {
  const seen = list.find((one) => sort.same(entry.words, one));
  if (entry.absent) planAbsent(planner, sort, entry, seen);
  else if (seen === undefined)
    planCreation(
      planner,
      sort,
      entry,
      before.find((one) => sort.same(entry.words, one)),
    );
  else planChange(planner, sort, entry, seen);
}

/** What stood on links that are made again, and that nobody else plans. */
function planRestored(planner: Planner, fates: Fates): void {
  const planned = new Set(planner.steps.flatMap(({ moves }) => moves.map((one) => keyOf(one.request))));
  for (const name of fates.recreated) {
    const path = planner.desired.links.find((link) => link.name === name)?.path ?? [];
    const described = planner.desired.links.find((link) => link.name === name);
    const reason = `was on ${name} before it was made again`;
    const listed = described !== undefined && farEndsOf(described) !== undefined;
    const skip = (one: Request): boolean =>
      planned.has(keyOf(one)) || (listed && isFarEnd(one.words, linkOf(planner.before, name)));
    for (const again of entriesOn(planner.before, name, skip)) {
      const subject = sortOf(again.object)?.subject(again.words) ?? name;
      const undo = { ...again, verb: "delete" } as const;
      planner.add({
        action: "create",
        object: again.object,
        subject,
        path,
        reason,
        needs: planner.linkIds(name),
        moves: [move(again, undo)],
        restores: true,
      });
    }
    for (const port of planner.before.links.filter(({ master }) => master === name)) {
      const own = planner.desired.links.find((link) => link.name === port.name);
      if (own?.absent === true || own?.options["master"] !== undefined || fates.recreated.has(port.name)) continue;
      const back: Request = { object: "link", verb: "update", words: { name: port.name, change: { master: name } } };
      const id = `link ${port.name} master`;
      const differences = [{ field: "master", from: undefined, to: name }];
      planner.add({
        id,
        action: "change",
        object: "link",
        subject: port.name,
        path,
        reason,
        differences,
        needs: planner.linkIds(name),
        moves: [move(back)],
        restores: true,
      });
    }
  }
}

/** Two requests with the same key make the same entry. */
function keyOf({ object, words }: Request): string {
  return `${object} ${sortOf(object)?.subject(words) ?? ""} ${String(words["metric"] ?? "")}`;
}

/** Warns where an address is put on a port: packets for it do not come by there. */
function checkPorts(planner: Planner): void {
  for (const { words, absent } of planner.desired.addresses) {
    const dev = String(words["dev"]);
    const link = planner.desired.links.find(({ name }) => name === dev);
    const master = link?.options["master"] ?? linkOf(planner.before, dev)?.["master"];
    if (!absent && typeof master === "string")
      planner.warn(
        `${String(words["address"])} is on ${dev}, a port of ${master}; an address belongs on ${master} itself`,
      );
  }
}

/** All steps for what is on links. */
export function planEntries(planner: Planner, fates: Fates, world: Observed): void {
  for (const sort of SORTS)
    for (const entry of planner.desired[sort.list])
      if (checkLinks(planner, entry))
        planEntry(planner, sort, entry, world[sort.list] ?? [], planner.before[sort.list] ?? []);
  checkPorts(planner);
  planRestored(planner, fates);
}
