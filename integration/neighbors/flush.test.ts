/** Forwarding entries that are asked for one by one, and flushed by what they are. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { FdbConfig } from "../../lib/neighbors/entry.ts";
import type { FdbFlush } from "../../lib/neighbors/fdb.ts";
import { needs, skip } from "../../test/needs.ts";
import { scene } from "../routes/kit.ts";

describe("forwarding entries", () => {
  before(function () {
    needs(this, "ip", "bridge");
  });

  it("are got one by one", async () => {
    await using here = await scene();
    const { fdb, sh } = here;
    await sh(`
      bridge fdb add 02:00:00:00:01:01 dev vx0 dst 192.0.2.13 port 4790 self static
      bridge fdb add 02:00:00:00:01:02 dev d1 master static sticky`);
    const one = await fdb.get({ mac: "02:00:00:00:01:01", dev: "vx0" });
    deepEqual([one?.dst, one?.port, one?.state], ["192.0.2.13", 4790, "static"]);
    ok((await sh("bridge fdb get 02:00:00:00:01:01 dev vx0 self")).includes("dst 192.0.2.13 port 4790"));
    const other = await fdb.get({ mac: "02:00:00:00:01:02", dev: "d1", master: true });
    deepEqual([other?.master, other?.sticky], ["br0", true]);
    equal(await fdb.get({ mac: "02:00:00:00:01:03", dev: "vx0" }), undefined);
    await rejects(fdb.get({ mac: "02:00:00:00:01:03", dev: "lo" }), {
      message: /^cannot get forwarding entry 02:00:00:00:01:03 of lo: /,
    });
  });

  it("tell when they fall silent, where that is asked for", async () => {
    await using here = await scene();
    const { fdb } = here;
    const entry: FdbConfig = {
      mac: "02:00:00:00:01:07",
      dev: "d1",
      master: true,
      state: "static",
      activityNotify: true,
    };
    const silent: FdbConfig = { ...entry, mac: "02:00:00:00:01:08", inactive: true };
    for (const one of [entry, silent]) await fdb.create(one);
    // iproute2 6.1 has no words for it: the kernel's own answer is the oracle.
    for (const { mac, inactive } of [entry, silent]) {
      const found = await fdb.get({ mac, dev: "d1", master: true });
      deepEqual([found?.activityNotify, found?.inactive, found?.state], [true, inactive, "static"]);
    }
  });

  it("of a bridge are flushed by what they are", async function () {
    await using here = await scene();
    const { fdb, sh } = here;
    const fill = (): Promise<string> =>
      sh(`
      bridge fdb replace 02:00:00:00:01:01 dev d1 master static
      bridge fdb replace 02:00:00:00:01:02 dev d1 master dynamic extern_learn
      bridge fdb replace 02:00:00:00:01:03 dev vx0 master static sticky
      bridge fdb replace 02:00:00:00:01:04 dev d1 master permanent`);
    // Where the bridge could filter VLANs, an entry is there for each VLAN.
    const left = async (): Promise<string[]> => {
      const all = await here.json("bridge -json fdb show br br0");
      const mine = all.map(({ mac }) => String(mac)).filter((mac) => mac.startsWith("02:00:00:00:01:0"));
      return [...new Set(mine.map((mac) => mac.slice(-1)))].sort();
    };
    await fill();
    try {
      await fdb.flush({ dev: "br0", externLearn: true });
    } catch (error) {
      skip(this, `before Linux 5.19: ${(error as Error).message}`);
    }
    deepEqual(await left(), ["1", "3", "4"]);
    const cases: readonly (readonly [filter: FdbFlush, ...left: string[]])[] = [
      [{ dev: "br0", sticky: true }, "1", "2", "4"],
      [{ dev: "br0", sticky: false, permanent: false }, "3", "4"],
      [{ dev: "br0", brport: "d1", permanent: false }, "3", "4"],
      [{ dev: "br0", static: true }, "2", "4"],
      [{ dev: "br0", dynamic: true }, "1", "3", "4"],
      [{ dev: "br0", permanent: true }, "1", "2", "3"],
      [{ dev: "d1", master: true, static: true }, "2", "3", "4"],
      [{ dev: "br0", vlan: 77 }, "1", "2", "3", "4"],
    ];
    for (const [filter, ...expected] of cases) {
      await fill();
      await fdb.flush(filter);
      deepEqual(await left(), expected, JSON.stringify(filter));
    }
    await rejects(fdb.flush({} as FdbFlush), { code: "ERR_INPUT", path: ["dev"] });
    await rejects(fdb.flush({ dev: "br0", static: true, dynamic: true }), { code: "ERR_INPUT", path: ["dynamic"] });
  });

  it("of a VXLAN are flushed by where they lead", async function () {
    await using here = await scene();
    const { fdb } = here;
    const entries: readonly FdbConfig[] = [
      { mac: "02:00:00:00:01:01", dev: "vx0", dst: "192.0.2.11" },
      { mac: "02:00:00:00:01:02", dev: "vx0", dst: "192.0.2.12", port: 4444 },
      { mac: "02:00:00:00:01:03", dev: "vx0", dst: "192.0.2.13", vni: 77, state: "static" },
      { mac: "02:00:00:00:01:04", dev: "vx0", dst: "192.0.2.14", via: "d0", externLearn: true },
    ];
    const left = async (): Promise<string[]> =>
      (await here.json("bridge -json fdb show dev vx0"))
        .flatMap(({ mac }) => (String(mac).startsWith("02:00:00:00:01:0") ? [String(mac).slice(-1)] : []))
        .sort();
    try {
      await fdb.flush({ dev: "vx0", dst: "192.0.2.99" });
    } catch (error) {
      match(
        (error as Error).message,
        /^cannot flush forwarding entries of vx0: .*\((EOPNOTSUPP, at dev|EINVAL, at dst)\)$/,
      );
      skip(this, `before Linux 6.7: ${(error as Error).message}`);
    }
    const cases: readonly (readonly [filter: Omit<FdbFlush, "dev">, gone: string])[] = [
      [{ dst: "192.0.2.11" }, "1"],
      [{ port: 4444 }, "2"],
      [{ vni: 77 }, "3"],
      [{ externLearn: true }, "4"],
      [{ permanent: false }, "3"],
    ];
    for (const [filter, gone] of cases) {
      for (const one of entries) await fdb.replace(one);
      await fdb.flush({ dev: "vx0", ...filter });
      deepEqual(
        await left(),
        ["1", "2", "3", "4"].filter((one) => one !== gone),
        JSON.stringify(filter),
      );
    }
    for (const one of entries) await fdb.replace(one);
    await fdb.flush({ dev: "vx0" });
    deepEqual(await left(), []);
  });
});
