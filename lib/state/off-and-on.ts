/**
 * Changes that the kernel takes only while a link is off, as explicit moves: off, the change, on again, and back what
 * the kernel dropped meanwhile. Each can be undone exactly.
 */
import { demandsOf } from "./compare.ts";
import type { DesiredLink } from "./desired.ts";
import { SORTS, sortOf } from "./entries/sorts.ts";
import { linkOf, type Observed, type ObservedLink } from "./observed.ts";
import { move, type Planner } from "./planner.ts";
import { entriesOn } from "./restore.ts";
import type { Difference, Move, Request } from "./step.ts";

const turn = (name: string, up: boolean): Request => ({
  object: "link",
  verb: "update",
  words: { name, change: { up } },
});

/** What a link loses when it is switched off: all that is on it but IPv4 addresses, and what is known of other links. */
const LOST = ["address", "route", "nexthop", "neighbor"];
function isLost({ object, words }: Request): boolean {
  return LOST.includes(object) && (object !== "address" || String(words["address"]).includes(":"));
}

/** The link, and the VLANs of it that the kernel switches off and on with it. */
function together({ links }: Observed, name: string): string[] {
  const above = links.filter(
    (link) => link.kind === "vlan" && link["dev"] === name && link["up"] === true && link["looseBinding"] !== true,
  );
  return [name, ...above.flatMap((link) => together({ links }, link.name))];
}

/** Requests that put back what a link and its VLANs lose, without what the document wants gone. */
function lostWith({ before, desired }: Planner, names: readonly string[]): Request[] {
  const wanted = Object.fromEntries(
    SORTS.map(({ list, same }) => {
      const absent = desired[list].filter((one) => one.absent);
      return [list, (before[list] ?? []).filter((seen) => !absent.some(({ words }) => same(words, seen)))];
    }),
  );
  return (
    names
      .flatMap((name) => entriesOn({ ...before, ...wanted }, name))
      .filter(isLost)
      // Some hosts are told to keep their IPv6 addresses.
      .map((one) => (one.object === "address" ? { ...one, verb: "replace" } : one))
  );
}

/** Whether a link is, or will be, a bond. */
function isBond({ desired, before }: Planner, name: unknown): boolean {
  const kind = desired.links.find((link) => link.name === name)?.kind ?? linkOf(before, String(name))?.kind;
  return kind === "bond";
}

/** What becomes of a link that is on: it stays, goes off and on for its changes, goes off for good, joins or leaves a bond. */
export type Way = "stays" | "off and on" | "off" | "joins" | "leaves";

/** Which way a link goes for its changes. */
export function wayOf(planner: Planner, seen: ObservedLink, changes: readonly Difference[]): Way {
  if (seen["up"] !== true) return "stays";
  const named = (field: string): Difference | undefined => changes.find((one) => one.field === field);
  if (named("up")?.to === false) return "off";
  const master = named("master");
  if (master !== undefined && isBond(planner, master.to)) return "joins";
  if (master !== undefined && isBond(planner, master.from)) return "leaves";
  return changes.some(({ field }) => demandsOf(seen, field).includes("down")) ? "off and on" : "stays";
}

/** The moves of a link's changes, with those that the way takes. */
export function movesOn(planner: Planner, { name }: DesiredLink, way: Way, changes: readonly Move[]): Move[] {
  // What would be lost takes long to find where there is much.
  if (way === "stays") return [...changes];
  const names = together(planner.before, name);
  const back = lostWith(planner, names);
  const off = move(turn(name, false), turn(name, true), ...back);
  const on = move(turn(name, true), turn(name, false));
  switch (way) {
    case "off":
      return [off, ...changes];
    // A bond switches its ports on, and off when they leave.
    case "joins":
      return [off, ...changes];
    case "leaves":
      return [...changes, on];
    case "off and on":
      return [off, ...changes, on, ...back.map((one) => move(one))];
  }
}

/** What a way costs. */
export function costOf(planner: Planner, { name }: DesiredLink, way: Way): string[] {
  if (way === "stays" || way === "leaves") return [];
  const names = together(planner.before, name);
  const whole = way === "off and on" ? "while it is off" : "";
  const traffic = names.map((one) => `traffic through ${one}${whole === "" ? "" : ` ${whole}`}`);
  if (way === "off and on") return traffic;
  const lost = lostWith(planner, names).map(({ object, words }) =>
    object === "address" ? String(words["address"]) : `${object} ${sortOf(object)?.subject(words) ?? ""}`,
  );
  return [...traffic, ...lost];
}
