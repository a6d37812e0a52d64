/** The tables of a watch against fresh readings. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { Host } from "../../lib/host.ts";
import { Netns } from "../../lib/netns/netns.ts";
import { NetlinkError } from "../../lib/socket/index.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import type { CachedWatch } from "../../lib/watch/cache.ts";
import type { TableName } from "../../lib/watch/tables.ts";
import { firstTryCounts, skip } from "../../test/needs.ts";
import { flood, plain, until } from "./kit.ts";

/** A change that may be refused. */
type Act = () => Promise<unknown>;

const small = fc.nat(3);

/** Changes of links, and of what stands on them. */
function changes(host: Host): fc.Arbitrary<Act> {
  const { classes, filters } = host.qdiscs;
  const match = [{ value: 0, mask: 0, at: 0 }];
  const names = ["a0", "a1", "a2"];
  const name = fc.constantFrom(...names);
  const dev = fc.constantFrom("br0", "vx0", ...names);
  return fc.oneof(
    name.map((link) => () => host.links.create({ kind: "veth", name: link, peer: { name: `${link}p` }, up: true })),
    name.map((link) => () => host.links.delete(link)),
    fc.tuple(name, fc.boolean()).map(
      ([link, up]) =>
        () =>
          host.links.update(link, { up }),
    ),
    fc.tuple(name, fc.boolean()).map(
      ([link, port]) =>
        () =>
          host.links.update(link, { master: port ? "br0" : null }),
    ),
    name.map((link) => async () => {
      await host.links.update(link, { up: false, name: "renamed" });
      await host.links.update("renamed", { up: true });
      await host.links.update("renamed", { up: false, name: link });
    }),
    fc.tuple(dev, small).map(
      ([link, n]) =>
        () =>
          host.addresses.create({ address: `192.0.2.${n + 1}/24`, dev: link }),
    ),
    fc.tuple(dev, small).map(
      ([link, n]) =>
        () =>
          host.addresses.delete({ address: `192.0.2.${n + 1}/24`, dev: link }),
    ),
    fc.tuple(dev, small).map(
      ([link, n]) =>
        () =>
          host.routes.replace({ dst: `198.51.100.${n}/32`, dev: link }),
    ),
    fc.tuple(dev, small).map(
      ([link, n]) =>
        () =>
          host.routes.append({ dst: `2001:db8:${n}::/48`, dev: link }),
    ),
    fc.tuple(dev, small).map(
      ([link, n]) =>
        () =>
          host.neighbors.replace({ address: `192.0.2.${n + 1}`, dev: link, mac: `02:00:00:00:00:0${n}` }),
    ),
    fc.tuple(small, small).map(
      ([a, b]) =>
        () =>
          host.fdb.append("vx0", { mac: "00:00:00:00:00:00", dst: `10.0.${a}.${b + 1}` }),
    ),
    fc.tuple(small, small).map(
      ([a, b]) =>
        () =>
          host.fdb.replace("vx0", { mac: `02:00:00:00:00:0${a}`, dst: `10.0.0.${b + 1}` }),
    ),
    small.map((n) => () => host.rules.create({ priority: 100 + n, table: 100 + n })),
    small.map((n) => () => host.rules.delete({ priority: 100 + n })),
    fc.tuple(dev, small).map(
      ([link, n]) =>
        () =>
          host.nexthops.replace({ id: n + 1, dev: link }),
    ),
    small.map((n) => () => host.nexthops.delete({ id: n + 1 })),
    fc.tuple(small, small).map(
      ([n, id]) =>
        () =>
          host.routes.replace({ dst: `203.0.113.${n}/32`, nhid: id + 1 }),
    ),
    fc.tuple(name, small).map(
      ([link, n]) =>
        () =>
          host.fdb.replace({ mac: `02:00:00:00:01:0${n}`, dev: link, master: true, state: "static" }),
    ),
    fc.tuple(dev, fc.boolean()).map(
      ([link, on]) =>
        () =>
          host.sysctls.set(`net.ipv4.conf.${link}.forwarding`, on ? 1 : 0),
    ),
    small.map((a) => () => host.fdb.delete({ mac: `02:00:00:00:00:0${a}`, dev: "vx0" })),
    dev.map((link) => () => host.qdiscs.replace({ kind: "htb", dev: link, handle: "1:" })),
    dev.map((link) => () => host.qdiscs.delete({ dev: link })),
    dev.map((link) => () => host.qdiscs.create({ kind: "clsact", dev: link })),
    dev.map((link) => () => host.qdiscs.delete({ dev: link, kind: "clsact" })),
    fc.tuple(dev, small, fc.boolean()).map(
      ([link, n, below]) =>
        () =>
          classes.replace({
            kind: "htb",
            dev: link,
            classid: `1:${n + 1}`,
            rate: 1e6,
            parent: below ? "1:1" : undefined,
          }),
    ),
    fc.tuple(dev, small).map(
      ([link, n]) =>
        () =>
          classes.delete({ dev: link, classid: `1:${n + 1}` }),
    ),
    fc.tuple(dev, small, fc.constantFrom("root", "1:1", "ingress", "egress")).map(
      ([link, n, parent]) =>
        () =>
          filters.create({ kind: "u32", dev: link, parent, protocol: "ip", pref: n + 1, match, classid: "1:1" }),
    ),
    fc.tuple(dev, small, fc.constantFrom("root", "1:1", "ingress", "egress")).map(
      ([link, n, parent]) =>
        () =>
          filters.delete({ dev: link, parent, pref: n + 1 }),
    ),
    small.map((n) => async () => {
      const other = await Netns.create();
      await host.nsids.set(other, n).finally(() => other.close());
    }),
  );
}

