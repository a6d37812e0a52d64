/** The step that changes a link in place, and what takes each change back. */
import { rejoining, settable } from "./compare.ts";
import type { DesiredLink } from "./desired.ts";
import { linkOf, type Observed, type ObservedLink } from "./observed.ts";
import { costOf, movesOn, wayOf } from "./off-and-on.ts";
import { beside, compareHere, explained, isPortChoice, needsOf, update } from "./plan-link-wanted.ts";
import { planFarEnds } from "./plan-remotes.ts";
import { move, type Planner } from "./planner.ts";
import { portsOf } from "./ports.ts";
import { DIFFERS, type Difference, type Move, type Request, type Words } from "./step.ts";
import { kindNamed, ZERO_MAC } from "./words.ts";

/** Whether ports come, go, or change their MTU in this plan: a bridge that nobody pinned would follow. */
function disturbed(planner: Planner, world: Observed, bridge: string): boolean {
  const now = planner.before.links.filter((link) => link["master"] === bridge).map(({ name }) => name);
  const then = portsOf(planner.desired, planner.before, bridge);
  const changes = (port: string): boolean => {
    const seen = linkOf(world, port);
    return seen?.["master"] !== bridge || seen["mtu"] !== planner.mtus.of(port)?.value;
  };
  return now.some((port) => !then.includes(port)) || then.some(changes);
}

/** Ports that leave a bridge which will take no multicast groups: undone, they come back after it takes them again. */
function leavingFirst({ before, desired }: Planner, bridge: string, changes: readonly Difference[]): readonly string[] {
  if (!changes.some(({ field, to }) => (field === "mcastSnooping" || field === "up") && to === false)) return [];
  const stay = new Set(portsOf(desired, before, bridge));
  const now = before.links.filter(({ name, master }) => master === bridge && !stay.has(name));
  return now.map(({ name }) => `link ${name}`);
}

export function changeLink(planner: Planner, link: DesiredLink, seen: ObservedLink, world: Observed): void {
  const { name, path } = link;
  const { changes, fields, unknown } = compareHere(planner, link, seen);
  for (const field of unknown)
    planner.warn(`link ${name}: this kernel does not tell ${field} now; it is left as it is`);
  const bridge = seen.kind === "bridge";
  const late = changes.filter(
    ({ field, to }) => (bridge && link.options["mtu"] === "auto" && field === "mtu") || isPortChoice(link, field, to),
  );
  const now = changes.filter((one) => !late.includes(one));
  const mtu = link.options["mtu"];
  const pinned = bridge && typeof mtu === "number" && disturbed(planner, world, name) ? mtu : undefined;
  const way = wayOf(planner, seen, now);
  const ordered = inTurn(seen, now).filter(({ field }) => way !== "off" || field !== "up");
  const changed = ordered.map((one) => puttingBack(world, name, one, changingFrom(planner, seen, one)));
  const moves = movesOn(planner, link, way, changed);
  // Ports that come and go may have brought it to this value meanwhile: set alone, it would pin nothing.
  if (pinned !== undefined) {
    moves.unshift(move(update(name, { mtu: beside(pinned) }), update(name, { mtu: seen["mtu"] })));
    if (!now.some(({ field }) => field === "mtu")) moves.push(move(update(name, { mtu: pinned })));
  }
  const common = { action: "change", object: "link", subject: name, path } as const;
  if (moves.length > 0)
    planner.add({
      ...common,
      reason: now.length > 0 ? DIFFERS : "its ports would change the MTU; it is pinned",
      differences: explained(planner, link, now),
      drops: [...costOf(planner, link, way), ...interrupted(now)],
      needs: [...needsOf(planner, link), ...leavingFirst(planner, name, now)],
      moves,
    });
  const ports = portsOf(planner.desired, planner.before, name).map((port) => `link ${port}`);
  if (late.length > 0)
    planner.add({
      ...common,
      id: `link ${name} once it has ports`,
      reason: DIFFERS,
      differences: explained(planner, link, late),
      needs: [`link ${name}`, ...ports],
      moves: late.map((one) => changingFrom(planner, seen, one)),
    });
  const known = fields.filter((field) => !unknown.includes(field));
  if (changes.length === 0) planner.keep("link", name, known, unknown);
  else planner.keepRest("link", name, known, changes);
  planFarEnds(planner, link, seen, world.fdb ?? []);
}

