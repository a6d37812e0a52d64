/** networkd, given the files of `systemd export`, makes what `apply` makes. */
import { deepEqual, equal, match } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TestNamespace } from "../../lib/testkit/index.ts";
import { needs } from "../../test/needs.ts";
import { Documents, example, linkwright } from "../cli/kit.ts";
import { VERSION } from "../systemd/kit.ts";
import { Networkd, needNetworkd, output, sysctlsOf } from "./networkd.ts";

/** What may differ, and why. A part of the path of a value decides. */
const PERMITTED: readonly (readonly [path: RegExp, why: string])[] = [
  [/\.(ifindex|link_index|link_netnsid|iflink)$/, "numbers that the kernel gives in order of creation"],
  [/(^|\.)(address|bridge_id|root_id|designated_\w+|permaddr)$/, "MAC addresses that nobody chose are random"],
  [/(_timer|^gc_timer|\.id|\.no|valid_life_time|preferred_life_time)$/, "they run, or count ports in order of arrival"],
  [/^sysctl .*\/accept_ra$/, "networkd keeps it at 0 and takes router announcements itself"],
  [/^sysctl .*\/promote_secondaries$/, "networkd sets it, so that a second address outlives the first"],
  [/^fdb 01:80:c2:00:00:0[03e]$/, "networkd listens to LLDP on links that it did not make"],
];

const isPermitted = (path: string): boolean => PERMITTED.some(([pattern]) => pattern.test(path));

/** A value as paths, without those that may differ. */
function flat(value: unknown, path: string, into: Record<string, unknown> = {}): Record<string, unknown> {
  if (typeof value !== "object" || value === null) {
    if (!isPermitted(path)) into[path] = value;
  } else for (const [key, inner] of Object.entries(value)) flat(inner, path === "" ? key : `${path}.${key}`, into);
  return into;
}

type Told = Readonly<Record<string, unknown>>;
/** IPv6 addresses made of random MAC addresses, and what is about them. */
const isOfMac = (text: string): boolean => /fe80::|33:33:|01:00:5e:|ff02::/.test(text);

function entriesOf(told: readonly Told[]): string[] {
  return told
    .map((one) => JSON.stringify(one))
    .filter((text) => !isOfMac(text))
    .sort();
}

/** All that the kernel tells of a namespace, as text of a fixed order. */
function stateOf(netns: string): Record<string, unknown> {
  const list = (program: string, ...args: readonly string[]): Told[] =>
    JSON.parse(output(program, "-n", netns, "-json", ...args) || "[]") as Told[];
  const links = list("ip", "-d", "link", "show");
  const state: Record<string, unknown> = {};
  for (const link of links) flat(link, `link ${String(link["ifname"])}`, state);
  for (const { ifname, addr_info } of list("ip", "address", "show") as { ifname?: string; addr_info?: Told[] }[])
    for (const one of addr_info ?? [])
      if (one["scope"] !== "link" || one["family"] === "inet")
        flat(one, `addr ${ifname} ${String(one["local"])}`, state);
  state["routes"] = entriesOf([
    ...list("ip", "route", "show", "table", "all"),
    ...list("ip", "-6", "route", "show", "table", "all"),
  ]);
  state["neighbors"] = entriesOf(list("ip", "neighbor", "show", "nud", "permanent"));
  const macs = new Set(links.map(({ address }) => address));
  state["fdb"] = entriesOf(
    list("bridge", "fdb", "show").filter(({ mac }) => !macs.has(mac as string) && !isPermitted(`fdb ${String(mac)}`)),
  );
  for (const [key, value] of Object.entries(sysctlsOf(netns))) flat(value, `sysctl ${key}`, state);
  return state;
}

/** A host with a network card. */
async function machine(): Promise<TestNamespace> {
  const namespace = await TestNamespace.create();
  const ip = (...args: readonly string[]) => output("ip", "-n", namespace.name ?? "", ...args);
  ip("link", "set", "lo", "up");
  ip("link", "add", "ens34f0", "type", "veth", "peer", "name", "cable");
  ip("link", "set", "cable", "up");
  ip("link", "set", "ens34f0", "up");
  return namespace;
}

const UNDERLAY = `
  ens34f0: { addresses: [192.168.0.23/24], addrGenMode: eui64 }
`;
/** Of nearly every word that networkd has, one. */
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
  // As udev does when the links come.
  const sysctl = [
    `--net=/run/netns/${b}`,
    "/lib/systemd/systemd-sysctl",
    join(files, "etc/sysctl.d/98-linkwright.conf"),
  ];
  output("nsenter", ...sysctl);
  if (text.includes("nat:"))
    output("nsenter", `--net=/run/netns/${b}`, "nft", "-f", join(files, "etc/linkwright/linkwright.nft"));
  deepEqual(networkd.complaints, []);
  deepEqual(stateOf(b), stateOf(a));
  const plan = linkwright("plan", file, ...host, "--netns", b);
  equal(plan.stdout, linkwright("plan", file, ...host, "--netns", a).stdout);
  equal(plan.status, 0, plan.stdout);
}

describe("systemd export, and the real networkd", function () {
  this.timeout(60_000);
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

  it("leaves a rest that apply does, without taking networkd's links away", async () => {
    using documents = new Documents();
    await using theirs = await machine();
    const name = theirs.name ?? "";
    const rest = "rules: [{ from: 12.12.139.0/24, table: 100, priority: 1000 }]\n";
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
});