/** Changes of what bridges and VXLANs keep: VLANs, VNIs, multicast groups. */
function bridgeChanges(host: Host): fc.Arbitrary<Act> {
  const port = fc.constantFrom("p0", "p1");
  const dev = fc.oneof(port, fc.constant("br0"));
  const flag = fc.boolean();
  const vlan = fc.record({ dev, vid: small.map((n) => n + 2), vidEnd: small.map((n) => n + 5) });
  const vni = fc.record({ dev: fc.constant("vy0"), vni: small.map((n) => n + 1), vniEnd: small.map((n) => n + 4) });
  const group = fc
    .record({ port: dev, group: small.map((n) => `239.1.1.${n}`), vid: fc.option(small, { nil: undefined }) })
    .map(({ vid, ...rest }) => ({ dev: "br0", ...rest, vid: vid && vid + 1 }));
  return fc.oneof(
    fc.tuple(vlan, flag, flag).map(
      ([{ vidEnd: _, ...one }, pvid, untagged]) =>
        () =>
          host.vlans.create({ ...one, pvid, untagged, self: one.dev === "br0" }),
    ),
    vlan.map((range) => () => host.vlans.create({ ...range, self: range.dev === "br0" })),
    vlan.map((range) => () => host.vlans.delete({ ...range, self: range.dev === "br0" })),
    fc.tuple(vlan, fc.constantFrom("forwarding", "blocking")).map(
      ([range, state]) =>
        () =>
          host.vlans.update({ ...range, state }),
    ),
    vni.map((range) => () => host.vnis.create(range)),
    fc.tuple(vni, small).map(
      ([{ vniEnd: _, ...one }, n]) =>
        () =>
          host.vnis.create({ ...one, group: `239.2.2.${n}` }),
    ),
    vni.map((range) => () => host.vnis.delete(range)),
    fc.tuple(group, fc.constantFrom("permanent", "temp")).map(
      ([entry, state]) =>
        () =>
          host.mdb.create({ ...entry, state }),
    ),
    group.map((entry) => () => host.mdb.delete(entry)),
    fc.tuple(port, flag).map(
      ([link, up]) =>
        () =>
          host.links.update(link, { up }),
    ),
    fc.tuple(port, flag).map(
      ([link, joins]) =>
        () =>
          host.links.update(link, { master: joins ? "br0" : null }),
    ),
    // Of a link that is off the kernel tells no change of such an option.
    flag.map((mcastSnooping) => () => host.links.update("br0", { mcastSnooping, up: true })),
    flag.map((up) => () => host.links.update("br0", { up })),
    fc.constant(() => host.links.delete("vy0")),
    fc.constant(() => host.links.create(FILTERED)),
  );
}
const FILTERED = { kind: "vxlan", name: "vy0", external: true, vnifilter: true, dstport: 4790, up: true } as const;

