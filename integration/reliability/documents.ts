/** Random documents for a host with eth0 and eth1: what is in them fits together, whatever was there before. */
import fc from "fast-check";

/** A document as an object. */
export type Document = Readonly<Record<string, unknown>> & { readonly links: Readonly<Record<string, unknown>> };

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const some = <T>(most: number, ...values: readonly T[]): fc.Arbitrary<T[]> =>
  fc.uniqueArray(fc.constantFrom(...values), { maxLength: most });

const ABSENT = fc.constant({ state: "absent" });
const master = maybe(fc.constantFrom("br0", "br1"));
const up = maybe(fc.boolean());
const macOf = (last: number): string => `02:00:00:00:aa:0${last}`;
const FAR = ["192.0.2.11", "192.0.2.12", "192.0.2.13"];

const entries = fc.uniqueArray(
  fc.record({ mac: fc.constantFrom(macOf(1), macOf(2), macOf(3)), dst: fc.constantFrom(...FAR) }),
  { maxLength: 3, selector: ({ mac }) => mac },
);

function vxlan(number: number): fc.Arbitrary<object> {
  const common = {
    kind: fc.constant("vxlan"),
    vni: fc.constantFrom(10 * number, 10 * number + 1),
    dev: fc.constantFrom("eth0", "eth1"),
    dstport: maybe(fc.constantFrom(4789, 8472)),
    mtu: maybe(fc.constantFrom("auto", 1400)),
    master,
    up,
    learning: maybe(fc.boolean()),
    ageing: maybe(fc.constantFrom(100, 200)),
    ttl: maybe(fc.constantFrom(1, 64)),
    udpCsum: maybe(fc.boolean()),
    mac: maybe(fc.constant(`02:00:00:00:00:5${number}`)),
    fdb: maybe(entries),
  };
  return fc.oneof(
    { weight: 3, arbitrary: fc.record({ ...common, remote: fc.constantFrom(...FAR) }) },
    { weight: 3, arbitrary: fc.record({ ...common, remotes: some(3, ...FAR) }) },
    { weight: 1, arbitrary: ABSENT },
  );
}

/** What is on a link and goes with it, when it is switched off too; `net` tells the links' addresses apart. */
function entriesOf(net: number): Record<string, fc.Arbitrary<unknown>> {
  const address = fc.constantFrom<unknown>(
    `10.0.${net}.1/24`,
    `10.0.${net}.2/24`,
    { address: `10.0.${net}.3/24`, metric: 50 },
    { address: `10.0.${net}.4/32`, scope: "link" },
    `fd00:${net}::1/64`,
    { address: `fd00:${net}::2/64`, noprefixroute: true },
  );
  const neighbor = fc.record({
    address: fc.constantFrom(`10.0.${net}.77`, `10.0.${net}.78`, `fd00:${net}::77`),
    mac: fc.constantFrom(macOf(4), macOf(5)),
  });
  return {
    addresses: maybe(fc.uniqueArray(address, { maxLength: 3 })),
    neighbors: maybe(
      fc.uniqueArray(
        fc.oneof({ weight: 3, arbitrary: neighbor }, fc.constant({ address: `10.0.${net}.99`, proxy: true })),
        { maxLength: 2, selector: ({ address }) => address },
      ),
    ),
  };
}

const port = maybe(
  fc.record({ learning: maybe(fc.boolean()), cost: maybe(fc.constantFrom(7, 8)), isolated: maybe(fc.boolean()) }),
);

/** `port` is only for what has a bridge above it. */
const ported = (link: fc.Arbitrary<object>): fc.Arbitrary<object> =>
  fc.tuple(link, port).map(([one, words]) => ("master" in one && one.master && words ? { ...one, port: words } : one));

