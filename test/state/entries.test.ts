/** What Linux has once, however a document writes it, on hosts of a few words. */
import { deepEqual, equal, throws } from "node:assert/strict";
import { desiredOf } from "../../lib/state/desired.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Plan, Words } from "../../lib/state/step.ts";

const MAC = "02:00:00:00:00:07";
const port = (name: string, master: string) => ({ name, kind: "veth", mtu: 1500, up: true, master, port: {} });
const LINKS = [
  ...["br0", "br1"].map((name) => ({ name, kind: "bridge", mtu: 1500, up: true })),
  ...[port("p0", "br0"), port("p1", "br0"), port("q0", "br1")],
];
const entry = (dev: string, more: Words = {}): Words => ({ mac: MAC, dev, master: "br0", state: "static", ...more });
function planned(text: string, observed: { fdb?: readonly Words[]; addresses?: readonly Words[] }): Plan {
  return plan({ links: LINKS, ...observed }, desiredOf(parseSource(`linkwright: 1\n${text}`)));
}
const fdb = (...entries: readonly string[]): string =>
  `fdb: [${entries.map((one) => `{ mac: "${MAC}", master: true, state: static, ${one} }`).join(", ")}]`;

describe("a MAC in a bridge", () => {
  const told = (seen: Words, text = fdb("dev: p1")): string[] =>
    planned(text, { fdb: [seen] }).steps.map(({ action, subject }) => `${action} ${subject}`);
  const [makesRoom, alone] = [[`remove ${MAC} on p0`, `create ${MAC} on p1`], [`create ${MAC} on p1`]];

  it("makes room for where it shall be, and comes back there", () => {
    deepEqual(told(entry("p0")), makesRoom);
    deepEqual(told(entry("p0", { state: undefined, externLearn: true })), makesRoom);
    const [removal, creation] = planned(fdb("dev: p1"), { fdb: [entry("p0")] }).steps;
    deepEqual(
      [removal, creation].map((step) => step?.moves[0]?.undo.map(({ verb, words }) => [verb, words["dev"]])),
      [[["append", "p0"]], [["delete", "p1"]]],
    );
    deepEqual(creation?.needs.includes(removal?.id ?? ""), true);
    equal(creation?.moves[0]?.request.verb, "replace");
  });

  it("goes by the document's own word, where that says so", () => {
    const text = `fdb: [{ mac: "${MAC}", master: true, state: static, dev: p1 }, { mac: "${MAC}", master: true, dev: p0, state: absent }]`;
    deepEqual(told(entry("p0"), text), makesRoom);
  });

  it("stays in another bridge and another VLAN; what was learned moves by itself, and what leaves goes by itself", () => {
    deepEqual(told(entry("q0", { master: "br1" })), alone);
    deepEqual(told(entry("p0", { vlan: 10 }), fdb("dev: p1, vlan: 20")), [`create ${MAC} on p1`]);
    deepEqual(told(entry("p0", { state: "reachable" })), alone);
    const leaves = `links: { p0: { kind: veth, master: null } }\n${fdb("dev: p1")}`;
    deepEqual(
      told(entry("p0"), leaves).filter((one) => one.includes(MAC)),
      alone,
    );
  });

  it("does not come back with a port that is made again, where it shall be on another one", () => {
    const links = [{ name: "vx0", kind: "vxlan", vni: 7, mtu: 1500, up: true, master: "br0", port: {} }, ...LINKS];
    const text = `links: { vx0: { kind: vxlan, vni: 8 } }\n${fdb("dev: p1")}`;
    const { steps } = plan({ links, fdb: [entry("vx0")] }, desiredOf(parseSource(`linkwright: 1\n${text}`)));
    deepEqual(
      steps.flatMap(({ object, action, subject }) => (object === "fdb" ? [`${action} ${subject}`] : [])),
      alone,
    );
  });

  it("is on one port only, in each VLAN of each bridge", () => {
    const check = (...entries: readonly string[]) => planned(fdb(...entries), { fdb: [] }).steps.length;
    throws(() => check("dev: p0", "dev: p1"), /fdb\[1\]: cannot be beside 02:00:00:00:00:07 on p0 of this document/);
    equal(check("dev: p0", "dev: q0"), 2);
    equal(check("dev: p0, vlan: 10", "dev: p1, vlan: 20"), 2);
  });
});

describe("an IPv6 address of a link", () => {
  const seen = { address: "2001:db8::1/64", dev: "br0", family: "inet6" };
  const told = (address: string, there: Words = seen): unknown =>
    planned(`links: { br0: { addresses: [${address}] } }`, { addresses: [there] }).steps.map(({ action, moves }) => [
      action,
      ...moves.map(({ request, undo }) => [request.verb, request.words["address"], undo[0]?.words["address"]]),
    ]);

  const room = (made: string) => [
    ["remove", ["delete", "2001:db8::1/64", "2001:db8::1/64"]],
    ["create", ["create", made, made]],
  ];

  it("makes room for itself with another prefix or other end", () => {
    deepEqual(told('"2001:db8::1/56"'), room("2001:db8::1/56"));
    deepEqual(told('{ address: "2001:db8::1/64", peer: "2001:db8::2" }'), room("2001:db8::1/64"));
    deepEqual(told('"2001:db8::1/64"'), []);
    deepEqual(told('"2001:db8::1/56", { address: "2001:db8::1/64", state: absent }'), room("2001:db8::1/56"));
  });

  it("is not taken away where one with another prefix shall be absent", () => {
    deepEqual(told('{ address: "2001:db8::1/56", state: absent }'), []);
    const there = { ...seen, address: "2001:db8::1/56" };
    deepEqual(told('"2001:db8::1/56", { address: "2001:db8::1/64", state: absent }', there), []);
  });

  it("is one of several where it is of IPv4", () => {
    const v4 = { address: "192.0.2.1/24", dev: "br0", family: "inet", broadcast: "192.0.2.255" };
    deepEqual(told('"192.0.2.1/25"', v4), [["create", ["create", "192.0.2.1/25", "192.0.2.1/25"]]]);
  });
});
