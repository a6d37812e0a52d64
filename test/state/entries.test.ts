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
  const displaced = (seen: Words, text = fdb("dev: p1")) => {
    const [step] = planned(text, { fdb: [seen] }).steps;
    return [
      step?.moves[0]?.request.verb,
      step?.drops,
      step?.moves[0]?.undo.map(({ verb, words }) => [verb, words["dev"]]),
    ];
  };

  it("gives way to where it shall be, and comes back there", () => {
    deepEqual(displaced(entry("p0")), [
      "replace",
      [`${MAC} on p0`],
      [
        ["delete", "p1"],
        ["append", "p0"],
      ],
    ]);
  });

  it("stays in another bridge and another VLAN; what was learned need not come back", () => {
    const alone = ["replace", [], [["delete", "p1"]]];
    deepEqual(displaced(entry("q0", { master: "br1" })), alone);
    deepEqual(displaced(entry("p0", { vlan: 10 }), fdb("dev: p1, vlan: 20")), alone);
    deepEqual(displaced(entry("p0", { state: undefined })), alone);
  });

  it("is on one port only, in each VLAN of each bridge", () => {
    const check = (...entries: readonly string[]) => planned(fdb(...entries), { fdb: [] }).steps.length;
    throws(
      () => check("dev: p0", "dev: p1"),
      /fdb\[1\]: 02:00:00:00:00:07 is on p0 already, a port of the same bridge/,
    );
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

  it("is another one with another prefix or other end, for which the former makes room", () => {
    deepEqual(told('"2001:db8::1/56"'), [
      ["change", ["delete", "2001:db8::1/64", "2001:db8::1/64"], ["create", "2001:db8::1/56", "2001:db8::1/56"]],
    ]);
    equal((told('{ address: "2001:db8::1/64", peer: "2001:db8::2" }') as unknown[]).length, 1);
    deepEqual(told('"2001:db8::1/64"'), []);
  });

  it("is one of several where it is of IPv4", () => {
    const v4 = { address: "192.0.2.1/24", dev: "br0", family: "inet", broadcast: "192.0.2.255" };
    deepEqual(told('"192.0.2.1/25"', v4), [["create", ["create", "192.0.2.1/25", "192.0.2.1/25"]]]);
  });
});
