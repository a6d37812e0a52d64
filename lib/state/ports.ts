/** Who will be whose port. */
import type { Desired, DesiredLink } from "./desired.ts";
import type { Observed } from "./observed.ts";
import type { Words } from "./step.ts";

/** The master that a link will have: of a document's words `null` says none, and nothing that it stays. */
export function masterOf(link: DesiredLink | undefined, seen: Words | undefined): unknown {
  const { master = seen?.["master"] } = link?.options ?? {};
  return master ?? undefined;
}

/** Names of all ports that a bridge will have: those of the document, and those of others that stay. */
export function portsOf(desired: Desired, observed: Observed, bridge: string): readonly string[] {
  const described = new Map(desired.links.map((link) => [link.name, link]));
  const stay = observed.links.filter(({ name, master }) => {
    const link = described.get(name);
    return master === bridge && link?.absent !== true && masterOf(link, { master }) === bridge;
  });
  const come = desired.links.filter(({ options, absent }) => !absent && options["master"] === bridge);
  return [...new Set([...come, ...stay].map(({ name }) => name))].sort();
}
