/** Fabrics of a thousand hosts, and what one host of a large one gets. Bounds are of processor time, and ten times what it takes. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fabricText } from "../../bench/scale-fabric.ts";
import { derive, fabricOf } from "../../lib/fabric/fabric.ts";
import { Host } from "../../lib/host.ts";
import { apply, desiredOf, observe, parseSource, plan } from "../../lib/state/index.ts";
import { assertSandboxed, TestNamespace } from "../../lib/testkit/index.ts";
import { load, needs, skip } from "../../test/needs.ts";

/** Seconds of the processor that work takes. */
async function seconds<T>(work: () => T | Promise<T>): Promise<[T, number]> {
  const used = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(used);
  return [result, (user + system) / 1e6];
}

describe("a large fabric", function () {
  this.timeout(120_000);
  before(function () {
    assertSandboxed();
    load(this);
  });

  it("of 1,000 hosts and 100 overlays is checked, and a host takes its share", async () => {
    const text = fabricText({ hosts: 1000, overlays: 100, macs: 0, flood: "unicast" });
    const [links, took] = await seconds(() => {
      const source = parseSource(text);
      equal(fabricOf(source).overlays.length, 100);
      return desiredOf(derive(source, "h500")).links;
    });
    deepEqual([links.length, links.reduce((sum, { remotes }) => sum + (remotes?.length ?? 0), 0)], [200, 99_900]);
    ok(took < 10, `${took} s`);
  });

  it("gives a host 10,000 entries, finds nothing to do then, and one entry for each overlay when a host joins", async function () {
    needs(this, "bridge", "nsenter");
    const size = { hosts: 101, overlays: 50, macs: 5050, flood: "unicast", carriers: 101 } as const;
    await using netns = await TestNamespace.create();
    await using host = await Host.open({ netns });
    await host.links.create({ kind: "veth", name: "eth0", mtu: 9000, peer: { name: "far0" }, up: true });
    const desired = desiredOf(derive(parseSource(fabricText(size)), "h5"));
    const observed = await observe(host, desired);
    const [first, planning] = await seconds(() => plan(observed, desired));
    ok(planning < 1, `the plan takes ${planning} s`);
    await apply(host, first, { source: desired.source });
    const { stdout } = spawnSync("nsenter", [`--net=/run/netns/${netns.name}`, "bridge", "fdb", "show"], {
      encoding: "utf8",
      maxBuffer: 1 << 26,
    });
    equal(stdout.split("\n").filter((line) => / dst 10\.0\..* self /.test(line)).length, 10_000);
    const there = await observe(host, desired);
    const [second, again] = await seconds(() => plan(there, desired));
    deepEqual(second.steps, []);
    ok(again < 1, `a plan with nothing to do takes ${again} s`);
    const more = desiredOf(derive(parseSource(fabricText({ ...size, hosts: 102 })), "h5"));
    const joined = plan(there, more).steps;
    deepEqual(
      [joined.length, new Set(joined.map(({ action, object }) => `${action} ${object}`))],
      [50, new Set(["create fdb"])],
    );
  });

  it("of 100,000 static MACs is planned in seconds and bounded memory", async function () {
    if (process.env["LINKWRIGHT_FABRIC"] !== "all") skip(this, "a longer test of fabrics; npm run test:fabric runs it");
    const text = fabricText({ hosts: 1000, overlays: 100, macs: 100_000, flood: "unicast" });
    const [steps, took] = await seconds(() => {
      const desired = desiredOf(derive(parseSource(text), "h500"));
      return plan({ links: [{ name: "eth0", mtu: 9000, up: true }], sysctls: {} }, desired).steps.length;
    });
    equal(steps, 200_000);
    ok(took < 60, `${took} s`);
    ok(process.memoryUsage().rss < 1.5e9);
  });
});
