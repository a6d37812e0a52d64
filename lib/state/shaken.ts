/**
 * Masters that nobody gave a MAC address take that of a port, and links on them take theirs. With each change of it the kernel
 * drops their neighbors, also permanent ones. It does not tell whether somebody gave one.
 *
 * Source: net/8021q/vlan.c (vlan_sync_address), drivers/net/ipvlan/ipvlan_main.c (ipvlan_device_event).
 */
import { sortOf } from "./entries/sorts.ts";
import type { Path } from "./error.ts";
import { grouped, remembered } from "./grouped.ts";
import { linkOf, type Observed } from "./observed.ts";
import type { Fates } from "./plan-links.ts";
import { move, type Planner } from "./planner.ts";
import { entriesOn, peerOf } from "./restore.ts";
import type { Request, Words } from "./step.ts";

/** The masters of a link and, where it goes, of its other end. */
function mastersOf(observed: Observed, name: string, goes: boolean): readonly unknown[] {
  const names = [name, ...(goes ? [peerOf(observed, name) ?? []].flat() : [])];
  return names.map((one) => linkOf(observed, one)?.["master"]);
}

/** Kinds that have the MAC address of the link below. */
const FOLLOWING = ["vlan", "ipvlan", "ipvtap"];

/** Links that may get another MAC address with a link: those that stand on it, and its master. */
const followersOf = remembered((links: Observed["links"]) => {
  const pairs = (links as readonly Words[]).flatMap(({ name, kind = "", dev, master }) => [
    ...(FOLLOWING.includes(String(kind)) ? [[dev, name] as const] : []),
    [name, master] as const,
  ]);
  return grouped(pairs.filter((pair): pair is [string, string] => pair.every((one) => typeof one === "string")));
});

/** These links, and all that follow them. */
function withFollowers(observed: Observed, names: readonly string[]): readonly string[] {
  const all = new Set(names);
  for (const name of all) for (const one of followersOf(observed.links).get(name) ?? []) all.add(one);
  return [...all];
}

/** Names of links that may get another MAC address because of what a request for a link does to their ports. */
export function shakenBy(observed: Observed, { verb, words }: Request): readonly string[] {
  const name = String(words["name"]);
  const change = (words["change"] ?? {}) as Words;
  const ports = verb === "delete" || "master" in change || "mac" in change;
  const masters = [words["master"], change["master"], ...(ports ? mastersOf(observed, name, verb === "delete") : [])];
  return withFollowers(
    observed,
    masters.filter((master) => typeof master === "string"),
  );
}

/** Requests that put back the neighbors that somebody gave a link. */
export function neighborsOn(observed: Observed, name: string): readonly Request[] {
  return (observed.neighbors ?? []).some(({ dev }) => dev === name)
    ? entriesOn(observed, name).filter(({ object }) => object === "neighbor")
    : [];
}

/** Neighbors that go with the MAC address of a link, and that nobody else plans. */
export function planNeighborsAgain(planner: Planner, { removed, recreated, ends }: Fates): void {
  const { before, mine, steps } = planner;
  const sort = sortOf("neighbor");
  const shaken = new Map<string, Path>();
  for (const { object, moves, path } of steps)
    if (object === "link")
      for (const { request } of moves)
        for (const name of shakenBy(before, request)) if (!shaken.has(name)) shaken.set(name, path);
  if (shaken.size === 0) return;
  const planned = new Set(steps.filter(({ object }) => object === "neighbor").map(({ subject }) => subject));
  for (const [name, path] of shaken) {
    if (sort === undefined || removed.has(name) || recreated.has(name) || ends.has(name)) continue;
    for (const again of neighborsOn(mine, name)) {
      const subject = sort.subject(again.words);
      if (planned.has(subject)) continue;
      planner.add({
        action: "create",
        object: "neighbor",
        subject,
        path,
        reason: `goes where ${name} gets the MAC address of another port, and is put back`,
        needs: planner.linkIds(name),
        moves: [move(again)],
        restores: true,
      });
    }
  }
}
