/** What is tried of entries: addresses, routes, rules, nexthops, neighbors and forwarding entries. */
import type { Host } from "../../lib/host.ts";
import { rules } from "../../lib/state/entries/rules.ts";
import { set, type Tries, type Words } from "./kit.ts";

/** Two pairs of links, and what leads somewhere from them. */
export const LINKS = `
ip link set lo up
ip link add name d0 type veth peer name d1; ip link add name e0 type veth peer name e1
for link in d0 d1 e0 e1; do ip link set $link addrgenmode none; ip link set $link up; done
ip link add name br0 type bridge; ip link add name x0 type vxlan external vnifilter dstport 4791 dev d0
ip link add name x1 type vxlan external dstport 4790
ip link add name vx0 type vxlan id 39 dstport 4789 dev d0; ip link set vx0 addrgenmode none; ip link set vx0 up
ip link set d1 master br0; ip link set e1 master br0; ip link set br0 up
ip address add 192.0.2.1/24 dev d0; ip address add 198.51.100.1/24 dev e0
ip address add 2001:db8::1/64 dev d0 nodad; ip address add 2001:db8:1::1/64 dev e0 nodad
`;
const as = <T>(words: Words): T => words as T;
const list = (kind: "addresses" | "routes" | "rules" | "nexthops" | "neighbors" | "fdb", words: Words): object => ({
  [kind]: [words],
});

/** An address, in one of the families. */
function addressTries(kind: string, base: Words, words: Tries["words"]): Tries {
  return {
    kind,
    object: "address",
    base,
    words,
    remove: (host, { address, dev, peer }) => host.addresses.delete(as({ address, dev, peer })),
    shown: "ip -details address show",
    list: async (host) => (await host.addresses.list()).filter(({ address }) => /^(10\.9\.|2001:db8:9:)/.test(address)),
    make: (host, one) => host.addresses.create(as(one)),
    change: (host, one) => host.addresses.replace(as(one)),
    document: (one) => list("addresses", one),
  };
}
const lifetimes = {
  ...set("validLifetime", 3000, { with: { validLifetime: 2000, preferredLifetime: 1000 } }),
  ...set("preferredLifetime", 1500, { with: { validLifetime: 2000, preferredLifetime: 1000 } }),
};
const ADDRESSES: readonly Tries[] = [
  addressTries(
    "address",
    { address: "10.9.0.1/24", dev: "d0" },
    {
      ...set("address", "10.9.0.2/24"),
      ...set("dev", "e0"),
      ...set("peer", "203.0.113.2/32", { with: { address: "10.9.0.1/32", peer: "203.0.113.1" } }),
      ...set("broadcast", "10.9.0.127"),
      ...set("label", "d0:more"),
      ...set("scope", "link"),
      ...set("metric", 7),
      ...lifetimes,
      ...set("noprefixroute", true),
      ...set("autojoin", true),
      ...set("protocol", 99, { unseen: true }),
    },
  ),
  addressTries(
    "address:inet6",
    { address: "2001:db8:9::1/64", dev: "d0", nodad: true },
    {
      ...set("address", "2001:db8:9::2/64"),
      ...set("dev", "e0"),
      ...set("peer", "2001:db8:9::9/128", { with: { address: "2001:db8:9::1/128", peer: "2001:db8:9::8" } }),
      ...set("metric", 7),
      ...lifetimes,
      ...set("noprefixroute", true),
      ...set("optimistic", true),
      ...set("home", true),
      ...set("mngtmpaddr", true),
      ...set("autojoin", true),
      ...set("nodad", undefined),
      ...set("protocol", 99, { unseen: true }),
    },
  ),
];

