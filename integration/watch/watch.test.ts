/** Changes of a real namespace, told in words; the cache against fresh readings. */
import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { Host } from "../../lib/host.ts";
import { newlink } from "../../lib/links/schema.ts";
import type { Link } from "../../lib/links/words.ts";
import { Netns } from "../../lib/netns/netns.ts";
import { NetlinkError } from "../../lib/socket/index.ts";
import { KernelTransport } from "../../lib/socket/kernel.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import type { TableName, Watched, WatchName } from "../../lib/watch/tables.ts";
import type { Watch, WatchEvent } from "../../lib/watch/watch.ts";
import { NLM_F_REQUEST, Writer, writeMessage } from "../../lib/wire/index.ts";
import { firstTryCounts, needs } from "../../test/needs.ts";

async function until<K extends WatchName>(
  watch: Watch<K>,
  wanted: (event: WatchEvent<K>) => boolean,
): Promise<WatchEvent<K>> {
  for await (const event of { [Symbol.asyncIterator]: () => ({ next: () => watch.next() }) })
    if (wanted(event)) return event;
  throw new Error("the watch ended");
}

const PASSING = [
  "wire",
  "statistics",
  "used",
  "updated",
  "confirmed",
  "validLifetime",
  "preferredLifetime",
  "fdbLearned",
  "directPackets",
];
/** Without what passes by itself, in one order of keys. */
function steady(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const kept = Object.entries(value).filter(([key]) => !PASSING.includes(key) && !key.endsWith("Timer"));
  return Object.fromEntries(kept.sort().map(([key, part]) => [key, steady(part)]));
}
/** What does not count: times that pass, counters, raw messages, and what the kernel makes without a word. */
function plain(name: TableName, objects: readonly object[]): unknown[] {
  const silent = ["noarp", "none", "incomplete"];
  return objects
    .filter((one) => name !== "fdb" || !/^(33:33|01:00:5e)/.test((one as Watched["fdb"]).mac)) // what devices listen to
    .filter((one) => name !== "neighbors" || !silent.includes((one as Watched["neighbors"]).state))
    .map((one) => JSON.stringify(steady(one)))
    .sort();
}

