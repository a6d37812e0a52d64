/** What a host has once links are gone, and what it takes to put back what went with them. */

import type { Gone, Sort } from "./entries/sort.ts";
import { SORTS } from "./entries/sorts.ts";
import { interfaceOf, type Observed, type ObservedLink } from "./observed.ts";
import type { Request, Words } from "./step.ts";

/** Links that go, links that leave their bridges, and all that goes because of them. */
export function goneOf(observed: Observed, names: Iterable<string>, leaving: Iterable<string> = []): Gone {
  const links = new Set(names);
  const ports = observed.links.filter(({ master }) => links.has(String(master))).map(({ name }) => name);
  const all = observed.nexthops ?? [];
  const nexthops = new Set<unknown>(all.filter(({ dev }) => links.has(String(dev))).map(({ id }) => id));
  for (const { id, group } of all)
    if (Array.isArray(group) && group.every((one: Words) => nexthops.has(one["id"]))) nexthops.add(id);
  return { links, ports: new Set([...ports, ...leaving]), nexthops };
}

/** A host without some of its links, and without all that was on them. */
export function without(observed: Observed, gone: Gone): Observed {
  const { links, ports } = gone;
  if (links.size === 0 && ports.size === 0) return observed;
  const lists = SORTS.flatMap(({ list, remains }) => {
    const seen = observed[list];
    return seen === undefined ? [] : [[list, seen.flatMap((words) => remains(words, gone) ?? [])]];
  });
  return {
    ...observed,
    ...Object.fromEntries(lists),
    links: observed.links
      .filter(({ name }) => !links.has(name))
      .map((link) => (links.has(String(link["master"])) ? free(link) : link)),
    sysctls: Object.fromEntries(
      Object.entries(observed.sysctls ?? {}).filter(([key]) => !links.has(interfaceOf(key) ?? "")),
    ),
  };
}
/** A port that is none any more. */
export function free(link: ObservedLink): ObservedLink {
  const { master: _, port: __, ...rest } = link;
  return rest as ObservedLink;
}

function lostOf(sort: Sort, observed: Observed, gone: Gone): Request[] {
  if (sort.restored !== undefined) return sort.restored(observed, gone);
  const went = (observed[sort.list] ?? []).filter((words) => sort.remains(words, gone) !== words);
  const given = went.filter((words) => sort.isGiven(words, observed));
  const last = (words: Words): number => Number(sort.isLater?.(words) === true);
  return given.sort((a, b) => last(a) - last(b)).map((words) => sort.restore(sort.again(words)));
}

/** Requests that put back, on links that are there again, what went with them and somebody had given them. */
export function lost(observed: Observed, gone: Gone): Request[] {
  return SORTS.flatMap((sort) => lostOf(sort, observed, gone));
}
