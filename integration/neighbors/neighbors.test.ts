import { deepEqual, equal, match, rejects } from "node:assert/strict";
import type { Neighbor, NeighborConfig } from "../../lib/neighbors/words.ts";
import { NetlinkError } from "../../lib/socket/index.ts";
import { needs, skip } from "../../test/needs.ts";
import { given, type Scene, scene, sorted } from "../routes/kit.ts";

const mark = (value: boolean | undefined): null | undefined => (value === true ? null : undefined);

/** A neighbor of ours as `ip -json neighbor` tells it. */
function asIp(one: Neighbor): Record<string, unknown> {
  return given({
    dst: one.address,
    dev: one.dev,
    lladdr: one.mac,
    router: mark(one.router),
    proxy: mark(one.proxy),
    extern_learn: mark(one.externLearn),
    managed: mark(one.managed),
    protocol: one.protocol === undefined ? undefined : String(one.protocol),
    state: one.state === "none" ? ["NONE"] : [one.state.toUpperCase()],
  });
}

async function agree({ neighbors, json }: Scene, dev = "d0"): Promise<readonly Neighbor[]> {
  const ours = (await neighbors.list({ dev })).filter(({ state }) => state !== "noarp");
  const theirs = await json(`ip -json -details neighbor show dev ${dev} nud all`);
  const wanted = theirs.filter(({ state }) => (state as string[] | undefined)?.[0] !== "NOARP");
  deepEqual(sorted(ours.map(asIp)), sorted(wanted.map((one) => ({ ...one, dev }))));
  return ours;
}

const OURS: readonly NeighborConfig[] = [
  { address: "192.0.2.5", dev: "d0", mac: "02:00:00:00:00:05" },
  { address: "192.0.2.6", dev: "d0", mac: "02:00:00:00:00:06", state: "stale", protocol: 42 },
  { address: "192.0.2.7", dev: "d0", mac: "02:00:00:00:00:07", state: "reachable", externLearn: true },
  { address: "192.0.2.9", dev: "d0", mac: "02:00:00:00:00:10", state: "permanent", externLearn: true },
  { address: "2001:db8::5", dev: "d0", mac: "02:00:00:00:00:08", router: true },
  { address: "2001:db8::6", dev: "d0", mac: "02:00:00:00:00:09", state: "stale" },
];

describe("neighbors beside ip", () => {
  before(function () {
    needs(this, "ip");
  });

  it("are told alike, whoever made them", async () => {
    await using here = await scene();
    for (const config of OURS) await here.neighbors.create(config);
    equal((await agree(here)).length, OURS.length);
    for (const config of OURS) await here.neighbors.delete(config);
    equal((await here.neighbors.list({ dev: "d0" })).filter(({ state }) => state === "permanent").length, 0);
    await here.sh(`
      ip neighbor replace 192.0.2.5 lladdr 02:00:00:00:00:05 dev d0 nud permanent protocol 42
      ip neighbor replace 192.0.2.6 lladdr 02:00:00:00:00:06 dev d0 nud stale extern_learn
      ip neighbor replace 2001:db8::5 lladdr 02:00:00:00:00:06 dev d0 nud permanent router`);
    await agree(here);
  });

  it("are answered for by proxy", async () => {
    await using here = await scene();
    await here.neighbors.create({ address: "192.0.2.77", dev: "d0", proxy: true });
    await here.neighbors.create({ address: "2001:db8::77", dev: "d0", proxy: true });
    deepEqual(
      (await here.neighbors.list({ proxy: true })).map(({ address, dev, proxy }) => [address, dev, proxy]),
      [
        ["192.0.2.77", "d0", true],
        ["2001:db8::77", "d0", true],
      ],
    );
    equal((await here.sh("ip -4 neighbor show proxy")).trim(), "192.0.2.77 dev d0 proxy");
    await here.neighbors.delete({ address: "192.0.2.77", dev: "d0", proxy: true });
    equal((await here.neighbors.list({ proxy: true, family: "inet" })).length, 0);
  });

  it("are replaced, and refused in people's words", async () => {
    await using here = await scene();
    const config = { address: "192.0.2.5", dev: "d0", mac: "02:00:00:00:00:05" };
    await here.neighbors.create(config);
    await rejects(here.neighbors.create(config), {
      code: "EEXIST",
      message: "cannot add neighbor 192.0.2.5 on d0: file already exists (EEXIST, at address)",
    });
    await here.neighbors.replace({ ...config, mac: "02:00:00:00:00:99" });
    equal((await agree(here)).find(({ address }) => address === config.address)?.mac, "02:00:00:00:00:99");
    await here.neighbors.delete(config);
    await rejects(here.neighbors.delete({ address: "192.0.2.200", dev: "d0" }), {
      code: "ENOENT",
      message: /^cannot delete neighbor 192\.0\.2\.200 on d0: .*\(ENOENT, at address\)$/,
    });
  });

  it("are kept reachable by the kernel where it can", async function () {
    await using here = await scene();
    try {
      await here.neighbors.create({ address: "192.0.2.5", dev: "d0", managed: true });
    } catch (error) {
      if (error instanceof NetlinkError) skip(this, `managed needs Linux 5.16: ${error.message}`);
      throw error;
    }
    const [found] = await here.neighbors.list({ managed: true });
    deepEqual([found?.address, found?.managed], ["192.0.2.5", true]);
    match(await here.sh("ip neighbor show dev d0"), /^192\.0\.2\.5 managed /m);
    await here.sh("ip neighbor add 192.0.2.6 dev d0 managed");
    equal((await here.neighbors.list({ managed: true })).length, 2);
    deepEqual([...(await here.neighbors.list({ managed: true, family: "inet6" }))], []);
  });

  it("are flushed by what a filter names, and only so", async () => {
    await using here = await scene();
    for (const config of OURS) await here.neighbors.create(config);
    await here.neighbors.create({ address: "192.0.2.77", dev: "d0", proxy: true });
    const there = async (): Promise<string[]> =>
      (await here.neighbors.list({ dev: "d0" }))
        .filter(({ state }) => state !== "failed" && state !== "noarp")
        .map(({ address }) => address)
        .sort();
    equal(await here.neighbors.flush({ protocol: 42 }), 1);
    deepEqual(await there(), ["192.0.2.5", "192.0.2.7", "192.0.2.9", "2001:db8::5", "2001:db8::6"]);
    equal(await here.neighbors.flush({ dev: "d0", externLearn: true }), 1);
    equal(await here.neighbors.flush({ dev: "d0", family: "inet6" }), 1);
    deepEqual(await there(), ["192.0.2.5", "192.0.2.9", "2001:db8::5"]);
    equal(await here.neighbors.flush({ dev: "d0", state: "permanent" }), 3);
    equal(await here.neighbors.flush({ proxy: true }), 1);
    deepEqual(await there(), []);
    await rejects(here.neighbors.flush({}), { code: "ERR_INPUT" });
  });
});
