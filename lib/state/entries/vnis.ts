/** VNIs that a VXLAN takes, as entries of a document. */
import { checkVni } from "../../bridges/vnis.ts";
import type { DesiredEntry } from "../desired.ts";
import { move, type Planner } from "../planner.ts";
import type { Words } from "../step.ts";
import { vniShapes } from "../words.ts";
import { willBe } from "./link-state.ts";
import {
  againOf,
  besideRanges,
  endsOf,
  expandRange,
  type Numbers,
  overlap,
  planRange,
  shortRange,
  textOf,
} from "./ranges.ts";
import { isOn, request, type Sort, unless } from "./sort.ts";
import { canonicalText } from "./text.ts";

const namedOf = ({ dev, vni, vniEnd }: Words): Words => ({ dev, vni, ...(vniEnd !== undefined && { vniEnd }) });

const vni: Numbers = {
  object: "vni",
  first: "vni",
  last: "vniEnd",
  fields: ["group", "remote"],
  exclusive: ["group", "remote"],
  // Where it floods to changes exactly by making it again.
  before: (seen) => [move(request("vni", "delete", namedOf(seen)), request("vni", "create", seen))],
  undo: (made, seen) => (seen === undefined ? [] : [request("vni", "delete", namedOf(made))]),
};

function check(planner: Planner, { words, path }: DesiredEntry): boolean {
  const dev = String(words["dev"]);
  const { kind, options } = willBe(planner, dev);
  if (kind === "vxlan" && options["vnifilter"] === true) return true;
  const lacks = kind === "vxlan" ? "has no vnifilter; write external: true and vnifilter: true" : "is no VXLAN";
  planner.say(path, `${dev} ${lacks}, which is what takes a list of VNIs`);
  return false;
}

export const vnis: Sort = {
  object: "vni",
  list: "vnis",
  writing: {
    shapes: vniShapes,
    needed: ["dev", "vni"],
    place: "link",
    besideOption: "vnifilter",
    one: "a VNI",
    inLink: "a VNI such as 1000 or 1000-1099, or a map such as { vni: 1000, remote: 192.0.2.1 }",
    many: "VNIs",
    short: { shape: shortRange(0, 0xff_ffff), expand: (value) => expandRange(vni, value) },
  },
  canonical(words) {
    checkVni(words as never);
    const { vniEnd, ...rest } = words;
    return canonicalText({ ...rest, ...(vniEnd !== undefined && vniEnd !== words["vni"] && { vniEnd }) });
  },
  bucket: ({ dev }) => String(dev),
  same: (wanted, seen) => overlap(vni, wanted, seen),
  subject: (words) => `${textOf(endsOf(vni, words))} on ${String(words["dev"])}`,
  uncompared: ["dev", "vni", "vniEnd"],
  implied: () => [],
  create: (words) => request("vni", "create", words),
  change: () => [],
  again: (seen) => againOf(vni, seen, {}),
  restore: (words) => request("vni", "create", words),
  isGiven: () => true,
  remains: (words, gone) => unless(isOn(gone, words["dev"]), words),
  besides: (one, entries) => besideRanges(vni, one, entries),
  devices: ({ dev }) => [["dev", dev]],
  plan(planner, entry, world, before) {
    if (!entry.absent && !check(planner, entry)) return;
    planRange(planner, vni, entry, { world: world.vnis ?? [], before: before.vnis ?? [], self: {} });
  },
};
