/** The table of overheads, against the MTU that the kernel gives a link of each kind, and against real packets. */
import { equal, notEqual, ok, rejects } from "node:assert/strict";
import { observeMtus } from "../../lib/cli/mtu-source.ts";
import { imagined, parseThrough } from "../../lib/mtu/plan.ts";
import { assertSandboxed } from "../../lib/testkit/index.ts";
import { needs, skip } from "../../test/needs.ts";
import { type Scene, scene } from "../links/kit.ts";

const UNDERLAY = `
ip link add under type veth peer name cable
ip addr add 192.0.2.2/24 dev under; ip -6 addr add 2001:db8::2/64 dev under nodad
ip link set cable up; ip link set under up`;

const V4 = "local 192.0.2.2 remote 192.0.2.1";
const V6 = "local 2001:db8::2 remote 2001:db8::1";

/** What our arithmetic says of one encapsulation on an underlay. */
function reckoned(word: string, underlay: number): number {
  const found = parseThrough(word);
  ok(found !== undefined, word);
  return imagined(underlay, [found]).at(-1)?.mtu ?? 0;
}

/** By the word of `--through`: how iproute2 makes it. */
const MADE: readonly (readonly [word: string, how: string])[] = [
  ["vxlan", `type vxlan id 1 dstport 4789 dev under ${V4}`],
  ["vxlan6", `type vxlan id 1 dstport 4789 dev under ${V6}`],
  ["vxlan-gpe", `type vxlan dstport 4790 external gpe dev under local 192.0.2.2`],
  ["geneve", "type geneve id 1 remote 192.0.2.1"],
  ["geneve6", "type geneve id 1 remote 2001:db8::1"],
  ["gre", `type gre dev under ${V4}`],
  ["gretap", `type gretap dev under ${V4}`],
  ["ip6gre", `type ip6gre dev under ${V6}`],
  ["ip6gretap", `type ip6gretap dev under ${V6}`],
  ["ipip", `type ipip dev under ${V4}`],
  ["sit", `type sit dev under ${V4}`],
  ["ip6tnl", `type ip6tnl mode any dev under ${V6}`],
];
const BESIDE: readonly (readonly [word: string, how: string])[] = [
  ["vlan", "link under name made type vlan id 5"],
  ["macvlan", "link under name made type macvlan"],
  ["ipvlan", "link under name made type ipvlan"],
];

async function makes(context: Mocha.Context, { sh }: Scene, how: string): Promise<void> {
  try {
    await sh(`ip link add ${how}`);
  } catch (error) {
    if (/Unknown device type|not supported/.test(String(error))) skip(context, "this kernel has no such link");
    throw error;
  }
}

describe("MTU arithmetic against the kernel", function () {
  this.timeout(30_000);
  before(function () {
    assertSandboxed();
    needs(this, "ip");
  });

  for (const [word, how] of [...MADE.map(([word, how]) => [word, `name made ${how}`] as const), ...BESIDE])
    it(`${word} gets what we reckon`, async function () {
      await using made = await scene(UNDERLAY);
      await makes(this, made, how);
      equal((await made.link("made")).mtu, reckoned(word, 1500));
    });

  it("refuses a byte more for a VXLAN that names its device, and lets it stay when the device shrinks", async () => {
    await using made = await scene(UNDERLAY);
    for (const [name, words] of [
      ["vxlan4", { vni: 4, remote: "192.0.2.1", dstport: 4789 }],
      ["vxlan6", { vni: 6, remote: "2001:db8::1", dstport: 4790 }],
    ] as const) {
      await made.links.create({ kind: "vxlan", name, dev: "under", ...words });
      const most = reckoned(name === "vxlan4" ? "vxlan" : "vxlan6", 1500);
      equal((await made.link(name)).mtu, most);
      await rejects(made.links.update(name, { mtu: most + 1 }), { code: "EINVAL" });
      await made.links.update(name, { mtu: most });
    }
    await made.links.update("under", { mtu: 1400 });
    equal((await made.link("vxlan4")).mtu, 1450);
  });

  it("leaves a VXLAN without a device at 1500, and lets it be 9000", async () => {
    await using made = await scene(UNDERLAY);
    await made.links.create({ kind: "vxlan", name: "vxlan0", vni: 1, remote: "192.0.2.1", dstport: 4789 });
    equal((await made.link("vxlan0")).mtu, 1500);
    await made.links.update("vxlan0", { mtu: 9000 });
    equal((await made.link("vxlan0")).mtu, 9000);
  });

  it("lets a bridge follow its smallest port until somebody changes it", async () => {
    await using made = await scene(UNDERLAY);
    await made.links.create({ kind: "bridge", name: "br-vm", up: true });
    await made.links.create({
      ...{ kind: "vxlan", name: "vxlan0", vni: 1, dev: "under", remote: "192.0.2.1", dstport: 4789, master: "br-vm" },
    } as const);
    equal((await made.link("br-vm")).mtu, 1450);
    await made.links.update("br-vm", { mtu: 1300 });
    await made.links.update("vxlan0", { mtu: 1400 });
    equal((await made.link("br-vm")).mtu, 1300);
    notEqual(
      (await observeMtus(made.host)).links.find(({ name }) => name === "vxlan0"),
      undefined,
    );
  });
});

describe("MTU arithmetic against real packets", function () {
  this.timeout(60_000);
  before(function () {
    assertSandboxed();
    needs(this, "ip", "ping", "nsenter");
  });

  /** Two hosts with a VXLAN of each family, which name no device: its driver decides packet by packet. */
  async function tunnels(far: Scene, near: Scene): Promise<void> {
    const { links } = near.host;
    await links.create({ kind: "veth", name: "under", peer: { name: "under", netns: far.netns } });
    for (const [{ host }, own, other] of [
      [near, 1, 2],
      [far, 2, 1],
    ] as const) {
      await host.links.update("lo", { up: true });
      await host.links.update("under", { up: true });
      await host.addresses.create({ address: `192.0.2.${own}/24`, dev: "under" });
      await host.addresses.create({ address: `2001:db8::${own}/64`, dev: "under", nodad: true });
      await host.links.create({
        ...{ kind: "vxlan", name: "v4", vni: 4, dstport: 4789, df: "set", up: true },
        ...{ local: `192.0.2.${own}`, remote: `192.0.2.${other}` },
      });
      await host.links.create({
        ...{ kind: "vxlan", name: "v6", vni: 6, dstport: 4790, up: true },
        ...{ local: `2001:db8::${own}`, remote: `2001:db8::${other}` },
      });
      for (const family of [4, 6])
        await host.addresses.create({ address: `198.51.${family}.${own}/24`, dev: `v${family}` });
    }
  }

  for (const [family, word] of [
    [4, "vxlan"],
    [6, "vxlan6"],
  ] as const)
    it(`VXLAN over IPv${family}: the size we reckon gets through whole, and a byte more does not`, async () => {
      await using far = await scene();
      await using near = await scene();
      await tunnels(far, near);
      const most = reckoned(word, 1500);
      // 20 of IP and 8 of ICMP are part of the packet.
      const ping = (size: number): Promise<string> =>
        near.sh(`ping -M do -c 2 -i 0.2 -W 2 -s ${size - 28} 198.51.${family}.2 2>&1 || true`);
      await near.sh(`ping -c 1 -W 5 198.51.${family}.2`);
      ok(/ [12] received/.test(await ping(most)), `${most}`);
      const more = await ping(most + 1);
      ok(/ 0 received/.test(more), more);
    });
});
