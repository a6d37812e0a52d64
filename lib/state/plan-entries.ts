/** Steps for what lies on links and beside them. */

import { shown } from "../shape/shape.ts";
import { rejoining } from "./compare.ts";
import type { DesiredEntry } from "./desired.ts";
import { request, type Sort } from "./entries/sort.ts";
import { SORTS, sortOf } from "./entries/sorts.ts";
import { goneOf, lost, without } from "./gone.ts";
import { linkOf, type Observed } from "./observed.ts";
import { masterThen } from "./plan-link-change.ts";
import type { Fates } from "./plan-links.ts";
import { farEndsOf, isFarEnd } from "./plan-remotes.ts";
import { move, type Planner } from "./planner.ts";
import { masterOf } from "./ports.ts";
import { Rivals } from "./rivals.ts";
import { planNeighborsAgain } from "./shaken.ts";
import { DIFFERS, type Difference, type Request, sameValue, type Words } from "./step.ts";

/** Makers of routes and the like that are ours to change: ourselves, and people. */
const CHANGEABLE = ["linkwright", "boot", "static", "unspec"];

/** What is written for something that shall not be, and never told of it. */
const ABSENT: readonly unknown[] = [false, "none"];

function differencesOf(sort: Sort, wanted: Words, seen: Words): readonly Difference[] {
  const agrees = sort.agrees ?? ((_: string, one: unknown, other: unknown) => sameValue(one, other));
  const named = Object.keys(wanted).filter((key) => !sort.uncompared.includes(key) && wanted[key] !== undefined);
  const differ = named.filter(
    (key) => !agrees(key, wanted[key], seen[key], wanted) && !(seen[key] === undefined && ABSENT.includes(wanted[key])),
  );
  return [...differ.map((field) => ({ field, from: seen[field], to: wanted[field] })), ...sort.implied(wanted, seen)];
}

/** What there is of a sort, found by what makes it the entry that it is. */
class Found {
  readonly #sort: Sort;
  readonly #buckets = new Map<string, Words[]>();

  constructor(sort: Sort, list: readonly Words[] = []) {
    this.#sort = sort;
    for (const words of list) {
      const key = sort.bucket(words);
      const bucket = this.#buckets.get(key);
      if (bucket === undefined) this.#buckets.set(key, [words]);
      else bucket.push(words);
    }
  }

