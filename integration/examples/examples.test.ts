/** The examples do what they say; wireguard-pair does in ../wireguard. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { Host } from "../../lib/host.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import { needs, skip } from "../../test/needs.ts";
import { examples, run } from "./kit.ts";

describe("examples", () => {
  it("embed", () => {
    const said = run("embed");
    match(said, /^vxlan0: vxlan, MTU 1450, port of br-vm$/m);
    match(said, /^br-vm: bridge, MTU 1450$/m);
    match(said, /^EEXIST: cannot create link vxlan1: A VXLAN device with the specified VNI already exists/m);
    match(said, /^vxlan1\.vni: expected a whole number from 0 to 16777215, got 16777216$/m);
  });

  it("careful-apply", function () {
    this.timeout(20_000);
    const said = run("careful-apply");
    equal(
      said,
      "nobody answers at 12.12.139.99; the old state was put back\nbr-vm is gone\n2 steps done, unconfirmed\n" +
        "taken back: br-vm is gone\nkept: br-vm has MTU 1450\n",
    );
  });

  it("vrf-router", function () {
    needs(this, "ping");
    const said = run("vrf-router");
    if (said.startsWith("no VRF here: ")) {
      match(said, /^no VRF here: cannot create link red: Unknown device type \(EOPNOTSUPP, at kind\)/);
      skip(this, said.trim());
    }
    match(said, /^rule 1000: packets of a VRF ask its table$/m);
    match(said, /^table 10: 10\.1\.0\.0\/24 dev to-one$/m);
    match(said, /^in red, 192\.168\.2\.7 is behind 10\.2\.0\.2$/m);
    match(said, /^outside of it: cannot reach 10\.1\.0\.2: .*\(ENETUNREACH\)$/m);
    match(said, /^one guest reaches the other$/m);
  });

  it("lossy-cable", function () {
    this.timeout(20_000);
    needs(this, "ping");
    const said = run("lossy-cable");
    const [, quick = ""] = /^good cable: round trip ([\d.]+) ms, 0% lost$/m.exec(said) ?? [];
    if (said.includes("no bad cable here: ")) {
      match(said, /^no bad cable here: cannot create netem qdisc on eth0: .*kind is unknown \(ENOENT\)/m);
      skip(this, said.slice(said.indexOf("no bad cable here")).trim());
    }
    const [, slow = "", lost = ""] = /^bad cable: round trip ([\d.]+) ms, ([\d.]+)% lost$/m.exec(said) ?? [];
    ok(Number(slow) > Number(quick) + 40 && Number(slow) < Number(quick) + 200, said);
    ok(Number(lost) >= 2 && Number(lost) <= 60, said);
    match(said, /^netem: \d+ packets sent, [1-9]\d* dropped$/m);
  });

  it("bond-with-vlans", function () {
    needs(this, "ping");
    const said = run("bond-with-vlans");
    if (said.startsWith("no bond with VLANs here: ")) {
      match(said, /^no bond with VLANs here: cannot create link bond0: Unknown device type \(EOPNOTSUPP, at kind\)/);
      skip(this, said.trim());
    }
    const answers = "VLAN 10: 10.0.10.2 answers\nVLAN 20: 10.0.20.2 answers\n";
    const [first = "", second = ""] = [...said.matchAll(/bond0 goes by (eth\d)$/gm)].map(([, name]) => name);
    equal(said, `bond0 goes by ${first}\n${answers}${first} is down: bond0 goes by ${second}\n${answers}`);
    deepEqual([first, second].sort(), ["eth0", "eth1"]);
  });

  it("event-logger", async () => {
    await using netns = await TestNamespace.create();
    await using host = await Host.open({ netns });
    const start = (...args: string[]) => {
      const child = netns.run(process.execPath, [join(examples, "event-logger.js"), ...args], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const said = { all: "" };
      child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        said.all += text;
      });
      const told = async (line: RegExp): Promise<void> => {
        while (!line.test(said.all)) await once(child.stdout as Readable, "data");
      };
      return { child, said, told, ended: once(child, "close") };
    };
    const { child, said, told, ended } = start();
    await told(/^watching$/m);
    await host.links.create({ kind: "bridge", name: "br0", up: true });
    await told(/^link br0: bridge, on, \w+, MTU 1500$/m);
    await host.addresses.create({ address: "192.0.2.1/24", dev: "br0" });
    await told(/^address 192\.0\.2\.1\/24 is on br0$/m);
    await told(/^route unicast 192\.0\.2\.0\/24 dev br0 is there$/m);
    await host.routes.create({ dst: "198.51.100.0/24", via: "192.0.2.9", table: 100 });
    await told(/^route unicast 198\.51\.100\.0\/24 via 192\.0\.2\.9 dev br0 in table 100 is there$/m);
    await host.links.delete("br0");
    await told(/^address 192\.0\.2\.1\/24 is gone from br0$/m);
    await told(/^link br0 is gone$/m);
    child.kill("SIGINT");
    deepEqual(await ended, [0, null]);
    match(said.all, /^lines: \d+$/m);

    const short = start("1");
    await short.told(/^watching$/m);
    await host.links.update("lo", { mtu: 1400 });
    deepEqual(await short.ended, [0, null]);
    equal(short.said.all, "watching\nlink lo: hardware, off, MTU 1400\nlines: 1\n");
  });
});