/**
 * `remote` before `dev`: the kernel looks for the entry of the former remote by the output link of the moment. Options
 * of the kind in the order of their declaration, as a bond's mode decides about others; `up` last.
 */
function inTurn(seen: ObservedLink, changes: readonly Difference[]): readonly Difference[] {
  const declared = ["remote", ...Object.keys(kindNamed(seen.kind)?.options ?? {})];
  const place = ({ field, to }: Difference): number =>
    field === "up" && to === true ? declared.length : declared.indexOf(field);
  return [...changes].sort((a, b) => place(a) - place(b));
}

/** A master as it will be, for the options of its ports. */
export function masterThen(planner: Planner, name: unknown): Words {
  const wanted = planner.desired.links.find((link) => link.name === name)?.options;
  return { ...planner.seen(String(name)), ...wanted };
}

/** One property, and back with what the kernel changes along with it. */
function changingFrom(planner: Planner, seen: ObservedLink, difference: Difference): Move {
  const { name } = seen;
  const { field, from, to } = difference;
  const former = planner.seen(name);
  // Its master is made again.
  const again = former !== undefined && field === "master" && to !== null && former["master"] === to;
  const made = changing(name, difference);
  const before = settable(seen, planner.before);
  // A link that leaves its master loses its options as a port; a bond in another mode those of the former one.
  const port = field === "master" && from !== undefined ? before["port"] : undefined;
  const along = decides(seen, difference) ? own(before, field) : {};
  return {
    request: again ? update(name, rejoining(former, masterThen(planner, to))) : made.request,
    undo: [
      ...made.undo,
      ...(port === undefined ? [] : [update(name, { port })]),
      ...(Object.keys(along).length === 0 ? [] : [update(name, along)]),
    ],
  };
}

/** Whether a change, as that of a mode, decides which other options the link can have: the kernel changes them too. */
function decides(seen: ObservedLink, { field, to }: Difference): boolean {
  const after = { ...seen, [field]: to };
  return Object.values(kindNamed(seen.kind)?.options ?? {}).some((one) => one.unfit(seen) !== one.unfit(after));
}

/** The options of the link's kind but for one. */
function own(settable: Words, but: string): Words {
  const options = kindNamed(String(settable["kind"]))?.options ?? {};
  return Object.fromEntries(Object.entries(settable).filter(([key]) => key !== but && Object.hasOwn(options, key)));
}

/** One property, and back. */
function changing(name: string, { field, from, to }: Difference): Move {
  const [first = "", key] = field.split(".");
  const as = (value: unknown): Words => (key === undefined ? { [first]: value } : { [first]: { [key]: value } });
  const back = from === undefined ? unset(field, to) : from;
  return move(update(name, as(to)), ...(back === undefined ? [] : [update(name, as(back))]));
}

/**
 * What the kernel changes along. `remote` is a forwarding entry: taking it back takes the entry along, which may have been
 * there before. With another `dev` a VXLAN gets the MTU that fits it, and keeps that when it gets the old one back.
 */
function puttingBack(world: Observed, name: string, { field, to }: Difference, made: Move): Move {
  const seen = linkOf(world, name);
  if (seen?.kind !== "vxlan") return made;
  const entry = { mac: ZERO_MAC, dev: name, dst: to };
  const isThere = (one: Words): boolean => Object.entries(entry).every(([key, part]) => one[key] === part);
  const also: Request[] = [];
  if (field === "remote" && world.fdb?.some(isThere) === true)
    also.push({ object: "fdb", verb: "append", words: entry });
  if (field === "dev") also.push(update(name, { mtu: seen["mtu"] }));
  return { ...made, undo: [...made.undo, ...also] };
}

/** What it takes to have a property not set, where there is such a value. */
function unset(field: string, to: unknown): unknown {
  if (field === "master") return null;
  if (field === "remote" || field === "local") return String(to).includes(":") ? "::" : "0.0.0.0";
  return field === "alias" ? "" : undefined;
}

function interrupted(changes: readonly Difference[]): string[] {
  return changes.flatMap(({ field, from }) => {
    if (field === "master" && from !== undefined) return [`traffic through ${String(from)}`];
    return [];
  });
}
