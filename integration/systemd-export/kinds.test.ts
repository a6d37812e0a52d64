/** Each kind of link that networkd makes: as apply makes it, attribute by attribute. Kinds that this kernel lacks are skipped. */
import { deepEqual, equal } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestNamespace } from "../../lib/testkit/index.ts";
import { needs, skip } from "../../test/needs.ts";
import { Documents, linkwright } from "../cli/kit.ts";
import { TREE, VERSION } from "../systemd/kit.ts";
import { Networkd, needNetworkd, output } from "./networkd.ts";
import { machine, stateOf } from "./state.ts";

/** A kind: how a link of it is made by hand, to see whether the kernel has it, and links with many of its options. */
interface Case {
  readonly by: string;
  readonly links: Readonly<Record<string, string>>;
}
const kind = (by: string, links: Case["links"]): Case => ({ by, links });
const ON = "link ens34f0";
const FOUR = "remote 192.0.2.9 local 192.168.0.23";
const SIX = "remote 2001:db8::9 local 2001:db8::1";
const ENDS = "local: 192.168.0.23, remote: 192.0.2.9";
const ENDS6 = 'local: "2001:db8::1", remote: "2001:db8::9"';

const CASES: Readonly<Record<string, Case>> = {
  dummy: kind("type dummy", { du0: "mac: '02:00:00:00:05:01', mtu: 1400, addresses: [192.0.2.65/26]" }),
  ifb: kind("type ifb", { fb0: "mtu: 1400" }),
  nlmon: kind("type nlmon", { nl0: "addrGenMode: none" }),
  vcan: kind("type vcan", { vc0: "" }),
  // With its VLANs, which not each kernel's bridge has.
  bridge: kind("type bridge vlan_filtering 1", {
    bv0: "mac: '02:00:00:00:05:04', vlanFiltering: true, vlanProtocol: 802.1ad, vlanDefaultPvid: 5",
    bv1: "mac: '02:00:00:00:05:05', vlanFiltering: true, vlanDefaultPvid: 0",
  }),
  vlan: kind(`${ON} type vlan id 9`, {
    v10: "dev: ens34f0, id: 10, reorderHdr: false, looseBinding: true, egressQosMap: { 6: 3, 7: 7 }, addresses: [192.0.2.1/28]",
    v20: "dev: ens34f0, id: 20, protocol: 802.1ad, gvrp: false, ingressQosMap: { 7: 5 }, mtu: 1300",
  }),
  bond: kind("type bond", {
    bo0: "mode: active-backup, miimon: 100, updelay: 200, downdelay: 300, primary: eth1, primaryReselect: better, failOverMac: active, numGratArp: 3, resendIgmp: 5, allSlavesActive: true",
    bo1: "mode: 802.3ad, miimon: 50, lacpRate: fast, adSelect: bandwidth, adActorSysPrio: 7, adUserPortKey: 9, adActorSystem: '02:00:00:00:07:01', xmitHashPolicy: layer3+4, minLinks: 1",
    bo2: "mode: balance-tlb, miimon: 100, tlbDynamicLb: false, xmitHashPolicy: layer2+3",
    bo3: "mode: active-backup, arpInterval: 500, arpIpTarget: [192.0.2.1, 192.0.2.2], arpValidate: all, arpAllTargets: all",
    bo4: "mode: balance-rr, packetsPerSlave: 2",
  }),
  vrf: kind("type vrf table 9", { vr0: "table: 1001, addrGenMode: none" }),
  macvlan: kind(`${ON} type macvlan`, { mv0: "dev: ens34f0, mode: bridge, bcqueuelen: 500" }),
  macvtap: kind(`${ON} type macvtap`, { mt0: "dev: ens34f0, mode: vepa" }),
  ipvlan: kind("link eth3 type ipvlan", { iv0: "dev: eth3, mode: l3s, flags: private" }),
  ipvtap: kind("link eth3 type ipvtap", { it0: "dev: eth3, mode: l3s, flags: private" }),
  macsec: kind("link eth4 type macsec", { ms0: "dev: eth4, mac: '02:00:00:00:05:03', sciPort: 5, encrypt: true" }),
  tun: kind("mode tun", {
    tu0: "mode: tun, owner: 0, vnetHdr: true, mtu: 1400",
    ta0: "mode: tap, multiQueue: true, pi: true, mac: '02:00:00:00:05:02'",
  }),
  geneve: kind("type geneve id 9 remote 192.0.2.9", {
    ge0: "vni: 7, remote: 192.0.2.9, ttl: 64, tos: 16, dstport: 7000, df: set, udpCsum: true",
    ge1: 'vni: 8, remote: "2001:db8::9", label: 77, udp6ZeroCsumTx: true, ttl: inherit',
  }),
  ipip: kind(`type ipip ${FOUR}`, {
    ti0: `${ENDS}, dev: ens34f0, ttl: 64, addrGenMode: none`,
    ti1: "remote: 192.0.2.10, pmtudisc: false, addrGenMode: none",
  }),
  sit: kind(`type sit ${FOUR}`, {
    ts0: `${ENDS}, ttl: 33, isatap: true, addrGenMode: none`,
    ts1: "local: 192.168.0.23, addrGenMode: none",
  }),
  ip6tnl: kind(`type ip6tnl ${SIX}`, {
    t60: `${ENDS6}, ttl: 33, encaplimit: none, flowlabel: 77, dscp: inherit, mode: ip6ip6`,
    t61: `remote: "2001:db8::a", dev: ens34f0, allowLocalremote: true, encaplimit: 2`,
  }),
  gre: kind(`type gre ${FOUR}`, {
    gr0: `${ENDS}, ikey: 5, okey: 6, iseq: true, oseq: true, ttl: 12, tos: 4, dev: ens34f0, addrGenMode: none`,
  }),
  gretap: kind(`type gretap ${FOUR}`, { gt0: `${ENDS}, ikey: 5, okey: 5, tos: 4` }),
  ip6gre: kind(`type ip6gre ${SIX}`, { g60: `${ENDS6}, ikey: 5, okey: 6, ttl: 9, flowlabel: 5, encaplimit: 0` }),
  ip6gretap: kind(`type ip6gretap ${SIX}`, { g6t: `${ENDS6}, okey: 6, encaplimit: 0` }),
  erspan: kind(`type erspan ${FOUR} key 1 erspan_ver 1`, {
    er0: `${ENDS}, okey: 100, ikey: 100, erspanVer: 1, erspan: 7`,
  }),
  vti: kind(`type vti ${FOUR}`, { vt0: `${ENDS}, ikey: 5, okey: 6, addrGenMode: none` }),
  vti6: kind(`type vti6 ${SIX}`, { vt6: `${ENDS6}, ikey: 5, okey: 6` }),
  xfrm: kind(`${ON} type xfrm if_id 9`, { xf0: "dev: ens34f0, ifId: 9" }),
  wireguard: kind("type wireguard", { wg0: "addrGenMode: none" }),
};
/** Links that are there, by the kind that needs them. */
const GIVEN: Readonly<Record<string, string>> = {
  bond: "  eth1: { master: bo0, addrGenMode: none }\n  eth2: { master: bo0, addrGenMode: none }\n",
  vrf: "  cab0: { kind: veth, peer: { name: cab1 }, master: vr0, addresses: [192.0.2.33/28] }\n",
};
const KEYS = ["yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg="];

