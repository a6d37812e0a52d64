/** networkd, given the files of `systemd export`, makes what `apply` makes. */
import { deepEqual, equal, match } from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { machineMacs } from "../../lib/doctor/machine-mac.ts";
import { detectVersion } from "../../lib/systemd/version.ts";
import { needs } from "../../test/needs.ts";
import { Documents, example, linkwright } from "../cli/kit.ts";
import { VERSION } from "../systemd/kit.ts";
import { MACHINE_ID, Networkd, needNetworkd, output } from "./networkd.ts";
import { machine, stateOf } from "./state.ts";

const UNDERLAY = `
  ens34f0: { addresses: [192.168.0.23/24], addrGenMode: eui64 }
`;
/** Many of the words that networkd has; `MORE` has others. */
const MANY = `
linkwright: 1
links:
  ens34f0:
    mtu: 1500
    addresses: [192.168.0.23/24]
    routes: [{ dst: 198.51.100.0/24, via: 192.168.0.1, metric: 50, mtu: 1400 }]
    neighbors: [{ address: 192.168.0.77, mac: "02:00:00:00:00:77" }]
  br0:
    kind: bridge
    mac: "02:12:12:13:90:01"
    mtu: 1400
    hello: 1
    maxAge: 10
    forwardDelay: 4
    ageing: 120
    priority: 4096
    groupFwdMask: 8
    mcastSnooping: false
    mcastIgmpVersion: 3
    addresses:
      - 12.12.139.1/24
      - { address: 192.0.2.1/24, label: "br0:x", metric: 77 }
      - { address: "2001:db8::1/64", nodad: true }
  vx0:
    kind: vxlan
    vni: 40
    local: 192.168.0.23
    dev: ens34f0
    dstport: 8472
    srcport: { low: 40000, high: 50000 }
    ttl: 64
    tos: 16
    df: set
    ageing: 99
    limit: 1000
    learning: false
    proxy: true
    mtu: 1400
    mac: "02:12:12:13:90:02"
    master: br0
    port: { cost: 99, hairpin: true, learning: false, neighSuppress: true, mcastFlood: false, isolated: true }
    remotes: [192.168.0.24, 192.168.0.25]
    fdb: [{ mac: "02:00:00:00:00:99", dst: 192.168.0.26 }]
  vx1: { kind: vxlan, vni: 41, remote: 192.168.0.24 }
  mv0: { kind: macvlan, dev: ens34f0, mode: bridge, bcqueuelen: 500 }
  mv1: { kind: macvlan, dev: ens34f0, mode: source, macaddr: ["02:00:00:00:02:01", "02:00:00:00:02:02"] }
  mt0: { kind: macvtap, dev: ens34f0, mode: private, addresses: [192.0.2.129/25] }
  cab0: { kind: veth, peer: { name: cab1, mac: "02:00:00:00:01:01" }, mac: "02:00:00:00:01:00", master: br0 }
sysctls:
  net.ipv4.ip_forward: 1
  "net.ipv4.conf.{all,br0}.rp_filter": 0
`;

