/** Neighbors as entries of a document. */
import { move } from "../planner.ts";
import { pick, type Words } from "../step.ts";
import { neighborShapes } from "../words.ts";
import { equal, request, type Sort } from "./sort.ts";

const again = (words: Words): Words => pick(words, Object.keys(neighborShapes));

export const neighbors: Sort = {
  object: "neighbor",
  list: "neighbors",
  same: (wanted, seen) =>
    equal(wanted, seen, "dev", "address") && (wanted["proxy"] === true) === (seen["proxy"] === true),
  subject: ({ address, dev }) => `${String(address)} on ${String(dev)}`,
  uncompared: ["dev", "address", "proxy", "use"],
  implied: (wanted, { state, proxy }) =>
    wanted["state"] === undefined && proxy !== true && state !== "permanent"
      ? [{ field: "state", from: state, to: "permanent" }]
      : [],
  create: (words) => request("neighbor", "replace", words),
  change: (wanted, seen) => [
    move(
      request("neighbor", "replace", wanted),
      seen["state"] === "permanent"
        ? request("neighbor", "replace", again(seen))
        : request("neighbor", "delete", wanted),
    ),
  ],
  again,
  restore: (words) => request("neighbor", "replace", words),
  isGiven: ({ state }) => state === "permanent",
};
