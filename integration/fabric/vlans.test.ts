/** Overlays that share a VXLAN, told apart by VLAN, and a VRF: what this needs not every kernel has. */
import { deepEqual, equal } from "node:assert/strict";
import { derive, fabricOf } from "../../lib/fabric/fabric.ts";
import { compareFrr } from "../../lib/fabric/frr/agreement.ts";
import { renderFrr } from "../../lib/fabric/frr/render.ts";
import { Host } from "../../lib/host.ts";
import { ping } from "../../lib/probe/ping.ts";
import { desiredOf, observe, parseSource, plan } from "../../lib/state/index.ts";
import { assertSandboxed, Lab, TestNamespace } from "../../lib/testkit/index.ts";
import { skip } from "../../test/needs.ts";
import { Frr, needsFrr } from "./frr-kit.ts";
import { until } from "./kit.ts";

const HOSTS = `linkwright: 1
hosts:
  bm1: { underlay: eth0, vtep: 192.168.0.23 }
  bm2: { underlay: eth0, vtep: 192.168.0.24 }
  bm3: { underlay: eth0, vtep: 192.168.0.25 }
`;

/** Skips where a kernel refuses to make such a link. */
async function needsLink(context: Mocha.Context, config: Parameters<Host["links"]["create"]>[0]): Promise<void> {
  await using netns = await TestNamespace.create();
  await using host = await Host.open({ netns });
  const refused = await host.links.create(config).then(
    () => undefined,
    (error: Error) => error.message,
  );
  if (refused !== undefined) skip(context, `this kernel lacks it: ${refused}`);
}

describe("overlays that share a VXLAN", function () {
  this.timeout(120_000);
  before(() => assertSandboxed());

  it("reach their own members, and nothing is left to do", async function () {
    await needsLink(this, { kind: "bridge", name: "br0", vlanFiltering: true });
    const source = parseSource(`${HOSTS}overlays:
  red: { vni: 110, vlan: 10, bridge: br0, gateway: { bm1: [10.1.0.1/24], bm2: [10.1.0.2/24], bm3: [10.1.0.3/24] } }
  blue: { vni: 120, vlan: 20, bridge: br0, members: [bm1, bm2], gateway: { bm1: [10.2.0.1/24], bm2: [10.2.0.2/24] } }
`);
    await using lab = await Lab.up(source, { guestsPerHost: 0 });
    const from = lab.node("bm1").netns.fd;
    for (const address of ["10.1.0.2", "10.1.0.3", "10.2.0.2"])
      equal((await ping(from, address, { size: 1450, timeout: 5000 })).received, 1, address);
    const inRed = (await lab.host("bm2").links.get("br0.10"))?.statistics?.rxPackets ?? 0n;
    equal(inRed > 0n, true);
    for (const name of lab.hosts) {
      const desired = desiredOf(derive(source, name));
      deepEqual(plan(await observe(lab.host(name), desired), desired).steps, [], name);
    }
  });
});

describe("overlays that a VRF routes between", function () {
  this.timeout(120_000);
  before(() => assertSandboxed());

  it("are known to FRR as the document has them, and each host has a route to the network of the other", async function () {
    needsFrr(this);
    await needsLink(this, { kind: "vrf", name: "blue", table: 1100 });
    const source = parseSource(`${HOSTS}evpn: { asn: 64512, vrfs: { blue: { vni: 5000, table: 1100 } } }
overlays:
  one: { vni: 39, members: [bm1], flood: evpn, vrf: blue, gateway: { bm1: [10.1.0.1/24] } }
  two: { vni: 40, members: [bm2], flood: evpn, vrf: blue, gateway: { bm2: [10.2.0.1/24] } }
`);
    const fabric = fabricOf(source);
    await using lab = await Lab.up(source, { guestsPerHost: 0, named: true });
    const hosts = ["bm1", "bm2"];
    const all = new Map<string, Frr>();
    try {
      for (const host of hosts) all.set(host, await Frr.start(host, renderFrr(fabric, host) ?? ""));
      let told: readonly string[] = [];
      for (const host of hosts)
        await until("agreement", async () => {
          const ask = (command: string): Promise<string> => all.get(host)?.vtysh(command) ?? Promise.resolve("");
          const found = await compareFrr(fabric, host, ask, await lab.host(host).fdb.list());
          told = found.map(({ message }) => message);
          return told.length === 0 || undefined;
        }).catch(() => deepEqual(told, [], host));
      const route = await until("route of the other host", async () =>
        (await lab.host("bm1").routes.list({ table: 1100 })).find(({ dst }) => dst === "10.2.0.0/24"),
      );
      deepEqual([route.dev, route.protocol], ["br-blue", "bgp"]);
    } finally {
      for (const one of all.values()) await one[Symbol.asyncDispose]();
    }
  });

  it("have the links that FRR wants", async function () {
    await needsLink(this, { kind: "vrf", name: "blue", table: 1100 });
    const source = parseSource(`${HOSTS}evpn: { asn: 64512, vrfs: { blue: { vni: 5000, table: 1100 } } }
overlays:
  one: { vni: 39, flood: evpn, vrf: blue, gateway: [10.1.0.1/24], gatewayMac: "02:00:5e:00:00:01" }
  two: { vni: 40, flood: evpn, vrf: blue, gateway: [10.2.0.1/24], gatewayMac: "02:00:5e:00:00:02" }
`);
    await using lab = await Lab.up(source, { guestsPerHost: 0 });
    const { links } = lab.host("bm1");
    const [bridge, l3, vxlan] = [await links.get("br-one"), await links.get("br-blue"), await links.get("vx-blue")];
    deepEqual(
      [bridge?.master, bridge?.mac, l3?.master, vxlan?.master],
      ["blue", "02:00:5e:00:00:01", "blue", "br-blue"],
    );
    for (const name of lab.hosts) {
      const desired = desiredOf(derive(source, name));
      deepEqual(plan(await observe(lab.host(name), desired), desired).steps, [], name);
    }
  });
});
