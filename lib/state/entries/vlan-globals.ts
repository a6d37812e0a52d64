/** Options of VLANs for whole bridges as entries of a document. A VLAN has them for as long as it is somewhere on its bridge. */
import { checkVlanGlobals, type VlanGlobals } from "../../bridges/vlans.ts";
import { InputError } from "../../shape/shape.ts";
import type { DesiredEntry } from "../desired.ts";
import { linkOf, type Observed } from "../observed.ts";
import { move, type Planner } from "../planner.ts";
import { DIFFERS, type Difference, type Move, pick, type Request, sameValue, type Words } from "../step.ts";
import { vlanGlobalShapes } from "../words.ts";
import { willBe } from "./link-state.ts";
import { endsOf, overlap, part, runsOf, type Span, textOf } from "./ranges.ts";
import { type Gone, isOn, request, type Sort, unless } from "./sort.ts";

const vid: Span = { first: "vid", last: "vidEnd" };
const PLACE = ["dev", "vid", "vidEnd"];
const OPTIONS = Object.keys(vlanGlobalShapes).filter((key) => !PLACE.includes(key));

/** What a VLAN has that nobody told anything. */
const DEFAULTS: Required<VlanGlobals> = {
  mcastSnooping: true,
  mcastIgmpVersion: 2,
  mcastMldVersion: 1,
  mcastLastMemberCount: 2,
  mcastStartupQueryCount: 2,
  mcastLastMemberInterval: 1,
  mcastMembershipInterval: 260,
  mcastQuerierInterval: 255,
  mcastQueryInterval: 125,
  mcastQueryResponseInterval: 10,
  mcastStartupQueryInterval: 31.25,
  mcastQuerier: false,
  msti: 0,
};
const chosen = (seen: Words): string[] =>
  OPTIONS.filter((key) => seen[key] !== undefined && seen[key] !== DEFAULTS[key as keyof VlanGlobals]);
const again = (seen: Words): Words => pick(seen, [...PLACE, ...chosen(seen)]);
const update = (words: Words): Request => request("vlanGlobal", "update", words);

/** Requests that give VLANs of a bridge their options again, which have come back. */
export function globalsAgain({ vlanGlobals = [] }: Observed, bridge: unknown, range?: Words): Request[] {
  const all = vlanGlobals.filter((one) => one["dev"] === bridge);
  // Others beside the range may not be there yet.
  const back =
    range === undefined
      ? all
      : runsOf(vid, { ...range, dev: bridge }, all).flatMap(({ seen }) => (seen === undefined ? [] : [seen]));
  return back.filter((one) => chosen(one).length > 0).map((one) => update(again(one)));
}

/** Whether the VLANs are, or will be, somewhere on the bridge. */
function check(planner: Planner, { words, path }: DesiredEntry, world: Observed): boolean {
  const dev = String(words["dev"]);
  const isOfBridge = (name: unknown): boolean =>
    name === dev || willBe(planner, String(name)).options["master"] === dev;
  const named = (gone: boolean): Words[] =>
    planner.desired.vlans.filter(({ absent }) => absent === gone).map((one) => one.words);
  const staying = (world.vlans ?? []).flatMap((one) =>
    runsOf(vid, one, named(true)).flatMap((run) => (run.seen === undefined ? [part(vid, one, run)] : [])),
  );
  const all = [...staying, ...named(false)].filter((one) => isOfBridge(one["dev"]));
  const missing = runsOf(
    vid,
    words,
    all.map((one) => ({ ...one, dev })),
  ).filter(({ seen }) => seen === undefined);
  if (missing.length === 0) return true;
  planner.say(path, `neither ${dev} nor a port of it has VLAN ${missing.map(textOf).join(", ")}; write it into vlans`);
  return false;
}

function planOptions(planner: Planner, entry: DesiredEntry, world: Observed): void {
  const { words, path } = entry;
  const subject = vlanGlobals.subject(words);
  const fields = OPTIONS.filter((key) => words[key] !== undefined);
  const differences: Difference[] = [];
  const moves: Move[] = [];
  let fresh = true;
  for (const { from, to, seen } of runsOf(vid, words, world.vlanGlobals ?? [])) {
    const differ = fields.filter((key) => !sameValue(words[key], seen?.[key]));
    if (seen !== undefined) fresh = false;
    if (differ.length === 0) continue;
    const place = part(vid, pick(words, ["dev", "vid"]), { from, to });
    const back = seen === undefined ? [] : [update({ ...place, ...pick(seen, differ) })];
    moves.push(move(update({ ...place, ...pick(words, differ) }), ...back));
    for (const field of differ)
      if (differences.every((one) => one.field !== field))
        differences.push({ field, from: seen?.[field], to: words[field] });
  }
  if (moves.length === 0) {
    planner.keep("vlanGlobal", subject, fields);
    return;
  }
  planner.keepRest("vlanGlobal", subject, fields, differences);
  planner.add({
    action: fresh ? "create" : "change",
    object: "vlanGlobal",
    subject,
    path,
    reason: fresh ? "not there" : DIFFERS,
    differences,
    needs: planner.linkIds(words["dev"]),
    moves,
  });
}

export const vlanGlobals: Sort = {
  object: "vlanGlobal",
  list: "vlanGlobals",
  writing: {
    shapes: vlanGlobalShapes,
    needed: ["dev", "vid"],
    place: "link",
    besideOption: "vlanFiltering",
    one: "options of a VLAN",
    inLink: "options of a VLAN of the whole bridge such as { vid: 10, mcastQuerier: true }",
    many: "options of VLANs",
  },
  canonical(words, absent) {
    if (absent) throw new InputError(["state"], "options go with their VLAN; write their values, or leave them out");
    checkVlanGlobals(words as never);
    const { vidEnd, ...rest } = words;
    return { ...rest, ...(vidEnd !== undefined && vidEnd !== words["vid"] && { vidEnd }) };
  },
  bucket: ({ dev }) => String(dev),
  same: (wanted, seen) => overlap(vid, wanted, seen),
  subject: (words) => `${textOf(endsOf(vid, words))} on ${String(words["dev"])}`,
  uncompared: PLACE,
  implied: () => [],
  create: update,
  change: () => [],
  again,
  restore: update,
  isGiven: (seen) => chosen(seen).length > 0,
  remains: (words, gone) => unless(isOn(gone, words["dev"]), words),
  restored(observed, { links, ports }: Gone) {
    const names = [...new Set([...links, ...ports])];
    const bridges = names.flatMap((name) => linkOf(observed, name)?.["master"] ?? []);
    return [...new Set<unknown>([...links, ...bridges])].flatMap((bridge) => globalsAgain(observed, bridge));
  },
  devices: ({ dev }) => [["dev", dev]],
  plan(planner, entry, world) {
    // They go with the VLAN.
    if (entry.absent || !check(planner, entry, world)) return;
    planOptions(planner, entry, world);
  },
};
