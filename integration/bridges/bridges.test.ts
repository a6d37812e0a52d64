/** VLANs, VNIs and multicast groups: ours beside `bridge -json`, in both directions. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { Mdb, type MdbConfig, type MdbEntry } from "../../lib/bridges/mdb.ts";
import { Mst, type MstState } from "../../lib/bridges/mst.ts";
import { type Vlan, type VlanConfig, Vlans } from "../../lib/bridges/vlans.ts";
import { type Vni, Vnis } from "../../lib/bridges/vnis.ts";
import { needs, skip } from "../../test/needs.ts";
import { given, type Scene, scene, sorted } from "../routes/kit.ts";
import { asTunnel, asVlan, type Json, told } from "./oracle.ts";

describe("VLANs beside bridge", () => {
  let here: Scene;
  let vlans: Vlans;
  before(function () {
    needs(this, "ip", "bridge");
  });
  beforeEach(async function () {
    here = await scene();
    vlans = new Vlans(here.connection, here.links);
    await here
      .sh("ip link set br0 type bridge vlan_filtering 1")
      .catch((error: Error) => skip(this, `no VLAN filtering here: ${error.message}`));
  });
  afterEach(async () => {
    await here[Symbol.asyncDispose]();
  });

  async function agree(dev: string): Promise<readonly Vlan[]> {
    const ours = await vlans.list({ dev });
    deepEqual(ours.map(asVlan), await told(here, "bridge -d -json vlan show", "vlans", dev));
    deepEqual(
      ours.filter(({ tunnelId }) => tunnelId !== undefined).map(asTunnel),
      await told(here, "bridge -json vlan tunnelshow", "tunnels", dev),
    );
    return ours;
  }

  it("are told alike, whoever made them", async () => {
    const before = await agree("d1");
    const made: readonly VlanConfig[] = [
      { dev: "d1", vid: 10, vidEnd: 20 },
      { dev: "d1", vid: 30, pvid: true, untagged: true },
      { dev: "d1", vid: 4094 },
      { dev: "br0", vid: 10, vidEnd: 11, self: true },
    ];
    for (const one of made) await vlans.create(one);
    equal((await agree("d1")).length, before.length + 3);
    deepEqual(
      (await agree("br0")).map(({ vid, vidEnd }) => [vid, vidEnd]),
      [
        [1, undefined],
        [10, 11],
      ],
    );
    for (const one of made) await vlans.delete(one);
    // VLAN 1 is no pvid any more: 30 was, and took it along.
    deepEqual(
      (await agree("d1")).map(({ vid }) => vid),
      before.map(({ vid }) => vid),
    );
    await here.sh("bridge vlan add dev d1 vid 100-200 untagged; bridge vlan add dev d1 vid 300 pvid");
    deepEqual(
      (await agree("d1")).filter(({ vid }) => vid >= 100),
      [
        { dev: "d1", vid: 100, vidEnd: 200, untagged: true, state: "forwarding", mcastRouter: 1 },
        { dev: "d1", vid: 300, pvid: true, state: "forwarding", mcastRouter: 1 },
      ],
    );
  });

  it("map to VNIs", async () => {
    await here.sh(
      "ip link add vxt type vxlan dstport 4790 external; ip link set vxt master br0 up; bridge link set dev vxt vlan_tunnel on",
    );
    await vlans.create({ dev: "vxt", vid: 10, vidEnd: 12, tunnelId: 1010 });
    await vlans.create({ dev: "vxt", vid: 20, tunnelId: 77 });
    const ours = await agree("vxt");
    deepEqual(
      ours.flatMap(({ vid, vidEnd, tunnelId }) => (tunnelId ? [[vid, vidEnd, tunnelId]] : [])),
      [
        [10, 12, 1010],
        [20, undefined, 77],
      ],
    );
    await vlans.delete({ dev: "vxt", vid: 10, vidEnd: 12, tunnelId: 1010 });
    deepEqual(
      (await agree("vxt")).map(({ vid, tunnelId }) => [vid, tunnelId]),
      [
        [1, undefined],
        [10, undefined],
        [20, 77],
      ],
    );
    await here.sh("bridge vlan add dev vxt vid 40-41; bridge vlan add dev vxt vid 40-41 tunnel_info id 4040-4041");
    ok((await agree("vxt")).some(({ vid, vidEnd, tunnelId }) => vid === 40 && vidEnd === 41 && tunnelId === 4040));
  });

  it("have options, counters, and options for the whole bridge", async () => {
    await vlans.create({ dev: "d1", vid: 10, vidEnd: 12 });
    await vlans.update({ dev: "d1", vid: 10, vidEnd: 11, state: "blocking" });
    await vlans.update({ dev: "d1", vid: 11, mcastRouter: 2 });
    deepEqual(
      (await agree("d1"))
        .filter(({ vid }) => vid >= 10)
        .map(({ vid, state, mcastRouter }) => [vid, state, mcastRouter]),
      [
        [10, "blocking", 1],
        [11, "blocking", 2],
        [12, "forwarding", 1],
      ],
    );
    const counted = await vlans.list({ dev: "d1", statistics: true });
    deepEqual(
      counted.map(({ vid }) => vid),
      [1, 10, 11, 12],
    );
    const theirs = await told(here, "bridge -s -json vlan show", "vlans", "d1");
    deepEqual(
      counted.map(({ statistics }) => Object.values(statistics ?? {}).map(Number)),
      theirs.map(({ rx_bytes, rx_packets, tx_bytes, tx_packets }) => [rx_bytes, rx_packets, tx_bytes, tx_packets]),
    );
    await here.sh("ip link set br0 type bridge mcast_vlan_snooping 1");
    await vlans.updateGlobals({ dev: "br0", vid: 10, vidEnd: 12, mcastQueryInterval: 60.5, mcastQuerier: true });
    const globals = await vlans.globals({ dev: "br0" });
    const bridge = await told(here, "bridge -json vlan global show", "vlans", "br0");
    deepEqual(
      globals.map((one) => [one.vid, one.vidEnd, one.mcastQuerier, one.mcastQueryInterval, one.mcastIgmpVersion]),
      bridge.map((one) => [
        one["vlan"],
        one["vlanEnd"],
        one["mcast_querier"] === 1,
        Number(one["mcast_query_interval"]) / 100,
        one["mcast_igmp_version"],
      ]),
    );
    ok(globals.some(({ vid, mcastQueryInterval }) => vid === 10 && mcastQueryInterval === 60.5));
  });

  it("are refused in people's words", async () => {
    await rejects(vlans.create({ dev: "d0", vid: 10 }), { code: "EOPNOTSUPP", message: /^cannot add VLAN 10 of d0: / });
    await rejects(vlans.update({ dev: "d1", vid: 99, state: "blocking" }), {
      message: /^cannot change VLAN 99 of d1: /,
    });
    await rejects(vlans.create({ dev: "d1", vid: 20, vidEnd: 10 }), { code: "ERR_INPUT", path: ["vidEnd"] });
    await rejects(vlans.create({ dev: "d1", vid: 20, vidEnd: 30, pvid: true }), { code: "ERR_INPUT", path: ["pvid"] });
  });
});

describe("instances of the spanning tree", () => {
  before(function () {
    needs(this, "ip", "bridge", "bash");
  });

  /** A frame of VLAN 10 is sent into d1; whether it came out of p1, as one of VLAN 30 did that was sent after it. */
  async function passes({ json }: Scene): Promise<boolean> {
    const counts = async (first: string) => {
      const links = await json(`${first}; ip -json -s link show`);
      const count = (dev: string, way: "rx" | "tx"): number => {
        const stats = links.find(({ ifname }) => ifname === dev)?.["stats64"];
        return (stats as Record<typeof way, { packets: number }>)[way].packets;
      };
      return { sent: count("d0.10", "tx"), came: count("p0.10", "rx"), after: count("p0.30", "rx") };
    };
    const before = await counts("ip neigh flush dev d0.10; ip neigh flush dev d0.30");
    let now = await counts("bash -c 'echo > /dev/udp/198.51.100.9/9; echo > /dev/udp/203.0.113.9/9'");
    for (const end = Date.now() + 10_000; now.after === before.after; now = await counts("sleep 0.02"))
      ok(Date.now() < end, "the frame after it came out");
    ok(now.sent > before.sent, "it was sent");
    return now.came > before.came;
  }

  it("have states of their own at each port, which frames obey", async function () {
    this.timeout(60_000);
    await using here = await scene();
    const [vlans, mst] = [new Vlans(here.connection, here.links), new Mst(here.connection, here.links)];
    await here
      .sh("ip link set br0 type bridge vlan_default_pvid 0 vlan_filtering 1")
      .catch((error: Error) => skip(this, `no VLAN filtering here: ${error.message}`));
    await here.links.update("br0", { mst: true });
    if ((await here.links.get("br0"))?.mst !== true) skip(this, "no instances here, as before Linux 5.18");
    await here.sh(
      `ip link add p0 type veth peer name p1; ip link set p1 master br0
      for vid in 10 30; do for link in d0 p0; do ip link add link $link name $link.$vid type vlan id $vid; done; done
      for link in p0 p1 d0.10 d0.30 p0.10 p0.30; do ip link set $link addrgenmode none; ip link set $link up; done
      ip address add 198.51.100.1/24 dev d0.10; ip address add 203.0.113.1/24 dev d0.30`,
    );
    for (const vid of [10, 20, 30])
      for (const dev of ["d1", "p1", "br0"]) await vlans.create({ dev, vid, ...(dev === "br0" && { self: true }) });
    await vlans.updateGlobals({ dev: "br0", vid: 10, msti: 1 });
    await vlans.updateGlobals({ dev: "br0", vid: 20, msti: 4094 });
    const state = async (): Promise<unknown> =>
      (await told(here, "bridge -d -json vlan show", "vlans", "d1")).map((one) => [one["vlan"], one["state"]]);
    const states = (state: MstState["state"]): MstState[] => [1, 4094].map((msti) => ({ dev: "d1", msti, state }));
    const common: MstState = { dev: "d1", msti: 0, state: "forwarding" };
    deepEqual(sorted(await mst.list({ dev: "d1" })), sorted([common, ...states("disabled")]));
    ok(!(await passes(here)));
    deepEqual(await mst.batch("update", [...states("forwarding"), { dev: "p1", msti: 1, state: "forwarding" }]), [
      undefined,
      undefined,
      undefined,
    ]);
    ok(await passes(here));
    await mst.update({ dev: "d1", msti: 1, state: "blocking" });
    deepEqual(await state(), [
      [10, "blocking"],
      [20, "forwarding"],
      [30, "forwarding"],
    ]);
    ok(!(await passes(here)));
    await mst.update({ dev: "d1", msti: 1, state: "forwarding" });
    await mst.update({ dev: "d1", msti: 4094, state: "learning" });
    ok(await passes(here));
    deepEqual(
      (await mst.list()).filter(({ msti }) => msti === 4094),
      [
        { dev: "d1", msti: 4094, state: "learning" },
        { dev: "p1", msti: 4094, state: "disabled" },
      ],
    );
    await rejects(mst.update({ dev: "d0", msti: 1, state: "blocking" }), {
      message: /^cannot change the state of d0 in instance 1: .*at dev\)$/,
    });
    await here.links.update("p1", { master: null });
    await here.sh("ip link add br1 type bridge; ip link set p1 master br1");
    await rejects(mst.update({ dev: "p1", msti: 1, state: "blocking" }), {
      message: /^cannot change the state of p1 in instance 1: /,
    });
  });
});

