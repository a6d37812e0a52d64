import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { Nexthops } from "../../lib/nexthops/nexthops.ts";
import type { NexthopObject, NexthopObjectConfig } from "../../lib/nexthops/words.ts";
import { needs, skip } from "../../test/needs.ts";
import { given, type Scene, scene, sorted } from "../routes/kit.ts";

const mark = (value: boolean | undefined): null | undefined => (value === true ? null : undefined);

/** A nexthop of ours as `ip -json -details nexthop` tells it; a tunnel header is compared elsewhere. */
function asIp(one: NexthopObject): Record<string, unknown> {
  const resilient = one.type === "resilient";
  return given({
    id: one.id,
    group: one.group?.map(({ id, weight }) => (weight === 1 ? { id } : { id, weight })),
    type: resilient ? "resilient" : undefined,
    resilient_args: resilient
      ? {
          buckets: one.buckets,
          idle_timer: one.idleTimer,
          unbalanced_timer: one.unbalancedTimer,
          unbalanced_time: one.unbalancedTime,
        }
      : undefined,
    blackhole: mark(one.blackhole),
    gateway: one.via,
    dev: one.dev,
    scope: String(one.scope),
    fdb: mark(one.fdb),
    protocol: one.protocol === "linkwright" ? "139" : String(one.protocol),
    flags: [one.dead && "dead", one.onlink && "onlink", one.linkdown && "linkdown"].filter(Boolean),
  });
}

/** Both tell the same of every nexthop. */
async function agree(nexthops: Nexthops, { json }: Scene): Promise<readonly NexthopObject[]> {
  const ours = await nexthops.list();
  const theirs = await json("ip -json -details nexthop show");
  equal(ours.consistent, true);
  deepEqual(
    sorted(ours.filter(({ encap }) => encap === undefined).map(asIp)),
    sorted(theirs.filter((one) => !("encap" in one))),
  );
  return ours;
}

const OURS: readonly NexthopObjectConfig[] = [
  { id: 1, via: "192.0.2.7", dev: "d0" },
  { id: 2, via: "192.0.2.8", dev: "d0", protocol: "bgp" },
  { id: 3, via: "203.0.113.9", dev: "d0", onlink: true },
  { id: 4, via: "2001:db8::7", dev: "d0" },
  { id: 5, dev: "d0" },
  { id: 6, dev: "d0", family: "inet6" },
  { id: 7, blackhole: true },
  { id: 8, blackhole: true, family: "inet6" },
  { id: 9, via: "192.0.2.12", fdb: true },
  { id: 10, via: "192.0.2.13", fdb: true },
  { id: 20, group: [{ id: 1, weight: 3 }, { id: 2 }] },
  { id: 21, group: [{ id: 9 }, { id: 10 }], fdb: true },
  {
    id: 22,
    group: [{ id: 1 }, { id: 2, weight: 255 }],
    type: "resilient",
    buckets: 8,
    idleTimer: 60,
    unbalancedTimer: 300,
  },
  { id: 4_000_000_000, via: "fe80::1", dev: "d0", onlink: true },
];
const THEIRS = [
  "id 1 via 192.0.2.7 dev d0 protocol bgp",
  "id 2 via fe80::5 dev d0",
  "id 3 blackhole",
  "id 4 via 192.0.2.12 fdb",
  "id 5 group 1/2",
  "id 6 group 1,7/2,3 type resilient buckets 4 idle_timer 30 unbalanced_timer 90",
];