/** Words that `MANY` has not, or has otherwise; those that networkd has since 258 only where it has them. */
const MORE = `
linkwright: 1
links:
  ens34f0:
    mtu: 1500
    group: 3
    promisc: true
    addresses:
      - 192.168.0.23/24
      - { address: 192.0.2.65/28, noprefixroute: true, scope: link, broadcast: 192.0.2.77 }
      - { address: "2001:db8:7::1/64", nodad: true, preferredLifetime: 0 }
      - { address: 192.0.2.97, peer: 192.0.2.98/32 }
    routes:
      - { dst: 198.51.100.0/24, via: 203.0.113.1, onlink: true, advmss: 1300, src: 192.168.0.23 }
      - { dst: 198.51.103.0/24, scope: link, table: 77 }
  br0:
    kind: bridge
    mac: "02:12:12:13:90:01"
    stp: true
    mcastQuerier: true
    mcastSnooping: true
    group: 7
    allmulticast: true
    multicast: false
    arp: false
  vx0:
    kind: vxlan
    vni: 50
    remote: 239.1.1.1
    dev: ens34f0
    dstport: 4790
    gbp: true
    rsc: true
    l2miss: true
    l3miss: true
    remoteCsumTx: true
    remoteCsumRx: true
    udpCsum: false
    mac: "02:12:12:13:90:02"
  vx1:
    kind: vxlan
    vni: 51
    remote: "2001:db8:7::9"
    local: "2001:db8:7::1"
    dstport: 4791
    label: 77
    ttl: inherit
    udp6ZeroCsumTx: true
    udp6ZeroCsumRx: true
    mac: "02:12:12:13:90:03"
  cab0:
    kind: veth
    peer: { name: cab1, mac: "02:00:00:00:01:01" }
    mac: "02:00:00:00:01:00"
    master: br0
    port: { flood: false, fastLeave: true, mcastToUnicast: true, mcastRouter: 2, proxyArp: true, proxyArpWifi: true, priority: 9@LOCKED }
@NEW
rules:
  - { from: 10.9.9.0/24, table: 100, priority: 1000 }
  - { to: "2001:db8:9::/48", not: true, fwmark: 7, fwmask: 255, table: main, priority: 1001, suppressPrefixlength: 3 }
  - { iif: br0, oif: ens34f0, table: 102, priority: 1002 }
  - { from: 10.9.8.0/24, sport: 5-9, dport: 80, uidrange: 1000-1999, tos: 16, table: 103, priority: 1003 }
  - { fwmark: 9, family: inet6, table: 101, priority: 1004 }
`;
const NEW = `
  vx2: { kind: vxlan, external: true, vnifilter: true, dstport: 4792, mac: "02:12:12:13:90:04" }
`;

/** As udev does when the links come. */
function sysctl(netns: string, files: string): void {
  const file = join(files, "etc/sysctl.d/98-linkwright.conf");
  output("nsenter", `--net=/run/netns/${netns}`, "/lib/systemd/systemd-sysctl", file);
}

async function compare(text: string, host: readonly string[], names: readonly string[]): Promise<void> {
  using documents = new Documents();
  const file = documents.write(text);
  await using ours = await machine();
  await using theirs = await machine();
  const [a, b] = [ours.name ?? "", theirs.name ?? ""];
  const applied = linkwright(
    "apply",
    file,
    ...host,
    "--netns",
    a,
    "--confirm",
    "0",
    "--state",
    join(documents.directory, "state"),
  );
  equal(applied.status, 0, applied.stderr);

  const files = join(documents.directory, "files");
  const exported = linkwright("systemd", "export", file, ...host, ...VERSION, "--output", files);
  equal(exported.status, 0, exported.stderr);
  await using networkd = new Networkd(b, files);
  await networkd.configured(b, ...names);
  if (text.includes("sysctls:")) sysctl(b, files);
  if (text.includes("nat:"))
    output("nsenter", `--net=/run/netns/${b}`, "nft", "-f", join(files, "etc/linkwright/linkwright.nft"));
  deepEqual(networkd.complaints, []);
  deepEqual(stateOf(b), stateOf(a));
  const plan = linkwright("plan", file, ...host, "--netns", b);
  equal(plan.stdout, linkwright("plan", file, ...host, "--netns", a).stdout);
  equal(plan.status, 0, plan.stdout);
}

