import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import type { SysctlError } from "../../lib/sysctl/error.ts";
import { Sysctls } from "../../lib/sysctl/sysctl.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import { load, needs } from "../../test/needs.ts";

const run = (...args: readonly string[]): string => execFileSync("ip", args, { encoding: "utf8" }).trim();
const cat = (name: string, path: string): string => run("netns", "exec", name, "cat", `/proc/sys/net/${path}`);

describe("sysctl: in namespaces", () => {
  before(function () {
    needs(this, "ip");
  });

  it("keeps two namespaces apart, 2,000 reads and writes in turn", async function () {
    load(this);
    await using blue = await TestNamespace.create();
    await using red = await TestNamespace.create();
    for (const { name } of [blue, red])
      run("-n", name ?? "", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1");
    const sides = [blue, red].map((netns) => ({ sysctls: new Sysctls(netns.fd), name: netns.name ?? "", value: 0 }));
    const key = "net.ipv4.conf.eth0.arp_ignore";
    for (let i = 0; i < 1000; i++) {
      const side = sides[i % 2];
      assert(side);
      side.value = (i * 5 + (i % 2)) % 9;
      await side.sysctls.set(key, side.value);
      for (const { sysctls, value } of sides) assert.equal(await sysctls.get(key), String(value));
    }
    for (const { name, value } of sides) assert.equal(cat(name, "ipv4/conf/eth0/arp_ignore"), String(value));
  });

  it("reaches an interface with dots in its name in every notation", async () => {
    await using netns = await TestNamespace.create();
    const sysctls = new Sysctls(netns.fd);
    run("-n", netns.name ?? "", "link", "add", "a.b..c", "type", "bridge");
    const keys = [
      "net.ipv4.conf.a/b//c.rp_filter",
      "net/ipv4/conf/a.b..c/rp_filter",
      ["net", "ipv4", "conf", "a.b..c", "rp_filter"],
    ];
    for (const [i, key] of keys.entries()) {
      await sysctls.set(key, (i + 1) % 3);
      assert.equal(cat(netns.name ?? "", "ipv4/conf/a.b..c/rp_filter"), String((i + 1) % 3));
    }
    assert((await sysctls.list("net.ipv4.conf")).includes("net.ipv4.conf.a/b//c.rp_filter"));
  });

  it("lists what find finds", async () => {
    await using netns = await TestNamespace.create();
    const found = run("netns", "exec", netns.name ?? "", "find", "/proc/sys/net", "-type", "f");
    const paths = found.split("\n").map((path) => path.slice("/proc/sys/".length));
    const listed = (await new Sysctls(netns.fd).list()).map((key) =>
      key
        .split(".")
        .map((part) => part.replaceAll("/", "."))
        .join("/"),
    );
    assert.deepEqual(listed.sort(), paths.sort());
  });

  it("goes back to a snapshot, with what a write rewrote", async () => {
    await using netns = await TestNamespace.create();
    const sysctls = new Sysctls(netns.fd);
    run("-n", netns.name ?? "", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1");
    const everything = async (): Promise<string> =>
      JSON.stringify(
        await sysctls.snapshot([...(await sysctls.list("net.ipv4.conf")), "net.ipv6.conf.eth0.forwarding"]),
      );
    await sysctls.set("net.ipv4.conf.eth1.forwarding", 1);
    const before = await everything();
    const saved = await sysctls.snapshot(["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"]);
    await sysctls.set("net.ipv4.ip_forward", 1);
    await sysctls.set("net.ipv6.conf.all.forwarding", 1);
    await sysctls.set("net.ipv4.ip_forward", 0);
    assert.notEqual(await everything(), before);
    assert.deepEqual((await sysctls.restore(saved)).vanished, []);
    assert.equal(await everything(), before);
    assert.deepEqual(await sysctls.restore(saved), { restored: [], vanished: [] });
    run("-n", netns.name ?? "", "link", "del", "eth0");
    assert((await sysctls.restore(saved)).vanished.includes("net.ipv4.conf.eth0.forwarding"));
  });

  it("puts the others back where one cannot be, and names each that could not", async () => {
    await using netns = await TestNamespace.create();
    const sysctls = new Sysctls(netns.fd);
    const saved = [
      { key: "net.ipv4.conf.lo.mc_forwarding", value: "1" },
      { key: "net.ipv6.conf.lo.mc_forwarding", value: "1" },
      { key: "net.ipv4.conf.lo.proxy_arp", value: "1" },
    ];
    await assert.rejects(sysctls.restore(saved), ({ code, key, message }: SysctlError) => {
      assert.deepEqual([code, key], ["EACCES", saved[0]?.key]);
      assert.match(
        message,
        /^cannot restore net\.ipv4\.conf\.lo\.mc_forwarding: .*; cannot restore net\.ipv6\.conf\.lo\.mc/,
      );
      return true;
    });
    assert.equal(await sysctls.get("net.ipv4.conf.lo.proxy_arp"), "1");
  });

  it("answers calls under way at the same time each with its own, and changes in their order", async () => {
    await using netns = await TestNamespace.create();
    const sysctls = new Sysctls(netns.fd);
    const keys = await sysctls.list("net.ipv4.neigh.lo");
    const alone: string[] = [];
    for (const key of keys) alone.push(await sysctls.get(key).catch(String));
    assert(new Set(alone).size > 5);
    for (let i = 0; i < 20; i++)
      assert.deepEqual(await Promise.all(keys.map((key) => sysctls.get(key).catch(String))), alone);
    // A forwarding of all rewrites that of each: only in this order is the last one 0.
    for (let i = 0; i < 50; i++) {
      const said = await Promise.all([
        sysctls.set("net.ipv4.ip_forward", 0),
        sysctls.set("net.ipv4.ip_forward", 1),
        sysctls.set("net.ipv4.conf.lo.forwarding", 0),
      ]);
      assert.deepEqual(said, ["0", "1", "0"]);
      assert.equal(await sysctls.get("net.ipv4.conf.lo.forwarding"), "0");
    }
    // One that fails does not hold up the next.
    const failed = sysctls.set("net.ipv4.conf.eth9.forwarding", 1);
    const after = sysctls.set("net.ipv4.ip_forward", 0);
    await assert.rejects(failed, { code: "ENOENT" });
    assert.equal(await after, "0");
  });

  it("says what is in force", async () => {
    await using netns = await TestNamespace.create();
    const sysctls = new Sysctls(netns.fd);
    run("-n", netns.name ?? "", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1");
    await sysctls.set("net.ipv4.conf.all.rp_filter", 2);
    await sysctls.set("net.ipv4.conf.eth0.rp_filter", 1);
    assert.equal(await sysctls.inForce("eth0", "rp_filter"), 2);
  });

  const errors: readonly (readonly [string, string, string | number, string, string | undefined, RegExp])[] = [
    ["an interface that is not there", "net.ipv4.conf.eth9.rp_filter", 0, "ENOENT", "interface", /no interface "eth9"/],
    ["a slip of the pen", "net.ipv4.ip_foward", 0, "ENOENT", "key", /did you mean ip_forward/],
    ["a group", "net.ipv4.conf", 0, "EISDIR", undefined, /a group/],
    ["what the kernel refuses", "net.ipv4.ip_local_port_range", "x y", "EINVAL", undefined, /refused "x y"/],
    [
      "what the kernel does not know",
      "net.ipv4.tcp_congestion_control",
      "nope",
      "EINVAL",
      undefined,
      /not know "nope"/,
    ],
    ["what the kernel never sees", "net.ipv4.ip_forward", 7, "ERR_SYSCTL_RANGE", undefined, /expected 0\.\.1, got 7/],
  ];
  for (const [title, key, value, code, missing, words] of errors)
    it(`explains ${title}`, async () => {
      await using netns = await TestNamespace.create();
      await assert.rejects(new Sysctls(netns.fd).set(key, value), {
        code,
        message: words,
        ...(missing ? { missing } : {}),
      });
    });

  it("tells when the kernel takes another value than it was given", async () => {
    await using netns = await TestNamespace.create();
    const sysctls = new Sysctls(netns.fd);
    // The kernel keeps milliseconds in ticks of its clock, and takes what it can keep.
    const drift = sysctls.set("net.ipv4.neigh.lo.retrans_time_ms", 1003);
    const error = await drift.catch((reason: unknown) => reason);
    const kept = cat(netns.name ?? "", "ipv4/neigh/lo/retrans_time_ms");
    if (kept === "1003") assert.equal(error, "1003");
    else assert.deepEqual({ ...(error as object) }, { ...(error as object), code: "ERR_SYSCTL_DRIFT", actual: kept });
  });
});
