/** The steps that change links in place, with what takes each change back, on hosts of a few words each. */
import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { desiredOf } from "../../lib/state/desired.ts";
import type { ObservedLink } from "../../lib/state/observed.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Move, Step, Words } from "../../lib/state/step.ts";
import { ZERO_MAC } from "../../lib/state/words.ts";

const BRIDGE = { name: "br0", kind: "bridge", mtu: 1500, up: true, mcastSnooping: true };
const dummy = (name: string, more: Words = {}): ObservedLink => ({ name, kind: "dummy", mtu: 1500, up: true, ...more });
const port = (name: string, more: Words = {}): ObservedLink => dummy(name, { master: "br0", port: {}, ...more });
const VXLAN = {
  name: "vx0",
  kind: "vxlan",
  vni: 7,
  dstport: 4789,
  mtu: 1450,
  up: true,
  dev: "eth0",
  remote: "192.0.2.1",
};
const entry = (dst: string): Words => ({ mac: ZERO_MAC, dev: "vx0", dst, via: "eth0" });

function steps(links: string, seen: readonly ObservedLink[], fdb: readonly Words[] = []): readonly Step[] {
  const text = `linkwright: 1\nlinks: { ${links} }`;
  return plan({ links: seen, fdb }, desiredOf(parseSource(text))).steps;
}
/** What the step of a link asks for, one after the other. */
function asked(
  all: readonly Step[],
  id: string,
  of: (one: Move) => readonly Words[] = ({ request }) => [request.words],
): readonly Words[] {
  const step = all.find((one) => one.id === id);
  ok(step, `${id} is not among ${all.map((one) => one.id).join(", ")}`);
  return step.moves.flatMap(of).map(({ name: _, change, ...rest }) => (change ?? rest) as Words);
}
const undone = ({ undo }: Move): readonly Words[] => undo.map(({ words }) => words);

describe("a bridge whose MTU the document gives", () => {
  const pinned = [{ mtu: 1501 }, { mtu: 1500 }];
  const isPinned = (links: string, seen: readonly ObservedLink[]): boolean => {
    const all = steps(`br0: { kind: bridge, mtu: 1500 }, ${links}`, [BRIDGE, ...seen]);
    const step = all.find(({ id }) => id === "link br0");
    if (step === undefined) return false;
    equal(step.reason, "its ports would change the MTU; it is pinned");
    deepEqual(step.differences, []);
    deepEqual(asked(all, "link br0").slice(-1), pinned.slice(-1));
    return true;
  };

  it("is pinned to it where ports come, go, or get another MTU, and else left alone", () => {
    equal(isPinned("p0: { kind: dummy, master: br0 }", [dummy("p0")]), true);
    equal(isPinned("p0: { kind: dummy, master: br0 }", []), true);
    equal(isPinned("p0: { kind: dummy, master: null }", [port("p0")]), true);
    equal(isPinned("p0: { kind: dummy, mtu: 1400, master: br0 }", [port("p0")]), true);
    equal(isPinned("p0: { kind: dummy, master: br0 }", [port("p0")]), false);
    equal(isPinned("p0: { kind: dummy, mtu: 1400 }", [dummy("p0")]), false);
  });

  it("is set to another value first, as the same would pin nothing, and goes back to what it was", () => {
    const all = steps("br0: { kind: bridge, mtu: 1500 }, p0: { kind: dummy, master: br0 }", [BRIDGE, dummy("p0")]);
    const [first, last] = asked(all, "link br0");
    equal(first?.["mtu"] === 1500, false);
    deepEqual(last, { mtu: 1500 });
    deepEqual(asked(all, "link br0", undone), [{ mtu: 1500 }]);
  });
});

describe("a bridge that takes no multicast groups any more", () => {
  it("waits for ports that leave it, which come back after it takes them again", () => {
    const needs = (bridge: string): readonly string[] | undefined =>
      steps(`br0: { kind: bridge, ${bridge} }, p0: { kind: dummy, master: null }, p1: { kind: dummy, master: br0 }`, [
        ...[BRIDGE, port("p0"), port("p1"), dummy("p2", { master: "br9" })],
      ]).find(({ id }) => id === "link br0")?.needs;
    deepEqual(needs("mcastSnooping: false"), ["link p0"]);
    deepEqual(needs("up: false"), ["link p0"]);
    deepEqual(needs("txqlen: 7"), []);
  });
});

