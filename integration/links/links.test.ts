import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { Host } from "../../lib/host.ts";
import { Links } from "../../lib/links/links.ts";
import { newlink } from "../../lib/links/schema.ts";
import type { Link, LinkConfig } from "../../lib/links/words.ts";
import { Netns } from "../../lib/netns/netns.ts";
import { InputError } from "../../lib/shape/shape.ts";
import { Connection, NetlinkError } from "../../lib/socket/index.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "../../lib/wire/index.ts";
import { needs, skip } from "../../test/needs.ts";
import { isTooNew, scene } from "./kit.ts";
import { agree } from "./oracle.ts";

const UNDER =
  "ip link set lo up; ip link add under type veth peer name under1; ip link set under up; ip link set under1 up";

describe("links", () => {
  const REFUSED: readonly (readonly [config: LinkConfig, code: string, at: string | undefined, words: RegExp])[] = [
    [{ kind: "vxlan", name: "v", vni: 39 }, "EEXIST", "vni", /specified VNI already exists/],
    [{ kind: "vxlan", name: "taken", vni: 40 }, "EEXIST", "name", /file already exists/],
    [{ kind: "vxlan", name: "v", vni: 1, label: 5 }, "EINVAL", undefined, /IPv6/],
    [{ kind: "vxlan", name: "v", vni: 1, local: "239.1.1.1" }, "EINVAL", undefined, /cannot be multicast/],
    [{ kind: "bridge", name: "v", master: "b" }, "ELOOP", undefined, /bridge to a bridge/],
    [{ kind: "bridge", name: "v", hello: 0.5 }, "ERANGE", undefined, /cannot create link v: /],
    [{ kind: "bridge", name: "v", groupFwdMask: 1 }, "EINVAL", undefined, /cannot create link v: /],
    [
      { kind: "bridge", name: "v", mtu: 68, alias: "x", altnames: ["taken"] },
      "EEXIST",
      "altnames",
      /cannot create link v/,
    ],
    [
      { kind: "vxlan", name: "v", vni: 1, master: "b", port: { state: "blocking" } },
      "ENETDOWN",
      "port.state",
      /network is down/,
    ],
    [{ kind: "veth", name: "v", peer: { name: "taken" } }, "EEXIST", undefined, /cannot create link v/],
    [{ kind: "bridge", name: "v", index: 1 }, "EEXIST", undefined, /cannot create link v/],
  ];
  for (const [config, code, at, words] of REFUSED)
    it(`tells why it cannot make ${JSON.stringify(config)}, and leaves nothing behind`, async () => {
      await using made = await scene(
        `${UNDER}; ip link add name b type bridge; ip link add name taken type vxlan id 39 dstport 4789`,
      );
      await rejects(made.links.create(config), (error) => {
        ok(error instanceof NetlinkError, String(error));
        deepEqual([error.code, error.attribute], [code, at]);
        ok(/^RTM_(NEW|SET)LINK/.test(error.request), error.request);
        ok(words.test(error.message), error.message);
        ok(error.cause instanceof NetlinkError);
        return true;
      });
      equal(await made.links.get("v"), undefined);
    });

  it("says which property names a link that is not there", async () => {
    await using made = await scene("ip link add name b type bridge");
    const { links } = made;
    const refused = async (config: LinkConfig, path: string): Promise<void> => {
      await rejects(links.create(config), (error) => error instanceof InputError && error.path.join(".") === path);
    };
    await refused({ kind: "vxlan", name: "v", vni: 1, dev: "nope" }, "v.dev");
    await refused({ kind: "vxlan", name: "v", vni: 1, master: "nope" }, "v.master");
    await refused({ kind: "vxlan", name: "v", vni: 1, master: "b", port: { backupPort: "nope" } }, "v.port.backupPort");
    await rejects(links.update("nope", { mtu: 1400 }), (error) => error instanceof NetlinkError && error.absent);
    await rejects(
      links.delete("nope"),
      (error) => error instanceof NetlinkError && error.absent && error.attribute === "name",
    );
    await rejects(links.indexOf("nope"), InputError);
    await rejects(links.delete("lo"), (error) => error instanceof NetlinkError && error.code === "EOPNOTSUPP");
    await rejects(links.update("b", { port: { cost: 7 } }), /no port of a bridge/);
  });

  it("makes a link of a kind, or tells that this kernel has none of it", async () => {
    await using made = await scene();
    const { links } = made;
    try {
      await links.create({ kind: "dummy", name: "d" });
      equal((await links.get("d"))?.kind, "dummy");
    } catch (error) {
      ok(error instanceof NetlinkError);
      equal(error.message, "cannot create link d: Unknown device type (EOPNOTSUPP, at kind)");
    }
  });

  it("makes a link with the number that is asked for, here and elsewhere", async () => {
    await using made = await scene("ip netns list");
    await using there = await TestNamespace.create();
    equal(await made.links.create({ kind: "bridge", name: "v", index: 4321, up: true }), 4321);
    equal((await made.links.get("v"))?.index, 4321);
    equal(await made.links.create({ kind: "bridge", name: "v", index: 4322, netns: there }), 4322);
    await rejects(made.links.create({ kind: "bridge", name: "w", index: 0 }), {
      code: "ERR_INPUT",
      message: /^w\.index: expected a whole number from 1 to 2147483647, got 0/,
    });
    await rejects(made.links.create({ kind: "tun", name: "w", mode: "tap", index: 5 }), {
      code: "ERR_INPUT",
      message: /^w\.index: cannot be chosen for a tun/,
    });
  });

  it("lists links of kinds that have no options here, with what the kernel sent", async function () {
    needs(this, "ip");
    await using made = await scene();
    try {
      await made.sh("ip link add tap type gtp role sgsn");
    } catch {
      skip(this, "this kernel has no link of a kind without options here; modprobe gtp");
    }
    const tap = await made.link("tap");
    equal(tap.kind, "gtp");
    ok(tap.wire.attrs.linkinfo?.info?.data instanceof Uint8Array);
    await made.links.update("tap", { mtu: 1300, up: true, alias: "still ours to set" });
    equal((await made.link("tap")).mtu, 1300);
    await made.links.delete("tap");
  });

  it("makes a veth with its far end in another namespace, and tells where that is", async () => {
    await using made = await scene();
    await using far = await TestNamespace.create();
    await using there = await Host.open({ netns: far });
    const peer = { name: "eth0", mtu: 1400, mac: "02:00:00:00:00:05" };
    const index = await made.links.create({
      kind: "veth",
      name: "eth0",
      mtu: 1400,
      up: true,
      peer: { ...peer, netns: far },
    });
    const [near, other] = [await made.link("eth0"), await there.links.get("eth0")];
    deepEqual(
      [near.peer, near.parent, near.parentIndex, typeof near.parentNsid],
      [undefined, undefined, other?.index, "number"],
    );
    deepEqual([other?.mtu, other?.mac, other?.parentIndex], [1400, peer.mac, index]);
    ok(far.name !== undefined);
    await made.links.create({ kind: "veth", name: "by-name", peer: { name: "eth1", netns: far.name } });
    ok(await there.links.get("eth1"));
    await rejects(
      made.links.create({ kind: "veth", name: "x", peer: { name: "y", netns: "no-such-namespace" } }),
      /no-such-namespace/,
    );
    await made.links.delete("eth0");
    equal(await there.links.get("eth0"), undefined);
  });

  it("makes links in another namespace, and moves them", async () => {
    await using made = await scene(UNDER);
    await using far = await TestNamespace.create();
    await using there = await Host.open({ netns: far });
    const config: LinkConfig = {
      kind: "vxlan",
      name: "vx",
      vni: 9,
      dev: "under",
      alias: "there",
      up: true,
      netns: far,
    };
    const index = await made.links.create(config);
    equal(await made.links.get("vx"), undefined);
    const vx = await there.links.get("vx");
    deepEqual([vx?.index, vx?.alias, vx?.up, vx?.parentNsid !== undefined], [index, "there", true, true]);
    ok(vx?.dev?.startsWith("#"), "its dev is a link of the other namespace");
    await made.links.move("under1", far, { name: "moved" });
    deepEqual([await made.links.get("under1"), (await there.links.get("moved"))?.kind], [undefined, "veth"]);
    await rejects(made.links.move("lo", far), /cannot move link lo: /);
  });

  it("reads, changes and deletes links with names that nobody should have", async () => {
    await using made = await scene();
    const { links } = made;
    const raw = Connection.open({ protocol: 0, netns: made.netns.fd });
    const names = ["$(id)", "a;b", "-x", "[x]", "\u001b[31m", "\udcff\udcfe", "ü", 'a"b'];
    for (const ifname of names)
      await raw.request(
        newlink,
        { header: {}, attrs: { ifname, linkinfo: { info: { kind: "bridge" } } } },
        NLM_F_CREATE | NLM_F_EXCL,
      );
    raw.close();
    const listed = new Set((await links.list()).map(({ name }) => name));
    for (const name of names) {
      ok(listed.has(name), JSON.stringify(name));
      await links.update(name, { mtu: 1400 });
      equal((await links.get(name))?.mtu, 1400);
      await links.delete(name);
    }
    deepEqual(
      (await links.list()).map(({ name }) => name),
      ["lo"],
    );
    for (const name of ["", "../../etc", "a".repeat(15), "a".repeat(16), "a".repeat(127)])
      equal(await links.get(name), undefined);
  });

  it("deletes only the link that was meant", async () => {
    await using made = await scene();
    const { links } = made;
    const index = await links.create({ kind: "bridge", name: "b" });
    await links.delete("b");
    const again = await links.create({ kind: "bridge", name: "b" });
    await rejects(links.delete("b", { index }), /cannot delete link b: its index is not \d+ \(ENODEV, at index\)/);
    await links.delete("b", { index: again });
    equal(await links.get("b"), undefined);
  });

  it("follows names that were taken over", async () => {
    await using made = await scene();
    const { links } = made;
    const [a, b] = [
      await links.create({ kind: "bridge", name: "a" }),
      await links.create({ kind: "bridge", name: "b" }),
    ];
    deepEqual([await links.indexOf("a"), await links.indexOf("b")], [a, b]);
    await links.update("a", { name: "c" });
    await links.update("b", { name: "a" });
    deepEqual([await links.indexOf("a"), await links.indexOf("c"), await links.nameOf(b)], [b, a, "a"]);
    deepEqual([...(await links.names()).values()].sort(), ["a", "c", "lo"]);
    await made.sh("ip link set dev a name d");
    await new Promise((resolve) => setTimeout(resolve, 120));
    await rejects(links.indexOf("a"), InputError);
  });

  it("serves 200 callers at once", async () => {
    await using made = await scene("ip link add name b type bridge");
    const { links } = made;
    const make = async (i: number): Promise<number> => {
      const index = await links.create({
        kind: "vxlan",
        name: `vx${i}`,
        vni: i + 1,
        master: "b",
        up: true,
        port: { learning: false },
      });
      const link = await links.get(`vx${i}`);
      deepEqual(
        [link?.index, link?.vni, link?.master, link?.up, link?.port?.learning],
        [index, i + 1, "b", true, false],
      );
      await links.update(`vx${i}`, { ageing: i + 1 });
      if (i % 2 === 1) await links.delete(`vx${i}`);
      return index;
    };
    const indexes = await Promise.all(Array.from({ length: 200 }, (_, i) => make(i)));
    equal(new Set(indexes).size, 200);
    const left = (await links.list()).filter(({ kind }) => kind === "vxlan");
    deepEqual(
      left.map(({ vni, ageing }) => [vni, ageing]),
      Array.from({ length: 100 }, (_, i) => [2 * i + 1, 2 * i + 1]),
    );
  });

  it("makes a VXLAN that drops what has reserved bits in its header, and no more", async function () {
    needs(this, "bash");
    if (isTooNew("reservedBits")) skip(this, "before Linux 6.14 which bits these are cannot be told");
    await using made = await scene("ip link set lo up");
    const { links, link } = made;
    // The flag of the VNI, a bit that no option uses, VNI 39, and a frame.
    const packet = `\\x08\\0\\0\\x01\\0\\0\\x27\\0\\x02\\0\\0\\0\\0\\x01\\x02\\0\\0\\0\\0\\x02\\x08${"\\0".repeat(61)}`;
    const passes = async (reservedBits?: string): Promise<boolean> => {
      const config: LinkConfig = { kind: "vxlan", name: "v", vni: 39, remote: "127.0.0.1", dev: "lo", up: true };
      await links.create({ ...config, ...(reservedBits !== undefined && { reservedBits }) });
      // What the link itself says comes back to it, too: these are more.
      await made.sh(`bash -c "for n in {1..20}; do printf '${packet}' >/dev/udp/127.0.0.1/4789; done"`);
      for (;;) {
        const { statistics: { rxPackets = 0n, rxErrors = 0n } = {} } = await link("v");
        if (rxPackets + rxErrors < 20n) continue;
        await links.delete("v");
        return rxErrors === 0n;
      }
    };
    deepEqual([await passes(), await passes("0x0000000100000000"), await passes("0x0")], [false, false, true]);
    const used = { kind: "vxlan", name: "v", vni: 39, reservedBits: "0x0800000000000000" } as const;
    await rejects(links.create(used), { code: "EINVAL", attribute: "reservedBits" });
  });

  it("tells who asks a bridge for memberships, itself or another host", async function () {
    needs(this, "ip");
    await using made = await scene(`ip link add name b type bridge; ip link add left type veth peer name right
      ip link add name far type bridge; ip link set left master b; ip link set right master far
      ip address add 192.0.2.9/24 dev far; ip -6 address add fe80::9/64 dev far nodad
      for name in left right b far; do ip link set dev $name up; done`);
    const { links, link } = made;
    await links.update("far", { mcastQueryUseIfaddr: true, mcastQuerier: true });
    let state = (await link("b")).mcastQuerierState;
    while (state?.ipv4?.timer === undefined) state = (await link("b")).mcastQuerierState;
    const { timer, ...ipv4 } = state.ipv4;
    deepEqual(ipv4, { address: "192.0.2.9", port: "left" });
    ok(timer > 200 && timer <= 255, `${timer} seconds`);
    deepEqual((await link("far")).mcastQuerierState?.ipv4, { address: "192.0.2.9" });
    for (const name of ["b", "far"]) ok(agree(await link(name), await made.ip(name)) > 20);
  });

  it("counts only when asked", async () => {
    await using made = await scene("ip link set lo up");
    const [plain] = await made.links.list();
    const [counted] = await made.links.list({ statistics: true });
    ok(plain !== undefined && !("statistics" in plain));
    equal(typeof counted?.statistics?.rxBytes, "bigint");
    equal(typeof (await made.link("lo")).statistics?.txPackets, "bigint");
  });

  it("counts what ip counts", async function () {
    needs(this, "bash");
    await using made = await scene(`ip link set lo up
ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up; ip address add 192.0.2.1/24 dev v0
for to in 127.0.0.1 127.0.0.1 192.0.2.9; do bash -c "echo packet >/dev/udp/$to/9"; done`);
    const ours = async () => Object.fromEntries((await made.links.list({ statistics: true })).map(countersOf));
    const theirs = async () => JSON.parse(await made.sh("ip -s -s -json link show")) as Counted[];
    let [before, told, after] = [await ours(), await theirs(), await ours()];
    // Counters move as long as links look for routers.
    while (!isDeepStrictEqual(before, after)) [before, told, after] = [await ours(), await theirs(), await ours()];
    let compared = 0;
    for (const { ifname, stats64 } of told)
      for (const [way, counters] of Object.entries(stats64))
        for (const [key, count] of Object.entries(counters)) {
          const word = COMMON.has(key) ? key : `${way}_${key}`;
          const name = word.replaceAll(/_./g, (part) => part.slice(1).toUpperCase());
          equal(after[ifname]?.[name], BigInt(count), `${ifname} ${name}`);
          compared++;
        }
    ok(compared >= 3 * 18, `${compared} counters`);
    const { lo = {}, v0 = {} } = after;
    ok((lo["rxPackets"] ?? 0n) >= 2n && (lo["rxBytes"] ?? 0n) > 70n && (v0["txBytes"] ?? 0n) >= 42n, "there were some");
  });
});

