/** Changes of a real namespace, told in words. */
import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { Host } from "../../lib/host.ts";
import type { Link } from "../../lib/links/words.ts";
import { NetlinkError } from "../../lib/socket/index.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import { needs } from "../../test/needs.ts";
import { flood, plain, steady, until } from "./kit.ts";

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
    const begin = performance.now();
    for (let round = 0; round < 2; round++) {
      flood(netns.fd);
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
});