function text(present: readonly string[], directory: string): string {
  const links = present.flatMap((one) => {
    const more = one === "wireguard" ? [wireguard(directory)] : [];
    return [
      ...Object.entries(CASES[one]?.links ?? {}).map(([name, words]) => {
        const all = [`kind: ${one}`, ...(words === "" ? [] : [words]), ...more].join(", ");
        return `  ${name}: { ${all} }\n`;
      }),
      GIVEN[one] ?? "",
    ];
  });
  return `linkwright: 1\nlinks:\n  ens34f0: { addresses: [192.168.0.23/24, "2001:db8::1/64"], addrGenMode: eui64 }\n${links.join("")}`;
}

/** Words of a WireGuard link, and its keys where networkd may read them: those beside its files are there for it. */
function wireguard(directory: string): string {
  mkdirSync(directory, { recursive: true });
  const group = /^systemd-network:[^:]*:(\d+):/m.exec(readFileSync(join(TREE, "etc/group"), "utf8"))?.[1];
  const files = ["private", "shared"].map((name) => join(directory, name));
  for (const [i, file] of files.entries()) {
    writeFileSync(file, `${KEYS[i]}\n`);
    output("chown", `0:${group}`, file);
    chmodSync(file, 0o640);
  }
  const peer = `{ publicKey: "${KEYS[1]}", presharedKeyFile: ${files[1]}, endpoint: "192.0.2.9:7", persistentKeepalive: 25, allowedIps: [192.0.2.128/25, "2001:db8:9::/48"] }`;
  return `privateKeyFile: ${files[0]}, listenPort: 51820, fwmark: 4, peers: [${peer}]`;
}

