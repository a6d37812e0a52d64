/** A running host becomes a document that changes nothing there, whatever is on the host. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { Host } from "../../lib/host.ts";
import { writeDraft } from "../../lib/import/draft.ts";
import type { Finding } from "../../lib/import/finding.ts";
import { importHost } from "../../lib/import/host.ts";
import { NetlinkError } from "../../lib/socket/index.ts";
import { apply } from "../../lib/state/apply.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import { observe } from "../../lib/state/observe.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource } from "../../lib/state/source.ts";
import { verify } from "../../lib/state/verify.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import { firstTryCounts, needs, skip } from "../../test/needs.ts";
import { addressesIn } from "../agreement/addresses.ts";
import { entriesIn } from "../agreement/entries.ts";
import type { Sort } from "../agreement/kit.ts";
import { linksIn, sortsHere, UNDER } from "../agreement/links.ts";
import { routesIn } from "../agreement/routes.ts";
import { scene as linkScene } from "../links/kit.ts";
import { type Machine, scene } from "../state/kit.ts";
import { LINKS } from "./links.ts";

/** Hosts that are drawn of each sort; fewer on an emulated processor. */
const HOSTS = process.env["LINKWRIGHT_LOAD"] === "0" ? 3 : 12;

interface Read {
  readonly text: string;
  readonly findings: readonly Finding[];
}
/** Imports a host, and sees that the document changes nothing and is verified. */
async function imported(host: Host): Promise<Read> {
  const { draft, findings } = await importHost(host);
  const text = writeDraft(draft);
  const desired = desiredOf(parseSource(text));
  deepEqual(plan(await observe(host, desired), desired).steps, [], text);
  ok((await verify(host, desired)).ok, text);
  return { text, findings };
}
const bad = (findings: readonly Finding[]): readonly string[] =>
  findings.filter(({ level }) => level === "error").map(({ message }) => message);

const SORTS = [
  ["addresses", addressesIn],
  ["routes", routesIn],
  ["forwarding entries", entriesIn],
] as unknown as readonly (readonly [string, (scene: never) => Sort<unknown>])[];