const NEXTHOPS = "ip nexthop add id 1 via 192.0.2.8 dev d0; ip nexthop add id 2 via 192.0.2.9 dev d0";
/** A route; `words` are tried on one that leads straight to a link. */
function routeTries(kind: string, base: Words, words: Tries["words"], first = NEXTHOPS): Tries {
  return {
    kind,
    object: "route",
    base: { protocol: "linkwright", ...base },
    words,
    first,
    remove: (host, { dst, table, metric, tos, family, from }) =>
      host.routes.delete(as({ dst, table, metric, tos, family, from })),
    shown: "ip -details route show table all; ip -details -6 route show table all",
    list: async (host) =>
      (await host.routes.list({ table: "all" })).filter(
        ({ protocol }) => protocol === "linkwright" || protocol === "static",
      ),
    make: (host, one) => host.routes.create(as(one)),
    change: (host, one) => host.routes.replace(as(one)),
    document: (one) => list("routes", one),
  };
}
const METRICS = {
  ...set("mtu", 1300),
  ...set("advmss", 1200),
  ...set("window", 9000),
  ...set("rtt", 0.5),
  ...set("rttvar", 0.5),
  ...set("rtoMin", 0.5),
  ...set("ssthresh", 20),
  ...set("cwnd", 20, { with: { lock: ["cwnd"] } }),
  ...set("initcwnd", 20),
  ...set("initrwnd", 20),
  ...set("reordering", 20),
  ...set("hoplimit", 20),
  ...set("features", 1),
  ...set("quickack", true),
  ...set("fastopenNoCookie", true),
  ...set("congctl", "reno"),
  ...set("lock", ["mtu", "advmss"], { with: { mtu: 1300, advmss: 1200, lock: ["mtu"] } }),
};
const ways = (via: string, dev: string, weight: number, onlink?: true) => ({
  nexthops: [
    { via: "192.0.2.7", dev: "d0", weight: 1 },
    { via, dev, weight, ...(onlink && { onlink }) },
  ],
});
const WAYS = { with: { dev: undefined, via: undefined, ...ways("192.0.2.8", "d0", 1) } };
/** One word of a tunnel header after the other. */
const header = (words: Words, changes: Words): Tries["words"] =>
  Object.fromEntries(
    Object.entries(changes).map(([word, value]) => [
      `encap.${word}`,
      { to: { encap: { ...words, [word]: value } }, with: { encap: words } },
    ]),
  );
const IP = { type: "ip", id: 5, dst: "203.0.113.1", src: "203.0.113.2", ttl: 9, tos: 4 };
const IP6 = { ...IP, type: "ip6", dst: "2001:db8:5::1", src: "2001:db8:5::2" };
const ROUTES: readonly Tries[] = [
  routeTries(
    "route",
    { dst: "203.0.113.0/24", dev: "d0", via: "192.0.2.7" },
    {
      ...set("dst", "203.0.113.0/25"),
      ...set("metric", 7),
      ...set("table", 100),
      ...set("tos", 16),
      ...set("via", "192.0.2.9"),
      dev: { to: { dev: "e0", via: "198.51.100.9" } },
      ...set("src", "192.0.2.1"),
      ...set("type", "blackhole", { with: { via: undefined, dev: undefined, type: "unreachable" } }),
      ...set("scope", "host", { with: { via: undefined } }),
      ...set("protocol", "static"),
      ...set("onlink", true),
      ...set("realm", 7),
      "nexthops.via": { to: ways("192.0.2.9", "d0", 1), ...WAYS },
      "nexthops.dev": { to: ways("198.51.100.9", "e0", 1), ...WAYS },
      "nexthops.weight": { to: ways("192.0.2.8", "d0", 4), ...WAYS },
      "nexthops.onlink": { to: ways("192.0.2.8", "d0", 1, true), ...WAYS },
      ...set("nhid", 2, { with: { dev: undefined, via: undefined, nhid: 1 } }),
      ...METRICS,
    },
  ),
  routeTries(
    "route:inet6",
    { dst: "2001:db8:7::/48", dev: "d0", via: "2001:db8::7" },
    {
      ...set("dst", "2001:db8:7::/64"),
      ...set("from", "2001:db8:8::/48", { with: { from: "2001:db8:9::/48" } }),
      ...set("metric", 7),
      ...set("table", 100),
      ...set("via", "2001:db8::9"),
      dev: { to: { dev: "e0", via: "2001:db8:1::9" } },
      ...set("src", "2001:db8::1"),
      ...set("type", "blackhole", { with: { via: undefined, dev: undefined, type: "unreachable" } }),
      ...set("protocol", "static"),
      ...set("onlink", true),
      ...set("pref", "high"),
      ...set("expires", 600),
      ...METRICS,
    },
  ),
  routeTries(
    "route:ip",
    { dst: "203.0.113.0/24", dev: "d0" },
    header(IP, {
      ...{ id: 6, dst: "203.0.113.3", src: "203.0.113.4", ttl: 10, tos: 8, csum: true, key: true, seq: true },
    }),
  ),
  routeTries(
    "route:ip6",
    { dst: "203.0.113.0/24", dev: "d0" },
    header(IP6, {
      ...{ id: 6, dst: "2001:db8:5::3", src: "2001:db8:5::4", ttl: 10, tos: 8, csum: true, key: true, seq: true },
    }),
  ),
  routeTries(
    "route:mpls",
    { dst: "203.0.113.0/24", dev: "d0", via: "192.0.2.7" },
    header(
      { type: "mpls", labels: [100], ttl: 9 },
      {
        ...{ labels: [100, 200], ttl: 10 },
      },
    ),
  ),
  routeTries(
    "route:seg6",
    { dst: "2001:db8:7::/48", dev: "d0" },
    header(
      { type: "seg6", mode: "encap", segments: ["2001:db8:a::1"] },
      {
        ...{ mode: "inline", segments: ["2001:db8:b::1"] },
      },
    ),
  ),
];