/** What a queue of classes is about, for packets to this network. */
const shaped = (net: number, rate: number): object => ({
  qdisc: { kind: "htb", handle: "1:", default: 0x20 },
  classes: [
    { classid: "1:1", kind: "htb", rate: 100_000_000 },
    { classid: "1:10", kind: "htb", parent: "1:1", rate },
    { classid: "1:20", kind: "htb", parent: "1:1", rate: 20_000_000, ceil: 100_000_000 },
  ],
  queues: [{ parent: "1:10", kind: "pfifo", handle: "10:", limit: 30 }],
  filters: [
    {
      ...{ parent: "1:", pref: 20, kind: "u32", protocol: "ip", classid: "1:10" },
      match: [{ value: 0x0a000000 + 256 * net, mask: 0xffffff00, at: 16 }],
    },
  ],
});
const mirrored = (dev: string): object => ({
  queues: [{ kind: "clsact" }],
  filters: [
    {
      ...{ parent: "ingress", pref: 5, kind: "u32", protocol: "ip" },
      match: [{ value: 0x0a090000, mask: 0xffff0000, at: 16 }],
      actions: [{ kind: "mirred", mode: "mirror", dev }],
    },
  ],
});
const queues = fc.constantFrom<object>(
  ...[{}, {}, { qdisc: { kind: "pfifo", limit: 50 } }, { qdisc: { kind: "pfifo", limit: 60 } }],
  ...[shaped(9, 30_000_000), shaped(9, 40_000_000), shaped(8, 30_000_000), mirrored("eth0")],
  { qdisc: { kind: "tbf", rate: 8_000_000, burst: 10_000, limit: 20_000 } },
  { qdisc: { state: "absent" } },
);
const queued = (link: fc.Arbitrary<object>): fc.Arbitrary<object> =>
  fc.tuple(link, queues).map(([one, words]) => ("kind" in one || !("state" in one) ? { ...one, ...words } : one));

/** Where multicast groups are; for a bridge that has the port. */
const groups = maybe(
  fc.uniqueArray(fc.record({ group: fc.constantFrom("239.1.1.1", "239.1.1.2", "ff05::9"), port: fc.constant("if0") }), {
    maxLength: 2,
    selector: ({ group }) => group,
  }),
);

/** One device for many VNIs. */
const many = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ kind: fc.constant("vxlan"), external: fc.constant(true), vnifilter: fc.constant(true) },
      ...{ dstport: fc.constant(4790), mac: fc.constant("02:00:00:00:00:53"), up },
      vnis: fc.constantFrom<unknown[]>(
        ...[[], [1000], ["1000-1009", 7], ["1005-1019"]],
        ...[[{ vni: 7, remote: "192.0.2.11" }], [{ vni: 7, remote: "192.0.2.12" }, 8]],
      ),
    }),
  },
  { weight: 1, arbitrary: ABSENT },
);
const tap = fc.oneof(
  {
    weight: 4,
    arbitrary: ported(
      fc.record({
        ...{ kind: fc.constant("tun"), mode: fc.constant("tap"), mac: fc.constant("02:00:00:00:00:70") },
        ...{ mtu: maybe(fc.constantFrom(1400, 1500)), master, up, alias: maybe(fc.constantFrom("guest", "other")) },
      }),
    ),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "tun", state: "absent" }) },
);

const bridge = (net: number): fc.Arbitrary<object> =>
  fc.record({
    kind: fc.constant("bridge"),
    mtu: maybe(fc.constantFrom("auto", 1500, 1300)),
    stp: maybe(fc.boolean()),
    ageing: maybe(fc.constantFrom(60, 300)),
    // So long that no tree is built meanwhile: while it changes, the bridge tells another ageing than it was given.
    forwardDelay: maybe(fc.constantFrom(15, 20)),
    priority: maybe(fc.constantFrom(4096, 32768)),
    mcastSnooping: maybe(fc.boolean()),
    // One that follows its ports would take neighbors along whenever it changes.
    mac: fc.constant(`02:00:00:00:00:0${net}`),
    ...(net === 0 && { mdb: groups }),
    ...entriesOf(net),
  });

