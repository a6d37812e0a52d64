/** Addresses as entries of a document. */
import { move } from "../planner.ts";
import { pick, type Words } from "../step.ts";
import { addressShapes } from "../words.ts";
import { equal, request, type Sort } from "./sort.ts";

/** Properties that `replace` changes; the others make it another address. */
const REPLACED = ["validLifetime", "preferredLifetime", "metric", "noprefixroute", "mngtmpaddr", "protocol"];

function again(words: Words): Words {
  const picked = pick(words, Object.keys(addressShapes));
  // Left out, it would be set.
  const bare = words["family"] === "inet" && words["broadcast"] === undefined && words["peer"] === undefined;
  return bare && !/\/3[12]$/.test(String(words["address"])) ? { ...picked, broadcast: "none" } : picked;
}

export const addresses: Sort = {
  object: "address",
  list: "addresses",
  same: (wanted, seen) => equal(wanted, seen, "dev", "address", "peer"),
  subject: ({ address, dev }) => `${String(address)} on ${String(dev)}`,
  // Lifetimes run, and a duplicate check ends.
  uncompared: ["dev", "address", "peer", "validLifetime", "preferredLifetime", "optimistic", "nodad"],
  implied: () => [],
  create: (words) => request("address", "create", words),
  change(wanted, seen, differences) {
    const old = again(seen);
    if (differences.every(({ field }) => REPLACED.includes(field)))
      return [move(request("address", "replace", { ...old, ...wanted }), request("address", "replace", old))];
    return [
      move(request("address", "delete", old), request("address", "create", old)),
      move(request("address", "create", wanted), request("address", "delete", wanted)),
    ];
  },
  again,
  restore: (words) => request("address", "create", words),
  isGiven: ({ temporary, dynamic, address }) =>
    temporary !== true && dynamic !== true && !/^fe80:/i.test(String(address)),
};