describe("tables of a watch", function () {
  this.timeout(20_000);
  let netns: TestNamespace;
  let host: Host;
  beforeEach(async () => {
    netns = await TestNamespace.create();
    host = await Host.open({ netns });
  });
  afterEach(async () => {
    host.close();
    await netns[Symbol.asyncDispose]();
  });

  const fresh = (table: TableName): Promise<object[]> => {
    if (table === "routes") return host.routes.list({ table: "all" });
    return table === "classes" || table === "filters" ? host.qdiscs[table].list() : host[table].list();
  };
  /** The kernel goes on by itself (duplicate detection ends) between the two readings: what differs for good counts. */
  async function agree(watch: CachedWatch): Promise<void> {
    for (const until = performance.now() + 5000; ; await sleep(20)) {
      await watch.settled();
      const kept = Object.entries(watch.tables) as [TableName, readonly object[]][];
      ok(kept.length > 0);
      try {
        for (const [table, objects] of kept) deepEqual(plain(table, objects), plain(table, await fresh(table)), table);
        return;
      } catch (error) {
        if (performance.now() > until) throw error;
      }
    }
  }
  /** Compares after each of many random series of changes. */
  async function keeps(watch: CachedWatch, act: fc.Arbitrary<Act>, numRuns: number): Promise<void> {
    let done = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 12 }), async (acts) => {
        // What is refused here (no such link …) is no matter: what the kernel made of it is.
        for (const one of acts)
          await one().then(
            () => done++,
            () => undefined,
          );
        await agree(watch);
      }),
      { numRuns, endOnFailure: true },
    );
    ok(done > numRuns, `only ${done} changes were made`);
  }

  it("equal a fresh reading at any quiet moment", async function () {
    this.timeout(240_000);
    firstTryCounts(this);
    await host.links.create({ kind: "bridge", name: "br0", up: true });
    await host.links.create({ kind: "vxlan", name: "vx0", vni: 7, up: true });
    await using watch = host.watch({
      links: true,
      addresses: true,
      routes: true,
      neighbors: true,
      fdb: true,
      rules: true,
      nexthops: true,
      qdiscs: true,
      netconf: true,
      classes: true,
      filters: true,
      nsids: true,
      cache: true,
    });
    await keeps(watch, changes(host), 60);
  });

  it("equal a fresh reading of multicast groups and VNIs", async function () {
    this.timeout(120_000);
    firstTryCounts(this);
    await bridge();
    await using watch = host.watch({ vnis: true, mdb: true, fdb: true, links: true, cache: true });
    await keeps(watch, bridgeChanges(host), 25);
  });

  it("equal a fresh reading of VLANs", async function () {
    this.timeout(120_000);
    firstTryCounts(this);
    await bridge();
    try {
      await host.links.update("br0", { vlanFiltering: true });
    } catch (error) {
      if (error instanceof NetlinkError && error.code === "EOPNOTSUPP") skip(this, "no VLAN filtering here");
      throw error;
    }
    await using watch = host.watch({ vlans: true, mdb: true, cache: true });
    await keeps(watch, bridgeChanges(host), 25);
  });

  /** A bridge with two ports, and a VXLAN of many VNIs. */
  async function bridge(): Promise<void> {
    await host.links.create({ kind: "bridge", name: "br0", up: true });
    for (const port of ["p0", "p1"])
      await host.links.create({ kind: "veth", name: port, peer: { name: `${port}x` }, master: "br0", up: true });
    for (const far of ["p0x", "p1x"]) await host.links.update(far, { up: true });
    await host.links.create(FILTERED);
  }

  it("settle only when all that was changed before is in them", async () => {
    await host.links.create({ kind: "vxlan", name: "vx0", vni: 7, up: true });
    await using watch = host.watch({ fdb: true, cache: true });
    await watch.settled();
    deepEqual((await host.fdb.batch("append", entries(0, 4000))).filter(Boolean), []);
    await watch.settled();
    equal(watch.tables.fdb?.filter(({ mac: one }) => one.startsWith("02:")).length, 4000);
    await rejects(watch.settled({ signal: AbortSignal.abort(new Error("enough")) }), /enough/);
  });

  it("equal a fresh reading after an overrun, which is told once", async () => {
    await using watch = host.watch({ links: true, addresses: true, cache: true, buffer: 4096, resyncInterval: 100 });
    await watch.settled();
    for (let round = 0; round < 2; round++) {
      flood(netns.fd);
      await host.addresses.create({ address: `192.0.2.${round + 1}/32`, dev: "lo" });
      const event = await until(watch, ({ type }) => type === "resync");
      ok(event.type === "resync");
      deepEqual(plain("links", event.tables.links ?? []), plain("links", await host.links.list()));
      await agree(watch);
      equal(watch.tables.addresses?.filter(({ address }) => address.startsWith("192.0.2.")).length, round + 1);
    }
    await host.links.update("lo", { mtu: 1400 });
    const next = await until(watch, ({ type }) => type === "resync" || type === "link");
    ok(next.type === "link" && next.value.mtu === 1400, "what comes afterwards is told as ever");
  });

  it("are told whole to a reader that lags behind by more than is kept for it", async () => {
    await host.links.create({ kind: "vxlan", name: "vx0", vni: 7, up: true });
    await using watch = host.watch({ fdb: true, cache: true });
    await watch.settled();
    const [first, second] = [entries(0, 5000), entries(5000, 5000)];
    for (const part of [first, second]) {
      deepEqual((await host.fdb.batch("append", part)).filter(Boolean), []);
      await watch.settled();
    }
    const event = await watch.next();
    ok(event.done !== true && event.value.type === "resync", "8,192 wait at most");
    equal(event.value.tables.fdb?.filter(({ mac }) => mac.startsWith("02:")).length, 10_000);
    await agree(watch);
    const [gone] = first;
    await host.fdb.delete(gone as (typeof first)[number]);
    const next = await watch.next();
    ok(next.done !== true && next.value.type === "fdb" && next.value.removed && next.value.value.mac === gone?.mac);
  });
});

/** Forwarding entries of a VXLAN. */
function entries(from: number, count: number): { mac: string; dev: string; dst: string }[] {
  const byte = (n: number): string => (n & 255).toString(16).padStart(2, "0");
  return Array.from({ length: count }, (_, n) => ({
    mac: `02:00:00:00:${byte((from + n) >> 8)}:${byte(from + n)}`,
    dev: "vx0",
    dst: "192.0.2.1",
  }));
}
