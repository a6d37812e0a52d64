import { deepEqual, equal, ok } from "node:assert/strict";
import { differences } from "../../lib/links/differences.ts";
import type { Link, LinkConfig } from "../../lib/links/words.ts";
import { needs } from "../../test/needs.ts";
import { isTooNew, type Scene, scene } from "./kit.ts";
import { agree } from "./oracle.ts";

const UNDER =
  "ip link set lo up; ip link add under type veth peer name under1; ip link set under up; ip link set under1 up";

const OURS: readonly LinkConfig[] = [
  { kind: "vxlan", name: "t", vni: 39, remote: "192.0.2.24" },
  { kind: "vxlan", name: "t", vni: 39, dev: "under", remote: "192.0.2.24", local: "192.0.2.23", up: true, mtu: 1400 },
  { kind: "vxlan", name: "t", vni: 0xff_ffff, dev: "under", remote: "239.1.1.1", ttl: 5, tos: 16, ageing: 1, limit: 9 },
  { kind: "vxlan", name: "t", vni: 1, remote: "2001:db8::1", local: "2001:db8::2", label: 0xf_ffff, dstport: 4790 },
  {
    kind: "vxlan",
    name: "t",
    vni: 7,
    remote: "2001:db8::1",
    srcport: { low: 100, high: 200 },
    ttl: "inherit",
    tos: 1,
    df: "set",
    learning: false,
    ageing: 7,
    proxy: true,
    rsc: true,
    l2miss: true,
    l3miss: true,
    udpCsum: false,
    udp6ZeroCsumTx: true,
    udp6ZeroCsumRx: true,
    remoteCsumTx: true,
    remoteCsumRx: true,
    gbp: true,
  },
  { kind: "vxlan", name: "t", external: true, vnifilter: true },
  { kind: "vxlan", name: "t", external: true, gpe: true, dstport: 4791 },
  { kind: "bridge", name: "t" },
  { kind: "bridge", name: "t", up: true, mtu: 1500, mac: "02:00:00:00:00:01", alias: "a bridge", addrGenMode: "none" },
  {
    kind: "bridge",
    name: "t",
    stp: true,
    forwardDelay: 4,
    hello: 1,
    maxAge: 10,
    ageing: 60.5,
    priority: 100,
    groupFwdMask: 8,
    groupAddress: "01:80:c2:00:00:05",
    fdbMaxLearned: 7,
    noLinklocalLearn: true,
    txqlen: 77,
    group: 5,
    altnames: ["one", "another-name-that-is-long"],
  },
  {
    kind: "bridge",
    name: "t",
    mcastRouter: 2,
    mcastSnooping: false,
    mcastQueryUseIfaddr: true,
    mcastQuerier: true,
    mcastHashMax: 512,
    mcastLastMemberCount: 3,
    mcastStartupQueryCount: 4,
    mcastLastMemberInterval: 2,
    mcastMembershipInterval: 100,
    mcastQuerierInterval: 101,
    mcastQueryInterval: 102,
    mcastQueryResponseInterval: 9,
    mcastStartupQueryInterval: 20,
    mcastStats: true,
    mcastIgmpVersion: 3,
    mcastMldVersion: 2,
    nfCallIptables: true,
    nfCallIp6tables: true,
    nfCallArptables: true,
  },
  { kind: "veth", name: "t", peer: { name: "far", mtu: 1400, mac: "02:00:00:00:00:02" }, mtu: 9000, up: true },
  { kind: "veth", name: "t", numTxQueues: 3, numRxQueues: 2, gsoMaxSize: 30_000, gsoMaxSegs: 100, groMaxSize: 20_000 },
  { kind: "ifb", name: "t", arp: false, multicast: false, promisc: true, allmulticast: true },
];
/** As ports of a bridge. */
const PORTS: readonly LinkConfig["port"][] = [
  {},
  { learning: false, flood: false, mcastFlood: false, bcastFlood: false, neighSuppress: true, isolated: true },
  { cost: 7, priority: 5, hairpin: true, guard: true, rootBlock: true, fastLeave: true, mcastToUnicast: true },
  { mcastRouter: 2, proxyArp: true, proxyArpWifi: true, vlanTunnel: true, groupFwdMask: 8, locked: true },
  { backupPort: "under", mcastMaxGroups: 9, mcastEhtHostsLimit: 100, neighVlanSuppress: true },
];
const THEIRS: readonly string[] = [
  "ip link add name t type vxlan id 39 dev under remote 192.0.2.24 dstport 4789",
  "ip link add name t type vxlan id 39 dstport 8472 srcport 5 6 group 239.1.1.1 dev under ttl 7 tos inherit df inherit",
  "ip link add name t type vxlan id 40 remote 2001:db8::1 dstport 4789 flowlabel 0x123 udp6zerocsumtx nolearning gbp",
  "ip link add name t type vxlan external dstport 4789",
  "ip link add name t type bridge stp_state 1 priority 4096 forward_delay 200 mcast_querier 1 group_fwd_mask 16",
  "ip link add name t address 02:00:00:00:00:09 mtu 1300 txqueuelen 5 group 9 type bridge; ip link set dev t up alias x",
  "ip link add name t type veth peer name far; ip link set dev t up; ip link property add dev t altname other",
  "ip link add name b type bridge; ip link add name t type vxlan id 1 dstport 4789; ip link set dev t master b; bridge link set dev t learning off cost 9 guard on",
  "ip link add name t numtxqueues 4 type ifb; ip link set dev t arp off promisc on; ip link set dev t addrgenmode random",
];

