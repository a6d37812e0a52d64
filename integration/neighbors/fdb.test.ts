import { deepEqual, equal, rejects } from "node:assert/strict";
import type { FdbConfig, FdbEntry } from "../../lib/neighbors/entry.ts";
import { ZERO_MAC } from "../../lib/neighbors/zero-mac.ts";
import { load, needs, skip } from "../../test/needs.ts";
import { type Scene, scene, sorted } from "../routes/kit.ts";
import { asBridge } from "./fdb-oracle.ts";

async function agree({ fdb, json }: Scene, dev?: string): Promise<readonly FdbEntry[]> {
  const ours = await fdb.list(dev === undefined ? {} : { dev });
  const theirs = await json(`bridge -json fdb show ${dev === undefined ? "" : `dev ${dev}`}`);
  deepEqual(sorted(ours.map(asBridge)), sorted(theirs.map((one) => ({ ...(dev ? { ifname: dev } : {}), ...one }))));
  return ours;
}

/** Without those that a bridge of a kernel with VLANs makes besides, one for each VLAN of the port. */
const asked = (list: readonly FdbEntry[]): number => list.filter(({ vlan }) => vlan === undefined).length;

const OURS: readonly FdbConfig[] = [
  { mac: ZERO_MAC, dev: "vx0", dst: "192.0.2.12" },
  { mac: "02:00:00:00:01:01", dev: "vx0", dst: "192.0.2.13", port: 4790, vni: 77, via: "d0", state: "static" },
  { mac: "02:00:00:00:01:02", dev: "vx0", dst: "192.0.2.14", state: "dynamic", externLearn: true },
  { mac: "02:00:00:00:01:03", dev: "vx0", master: true, state: "static", sticky: true },
  { mac: "02:00:00:00:01:04", dev: "d1", master: true, state: "dynamic", externLearn: true },
  { mac: "02:00:00:00:01:05", dev: "d1", master: "br0" },
  { mac: "02:00:00:00:01:06", dev: "br0" },
];