const ifb = fc.oneof(
  {
    weight: 4,
    arbitrary: ported(fc.record({ kind: fc.constant("ifb"), mtu: maybe(fc.constantFrom(1280, 1400)), master, up })),
  },
  { weight: 1, arbitrary: ABSENT },
);
const macvlan = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("macvlan"),
      dev: fc.constantFrom("eth0", "eth1"),
      mode: fc.constantFrom("bridge", "private", "vepa"),
      mac: fc.constant("02:00:00:00:00:60"),
      ...entriesOf(3),
    }),
  },
  { weight: 1, arbitrary: ABSENT },
);
const veth = fc.oneof(
  {
    weight: 4,
    arbitrary: ported(
      queued(fc.record({ kind: fc.constant("veth"), peer: fc.constant({ name: "ve1" }), master, ...entriesOf(4) })),
    ),
  },
  { weight: 1, arbitrary: ABSENT },
);
const features = maybe(fc.record({ features: fc.record({ gso: fc.boolean(), gro: fc.boolean() }) }));
const card = (net: number): fc.Arbitrary<object> =>
  queued(
    fc.record({
      ...{ mtu: maybe(fc.constantFrom(1500, 1600, 1700)), up: maybe(fc.constant(true)), ethtool: features },
      ...entriesOf(net),
    }),
  );

const linksOf = fc
  .record({
    br0: bridge(0),
    br1: maybe(fc.oneof({ weight: 4, arbitrary: bridge(1) })),
    vx1: maybe(ported(vxlan(1))),
    vx2: maybe(ported(vxlan(2))),
    if0: maybe(ifb),
    mv0: maybe(macvlan),
    ve0: maybe(veth),
    vx3: maybe(many),
    tap0: maybe(tap),
    eth0: maybe(card(5)),
    eth1: maybe(card(6)),
  })
  .map(({ br1, ...links }) => {
    const all: Record<string, unknown> = { ...links, ...(br1 && { br1 }) };
    // A master that this document does not have may not be there.
    const { mdb, ...plain } = links.br0 as { readonly mdb?: unknown };
    const below = links.if0 as { readonly master?: string } | undefined;
    // Groups are for what has the port, and takes groups whatever it did before.
    all["br0"] = mdb !== undefined && below?.master === "br0" ? { ...plain, mdb, mcastSnooping: true } : plain;
    if (br1 === undefined)
      for (const [name, link] of Object.entries(all))
        if ((link as { master?: string } | undefined)?.master === "br1")
          all[name] = { ...(link as object), master: "br0" };
    return all;
  });

const route = fc.constantFrom<unknown>(
  { dst: "10.20.0.0/16", dev: "br0" },
  { dst: "10.20.0.0/16", dev: "eth1", metric: 9 },
  { dst: "10.21.0.0/16", via: "192.0.2.254" },
  { dst: "10.21.0.0/16", via: "192.0.2.253" },
  { dst: "10.22.0.0/16", dev: "eth0", mtu: 1300, advmss: 1200 },
  { dst: "10.23.0.0/16", type: "blackhole" },
  { dst: "10.23.0.0/16", type: "unreachable" },
  { dst: "10.24.0.0/16", nexthops: [{ via: "192.0.2.251", weight: 2 }, { via: "192.0.2.252" }] },
  { dst: "fd00:20::/64", dev: "eth0" },
  { dst: "fd00:21::/64", via: "2001:db8::fe" },
  { dst: "10.25.0.0/16", dev: "eth0", table: 100 },
  { dst: "10.26.0.0/16", nhid: 1 },
  { dst: "10.27.0.0/16", nhid: 10 },
  { dst: "10.28.0.0/16", dev: "eth0", encap: { type: "ip", id: 39, dst: "192.0.2.9" } },
);
const keyOfRoute = (one: unknown): string => {
  const { dst, metric = 0, table = 0 } = one as { dst: string; metric?: number; table?: number };
  return `${dst} ${metric} ${table}`;
};
const rule = fc
  .record({
    priority: fc.constantFrom(100, 200, 300),
    from: fc.constantFrom("10.9.0.0/24", "10.9.1.0/24"),
    fwmark: maybe(fc.constantFrom(1, 2)),
    table: fc.constantFrom(100, 101),
  })
  .map((one) => ({ ...one }));

