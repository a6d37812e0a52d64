/** What the document wants of a link on this host, against what is there. */
import { compareLink } from "./compare.ts";
import type { DesiredLink } from "./desired.ts";
import { missingEnd } from "./ends-away.ts";
import type { ObservedLink } from "./observed.ts";
import type { Planner } from "./planner.ts";
import { peerOf } from "./restore.ts";
import type { Difference, Request, Words } from "./step.ts";
import { kindNamed } from "./words.ts";

export const request = (verb: Request["verb"], words: Words): Request => ({ object: "link", verb, words });

export const update = (name: string, change: Words): Request => request("update", { name, change });

/** What the document wants of a link, MTUs worked out. */
export function wantedOptions(planner: Planner, link: DesiredLink): Words {
  const { mtu, ...options } = link.options;
  if (mtu === undefined) return options;
  const resolved = planner.mtus.of(link.name);
  if (mtu !== "auto") return link.options;
  if (resolved === undefined) {
    const { dev } = options;
    // Of an underlay that is not there it is said elsewhere.
    if (typeof dev === "string" && !planner.willExist(dev)) return options;
    planner.say([...link.path, "mtu"], "auto needs an underlay to follow; write dev, or the number of bytes");
    return options;
  }
  return { ...options, mtu: resolved.value };
}

export function explained(
  planner: Planner,
  link: DesiredLink,
  differences: readonly Difference[],
): readonly Difference[] {
  const mtu = link.options["mtu"] === "auto" ? planner.mtus.of(link.name) : undefined;
  return differences.map((one) => (one.field === "mtu" && mtu !== undefined ? { ...one, why: mtu.why } : one));
}

/** The comparison of a link with what is wanted of it, on this host. */
export function compareHere(planner: Planner, link: DesiredLink, seen: ObservedLink) {
  const ports = planner.before.links.some(({ master }) => master === seen.name);
  const found = compareLink(link, seen, wantedOptions(planner, link), ports);
  if (planner.before.endsAway?.[link.name] === undefined) return found;
  // It is known from where the other end is.
  const told = (field: string): boolean => field !== "peer";
  return {
    ...found,
    fixed: [...found.fixed, ...missingEnd(planner, link)],
    unknown: found.unknown.filter(told),
    fields: found.fields.filter(told),
  };
}

/** Whether an option names a port, which has to be one first. */
export function isPortChoice(link: DesiredLink, field: string, to: unknown): boolean {
  return typeof to === "string" && kindNamed(link.kind)?.options[field]?.refers === "port";
}

/** An MTU next to this one: a bridge's MTU stays where it is put only when that changes it. */
export function beside(mtu: number): number {
  return mtu > 68 ? mtu - 1 : mtu + 1;
}

/** Steps that a new link waits for. */
export function needsOf(planner: Planner, link: DesiredLink): readonly string[] {
  const kind = kindNamed(link.kind);
  const below = Object.entries(kind?.options ?? {}).flatMap(([key, one]) =>
    one.refers === true ? [link.options[key]] : [],
  );
  // A bridge grows by its ports: what is made on it before that is cut down to what it had, without a word.
  const ports = planner.desired.links.filter(
    ({ name, options: { master } }) => name !== link.name && typeof master === "string" && below.includes(master),
  );
  // A link of the same VNI that goes away has to be gone.
  const gone = planner.desired.links.filter((one) => one.absent).map((one) => one.name);
  // So has what holds the name of its other end.
  const { name: end, netns } = (link.options["peer"] ?? {}) as Words;
  const holder = typeof end === "string" && netns === undefined ? peerOf(planner.before, end) : undefined;
  const bringer = planner.bringerOf(link.name);
  const others = [...gone, ...(holder === link.name ? [] : [holder]), bringer?.name];
  const names = [...below, ...ports.map(({ name }) => name), link.options["master"], ...others];
  return [...planner.linkIds(...names), ...planner.again(link.name)];
}
