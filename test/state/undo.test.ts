/** What goes with a link, and what takes a change back, on hosts of a few words each. */
import { deepEqual, equal } from "node:assert/strict";
import { desiredOf } from "../../lib/state/desired.ts";
import { goneOf, lost, without } from "../../lib/state/gone.ts";
import type { Observed } from "../../lib/state/observed.ts";
import { plan } from "../../lib/state/plan.ts";
import { onLink, peerOf, remade, revived, sysctlsAgain } from "../../lib/state/restore.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Request, Step, Words } from "../../lib/state/step.ts";
import { withUndo } from "../../lib/state/undo.ts";

const BRIDGE = { name: "br0", kind: "bridge", mtu: 1500, up: true };
const PORT = { name: "p0", kind: "dummy", mtu: 1500, up: true, master: "br0", port: { cost: 7 } };
const address = (text: string, dev: string): Words => ({
  address: text,
  dev,
  family: text.includes(":") ? "inet6" : "inet",
});
const route = (dst: string, dev: string): Words => ({ dst, dev, family: "inet", protocol: "static", table: "main" });
const neighbor = (text: string, dev: string): Words => ({
  address: text,
  dev,
  mac: "02:00:00:00:00:09",
  state: "permanent",
});
const ADDRESSES = [address("192.0.2.1/24", "br0"), address("198.51.100.1/24", "p0")];
const linkNames = ({ links }: Observed): string[] => links.map(({ name }) => name);

describe("what goes with links", () => {
  const observed: Observed = {
    links: [BRIDGE, PORT, { name: "eth0", mtu: 1500 }],
    addresses: ADDRESSES,
    nexthops: [
      { id: 1, dev: "p0", family: "inet" },
      { id: 2, dev: "eth0", family: "inet" },
      { id: 3, group: [{ id: 1 }] },
      { id: 4, group: [{ id: 1 }, { id: 2 }] },
    ],
    sysctls: { "net.ipv4.conf.p0.rp_filter": "2", "net.ipv4.conf.all.rp_filter": "2", "net.ipv4.ip_forward": "1" },
  };

  it("names its ports and the nexthops that lead over it, and no other", () => {
    deepEqual(goneOf(observed, ["br0"]), { links: new Set(["br0"]), ports: new Set(["p0"]), nexthops: new Set() });
    deepEqual(goneOf(observed, ["p0"]), { links: new Set(["p0"]), ports: new Set(), nexthops: new Set([1, 3]) });
    deepEqual(goneOf({ links: [BRIDGE] }, ["br0"], ["p9"]).ports, new Set(["p9"]));
    deepEqual(goneOf({ links: [] }, []), { links: new Set(), ports: new Set(), nexthops: new Set() });
  });

  it("leaves the host itself where nothing goes", () => {
    equal(without(observed, goneOf(observed, [])), observed);
    equal(without(observed, goneOf(observed, [], ["p0"])) === observed, false);
  });

  it("takes what was on it, its sysctls, and its ports from their bridge", () => {
    const left = without(observed, goneOf(observed, ["br0"]));
    deepEqual(left.links[0], { name: "p0", kind: "dummy", mtu: 1500, up: true });
    deepEqual(left.addresses, [ADDRESSES[1]]);
    deepEqual(left.sysctls, observed.sysctls);
    const rest = without(observed, goneOf(observed, ["p0"]));
    deepEqual(Object.keys(rest.sysctls ?? {}), ["net.ipv4.conf.all.rp_filter", "net.ipv4.ip_forward"]);
    deepEqual(linkNames(rest), ["br0", "eth0"]);
    deepEqual(
      rest.nexthops?.map(({ id, group }) => [id, group]),
      [
        [2, undefined],
        [4, [{ id: 2 }]],
      ],
    );
    // What was not read stays unread.
    equal("fdb" in rest, false);
    deepEqual(without({ links: [PORT] }, goneOf({ links: [PORT] }, ["p0"])).sysctls, {});
  });

  it("puts nothing back of what was not there, and groups after what they are of", () => {
    deepEqual(lost({ links: [BRIDGE] }, goneOf({ links: [BRIDGE] }, ["br0"])), []);
    const mixed = { ...observed, nexthops: [...(observed.nexthops ?? [])].reverse() };
    const back = lost(mixed, goneOf(mixed, ["p0"])).filter(({ object }) => object === "nexthop");
    deepEqual(
      back.map(({ words }) => words["id"]),
      [1, 4, 3],
    );
  });

  it("is told to a person in words", () => {
    const told = onLink({ ...observed, fdb: [], routes: [route("203.0.113.0/24", "p0")] }, "p0");
    deepEqual(told.slice(0, 3), ["traffic through p0", "198.51.100.1/24", "nexthop 1"]);
    equal(told.includes("route 203.0.113.0/24"), true);
    equal(
      told.some((text) => text.includes("entr")),
      false,
    );
    const of = (list: object, dev = "br0"): string[] => onLink({ links: [BRIDGE, PORT], ...list }, dev).slice(1);
    const static_ = { mac: "02:00:00:00:00:07", dev: "p0", state: "static", master: "br0" };
    deepEqual(of({ fdb: [static_] }, "p0"), ["1 forwarding entry"]);
    deepEqual(of({ fdb: [static_, { ...static_, mac: "02:00:00:00:00:08" }] }, "p0"), ["2 forwarding entries"]);
    const group = { group: "239.1.1.1", dev: "br0", port: "p0", state: "permanent" };
    deepEqual(of({ mdb: [group] }, "p0"), ["1 multicast entry"]);
    deepEqual(of({ mdb: [group, { ...group, group: "239.1.1.2" }] }, "p0"), ["2 multicast entries"]);
    deepEqual(of({}), ["port p0"]);
  });
});

