/** Overlays that flood by lists and by multicast, and one over another: real traffic between three hosts. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { derive } from "../../lib/fabric/fabric.ts";
import { desiredOf, observe, parseSource, plan } from "../../lib/state/index.ts";
import { assertSandboxed, Lab, leakCheck } from "../../lib/testkit/index.ts";
import { load, needs } from "../../test/needs.ts";
import {
  addressOf,
  applyTo,
  ask,
  example,
  exceed,
  exchange,
  removeFrom,
  textOf,
  until,
  whilePinging,
  workerOf,
} from "./kit.ts";

const ZERO = "00:00:00:00:00:00";
interface FdbJson {
  readonly mac: string;
  readonly dst?: string;
  readonly ifname: string;
  readonly flags: readonly string[];
}
/** Where a host's VXLAN floods to, as bridge(8) tells it. */
function floodsTo(host: string, dev = "vx-vm"): string[] {
  const all = ask<FdbJson[]>(host, "bridge", "-json", "fdb", "show", "dev", dev);
  return all.flatMap(({ mac, dst }) => (mac === ZERO && dst !== undefined ? [dst] : [])).sort();
}

describe("fabric", function () {
  this.timeout(120_000);
  before(function () {
    assertSandboxed();
    load(this);
    needs(this, "ip", "bridge");
  });
  let check: () => Promise<void>;
  beforeEach(() => {
    check = leakCheck();
  });
  afterEach(() => check());

  it("three-hosts-unicast: everything gets through to everybody, and nothing that is too large", async () => {
    await using lab = await Lab.up(example("three-hosts-unicast"), { named: true });
    deepEqual(floodsTo("bm1"), ["192.168.0.24", "192.168.0.25"]);
    await exchange(lab, "vm1", "vm2", 1450);
    await exchange(lab, "vm3", "vm1", 1450);
    const { received } = await (await workerOf(lab, "vm2")).ping("203.0.113.80", { timeout: 5000 });
    equal(received, 1);
    await exceed(lab, "vm1", "vm2", 1450);
  });

  it("with VTEPs of IPv6: 20 bytes less get through to everybody, by lists and by multicast", async () => {
    const wide = textOf("three-hosts-unicast").replaceAll(/vtep: 192\.168\.0\.(\d+)/g, 'vtep: "fd00:192:168::$1"');
    const ends = ["fd00:192:168::24", "fd00:192:168::25"];
    for (const [text, floods] of [
      [wide, ends],
      [wide.replace("flood: unicast", 'flood: { multicast: "ff05::39" }'), ["ff05::39"]],
    ] as const) {
      await using lab = await Lab.up(parseSource(text), { named: true });
      deepEqual(floodsTo("bm1"), floods);
      await exchange(lab, "vm1", "vm2", 1430);
      await exceed(lab, "vm1", "vm2", 1430);
    }
  });

  it("three-hosts-unicast: a static MAC is where the document says, and moves with it", async () => {
    await using lab = await Lab.up(example("three-hosts-unicast"), { named: true });
    const mac = "52:54:00:00:02:01";
    const place = (host: string): string | undefined =>
      ask<FdbJson[]>(host, "bridge", "-json", "fdb", "show", "dev", "vx-vm").find((one) => one.mac === mac)?.dst;
    deepEqual(["bm1", "bm2", "bm3"].map(place), ["192.168.0.24", undefined, "192.168.0.24"]);
    const moved = parseSource(
      textOf("three-hosts-unicast").replace('bm2: ["52:54:00:00:02:01"], bm3: [', `bm3: ["${mac}", `),
    );
    for (const name of lab.hosts) await applyTo(lab.host(name), moved, name);
    deepEqual(["bm1", "bm2", "bm3"].map(place), ["192.168.0.25", "192.168.0.25", undefined]);
  });

  it("a fourth host joins and leaves, and the others lose nothing", async () => {
    const four = textOf("three-hosts-unicast")
      .replace("  bm3:", "  bm4: { underlay: ens34f0, vtep: 192.168.0.26 }\n  bm3:")
      .replace("bm3: [12.12.139.3/24] }", "bm3: [12.12.139.3/24], bm4: [12.12.139.4/24] }")
      .replace(/^guests.*$/m, "")
      // Names what is there on all of them only.
      .replace(/^nat:[\s\S]*$/m, "");
    const joined = parseSource(four, "four.yaml");
    const before = parseSource(
      four
        .replace("flood: unicast", "flood: unicast\n    members: [bm1, bm2, bm3]")
        .replace(", bm4: [12.12.139.4/24]", ""),
      "three.yaml",
    );
    await using lab = await Lab.up(before, { named: true });
    deepEqual(lab.guests, ["vm1", "vm2", "vm3"]);
    const pairs = [
      ["vm1", "vm2"],
      ["vm2", "vm3"],
      ["vm3", "vm1"],
    ] as const;
    const steps: string[] = [];
    const join = await whilePinging(lab, pairs, async () => {
      for (const name of lab.hosts) {
        const { plan: done } = await applyTo(lab.host(name), joined, name);
        if (name === "bm1") steps.push(...done.steps.map(({ action, subject }) => `${action} ${subject}`));
      }
      const { received } = await (await workerOf(lab, "vm1")).ping("12.12.139.4", { timeout: 5000 });
      equal(received, 1);
    });
    ok(join.sent >= 120);
    equal(join.lost, 0);
    // Of the list one entry more, and nothing else.
    deepEqual(steps, [`create ${ZERO} dst 192.168.0.26 on vx-vm`]);
    deepEqual(floodsTo("bm4"), ["192.168.0.23", "192.168.0.24", "192.168.0.25"]);
    const leave = await whilePinging(lab, pairs, async () => {
      await removeFrom(lab.host("bm4"), joined, "bm4");
      for (const name of ["bm1", "bm2", "bm3"]) await applyTo(lab.host(name), before, name);
    });
    equal(leave.lost, 0);
    deepEqual(floodsTo("bm1"), ["192.168.0.24", "192.168.0.25"]);
    deepEqual(ask<{ ifname: string }[]>("bm4", "ip", "-json", "link", "show", "type", "vxlan"), []);
  });

  it("three-hosts-multicast: hosts join the group, and frames leave once", async () => {
    await using lab = await Lab.up(example("three-hosts-multicast"), { named: true });
    for (const host of lab.hosts) {
      const [{ maddr = [] } = {}] = ask<{ maddr?: { address?: string }[] }[]>(
        host,
        "ip",
        "-json",
        "maddr",
        "show",
        "dev",
        "ens34f0",
      );
      ok(
        maddr.some(({ address }) => address === "239.1.1.39"),
        host,
      );
    }
    deepEqual(floodsTo("bm1"), ["239.1.1.39"]);
    await exchange(lab, "vm1", "vm3", 1450);
    await exceed(lab, "vm1", "vm3", 1450);
    // The switch hears by IGMP where the group is wanted, and sends it nowhere else.
    await lab.underlay.host.links.update("sw", { mcastSnooping: true });
    for (const host of lab.hosts) {
      await lab.host(host).links.update("vx-vm", { up: false });
      await lab.host(host).links.update("vx-vm", { up: true });
    }
    interface MdbJson {
      readonly mdb?: readonly { readonly grp: string; readonly port: string }[];
    }
    const ports = await until("report of all hosts", () => {
      const [{ mdb = [] } = {}] = ask<MdbJson[]>("underlay", "bridge", "-json", "mdb", "show", "dev", "sw");
      const found = mdb.filter(({ grp }) => grp === "239.1.1.39").map(({ port }) => port);
      return found.length === 3 ? found.sort() : undefined;
    });
    deepEqual(ports, ["port1", "port2", "port3"]);
    const { received } = await (await workerOf(lab, "vm2")).ping(addressOf(lab, "vm1"), { timeout: 5000 });
    equal(received, 1);
  });

  it("stacked-overlays: an overlay over an overlay carries what both leave", async () => {
    await using lab = await Lab.up(example("stacked-overlays"), { named: true });
    deepEqual([floodsTo("bm1"), floodsTo("bm1", "vx-tenant")], [["192.168.0.24", "192.168.0.25"], ["12.12.139.3"]]);
    const inner = lab.guests.filter((name) => lab.guest(name).bridge === "br-tenant");
    const [one = "", two = ""] = inner;
    await exchange(lab, one, two, 1400);
    await exceed(lab, one, two, 1400);
  });

  it("applied again finds nothing to do", async () => {
    for (const name of ["three-hosts-unicast", "three-hosts-multicast", "stacked-overlays"]) {
      const source = parseSource(textOf(name));
      await using lab = await Lab.up(source);
      for (const host of lab.hosts) {
        const desired = desiredOf(derive(source, host));
        deepEqual(plan(await observe(lab.host(host), desired), desired).steps, [], `${name} on ${host}`);
      }
    }
  });
});