describe("VNIs beside bridge", () => {
  before(function () {
    needs(this, "ip", "bridge");
  });

  it("are told alike, whoever made them", async function () {
    await using here = await scene();
    const vnis = new Vnis(here.connection, here.links);
    await here
      .sh("ip link add name vx9 type vxlan dstport 4790 external vnifilter dev d0; ip link set vx9 up")
      .catch((error: Error) => skip(this, `no vnifilter here: ${error.message}`));
    const asBridge = ({ vni, vniEnd, group, remote }: Vni): Json => given({ vni, vniEnd, group, remote });
    const agree = async (): Promise<readonly Vni[]> => {
      const ours = await vnis.list({ dev: "vx9" });
      deepEqual(ours.map(asBridge), await told(here, "bridge -json vni show", "vnis", "vx9"));
      return ours;
    };
    deepEqual(await vnis.list({ dev: "vx9" }), []);
    await vnis.create({ dev: "vx9", vni: 100, vniEnd: 110, group: "239.1.1.1" });
    await vnis.create({ dev: "vx9", vni: 200, remote: "192.0.2.9" });
    await vnis.create({ dev: "vx9", vni: 300 });
    equal((await agree()).length, 3);
    await vnis.delete({ dev: "vx9", vni: 105 });
    await here.sh("bridge vni add dev vx9 vni 400-401; bridge vni add dev vx9 vni 500 group 239.9.9.9");
    deepEqual(
      (await agree()).map(({ vni, vniEnd }) => [vni, vniEnd]),
      [
        [100, 104],
        [106, 110],
        [200, undefined],
        [300, undefined],
        [400, 401],
        [500, undefined],
      ],
    );
    const counted = await vnis.list({ dev: "vx9", statistics: true });
    const theirs = await told(here, "bridge -s -json vni show", "vnis", "vx9");
    deepEqual(
      counted.map(({ vni, statistics }) => [vni, ...Object.values(statistics ?? {}).map(Number)]),
      theirs.map(({ vni, stats }) => [vni, ...Object.values(stats as object)]),
    );
    await rejects(vnis.create({ dev: "vx0", vni: 5 }), { message: /^cannot add VNI 5 of vx0: / });
    await rejects(vnis.create({ dev: "vx9", vni: 5, group: "192.0.2.1" }), { code: "ERR_INPUT", path: ["group"] });
  });
});

