/** Overlays that share a VXLAN, told apart by VLAN, and a VRF: what this needs not every kernel has. */
import { deepEqual, equal } from "node:assert/strict";
import { derive, fabricOf } from "../../lib/fabric/fabric.ts";
import { renderFrr } from "../../lib/fabric/frr/render.ts";
import { Host } from "../../lib/host.ts";
import { ZERO_MAC } from "../../lib/neighbors/zero-mac.ts";
import { ping } from "../../lib/probe/ping.ts";
import { desiredOf, observe, parseSource, plan, type Source } from "../../lib/state/index.ts";
import { assertSandboxed, Lab, TestNamespace } from "../../lib/testkit/index.ts";
import { needs, skip } from "../../test/needs.ts";
import { disagreements, Frr, fabricCheck, needsFrr } from "./frr-kit.ts";
import { addressOf, applyTo, ask, exchange, removeFrom, until, whilePinging, workerOf } from "./kit.ts";

const HOSTS = `linkwright: 1
hosts:
  bm1: { underlay: eth0, vtep: 192.168.0.23 }
  bm2: { underlay: eth0, vtep: 192.168.0.24 }
  bm3: { underlay: eth0, vtep: 192.168.0.25 }
`;

/** Bytes for kernels that run as a program of this one. */
const BULK = 256 * 1024;

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

  /** Where a host floods to in a VNI, as bridge(8) tells it. */
  function floodsTo(host: string, vni: number): string[] {
    interface FdbJson {
      readonly mac: string;
      readonly dst?: string;
      readonly src_vni?: number;
    }
    const all = ask<FdbJson[]>(host, "bridge", "-json", "fdb", "show", "dev", "vx-0");
    return all.flatMap(({ mac, dst = "", src_vni }) => (mac === ZERO_MAC && src_vni === vni ? [dst] : [])).sort();
  }

  const three = parseSource(`${HOSTS}overlays:
  red: { vni: 110, vlan: 10, bridge: br0, gateway: { bm1: [10.1.0.1/24], bm2: [10.1.0.2/24], bm3: [10.1.0.3/24] } }
  blue: { vni: 120, vlan: 20, bridge: br0, members: [bm1, bm2], gateway: { bm1: [10.2.0.1/24], bm2: [10.2.0.2/24] } }
`);

  it("reach their own members, and nothing is left to do", async function () {
    needs(this, "bridge", "nsenter");
    await needsLink(this, { kind: "bridge", name: "br0", vlanFiltering: true });
    await using lab = await Lab.up(three, { named: true });
    deepEqual(
      [floodsTo("bm1", 110), floodsTo("bm1", 120), floodsTo("bm3", 120)],
      [["192.168.0.24", "192.168.0.25"], ["192.168.0.24"], []],
    );
    interface VlanJson {
      readonly ifname: string;
      readonly vlans: readonly { readonly vlan: number }[];
    }
    const vids = ask<VlanJson[]>("bm1", "bridge", "-json", "vlan", "show").map(
      ({ ifname, vlans }) => [ifname, vlans.map(({ vlan }) => vlan)] as const,
    );
    deepEqual(Object.fromEntries(vids), { br0: [10, 20], "vx-0": [10, 20], vm1: [10] });
    const from = lab.node("bm1").netns.fd;
    equal((await ping(from, "10.2.0.2", { size: 1450, timeout: 5000 })).received, 1);
    // Guests are in the first VLAN.
    await exchange(lab, "vm3", "vm1", 1450, BULK);
    const inRed = (await lab.host("bm2").links.get("br0.10"))?.statistics?.rxPackets ?? 0n;
    equal(inRed > 0n, true);
    for (const name of lab.hosts) {
      const desired = desiredOf(derive(three, name));
      deepEqual(plan(await observe(lab.host(name), desired), desired).steps, [], name);
    }
  });

  it("are joined and left entry by entry, and the others lose nothing", async function () {
    needs(this, "bridge", "nsenter");
    await needsLink(this, { kind: "bridge", name: "br0", vlanFiltering: true });
    await using lab = await Lab.up(three, { named: true });
    const all = JSON.stringify(three.value);
    const two = parseSource(
      all.replace('"vlan":10', '"vlan":10,"members":["bm1","bm2"]').replace(/,"bm3":\[.*?\]/, ""),
    );
    const told = async (source: Source): Promise<unknown[]> => {
      const { plan: done } = await applyTo(lab.host("bm1"), source, "bm1");
      await applyTo(lab.host("bm2"), source, "bm2");
      return done.steps.map(({ action, subject }) => `${action} ${subject}`);
    };
    const end = `${ZERO_MAC} dst 192.168.0.25 srcVni 110 on vx-0`;
    let [left, joined]: unknown[][] = [];
    const { sent, lost } = await whilePinging(lab, [["vm1", "vm2"]], async () => {
      await removeFrom(lab.host("bm3"), three, "bm3");
      left = await told(two);
      deepEqual([floodsTo("bm1", 110), floodsTo("bm2", 110)], [["192.168.0.24"], ["192.168.0.23"]]);
      joined = await told(three);
      await applyTo(lab.host("bm3"), three, "bm3");
    });
    deepEqual([left, joined, lost], [[`remove ${end}`], [`create ${end}`], 0], `${sent} sent`);
    deepEqual(floodsTo("bm1", 110), ["192.168.0.24", "192.168.0.25"]);
    equal((await ping(lab.node("bm3").netns.fd, addressOf(lab, "vm1"), { timeout: 5000 })).received, 1);
  });
});