describe("watch", function () {
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

  it("tells links, addresses, routes, neighbors and forwarding entries in the words of their services", async () => {
    await using watch = host.watch({ links: true, addresses: true, routes: true, neighbors: true, fdb: true });
    await host.links.create({ kind: "bridge", name: "br0", up: true });
    const made = await until(watch, (event) => event.type === "link" && !event.removed && event.value.name === "br0");
    ok(made.type === "link" && made.value.kind === "bridge");
    equal(made.nsid, undefined);
    await host.addresses.create({ address: "192.0.2.1/24", dev: "br0" });
    await until(watch, (event) => event.type === "address" && event.value.address === "192.0.2.1/24");
    await until(
      watch,
      (event) => event.type === "route" && event.value.dst === "192.0.2.0/24" && event.value.dev === "br0",
    );
    await host.neighbors.create({ address: "192.0.2.9", dev: "br0", mac: "02:00:00:00:00:09" });
    await until(watch, (event) => event.type === "neighbor" && event.value.mac === "02:00:00:00:00:09");
    await host.fdb.create({ mac: "02:00:00:00:00:08", dev: "br0" });
    await until(watch, (event) => event.type === "fdb" && event.value.mac === "02:00:00:00:00:08");
    await host.links.update("br0", { up: false, name: "br1" });
    await until(watch, (event) => event.type === "link" && event.value.name === "br1");
    await host.addresses.delete({ address: "192.0.2.1/24", dev: "br1" });
    await until(watch, (event) => event.type === "address" && event.removed && event.value.dev === "br1");
    await host.links.delete("br1");
    await until(watch, (event) => event.type === "link" && event.removed && event.value.name === "br1");
  });

  it("tells multicast entries of bridges, and VNIs and VLANs one range each", async () => {
    await host.links.create({ kind: "bridge", name: "br0", up: true });
    await host.links.create({ kind: "veth", name: "p0", peer: { name: "p1" }, master: "br0", up: true });
    await host.links.update("p1", { up: true });
    await host.links.create({ kind: "vxlan", name: "vx0", external: true, vnifilter: true, up: true });
    await using watch = host.watch({ mdb: true, vnis: true, vlans: true });
    await host.mdb.create({ dev: "br0", port: "p0", group: "239.1.2.3", state: "permanent" });
    await until(watch, (event) => event.type === "mdb" && !event.removed && event.value.group === "239.1.2.3");
    await host.mdb.delete({ dev: "br0", port: "p0", group: "239.1.2.3" });
    await until(watch, (event) => event.type === "mdb" && event.removed);
    await host.vnis.create({ dev: "vx0", vni: 10, vniEnd: 12 });
    const made = await until(watch, ({ type }) => type === "vni");
    ok(made.type === "vni" && made.value.vni === 10 && !made.removed);
    await host.links.update("br0", { vlanFiltering: true }).then(
      async () => {
        await host.vlans.create({ dev: "p0", vid: 7 });
        await until(watch, (event) => event.type === "vlan" && event.value.dev === "p0" && event.value.vid === 7);
      },
      (error: unknown) => ok(error instanceof NetlinkError && error.code === "EOPNOTSUPP", String(error)),
    );
  });

  it("tells classes and filters, of links and of blocks", async () => {
    await host.links.create({ kind: "veth", name: "d0", peer: { name: "d1" }, up: true });
    const { classes, filters } = host.qdiscs;
    await using watch = host.watch({ classes: true, filters: true });
    await host.qdiscs.create({ kind: "htb", dev: "d0", handle: "1:" });
    await host.qdiscs.create({ kind: "clsact", dev: "d1", ingressBlock: 22 });
    await classes.create({ kind: "htb", dev: "d0", classid: "1:10", rate: 1e6 });
    const made = await until(watch, ({ type }) => type === "class");
    ok(made.type === "class" && !made.removed);
    const { statistics: _, wire: __, ...words } = made.value;
    const { statistics: ___, wire: ____, ...read } = (await classes.get({ dev: "d0", classid: "1:10" })) ?? {};
    deepEqual(words, read);
    const match = [{ value: 0, mask: 0, at: 0 }];
    await filters.create({ kind: "u32", dev: "d0", protocol: "ip", pref: 5, match, classid: "1:10" });
    const filter = await until(watch, ({ type }) => type === "filter");
    ok(filter.type === "filter" && !filter.removed);
    deepEqual(steady(filter.value), steady(await filters.get({ dev: "d0", pref: 5 })));
    await filters.create({ kind: "u32", block: 22, protocol: "ip", pref: 6, match, classid: "1:10" });
    await until(watch, (event) => event.type === "filter" && event.value.block === 22);
    await filters.delete({ dev: "d0", pref: 5 });
    await until(watch, (event) => event.type === "filter" && event.removed && event.value.pref === 5);
    await classes.delete({ dev: "d0", classid: "1:10" });
    await until(watch, (event) => event.type === "class" && event.removed && event.value.classid === "1:10");
  });

  it("tells numbers of namespaces, as ip lists them", async function () {
    needs(this, "ip");
    const other = await TestNamespace.create();
    await using watch = host.watch({ nsids: true });
    equal(await host.nsids.get(other), undefined);
    equal(await host.nsids.set(other, 7), 7);
    deepEqual((await until(watch, ({ type }) => type === "nsid")) as object, {
      type: "nsid",
      removed: false,
      value: { nsid: 7 },
      nsid: undefined,
    });
    equal(await host.nsids.get(other), 7);
    await rejects(host.nsids.set(other), { code: "EEXIST", message: /^cannot give a network namespace a number: / });
    await rejects(host.nsids.set(other, -1), /^InputError: nsid: /);
    deepEqual(await host.nsids.list(), [{ nsid: 7 }]);
    const child = netns.run("ip", ["netns", "list-id"], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    for await (const part of child.stdout ?? []) text += String(part);
    ok(/^nsid 7 /.test(text), text);
    await other[Symbol.asyncDispose]();
    const gone = await until(watch, (event) => event.type === "nsid" && event.removed);
    deepEqual((gone as { value: object }).value, { nsid: 7 });
  });

  it("tells what is set of devices, here and in other namespaces, with a cache and without", async () => {
    const other = await TestNamespace.create();
    const there = await Host.open({ netns: other });
    try {
      const veth = { kind: "veth" } as const;
      await host.links.create({ ...veth, name: "near", peer: { name: "far", netns: other } });
      const nsid = (await host.links.get("near"))?.parentNsid;
      for (const cache of [false, true] as const) {
        await using watch = host.watch({ ethtool: true, links: true, cache, allNetns: true } as {
          ethtool: true;
          links: true;
        });
        await host.ethtool.set("near", { tso: cache });
        const features = await until(watch, ({ type }) => type === "ethtool");
        ok(features.type === "ethtool" && features.value.setting === "features");
        deepEqual(features.value.value, await host.ethtool.features("near"));
        deepEqual(
          [features.value.dev, features.value.index, features.removed, features.nsid],
          ["near", await host.links.indexOf("near"), false, undefined],
        );
        await there.ethtool.set("far", { tso: cache });
        const far = await until(watch, (event) => event.type === "ethtool" && event.nsid !== undefined);
        ok(far.type === "ethtool" && far.value.dev === "far");
        equal(far.nsid, nsid);
      }
    } finally {
      there.close();
      await other[Symbol.asyncDispose]();
    }
  });

  it("has no table of what it tells of devices", async () => {
    await using watch = host.watch({ ethtool: true, nsids: true, cache: true });
    await watch.settled();
    // @ts-expect-error: the type says so, too
    const { ethtool, ...rest } = watch.tables;
    deepEqual([ethtool, rest], [undefined, { nsids: [] }]);
    await using alone = host.watch({ ethtool: true });
    await host.links.create({ kind: "veth", name: "d0", peer: { name: "d1" } });
    await host.ethtool.set("d0", { gso: false });
    const event = await until(alone, ({ type }) => type === "ethtool");
    ok(event.type === "ethtool");
  });

  it("tells a bridge port's state with its link", async () => {
    await host.links.create({ kind: "bridge", name: "br0", up: true, stp: false });
    await host.links.create({ kind: "veth", name: "p0", peer: { name: "p1" }, master: "br0", up: true });
    await using watch = host.watch({ links: true });
    await host.links.update("p0", { port: { learning: false } });
    const event = await until(watch, (one) => one.type === "link" && one.value.port?.learning === false);
    equal((event as { value: Link }).value.name, "p0");
  });

  it("tells all tables anew after an overrun, at most once in the interval", async () => {
    await using watch = host.watch({ links: true, buffer: 4096, resyncInterval: 300 });
    /** On this thread, and with no turn for the reader in between. */
    const flood = (): void => {
      const sender = KernelTransport.open({ protocol: 0, netns: netns.fd });
      const out = new Writer();
      for (let n = 1; n <= 500; n++) {
        out.truncate(0);
        writeMessage(out, newlink, { header: { index: 1, flags: n & 1, change: 1 } }, NLM_F_REQUEST, n);
        equal(sender.send(out.finish()), out.length);
      }
      sender.close();
    };
    const begin = performance.now();
    for (let round = 0; round < 2; round++) {
      flood();
      const event = await until(watch, ({ type }) => type === "resync");
      ok(event.type === "resync");
      deepEqual(plain("links", event.tables.links ?? []), plain("links", await host.links.list()));
    }
    const took = performance.now() - begin;
    ok(took >= 300, `read twice in ${took} ms`);
    await host.links.update("lo", { mtu: 1400 });
    await until(watch, (one) => one.type === "link" && one.value.mtu === 1400);
  });

  it("tells of other namespaces with the number they have here", async () => {
    const other = await TestNamespace.create();
    const there = await Host.open({ netns: other });
    try {
      await host.links.create({ kind: "veth", name: "near", peer: { name: "far", netns: other } });
      const nsid = (await host.links.get("near"))?.parentNsid;
      equal(typeof nsid, "number");
      await using watch = host.watch({ links: true, allNetns: true });
      await there.links.update("far", { mtu: 1400 });
      const event = await until(watch, (one) => one.type === "link" && one.value.name === "far");
      ok(event.type === "link");
      equal(event.nsid, nsid);
      equal(event.value.mtu, 1400);
    } finally {
      there.close();
      await other[Symbol.asyncDispose]();
    }
  });

  it("ends by signal, by close, and by leaving the loop; names what it can watch", async () => {
    const stop = new AbortController();
    const stopped = host.watch({ links: true, signal: stop.signal });
    const waiting = stopped.next();
    stop.abort(new Error("enough"));
    await rejects(waiting, /enough/);
    const closed = host.watch({ links: true, cache: true });
    const ended = closed.next();
    await closed.settled();
    closed.close();
    deepEqual(await ended, { done: true, value: undefined });
    await rejects(closed.settled(), /closed/);
    const left = host.watch({ links: true });
    await host.links.create({ kind: "bridge", name: "br0" });
    for await (const event of left) {
      equal(event.type, "link");
      break;
    }
    deepEqual(await left.next(), { done: true, value: undefined });
    throws(() => host.watch({}), /watch: names nothing; name at least one of links, addresses/);
  });

  it("settles only when all that was changed before is in the tables", async () => {
    await host.links.create({ kind: "vxlan", name: "vx0", vni: 7, up: true });
    await using watch = host.watch({ fdb: true, cache: true });
    await watch.settled();
    const mac = (n: number): string =>
      `02:00:00:00:${(n >> 8).toString(16).padStart(2, "0")}:${(n & 255).toString(16).padStart(2, "0")}`;
    const entries = Array.from({ length: 4000 }, (_, n) => ({ mac: mac(n), dev: "vx0", dst: "192.0.2.1" }));
    deepEqual((await host.fdb.batch("append", entries)).filter(Boolean), []);
    await watch.settled();
    equal(watch.tables.fdb?.filter(({ mac: one }) => one.startsWith("02:")).length, 4000);
    await rejects(watch.settled({ signal: AbortSignal.abort(new Error("enough")) }), /enough/);
  });

  it("ends with its host, and a cache that can no longer be kept says so", async () => {
    const plainly = host.watch({ links: true });
    const cached = host.watch({ links: true, cache: true });
    await cached.settled();
    const waiting = plainly.next();
    host.close();
    await rejects(waiting, /the host was closed/);
    await rejects(cached.settled(), /the host was closed/);
    throws(() => cached.tables, /the host was closed/);
  });

  it("refuses what it does not know", async () => {
    const bad = (options: object): void => void host.watch(options as { links: true });
    throws(() => bad({ links: true, bogus: true }), /bogus: unknown key/);
    throws(() => bad({ links: "yes" }), /links: /);
    throws(() => bad({ ethtool: 1 }), /ethtool: /);
    throws(() => bad({ links: true, resyncInterval: "x" }), /resyncInterval: /);
    throws(() => bad({ links: true, buffer: -5 }), /buffer: /);
    throws(() => bad({ links: true, signal: "x" }), /signal: expected an AbortSignal/);
    await using watch = host.watch({ links: true, cache: true });
    await rejects(watch.settled({ signal: "x" } as never), /^InputError: options.signal: expected an AbortSignal/);
  });

  it("does not hold the process", async () => {
    const script = `
      import { Host } from ${JSON.stringify(new URL("../../lib/host.js", import.meta.url).href)};
      const host = await Host.open();
      const cached = host.watch({ links: true, routes: true, cache: true });
      await cached.settled();
      void cached.next();
      void host.watch({ links: true }).next();`;
    const child = netns.run(process.execPath, ["--input-type=module", "-e", script], { stdio: "inherit" });
    equal(await new Promise((resolve) => child.on("exit", resolve)), 0);
  });

  it("keeps tables that equal a fresh reading at any quiet moment", async function () {
    this.timeout(240_000);
    firstTryCounts(this);
    const names = ["a0", "a1", "a2"];
    await host.links.create({ kind: "bridge", name: "br0", up: true });
    await host.links.create({ kind: "vxlan", name: "vx0", vni: 7, up: true });
    const tables = [
      "links",
      "addresses",
      "routes",
      "neighbors",
      "fdb",
      "rules",
      "nexthops",
      "qdiscs",
      "netconf",
      "classes",
      "filters",
      "nsids",
    ] as const;
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
    const { classes, filters } = host.qdiscs;
    const match = [{ value: 0, mask: 0, at: 0 }];
    const name = fc.constantFrom(...names);
    const dev = fc.constantFrom("br0", "vx0", ...names);
    const small = fc.nat(3);
    const act = fc.oneof(
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
    const fresh = (table: TableName): Promise<object[]> => {
      if (table === "routes") return host.routes.list({ table: "all" });
      return table === "classes" || table === "filters" ? host.qdiscs[table].list() : host[table].list();
    };
    /** The kernel goes on by itself (duplicate detection ends) between the two readings: what differs for good counts. */
    const agree = async (): Promise<void> => {
      for (const until = performance.now() + 5000; ; await sleep(20)) {
        await watch.settled();
        const kept = watch.tables;
        try {
          for (const table of tables)
            deepEqual(plain(table, kept[table] ?? []), plain(table, await fresh(table)), table);
          return;
        } catch (error) {
          if (performance.now() > until) throw error;
        }
      }
    };
    let done = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 12 }), async (acts) => {
        // What is refused here (no such link …) is no matter: what the kernel made of it is.
        for (const one of acts)
          await one().then(
            () => done++,
            () => undefined,
          );
        await agree();
      }),
      { numRuns: 60, endOnFailure: true },
    );
    ok(done > 60, `only ${done} changes were made`);
  });
});
