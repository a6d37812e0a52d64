/** VLANs of bridges and their ports as entries of a document. */
import { checkVlan, checkVlanOptions } from "../../bridges/vlans.ts";
import type { Shapes } from "../../shape/shape.ts";
import type { DesiredEntry } from "../desired.ts";
import { linkOf, type Observed } from "../observed.ts";
import { move, type Planner } from "../planner.ts";
import { pick, type Request, type Words } from "../step.ts";
import { vlanOptionShapes, vlanShapes } from "../words.ts";
import { bridgeOf, willBe } from "./link-state.ts";
import {
  againOf,
  besideRanges,
  chosenOf,
  endsOf,
  expandRange,
  type Numbers,
  overlap,
  planRange,
  setting,
  shortRange,
  textOf,
} from "./ranges.ts";
import { type Gone, isOn, request, type Sort, unless } from "./sort.ts";

/** What the kernel takes for the VLAN of frames without a tag. */
const DEFAULT_PVID = 1;

const vid: Numbers = {
  object: "vlan",
  first: "vid",
  last: "vidEnd",
  fields: ["pvid", "untagged", "tunnelId"],
  options: { state: "forwarding", mcastRouter: 1, mcastMaxGroups: 0, neighSuppress: false },
  growing: "tunnelId",
  exclusive: [],
  before(seen, differences) {
    // The kernel refuses a second VNI.
    const renumbered = seen["tunnelId"] !== undefined && differences.some(({ field }) => field === "tunnelId");
    return renumbered ? [move(request("vlan", "delete", unnumbered(seen)), request("vlan", "create", seen))] : [];
  },
  undo(made, seen, others) {
    const tunnel = made["tunnelId"] !== undefined && seen !== undefined && seen["tunnelId"] !== made["tunnelId"];
    const { tunnelId: _, ...plain } = seen ?? {};
    // Of a link there is one VLAN for frames without a tag: another one has lost that.
    const former =
      made["pvid"] === true ? others.filter((one) => one["pvid"] === true && one["vid"] !== made["vid"]) : [];
    return [
      ...(tunnel ? [request("vlan", "delete", unnumbered(made))] : []),
      ...(seen === undefined ? [] : [request("vlan", "create", tunnel ? plain : seen)]),
      ...former.map((one) => request("vlan", "create", one)),
    ];
  },
};
/** What is set of VLANs that are there. */
const OPTIONS = Object.keys(vid.options ?? {});
/** Options of a VLAN that a new one would have otherwise. */
export const chosenOptions = (seen: Words): Words => chosenOf(vid, seen);
/** What a bridge's own VLANs do not have. */
const OF_PORTS = ["mcastMaxGroups", "neighSuppress"];
/** The words by which VLANs lose their VNIs. */
const unnumbered = (words: Words): Words => pick(words, ["dev", "vid", "vidEnd", "tunnelId", "self"]);

/** A bridge's own VLANs are in its own table. */
const selfOf = (kind: unknown): Words => (kind === "bridge" ? { self: true } : {});

/** The VLAN that the kernel gives a new port or bridge. */
function givenVlan(dev: string, bridge: Words | undefined): readonly Words[] {
  const pvid = Number(bridge?.["vlanDefaultPvid"] ?? DEFAULT_PVID);
  return pvid === 0 ? [] : [{ dev, vid: pvid, pvid: true, untagged: true }];
}

/** The VLANs there will be before any step for VLANs: those of new ports, and of new bridges, are what the kernel gives. */
export function withGivenVlans(planner: Planner, world: Observed): Observed {
  const devs = new Set(planner.desired.vlans.map(({ words }) => String(words["dev"])));
  const fresh = [...devs].flatMap((dev) => {
    const bridge = willBe(planner, dev).kind === "bridge" ? dev : bridgeOf(planner, dev);
    const now = linkOf(world, dev);
    const stays = now !== undefined && (bridge === dev || now["master"] === bridge);
    return bridge === undefined || stays ? [] : [{ dev, vlans: givenVlan(dev, willBe(planner, bridge).options) }];
  });
  const left = (world.vlans ?? []).filter(({ dev }) => fresh.every((one) => one.dev !== dev));
  return fresh.length === 0 ? world : { ...world, vlans: [...left, ...fresh.flatMap(({ vlans }) => vlans)] };
}

/** What it takes from the VLAN that the kernel gives a new port or bridge to those that were there. */
function restoredOn(observed: Observed, dev: string): Request[] {
  const link = linkOf(observed, dev);
  const bridge = link?.kind === "bridge" ? link : linkOf(observed, String(link?.["master"]));
  if (bridge?.kind !== "bridge") return [];
  const self = selfOf(link?.kind);
  const had = (observed.vlans ?? []).filter((one) => one["dev"] === dev);
  const isGiven = (one: Words, given: Words): boolean =>
    ["vid", "vidEnd", "pvid", "untagged", "tunnelId"].every((key) => one[key] === given[key]);
  const given = givenVlan(dev, bridge);
  return [
    ...had
      .filter((one) => !given.some((other) => isGiven(one, other)))
      .map((one) => request("vlan", "create", againOf(vid, one, self))),
    ...had.flatMap((one) => setting(vid, one, chosenOf(vid, one))),
    ...given
      .filter((one) => !had.some((other) => overlap(vid, one, other)))
      .map((one) => request("vlan", "delete", { dev, vid: one["vid"], ...self })),
  ];
}

