/** Neighbors as entries of a document. */

import { checkNeighbor } from "../../neighbors/words.ts";
import { move } from "../planner.ts";
import { pick, type Words } from "../step.ts";
import { neighborShapes } from "../words.ts";
import { equal, isOn, request, type Sort, unless } from "./sort.ts";
import { canonicalText } from "./text.ts";

/** Of a proxy entry there is no state, and that of a managed one the kernel finds out. */
function again(words: Words): Words {
  const { state, mac, ...rest } = pick(words, Object.keys(neighborShapes));
  if (words["proxy"] === true) return rest;
  if (words["managed"] === true && state !== "permanent") return rest;
  return { ...rest, ...(mac !== undefined && { mac }), state };
}

/** Somebody wrote it; what a control plane learned it writes again itself. */
const isGiven = ({ state, proxy, managed, externLearn }: Words): boolean =>
  (state === "permanent" || proxy === true || managed === true) && externLearn !== true;

export const neighbors: Sort = {
  object: "neighbor",
  list: "neighbors",
  writing: {
    shapes: neighborShapes,
    needed: ["address", "dev"],
    place: "both",
    one: "a neighbor",
    inLink: "a neighbor such as { address: 192.0.2.9, mac: 02:00:00:00:00:09 }",
    many: "neighbors",
  },
  canonical(words, absent) {
    checkNeighbor(words as never, absent ? "delete" : "replace");
    return canonicalText(words);
  },
  bucket: ({ dev, address }) => `${String(dev)} ${String(address)}`,
  same: (wanted, seen) =>
    equal(wanted, seen, "dev", "address") && (wanted["proxy"] === true) === (seen["proxy"] === true),
  subject: ({ address, dev, proxy }) => `${proxy === true ? "proxy " : ""}${String(address)} on ${String(dev)}`,
  uncompared: ["dev", "address", "proxy", "use"],
  implied: (wanted, { state, proxy }) =>
    wanted["state"] === undefined && proxy !== true && wanted["managed"] !== true && state !== "permanent"
      ? [{ field: "state", from: state, to: "permanent" }]
      : [],
  create: (words) => request("neighbor", "replace", words),
  change: (wanted, seen) => [
    move(
      request("neighbor", "replace", wanted),
      isGiven(seen) || seen["externLearn"] === true
        ? request("neighbor", "replace", again(seen))
        : request("neighbor", "delete", wanted),
    ),
  ],
  again,
  restore: (words) => request("neighbor", "replace", words),
  isGiven,
  remains: (words, gone) => unless(isOn(gone, words["dev"]), words),
  devices: ({ dev }) => [["dev", dev]],
};
