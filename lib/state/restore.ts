/** What it takes to have a link back that was deleted, with all that was on it. */

import { settable } from "./compare.ts";
import { addresses as addressSort } from "./entries/addresses.ts";
import { goneOf, lost } from "./gone.ts";
import { linkOf, type Observed } from "./observed.ts";
import type { Request, Words } from "./step.ts";

const of = (dev: string) => (words: Words) => words["dev"] === dev;

/** Requests that put back what is on a link, beyond the link itself, and what else would go with it. */
export function entriesOn(observed: Observed, dev: string): Request[] {
  return lost(observed, goneOf(observed, [dev]));
}

/**
 * Requests that make a link again that is deleted now: the link, what was on it, and its ports. Ports that are `gone`
 * bring their master along when they come back.
 */
export function restoring(observed: Observed, name: string, gone: ReadonlySet<string> = new Set()): Request[] {
  const link = linkOf(observed, name);
  if (link === undefined) return [];
  const ports = observed.links.filter((port) => port["master"] === name && !gone.has(port.name));
  return [
    { object: "link", verb: "create", words: settable(link) },
    ...ports.map(
      (port): Request => ({ object: "link", verb: "update", words: { name: port.name, change: { master: name } } }),
    ),
    ...entriesOn(observed, name),
  ];
}

/** What is lost with a link, for a person to read. */
export function onLink(observed: Observed, name: string): string[] {
  const count = (list: readonly Words[] | undefined, test: (words: Words) => boolean): readonly Words[] =>
    (list ?? []).filter(of(name)).filter(test);
  const addresses = count(observed.addresses, (one) => addressSort.isGiven(one, observed)).map(({ address }) =>
    String(address),
  );
  const routes = count(observed.routes, () => true).map(({ dst }) => `route ${String(dst)}`);
  const entries = entriesOn(observed, name).filter(({ object }) => object === "fdb").length;
  const ports = observed.links.filter(({ master }) => master === name).map((port) => `port ${port.name}`);
  const forwarding = entries === 0 ? [] : [`${entries} forwarding ${entries === 1 ? "entry" : "entries"}`];
  return [`traffic through ${name}`, ...addresses, ...routes, ...forwarding, ...ports];
}