/** Also on links that go, and of networks that every host has a label of. */
const labels = fc.uniqueArray(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        prefix: fc.constantFrom("2001:db8::/32", "fd00:20::/64", "fc00::/7"),
        label: fc.constantFrom(50, 51),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        prefix: fc.constant("fd00::/16"),
        label: fc.constantFrom(50, 51),
        dev: fc.constantFrom("eth0", "br0"),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ prefix: "2002::/16", state: "absent" }) },
  ),
  { maxLength: 3, selector: ({ prefix }) => prefix },
);

const SYSCTLS = {
  "net.ipv4.ip_forward": fc.constantFrom(0, 1),
  "net.ipv4.conf.all.rp_filter": fc.constantFrom(0, 1, 2),
  "net.ipv4.conf.default.rp_filter": fc.constantFrom(0, 2),
  "net.ipv4.conf.br0.rp_filter": fc.constantFrom(0, 1),
  "net.ipv4.conf.br0.proxy_arp": fc.constantFrom(0, 1),
  "net.ipv4.conf.eth0.forwarding": fc.constantFrom(0, 1),
  "net.ipv4.conf.all.arp_filter": fc.constantFrom(0, 1),
  "net.ipv6.conf.all.forwarding": fc.constantFrom(0, 1),
  "net.ipv6.conf.eth1.accept_ra": fc.constantFrom(0, 2),
  "net.ipv6.conf.br0.addr_gen_mode": fc.constantFrom(0, 1),
};
const sysctls = fc
  .record(Object.fromEntries(Object.entries(SYSCTLS).map(([key, value]) => [key, maybe(value)])))
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));

const weight = maybe(fc.constantFrom(1, 3));
const nexthops = fc.constantFrom("192.0.2.201", "192.0.2.202").chain((via) =>
  weight.map((one) => [
    { id: 10, group: [{ id: 2, ...(one && { weight: one }) }, { id: 1 }] },
    { id: 1, via, dev: "eth0" },
    { id: 2, via: "192.0.2.203", dev: "eth0" },
  ]),
);

/** All that the host may be told; a route over a nexthop only where the document has it. */
export const documents: fc.Arbitrary<Document> = fc
  .record({
    links: linksOf,
    routes: fc.uniqueArray(route, { maxLength: 4, selector: keyOfRoute }),
    rules: maybe(fc.uniqueArray(rule, { maxLength: 3, selector: ({ priority }) => priority })),
    nexthops: maybe(nexthops),
    addressLabels: maybe(labels),
    sysctls,
    nat: maybe(some(2, "10.0.0.0/24", "10.0.1.0/24")),
    forward: maybe(
      fc.constantFrom(
        [{ in: "br0", out: "eth0", accept: "all" }],
        [
          { in: "br0", out: "eth0", accept: "all", clampMss: true },
          { in: "eth0", out: "br0", accept: "replies" },
        ],
      ),
    ),
  })
  .map(({ routes, nat, ...rest }) => {
    const value = {
      linkwright: 1,
      ...rest,
      routes: routes.filter((one) => rest.nexthops !== undefined || !("nhid" in (one as object))),
      ...(nat && { nat: nat.map((masquerade) => ({ masquerade, out: "eth0" })) }),
    };
    // What is undefined is not there.
    return JSON.parse(JSON.stringify(value)) as Document;
  });

/** Rules for packets are tried one after the other. */
const ORDERED = new Set(["forward", "nat"]);

/** The same document with the keys of all its maps in another order, and all lists but those of rules for packets. */
export function shuffled(value: unknown, random: () => number, key = ""): unknown {
  if (Array.isArray(value)) {
    const items = value.map((one) => ({ one: shuffled(one, random), at: random() }));
    return (ORDERED.has(key) ? items : items.sort((a, b) => a.at - b.at)).map(({ one }) => one);
  }
  if (typeof value !== "object" || value === null) return value;
  const keys = Object.entries(value).map(([name, one]) => ({ name, one, at: random() }));
  return Object.fromEntries(
    keys.sort((a, b) => a.at - b.at).map(({ name, one }) => [name, shuffled(one, random, name)]),
  );
}

/** Numbers that look random and come again with the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
