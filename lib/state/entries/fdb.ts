/** Forwarding entries as entries of a document. */
import { linkOf } from "../observed.ts";
import { isOwnRemote } from "../plan-remotes.ts";
import { move } from "../planner.ts";
import { pick, type Words } from "../step.ts";
import { fdbShapes, ZERO_MAC } from "../words.ts";
import { equal, request, type Sort } from "./sort.ts";

const inMaster = ({ master }: Words): boolean => master !== undefined && master !== false;

/** An entry that somebody wrote, not one that was learned. */
const isStatic = ({ state, externLearn }: Words): boolean =>
  (state === "permanent" || state === "static") && externLearn !== true;

function again(words: Words): Words {
  const picked = pick(words, Object.keys(fdbShapes));
  return words["master"] === undefined ? picked : { ...picked, master: true };
}

export const fdb: Sort = {
  object: "fdb",
  list: "fdb",
  same: (wanted, seen) =>
    equal(wanted, seen, "dev", "mac", "srcVni") &&
    (wanted["vlan"] === undefined || wanted["vlan"] === seen["vlan"]) &&
    inMaster(wanted) === inMaster(seen) &&
    // Of the all-zero MAC there are many entries, one for each far end.
    (wanted["mac"] !== ZERO_MAC || equal(wanted, seen, "dst", "port", "vni", "nhid")),
  subject: ({ mac, dst, dev }) => `${String(mac)}${dst === undefined ? "" : ` dst ${String(dst)}`} on ${String(dev)}`,
  uncompared: ["dev", "mac", "srcVni", "vlan", "self", "master", "use"],
  implied: (wanted, seen) =>
    wanted["state"] === undefined && !isStatic(seen) ? [{ field: "state", from: seen["state"], to: "permanent" }] : [],
  create: (words) => request("fdb", words["mac"] === ZERO_MAC ? "append" : "create", words),
  change: (wanted, seen) => [
    move(
      request("fdb", "replace", wanted),
      ...(isStatic(seen) ? [request("fdb", "replace", again(seen))] : [request("fdb", "delete", wanted)]),
    ),
  ],
  again,
  restore: (words) => request("fdb", "append", words),
  isGiven(words, observed) {
    const link = linkOf(observed, String(words["dev"]));
    // Its own addresses and groups the kernel makes itself; `remote` is one of these entries.
    const made = words["mac"] === link?.["mac"] || /^(33:33|01:)/.test(String(words["mac"]));
    return isStatic(words) && !made && !isOwnRemote(words, link);
  },
};