describe("links as iproute2 sees them", () => {
  before(function () {
    needs(this, "ip", "bridge");
  });

  async function same({ link, ip }: Scene, names = ["t"]): Promise<void> {
    // The kernel looks at the carrier a moment after a change: both are to be asked before that, or both after it.
    const state = async (name: string): Promise<string> => (await link(name)).operstate;
    for (const name of names) {
      let [before, theirs, ours] = [await state(name), await ip(name), await link(name)];
      while (ours.operstate !== before) [before, theirs, ours] = [await state(name), await ip(name), await link(name)];
      ok(agree(ours, theirs) > 20);
    }
  }
  const unmet = (config: LinkConfig, link: Link): object[] =>
    differences(config, link).filter(({ key }) => !isTooNew(key));

  for (const config of OURS) {
    const { name: _, kind, ...shown } = config;
    it(`made by us: ${kind} ${JSON.stringify(shown)}`, async () => {
      await using made = await scene(UNDER);
      const index = await made.links.create(config);
      const link = await made.link("t");
      equal(link.index, index);
      deepEqual(unmet(config, link), []);
      await same(made, kind === "veth" && config.peer !== undefined ? ["t", config.peer.name] : ["t"]);
    });
  }

  for (const port of PORTS)
    it(`made by us: a port ${JSON.stringify(port)}`, async () => {
      await using made = await scene(`${UNDER}; ip link add name b type bridge; ip link set dev under master b`);
      const config: LinkConfig = { kind: "vxlan", name: "t", vni: 39, master: "b", up: true, ...(port && { port }) };
      await made.links.create(config);
      deepEqual(unmet(config, await made.link("t")), []);
      await same(made, ["t", "b", "under"]);
    });

  for (const script of THEIRS)
    it(`made by them: ${script}`, async () => {
      await using made = await scene(`${UNDER}; ${script}`);
      await same(made);
      const list = (): Promise<Link[]> => made.links.list({ statistics: true });
      const show = async () => JSON.parse(await made.sh("ip -json -d link show")) as { ifname: string }[];
      const states = (links: readonly Link[]): string => links.map(({ operstate }) => operstate).join();
      let [before, all, listed] = [await list(), await show(), await list()];
      while (states(before) !== states(listed)) [before, all, listed] = [await list(), await show(), await list()];
      deepEqual(
        listed.map(({ name }) => name),
        all.map(({ ifname }) => ifname),
      );
      for (const [i, link] of listed.entries()) agree(link, all[i] as never);
      for (const { wire } of listed)
        deepEqual(
          Object.keys(wire.attrs).filter((key) => key.startsWith("#")),
          [],
        );
    });
});
