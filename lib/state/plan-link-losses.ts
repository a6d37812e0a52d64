/** What is lost with a link, in words. */
import { linkOf, type Observed } from "./observed.ts";
import type { Planner } from "./planner.ts";
import { onLink } from "./restore.ts";

/** What is lost with a link and its other end; what goes with both is told once. */
export function lostWith({ before }: Planner, [name = "", other]: readonly string[]): string[] {
  const own = onLink(before, name);
  const beyond = other === undefined ? [] : onLink(before, other);
  return [...own, ...beyond.filter((one) => !own.includes(one))];
}

/** The other end in another namespace: what is on it there nobody puts back. */
export function awayWith(observed: Observed, name: string): string[] {
  const end = observed.endsAway?.[name];
  const elsewhere = linkOf(observed, name)?.["peer"] === undefined && linkOf(observed, name)?.kind === "veth";
  // One that was moved or renamed is not where the document says.
  const where = end === undefined || (end.link ?? end.problem) === undefined ? "" : `, ${end.name} in ${end.netns}`;
  return elsewhere ? [`its other end${where === "" ? " in another namespace" : where}, with what is on it`] : [];
}