/** Whether the document has another VLAN of the link for frames without a tag. */
function takesPvid({ dev, vid: own }: Words, entries: readonly DesiredEntry[]): boolean {
  return entries.some(
    ({ words, absent }) => !absent && words["dev"] === dev && words["pvid"] === true && words["vid"] !== own,
  );
}
function withoutPvid(words: Words, entries: readonly DesiredEntry[]): Words {
  const { pvid: _, ...rest } = words;
  return takesPvid(words, entries) ? rest : words;
}

/** Whether it is a bridge or a port of one, that minds VLANs. */
function check(planner: Planner, { words, path }: DesiredEntry): boolean {
  const dev = String(words["dev"]);
  const bridge = willBe(planner, dev).kind === "bridge" ? dev : bridgeOf(planner, dev);
  if (bridge === undefined) {
    planner.say(path, `${dev} is neither a bridge nor a port of one, which are what has VLANs; write master too`);
    return false;
  }
  const unfit = bridge === dev ? OF_PORTS.find((key) => words[key] !== undefined) : undefined;
  if (unfit !== undefined) {
    planner.say([...path, unfit], `is for ports; ${dev} is the bridge itself`);
    return false;
  }
  const ports = (planner.before.vlans ?? []).filter((one) => willBe(planner, String(one["dev"])).kind !== "bridge");
  // Told of each VLAN of a port, by kernels that know it.
  if (
    words["neighSuppress"] !== undefined &&
    ports.length > 0 &&
    ports.every((one) => one["neighSuppress"] === undefined)
  ) {
    planner.say(
      [...path, "neighSuppress"],
      "this kernel does not know it of single VLANs; Linux 6.3 and later do",
      "key",
    );
    return false;
  }
  if (willBe(planner, bridge).options["vlanFiltering"] !== true)
    planner.warn(`${bridge} does not mind the VLANs of ${dev} until it has vlanFiltering: true`);
  return true;
}

export const vlans: Sort = {
  object: "vlan",
  list: "vlans",
  writing: {
    shapes: {
      ...Object.fromEntries(Object.entries(vlanShapes).filter(([key]) => key !== "self" && key !== "master")),
      ...pick(vlanOptionShapes, OPTIONS),
    } as Shapes,
    needed: ["dev", "vid"],
    place: "link",
    one: "a VLAN",
    inLink: "a VLAN such as 10 or 20-29, or a map such as { vid: 10, pvid: true, untagged: true }",
    many: "VLANs",
    short: { shape: shortRange(1, 4094), expand: (value) => expandRange(vid, value) },
  },
  canonical(words) {
    const options = pick(words, OPTIONS);
    checkVlan(Object.fromEntries(Object.entries(words).filter(([key]) => !OPTIONS.includes(key))) as never, "create");
    checkVlanOptions({ dev: words["dev"], vid: words["vid"], ...options } as never);
    const { vidEnd, ...rest } = words;
    return { ...rest, ...(vidEnd !== undefined && vidEnd !== words["vid"] && { vidEnd }) };
  },
  bucket: ({ dev }) => String(dev),
  same: (wanted, seen) => overlap(vid, wanted, seen),
  subject: (words) => `${textOf(endsOf(vid, words))} on ${String(words["dev"])}`,
  uncompared: ["dev", "vid", "vidEnd"],
  implied: () => [],
  create: (words) => request("vlan", "create", words),
  change: () => [],
  again: (seen) => ({ ...againOf(vid, seen, {}), ...chosenOf(vid, seen) }),
  restore: (words) => request("vlan", "create", words),
  isGiven: () => true,
  remains: (words, gone) => unless(isOn(gone, words["dev"]) || gone.ports.has(String(words["dev"])), words),
  restored: (observed, { links, ports }: Gone) =>
    observed.vlans === undefined ? [] : [...new Set([...links, ...ports])].flatMap((dev) => restoredOn(observed, dev)),
  besides: (one, entries) => besideRanges(vid, { ...one, words: withoutPvid(one.words, entries) }, entries),
  devices: ({ dev }) => [["dev", dev]],
  plan(planner, entry, world, before) {
    if (!entry.absent && !check(planner, entry)) return;
    const self = selfOf(willBe(planner, String(entry.words["dev"])).kind);
    const taken = takesPvid(entry.words, planner.desired.vlans) ? "pvid" : undefined;
    planRange(planner, vid, entry, { world: world.vlans ?? [], before: before.vlans ?? [], self, taken });
  },
};