describe("import of a running host", function () {
  this.timeout(120_000);
  firstTryCounts(this);
  before(function () {
    needs(this, "ip", "bridge");
  });

  it("says nothing of a host that has nothing", async () => {
    const namespace = await TestNamespace.create();
    const host = await Host.open({ netns: namespace });
    try {
      equal(
        (await imported(host)).text,
        "# Made of a running host. What is not in it is left alone.\n\nlinkwright: 1\n",
      );
    } finally {
      host.close();
      await namespace.end();
    }
  });

  const FAR_AWAY = "ens34f0: Its far end is in another namespace: others make it.";
  const STORY = `
ip link add br-vm type bridge; ip link set br-vm up; ip address add 12.12.139.1/24 dev br-vm
ip link add vxlan0 type vxlan id 39 dev ens34f0 remote 192.168.0.24 dstport 4789
ip link set vxlan0 master br-vm; ip link set vxlan0 up
ip route add default via 192.168.0.1
ip neigh replace 192.168.0.24 lladdr 02:00:00:00:00:24 dev ens34f0 nud permanent
bridge fdb append 00:00:00:00:00:00 dev vxlan0 dst 192.168.0.25
bridge fdb add 02:00:00:00:00:77 dev vxlan0 dst 192.168.0.25
ip rule add from 10.0.0.0/8 table 100 priority 500
for key in all default ens34f0 br-vm vxlan0; do echo 2 >/proc/sys/net/ipv4/conf/$key/rp_filter; done
echo 1 >/proc/sys/net/ipv4/ip_forward`;

  async function story(use: (machine: Machine) => Promise<void>): Promise<void> {
    const hosts = await scene();
    try {
      await hosts.bm1.sh(STORY);
      await use(hosts.bm1);
    } finally {
      await hosts[Symbol.asyncDispose]();
    }
  }

  it("says the founding story's host", async () => {
    await story(async ({ host }) => {
      const { text, findings } = await imported(host);
      deepEqual(
        findings.map(({ message }) => message),
        [FAR_AWAY],
      );
      const { value } = parseSource(text);
      deepEqual(value, {
        linkwright: 1,
        links: {
          ens34f0: {
            up: true,
            addresses: ["192.168.0.23/24"],
            routes: [{ dst: "default", via: "192.168.0.1" }],
            neighbors: [{ address: "192.168.0.24", mac: "02:00:00:00:00:24" }],
          },
          "br-vm": { kind: "bridge", mtu: "auto", addresses: ["12.12.139.1/24"] },
          vxlan0: {
            kind: "vxlan",
            vni: 39,
            dev: "ens34f0",
            dstport: 4789,
            master: "br-vm",
            mtu: "auto",
            remotes: ["192.168.0.24", "192.168.0.25"],
            fdb: [{ mac: "02:00:00:00:00:77", dst: "192.168.0.25" }],
          },
        },
        rules: [{ priority: 500, from: "10.0.0.0/8", table: 100 }],
        sysctls: {
          "net.ipv4.ip_forward": 1,
          "net.ipv4.conf.{all,default}.rp_filter": 2,
        },
      });
    });
  });

  it("says enough to make the same host again", async () => {
    await story(async ({ host, sh }) => {
      const { text } = await imported(host);
      await sh(
        "ip link delete vxlan0; ip link delete br-vm; ip rule delete priority 500; echo 0 >/proc/sys/net/ipv4/ip_forward",
      );
      const desired = desiredOf(parseSource(text));
      await apply(host, plan(await observe(host, desired), desired));
      equal((await imported(host)).text, text);
      ok((await sh("bridge fdb show dev vxlan0")).includes("00:00:00:00:00:00 dst 192.168.0.25"));
    });
  });

  it("says queues and features that somebody chose", async function () {
    needs(this, "ethtool", "tc");
    await story(async ({ host, sh }) => {
      await sh(`ip link add v0 type veth peer name v1; ethtool -K v0 tso off gro on >/dev/null
tc qdisc add dev ens34f0 root handle 7: pfifo limit 20; tc qdisc add dev v0 root handle 8: tbf rate 1mbit burst 10kb limit 20kb
tc qdisc add dev v1 root handle 1: tbf rate 1mbit burst 10kb limit 20kb; tc qdisc add dev v1 parent 1:1 handle 2: pfifo`);
      const { text, findings } = await imported(host);
      const { links } = parseSource(text).value as {
        links: Record<
          string,
          { qdisc?: { kind: string; handle?: string }; queues?: object[]; ethtool?: { features: object } }
        >;
      };
      deepEqual(links["ens34f0"]?.qdisc, { kind: "pfifo", limit: 20 });
      deepEqual(links["v0"]?.ethtool?.features, {
        "tx-tcp-segmentation": false,
        "tx-tcp6-segmentation": false,
        "rx-gro": true,
      });
      equal(links["v0"]?.qdisc?.kind, "tbf");
      equal(links["br-vm"]?.ethtool, undefined);
      equal(links["v1"]?.qdisc?.handle, "1:");
      deepEqual(links["v1"]?.queues, [{ parent: "1:1", handle: "2:", kind: "pfifo", limit: 1000 }]);
      deepEqual(
        findings.filter(({ message }) => message.includes("qdisc")),
        [],
      );
      const desired = desiredOf(parseSource(text));
      deepEqual(plan(await observe(host, desired), desired).steps, []);
    });
  });

  /** What lies on links or beside them, and no property draws: what makes it where the kernel has it, and how it is said. */
  const LISTS: Readonly<Record<string, readonly [script: string, said: (value: never) => unknown, expected: unknown]>> =
    {
      nexthops: [
        `ip nexthop add id 7 via 192.168.0.11 dev ens34f0; ip nexthop add id 8 via 192.168.0.12 dev ens34f0
ip nexthop add id 10 group 7/8,3; ip nexthop add id 11 blackhole; ip route add 10.8.0.0/16 nhid 10`,
        ({ nexthops }: { nexthops: object[] }) => nexthops,
        [
          { id: 7, via: "192.168.0.11", dev: "ens34f0" },
          { id: 8, via: "192.168.0.12", dev: "ens34f0" },
          { id: 10, group: [{ id: 7 }, { id: 8, weight: 3 }] },
          { id: 11, blackhole: true },
        ],
      ],
      "labels of addresses": [
        `ip addrlabel add prefix 2001:db8:1::/48 label 70; ip addrlabel add prefix 2001:db8:2::/48 dev ens34f0 label 71
ip addrlabel del prefix 2002::/16 label 2; ip link add gone7 type bridge; ip addrlabel add prefix 2001:db8:3::/48 dev gone7 label 72; ip link del gone7`,
        ({ addressLabels }: { addressLabels: object[] }) => addressLabels,
        [
          { prefix: "2002::/16", state: "absent" },
          { prefix: "2001:db8:2::/48", label: 71, dev: "ens34f0" },
          { prefix: "2001:db8:1::/48", label: 70 },
        ],
      ],
      "multicast groups": [
        `ip link add br7 type bridge; ip link add p7 type veth peer name q7; ip link set p7 master br7 up; ip link set br7 up
bridge mdb add dev br7 port p7 grp 239.1.1.1 permanent; bridge mdb add dev br7 port p7 grp ff0e::7 permanent`,
        ({ links }: Links) => fields(links["br7"]?.["mdb"], "group", "port", "state"),
        [
          ["239.1.1.1", "p7", "permanent"],
          ["ff0e::7", "p7", "permanent"],
        ],
      ],
      VNIs: [
        `ip link add vx7 type vxlan external vnifilter dstport 4797; ip link set vx7 up
bridge vni add dev vx7 vni 1000-1099; bridge vni add dev vx7 vni 7 remote 192.168.0.9`,
        ({ links }: Links) => links["vx7"]?.["vnis"],
        [{ vni: 7, remote: "192.168.0.9" }, "1000-1099"],
      ],
      "classes and queues": [
        `ip link add s7 type veth peer name t7
tc qdisc add dev s7 root handle 1: htb default 0x20; tc class add dev s7 parent 1: classid 1:1 htb rate 100mbit
tc class add dev s7 parent 1:1 classid 1:10 htb rate 30mbit; tc qdisc add dev s7 parent 1:10 handle 10: pfifo limit 50`,
        ({ links }: Links) => [
          ...fields(links["s7"]?.["classes"], "classid", "parent", "rate"),
          ...fields(links["s7"]?.["queues"], "kind", "parent", "limit"),
        ],
        [
          ["1:1", undefined, 100_000_000],
          ["1:10", "1:1", 30_000_000],
          ["pfifo", "1:10", 50],
        ],
      ],
      filters: [
        `ip link add s8 type veth peer name t8; tc qdisc add dev s8 root handle 1: htb
tc class add dev s8 parent 1: classid 1:10 htb rate 30mbit
tc filter add dev s8 parent 1: pref 10 protocol ip u32 match ip dst 10.2.0.0/16 classid 1:10
tc filter add dev s8 parent 1: pref 20 protocol all u32 match u32 0 0 classid 1:10`,
        ({ links }: Links) => fields(links["s8"]?.["filters"], "parent", "pref", "kind", "classid"),
        [
          ["1:", 10, "u32", "1:10"],
          ["1:", 20, "u32", "1:10"],
        ],
      ],
      "filters of other kinds": [
        `ip link add s9 type veth peer name t9; tc qdisc add dev s9 root handle 1: htb; tc qdisc add dev s9 clsact
tc class add dev s9 parent 1: classid 1:10 htb rate 30mbit
tc filter add dev s9 parent 1: pref 10 protocol ip flower ip_proto tcp dst_port 80 classid 1:10
tc filter add dev s9 ingress pref 5 protocol all matchall action drop`,
        ({ links }: Links) => fields(links["s9"]?.["filters"], "parent", "pref", "kind", "classid"),
        [
          ["1:", 10, "flower", "1:10"],
          ["ingress", 5, "matchall", undefined],
        ],
      ],
    };
  /** Some properties of each entry of a list, which the kernel tells in any order. */
  const fields = (list: unknown, ...keys: readonly string[]): unknown[][] =>
    ((list ?? []) as Record<string, unknown>[]).map((one) => keys.map((key) => one[key])).sort();
  type Links = { readonly links: Readonly<Record<string, Readonly<Record<string, unknown>>>> };

  it(`says ${Object.keys(LISTS).join(", ")}`, async function () {
    needs(this, "tc");
    const lacking: string[] = [];
    await story(async ({ host, sh }) => {
      for (const [name, [script]] of Object.entries(LISTS)) await sh(script).catch(() => lacking.push(name));
      const { text, findings } = await imported(host);
      deepEqual(
        findings.map(({ message }) => message),
        [FAR_AWAY],
      );
      for (const [name, [, said, expected]] of Object.entries(LISTS))
        if (!lacking.includes(name)) deepEqual(said(parseSource(text).value as never), expected, text);
    });
    if (lacking.length > 0) skip(this, `all but what this kernel lacks was found right: ${lacking.join(", ")}`);
  });

  it("says our own table, and rules of iptables in comments", async function () {
    needs(this, "nft", "iptables");
    await story(async ({ host, sh }) => {
      const nat = "nat:\n  - { masquerade: 12.12.139.0/24, out: ens34f0 }";
      const forward =
        "forward:\n  - { in: br-vm, out: ens34f0, accept: all, clampMss: true }\n  - { in: ens34f0, out: br-vm, accept: replies }";
      const desired = desiredOf(parseSource(`linkwright: 1\n${nat}\n${forward}\n`));
      await apply(host, plan(await observe(host, desired), desired));
      const own = await imported(host);
      ok(own.text.includes(`\n\n${nat}\n\n${forward}\n`), own.text);
      await sh(`nft delete table inet linkwright
iptables -t nat -A POSTROUTING -s 12.12.139.0/24 -o ens34f0 -j MASQUERADE
iptables -A FORWARD -i br-vm -o ens34f0 -j ACCEPT
iptables -A FORWARD -i ens34f0 -o br-vm -m state --state RELATED,ESTABLISHED -j ACCEPT
iptables -t mangle -A FORWARD -i br-vm -o ens34f0 -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
iptables -A INPUT -p udp --dport 4789 -j ACCEPT`);
      const theirs = await imported(host);
      ok(theirs.text.includes(`${nat}\n${forward}`.replace(/^/gm, "# ")), theirs.text);
      ok(/# {3}table ip filter: INPUT: udp dport 4789 .*accept/.test(theirs.text), theirs.text);
      equal(theirs.findings.filter(({ message }) => /belongs to others/.test(message)).length, 3);
    });
  });

  it("leaves out what has a lifetime, and what daemons keep, and says so", async () => {
    await story(async ({ host, sh }) => {
      await sh(`ip address add 192.168.7.7/24 dev ens34f0 valid_lft 1000 preferred_lft 1000
ip route add 10.1.0.0/16 via 192.168.0.9 proto bird; ip route add 10.2.0.0/16 via 192.168.0.9 proto ra`);
      const { text, findings } = await imported(host);
      ok(!/192\.168\.7\.7|10\.[12]\.0\.0/.test(text), text);
      deepEqual(
        findings.map(({ message }) => message),
        [
          "left out: addresses with a lifetime (DHCP, or announced by a router): 1",
          "left out: routes of bird, which keeps them itself: 1",
          "left out: routes that a router announces: 1",
          FAR_AWAY,
        ],
      );
    });
  });

  /** Makes what is drawn, as far as the kernel takes it, and imports the host each time. */
  async function hold<C>(host: Host, sort: Sort<C>): Promise<void> {
    const property = fc.asyncProperty(sort.drawn, async (configs) => {
      try {
        for (const config of configs)
          await Promise.resolve(sort.write(config)).catch((error: unknown) => {
            if (!(error instanceof NetlinkError)) throw error;
          });
        const { text, findings } = await imported(host);
        deepEqual(bad(findings), [], text);
      } finally {
        await sort.clear(configs);
      }
    });
    await fc.assert(property, { numRuns: HOSTS, interruptAfterTimeLimit: 60_000 });
  }

  it("changes nothing on hosts with any links", async () => {
    await using here = await linkScene(UNDER);
    await hold(here.host, linksIn(here, await sortsHere(here)));
  });

  for (const [name, sortIn] of SORTS)
    it(`changes nothing on hosts with any ${name}`, async () => {
      await using here = await linkScene(LINKS);
      const { addresses, routes, fdb } = here.host;
      await hold(here.host, sortIn({ addresses, routes, fdb } as never));
    });
});
