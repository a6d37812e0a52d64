/** What it takes to have a link back that was deleted, with all that was on it. */

import { settable } from "./compare.ts";
import { linkOf, type Observed } from "./observed.ts";
import { isOwnRemote } from "./plan-remotes.ts";
import { pick, type Request, type Words } from "./step.ts";
import { addressShapes, fdbShapes, neighborShapes, routeShapes } from "./words.ts";

const of = (dev: string) => (words: Words) => words["dev"] === dev;

/** An address that the kernel did not make itself. */
function isGiven(words: Words): boolean {
  return words["temporary"] !== true && words["dynamic"] !== true && !/^fe80:/i.test(String(words["address"]));
}
/** An entry that somebody wrote, not one that was learned. */
export function isStatic({ state, externLearn }: Words): boolean {
  return (state === "permanent" || state === "static") && externLearn !== true;
}

/** An address, as it takes to make it again. */
export function addressAgain(words: Words): Words {
  const again = pick(words, Object.keys(addressShapes));
  // Left out, it would be set.
  const bare = words["family"] === "inet" && words["broadcast"] === undefined && words["peer"] === undefined;
  return bare && !/\/3[12]$/.test(String(words["address"])) ? { ...again, broadcast: "none" } : again;
}
export function routeAgain(words: Words): Words {
  return pick(words, Object.keys(routeShapes));
}
export function neighborAgain(words: Words): Words {
  return pick(words, Object.keys(neighborShapes));
}
/** A forwarding entry, as it takes to make it again. */
export function fdbAgain(words: Words): Words {
  const again = pick(words, Object.keys(fdbShapes));
  return words["master"] === undefined ? again : { ...again, master: true };
}

/** Requests that put back what is on a link, beyond the link itself. */
export function entriesOn(
  observed: Observed,
  dev: string,
  skip: (request: Request) => boolean = () => false,
): Request[] {
  const link = linkOf(observed, dev);
  const requests: Request[] = [];
  const add = (object: Request["object"], verb: Request["verb"], words: Words): void => {
    requests.push({ object, verb, words });
  };
  for (const one of (observed.addresses ?? []).filter(of(dev)).filter(isGiven))
    add("address", "create", addressAgain(one));
  const routes = (observed.routes ?? []).filter(of(dev));
  // A gateway has to be reachable before there can be a route through it.
  for (const one of [...routes].sort((a, b) => Number("via" in a) - Number("via" in b)))
    add("route", "create", routeAgain(one));
  for (const one of (observed.fdb ?? []).filter(of(dev)).filter(isStatic)) {
    // Its own addresses and groups the kernel makes itself; `remote` is one of these entries.
    if (one["mac"] === link?.["mac"] || /^(33:33|01:)/.test(String(one["mac"]))) continue;
    if (isOwnRemote(one, link)) continue;
    add("fdb", "append", fdbAgain(one));
  }
  for (const one of (observed.neighbors ?? []).filter(of(dev)).filter(({ state }) => state === "permanent"))
    add("neighbor", "replace", neighborAgain(one));
  return requests.filter((request) => !skip(request));
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
  const addresses = count(observed.addresses, isGiven).map(({ address }) => String(address));
  const routes = count(observed.routes, () => true).map(({ dst }) => `route ${String(dst)}`);
  const entries = entriesOn(observed, name).filter(({ object }) => object === "fdb").length;
  const ports = observed.links.filter(({ master }) => master === name).map((port) => `port ${port.name}`);
  const forwarding = entries === 0 ? [] : [`${entries} forwarding ${entries === 1 ? "entry" : "entries"}`];
  return [`traffic through ${name}`, ...addresses, ...routes, ...forwarding, ...ports];
}
