/** Others change an applied host, with programs that are not ours: verify has to report each change. */

import { verify } from "../../lib/state/verify.ts";
import { encode } from "../../lib/transaction/encoding.ts";
import { transact } from "../../lib/transaction/transaction.ts";
import { randomOf } from "./documents.ts";
import { desired, machine, shell } from "./host.ts";

const DOCUMENT = {
  linkwright: 1,
  links: {
    br0: { kind: "bridge", mtu: 1400, stp: false, ageing: 300, addresses: ["10.0.0.1/24", "fd00::1/64"] },
    vx1: {
      kind: "vxlan",
      vni: 39,
      dev: "eth0",
      remotes: ["192.0.2.11", "192.0.2.12"],
      master: "br0",
      mtu: 1400,
      learning: true,
      ageing: 300,
      ttl: 64,
      port: { learning: true, cost: 100 },
      fdb: [{ mac: "02:00:00:00:aa:01", dst: "192.0.2.11" }],
    },
    if0: { kind: "ifb", mtu: 1300, up: true },
    eth0: { up: true, mtu: 1500, neighbors: [{ address: "192.0.2.77", mac: "02:00:00:00:aa:02" }] },
  },
  routes: [
    { dst: "10.20.0.0/16", via: "192.0.2.254", metric: 5 },
    { dst: "10.21.0.0/16", type: "blackhole" },
    { dst: "fd00:20::/64", dev: "eth0" },
  ],
  rules: [
    { priority: 100, from: "10.9.0.0/24", table: 100 },
    { priority: 200, fwmark: 7, table: 101 },
  ],
  nexthops: [{ id: 1, via: "192.0.2.201", dev: "eth0" }],
  sysctls: {
    "net.ipv4.ip_forward": 1,
    "net.ipv4.conf.br0.rp_filter": 0,
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.eth0.proxy_arp": 0,
  },
  nat: [{ masquerade: "10.0.0.0/24", out: "eth0" }],
  forward: [
    { in: "br0", out: "eth0", accept: "all" },
    { in: "eth0", out: "br0", accept: "replies" },
  ],
} as const;

type Pick = (most: number) => number;
const set = (key: string, value: number): string => `echo ${value} >/proc/sys/net/ipv4/${key}`;

/** Another rule in the place of one; it may be there from a time before, as nobody takes away what is not in the document. */
const otherRule = (now: string, next: string): string =>
  `ip rule del ${now}; ip rule del ${next} 2>/dev/null || true; ip rule add ${next}`;

