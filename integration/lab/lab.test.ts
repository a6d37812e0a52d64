import assert from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { derive } from "../../lib/fabric/fabric.ts";
import { Netns } from "../../lib/netns/netns.ts";
import { desiredOf, parseSource, readSource, verify } from "../../lib/state/index.ts";
import { assertSandboxed, Lab, leakCheck, makeChain } from "../../lib/testkit/index.ts";
import { needs } from "../../test/needs.ts";
import { type Encapsulated, listen, takeApart } from "./cable.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const example = (name: string): string => join(dirname(root), "examples", `${name}.yaml`);
const compiledLab = join(root, "lib/testkit/lab.js");

async function until<T>(what: string, look: () => T | undefined): Promise<T> {
  for (let tries = 0; tries < 400; tries++) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`there was no ${what}`);
}

describe("lab", function () {
  this.timeout(30_000);
  before(() => assertSandboxed());
  let check: () => Promise<void>;
  beforeEach(() => {
    check = leakCheck();
  });
  // Namespaces, descriptors, threads' sockets, processes: all gone.
  afterEach(() => check());

  it("brings the founding story up: guests reach each other and the internet, and hosts are as the document says", async () => {
    const source = await readSource(example("two-hosts"));
    await using lab = await Lab.up(source);
    assert.deepEqual(lab.names, ["bm1", "bm2", "vm1", "vm2", "underlay", "internet"]);
    const vm1 = await lab.guest("vm1").node.worker();
    assert.equal((await vm1.ping("12.12.139.12", { size: 1450 })).received, 1);
    assert.equal((await vm1.ping("12.12.139.12", { size: 1451 })).error, "EMSGSIZE");
    assert.equal((await vm1.ping("203.0.113.80")).received, 1);
    for (const name of ["bm1", "bm2"]) {
      const { ok, plan } = await verify(lab.host(name), desiredOf(derive(source, name)));
      assert.deepEqual([ok, plan.steps], [true, []]);
    }
  });

  it("brings an overlay over another one up on a large underlay: what is made on a bridge waits until that has grown", async () => {
    const document = `linkwright: 1
hosts: { bm1: { underlay: up0, vtep: 192.0.2.1 }, bm2: { underlay: up0, vtep: 192.0.2.2 } }
overlays:
  vm: { vni: 39, gateway: { bm1: [10.9.0.1/24], bm2: [10.9.0.2/24] } }
  pods: { vni: 40, over: vm, gateway: { bm1: [10.40.0.1/24], bm2: [10.40.0.2/24] } }
guests: { on: br-pods, mtu: auto }
`;
    await using lab = await Lab.up(parseSource(document, "stacked.yaml"), { underlayMtu: 9000 });
    assert.equal((await lab.host("bm1").links.get("vx-pods"))?.mtu, 8900);
    const vm1 = await lab.guest("vm1").node.worker();
    assert.equal((await vm1.ping(lab.guest("vm2").addresses[0] ?? "", { size: 8900, timeout: 5000 })).received, 1);
  });

  it("lets nothing home from the internet but through NAT", async () => {
    await using lab = await Lab.up(example("two-hosts"));
    const vm1 = await lab.guest("vm1").node.worker();
    await lab.host("bm1").nftables.delete("inet", "linkwright");
    assert.equal((await vm1.ping("203.0.113.80", { timeout: 300 })).received, 0);
  });

  it("brings three hosts up, with two guests each", async () => {
    await using lab = await Lab.up(example("three-hosts"), { guestsPerHost: 2 });
    assert.deepEqual(lab.guests, ["vm1", "vm2", "vm3", "vm4", "vm5", "vm6"]);
    const vm1 = await lab.guest("vm1").node.worker();
    for (const name of lab.guests.slice(1)) {
      const [address = ""] = lab.guest(name).addresses;
      assert.equal((await vm1.ping(address, { size: 1450, timeout: 2000 })).received, 1, name);
    }
  });

  it("brings up on an underlay of another size, with guests of what fits then", async () => {
    await using lab = await Lab.up(example("two-hosts"), { underlayMtu: 9000 });
    const vm1 = await lab.guest("vm1").node.worker();
    assert.equal((await vm1.ping("12.12.139.12", { size: 8950 })).received, 1);
    assert.equal((await vm1.ping("12.12.139.12", { size: 8951 })).error, "EMSGSIZE");
  });

  it("changes the guests' MTU and offloads", async () => {
    await using lab = await Lab.up(example("two-hosts"), { guestMtu: 1500, gso: false });
    const { node } = lab.guest("vm1");
    assert.equal((await node.host.links.get("eth0"))?.mtu, 1500);
    const off = (await node.host.ethtool.features("eth0")).features.get("tx-tcp-segmentation");
    assert.equal(off?.active, false);
    await lab.setGuestMtu(1400);
    await lab.setGso(true);
    assert.equal((await node.host.links.get("eth0"))?.mtu, 1400);
    assert.equal((await lab.host("bm1").links.get("vm1"))?.mtu, 1400);
    const on = (await node.host.ethtool.features("eth0")).features.get("tx-tcp-segmentation");
    assert.equal(on?.active, true);
  });

  it("shows the story's hang, and its end", async () => {
    await using lab = await Lab.up(example("two-hosts"), { guestMtu: 1500, gso: false });
    const [vm1, vm2] = [await lab.guest("vm1").node.worker(), await lab.guest("vm2").node.worker()];
    const { root: ca, chain, key } = makeChain({ addresses: ["12.12.139.12"], size: 5000 });
    const { port } = await vm2.listenTls({ chain, key });
    assert.equal((await vm1.tls("12.12.139.12", port, 1500, ca)).error, "ETIMEDOUT");
    await lab.setGuestMtu(1450);
    await lab.forgetPaths();
    assert.deepEqual((await vm1.tls("12.12.139.12", port, 3000, ca)).ok, true);
  });

  it("counts what passes the cables", async () => {
    await using lab = await Lab.up(example("two-hosts"));
    const vm1 = await lab.guest("vm1").node.worker();
    await vm1.ping("12.12.139.12");
    const before = await lab.cable("bm1");
    await vm1.ping("12.12.139.12", { count: 5 });
    const after = await lab.cable("bm1");
    assert.ok(Number(after.rxPackets) - Number(before.rxPackets) >= 5);
    await assert.rejects(() => lab.cable("bm9"), { code: "ERR_LAB_NODE" });
  });

  it("names what it has when asked for what it has not", async () => {
    await using lab = await Lab.up(example("two-hosts"));
    assert.throws(() => lab.guest("vm9"), /no guest vm9; it has vm1, vm2/);
    assert.throws(() => lab.host("vm1"), /no host vm1; it has bm1, bm2/);
    assert.throws(() => lab.node("x"), /it has bm1, bm2, vm1, vm2, underlay, internet/);
  });

  it("stands under /run/netns where it is told to, and only as long as it is up", async () => {
    const lab = await Lab.up(example("two-hosts"), { named: true });
    assert.deepEqual(Netns.list(), ["bm1", "bm2", "internet", "underlay", "vm1", "vm2"]);
    await lab.down();
    await lab.down();
    assert.deepEqual(Netns.list(), []);
  });

  it("leaves nothing behind when it cannot come up", async () => {
    await Netns.create("vm2").then((taken) => taken.close());
    try {
      await assert.rejects(() => Lab.up(example("two-hosts"), { named: true }), { code: "EEXIST" });
      assert.deepEqual(Netns.list(), ["vm2"]);
    } finally {
      await Netns.remove("vm2");
    }
  });

  for (const version of [4, 6] as const)
    it(`wraps guests' packets as RFC 7348 says, over IPv${version}`, async function () {
      needs(this, "python3");
      await using lab = await Lab.up(example(version === 4 ? "two-hosts" : "two-hosts-ipv6"));
      const cable = await listen(lab.underlay, "port1");
      try {
        const vm1 = await lab.guest("vm1").node.worker();
        const size = version === 4 ? 1450 : 1430;
        assert.equal((await vm1.ping("12.12.139.12", { size, timeout: 2000 })).received, 1);
        const isPing = (one: Encapsulated): boolean =>
          one.inner.readUInt16BE(12) === 0x0800 && one.inner[23] === 1 && one.inner.readUInt16BE(16) === size;
        const find = (from: string) => () =>
          cable.frames.map(takeApart).find((one) => one !== undefined && one.from === from && isPing(one));
        const ends =
          version === 4 ? ["192.168.0.23", "192.168.0.24"] : ["fd00:192:168:0:0:0:0:23", "fd00:192:168:0:0:0:0:24"];
        for (const [from = "", to = ""] of [ends, [...ends].reverse()]) {
          const packet = await until(`ping from ${from}`, find(from));
          const { inner, ...outer } = packet;
          assert.deepEqual(outer, { version, from, to, dstport: 4789, flags: 8, vni: 39, length: 1500 });
          assert.equal(inner.subarray(26, 30).join("."), from === ends[0] ? "12.12.139.11" : "12.12.139.12");
        }
      } finally {
        await cable.close();
      }
    });

  it("refuses to come up outside of a sandbox", () => {
    const script = `import { Lab } from ${JSON.stringify(compiledLab)};
      await Lab.up(${JSON.stringify(example("two-hosts"))}).then(() => process.exit(9), (error) => console.log(error.code));`;
    const own = String(readdirSync("/run/netns").length);
    const inode = spawnSync("stat", ["-L", "-c", "%i", "/proc/self/ns/net"], { encoding: "utf8" }).stdout.trim();
    for (const variable of ["", inode]) {
      const env = { ...process.env, LINKWRIGHT_SANDBOX: variable };
      const { status, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
        encoding: "utf8",
        env,
      });
      assert.deepEqual([status, stdout], [0, "ERR_NOT_SANDBOXED\n"]);
    }
    assert.equal(String(readdirSync("/run/netns").length), own);
  });

  it("starts no program", function () {
    needs(this, "strace");
    const script = `import { Lab } from ${JSON.stringify(compiledLab)};
      const lab = await Lab.up(${JSON.stringify(example("two-hosts"))}); await lab.guest("vm1").node.worker(); await lab.down();`;
    const scratch = mkdtempSync(join(tmpdir(), "linkwright-test-"));
    writeFileSync(join(scratch, "lab.mjs"), script);
    const traced = ["-f", "-e", "trace=execve,execveat", process.execPath, join(scratch, "lab.mjs")];
    const { status, stderr } = spawnSync("strace", traced, { encoding: "utf8" });
    rmSync(scratch, { recursive: true });
    assert.equal(status, 0, stderr);
    assert.equal(stderr.match(/exec(ve|veat)\(/g)?.length, 1, stderr);
  });
});