/** What `ip -s -json` tells of one link. */
interface Counted {
  readonly ifname: string;
  readonly stats64: Readonly<Record<"rx" | "tx", Readonly<Record<string, number>>>>;
}
/** Counters that are not of one direction. */
const COMMON = new Set(["multicast", "collisions"]);
function countersOf({ name, statistics, carrierChanges = -1 }: Link): [string, Readonly<Record<string, bigint>>] {
  return [name, { ...(statistics as Readonly<Record<string, bigint>>), txCarrierChanges: BigInt(carrierChanges) }];
}

describe("a host", () => {
  it("opens a namespace by name, by path and by what holds it, and lets go of it", async () => {
    await using netns = await TestNamespace.create();
    ok(netns.name !== undefined);
    for (const by of [netns.name, `/run/netns/${netns.name}`, netns]) {
      await using host = await Host.open({ netns: by });
      ok(host.netns.equals(netns));
      equal(host.links, host.links, "one service for all callers");
      deepEqual(
        (await host.links.list()).map(({ name }) => name),
        ["lo"],
      );
      await host.sysctls.set("net.ipv4.ip_forward", 1);
      deepEqual(
        [await host.addresses.list(), await host.fdb.list(), await host.nftables.list()].map((all) => all.length),
        [0, 0, 0],
      );
    }
    ok(netns.fd >= 0, "what was handed in stays open");
    await rejects(Host.open({ netns: "no-such-namespace" }));
  });

  it("is of no use when it was closed, and can be closed twice", async () => {
    const host = await Host.open();
    const { links } = host;
    host.close();
    host.close();
    await rejects(links.list(), { code: "ERR_CLOSED" });
    await rejects(async () => host.addresses, { code: "ERR_CLOSED" });
  });

  it("works on the calling thread too", async () => {
    await using netns = await TestNamespace.create();
    await using host = await Host.open({ netns, inline: true });
    equal(await host.links.create({ kind: "bridge", name: "b" }), 2);
    await using here = Netns.open(netns.name as string);
    const links = new Links(Connection.open({ protocol: 0, netns: here.fd }));
    equal((await links.get("b"))?.kind, "bridge");
  });

  it("gives up when it is told to", async () => {
    await using made = await scene();
    await rejects(made.links.list({}, { signal: AbortSignal.abort(new Error("enough")) }), /enough/);
    await rejects(
      made.links.create({ kind: "bridge", name: "b" }, { signal: AbortSignal.abort(new Error("enough")) }),
      /enough/,
    );
  });
});
