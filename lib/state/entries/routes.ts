/** Routes as entries of a document. */
import { move } from "../planner.ts";
import { pick, type Words } from "../step.ts";
import { routeShapes } from "../words.ts";
import { equal, request, type Sort } from "./sort.ts";

const again = (words: Words): Words => pick(words, Object.keys(routeShapes));

export const routes: Sort = {
  object: "route",
  list: "routes",
  same: (wanted, seen) =>
    equal(wanted, seen, "dst", "table", "family", "from") &&
    Number(wanted["metric"] ?? 0) === Number(seen["metric"] ?? 0) &&
    Number(wanted["tos"] ?? 0) === Number(seen["tos"] ?? 0),
  subject: ({ dst, via, dev, table }) =>
    [
      String(dst),
      ...(via === undefined ? [] : ["via", String(via)]),
      ...(dev === undefined ? [] : ["dev", String(dev)]),
      ...(table === undefined || table === "main" ? [] : ["table", String(table)]),
    ].join(" "),
  uncompared: ["dst", "table", "family", "from", "metric", "tos", "protocol", "expires"],
  implied: () => [],
  create: (words) => request("route", "create", words),
  change: (wanted, seen) => [move(request("route", "replace", wanted), request("route", "replace", again(seen)))],
  again,
  restore: (words) => request("route", "create", words),
  isGiven: () => true,
};
