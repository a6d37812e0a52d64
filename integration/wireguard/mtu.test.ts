/** What encryption below takes of an MTU, as the kernel has it: WireGuard's own value, and ESP by real packets. */
import { deepEqual, equal, match } from "node:assert/strict";
import { emptyDesired, linksOf, observeMtus } from "../../lib/cli/mtu-source.ts";
import { imagined, parseThrough, pathOf, topsOf } from "../../lib/mtu/plan.ts";
import { assertSandboxed } from "../../lib/testkit/index.ts";
import { generateWireguardKey, wireguardPublicKey } from "../../lib/wireguard/keys.ts";
import { needs, skip } from "../../test/needs.ts";
import { type Scene, scene } from "../links/kit.ts";

function reckoned(word: string): number | undefined {
  const found = parseThrough(word);
  return found === undefined ? undefined : imagined(1500, [found]).at(-1)?.mtu;
}

describe("MTU arithmetic against encryption", function () {
  this.timeout(120_000);
  before(function () {
    assertSandboxed();
    needs(this, "ip", "ping", "nsenter");
  });

  it("WireGuard gets 1420 whatever is below: that is what is kept free", async function () {
    await using made = await scene();
    try {
      await made.links.create({ kind: "wireguard", name: "wg0" });
    } catch (error) {
      if ((error as { code?: unknown }).code === "EOPNOTSUPP") skip(this, "this kernel has no WireGuard");
      throw error;
    }
    equal((await made.link("wg0")).mtu, 1420);
    equal(reckoned("wireguard"), 1420);
    equal(reckoned("wireguard6"), 1420);
  });

  /** A link that encrypts, made by iproute2's words on a host with an underlay; and the hops of a VXLAN that goes through it. */
  async function hopsThrough(context: Mocha.Context, name: string, make: (scene: Scene) => Promise<unknown>) {
    await using made = await scene(`ip link add under type veth peer name cable
ip addr add 192.0.2.2/24 dev under; ip link set cable up; ip link set under up`);
    await make(made).catch((error: unknown) => {
      if (/Unknown device type|not supported|EOPNOTSUPP/.test(String(error))) skip(context, "this kernel lacks it");
      throw error;
    });
    await made.sh(`ip addr add 10.9.0.1/24 dev ${name}; ip link set ${name} up
ip link add vxlan0 type vxlan id 1 remote 10.9.0.2 dstport 4789`);
    const links = await linksOf(emptyDesired(), await observeMtus(made.host), made.host);
    const [top] = topsOf(links);
    if (top === undefined) throw new Error("there is no VXLAN");
    const { hops, guest } = pathOf(top, links);
    return [...hops.map((hop) => `${hop.name} ${hop.mtu} ${hop.why}`), guest.mtu];
  }

  it("a host's WireGuard link is a hop, with the device by which its peers are reached", async function () {
    const peer = { publicKey: wireguardPublicKey(generateWireguardKey()), allowedIps: ["10.9.0.0/24"] };
    const through = (mtu: number) =>
      hopsThrough(this, "wg0", async ({ host, links }) => {
        await links.create({ kind: "wireguard", name: "wg0", mtu });
        const peers = [{ ...peer, endpoint: "192.0.2.1:51820" }];
        await host.wireguard.set("wg0", { privateKey: generateWireguardKey(), peers });
      });
    const sum = "outer IPv4 20 + UDP 8 + WireGuard 32";
    const vxlan = "outer IPv4 20 + UDP 8 + VXLAN 8 + inner Ethernet 14";
    const found = await through(1420);
    deepEqual(
      [found[0], found[1], found.at(-1)],
      ["under 1500 under has it", `wg0 1420 1500 − 80: ${sum} + kept free for IPv6 20`, 1370],
    );
    match(String(found[2]), new RegExp(`^vxlan0 1500 .* 1370 = 1420 − 50: ${vxlan.replaceAll("+", "\\+")}$`));
    equal((await through(1440))[1], `wg0 1440 1500 − 60: ${sum}`);
  });

  it("a host's xfrm link is a hop, with the device that it names", async function () {
    const found = await hopsThrough(this, "xfrm0", ({ sh }) => sh("ip link add xfrm0 type xfrm dev under if_id 7"));
    match(String(found[1]), /^xfrm0 1500 xfrm0 has it; it would be 1446 = 1500 − 54: outer IPv4 20 \+ ESP 8/);
    equal(found.at(-1), 1396);
  });

  const AEAD = "aead 'rfc4106(gcm(aes))' 0x0123456789abcdef0123456789abcdef01234567 128";
  /** One direction of ESP, as both ends have to know it. */
  const esp = (mode: string, from: number, inner: string): string => `
ip xfrm state add src 192.0.2.${from} dst 192.0.2.${3 - from} proto esp spi ${from} mode ${mode} ${AEAD}
ip xfrm policy add dir "$(test $OWN = ${from} && echo out || echo in)" src ${inner}${from} dst ${inner}${3 - from} tmpl src 192.0.2.${from} dst 192.0.2.${3 - from} proto esp mode ${mode}`;

  for (const [word, mode, inner] of [
    ["ipsec", "tunnel", "198.51.9."],
    ["ipsec-transport", "transport", "192.0.2."],
  ] as const)
    it(`${word}: the size we reckon gets through whole, and a byte more does not`, async function () {
      await using far = await scene();
      await using near = await scene();
      await near.links.create({ kind: "veth", name: "under", peer: { name: "under", netns: far.netns } });
      for (const [{ sh }, own] of [
        [near, 1],
        [far, 2],
      ] as const)
        try {
          await sh(`OWN=${own}
ip link set lo up; ip addr add 198.51.9.${own}/32 dev lo; ip link set under up; ip addr add 192.0.2.${own}/24 dev under
ip route add 198.51.9.${3 - own} via 192.0.2.${3 - own} src 198.51.9.${own}
${esp(mode, 1, inner)}
${esp(mode, 2, inner)}`);
        } catch (error) {
          if (/algorithm not found|not supported|Protocol not available/.test(String(error)))
            skip(this, "this kernel has no ESP with AES-GCM");
          throw error;
        }
      const most = reckoned(word) ?? 0;
      const ping = (size: number): Promise<string> =>
        near.sh(`ping -M do -c 2 -i 0.5 -W 3 -s ${size - 28} ${inner}2 2>&1 || true`);
      await near.sh(`ping -c 3 -W 3 ${inner}2`);
      match(await ping(most), / [12] received/);
      match(await ping(most + 1), / 0 received/);
      match(await near.sh("ip -s xfrm state"), /[1-9]\d*\(packets\)/);
    });
});
