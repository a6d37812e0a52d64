/** Steps for links: which are made, changed, made again, removed. */
import type { DesiredLink } from "./desired.ts";
import { planEndsAway } from "./ends-away.ts";
import { linkOf, type Observed, type ObservedLink } from "./observed.ts";
import { endOf, planEnds } from "./plan-ends.ts";
import { changeLink } from "./plan-link-change.ts";
import { checkLink, isOfItsKind } from "./plan-link-checks.ts";
import { awayWith, lostWith } from "./plan-link-losses.ts";
import { createLink, recreateLink } from "./plan-link-making.ts";
import { compareHere, request } from "./plan-link-wanted.ts";
import { move, type Planner } from "./planner.ts";
import { unrestorable } from "./queue.ts";
import { peerOf, standingOn } from "./restore.ts";
import type { Words } from "./step.ts";

/** Links that go away, by themselves or to be made again. */
export interface Fates {
  readonly removed: ReadonlySet<string>;
  readonly recreated: ReadonlySet<string>;
  /** Other ends of these that come back with them, each with the name of the link; any else is removed. */
  readonly ends: ReadonlyMap<string, string>;
}

/** Decides which links go away, with all that stand on them. */
export function fatesOf(planner: Planner): Fates {
  const removed = new Set<string>();
  const recreated = new Set<string>();
  for (const link of planner.desired.links) {
    const seen = planner.seen(link.name);
    if (seen === undefined || !isOfItsKind(planner, link, seen)) continue;
    if (link.absent) removed.add(link.name);
    else if (link.kind !== undefined && compareHere(planner, link, seen).fixed.length > 0) recreated.add(link.name);
  }
  for (const name of [...removed, ...recreated]) follow(planner, name, removed, recreated);
  const ends = new Map<string, string>();
  for (const name of recreated) {
    const other = peerOf(planner.before, name);
    if (other === undefined || removed.has(other) || recreated.has(other)) continue;
    if (endOf(planner, name) === undefined) removed.add(other);
    else ends.set(other, name);
  }
  return { removed, recreated, ends };
}

function follow(planner: Planner, name: string, removed: ReadonlySet<string>, recreated: Set<string>): void {
  for (const above of standingOn(planner.before, name)) {
    if (removed.has(above) || recreated.has(above)) continue;
    const described = planner.desired.links.find((link) => link.name === above);
    if (described === undefined || described.kind === undefined) {
      const path = planner.desired.links.find((link) => link.name === name)?.path ?? [];
      planner.say(
        path,
        `${above} stands on ${name} and would go with it; describe ${above} too, or remove it first`,
        "key",
      );
      continue;
    }
    recreated.add(above);
    follow(planner, above, removed, recreated);
  }
}

/** The other end of a link that is made, as it is right after that. */
function broughtAlong(planner: Planner, name: string): ObservedLink {
  const bringer = planner.bringerOf(name);
  const { mtu = ETHERNET_MTU, mac } = (bringer?.options["peer"] ?? {}) as Words;
  return { name, kind: bringer?.kind ?? "", up: false, mtu, ...(mac !== undefined && { mac }) };
}

const ETHERNET_MTU = 1500;

/** All steps for links. */
export function planLinks(planner: Planner, fates: Fates, world: Observed): void {
  for (const link of planner.desired.links) {
    const { name } = link;
    const seen = linkOf(world, name);
    if (link.absent) {
      if (fates.removed.has(name)) remove(planner, link, fates);
      continue;
    }
    checkLink(planner, link, seen, fates.removed);
    const old = fates.recreated.has(name) ? planner.seen(name) : undefined;
    if (old !== undefined) recreateLink(planner, link, old, fates);
    else if (seen !== undefined) changeLink(planner, link, seen, world);
    else if (link.kind !== undefined) createLink(planner, link);
    else if (planner.bringerOf(name) !== undefined) changeLink(planner, link, broughtAlong(planner, name), world);
    else if (planner.desired.source.underlay?.name === name) planner.sayMissing(name, link.path);
    else planner.say(link.path, `there is no link ${name} on this host; write its kind to have it made`, "key");
  }
  planEnds(planner, world);
  planEndsAway(planner);
}

/** Ports of a link that go away too. */
function goingPorts({ links }: Observed, name: string, { removed }: Fates): string[] {
  return links.filter((link) => link["master"] === name && removed.has(link.name)).map((link) => link.name);
}

function remove(planner: Planner, link: DesiredLink, fates: Fates): void {
  const { before } = planner;
  const ends = [link.name, ...[peerOf(before, link.name) ?? []].flat()];
  planner.add({
    action: "remove",
    object: "link",
    subject: link.name,
    path: link.path,
    reason: "to be absent",
    drops: [
      ...lostWith(planner, ends),
      ...(ends.length > 1 ? [`${ends[1]}, its other end`] : awayWith(before, link.name)),
      ...(ends.every((end) => unrestorable(before, end) === undefined) ? [] : ["its queues, for good"]),
    ],
    // What stands on it goes first, and so do its ports: they come back after it.
    needs: planner.linkIds(...standingOn(before, link.name), ...goingPorts(before, link.name, fates)),
    // How it comes back depends on what went before it: see `withUndo`.
    moves: [move(request("delete", { name: link.name }))],
  });
}