describe("nexthops beside ip", () => {
  before(function () {
    needs(this, "ip");
  });

  it("are told alike, whoever made them", async () => {
    await using here = await scene();
    const nexthops = new Nexthops(here.connection, here.links);
    for (const config of OURS) await nexthops.create(config);
    const found = await agree(nexthops, here);
    equal(found.length, OURS.length);
    for (const { family: _, group, ...config } of OURS) {
      const one = found.find(({ id }) => id === config.id);
      for (const [key, value] of Object.entries(config))
        equal(one?.[key as keyof NexthopObject], value, `${config.id} ${key}`);
      deepEqual(
        one?.group,
        group?.map(({ id, weight = 1 }) => ({ id, weight })),
      );
    }
    deepEqual(
      await nexthops.get(20),
      found.find(({ id }) => id === 20),
    );
    for (const { id } of OURS.toReversed()) await nexthops.delete({ id });
    equal((await agree(nexthops, here)).length, 0);
    for (const line of THEIRS) await here.sh(`ip nexthop add ${line}`);
    equal((await agree(nexthops, here)).length, THEIRS.length);
  });

  it("are what routes go by, and change under them", async () => {
    await using here = await scene();
    const nexthops = new Nexthops(here.connection, here.links);
    await nexthops.create({ id: 1, via: "192.0.2.7", dev: "d0" });
    await nexthops.create({ id: 2, via: "2001:db8::7", dev: "d0" });
    await nexthops.create({ id: 3, group: [{ id: 1 }] });
    await here.routes.create({ dst: "10.0.0.0/8", nhid: 3 });
    await here.routes.create({ dst: "2001:db8:5::/48", nhid: 2 });
    const [told] = await here.json("ip -json route show 10.0.0.0/8");
    equal(told?.["nhid"], 3);
    equal((await here.routes.get("10.1.2.3")).via, "192.0.2.7");
    await nexthops.replace({ id: 1, via: "192.0.2.8", dev: "d0" });
    equal((await here.routes.get("10.1.2.3")).via, "192.0.2.8");
    equal((await here.routes.list({ protocol: "linkwright", family: "inet6" }))[0]?.nhid, 2);
    await nexthops.delete({ id: 1 });
    deepEqual([...(await here.routes.list({ protocol: "linkwright", family: "inet" }))], []);
  });

  it("of forwarding entries carry a VXLAN's far ends", async () => {
    await using here = await scene();
    const nexthops = new Nexthops(here.connection, here.links);
    for (const config of OURS.filter(({ fdb }) => fdb === true)) await nexthops.create(config);
    await here.fdb.create({ mac: "02:00:00:00:00:09", dev: "vx0", nhid: 21 });
    match(await here.sh("bridge fdb show dev vx0"), /02:00:00:00:00:09 nhid 21 self/);
  });

  it("fill the buckets of a resilient group", async () => {
    await using here = await scene();
    const nexthops = new Nexthops(here.connection, here.links);
    await nexthops.create({ id: 1, via: "192.0.2.7", dev: "d0" });
    await nexthops.create({ id: 2, via: "192.0.2.8", dev: "d0" });
    await nexthops.create({ id: 5, group: [{ id: 1, weight: 3 }, { id: 2 }], type: "resilient", buckets: 8 });
    const buckets = await nexthops.buckets();
    const theirs = await here.json("ip -json nexthop bucket show");
    deepEqual(
      buckets.map(({ id, index, nhid }) => ({ id, index, nhid })),
      theirs.map(({ id, bucket }) => {
        const { index, nhid } = bucket as Record<string, number>;
        return { id, index, nhid };
      }),
    );
    equal(buckets.filter(({ nhid }) => nhid === 1).length, 6);
    equal((await nexthops.buckets({ id: 5, nhid: 2 })).length, 2);
    equal((await nexthops.buckets({ dev: "d0" })).length, 8);
  });

  it("count what each nexthop of a group was chosen for", async function () {
    needs(this, "ping");
    await using here = await scene();
    const nexthops = new Nexthops(here.connection, here.links);
    for (const [id, via] of [
      [1, "192.0.2.7"],
      [2, "192.0.2.8"],
    ] as const)
      await nexthops.create({ id, via, dev: "d0" });
    await nexthops.create({ id: 5, group: [{ id: 1, weight: 3 }, { id: 2 }] });
    const list = () => nexthops.list({ groups: true, statistics: true });
    const [before] = await list().catch((error: Error) => skip(this, `before Linux 6.9: ${error.message}`));
    deepEqual(
      before?.group?.map(({ id, weight, packets }) => [id, weight, packets]),
      [
        [1, 3, 0n],
        [2, 1, 0n],
      ],
    );
    equal(before?.hwStats, false);
    await nexthops.replace({ id: 5, group: [{ id: 1, weight: 3 }, { id: 2 }], hwStats: true });
    const [counting] = await list();
    deepEqual([counting?.hwStats, counting?.hwStatsUsed], [true, false]);
    await here.routes.create({ dst: "198.51.100.0/24", nhid: 5 });
    await here.sh("for i in 1 2 3 4 5 6 7 8; do ping -c 1 -W 0.01 198.51.100.$i >/dev/null || true; done");
    const [after] = await list();
    const sent = (after?.group ?? []).reduce((sum, { packets = 0n }) => sum + packets, 0n);
    ok(sent >= 8n, `${sent} packets were counted`);
    equal((await nexthops.list())[2]?.group?.[0]?.packets, undefined);
    await rejects(nexthops.flush({ statistics: true } as object), /^InputError: statistics: unknown key/);
  });

  it("put tunnel headers before packets", async () => {
    await using here = await scene();
    const nexthops = new Nexthops(here.connection, here.links);
    const encap = { type: "ip", id: 39, dst: "192.0.2.12", ttl: 9, tos: 16, key: true } as const;
    await nexthops.create({ id: 1, dev: "d0", encap });
    deepEqual((await nexthops.get(1)).encap, encap);
    match(
      await here.sh("ip nexthop show"),
      /^id 1 +encap ip id 39 src 0\.0\.0\.0 dst 192\.0\.2\.12 ttl 9 tos 16 key dev d0/,
    );
  });

  it("are selected, and flushed by what a filter names", async () => {
    await using here = await scene();
    const nexthops = new Nexthops(here.connection, here.links);
    for (const config of OURS) await nexthops.create(config);
    const ids = async (filter: object): Promise<number[]> => (await nexthops.list(filter)).map(({ id }) => id);
    deepEqual(await ids({ groups: true }), [20, 21, 22]);
    deepEqual(await ids({ protocol: "bgp" }), [2]);
    deepEqual(await ids({ dev: "d0" }), [1, 2, 3, 4, 5, 6, 4_000_000_000]);
    deepEqual(await ids({ fdb: true }), [9, 10, 21]);
    deepEqual(await ids({ master: "br0" }), []);
    equal(await nexthops.flush({ groups: true }), 3);
    equal(await nexthops.flush({ dev: "d0" }), 7);
    deepEqual(await ids({}), [7, 8, 9, 10]);
    await rejects(nexthops.flush({}), { code: "ERR_INPUT" });
    equal(await nexthops.flush({ protocol: "linkwright" }), 4);
  });

  it("are refused in people's words", async () => {
    await using here = await scene();
    const nexthops = new Nexthops(here.connection, here.links);
    await nexthops.create({ id: 1, via: "192.0.2.7", dev: "d0" });
    await rejects(nexthops.create({ id: 1, dev: "d0" }), {
      code: "EEXIST",
      message: /^cannot add nexthop 1: .*\(EEXIST, at id\)$/,
    });
    await rejects(nexthops.create({ id: 2, via: "203.0.113.1", dev: "d0" }), {
      message: /^cannot add nexthop 2: Nexthop has invalid gateway \(ENETUNREACH, at via\)$/,
    });
    await rejects(nexthops.create({ id: 3, group: [{ id: 77 }] }), {
      message: /^cannot add nexthop 3: Invalid nexthop id \(EINVAL/,
    });
    await rejects(nexthops.get(77), { code: "ENOENT", message: /^cannot get nexthop 77: .*\(ENOENT, at id\)$/ });
    await rejects(nexthops.create({ id: 4, dev: "absent" }), { message: /absent/ });
  });
});
