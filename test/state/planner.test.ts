/** What all parts of planning share, asked as they ask it. */
import { deepEqual, equal, throws } from "node:assert/strict";
import { derive } from "../../lib/fabric/fabric.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import { ConfigError } from "../../lib/state/error.ts";
import type { ObservedLink } from "../../lib/state/observed.ts";
import { bringerOf, type Draft, Planner } from "../../lib/state/planner.ts";
import { parseSource } from "../../lib/state/source.ts";

const ETH: ObservedLink = { name: "eth0", mtu: 1500 };
const VETH = "links: { v0: { kind: veth, peer: { name: v1 } } }";

const plannerOf = (body: string, links: readonly ObservedLink[] = [ETH]): Planner =>
  new Planner(desiredOf(parseSource(`linkwright: 1\n${body}`)), { links });
const draft = (subject: string, more: Partial<Draft> = {}): Draft => ({
  ...{ action: "create", object: "route", subject, path: [], reason: "not there", moves: [] },
  ...more,
});
const pair = (name: string, peer: string): ObservedLink => ({ name, kind: "veth", mtu: 1500, peer: { name: peer } });
function messageOf(planner: Planner): string {
  try {
    planner.finish();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "";
}

describe("the planner", () => {
  it("gives each step a name of its own, and leaves what a draft leaves out empty", () => {
    const planner = plannerOf("links: {}");
    for (const subject of ["a", "a", "b", "a"]) planner.add(draft(subject));
    planner.add(draft("c", { id: "its own", needs: ["route a"], drops: ["traffic"], restores: true }));
    deepEqual(
      planner.steps.map(({ id }) => id),
      ["route a", "route a #2", "route b", "route a #3", "its own"],
    );
    const [first, , , , last] = planner.steps;
    deepEqual([first?.differences, first?.drops, first?.needs, first && "restores" in first], [[], [], [], false]);
    deepEqual([last?.drops, last?.needs, last?.restores], [["traffic"], ["route a"], true]);
  });

  it("tells what is kept: of an object that differs the rest, and nothing where all of it does", () => {
    const planner = plannerOf("links: {}");
    planner.keep("link", "br0", ["mtu"]);
    planner.keep("link", "br1", ["mtu"], ["mcastSnooping"]);
    planner.keepRest("link", "br2", ["mtu", "up"], [{ field: "mtu", from: 1500, to: 1400 }]);
    planner.keepRest("link", "br3", ["mtu"], [{ field: "mtu", from: 1500, to: 1400 }]);
    deepEqual(planner.kept, [
      { object: "link", subject: "br0", fields: ["mtu"] },
      { object: "link", subject: "br1", fields: ["mtu"], untold: ["mcastSnooping"] },
      { object: "link", subject: "br2", fields: ["up"] },
    ]);
  });

  it("warns once of each thing", () => {
    const planner = plannerOf("links: {}");
    for (const text of ["one", "other", "one"]) planner.warn(text);
    deepEqual(planner.warnings, ["one", "other"]);
  });

  it("says where a link is missing, and all links that there are", () => {
    const planner = plannerOf("routes: [{ dst: 10.0.0.0/8, dev: eth9 }]", [ETH, { name: "eth1" }]);
    equal(messageOf(planner), "");
    planner.sayMissing("eth9", ["routes", 0, "dev"]);
    planner.sayMissing("eth9", ["routes", 0]);
    const one = /no link eth9, neither in this document nor on this host, which has eth0, eth1/g;
    equal(messageOf(planner).match(one)?.length, 2);
  });

  it("says once for all where the hosts of the document name a missing link", () => {
    const source = parseSource("linkwright: 1\nhosts: { bm1: { underlay: ens1, vtep: 192.0.2.1 } }\nlinks: {}");
    const planner = new Planner(desiredOf(derive(source, "bm1")), { links: [ETH] });
    for (const _ of [1, 2]) planner.sayMissing("ens1", ["links"]);
    throws(() => planner.finish(), ConfigError);
    equal(messageOf(planner).match(/there is no link ens1 on this host, which has eth0/g)?.length, 1);
  });

  it("knows which links there will be", () => {
    const planner = plannerOf("links: { br0: { kind: bridge }, gone: { kind: dummy, state: absent } }", [
      ...[ETH, { name: "gone", kind: "dummy" }],
    ]);
    for (const _ of [1, 2])
      deepEqual(
        ["br0", "gone", "eth0", "eth9"].map((name) => planner.willExist(name)),
        [true, false, true, false],
      );
    equal(plannerOf(VETH).willExist("v1"), true);
  });

  it("knows who brings a link along: a pair here, but not one whose other end is elsewhere, or that goes", () => {
    const bringer = (body: string): string | undefined =>
      bringerOf(desiredOf(parseSource(`linkwright: 1\n${body}`)), "v1")?.name;
    equal(bringer(VETH), "v0");
    equal(bringer("links: { v0: { kind: veth, peer: { name: v1, netns: blue } } }"), undefined);
    equal(bringer("links: { v0: { kind: veth, state: absent } }"), undefined);
    equal(bringer("links: { v0: { kind: dummy } }"), undefined);
  });

  it("has what is on a link wait for its own step, and for that of who brings it along, where it does", () => {
    const idsOf = (links: readonly ObservedLink[], name = "v1"): readonly string[] =>
      plannerOf(VETH, links).linkIds(name);
    deepEqual(idsOf([ETH], "eth0"), ["link eth0"]);
    deepEqual(idsOf([ETH], "eth9"), ["link eth9", "link eth9"]);
    deepEqual(idsOf([ETH]), ["link v1", "link v0"]);
    // It is the other end already, and stays.
    deepEqual(idsOf([ETH, pair("v0", "v1"), pair("v1", "v0")]), ["link v1"]);
    // It is the other end of another link, and goes.
    deepEqual(idsOf([ETH, pair("v0", "v2"), pair("v1", "v3")]), ["link v1", "link v0"]);
  });

  it("has what is on several links wait for each, also for the step that makes an other end what it was", () => {
    const planner = plannerOf("links: {}");
    planner.ends = new Map([["eth0", "eth1"]]);
    deepEqual(planner.linkIds(undefined, "eth0", 7, "eth0"), [
      ...["link eth0", "link eth0 again"],
      ...["link eth0", "link eth0 again"],
    ]);
    deepEqual(planner.linkIds(), []);
  });
});
