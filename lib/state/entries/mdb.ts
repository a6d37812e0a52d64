/** Entries for multicast groups, of bridges and VXLANs, as entries of a document. */
import { checkMdb } from "../../bridges/mdb.ts";
import { InputError } from "../../shape/shape.ts";
import type { DesiredEntry } from "../desired.ts";
import { move, type Planner } from "../planner.ts";
import { pick, sameValue, type Words } from "../step.ts";
import { mdbShapes } from "../words.ts";
import { willBe } from "./link-state.ts";
import { equal, isOn, request, type Sort, unless } from "./sort.ts";
import { canonicalText, canonicalWord } from "./text.ts";

/** Which one it is; a VXLAN has an entry of a group for each far end. */
const KEYS = ["dev", "port", "group", "source", "vid", "dst", "dstport", "vni", "srcVni", "via"];

/** Kernels before 6.2 tell of an entry what they refuse to be told. */
function again(words: Words): Words {
  const { filterMode, sources, protocol, ...rest } = pick(words, Object.keys(mdbShapes));
  const some = Array.isArray(sources) && sources.length > 0;
  return {
    ...rest,
    ...((some || filterMode === "include") && { filterMode, ...(some && { sources }) }),
    ...(protocol !== "static" && protocol !== undefined && { protocol }),
  };
}
const named = (words: Words): Words => pick(words, KEYS);

/** What the bridge learned, or made itself for a source, is not somebody's. */
const isGiven = ({ state, protocol, added }: Words): boolean =>
  state === "permanent" && protocol !== "kernel" && added !== true;

function check(planner: Planner, { words, absent, path }: DesiredEntry): boolean {
  const { dev, port } = words;
  const host = willBe(planner, String(dev));
  const say = (message: string): false => {
    planner.say(path, message);
    return false;
  };
  if (absent) return true;
  if (host.kind !== "bridge" && host.kind !== "vxlan")
    return say(`${String(dev)} is neither a bridge nor a VXLAN, which are what has groups`);
  if (host.kind === "vxlan")
    return words["dst"] !== undefined || say("missing dst; a VXLAN sends a group to a far end");
  if (host.options["mcastSnooping"] === false)
    return say(`${String(dev)} has mcastSnooping: false, and takes no groups then; write mcastSnooping: true`);
  if (host.options["up"] === false) return say(`${String(dev)} is down, and takes no groups then; write up: true`);
  const [version, needed] = String(words["group"]).includes(":") ? ["mcastMldVersion", 2] : ["mcastIgmpVersion", 3];
  if ((words["filterMode"] ?? words["sources"] ?? words["source"]) !== undefined && host.options[version] !== needed)
    return say(`sources count once ${String(dev)} has ${version}: ${needed}; write that in its entry`);
  if (port !== dev && willBe(planner, String(port)).options["master"] !== dev)
    return say(`${String(port)} is no port of ${String(dev)}; write master: ${String(dev)} in its entry`);
  return true;
}

export const mdb: Sort = {
  object: "mdb",
  list: "mdb",
  writing: {
    shapes: mdbShapes,
    needed: ["dev", "group"],
    place: "link",
    one: "a multicast entry",
    inLink: "a multicast entry such as { group: 239.1.1.1, port: eth1 }",
    many: "multicast entries",
  },
  canonical(words) {
    checkMdb(words as never);
    if (words["protocol"] === "kernel")
      throw new InputError(["protocol"], "is for what a bridge learned; leave it out");
    const { sources } = words;
    const list = Array.isArray(sources) && { sources: sources.map(canonicalWord).sort() };
    return { port: words["dev"], ...canonicalText(words), ...list };
  },
  bucket: ({ dev, group }) => `${String(dev)} ${String(group)}`,
  same: (wanted, seen) => equal(wanted, seen, ...KEYS),
  subject: ({ dev, port, group, source, vid, dst }) =>
    [
      String(group),
      ...(source === undefined ? [] : ["source", String(source)]),
      ...(vid === undefined ? [] : ["vid", String(vid)]),
      ...(dst === undefined ? [] : ["dst", String(dst)]),
      ...(port === dev ? [] : ["at", String(port)]),
      "on",
      String(dev),
    ].join(" "),
  uncompared: KEYS,
  agrees: (field, wanted, seen) =>
    field === "sources" ? sameValue(wanted, Array.isArray(seen) ? [...seen].sort() : []) : sameValue(wanted, seen),
  implied: (wanted, { state }) =>
    wanted["state"] === undefined && state !== "permanent" ? [{ field: "state", from: state, to: "permanent" }] : [],
  create: (words) => request("mdb", "create", words),
  change: (wanted, seen) =>
    isGiven(seen)
      ? [move(request("mdb", "replace", wanted), request("mdb", "replace", again(seen)))]
      : [move(request("mdb", "replace", wanted), request("mdb", "delete", named(wanted)))],
  again,
  named,
  restore: (words) => request("mdb", "create", words),
  isGiven,
  remains: (words, gone) =>
    unless(isOn(gone, words["dev"]) || isOn(gone, words["port"]) || gone.ports.has(String(words["port"])), words),
  devices: ({ dev, port, via }) => [
    ["dev", dev],
    ["port", port],
    ["via", via],
  ],
  check,
};
