import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { type PingOptions, ping } from "../../lib/probe/ping.ts";
import { Sysctls } from "../../lib/sysctl/sysctl.ts";
import { makeChain } from "../../lib/testkit/certificates.ts";
import type { Guest } from "../../lib/testkit/guest.ts";
import { leakCheck } from "../../lib/testkit/leaks.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import { needs } from "../../test/needs.ts";

const ip = (...args: readonly string[]): string => execFileSync("ip", args, { encoding: "utf8" });

/** left (10.0.1.1) - router - right (10.0.2.1), where the right cable takes 1400 bytes. */
class Path implements AsyncDisposable {
  readonly left: TestNamespace;
  readonly router: TestNamespace;
  readonly right: TestNamespace;

  private constructor(left: TestNamespace, router: TestNamespace, right: TestNamespace) {
    this.left = left;
    this.router = router;
    this.right = right;
  }
  static async make(): Promise<Path> {
    const [left, router, right] = [
      await TestNamespace.create(),
      await TestNamespace.create(),
      await TestNamespace.create(),
    ];
    const path = new Path(left, router, right);
    const [l, m, r] = [left.name ?? "", router.name ?? "", right.name ?? ""];
    // Addresses are not checked for being unique first, so that all of them are of use at once.
    for (const { fd } of [left, router, right]) await new Sysctls(fd).set("net.ipv6.conf.default.accept_dad", 0);
    ip("-n", l, "link", "add", "eth0", "type", "veth", "peer", "name", "west", "netns", m);
    ip("-n", r, "link", "add", "eth0", "type", "veth", "peer", "name", "east", "netns", m);
    const ends = [
      [l, "eth0", "10.0.1.1/24", "fd01::1/64"],
      [m, "west", "10.0.1.2/24", "fd01::2/64"],
      [m, "east", "10.0.2.2/24", "fd02::2/64"],
      [r, "eth0", "10.0.2.1/24", "fd02::1/64"],
    ] as const;
    for (const [name, device, four, six] of ends) {
      ip("-n", name, "addr", "add", four, "dev", device);
      ip("-n", name, "addr", "add", six, "dev", device);
      ip("-n", name, "link", "set", device, "up");
    }
    for (const [name, four, six] of [
      [l, "10.0.1.2", "fd01::2"],
      [r, "10.0.2.2", "fd02::2"],
    ] as const) {
      ip("-n", name, "route", "add", "default", "via", four);
      ip("-n", name, "route", "add", "default", "via", six);
    }
    for (const key of ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"])
      ip("netns", "exec", m, "sh", "-c", `echo 1 > /proc/sys/${key}`);
    ip("-n", m, "link", "set", "east", "mtu", "1400");
    ip("-n", r, "link", "set", "eth0", "mtu", "1400");
    // A packet that is sent before loses itself, and neighbor discovery waits a second before it tries again.
    for (const [name, device] of ends) while (!ip("-n", name, "-o", "link", "show", device).includes("state UP"));
    return path;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    for (const netns of [this.left, this.router, this.right]) await netns.end();
  }
}

describe("testkit: ping", () => {
  before(function () {
    needs(this, "ip");
  });

  it("measures a path in exact sizes, over IPv4 and IPv6", async () => {
    await using path = await Path.make();
    const expected: readonly (readonly [string, PingOptions, object])[] = [
      ["10.0.1.2", {}, { sent: 1, received: 1 }],
      ["10.0.1.2", { size: 28 }, { sent: 1, received: 1 }],
      ["10.0.1.2", { size: 1500, count: 5 }, { sent: 5, received: 5 }],
      ["10.0.1.2", { size: 1501 }, { sent: 0, received: 0, error: "EMSGSIZE", mtu: 1500 }],
      ["10.0.1.2", { size: 1501, df: false }, { sent: 1, received: 1 }],
      ["10.0.1.2", { size: 65_535, df: false }, { sent: 1, received: 1 }],
      ["10.0.2.1", { size: 1400 }, { sent: 1, received: 1 }],
      ["10.0.2.1", { size: 1401 }, { sent: 1, received: 0, fragNeeded: 1400 }],
      ["10.0.2.1", { size: 1401 }, { sent: 1, received: 0, fragNeeded: 1400 }],
      ["10.0.2.1", { size: 1401, df: "path" }, { sent: 0, received: 0, error: "EMSGSIZE", mtu: 1400 }],
      ["10.0.2.1", { size: 1401, df: false }, { sent: 1, received: 1 }],
      ["10.0.2.9", { timeout: 50 }, { sent: 1, received: 0 }],
      ["192.0.2.1", { timeout: 500 }, { sent: 1, received: 0, error: "unreachable" }],
      ["fd01::2", { size: 1500 }, { sent: 1, received: 1 }],
      ["fd01::2", { size: 1501 }, { sent: 0, received: 0, error: "EMSGSIZE", mtu: 1500 }],
      ["fd02::1", { size: 1400 }, { sent: 1, received: 1 }],
      ["fd02::1", { size: 1401 }, { sent: 1, received: 0, fragNeeded: 1400 }],
      ["fd02::1", { size: 1401, df: false }, { sent: 1, received: 1 }],
      ["2001:db8::1", { timeout: 500 }, { sent: 1, received: 0, error: "unreachable" }],
    ];
    for (const [address, options, result] of expected) {
      const { ms: _, ...got } = await ping(path.left.fd, address, options);
      assert.deepEqual(got, result, `${address} ${JSON.stringify(options)}`);
    }
    const empty = await TestNamespace.create();
    assert.equal((await ping(empty.fd, "10.0.2.1")).error, "ENETUNREACH");
    await empty.end();
  });

  it("agrees with ping -M do", async function () {
    needs(this, "ping");
    await using path = await Path.make();
    for (const [address, header] of [
      ["10.0.2.1", 28],
      ["fd02::1", 48],
    ] as const)
      for (const size of [1399, 1400, 1401]) {
        const args = [
          "netns",
          "exec",
          path.left.name ?? "",
          "ping",
          "-c1",
          "-W1",
          "-Mdo",
          `-s${size - header}`,
          address,
        ];
        const other = spawnSync("ip", args).status === 0;
        assert.equal((await ping(path.left.fd, address, { size })).received === 1, other, `${address} ${size}`);
      }
  });

  it("stops when it is told to", async () => {
    await using netns = await TestNamespace.create();
    const signal = AbortSignal.timeout(30);
    ip("-n", netns.name ?? "", "link", "add", "v0", "type", "veth", "peer", "name", "v1");
    for (const device of ["v0", "v1"]) ip("-n", netns.name ?? "", "link", "set", device, "up");
    ip("-n", netns.name ?? "", "addr", "add", "10.0.0.1/24", "dev", "v0");
    const start = performance.now();
    await assert.rejects(ping(netns.fd, "10.0.0.2", { timeout: 5000, signal }), { name: "TimeoutError" });
    assert(performance.now() - start < 1000);
  });

  const wrong: readonly (readonly [string, PingOptions])[] = [
    ["vm.example", {}],
    ["10.0.0.1/24", {}],
    ["fe80::1%eth0", {}],
    ["10.0.0.1", { size: 27 }],
    ["::1", { size: 47 }],
    ["10.0.0.1", { size: 65_536 }],
    ["10.0.0.1", { count: 0 }],
    ["10.0.0.1", { size: 84.5 }],
  ];
  for (const [address, options] of wrong)
    it(`refuses ${address} ${JSON.stringify(options)}`, async () => {
      await assert.rejects(ping(-1, address, options), /^(TypeError|RangeError): cannot ping/);
    });
});

describe("testkit: guests", () => {
  before(function () {
    needs(this, "ip");
  });

  async function withGuests(step: (left: Guest, right: Guest) => Promise<void>): Promise<void> {
    await using path = await Path.make();
    await step(await path.left.guest(), await path.right.guest());
  }

  it("talk TLS, and believe the right chain only", () =>
    withGuests(async (left, right) => {
      const chain = makeChain({ addresses: ["10.0.2.1", "fd02::1"] });
      const { port } = await right.listenTls(chain);
      for (const address of ["10.0.2.1", "fd02::1"]) {
        const { ok, received, error } = await left.tls(address, port, 3000, chain.root);
        assert.deepEqual([ok, error], [true, undefined], address);
        assert(received > chain.bytes, "the whole chain was on the wire");
      }
      const other = makeChain({ addresses: ["10.0.2.7"] });
      const { port: second } = await right.listenTls(other);
      assert.equal((await left.tls("10.0.2.1", second, 3000, other.root)).error, "ERR_TLS_CERT_ALTNAME_INVALID");
      assert.equal((await left.tls("10.0.2.1", second, 3000, chain.root)).ok, false);
      assert.equal((await left.tls("10.0.2.1", second)).ok, true);
    }));

  it("answer with exactly as many bytes as were asked for", () =>
    withGuests(async (left, right) => {
      const { port } = await right.serve();
      for (const size of [1, 1402, 1403, 1448, 1449, 1_000_000]) {
        const { ok, received } = await left.fetch("10.0.2.1", port, size);
        assert.deepEqual({ ok, received }, { ok: true, received: size });
      }
      const { port: second } = await right.serve(0, [10, 20]);
      assert.equal((await left.fetch("10.0.2.1", second, 10)).received, 10);
      assert.equal((await left.fetch("10.0.2.1", second, 20)).received, 20);
      const short = await left.fetch("10.0.2.1", second, 11, 100);
      assert.deepEqual([short.ok, short.received, short.error], [false, 10, "ETIMEDOUT"]);
    }));

  it("echo TCP and UDP", () =>
    withGuests(async (left, right) => {
      const tcp = await right.echoTcp();
      assert.equal((await left.sendTcp("10.0.2.1", tcp.port, 1 << 20)).received, 1 << 20);
      const udp = await right.listenUdp();
      assert.equal((await left.udp("10.0.2.1", udp.port, 1300)).received, 1300);
      const six = await right.listenUdp(0, 6);
      assert.equal((await left.udp("fd02::1", six.port, 1300)).received, 1300);
    }));

  it("tell what went wrong", () =>
    withGuests(async (left, right) => {
      assert.equal((await left.fetch("10.0.2.1", 9, 1)).error, "ECONNREFUSED");
      assert.equal((await left.fetch("10.0.2.9", 9, 1, 100)).error, "ETIMEDOUT");
      assert.equal((await left.udp("10.0.2.9", 9, 1, 100)).error, "ETIMEDOUT");
      const { port } = await right.listenUdp();
      await assert.rejects(right.listenUdp(port), { name: "GuestError", code: "EADDRINUSE" });
      await assert.rejects(right.listenTls({ chain: "nonsense", key: "nonsense" }), { name: "GuestError" });
    }));

  it("end at once, with whatever is under way, and leave nothing", async () => {
    const check = leakCheck();
    await withGuests(async (left, right) => {
      const waiting = left.fetch("10.0.2.9", 9, 1, 60_000);
      await right.echoTcp();
      const start = performance.now();
      await left.close();
      await left.close();
      assert(performance.now() - start < 500);
      assert.equal((await waiting).error, "ECANCELED");
      await assert.rejects(left.echoTcp(), { code: "ERR_GUEST_ENDED" });
    });
    await check();
  });
});