describe("forwarding entries beside bridge", () => {
  before(function () {
    needs(this, "ip", "bridge");
  });

  it("are told alike, whoever made them", async () => {
    await using here = await scene();
    const before = await agree(here);
    for (const config of OURS) await here.fdb.create(config);
    equal(asked(await agree(here)), asked(before) + OURS.length);
    for (const dev of ["vx0", "d1", "br0"]) await agree(here, dev);
    for (const config of OURS) await here.fdb.delete(config);
    deepEqual(sorted((await agree(here)).map(asBridge)), sorted(before.map(asBridge)));
    await here.sh(`
      bridge fdb append 00:00:00:00:00:00 dev vx0 dst 192.0.2.12 self permanent
      bridge fdb append 00:00:00:00:00:00 dev vx0 dst 192.0.2.13 port 4790 self permanent
      bridge fdb add 02:00:00:00:01:01 dev vx0 dst 192.0.2.13 vni 77 via d0 self static
      bridge fdb add 02:00:00:00:01:02 dev d1 master static
      bridge fdb add 02:00:00:00:01:03 dev d1 master dynamic extern_learn`);
    equal(asked(await agree(here)), asked(before) + 5);
    const inBridge = await here.fdb.list({ master: "br0" });
    equal(
      inBridge.every(({ master, dev }) => master === "br0" || dev === "br0"),
      true,
    );
    equal(
      inBridge.some(({ mac }) => mac === "02:00:00:00:01:02"),
      true,
    );
  });

  it("of the all-zero address are appended and deleted one by one", async () => {
    await using here = await scene();
    const { fdb } = here;
    deepEqual(await fdb.remotes("vx0"), []);
    deepEqual(await fdb.setRemotes("vx0", ["192.0.2.12", "192.0.2.13"]), {
      added: ["192.0.2.12", "192.0.2.13"],
      removed: [],
    });
    deepEqual(await fdb.setRemotes("vx0", ["192.0.2.13", "192.0.2.12"]), { added: [], removed: [] });
    deepEqual(await fdb.setRemotes("vx0", ["192.0.2.13", "192.0.2.14"]), {
      added: ["192.0.2.14"],
      removed: ["192.0.2.12"],
    });
    deepEqual((await fdb.remotes("vx0")).sort(), ["192.0.2.13", "192.0.2.14"]);
    // One with a port of its own is another one: it goes, the plain one comes first.
    await fdb.append({ mac: ZERO_MAC, dev: "vx0", dst: "192.0.2.15", port: 9999 });
    deepEqual(await fdb.setRemotes("vx0", ["192.0.2.13", "192.0.2.15"]), {
      added: ["192.0.2.15"],
      removed: ["192.0.2.14", "192.0.2.15"],
    });
    await agree(here, "vx0");
    await fdb.append("vx0", { mac: ZERO_MAC, dst: "192.0.2.15" }); // once more is no error
    await fdb.delete("vx0", { mac: ZERO_MAC, dst: "192.0.2.99" }); // nor is an absent one
    await fdb.setRemotes("vx0", []);
    deepEqual(await fdb.remotes("vx0"), []);
  });

  it("extend the remote that a VXLAN was made with", async () => {
    await using here = await scene();
    await here.sh("ip link add name vx6 type vxlan id 40 dstport 4789 remote 2001:db8::9 local 2001:db8::1");
    deepEqual(await here.fdb.remotes("vx6"), ["2001:db8::9"]);
    await here.fdb.setRemotes("vx6", ["2001:DB8:0::9", "2001:db8::a"]);
    deepEqual((await here.fdb.remotes("vx6")).sort(), ["2001:db8::9", "2001:db8::a"]);
    await agree(here, "vx6");
  });

  it("keep the remotes of each VNI of an external VXLAN apart", async function () {
    await using here = await scene();
    const { fdb, sh } = here;
    await sh(`
      ip link add name vx9 type vxlan dstport 4790 external vnifilter
      ip link set vx9 up
      bridge vni add dev vx9 vni 3910
      bridge vni add dev vx9 vni 3920`).catch((error: Error) => skip(this, `no vnifilter here: ${error.message}`));
    await fdb.setRemotes("vx9", ["192.0.2.12"], { srcVni: 3910 });
    await fdb.setRemotes("vx9", ["192.0.2.12", "192.0.2.13"], { srcVni: 3920 });
    await fdb.setRemotes("vx9", ["192.0.2.13"], { srcVni: 3920 });
    deepEqual(await fdb.remotes("vx9", { srcVni: 3910 }), ["192.0.2.12"]);
    deepEqual(await fdb.remotes("vx9", { srcVni: 3920 }), ["192.0.2.13"]);
    await agree(here, "vx9");
  });

  it("are refused in people's words", async () => {
    await using here = await scene();
    const { fdb } = here;
    await fdb.append("vx0", { mac: ZERO_MAC, dst: "192.0.2.12" });
    await rejects(fdb.create("vx0", { mac: ZERO_MAC, dst: "192.0.2.12" }), {
      code: "EEXIST",
      message: /^cannot add forwarding entry 00:00:00:00:00:00 dst 192\.0\.2\.12 on vx0: .*\(EEXIST, at dst\)$/,
    });
    await rejects(fdb.create("vx0", { mac: "02:00:00:00:00:01", dst: "2001:db8::1" }), {
      code: "EAFNOSUPPORT",
      message: /\(EAFNOSUPPORT, at dst\)$/,
    });
    await rejects(fdb.delete("vx0", { mac: "02:00:00:00:00:01", dst: "192.0.2.1" }), { code: "ENOENT" });
    await rejects(fdb.delete("vx0", { mac: ZERO_MAC }), { code: "ERR_INPUT", path: ["dst"] });
    await rejects(fdb.setRemotes("vx0", ["192.0.2.300"]), { code: "ERR_INPUT", path: ["addresses"] });
    await rejects(fdb.create("d0", { mac: "02:00:00:00:00:01", master: true }), { code: "EOPNOTSUPP" });
  });

  it("a hundred thousand are listed completely, and streamed", async function () {
    load(this);
    this.timeout(60_000);
    await using here = await scene();
    const hex = (byte: number): string => byte.toString(16).padStart(2, "0");
    const many = Array.from({ length: 100_000 }, (_, i) => ({
      mac: `06:00:00:${hex(i >> 16)}:${hex((i >> 8) & 255)}:${hex(i & 255)}`,
      dev: "vx0",
      dst: `192.0.2.${(i % 250) + 1}`,
    }));
    deepEqual((await here.fdb.batch("append", many)).filter(Boolean), []);
    const found = (await here.fdb.list({ dev: "vx0" })).filter(({ mac }) => mac.startsWith("06:"));
    equal(new Set(found.map(({ mac }) => mac)).size, many.length);
    // The kernel may tell an entry twice where it goes on with the next datagram, so entries are counted by address.
    const streamed = new Set<string>();
    for await (const part of here.fdb.stream({ dev: "vx0" }))
      for (const { mac } of part) if (mac.startsWith("06:")) streamed.add(mac);
    equal(streamed.size, many.length);
  });
});