describe("what a link is made again with", () => {
  const saved = [
    { key: "net.ipv6.conf.br0.accept_ra", value: "0" },
    { key: "net.ipv4.conf.br0.rp_filter", value: "2" },
  ];
  const observed = { links: [BRIDGE], linkSysctls: { br0: saved } } as unknown as Observed;

  it("is its sysctls, but for those that the document names", () => {
    deepEqual(sysctlsAgain(observed, "br0"), [{ object: "sysctl", verb: "restore", words: { saved } }]);
    const but = new Set(["net.ipv4.conf.br0.rp_filter"]);
    deepEqual(sysctlsAgain(observed, "br0", but)[0]?.words, { saved: saved.slice(0, 1) });
    deepEqual(sysctlsAgain(observed, "br0", new Set(saved.map(({ key }) => key))), []);
    deepEqual(sysctlsAgain({ links: [BRIDGE] }, "br0"), []);
    deepEqual(sysctlsAgain(observed, "p0"), []);
  });

  it("is switched on after it has them", () => {
    const verbs = (link: Observed["links"][number]): unknown[] =>
      remade({ ...observed, links: [link] }, "br0").map(({ object, verb, words }) => [
        `${object} ${verb}`,
        words["up"] ?? (words["change"] as Words | undefined)?.["up"],
      ]);
    deepEqual(verbs(BRIDGE), [
      ["link create", false],
      ["sysctl restore", undefined],
      ["link update", true],
    ]);
    deepEqual(verbs({ ...BRIDGE, up: false }), [
      ["link create", false],
      ["sysctl restore", undefined],
    ]);
    const last = remade(observed, "br0").at(-1);
    deepEqual(last, { object: "link", verb: "update", words: { name: "br0", change: { up: true } } });
    deepEqual(
      remade({ links: [BRIDGE] }, "br0").map(({ words }) => words["up"]),
      [true],
    );
  });

  it("is nothing for a link that was not there", () => {
    deepEqual(remade({ links: [] }, "br0"), []);
    deepEqual(revived({ links: [] }, "br0"), []);
  });

  it("has its other end where that is in this namespace, and knows of this one", () => {
    const one = { name: "v0", kind: "veth", peer: { name: "v1" } };
    equal(peerOf({ links: [one, { name: "v1", kind: "veth", peer: { name: "v0" } }] }, "v0"), "v1");
    // A name in another namespace that is another link's here.
    equal(peerOf({ links: [one, { name: "v1", kind: "dummy" }] }, "v0"), undefined);
    equal(peerOf({ links: [one] }, "v0"), undefined);
    equal(peerOf({ links: [BRIDGE] }, "br0"), undefined);
  });

  it("joins the bridge that it was a port of, and no other", () => {
    const end = { name: "v1", kind: "veth", mtu: 1500, up: true, peer: { name: "v0" } };
    const back = (link: Words): unknown => revived({ links: [BRIDGE, link as typeof end] }, "v1")[0]?.words["change"];
    deepEqual(back(end), { up: true });
    deepEqual(back({ ...end, master: "br0", port: { cost: 7 } }), { up: true, master: "br0", port: { cost: 7 } });
  });
});

