import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { LinkLookup } from "../../lib/families/lookup.ts";
import { Routes } from "../../lib/routes/routes.ts";
import type { Route, RouteConfig } from "../../lib/routes/words.ts";
import { load, needs } from "../../test/needs.ts";
import { type Scene, scene, sorted } from "./kit.ts";
import { asIp, plain, shown } from "./oracle.ts";

/** Both tell the same of every route of a table. */
async function agree({ routes, json }: Scene, table: string | number = "main"): Promise<readonly Route[]> {
  for (let attempt = 0; ; attempt++) {
    const ours = await routes.list({ table: table as "main" });
    const theirs = [...(await json(shown("-4", table))), ...(await json(shown("-6", table)))].map(plain);
    try {
      equal(ours.consistent, true);
      deepEqual(sorted(ours.map(asIp)), sorted(theirs));
      return ours;
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}

const OURS: readonly RouteConfig[] = [
  { dst: "default", via: "192.0.2.9" },
  { dst: "10.0.0.0/8", via: "192.0.2.7", src: "192.0.2.1", metric: 50, protocol: "static", tos: 16 },
  { dst: "10.0.0.0/8", dev: "d0", metric: 51 },
  { dst: "10.1.0.0/16", via: "192.0.2.7", mtu: 1400, advmss: 1300, rtt: 0.1, rttvar: 0.05, window: 9000, initcwnd: 20 },
  { dst: "10.1.1.0/24", via: "192.0.2.7", hoplimit: 9, quickack: true, reordering: 5, ssthresh: 7, initrwnd: 8 },
  { dst: "10.1.2.3", via: "192.0.2.7", protocol: 200 },
  { dst: "10.2.0.0/16", via: "203.0.113.9", dev: "d0", onlink: true },
  {
    dst: "10.3.0.0/16",
    nexthops: [
      { via: "192.0.2.7", weight: 3 },
      { via: "192.0.2.8", dev: "d0" },
    ],
  },
  {
    dst: "10.3.1.0/24",
    nexthops: [
      { via: "203.0.113.9", dev: "d0", onlink: true },
      { via: "fe80::1", dev: "d0" },
    ],
  },
  { dst: "10.4.0.0/16", type: "blackhole" },
  { dst: "10.4.1.0/24", type: "unreachable" },
  { dst: "10.4.2.0/24", type: "prohibit", metric: 9 },
  { dst: "10.5.0.0/16", via: "fe80::1", dev: "d0" },
  { dst: "default", family: "inet6", dev: "d0", metric: 5 },
  { dst: "2001:db8:5::/48", via: "2001:db8::7", mtu: 1400, expires: 1000, pref: "high" },
  { dst: "2001:db8:6::/48", dev: "d0", metric: 7, protocol: "bgp" },
  {
    dst: "2001:db8:7::/48",
    nexthops: [
      { via: "2001:db8::7", weight: 2 },
      { via: "2001:db8::8", dev: "d0" },
    ],
  },
  { dst: "2001:db8:8::/48", type: "unreachable" },
  { dst: "2001:db8:8:1::/64", type: "blackhole", metric: 3 },
  { dst: "2001:db8:9::1", via: "fe80::7", dev: "d0" },
];
const THEIRS = [
  "default via 192.0.2.9 proto dhcp metric 100",
  "10.0.0.0/8 via 192.0.2.7 dev d0 src 192.0.2.1 metric 50 proto static",
  "10.1.0.0/16 via 192.0.2.7 mtu lock 1400 rto_min 30ms",
  "10.2.0.0/16 nexthop via 192.0.2.7 weight 3 nexthop via 203.0.113.9 dev d0 onlink",
  "prohibit 10.3.0.0/16",
  "10.4.0.0/16 via inet6 fe80::1 dev d0",
  "2001:db8:5::/48 via 2001:db8::7 dev d0 mtu 1400 expires 1000 pref low",
  "2001:db8:7::/48 nexthop via 2001:db8::7 weight 2 nexthop via 2001:db8::8",
  "blackhole 2001:db8:8::/48",
];

describe("routes beside ip", () => {
  before(function () {
    needs(this, "ip");
  });

  it("are told alike, whoever made them", async () => {
    await using here = await scene();
    const before = (await agree(here)).length;
    for (const config of OURS) await here.routes.create(config);
    const found = await agree(here);
    equal(found.length, before + OURS.length);
    equal(found.filter(({ protocol }) => protocol === "linkwright").length, OURS.length - 3);
    for (const config of OURS) await here.routes.delete(config);
    equal((await agree(here)).length, before);
    for (const line of THEIRS) await here.sh(`ip ${line.includes("2001:") ? "-6" : ""} route add ${line}`);
    const again = await agree(here);
    equal(again.length, before + THEIRS.length);
    deepEqual(again.find(({ dst }) => dst === "10.1.0.0/16")?.lock, ["mtu", "rtoMin"]);
  });

  it("live in other tables", async () => {
    await using here = await scene();
    await here.routes.create({ dst: "10.0.0.0/8", via: "192.0.2.7", table: 1000 });
    await here.routes.create({ dst: "10.0.0.0/8", via: "192.0.2.7", table: 100 });
    await here.routes.create({ dst: "2001:db8:5::/48", dev: "d0", table: 1000 });
    for (const table of [100, 1000]) await agree(here, table);
    deepEqual(
      (await here.routes.list({ table: 1000 })).map(({ dst, table }) => [dst, table]),
      [
        ["10.0.0.0/8", 1000],
        ["2001:db8:5::/48", 1000],
      ],
    );
    deepEqual([...(await here.routes.list({ table: 77 }))], []);
    const all = await here.routes.list({ table: "all" });
    for (const table of ["main", "local", 100, 1000] as const)
      equal(all.filter((one) => one.table === table).length, (await here.routes.list({ table })).length);
    await here.routes.create({ dst: "10.77.0.1", type: "local", dev: "lo" });
    equal(
      (await here.routes.list({ table: "local", dev: "lo" })).some(({ dst }) => dst === "10.77.0.1"),
      true,
    );
  });

  it("are selected by family, link, protocol and type", async () => {
    await using here = await scene();
    for (const config of OURS) await here.routes.create(config);
    const still = (one: Route): object => ({ ...one, expires: 0 }); // it runs down
    const all = await here.routes.list();
    const check = async (filter: object, wanted: (one: Route) => boolean): Promise<void> =>
      deepEqual((await here.routes.list(filter)).map(still), all.filter(wanted).map(still));
    await check({ family: "inet6" }, ({ family }) => family === "inet6");
    await check({ protocol: "bgp" }, ({ protocol }) => protocol === "bgp");
    await check({ type: "blackhole" }, ({ type }) => type === "blackhole");
    await check(
      { dev: "d0" },
      ({ dev, nexthops }) => dev === "d0" || nexthops?.some((one) => one.dev === "d0") === true,
    );
  });

  it("are looked up as ip does", async () => {
    await using here = await scene();
    await here.routes.create({ dst: "10.0.0.0/8", via: "192.0.2.7", mtu: 1400 });
    const found = await here.routes.get("10.1.2.3");
    const [told] = await here.json("ip -json route get 10.1.2.3");
    deepEqual(
      [found.via, found.dev, found.src, found.uid],
      ["gateway", "dev", "prefsrc", "uid"].map((key) => told?.[key]),
    );
    equal(found.mtu, 1400);
    equal(found.table, "main");
    const entry = await here.routes.get("10.1.2.3", { fibmatch: true });
    deepEqual([entry.dst, entry.protocol], ["10.0.0.0/8", "linkwright"]);
    equal((await here.routes.get("2001:db8::9")).src, "2001:db8::1");
    equal((await here.routes.get("2001:db8::9", { fibmatch: true })).dst, "2001:db8::/64");
    equal((await here.routes.get("192.0.2.1")).type, "local");
    await rejects(here.routes.get("203.0.113.1"), {
      code: "ENETUNREACH",
      message: /^cannot reach 203\.0\.113\.1: network is unreachable \(ENETUNREACH\)$/,
    });
    await rejects(here.routes.get("10.1.2.3", { from: "::1" }), { code: "ERR_INPUT" });
  });

  it("are refused in people's words", async () => {
    await using here = await scene();
    const config = { dst: "10.0.0.0/8", via: "192.0.2.7" };
    await here.routes.create(config);
    await rejects(here.routes.create(config), {
      code: "EEXIST",
      message: "cannot add route 10.0.0.0/8 via 192.0.2.7: file already exists (EEXIST, at dst)",
    });
    await rejects(here.routes.create({ dst: "11.0.0.0/8", via: "203.0.113.1" }), {
      code: "ENETUNREACH",
      message: "cannot add route 11.0.0.0/8 via 203.0.113.1: Nexthop has invalid gateway (ENETUNREACH, at via)",
    });
    await rejects(here.routes.delete({ dst: "12.0.0.0/8", table: 500 }), {
      code: "ESRCH",
      message: /^cannot delete route 12\.0\.0\.0\/8 in table 500: .*\(ESRCH, at dst\)$/,
    });
    await here.routes.replace({ ...config, via: "192.0.2.8", mtu: 1300 });
    const [now, more] = await here.routes.list({ protocol: "linkwright" });
    deepEqual([now?.via, now?.mtu, more], ["192.0.2.8", 1300, undefined]);
  });

  it("have the names of links that came while they were read", async () => {
    await using here = await scene();
    await here.routes.create({ dst: "10.0.0.0/8", dev: "d0" });
    for (const read of ["list", "stream"] as const) {
      let asked = 0;
      const late: LinkLookup = {
        indexOf: (name) => here.links.indexOf(name),
        names: async () => (asked++ === 0 ? new Map([[1, "lo"]]) : here.links.names()),
      };
      const routes = new Routes(here.connection, late);
      const found: Route[] = [];
      if (read === "list") found.push(...(await routes.list()));
      else for await (const part of routes.stream()) found.push(...part);
      deepEqual(found, [...(await here.routes.list())], read);
      ok(found.some(({ dst, dev }) => dst === "10.0.0.0/8" && dev === "d0"));
      equal(asked, 2);
    }
  });

  it("hundred thousand of them are listed completely, and streamed in arrays", async function () {
    load(this);
    await using here = await scene();
    const dst = (i: number): string => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    const many = Array.from({ length: 100_000 }, (_, i) => ({ dst: dst(i), via: "192.0.2.7", dev: "d0" }));
    deepEqual((await here.routes.batch("create", many)).filter(Boolean), []);
    const found = await here.routes.list({ protocol: "linkwright", family: "inet" });
    equal(found.consistent, true);
    equal(found.length, many.length);
    equal(new Set(found.map((one) => one.dst)).size, many.length);
    let count = 0;
    let parts = 0;
    for await (const part of here.routes.stream({ protocol: "linkwright" })) {
      count += part.length;
      parts++;
    }
    equal(count, many.length);
    equal(parts > 10 && parts < 5000, true);
    for await (const part of here.routes.stream()) if (part.length > 0) break; // leaving early is fine
    equal((await here.routes.list({ type: "blackhole" })).length, 0);
  });
});
