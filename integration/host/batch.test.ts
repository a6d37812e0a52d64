import { deepEqual, equal, rejects } from "node:assert/strict";
import { Host } from "../../lib/host.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";

describe("host.batch", () => {
  it("sends changes of several services in order, and tells which was refused", async () => {
    await using netns = await TestNamespace.create();
    const host = await Host.open({ netns });
    await host.links.create({ kind: "vxlan", name: "vx0", vni: 39, up: true });
    const { addresses, routes, fdb } = host;
    const results = await host.batch([
      ...(await addresses.commands("create", [{ address: "192.0.2.1/24", dev: "vx0" }])),
      ...(await routes.commands("create", [
        { dst: "198.51.100.0/24", via: "192.0.2.9" }, // only now is there a way to it
        { dst: "198.51.101.0/24", via: "203.0.113.9" },
      ])),
      ...(await fdb.commands("append", [{ mac: "00:00:00:00:00:00", dev: "vx0", dst: "192.0.2.8" }])),
    ]);
    deepEqual(
      results.map((error) => error?.code),
      [undefined, undefined, "ENETUNREACH", undefined],
    );
    equal(results[2]?.index, 2);
    equal((await routes.list({ protocol: "linkwright" })).length, 1);
    equal((await fdb.list({ dev: "vx0" })).filter(({ dst }) => dst === "192.0.2.8").length, 1);
    host.close();
    await rejects(async () => host.batch([]), /closed/);
  });
});
