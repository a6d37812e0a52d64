import assert from "node:assert";
import { type HostShare, planTopology } from "../../lib/testkit/lab-topology.ts";

const share = (
  name: string,
  vtep: string,
  bridgeAddresses: string[] = [],
  more: Partial<HostShare> = {},
): HostShare => ({
  name,
  underlay: "ens34f0",
  vtep,
  bridge: "br-vm",
  bridgeAddresses,
  guestMtu: 1450,
  ...more,
});
const one = { guestsPerHost: 1 };

describe("lab: the topology", () => {
  it("has the founding story's addresses and routes", () => {
    const plan = planTopology([share("bm1", "192.168.0.23", ["12.12.139.1/24"]), share("bm2", "192.168.0.24")], one);
    assert.deepEqual(plan.hosts[1], {
      name: "bm2",
      underlay: "ens34f0",
      address: "192.168.0.24/24",
      routes: [{ dst: "0.0.0.0/0", via: "192.168.0.1" }],
      port: "port2",
    });
    assert.deepEqual(
      plan.guests.map((guest) => [guest.name, guest.host, guest.addresses, guest.routes, guest.mtu]),
      [
        ["vm1", "bm1", ["12.12.139.11/24"], [{ dst: "0.0.0.0/0", via: "12.12.139.1" }], 1450],
        ["vm2", "bm2", ["12.12.139.12/24"], [{ dst: "0.0.0.0/0", via: "12.12.139.1" }], 1450],
      ],
    );
    assert.deepEqual(plan.router, ["192.168.0.1/24"]);
    assert.deepEqual(plan.internet.routes, [{ dst: "192.168.0.0/24", via: "203.0.113.1" }]);
  });

  it("gives a guest its own host's way out where that has one", () => {
    const shares = [share("a", "10.0.0.1", ["192.0.2.1/24"]), share("b", "10.0.0.2", ["192.0.2.2/24"])];
    const { guests } = planTopology(shares, { guestsPerHost: 2, guestMtu: 1400 });
    assert.deepEqual(
      guests.map((guest) => `${guest.name} ${guest.addresses[0]} ${guest.routes[0]?.via} ${guest.mtu}`),
      [
        "vm1 192.0.2.11/24 192.0.2.1 1400",
        "vm2 192.0.2.12/24 192.0.2.1 1400",
        "vm3 192.0.2.13/24 192.0.2.2 1400",
        "vm4 192.0.2.14/24 192.0.2.2 1400",
      ],
    );
  });

  it("takes no address twice, over both families and several networks", () => {
    const shares = [
      share("a", "2001:db8:5::1", ["192.0.2.11/24", "fd00::b/64"]),
      share("b", "2001:db8:5::2"),
      share("c", "198.51.100.1", ["192.0.2.13/24"]),
    ];
    const plan = planTopology(shares, { guestsPerHost: 3 });
    const bare = (text: string): string => text.split("/")[0] ?? "";
    const all = [
      ...plan.router.map(bare),
      ...plan.guests.flatMap((guest) => guest.addresses.map(bare)),
      ...shares.flatMap((each) => [each.vtep, ...each.bridgeAddresses.map(bare)]),
    ];
    assert.equal(new Set(all).size, all.length);
    assert.deepEqual(plan.router, ["2001:db8:5::3/64", "198.51.100.2/24"]);
    assert.deepEqual(plan.hosts[0]?.routes, [{ dst: "::/0", via: "2001:db8:5::3" }]);
  });

  it("needs hosts, room, and names that are not taken", () => {
    assert.throws(() => planTopology([], one), { code: "ERR_LAB" });
    assert.throws(() => planTopology([share("internet", "10.0.0.1")], one), /a node called internet already/);
    assert.throws(() => planTopology([share("vm1", "10.0.0.1")], one), /a node called vm1 already/);
    assert.throws(
      () => planTopology([share("a", "10.0.0.1", ["192.0.2.1/30"])], one),
      /no free address in 192.0.2.0\/30/,
    );
  });
});
