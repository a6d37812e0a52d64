/** What encryption below takes of an MTU, as the kernel has it: WireGuard's own value, and ESP by real packets. */
import { equal, match } from "node:assert/strict";
import { imagined, parseThrough } from "../../lib/mtu/plan.ts";
import { assertSandboxed } from "../../lib/testkit/index.ts";
import { needs, skip } from "../../test/needs.ts";
import { scene } from "../links/kit.ts";

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
