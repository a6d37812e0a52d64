/** Routes as entries of a document. */
import { InputError } from "../../shape/shape.ts";
import { move } from "../planner.ts";
import { pick, sameValue, type Words } from "../step.ts";
import { canonicalRoute, routeShapes } from "../words.ts";
import { knowsNexthop, nexthopIds } from "./nexthop-id.ts";
import { equal, type Gone, isOn, request, type Sort, unless } from "./sort.ts";

/** What a nexthop object says in place of the route. */
const OF_NEXTHOP = ["via", "dev", "nexthops", "encap", "onlink"];

function canonical(words: Words, absent: boolean): Words {
  const nowhere = ["via", "dev", "nexthops", "nhid", "type"].every((key) => words[key] === undefined);
  if (absent && nowhere) {
    // Which way it leads need not be known for it to go.
    const { dev: _, ...rest } = canonical({ ...words, dev: "lo" }, true);
    return rest;
  }
  if (words["nhid"] !== undefined)
    for (const key of OF_NEXTHOP)
      if (words[key] !== undefined)
        throw new InputError([key], `stands beside nhid ${String(words["nhid"])}, which says it already; use one`);
  const { nexthops, ...route } = canonicalRoute(words as never) as unknown as Words & { nexthops?: readonly Words[] };
  if (nexthops === undefined) return route;
  const [first, ...rest] = [...nexthops].sort((a, b) => (JSON.stringify(keyOf(a)) < JSON.stringify(keyOf(b)) ? -1 : 1));
  // Of one way alone the kernel tells no list.
  if (first === undefined || rest.length > 0) return { ...route, nexthops: [first, ...rest] };
  const { weight: _, ...only } = first;
  return { ...route, ...only };
}

const keyOf = ({ via, dev }: Words): unknown => [via ?? "", dev ?? ""];

/** Whether a value has all that is wanted of it; what the kernel tells besides does not count. */
export function hasAll(wanted: unknown, seen: unknown): boolean {
  if (Array.isArray(wanted) || typeof wanted !== "object" || wanted === null) return sameValue(wanted, seen);
  if (typeof seen !== "object" || seen === null) return false;
  return Object.entries(wanted).every(
    ([key, one]) =>
      one === undefined || hasAll(one, (seen as Words)[key]) || (one === false && (seen as Words)[key] === undefined),
  );
}

/** Several ways in any order. */
function sameWays(wanted: readonly unknown[], seen: unknown): boolean {
  if (!Array.isArray(seen) || seen.length !== wanted.length) return false;
  const left = [...seen];
  return wanted.every((one) => {
    const at = left.findIndex((other) => hasAll(one, other));
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}

/** Without what the kernel tells of a nexthop object. */
function again(words: Words): Words {
  const picked = pick(words, Object.keys(routeShapes));
  if (Array.isArray(picked["nexthops"]))
    picked["nexthops"] = picked["nexthops"].map((one: Words) => {
      const { dead: _, linkdown: __, ...way } = one;
      return way;
    });
  if (words["nhid"] === undefined) return picked;
  return Object.fromEntries(Object.entries(picked).filter(([key]) => ![...OF_NEXTHOP, "type"].includes(key)));
}

const waysOf = ({ dev, nexthops }: Words): readonly unknown[] => [
  dev,
  ...((nexthops ?? []) as readonly Words[]).map((one) => one["dev"]),
];

/** The kernel drops a route with its nexthop object, or as soon as one of its links goes. */
const goes = (words: Words, gone: Gone): boolean =>
  words["nhid"] === undefined ? waysOf(words).some((dev) => isOn(gone, dev)) : gone.nexthops.has(words["nhid"]);

export const routes: Sort = {
  object: "route",
  list: "routes",
  writing: {
    shapes: routeShapes,
    needed: ["dst"],
    place: "both",
    one: "a route",
    inLink: "a route such as { dst: default, via: 192.0.2.1 }",
    many: "routes",
  },
  canonical,
  bucket: ({ dst, table, family }) => `${String(dst)} ${String(table)} ${String(family)}`,
  same: (wanted, seen) =>
    equal(wanted, seen, "dst", "table", "family", "from") &&
    Number(wanted["metric"] ?? 0) === Number(seen["metric"] ?? 0) &&
    Number(wanted["tos"] ?? 0) === Number(seen["tos"] ?? 0),
  subject: ({ dst, via, dev, table, nhid }) =>
    [
      String(dst),
      ...(nhid === undefined ? [] : ["nhid", String(nhid)]),
      ...(via === undefined || nhid !== undefined ? [] : ["via", String(via)]),
      ...(dev === undefined || nhid !== undefined ? [] : ["dev", String(dev)]),
      ...(table === undefined || table === "main" ? [] : ["table", String(table)]),
    ].join(" "),
  uncompared: ["dst", "table", "family", "from", "metric", "tos", "protocol", "expires"],
  agrees(field, wanted, seen, { nhid }) {
    if (field === "nexthops") return sameWays(wanted as readonly unknown[], seen);
    if (field === "encap") return hasAll(wanted, seen);
    // That of a black hole is the nexthop's.
    return (field === "type" && nhid !== undefined) || sameValue(wanted, seen);
  },
  // A route that leads over a nexthop object says so itself.
  implied: (wanted, seen) =>
    wanted["nhid"] === undefined && seen["nhid"] !== undefined
      ? [{ field: "nhid", from: seen["nhid"], to: undefined }]
      : [],
  create: (words) => request("route", "create", words),
  change: (wanted, seen) => [move(request("route", "replace", wanted), request("route", "replace", again(seen)))],
  again,
  restore: (words) => request("route", "create", words),
  isGiven: () => true,
  // A gateway has to be reachable before there can be a route through it.
  isLater: ({ via, nexthops, nhid }) => (via ?? nexthops ?? nhid) !== undefined,
  remains: (words, gone) => unless(goes(words, gone), words),
  devices: ({ dev, nexthops }) => [
    ["dev", dev],
    ...((nexthops ?? []) as readonly Words[]).map((one, i) => [`nexthops.${i}.dev`, one["dev"]] as const),
  ],
  needs: ({ nhid }) => nexthopIds(nhid),
  check: (planner, { words, absent, path }) => absent || knowsNexthop(planner, words["nhid"], path),
  wayOut: "give ours another metric",
};