/** A step of these requests, each with what a planner gave it to be undone by. */
function step(...moves: readonly (readonly [Request, ...Request[]])[]): Step {
  return {
    ...{ id: "link x", action: "change", object: "link", subject: "x", path: ["links", "x"], differences: [] },
    ...{ reason: "", drops: [], needs: [] },
    moves: moves.map(([request, ...undo]) => ({ request, undo })),
  };
}
const update = (name: string, change: Words): Request => ({ object: "link", verb: "update", words: { name, change } });
const give = (words: Words): Request => ({ object: "address", verb: "create", words });
/** What undoes each move, in a text for each request. */
function undone(observed: Observed, ...steps: readonly Step[]): string[][] {
  const text = ({ object, verb, words }: Request): string => {
    const { name, change, address: of, dst, mac } = words;
    const what = change === undefined ? (of ?? dst ?? mac ?? name) : `${String(name)} ${JSON.stringify(change)}`;
    return `${object} ${verb} ${String(what)}`;
  };
  return withUndo(observed, steps).flatMap(({ moves }) => moves.map(({ undo }) => undo.map(text)));
}

describe("what undoes a change", () => {
  const own = update("x", { alias: "" });
  const on = (more: object): Observed => ({
    links: [{ name: "x", mtu: 1500, up: true, mac: "02:00:00:00:00:01" }],
    ...more,
  });

  it("is the planner's own where nothing goes along", () => {
    const steps = [step([update("x", { alias: "a" }), own])];
    deepEqual(withUndo(on({ neighbors: [neighbor("192.0.2.9", "x")] }), steps), steps);
    const other = step([{ object: "fdb", verb: "append", words: { dev: "x" } }]);
    equal(withUndo(on({}), [other])[0], other);
  });

  it("brings permanent neighbors back after another MAC address, not after the same", () => {
    const observed = on({ neighbors: [neighbor("192.0.2.9", "x")], addresses: [address("2001:db8::1/64", "x")] });
    const change = (mac: string): string[] | undefined => undone(observed, step([update("x", { mac }), own]))[0];
    deepEqual(change("02:00:00:00:00:02"), ['link update x {"alias":""}', "neighbor replace 192.0.2.9"]);
    deepEqual(change("02:00:00:00:00:01"), ['link update x {"alias":""}']);
    // It has the new one from then on.
    const twice = [
      step([update("x", { mac: "02:00:00:00:00:02" }), own]),
      step([update("x", { mac: "02:00:00:00:00:02" }), own]),
    ];
    deepEqual(undone(observed, ...twice)[1], ['link update x {"alias":""}']);
  });

  it("brings IPv6 addresses back to a link that was off, and neighbors", () => {
    const entries = {
      addresses: [address("2001:db8::1/64", "x"), address("192.0.2.1/24", "x")],
      neighbors: [neighbor("192.0.2.9", "x")],
    };
    const off = { ...on(entries), links: [{ name: "x", mtu: 1500, up: false }] };
    const both = [update("x", { up: true }), update("x", { up: false })] as const;
    deepEqual(undone(off, step(both)), [
      ['link update x {"up":false}', "address replace 2001:db8::1/64", "neighbor replace 192.0.2.9"],
    ]);
    deepEqual(undone(on(entries), step(both)), [['link update x {"up":false}']]);
    deepEqual(undone(off, step([update("x", { up: false })])), [[]]);
    // A link that the plan makes has nothing on it.
    deepEqual(undone({ links: [] }, step([update("x", { up: true })])), [[]]);
  });

  it("brings IPv4 routes and neighbors back that were there before the first address", () => {
    const entries = {
      routes: [
        route("203.0.113.0/24", "x"),
        { ...route("2001:db8:1::/48", "x"), family: "inet6" },
        { ...route("203.0.114.0/24", "x"), nhid: 1 },
      ],
      neighbors: [neighbor("192.0.2.9", "x"), neighbor("2001:db8::9", "x")],
    };
    const back = (observed: Observed, text: string): string[] | undefined =>
      undone(observed, step([give(address(text, "x"))]))[0];
    deepEqual(back(on(entries), "192.0.2.1/24"), ["route replace 203.0.113.0/24", "neighbor replace 192.0.2.9"]);
    deepEqual(back(on(entries), "2001:db8::1/64"), []);
    deepEqual(back(on({ ...entries, addresses: [address("192.0.2.2/24", "x")] }), "192.0.2.1/24"), []);
    deepEqual(back(on({ ...entries, addresses: [address("192.0.2.2/24", "y")] }), "192.0.2.1/24")?.length, 2);
    deepEqual(back(on({ ...entries, addresses: [address("2001:db8::2/64", "x")] }), "192.0.2.1/24")?.length, 2);
  });

  it("brings a port's entries back when it leaves its bridge, and once only", () => {
    const observed: Observed = {
      links: [BRIDGE, { ...BRIDGE, name: "br1" }, PORT],
      fdb: [{ mac: "02:00:00:00:00:07", dev: "p0", state: "static", master: "br0" }],
    };
    const leave = (master: unknown): Step => step([update("p0", { master })]);
    deepEqual(undone(observed, leave("br1")), [["fdb append 02:00:00:00:00:07"]]);
    deepEqual(undone(observed, leave(null), leave("br1")), [["fdb append 02:00:00:00:00:07"], []]);
    deepEqual(undone(observed, leave("br0")), [[]]);
    deepEqual(undone(observed, step([update("p0", { mtu: 1500 })])), [[]]);
    deepEqual(undone({ ...observed, links: [BRIDGE, { name: "p0" }] }, leave("br0")), [[]]);
  });
});