const RULES: Tries = {
  kind: "rule",
  base: { priority: 100, from: "10.0.0.0/8", table: 100, protocol: "linkwright" },
  words: {
    ...set("priority", 101),
    ...set("family", "inet6", { with: { from: undefined, iif: "d0", family: "inet" } }),
    ...set("not", true),
    ...set("from", "10.1.0.0/16"),
    ...set("to", "10.2.0.0/16"),
    ...set("iif", "d0"),
    ...set("oif", "d0"),
    ...set("fwmark", 7),
    ...set("fwmask", 255, { with: { fwmark: 7 } }),
    ...set("tos", 16),
    ...set("dscp", 7, { since: [6, 12], unseen: true }),
    ...set("dscpMask", 7, { with: { dscp: 7 }, since: [6, 15], unseen: true }),
    flowlabel: {
      to: { flowlabel: 7, flowlabelMask: 15 },
      with: { from: undefined, iif: "d0", family: "inet6" },
      since: [6, 14],
      unseen: true,
    },
    ...set("flowlabelMask", 31, {
      with: { from: undefined, iif: "d0", family: "inet6", flowlabel: 7, flowlabelMask: 15 },
      since: [6, 14],
      unseen: true,
    }),
    ...set("ipproto", "tcp"),
    ...set("sport", 80, { with: { ipproto: "tcp" } }),
    ...set("dport", 80, { with: { ipproto: "tcp" } }),
    ...set("sportMask", 0xff, { with: { ipproto: "tcp", sport: 80 }, since: [6, 15], unseen: true }),
    ...set("dportMask", 0xff, { with: { ipproto: "tcp", dport: 80 }, since: [6, 15], unseen: true }),
    ...set("uidrange", 7),
    ...set("tunId", 7),
    l3mdev: { to: { l3mdev: true, table: undefined } },
    ...set("action", "blackhole", { with: { table: undefined, action: "unreachable" } }),
    ...set("table", 101),
    ...set("goto", 300, { with: { table: undefined, goto: 200 } }),
    ...set("suppressPrefixlength", 8),
    ...set("suppressIfgroup", 7),
    ...set("realm", 7),
    ...set("protocol", "static"),
  },
  remove: (host, one) => host.rules.delete(as(rules.again(one))),
  shown: "ip -details rule show; ip -details -6 rule show",
  list: async (host) => (await host.rules.list()).filter(({ priority }) => priority >= 100 && priority < 200),
  make: (host, one) => host.rules.create(as(one)),
  // There is no request that replaces one.
  change: (host, one) => host.rules.create(as(one)),
  document: (one) => list("rules", one),
};

const GROUP = { group: [{ id: 1, weight: 1 }], via: undefined, dev: undefined };
const RESILIENT = { ...GROUP, type: "resilient", buckets: 8, idleTimer: 60, unbalancedTimer: 300 };
const NEXTHOP: Tries = {
  kind: "nexthop",
  base: { id: 10, via: "192.0.2.7", dev: "d0", protocol: "linkwright" },
  words: {
    ...set("id", 11),
    ...set("via", "192.0.2.9"),
    dev: { to: { dev: "e0", via: "198.51.100.9" } },
    ...set("family", "inet6", { with: { via: undefined, family: "inet" } }),
    ...set("onlink", true),
    ...set("protocol", "static"),
    blackhole: { to: { blackhole: true, via: undefined, dev: undefined } },
    "encap.type": { to: { encap: IP6 }, with: { encap: IP } },
    "encap.id": { to: { encap: { ...IP, id: 6 } }, with: { encap: IP } },
    "encap.dst": { to: { encap: { ...IP, dst: "203.0.113.9" } }, with: { encap: IP } },
    fdb: { to: { fdb: true, dev: undefined } },
    "group.id": { to: { group: [{ id: 2, weight: 1 }] }, with: GROUP },
    "group.weight": { to: { group: [{ id: 1, weight: 4 }] }, with: GROUP },
    type: { to: { type: "resilient", buckets: 8 }, with: GROUP },
    ...set("buckets", 16, { with: RESILIENT }),
    ...set("idleTimer", 90, { with: RESILIENT }),
    ...set("unbalancedTimer", 600, { with: RESILIENT }),
  },
  first: NEXTHOPS,
  remove: (host, { id }) => host.nexthops.delete(as({ id })),
  shown: "ip -details nexthop show",
  list: async (host) => (await host.nexthops.list()).filter(({ id }) => id >= 10),
  make: (host, one) => host.nexthops.create(as(one)),
  change: (host, one) => host.nexthops.replace(as(one)),
  document: (one) => list("nexthops", one),
};