describe("systemd export, and the real networkd", function () {
  this.timeout(240_000);
  before(function () {
    needs(this, "ip", "bridge", "nft", "nsenter", "unshare");
    needNetworkd(this);
  });

  it("makes the two hosts of the founding document as apply does", async () => {
    const text = example("two-hosts").replace("links:\n", `links:${UNDERLAY}`);
    await compare(text, ["--host", "bm1"], ["br-vm", "vxlan0"]);
  });

  it("makes links, ports and entries with many options as apply does", async () => {
    await compare(MANY, [], ["br0", "vx0", "vx1", "mv0", "mv1", "mt0", "cab0"]);
  });

  it("makes the other words, and rules, as apply does", async () => {
    const version = Number(VERSION[1] ?? detectVersion());
    const text = MORE.replace("@LOCKED", version < 258 ? "" : ", learning: true, locked: true, mab: true").replace(
      "@NEW",
      version < 258 ? "" : NEW,
    );
    await compare(text, [], ["ens34f0", "br0", "vx0", "vx1", ...(version < 258 ? [] : ["vx2"]), "cab0"]);
  });

  it("makes of a running host's own files what runs there, and has nothing to do where it runs", async () => {
    using documents = new Documents();
    await using ours = await machine();
    await using theirs = await machine();
    const [a, b] = [ours.name ?? "", theirs.name ?? ""];
    const state = join(documents.directory, "state");
    const file = documents.write(MANY);
    equal(linkwright("apply", file, "--netns", a, "--confirm", "0", "--state", state).status, 0);
    const files = join(documents.directory, "files");
    const exported = linkwright("systemd", "export", "--netns", a, ...VERSION, "--output", files);
    equal(exported.status, 0, exported.stderr);
    await using networkd = new Networkd(b, files);
    await networkd.configured(b, "br0", "vx0", "vx1", "mv0", "mv1", "mt0", "cab0");
    sysctl(b, files);
    deepEqual(networkd.complaints, []);
    // What runs is written without MAC addresses, as those that somebody chose look like all others.
    const unaddressed = (netns: string) =>
      Object.fromEntries(Object.entries(stateOf(netns)).filter(([path]) => !/^link \S+\.address$/.test(path)));
    deepEqual(unaddressed(b), unaddressed(a));
    const { status, stderr } = linkwright("systemd", "export", "--host", "bm1");
    deepEqual(
      [status, stderr.split("\n")[0]],
      [1, "linkwright: --host is for a document of several hosts: name its FILE"],
    );
  });

  it("leaves a rest that apply does, without taking networkd's links away", async () => {
    using documents = new Documents();
    await using theirs = await machine();
    const name = theirs.name ?? "";
    const rest = "rules: [{ from: 12.12.139.0/24, goto: 2000, priority: 1000 }]\n";
    const file = documents.write(MANY.replace("hello: 1", "mcastMldVersion: 2") + rest);
    const files = join(documents.directory, "files");
    const { stderr } = linkwright("systemd", "export", file, ...VERSION, "--output", files);
    match(stderr, /linkwright-apply\.service: links\.br0\.mcastMldVersion: networkd has no key for it/);
    await using networkd = new Networkd(name, files);
    await networkd.configured(name, "br0", "vx0", "vx1", "cab0");
    const indexes = (): string =>
      output("ip", "-n", name, "-oneline", "link", "show").replace(/(\d+: [^:]+):.*/g, "$1");
    const before = indexes();
    const carried = join(files, "etc/linkwright/document.yaml");
    const state = join(documents.directory, "state");
    const applied = linkwright("apply", carried, "--netns", name, "--confirm", "0", "--state", state);
    equal(applied.status, 0, applied.stderr);
    equal(indexes(), before);
    equal(linkwright("plan", file, "--netns", name).status, 0);
    equal(
      readFileSync(join(files, "etc/systemd/networkd.conf.d/90-linkwright.conf"), "utf8")
        .split("\n")
        .slice(-3)
        .join("\n"),
      "[Network]\nManageForeignRoutingPolicyRules=no\n",
    );
  });

  it("tells of a key that networkd does not know", async () => {
    using documents = new Documents();
    await using theirs = await machine();
    const name = theirs.name ?? "";
    const files = join(documents.directory, "files");
    const file = documents.write(MANY);
    linkwright("systemd", "export", file, ...VERSION, "--output", files);
    const bridge = join(files, "etc/systemd/network/10-linkwright-br0.netdev");
    writeFileSync(bridge, `${readFileSync(bridge, "utf8")}NoSuchKey=yes\n`);
    await using networkd = new Networkd(name, files);
    await networkd.configured(name, "br0");
    equal(networkd.complaints.length, 1, networkd.complaints.join("\n"));
  });

  it("makes MAC addresses of the machine's id, as the doctor takes them to be made", async () => {
    using documents = new Documents();
    await using theirs = await machine();
    const name = theirs.name ?? "";
    const place = join(documents.directory, "etc/systemd/network");
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, "10-br-vm.netdev"), "[NetDev]\nName=br-vm\nKind=bridge\n");
    writeFileSync(
      join(place, "10-br-vm.network"),
      "[Match]\nName=br-vm\n\n[Network]\nConfigureWithoutCarrier=yes\nLinkLocalAddressing=no\n",
    );
    await using networkd = new Networkd(name, documents.directory);
    await networkd.configured(name, "br-vm");
    const [link] = JSON.parse(output("ip", "-n", name, "-json", "link", "show", "br-vm")) as { address: string }[];
    const made = machineMacs(MACHINE_ID, "br-vm").find(({ by }) => by === "systemd-networkd");
    equal(link?.address, made?.mac);
  });
});
