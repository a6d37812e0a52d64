/** Forwarding entries as entries of a document. */
import { remembered } from "../grouped.ts";
import { linkOf } from "../observed.ts";
import { isOfVni, isOwnRemote } from "../plan-remotes.ts";
import { move, type Planner } from "../planner.ts";
import { masterOf } from "../ports.ts";
import { pick, type Words } from "../step.ts";
import { fdbShapes, ZERO_MAC } from "../words.ts";
import { fitsTunnel } from "./far-family.ts";
import { knowsNexthop, nexthopIds } from "./nexthop-id.ts";
import { equal, isOn, request, type Sort, unless } from "./sort.ts";
import { canonicalText } from "./text.ts";

/** Of an entry on a bridge itself, the kernel tells the bridge as its own master, and takes none. */
const inMaster = ({ master, dev }: Words): boolean => master !== undefined && master !== false && master !== dev;

const isFixed = ({ state }: Words): boolean => state === "permanent" || state === "static";
/** An entry that somebody wrote, not one that was learned. */
const isStatic = (words: Words): boolean => isFixed(words) && words["externLearn"] !== true;

/** A VXLAN acknowledges that a control plane takes an entry of somebody else's over, and leaves it as it is. */
const isTakenOver = (wanted: Words, seen: Words): boolean =>
  wanted["externLearn"] === true && seen["externLearn"] !== true && !inMaster(seen);

const bridges = remembered((_: Planner) => new Map<unknown, unknown>());
/** The bridge that a link will be a port of. */
function bridgeOf(planner: Planner, dev: unknown): unknown {
  const known = bridges(planner);
  if (!known.has(dev)) {
    const link = planner.desired.links.find(({ name }) => name === dev);
    known.set(dev, link?.absent ? undefined : masterOf(link, linkOf(planner.before, String(dev))));
  }
  return known.get(dev);
}

function again(words: Words): Words {
  const { master: _, ...picked } = pick(words, Object.keys(fdbShapes));
  return inMaster(words) ? { ...picked, master: true } : picked;
}

export const fdb: Sort = {
  object: "fdb",
  list: "fdb",
  writing: {
    shapes: fdbShapes,
    needed: ["mac", "dev"],
    place: "both",
    one: "a forwarding entry",
    inLink: "an entry such as { mac: 02:00:00:00:00:01, dst: 192.0.2.1 }",
    many: "forwarding entries",
  },
  canonical: canonicalText,
  // Of the all-zero MAC there are as many entries as far ends.
  bucket: ({ dev, mac, dst, srcVni }) =>
    mac === ZERO_MAC ? `${String(dev)} ${String(dst)} ${String(srcVni)}` : `${String(dev)} ${String(mac)}`,
  same: (wanted, seen) =>
    equal(wanted, seen, "dev", "mac", "srcVni") &&
    (wanted["vlan"] === undefined || wanted["vlan"] === seen["vlan"]) &&
    inMaster(wanted) === inMaster(seen) &&
    // Of the all-zero MAC there are many entries, one for each far end.
    (wanted["mac"] !== ZERO_MAC || equal(wanted, seen, "dst", "port", "vni", "nhid")),
  clashes: (one, other) => fdb.same(one, other) && one["vlan"] === other["vlan"],
  subject: ({ mac, dst, dev, nhid, srcVni }) => {
    const far = dst === undefined ? (nhid === undefined ? "" : ` nhid ${String(nhid)}`) : ` dst ${String(dst)}`;
    const of = srcVni === undefined ? "" : ` srcVni ${String(srcVni)}`;
    return `${String(mac)}${far}${of} on ${String(dev)}`;
  },
  uncompared: ["dev", "mac", "srcVni", "vlan", "self", "master", "use"],
  implied: (wanted, seen) =>
    wanted["state"] === undefined && !(wanted["externLearn"] === true ? isFixed(seen) : isStatic(seen))
      ? [{ field: "state", from: seen["state"], to: "permanent" }]
      : [],
  // One that was learned on another port moves.
  create: (words) =>
    request("fdb", words["mac"] === ZERO_MAC ? "append" : inMaster(words) ? "replace" : "create", words),
  once: {
    // A MAC in a bridge, on one port in each VLAN. What was learned elsewhere moves by itself.
    place({ dev, mac, master, state, externLearn }, planner) {
      const learned = state !== undefined && !isFixed({ state }) && externLearn !== true;
      if (!inMaster({ dev, master }) || mac === ZERO_MAC || learned) return undefined;
      return `${String(bridgeOf(planner, dev))} ${String(mac)}`;
    },
    fit: (one, other) => one["dev"] === other["dev"] || (one["vlan"] !== other["vlan"] && one["vlan"] !== undefined),
  },
  change(wanted, seen) {
    const back = isStatic(seen) ? request("fdb", "replace", again(seen)) : request("fdb", "delete", wanted);
    if (!isTakenOver(wanted, seen)) return [move(request("fdb", "replace", wanted), back)];
    const old = again(seen);
    return [
      move(request("fdb", "delete", old), request("fdb", "append", old)),
      move(fdb.create(wanted), request("fdb", "delete", wanted)),
    ];
  },
  again,
  restore: (words) => request("fdb", "append", words),
  isGiven(words, observed) {
    const link = linkOf(observed, String(words["dev"]));
    // Its own addresses and groups the kernel makes itself; `remote` is one of these entries.
    const made = words["mac"] === link?.["mac"] || /^(33:33|01:)/.test(String(words["mac"]));
    return isStatic(words) && !made && !isOwnRemote(words, link) && !isOfVni(words, observed);
  },
  remains(words, gone) {
    const { dev, master, nhid } = words;
    const inPort = master !== undefined && (isOn(gone, master) || gone.ports.has(String(dev)));
    return unless(isOn(gone, dev) || inPort || gone.nexthops.has(nhid), words);
  },
  devices: ({ dev }) => [["dev", dev]],
  needs: ({ nhid }) => nexthopIds(nhid),
  check: (planner, entry) =>
    entry.absent ||
    (knowsNexthop(planner, entry.words["nhid"], entry.path) &&
      fitsTunnel(planner, String(entry.words["dev"]), entry.words["dst"], entry.path, "dst")),
};