describe("overlays that a VRF routes between", function () {
  this.timeout(240_000);
  before(() => assertSandboxed());

  it("are known to FRR as the document has them, and guests of one reach those of the other through the L3 VNI", async function () {
    needsFrr(this);
    await needsLink(this, { kind: "vrf", name: "blue", table: 1100 });
    const source =
      parseSource(`${HOSTS.replace(/ *bm3.*\n/, "")}evpn: { asn: 64512, vrfs: { blue: { vni: 5000, table: 1100 } } }
sysctls: { net.ipv4.ip_forward: 1 }
guests: { on: { bm1: br-one, bm2: br-two } }
overlays:
  one: { vni: 39, members: [bm1], flood: evpn, vrf: blue, gateway: { bm1: [10.1.0.1/24] } }
  two: { vni: 40, members: [bm2], flood: evpn, vrf: blue, gateway: { bm2: [10.2.0.1/24] } }
`);
    const fabric = fabricOf(source);
    await using lab = await Lab.up(source, { named: true });
    const all = new Map<string, Frr>();
    try {
      for (const host of lab.hosts) all.set(host, await Frr.start(host, renderFrr(fabric, host) ?? ""));
      for (const [host, frr] of all) {
        let told: readonly string[] = [];
        await until("agreement", async () => {
          told = await disagreements(fabric, host, lab, frr);
          return told.length === 0 || undefined;
        }).catch(() => deepEqual(told, [], host));
        if (host === "bm1") equal(fabricCheck(source, host, frr.directory).stdout, "bm1: all agree\n");
      }
      const route = await until("route of the other host", async () =>
        (await lab.host("bm1").routes.list({ table: 1100 })).find(({ dst }) => dst === "10.2.0.0/24"),
      );
      deepEqual([route.dev, route.protocol], ["br-blue", "bgp"]);
      await until(
        "way between the guests",
        async () =>
          (await (await workerOf(lab, "vm1")).ping(addressOf(lab, "vm2"), { timeout: 500 })).received === 1 ||
          undefined,
      );
      const sent = async (dev: string) => (await lab.host("bm1").links.get(dev))?.statistics?.txPackets ?? 0n;
      const [before, inOne] = [await sent("vx-blue"), await sent("vx-one")];
      await exchange(lab, "vm1", "vm2", 1450, BULK);
      equal((await sent("vx-blue")) - before > BigInt(BULK / 65_536), true);
      // What is flooded in the guests' own network has nowhere to go.
      equal(await sent("vx-one"), inOne);
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