describe("what undoes a smaller MTU", () => {
  const under = { name: "eth0", mtu: 1500, up: true };
  const vlan = { name: "v7", kind: "vlan", id: 7, dev: "eth0", mtu: 1500, up: true };
  const tunnel = { name: "vx", kind: "vxlan", vni: 7, dev: "eth0", mtu: 1450, up: true };
  const small = [update("eth0", { mtu: 1300 }), update("eth0", { mtu: 1500 })] as const;

  it("makes what stands on the link as large as it was, after the link itself", () => {
    const observed = { links: [under, vlan, tunnel, { ...vlan, name: "v7.8", id: 8, dev: "v7", mtu: 1450 }] };
    deepEqual(undone(observed, step(small)), [
      [
        'link update eth0 {"mtu":1500}',
        'link update v7 {"mtu":1500}',
        'link update v7.8 {"mtu":1450}',
        'link update vx {"mtu":1450}',
      ],
    ]);
  });

  it("leaves what fits all the same, what is as large, and what grows", () => {
    const low = { ...tunnel, mtu: 1000 };
    deepEqual(undone({ links: [under, low] }, step(small)), [['link update eth0 {"mtu":1500}']]);
    for (const mtu of [1500, 1600]) deepEqual(undone({ links: [under, vlan] }, step([update("eth0", { mtu })])), [[]]);
    deepEqual(undone({ links: [{ name: "eth0" }, { ...vlan, mtu: undefined }] } as Observed, step(small)), [
      ['link update eth0 {"mtu":1500}'],
    ]);
  });

  it("does not narrow twice what the first undoing makes large again, and keeps what else it had", () => {
    const again = step([update("v7", { mtu: 1280 }), update("v7", { mtu: 1300 }), update("v7", { alias: "" })]);
    const [, second] = undone({ links: [under, vlan] }, step(small), again);
    deepEqual(second, ['link update v7 {"alias":""}']);
    // On a link that did not follow, the planner's own stays.
    const alone = undone({ links: [under, { ...vlan, dev: "eth1" }] }, step(small), again);
    deepEqual(alone[1], ['link update v7 {"mtu":1300}', 'link update v7 {"alias":""}']);
    const other = step([
      update("v7", { mtu: 1280 }),
      update("eth0", { mtu: 1300 }),
      give(address("192.0.2.1/24", "v7")),
    ]);
    deepEqual(undone({ links: [under, vlan] }, step(small), other)[1]?.length, 2);
  });

  it("knows that a VLAN follows, and a tunnel does not", () => {
    const links = [under, vlan, tunnel];
    const deeper = (name: string, mtu: number): string[] | undefined =>
      undone(
        { links: [...links, { ...vlan, name: "above", dev: name, mtu: 1300 }] },
        step(small),
        step([update(name, { mtu })]),
      )[1];
    // At 1300 already: nothing is narrowed by that once more.
    deepEqual(deeper("v7", 1300), []);
    deepEqual(deeper("vx", 1300), ['link update above {"mtu":1300}']);
  });

  it("takes another device under a link for the one that it stands on from then on", () => {
    const moved = step([update("vx", { dev: "eth1" })]);
    const links = [under, { ...under, name: "eth1" }, tunnel];
    deepEqual(undone({ links }, moved, step(small)), [[], ['link update eth0 {"mtu":1500}']]);
  });
});