  find(wanted: Words): Words | undefined {
    if (this.#buckets.size === 0) return undefined;
    const { bucket, same, exact } = this.#sort;
    const all = (this.#buckets.get(bucket(wanted)) ?? []).filter((one) => same(wanted, one));
    return (exact && all.find((one) => exact(wanted, one))) ?? all[0];
  }
}

/** Links have to be there before what is on them; and what goes away is gone before what comes. */
function needsOf(planner: Planner, sort: Sort, words: Words): readonly string[] {
  const links = planner.linkIds(...sort.devices(words).map((one) => one[1]), words["via"]);
  const more = sort.needs?.(words, planner) ?? [];
  return more.length === 0 ? links : [...links, ...more];
}

function checkLinks(planner: Planner, sort: Sort, { words, path, absent }: DesiredEntry): boolean {
  if (absent) return true;
  const missing = sort.devices(words).find((one) => typeof one[1] === "string" && !planner.willExist(one[1]));
  if (missing === undefined) return true;
  const [property, name] = missing;
  planner.sayMissing(
    String(name),
    path[0] === "links" && property === "dev" ? path : [...path, ...property.split(".")],
  );
  return false;
}

/** Whose an entry is, where that is neither ours nor a person's, nor what the document says. */
function strangerOf(sort: Sort, { words, ours }: DesiredEntry, seen: Words): string | undefined {
  if (sort.wayOut === undefined) return undefined;
  const owner = String(seen["protocol"]);
  const named = words["protocol"] !== "linkwright" && String(words["protocol"]) === owner;
  const free = ours === true && sort.object !== "route" ? ["linkwright"] : CHANGEABLE;
  return named || free.includes(owner) ? undefined : owner;
}

/** The properties that the document names. */
const compared = (words: Words): string[] => Object.keys(words).filter((key) => words[key] !== undefined);

const deletion = (sort: Sort, words: Words): Request => request(sort.object, "delete", sort.named?.(words) ?? words);

/** An entry that the document wants gone. */
function planAbsent(planner: Planner, sort: Sort, entry: DesiredEntry, seen: Words | undefined): void {
  const { words, path, ours } = entry;
  const { object } = sort;
  const subject = sort.subject(words);
  if (seen === undefined) {
    planner.keep(object, subject, []);
    return;
  }
  const owner = strangerOf(sort, entry, seen);
  if (owner !== undefined) {
    if (ours === true) planner.warn(`${object} ${subject} belongs to ${owner} and stays`);
    else planner.say(path, `this ${object} belongs to ${owner}; write protocol: ${owner} to have it removed anyway`);
    return;
  }
  const old = sort.again(seen);
  const moves = [move(deletion(sort, old), sort.restore(old), ...(sort.along?.(old, planner.before) ?? []))];
  const needs = sort.needsGone?.(words, planner) ?? [];
  planner.add({ object, subject, path, action: "remove", reason: "to be absent", needs, moves });
}

/** Why an entry that is there now is not there once others were made again: that of a qdisc goes also where its link stays. */
function whyGone({ object }: Sort, { dev }: Words, world: Observed): string {
  const queued = object === "queue" || object === "class" || object === "filter";
  const what = queued && linkOf(world, String(dev)) !== undefined ? "qdisc" : "link";
  return `goes with its ${what}, and is put back`;
}

/** What is in the place of a new one goes first. The id of the step. */
function planRoom(planner: Planner, sort: Sort, { words, path }: DesiredEntry, seen: Words): string {
  const { object } = sort;
  const old = sort.again(seen);
  const subject = sort.subject(seen);
  planner.add({
    action: "remove",
    object,
    subject,
    path,
    reason: `makes room for ${sort.subject(words)}: Linux has one of both`,
    moves: [move(deletion(sort, old), sort.restore(old))],
  });
  return `${object} ${subject}`;
}

/** `before` is the entry where it is there now, and goes with a link, or a qdisc, that is made again. */
function planCreation(
  planner: Planner,
  sort: Sort,
  entry: DesiredEntry,
  world: Observed,
  before: Words | undefined,
  rivals: readonly Words[],
): void {
  const { object } = sort;
  const { words, path } = entry;
  const room = rivals.map((one) => planRoom(planner, sort, entry, one));
  const whole = (before !== undefined && sort.whole?.(words, before)) || words;
  planner.add({
    action: "create",
    object,
    subject: sort.subject(words),
    path,
    reason: before === undefined ? "not there" : whyGone(sort, words, world),
    differences: compared(words).map((field) => {
      const to = words[field];
      const from = before === undefined || sort.uncompared.includes(field) ? before && to : before[field];
      return { field, from, to };
    }),
    needs: [...needsOf(planner, sort, words), ...room],
    moves: [move(sort.create(whole), deletion(sort, words))],
  });
}

function planChange(planner: Planner, sort: Sort, entry: DesiredEntry, seen: Words): void {
  const { words, path } = entry;
  const { object } = sort;
  const subject = sort.subject(words);
  const differences = differencesOf(sort, words, seen);
  const [first] = differences;
  if (first === undefined) {
    planner.keep(object, subject, compared(words));
    return;
  }
  const owner = strangerOf(sort, entry, seen);
  if (owner !== undefined) {
    const way = `${sort.wayOut}, or stop what makes the other`;
    planner.say(
      path,
      `this ${object} is there with ${first.field} ${typeof first.from === "object" ? shown(first.from) : String(first.from)}, and belongs to ${owner}; ${way}`,
    );
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
    needs: needsOf(planner, sort, words),
    moves: sort.change(words, seen, differences),
  });
}

/** What there is of one sort. */
interface There {
  /** What will be there once links are made again. */
  readonly found: Found;
  /** What is there now. */
  readonly before: Found;
  readonly rivals: Rivals;
}

function planEntry(
  planner: Planner,
  sort: Sort,
  entry: DesiredEntry,
  world: Observed,
  { found, before, rivals }: There,
): void {
  if (!checkLinks(planner, sort, entry)) return;
  if (sort.plan !== undefined) {
    sort.plan(planner, entry, world, planner.mine);
    return;
  }
  const seen = found.find(entry.words);
  if (sort.check?.(planner, entry, seen, world) === false) return;
  const holder = entry.absent ? undefined : rivals.holder(entry.words);
  if (holder !== undefined && holder.words !== entry.words) {
    const other = sort.subject(holder.words);
    planner.say(entry.path, `cannot be beside ${other} of this document: Linux has one of both`);
    return;
  }
  if (entry.absent) planAbsent(planner, sort, entry, seen);
  else if (seen === undefined) planCreation(planner, sort, entry, world, before.find(entry.words), rivals.of(entry));
  else planChange(planner, sort, entry, seen);
}

/** The link that is made again because of which an entry went. */
function causeOf({ before, ends }: Planner, { recreated }: Fates, devices: readonly unknown[]): string {
  const names = devices.flatMap((dev) => [dev, linkOf(before, String(dev))?.["master"]]);
  const [first = ""] = recreated;
  return names.map(String).find((name) => recreated.has(name) || ends.has(name)) ?? first;
}

/** What stood on links that are made again, and that nobody else plans. */
function planRestored(planner: Planner, fates: Fates): void {
  if (fates.recreated.size === 0) return;
  const planned = new Set(planner.steps.flatMap(({ moves }) => moves.map((one) => keyOf(one.request))));
  const { desired, before, mine, ends } = planner;
  const isListed = ({ object, words }: Request): boolean => {
    const link = desired.links.find(({ name }) => name === words["dev"]);
    const listed = object === "fdb" && link !== undefined && farEndsOf(link) !== undefined;
    return listed && isFarEnd(planner, words, linkOf(before, link.name));
  };
  const there = without(mine, goneOf(mine, fates.removed));
  const rivals = new Map(SORTS.map((sort) => [sort, new Rivals(planner, sort, there)]));
  for (const one of lost(there, goneOf(there, [...fates.recreated, ...ends.keys()]))) {
    const sort = sortOf(one.object);
    if (sort === undefined || planned.has(keyOf(one)) || isListed(one)) continue;
    if (rivals.get(sort)?.holder(one.words) !== undefined) continue;
    const devices = sort.devices(one.words).map(([, name]) => name);
    const cause = causeOf(planner, fates, devices);
    for (const again of sort.besides?.(one, desired[sort.list]) ?? besides(sort, one, desired[sort.list]))
      planner.add({
        action: again.verb === "delete" ? "remove" : "create",
        object: again.object,
        subject: sort.subject(again.words),
        path: desired.links.find(({ name }) => name === (ends.get(cause) ?? cause))?.path ?? [],
        reason: `was ${again.verb === "delete" ? "not " : ""}on ${cause} before it was made again`,
        needs: [
          ...planner.linkIds(...devices).flatMap((id) => [id, `${id} master`]),
          ...(sort.needs?.(again.words, planner) ?? []),
        ],
        // It goes with the link that was made.
        moves: [move(again)],
        restores: true,
      });
  }
  planPorts(planner, fates);
}

/** What the document names is planned by itself. */
function besides(sort: Sort, one: Request, entries: readonly DesiredEntry[]): readonly Request[] {
  return entries.some(({ words }) => sort.same(words, one.words)) ? [] : [one];
}

/** Ports of links that are made again, where nobody else plans that they come back. */
function planPorts(planner: Planner, fates: Fates): void {
  for (const name of fates.recreated) {
    const path = planner.desired.links.find((link) => link.name === name)?.path ?? [];
    const reason = `was on ${name} before it was made again`;
    for (const port of planner.before.links.filter(({ master }) => master === name)) {
      const own = planner.desired.links.find((link) => link.name === port.name);
      if (planner.desired.ignored.link(port.name) !== undefined) continue;
      if (own?.absent === true || own?.options["master"] !== undefined || fates.recreated.has(port.name)) continue;
      const back: Request = {
        object: "link",
        verb: "update",
        words: { name: port.name, change: rejoining(port, masterThen(planner, name)) },
      };
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
        needs: [...planner.linkIds(name), ...planner.again(port.name)],
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
    const master = masterOf(link, linkOf(planner.before, dev));
    if (!absent && typeof master === "string")
      planner.warn(
        `${String(words["address"])} is on ${dev}, a port of ${master}; an address belongs on ${master} itself`,
      );
  }
}

/** What Linux would keep of links that go: it goes before them, and comes back with those that are made again. */
function planOutlasting(planner: Planner, { removed, recreated, ends }: Fates): void {
  const back = new Set([...recreated, ...ends.keys()]);
  for (const sort of SORTS.filter(({ outlastsLink }) => outlastsLink === true))
    for (const seen of planner.mine[sort.list] ?? []) {
      const dev = String(seen["dev"]);
      if (!removed.has(dev) && !back.has(dev)) continue;
      const { object } = sort;
      const old = sort.again(seen);
      const subject = sort.subject(old);
      const path = planner.desired.links.find(({ name }) => name === (ends.get(dev) ?? dev))?.path ?? [];
      const reason = `${dev} goes, and Linux would keep it`;
      planner.add({
        object,
        subject,
        path,
        action: "remove",
        reason,
        moves: [move(deletion(sort, old), sort.restore(old))],
      });
      if (!back.has(dev) || planner.desired[sort.list].some(({ words }) => sort.same(words, seen))) continue;
      planner.add({
        object,
        subject,
        path,
        action: "create",
        reason: `was on ${dev} before it was made again`,
        needs: planner.linkIds(dev),
        moves: [move(sort.restore(old), deletion(sort, old))],
        restores: true,
      });
    }
}

/** All steps for what is on links. */
export function planEntries(planner: Planner, fates: Fates, world: Observed): void {
  for (const sort of SORTS) {
    const entries = planner.desired[sort.list];
    if (entries.length === 0) continue;
    const found = new Found(sort, world[sort.list]);
    const before = new Found(sort, planner.mine[sort.list]);
    const there = { found, before, rivals: new Rivals(planner, sort, world) };
    for (const entry of entries) planEntry(planner, sort, entry, world, there);
  }
  checkPorts(planner);
  planOutlasting(planner, fates);
  planRestored(planner, fates);
  planNeighborsAgain(planner, fates);
}