const NEIGHBORS: Tries = {
  kind: "neighbor",
  base: { address: "192.0.2.9", dev: "d0", mac: "02:00:00:00:00:09" },
  words: {
    ...set("address", "192.0.2.10"),
    ...set("dev", "e0"),
    ...set("mac", "02:00:00:00:00:0a"),
    ...set("state", "noarp"),
    ...set("router", true, { with: { address: "2001:db8::9" } }),
    proxy: { to: { proxy: true, mac: undefined } },
    ...set("externLearn", true),
    ...set("managed", true, { with: { state: "stale" } }),
    ...set("protocol", "static"),
  },
  remove: (host, { address, dev, proxy }) => host.neighbors.delete(as({ address, dev, proxy })),
  shown: "ip -details neighbor show nud all; ip neighbor show proxy",
  list: async (host) =>
    [...(await host.neighbors.list()), ...(await host.neighbors.list({ proxy: true }))].filter(
      ({ dev, address }) => dev !== "lo" && !/^(224|ff0)/.test(address),
    ),
  make: (host, one) => host.neighbors.replace(as(one)),
  change: (host, one) => host.neighbors.replace(as(one)),
  document: (one) => list("neighbors", one),
};

const fdbList = async (host: Host): Promise<readonly object[]> =>
  (await host.fdb.list()).filter(({ mac }) => /^(02:00:00:00:01|00:00:00:00:00:00)/.test(mac));
const fdb = (kind: string, base: Words, words: Tries["words"]): Tries => ({
  kind,
  object: "fdb",
  base,
  words,
  first: `ip nexthop add id 1 via 203.0.113.1 fdb; ip nexthop add id 2 via 203.0.113.2 fdb
    ip nexthop add id 10 group 1 fdb; ip nexthop add id 20 group 2 fdb`,
  remove: (host, { mac, dev, dst, vlan, port, vni, srcVni, via, nhid, master }) =>
    host.fdb.delete(
      as({ mac, dev, dst, vlan, port, vni, srcVni, via, nhid, ...(master !== undefined && { master: true }) }),
    ),
  shown: "bridge -details fdb show",
  list: fdbList,
  make: (host, one) => host.fdb.create(as(one)),
  change: (host, one) => host.fdb.replace(as(one)),
  document: (one) => list("fdb", one),
});
const FDB: readonly Tries[] = [
  fdb(
    "fdb",
    { mac: "02:00:00:00:01:01", dev: "d1", master: true },
    {
      ...set("mac", "02:00:00:00:01:02"),
      ...set("dev", "e1"),
      ...set("vlan", 8, {
        with: { vlan: 7 },
        first:
          "ip link set br0 type bridge vlan_filtering 1 && bridge vlan add dev d1 vid 7 && bridge vlan add dev d1 vid 8",
      }),
      ...set("state", "static"),
      ...set("externLearn", true),
      ...set("sticky", true, { with: { state: "static" } }),
      ...set("activityNotify", true, { with: { state: "static" }, unseen: true }),
      ...set("inactive", true, { with: { state: "static", activityNotify: true }, unseen: true }),
    },
  ),
  fdb(
    "fdb:vxlan",
    { mac: "02:00:00:00:01:01", dev: "vx0", dst: "203.0.113.1", self: true },
    {
      ...set("mac", "02:00:00:00:01:02"),
      ...set("dst", "203.0.113.2"),
      ...set("port", 4790),
      ...set("vni", 40),
      ...set("via", "e0", { with: { via: "d0" } }),
      ...set("state", "dynamic"),
      ...set("externLearn", true),
      ...set("router", true),
      ...set("nhid", 20, { with: { dst: undefined, nhid: 10 } }),
      ...set("srcVni", 41, {
        with: { dev: "x0", srcVni: 40 },
        first: "bridge vni add dev x0 vni 40-41",
      }),
    },
  ),
];

export const ENTRIES: readonly Tries[] = [...ADDRESSES, ...ROUTES, RULES, NEXTHOP, NEIGHBORS, ...FDB];