describe("multicast groups beside bridge", () => {
  before(function () {
    needs(this, "ip", "bridge");
  });

  /** Entries that somebody wrote; this host's own groups come and go. */
  const written = ({ port, protocol }: { port?: unknown; protocol?: unknown }): boolean =>
    port === "d1" && protocol !== "kernel";
  function asBridge({ dev, port, group, source, vid, state, filterMode, sources, protocol }: MdbEntry): Json {
    return given({
      dev,
      port,
      grp: group,
      src: source,
      vid,
      state: state === "temp" ? "temp" : "permanent",
      filter_mode: filterMode,
      source_list: sources?.map((address) => ({ address })),
      protocol,
    });
  }

  it("of a bridge are told alike, whoever made them", async function () {
    await using here = await scene();
    const mdb = new Mdb(here.connection, here.links);
    await here
      .sh("ip link set br0 type bridge mcast_snooping 1; bridge mdb add dev br0 port d1 grp 239.9.9.9 permanent")
      .catch((error: Error) => skip(this, `no multicast snooping here: ${error.message}`));
    const agree = async (): Promise<readonly MdbEntry[]> => {
      const ours = (await mdb.list({ dev: "br0" })).filter(written);
      const [all = {}] = await here.json("bridge -json -d mdb show");
      const theirs = (all["mdb"] as Json[]).filter(written);
      deepEqual(
        sorted(ours.map(asBridge)),
        sorted(
          theirs.map(({ index: _, flags: __, timer: ___, source_list, ...one }) => ({
            ...one,
            ...(source_list !== undefined && {
              source_list: (source_list as Json[]).map(({ address }) => ({ address })),
            }),
          })),
        ),
      );
      return ours;
    };
    equal((await agree()).length, 1);
    const made: readonly MdbConfig[] = [
      { dev: "br0", port: "d1", group: "239.1.1.2" },
      { dev: "br0", port: "d1", group: "239.1.1.3", state: "temp" },
      { dev: "br0", port: "d1", group: "ff15::1" },
      { dev: "br0", port: "d1", group: "239.1.1.4", source: "192.0.2.9" },
      { dev: "br0", port: "d1", group: "01:00:00:00:00:77" },
      { dev: "br0", group: "239.1.1.5", state: "temp" },
    ];
    for (const one of made) await mdb.create(one);
    equal((await agree()).length, 6);
    ok((await mdb.list({ dev: "br0" })).some(({ group, port }) => group === "239.1.1.5" && port === "br0"));
    ok((await mdb.list()).some(({ group, timer = 0 }) => group === "239.1.1.3" && timer > 200 && timer <= 260));
    await rejects(mdb.create(made[0] as MdbConfig), {
      code: "EEXIST",
      message: /^cannot add multicast group 239\.1\.1\.2 at d1 of br0: .*\(EEXIST, at group\)$/,
    });
    for (const one of made) await mdb.delete(one);
    equal((await agree()).length, 1);
  });

  it("of a bridge have sources and a mode", async function () {
    await using here = await scene();
    const mdb = new Mdb(here.connection, here.links);
    await here
      .sh("ip link set br0 type bridge mcast_snooping 1 mcast_igmp_version 3")
      .catch((error: Error) => skip(this, `no multicast snooping here: ${error.message}`));
    const sources = ["192.0.2.8", "192.0.2.9"];
    const config: MdbConfig = {
      dev: "br0",
      port: "d1",
      group: "239.1.1.6",
      filterMode: "include",
      sources,
      protocol: "bgp",
    };
    await mdb.create(config).catch((error: Error) => skip(this, `before Linux 6.2: ${error.message}`));
    const found = (await mdb.list({ dev: "br0" })).filter(({ group }) => group === "239.1.1.6");
    if (!found.some((one) => one.filterMode === "include"))
      skip(this, "this kernel takes sources without a word and does nothing, as before Linux 6.2");
    const all = found.find((one) => one.source === undefined);
    deepEqual([all?.filterMode, [...(all?.sources ?? [])].sort(), all?.protocol], ["include", sources, "bgp"]);
    deepEqual(found.flatMap(({ source }) => source ?? []).sort(), sources);
    await mdb.replace({ ...config, filterMode: "exclude", sources: ["192.0.2.7"] });
    const after = (await mdb.list({ dev: "br0" })).filter(({ group }) => group === "239.1.1.6");
    ok(after.some(({ filterMode, sources: now }) => filterMode === "exclude" && now?.join() === "192.0.2.7"));
    ok(after.some(({ source, blocked }) => source === "192.0.2.7" && blocked === true));
    const said = await here.sh("bridge -d mdb show dev br0");
    ok(/grp 239\.1\.1\.6 permanent filter_mode exclude source_list 192\.0\.2\.7\/0\.00 proto bgp/.test(said), said);
  });

  it("are flushed by what a filter means, and only so", async function () {
    await using here = await scene();
    const mdb = new Mdb(here.connection, here.links);
    await here
      .sh("ip link set br0 type bridge mcast_snooping 1")
      .catch((error: Error) => skip(this, `no multicast snooping here: ${error.message}`));
    await mdb.create({ dev: "br0", port: "d1", group: "239.1.1.2" });
    await mdb.create({ dev: "br0", port: "d1", group: "239.1.1.3", state: "temp" });
    await mdb.create({ dev: "br0", group: "239.1.1.5", state: "temp" });
    const groups = async (): Promise<string[]> =>
      (await mdb.list({ dev: "br0" }))
        .filter(({ group }) => group.startsWith("239.1.1."))
        .map(({ port, group }) => `${port} ${group}`);
    deepEqual((await groups()).sort(), ["br0 239.1.1.5", "d1 239.1.1.2", "d1 239.1.1.3"]);
    await mdb
      .flush({ dev: "br0", port: "d1", permanent: false })
      .catch((error: Error) => skip(this, `before Linux 6.8: ${error.message}`));
    deepEqual((await groups()).sort(), ["br0 239.1.1.5", "d1 239.1.1.2"]);
    await mdb.flush({ dev: "br0", port: "br0" });
    deepEqual(await groups(), ["d1 239.1.1.2"]);
    await mdb.flush({ dev: "br0", protocol: "bgp" });
    deepEqual(await groups(), ["d1 239.1.1.2"]);
    await rejects(mdb.flush({ dev: "br0", dst: "192.0.2.20" }), {
      message: /^cannot flush multicast groups of br0: .*\(EINVAL, at dst\)$/,
    });
    await rejects(mdb.flush({} as never), /dev: missing/);
    await mdb.flush({ dev: "br0" });
    deepEqual(await groups(), []);

    await here.sh("ip link add vxm type vxlan id 44 dstport 4790; ip link set vxm up");
    await mdb.create({ dev: "vxm", group: "239.1.1.7", dst: "192.0.2.20" });
    await mdb.create({ dev: "vxm", group: "239.1.1.7", dst: "192.0.2.21", vni: 7 });
    await mdb.flush({ dev: "vxm", vni: 7 });
    deepEqual(
      (await mdb.list({ dev: "vxm" })).map(({ dst }) => dst),
      ["192.0.2.20"],
    );
    await mdb.flush({ dev: "vxm", dst: "192.0.2.20" });
    deepEqual(await mdb.list({ dev: "vxm" }), []);
  });

  it("of a VXLAN have far ends", async function () {
    await using here = await scene();
    const mdb = new Mdb(here.connection, here.links);
    await here.sh("ip link add vxm type vxlan id 44 dstport 4790; ip link set vxm up");
    const config: MdbConfig = { dev: "vxm", group: "239.1.1.7", dst: "192.0.2.20", dstport: 4444, vni: 7, via: "d0" };
    await mdb
      .create(config)
      .catch((error: Error) => skip(this, `no groups of VXLANs, as before Linux 6.4: ${error.message}`));
    await mdb.create({ dev: "vxm", group: "0.0.0.0", dst: "192.0.2.21" });
    await mdb.create({ dev: "vxm", group: "239.1.1.7", dst: "192.0.2.22", source: undefined });
    const found = await mdb.list({ dev: "vxm" });
    deepEqual(
      sorted(found.map(({ state: _, filterMode: __, ...one }) => one)),
      sorted([
        { ...config, port: "vxm", protocol: "static" },
        { dev: "vxm", port: "vxm", group: "0.0.0.0", protocol: "static", dst: "192.0.2.21" },
        { dev: "vxm", port: "vxm", group: "239.1.1.7", protocol: "static", dst: "192.0.2.22" },
      ]),
    );
    // iproute2 6.1 does not know far ends; it sees the groups.
    const [all = {}] = await here.json("bridge -json -d mdb show dev vxm");
    deepEqual((all["mdb"] as Json[]).map(({ grp }) => grp).sort(), ["0.0.0.0", "239.1.1.7", "239.1.1.7"]);
    for (const { dev, group, dst } of found) await mdb.delete({ dev, group, ...(dst !== undefined && { dst }) });
    deepEqual(await mdb.list({ dev: "vxm" }), []);
    await rejects(mdb.create({ dev: "vxm", group: "192.0.2.1", dst: "192.0.2.20" }), {
      message: /^cannot add multicast group 192\.0\.2\.1 at vxm: /,
    });
  });
});