async function withCards(): Promise<TestNamespace> {
  const namespace = await machine();
  for (const card of ["eth1", "eth2", "eth3", "eth4"]) {
    const ip = (...args: readonly string[]): string => output("ip", "-n", namespace.name ?? "", ...args);
    ip("link", "add", card, "type", "veth", "peer", "name", `${card}p`);
    ip("link", "set", `${card}p`, "up");
    ip("link", "set", card, "up");
  }
  return namespace;
}

const namesOf = (one: string): readonly string[] => Object.keys(CASES[one]?.links ?? {});
type Words = Readonly<Record<string, unknown>>;

/** Of the state of a namespace, what is about some links. */
function about(state: Words, names: readonly string[]): Record<string, unknown> {
  const pattern = new RegExp(`(^(link|addr) |^sysctl .*/)(${names.join("|")})([ ./]|$)`);
  return Object.fromEntries(Object.entries(state).filter(([path]) => pattern.test(path)));
}

describe("kinds of links in networkd's files", function () {
  this.timeout(600_000);
  const all: AsyncDisposable[] = [];
  const documents = new Documents();
  const present: string[] = [];
  const failed = new Map<string, unknown>();
  let states: readonly [Words, Words];
  let networkd: Networkd;
  let [ours, theirs] = ["", ""];

  before(async function () {
    needs(this, "ip", "bridge", "nsenter", "unshare");
    needNetworkd(this);
    await using probe = await withCards();
    for (const [one, { by }] of Object.entries(CASES)) {
      const words = one === "tun" ? `tuntap add probe0 ${by}` : `link add name probe0 ${by}`;
      const ip = (line: string) => spawnSync("ip", ["-n", probe.name ?? "", ...line.split(" ")]).status === 0;
      if (ip(words) && ip("link del probe0")) present.push(one);
    }
    const [a, b] = [await withCards(), await withCards()];
    all.push(a, b);
    [ours, theirs] = [a.name ?? "", b.name ?? ""];
    const files = join(documents.directory, "files");
    const file = documents.write(text(present, join(files, "keys")));
    const state = join(documents.directory, "state");
    const applied = linkwright("apply", file, "--netns", ours, "--confirm", "0", "--state", state);
    equal(applied.status, 0, applied.stderr);
    const exported = linkwright("systemd", "export", file, ...VERSION, "--output", files);
    equal(exported.status, 0, exported.stderr);
    networkd = new Networkd(theirs, files);
    all.unshift(networkd);
    const names = present.flatMap(namesOf);
    await networkd.configured(theirs, ...names).catch((error: unknown) => {
      for (const one of present)
        if (!namesOf(one).every((name) => networkd.isConfigured(theirs, name))) failed.set(one, error);
    });
    // What follows the last link, as ports and routes.
    if (failed.size === 0) await networkd.configured(theirs, "ens34f0");
    states = [stateOf(theirs), stateOf(ours)];
  });
  after(async () => {
    for (const one of all) await one[Symbol.asyncDispose]();
    documents[Symbol.dispose]();
  });

  for (const one of Object.keys(CASES))
    it(`${one} is as apply makes it`, async function () {
      if (!present.includes(one)) skip(this, `this kernel has no links of kind ${one}`);
      const names = namesOf(one);
      if (failed.has(one)) throw failed.get(one);
      deepEqual(about(states[0], names), about(states[1], names));
      if (one === "wireguard") deepEqual(showconf(theirs), showconf(ours));
    });

  it("all of them, with their ports and routes, leave nothing to do and make networkd complain of nothing", async () => {
    deepEqual(networkd.complaints, []);
    deepEqual(states[0], states[1]);
    const plan = linkwright("plan", join(documents.directory, "document.yaml"), "--netns", theirs);
    equal(plan.status, 0, plan.stdout);
  });
});

/** All of a WireGuard link, its addresses in order: networkd gives them to the kernel the other way round. */
function showconf(netns: string): string {
  const text = output("ip", "netns", "exec", netns, "wg", "showconf", "wg0");
  return text.replace(/^AllowedIPs = (.*)$/gm, (_, all: string) => `AllowedIPs = ${all.split(", ").sort().join(", ")}`);
}