describe("a plan's guests", () => {
  const observed: Observed = { links: [BRIDGE] };
  const planned = (guests: string) =>
    plan(observed, desiredOf(parseSource(`linkwright: 1\nguests: { on: br0${guests} }`)));

  it("are told the MTU of their bridge, unless the document says another", () => {
    deepEqual(planned("").guests, { on: "br0", inside: [], value: 1500, why: "that of br0" });
    deepEqual(planned(", mtu: auto, inside: [geneve]").guests?.inside, ["geneve"]);
    deepEqual(planned(", mtu: 1400").guests, { on: "br0", inside: [], value: 1400, why: "the document says so" });
    equal("guests" in plan(observed, desiredOf(parseSource("linkwright: 1"))), false);
  });

  it("are warned of where their packets do not fit, by one byte, and not where they do", () => {
    deepEqual(planned(", mtu: 1500").warnings, []);
    equal(planned(", mtu: 1501").warnings.length, 1);
    equal(planned(", mtu: 1501").guests?.value, 1501);
  });

  it("are told nothing where the MTU of what they are on is not known", () => {
    const unknown = plan(
      { links: [{ name: "br0", kind: "bridge" }] },
      desiredOf(parseSource("linkwright: 1\nguests: { on: br0 }")),
    );
    equal("guests" in unknown, false);
  });
});

describe("a port that goes to another bridge", () => {
  const entry = { mac: "02:00:00:00:00:07", dev: "p0", state: "static", master: "br0" };
  const observed: Observed = { links: [BRIDGE, { ...BRIDGE, name: "br1" }, PORT], fdb: [entry] };
  const planned = (link: string): string[] => {
    const text = `linkwright: 1\nlinks: { p0: { ${link} } }\nfdb: [{ mac: "02:00:00:00:00:07", dev: p0, master: true, state: static }]`;
    return plan(observed, desiredOf(parseSource(text))).steps.map(({ id, action }) => `${action} ${id}`);
  };

  it("has its entries made again there, and keeps them where it stays", () => {
    deepEqual(planned("kind: dummy, master: br0"), []);
    deepEqual(planned("kind: dummy"), []);
    equal(
      planned("kind: dummy, master: br1").some((id) => id.includes("fdb")),
      true,
    );
  });
});
