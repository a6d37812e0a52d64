/** Path MTUs that the kernel learns from ICMP, seen and forgotten. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { needs } from "../../test/needs.ts";
import { scene } from "./kit.ts";

// d0 --- router --- far: the router's second link carries less.
const PATH = `
ip netns add r; ip netns add f
ip link set d1 nomaster; ip link set d1 netns r
ip -n r address add 192.0.2.254/24 dev d1; ip -n r -6 address add 2001:db8::fe/64 dev d1 nodad; ip -n r link set d1 up
ip -n r link add name up0 mtu 1280 type veth peer name far0
ip -n r link set far0 netns f
ip -n r address add 198.51.100.1/24 dev up0; ip -n r -6 address add 2001:db8:f::1/64 dev up0 nodad; ip -n r link set up0 mtu 1280 up
ip -n f address add 198.51.100.2/24 dev far0; ip -n f -6 address add 2001:db8:f::2/64 dev far0 nodad; ip -n f link set far0 up
ip -n f route add default via 198.51.100.1; ip -n f -6 route add default via 2001:db8:f::1
ip netns exec r sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'
ip route add 198.51.100.0/24 via 192.0.2.254
ip -6 route add 2001:db8:f::/48 via 2001:db8::fe
`;
const CLEAN = "ip netns delete r; ip netns delete f";

describe("learned path MTUs", function () {
  this.timeout(30_000);
  before(function () {
    needs(this, "ip", "ping");
  });

  it("show in get and cached, and are flushed", async () => {
    await using here = await scene();
    const { routes, sh } = here;
    try {
      await sh(PATH);
      equal((await routes.get("198.51.100.2")).expires, undefined);
      deepEqual([...(await routes.cached())], []);
      await sh("ping -c 3 -i 0.2 -W 1 -M do -s 1400 198.51.100.2 > /dev/null || true");
      await sh("ping -6 -c 3 -i 0.2 -W 1 -M do -s 1400 2001:db8:f::2 > /dev/null || true");
      for (const [destination, via] of [
        ["198.51.100.2", "192.0.2.254"],
        ["2001:db8:f::2", "2001:db8::fe"],
      ] as const) {
        const found = await routes.get(destination);
        deepEqual([found.mtu, found.cached, found.via], [1280, true, via]);
        ok(found.expires !== undefined && found.expires > 500 && found.expires <= 600, String(found.expires));
      }
      const cached = await routes.cached();
      deepEqual(cached.map(({ dst, mtu }) => `${dst} ${mtu}`).sort(), ["198.51.100.2 1280", "2001:db8:f::2 1280"]);
      equal(
        (await routes.list()).some((one) => one.cached === true),
        false,
      );
      await routes.flushCache();
      deepEqual([...(await routes.cached())], []);
      for (const destination of ["198.51.100.2", "2001:db8:f::2"])
        equal((await routes.get(destination)).expires, undefined);
    } finally {
      await sh(CLEAN);
    }
  });
});