describe("a link that leaves its bridge", () => {
  it("tells what it interrupts, and comes back with its options as a port", () => {
    const all = steps("p0: { kind: dummy, master: null }", [BRIDGE, port("p0", { port: { cost: 7 } })]);
    const step = all.find(({ id }) => id === "link p0");
    deepEqual(step?.drops, ["traffic through br0"]);
    deepEqual(asked(all, "link p0"), [{ master: null }]);
    deepEqual(asked(all, "link p0", undone), [{ master: "br0" }, { port: { cost: 7 } }]);
  });

  it("and one that gets its first bridge interrupts nothing", () => {
    const all = steps("p0: { kind: dummy, master: br0 }", [BRIDGE, dummy("p0")]);
    deepEqual(all[0]?.drops, []);
    deepEqual(asked(all, "link p0", undone), [{ master: null }]);
  });
});

describe("a VXLAN that is changed", () => {
  it("gets its remote before its output link, and has its MTU and former entry back", () => {
    const seen = [dummy("eth0"), dummy("eth1"), VXLAN];
    const all = steps("vx0: { kind: vxlan, vni: 7, dev: eth1, remote: 192.0.2.2 }", seen, [entry("192.0.2.1")]);
    deepEqual(asked(all, "link vx0"), [{ remote: "192.0.2.2" }, { dev: "eth1" }]);
    deepEqual(asked(all, "link vx0", undone), [{ remote: "192.0.2.1" }, { dev: "eth0" }, { mtu: 1450 }]);
  });

  it("keeps an entry for its new remote that was there before, when the remote is taken back", () => {
    const back = (fdb: readonly Words[]): readonly unknown[] =>
      asked(steps("vx0: { kind: vxlan, vni: 7, remote: 192.0.2.2 }", [VXLAN], fdb), "link vx0", undone);
    deepEqual(back([entry("192.0.2.1")]), [{ remote: "192.0.2.1" }]);
    deepEqual(back([entry("192.0.2.1"), entry("192.0.2.2")]), [
      { remote: "192.0.2.1" },
      { mac: ZERO_MAC, dev: "vx0", dst: "192.0.2.2" },
    ]);
  });

  it("that had no remote has none again, of its family", () => {
    const { remote: _, dev: __, ...bare } = VXLAN;
    const back = (remote: string): readonly unknown[] =>
      asked(steps(`vx0: { kind: vxlan, vni: 7, remote: "${remote}" }`, [bare]), "link vx0", undone);
    deepEqual(back("192.0.2.2"), [{ remote: "0.0.0.0" }]);
    deepEqual(back("2001:db8::2"), [{ remote: "::" }]);
  });
});

describe("a port that leaves its bridge", () => {
  const seen = [BRIDGE, port("p0")];
  it("may have an address, and no options of a port", () => {
    const planned = (body: string) =>
      plan({ links: seen, addresses: [] }, desiredOf(parseSource(`linkwright: 1\n${body}`)));
    const text = (master: string) => `links: { p0: { kind: dummy, ${master}addresses: [192.0.2.1/24] } }`;
    deepEqual(planned(text("master: null, ")).warnings, []);
    equal(planned(text("")).warnings.length, 1);
    throws(
      () => planned("links: { p0: { kind: dummy, master: null, port: { cost: 7 } } }"),
      /p0 is no port of a bridge/,
    );
  });
});

describe("words of a link that the kernel does not tell", () => {
  it("are left as they are, which is warned of, and told as kept but not known", () => {
    const text = "linkwright: 1\nlinks: { br0: { kind: bridge, ageing: 7 } }";
    const { kept, warnings } = plan({ links: [BRIDGE] }, desiredOf(parseSource(text)));
    deepEqual(warnings, ["link br0: this kernel does not tell ageing now; it is left as it is"]);
    deepEqual(
      kept.map(({ untold }) => untold),
      [["ageing"]],
    );
  });
});
