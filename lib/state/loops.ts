/** Links that would stand on themselves. */
import type { LinkEntry } from "./document.ts";
import type { Path } from "./error.ts";
import { grouped } from "./grouped.ts";

type Links = Readonly<Record<string, LinkEntry>>;
type Say = (path: Path, message: string) => void;

/** Follows one property from link to link; gives the names that are in loops. */
function follow(key: "master" | "dev", links: Links, say: Say): ReadonlySet<string> {
  const told = new Set<string>();
  for (const start of Object.keys(links)) {
    const way = [start];
    for (let next = links[start]?.[key]; typeof next === "string" && !told.has(start); next = links[next]?.[key]) {
      if (way.includes(next)) {
        const loop = [...way.slice(way.indexOf(next)), next];
        for (const name of loop) told.add(name);
        say(["links", way.at(-1) ?? start, key], `${loop.join(" → ")} is a loop; take one of them out`);
        break;
      }
      way.push(next);
    }
  }
  return told;
}

/** Kinds that the kernel stacks on their `dev`, as it stacks a master on its ports; other tunnels only send through it. */
const STACKED = ["vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "macsec", "vxlan"];

type Lists = ReadonlyMap<string, readonly string[]>;

/** What stands on each link: its master, and links that are made on it; and the same the other way round. */
function stackOf(links: Links): { readonly above: Lists; readonly below: Lists } {
  const stands = Object.entries(links).flatMap(([name, { kind, master, dev, state }]) => {
    if (state === "absent") return [];
    const made = STACKED.includes(String(kind)) ? dev : undefined;
    return [[master, name] as const, [name, made] as const];
  });
  const pairs = stands.filter((pair): pair is [upper: string, lower: string] =>
    pair.every((one) => typeof one === "string" && Object.hasOwn(links, one)),
  );
  return { above: grouped(pairs.map(([upper, lower]) => [lower, upper])), below: grouped(pairs) };
}

/** Links that are in a loop or under one: the rest, after what has nothing above it was taken away, again and again. */
function underLoops(links: Links, { above, below }: ReturnType<typeof stackOf>): ReadonlySet<string> {
  const left = new Set(Object.keys(links));
  const open = new Map([...above].map(([name, uppers]) => [name, uppers.length]));
  const free = [...left].filter((name) => !above.has(name));
  for (let name = free.pop(); name !== undefined; name = free.pop()) {
    left.delete(name);
    for (const lower of below.get(name) ?? []) {
      const count = (open.get(lower) ?? 0) - 1;
      open.set(lower, count);
      if (count === 0) free.push(lower);
    }
  }
  return left;
}

/**
 * Follows `master` upwards and `dev` backwards, as a link may be below what it is made on; says where that leads back, but not
 * of links that are `told` already. Of several ways up from a link one is followed: the others are when that is mended.
 */
function followBoth(links: Links, told: ReadonlySet<string>, say: Say): void {
  const stack = stackOf(links);
  const left = underLoops(links, stack);
  const passed = new Set<string>();
  for (const start of left) {
    const way = new Set<string>();
    let next = start;
    for (; !passed.has(next); next = stack.above.get(next)?.find((name) => left.has(name)) ?? start) {
      passed.add(next);
      way.add(next);
    }
    if (!way.has(next)) continue;
    const steps = [...way];
    const loop = [...steps.slice(steps.indexOf(next)), next];
    if (loop.every((name) => told.has(name))) continue;
    const port = loop.find((name, i) => links[name]?.master === loop[i + 1]) ?? next;
    say(["links", port, "master"], `${loop.join(" is below ")}: that is a loop; take master or dev out of one of them`);
  }
}

/** Says where links lead back to themselves, by `master`, by `dev`, or by both. */
export function checkLoops(links: Links, say: Say): void {
  const told = new Set((["master", "dev"] as const).flatMap((key) => [...follow(key, links, say)]));
  followBoth(links, told, say);
}