/** What others may do, and what has to be named of it; each changes something that the document names. */
const CHANGES: readonly (readonly [named: RegExp, change: (pick: Pick) => string])[] = [
  [/^link br0 mtu:/, (pick) => `ip link set br0 mtu ${1280 + pick(100)}`],
  [/^link vx1 mtu:/, (pick) => `ip link set vx1 mtu ${1280 + pick(100)}`],
  [/^link if0 mtu:/, (pick) => `ip link set if0 mtu ${1280 + pick(19)}`],
  [/^link if0 up:/, () => "ip link set if0 down"],
  [/^link br0 up:/, () => "ip link set br0 down"],
  [/^link vx1 up:/, () => "ip link set vx1 down"],
  [/^link vx1 master:/, () => "ip link set vx1 nomaster"],
  [/^link vx1 /, () => "ip link del vx1"],
  [/^link br0 /, () => "ip link del br0"],
  [/^link if0 /, () => "ip link del if0"],
  [/^link if0 /, () => "ip link del if1 2>/dev/null || true; ip link set if0 name if1"],
  [/^link br0 stp:/, () => "ip link set br0 type bridge stp_state 1"],
  [/^link br0 ageing:/, (pick) => `ip link set br0 type bridge ageing_time ${100 * (10 + pick(200))}`],
  [/^link vx1 ttl:/, (pick) => `ip link set vx1 type vxlan id 39 ttl ${1 + pick(60)} ageing 300`],
  [/^link vx1 ageing:/, (pick) => `ip link set vx1 type vxlan id 39 ttl 64 ageing ${10 + pick(200)}`],
  [/^link vx1 learning:/, () => "ip link set vx1 type vxlan id 39 ttl 64 ageing 300 nolearning"],
  [/^link vx1 port\.learning:/, () => "bridge link set dev vx1 learning off"],
  [/^link vx1 port\.cost:/, (pick) => `bridge link set dev vx1 cost ${1 + pick(90)}`],
  [/^fdb .*02:00:00:00:aa:01/, () => "bridge fdb del 02:00:00:00:aa:01 dev vx1"],
  [/^fdb .*02:00:00:00:aa:01/, (pick) => `bridge fdb replace 02:00:00:00:aa:01 dev vx1 dst 192.0.2.${20 + pick(200)}`],
  [/192\.0\.2\.12\b/, () => "bridge fdb del 00:00:00:00:00:00 dev vx1 dst 192.0.2.12"],
  [
    /^fdb 00:00:00:00:00:00 dst 192\.0\.2\.\d+ on vx1/,
    (pick) => `bridge fdb append 00:00:00:00:00:00 dev vx1 dst 192.0.2.${20 + pick(200)}`,
  ],
  [/^address .*10\.0\.0\.1\/24/, () => "ip address del 10.0.0.1/24 dev br0"],
  [/^address .*fd00::1\/64/, () => "ip address del fd00::1/64 dev br0"],
  [/^neighbor .*192\.0\.2\.77/, () => "ip neighbor del 192.0.2.77 dev eth0"],
  [
    /^neighbor .*192\.0\.2\.77.* mac:/,
    (pick) => `ip neighbor replace 192.0.2.77 lladdr 02:00:00:00:bb:${10 + pick(80)} dev eth0`,
  ],
  [/^route .*10\.20\.0\.0\/16/, () => "ip route del 10.20.0.0/16"],
  [
    /^route .*10\.20\.0\.0\/16.* via:/,
    (pick) => `ip route replace 10.20.0.0/16 via 192.0.2.${20 + pick(200)} metric 5`,
  ],
  [/^route .*10\.21\.0\.0\/16/, () => "ip route del blackhole 10.21.0.0/16"],
  [/^route .*10\.21\.0\.0\/16.* type:/, () => "ip route replace unreachable 10.21.0.0/16"],
  [/^route .*fd00:20::\/64/, () => "ip -6 route del fd00:20::/64"],
  [/^rule .*100/, () => "ip rule del pref 100 from 10.9.0.0/24 table 100"],
  [/^rule .*200/, () => "ip rule del pref 200 fwmark 7 table 101"],
  [
    /^rule .*100.* table:/,
    (pick) => otherRule("pref 100 from 10.9.0.0/24 table 100", `pref 100 from 10.9.0.0/24 table ${200 + pick(50)}`),
  ],
  [
    /^rule .*200.* fwmark:/,
    (pick) => otherRule("pref 200 fwmark 7 table 101", `pref 200 fwmark ${8 + pick(90)} table 101`),
  ],
  [/^nexthop .*1\b/, () => "ip nexthop del id 1"],
  [/^nexthop .*1.* via:/, (pick) => `ip nexthop replace id 1 via 192.0.2.${20 + pick(180)} dev eth0`],
  [/^sysctl net\.ipv4\.ip_forward/, () => set("ip_forward", 0)],
  [/^sysctl net\.ipv4\.conf\.br0\.rp_filter/, (pick) => set("conf/br0/rp_filter", 1 + pick(2))],
  [/^sysctl net\.ipv4\.conf\.all\.rp_filter/, (pick) => set("conf/all/rp_filter", 1 + pick(2))],
  [/^sysctl net\.ipv4\.conf\.eth0\.proxy_arp/, () => set("conf/eth0/proxy_arp", 1)],
  [/^link eth0 mtu:/, (pick) => `ip link set eth0 mtu ${1500 + 1 + pick(400)}`],
  [/^address .*10\.0\.0\.1\/24/, () => "ip address flush dev br0"],
  [/^nftables inet linkwright /, () => "nft flush ruleset"],
  [/^nftables inet linkwright /, () => "nft delete table inet linkwright"],
  [/^nftables inet linkwright rule: .*masquerade/, () => "nft flush table inet linkwright"],
  [/^nftables inet linkwright rule: .*accept/, () => "nft flush chain inet linkwright forward"],
  [
    /^nftables inet linkwright rule: .*10\.9\.9\./,
    (pick) => `nft insert rule inet linkwright forward ip saddr 10.9.9.${pick(250)} drop`,
  ],
  [
    /^nftables inet linkwright rule: .*10\.9\.9\./,
    (pick) => `nft add rule inet linkwright postrouting ip saddr 10.9.9.${pick(250)} accept`,
  ],
  [/^nftables inet linkwright chain: .*other/, (pick) => `nft add chain inet linkwright other${pick(9)}`],
];

/** What became of so many changes. */
export interface Drifts {
  made: number;
  /** With the object and property that were changed. */
  reported: number;
  readonly faults: string[];
}

/** So many changes, each to a host that is as it should be. */
export async function drifts(count: number, seed: number, directory: string): Promise<Drifts> {
  const all: Drifts = { made: 0, reported: 0, faults: [] };
  const random = randomOf(seed);
  const pick: Pick = (most) => Math.floor(random() * most);
  const wanted = desired(DOCUMENT);
  const options = { directory, allowRecreate: true };
  let on = await machine();
  try {
    await transact(on.host, wanted, options);
    for (let i = 0; i < count; i++) {
      const [named, change] = CHANGES[(i + seed) % CHANGES.length] as (typeof CHANGES)[number];
      const script = change(pick);
      await shell(on, script);
      all.made++;
      const { differences } = await verify(on.host, wanted);
      const said = differences.map(
        ({ object, subject, field, ...is }) => `${object} ${subject} ${field}: ${encode(is)}`,
      );
      if (said.some((one) => named.test(one))) all.reported++;
      else all.faults.push(`${script}: nothing like ${named} in ${JSON.stringify(said)}`);
      const why = await transact(on.host, wanted, options).then(
        () => undefined,
        (error: unknown) => error as Error,
      );
      if (why === undefined) continue;
      all.faults.push(`not repaired: ${script}: ${why.message}`);
      await on[Symbol.asyncDispose]();
      on = await machine();
      await transact(on.host, wanted, options);
    }
  } finally {
    await on[Symbol.asyncDispose]();
  }
  return all;
}
