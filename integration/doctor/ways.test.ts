/** What the doctor asks in other ways than ARP inside of one VNI: IPv6 inside, and VNIs that come with each frame. */
import { deepEqual, ok } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { diagnose } from "../../lib/doctor/index.ts";
import { ZERO_MAC } from "../../lib/neighbors/zero-mac.ts";
import { arp } from "../../lib/probe/neighbor.ts";
import { parseSource } from "../../lib/state/index.ts";
import { Lab, type LabGuest } from "../../lib/testkit/index.ts";
import { BRISK } from "./matrix.ts";

const HOSTS = `linkwright: 1
hosts:
  bm1: { underlay: ens34f0, vtep: 192.168.0.23 }
  bm2: { underlay: ens34f0, vtep: 192.168.0.24 }
`;

describe("the doctor asks", function () {
  this.timeout(30_000);
  this.retries(0);

  it("an overlay of IPv6 alone by neighbor solicitation, in packets as large as it takes", async () => {
    const document = `${HOSTS}overlays:
  vm: { vni: 39, gateway: { bm1: ["fd00:39::1/64"], bm2: ["fd00:39::2/64"] } }
guests: { on: br-vm, mtu: auto }
`;
    await using lab = await Lab.up(parseSource(document, "wide.yaml"));
    const [near, far] = lab.guests.map((name) => lab.guest(name));
    const address = far?.addresses[0] ?? "";
    await (await near?.node.worker())?.ping(address, { timeout: 5000 });
    // Nobody answers for an address while it looks for others who have it.
    while ((await far?.node.host.addresses.list({ dev: "eth0" }))?.some(({ tentative }) => tentative === true))
      await sleep(100);
    const unnamed = await diagnose(lab.host("bm1"), BRISK);
    deepEqual([unnamed.findings, unnamed.unseen], [[], []]);
    const [heard] = unnamed.asked.ends["vx-vm"] ?? [];
    ok(
      [...(heard?.macs.keys() ?? [])].some((one) => one.startsWith("fe80:")),
      "who was learned of was asked",
    );

    const { asked } = await diagnose(lab.host("bm1"), { ...BRISK, peers: [address, "fd00:39::2", "fd00:39::77"] });
    const [end] = asked.ends["vx-vm"] ?? [];
    deepEqual(
      [[...(end?.macs.keys() ?? [])].sort(), end?.through, end?.asked],
      [[address, "fd00:39::2"].sort(), 1450, 3],
    );
  });

  it("in pings too, and says what it does not know where nobody answers them", async () => {
    await using lab = await Lab.up("examples/two-hosts.yaml");
    for (const host of [lab.host("bm2"), lab.underlay.host])
      await host.nftables.replace({
        ...{ family: "ip", name: "deaf" },
        chains: [{ name: "input", hook: "input", rules: [{ match: { protocol: "icmp" }, action: "drop" }] }],
      });
    const { findings, unseen } = await diagnose(lab.host("bm1"), BRISK);
    deepEqual(
      [findings, unseen],
      [
        [],
        [
          "the way to 192.168.0.24 by itself: it answers vxlan0 and no pings; something drops ICMP",
          "whether answers find back to guests: the router 192.168.0.1 answers no pings",
        ],
      ],
    );
  });

  it("a VXLAN that gets its VNIs with each frame, in each of those that it floods for", async () => {
    await using lab = await Lab.up(
      parseSource(
        `${HOSTS}overlays:\n  vm: { vni: 110, gateway: { bm1: [10.1.0.1/24], bm2: [10.1.0.2/24] } }\n`,
        "two.yaml",
      ),
    );
    const { links, fdb, vnis } = lab.host("bm1");
    const { mtu, dev, local, dstport } = (await links.get("vx-vm")) ?? {};
    await links.delete("vx-vm");
    await links.create({
      ...{ kind: "vxlan", name: "vx-vm", external: true, vnifilter: true, dev, local, dstport, mtu },
      ...{ master: "br-vm", up: true },
    } as never);
    for (const vni of [110, 120]) {
      await vnis.create({ dev: "vx-vm", vni });
      await fdb.append({ mac: ZERO_MAC, dev: "vx-vm", dst: "192.168.0.24", srcVni: vni });
    }
    const { findings, asked, unseen } = await diagnose(lab.host("bm1"), BRISK);
    const ends = (asked.ends["vx-vm"] ?? []).map(({ vni, macs, through }) => [vni, [...macs.keys()].sort(), through]);
    deepEqual(ends, [[110, ["10.1.0.12", "10.1.0.2"], 1450]]);
    deepEqual(
      findings.filter(({ severity }) => severity !== "note"),
      [],
    );
    ok(
      unseen.some((one) => one.includes("in VNI 120")),
      unseen.join(),
    );
  });
});

/** Lets a guest ask for an address that nobody has, for a time in milliseconds. */
async function callOut({ node, addresses: [own = ""] }: LabGuest, timeout: number): Promise<void> {
  const { index = 0, mac } = (await node.host.links.get("eth0")) ?? {};
  const link = { name: "eth0", index, mac: String(mac) };
  await arp(node.netns.fd, link, own, "12.12.139.250", { interval: 20, timeout });
}

it("the doctor doubts two guests of one host that have one MAC address", async function () {
  this.timeout(30_000);
  await using lab = await Lab.up("examples/two-hosts.yaml", { guestsPerHost: 2 });
  const guests = lab.guests.map((name) => lab.guest(name)).filter(({ on }) => on === "bm1");
  const [one, other] = guests;
  ok(one !== undefined && other !== undefined);
  const mac = String((await one.node.host.links.get("eth0"))?.mac);
  await other.node.host.links.update("eth0", { mac });
  const calls = guests.map((guest) => callOut(guest, 2500));
  const [{ findings, asked }] = await Promise.all([diagnose(lab.host("bm1"), BRISK), ...calls]);
  deepEqual(
    asked.clones.map(({ port, from, tunnel }) => [port, from, tunnel]),
    [[one.port, other.port, undefined]],
  );
  deepEqual([findings[0]?.cause, findings[0]?.severity, findings[0]?.subject], ["duplicate-mac", "warning", mac]);
});

it("the doctor takes no guest that moves to another host for one that is there twice", async function () {
  this.timeout(30_000);
  await using lab = await Lab.up("examples/two-hosts.yaml");
  const [near, far] = lab.guests.map((name) => lab.guest(name));
  ok(near !== undefined && far !== undefined);
  const mac = String((await near.node.host.links.get("eth0"))?.mac);
  const move = async (): Promise<void> => {
    await callOut(near, 700);
    await near.node.host.links.update("eth0", { up: false });
    await far.node.host.links.update("eth0", { mac });
    await callOut(far, 700);
  };
  const [{ findings, asked }] = await Promise.all([diagnose(lab.host("bm1"), { ...BRISK, listen: 2000 }), move()]);
  deepEqual([asked.clones, findings.filter(({ severity }) => severity === "error")], [[], []]);
});
