/** Settings of neighbors: ours beside `ip -json ntable`, and what the kernel does by them. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { type NeighborTable, NeighborTables } from "../../lib/neighbors/tables.ts";
import { needs } from "../../test/needs.ts";
import { given, scene, sorted } from "../routes/kit.ts";

const ms = (value: number | undefined): number | undefined => (value === undefined ? undefined : value * 1000);
const asIp = (one: NeighborTable): object =>
  given({
    family: one.family,
    name: one.family === "inet" ? "arp_cache" : "ndisc_cache",
    dev: one.dev,
    thresh1: one.thresh1,
    thresh2: one.thresh2,
    thresh3: one.thresh3,
    gc_interval: ms(one.gcInterval),
    base_reachable: ms(one.baseReachable),
    retrans: ms(one.retrans),
    gc_stale: ms(one.gcStale),
    delay_probe: ms(one.delayProbe),
    queue: one.queue,
    app_probes: one.appProbes,
    ucast_probes: one.ucastProbes,
    mcast_probes: one.mcastProbes,
    anycast_delay: ms(one.anycastDelay),
    proxy_delay: ms(one.proxyDelay),
    proxy_queue: one.proxyQueue,
    locktime: ms(one.locktime),
  });

describe("tables of neighbors beside ip", () => {
  before(function () {
    needs(this, "ip");
  });

  it("are told alike, whoever set them, and are those of the sysctls", async () => {
    await using here = await scene();
    const tables = new NeighborTables(here.connection, here.links);
    const agree = async (): Promise<readonly NeighborTable[]> => {
      const ours = await tables.list();
      const told = sorted(ours.map(asIp));
      const keys = new Set(told.flatMap((one) => Object.keys(one)));
      const theirs = (await here.json("ip -json ntable show")).map((one) =>
        Object.fromEntries(Object.entries(one).filter(([key]) => keys.has(key))),
      );
      deepEqual(told, sorted(theirs));
      return ours;
    };
    const before = await agree();
    ok(
      before
        .filter(({ dev }) => dev === undefined)
        .every(({ statistics, entries }) => statistics && entries !== undefined),
    );
    const changes = {
      baseReachable: 10,
      retrans: 0.2,
      gcStale: 40,
      ucastProbes: 7,
      mcastProbes: 0,
      proxyDelay: 2,
      locktime: 3,
    };
    await tables.update({ family: "inet", dev: "d0", ...changes });
    await tables.update({ family: "inet6", dev: "d0", delayProbe: 2, queueBytes: 65_536 });
    await here.sh("ip ntable change name ndisc_cache dev d1 retrans 2000 queue 7");
    const [d0] = await tables.list({ family: "inet", dev: "d0" });
    for (const [key, value] of Object.entries(changes)) equal(d0?.[key as keyof NeighborTable], value, key);
    equal((await tables.list({ family: "inet6", dev: "d0" }))[0]?.queueBytes, 65_536);
    equal((await agree()).length, before.length);
    equal((await here.sh("cat /proc/sys/net/ipv4/neigh/d0/retrans_time_ms")).trim(), "200");
  });

  it("have a neighbor that does not answer given up as soon as they say", async () => {
    await using here = await scene();
    const tables = new NeighborTables(here.connection, here.links);
    await tables.update({ family: "inet", dev: "d0", retrans: 0.05, mcastProbes: 1, ucastProbes: 0 });
    await here.sh("bash -c 'echo > /dev/udp/192.0.2.99/9'");
    const state = async (): Promise<unknown> =>
      (await here.neighbors.list({ dev: "d0" })).find(({ address }) => address === "192.0.2.99")?.state;
    const end = Date.now() + 10_000;
    while ((await state()) === "incomplete" && Date.now() < end) await setTimeout(20);
    equal(await state(), "failed");
    ok(Date.now() < end, "three seconds, where it is not set");
  });

  it("are refused in people's words", async () => {
    await using here = await scene();
    const tables = new NeighborTables(here.connection, here.links);
    await rejects(tables.update({ family: "inet", thresh3: 9999 }), {
      code: "ENOENT",
      message: /^cannot change neighbors of inet: .* host's first namespace only; .*\(ENOENT, at thresh3\)$/,
    });
    await rejects(tables.update({ family: "inet", retrans: 2 }), { code: "ENOENT", attribute: "retrans" });
    await rejects(tables.update({ family: "inet", dev: "d9", retrans: 2 }), { code: "ERR_INPUT", path: ["d9"] });
  });
});
