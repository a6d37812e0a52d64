/** Overlays whose control plane is FRR: real zebra and bgpd on every host of a lab. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { derive, fabricOf } from "../../lib/fabric/fabric.ts";
import { renderFrr } from "../../lib/fabric/frr/render.ts";
import { ZERO_MAC } from "../../lib/neighbors/zero-mac.ts";
import { desiredOf, observe, parseSource, plan, type Source } from "../../lib/state/index.ts";
import { assertSandboxed, Lab } from "../../lib/testkit/index.ts";
import { load, needs } from "../../test/needs.ts";
import { disagreements, Frr, fabricCheck, needsFrr } from "./frr-kit.ts";
import { addressOf, applyTo, exceed, exchange, textOf, until, whilePinging, workerOf } from "./kit.ts";

/** Quicker than by default, as the tests wait for it: a host is given up after 3 seconds. */
const quick = (config: string): string =>
  config.replace("timers 3 9", "timers 1 3").replace("timers connect 5", "timers connect 1");

/** A lab whose hosts run FRR. */
class Evpn implements AsyncDisposable {
  readonly lab: Lab;
  readonly frr = new Map<string, Frr>();
  source: Source;

  static async up(source: Source, hosts?: readonly string[]): Promise<Evpn> {
    const evpn = new Evpn(await Lab.up(source, { named: true }), source);
    try {
      await Promise.all((hosts ?? evpn.lab.hosts).map((host) => evpn.start(host)));
      return evpn;
    } catch (error) {
      await evpn[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(lab: Lab, source: Source) {
    this.lab = lab;
    this.source = source;
  }

  async start(host: string): Promise<void> {
    const config = renderFrr(fabricOf(this.source), host) ?? "";
    this.frr.set(host, await Frr.start(host, quick(config)));
  }

  async stop(host: string): Promise<void> {
    await this.frr.get(host)?.[Symbol.asyncDispose]();
    this.frr.delete(host);
  }

  /** What FRR, kernel and document do not agree on. */
  async findings(host: string): Promise<readonly string[]> {
    const frr = this.frr.get(host);
    if (frr === undefined) throw new Error(`${host} runs no FRR`);
    return await disagreements(fabricOf(this.source), host, this.lab, frr);
  }

  /** What the command says of it. */
  check(host: string): ReturnType<typeof fabricCheck> {
    return fabricCheck(this.source, host, this.frr.get(host)?.directory ?? "/nonexistent");
  }

  /** Waits until all of them agree. */
  async agreed(hosts: readonly string[] = [...this.frr.keys()]): Promise<void> {
    let last: readonly string[] = [];
    for (const host of hosts)
      await until(`agreement on ${host}`, async () => {
        last = await this.findings(host);
        return last.length === 0 || undefined;
      }).catch((error: unknown) => {
        throw new Error(`${(error as Error).message}: ${last.join("; ")}`);
      });
  }

  /** Where a host floods to. */
  async floods(host: string): Promise<string[]> {
    const all = await this.lab.host(host).fdb.list({ dev: "vx-vm" });
    return all.flatMap(({ mac, dst }) => (mac === ZERO_MAC && dst !== undefined ? [dst] : [])).sort();
  }

  /** Where a host sends what is for an address. */
  async place(host: string, mac: string): Promise<string | undefined> {
    const all = await this.lab.host(host).fdb.list({ dev: "vx-vm" });
    return all.find((one) => one.mac === mac && one.dst !== undefined)?.dst;
  }

  /** What FRR made: entries that it marks, its nexthops and routes. */
  async made(host: string): Promise<unknown> {
    const { fdb, nexthops, routes } = this.lab.host(host);
    const marked = (await fdb.list())
      .filter(({ externLearn, mac }) => externLearn === true || mac === ZERO_MAC)
      .map(({ dev, mac, dst, master, externLearn }) => JSON.stringify([dev, mac, dst, master, externLearn]))
      .sort();
    const hops = (await nexthops.list()).map(({ id, protocol }) => ({ id, protocol }));
    const theirs = (await routes.list({ table: "all" })).filter(
      ({ protocol }) => protocol === "bgp" || protocol === "zebra",
    );
    return { marked, hops, theirs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.frr.values()].map((one) => one[Symbol.asyncDispose]()));
    await this.lab.down();
  }
}

async function macOf(lab: Lab, guest: string): Promise<string> {
  return (await lab.guest(guest).node.host.links.get("eth0"))?.mac ?? "";
}

/** Pulls a guest's cable out of one host and into another. */
async function moveGuest(lab: Lab, guest: string, from: string, to: string): Promise<void> {
  const { port, bridge } = lab.guest(guest);
  await lab.host(from).links.move(port, lab.node(to).netns);
  await lab.host(to).links.update(port, { master: bridge, up: true });
}

describe("EVPN", function () {
  this.timeout(180_000);
  before(function () {
    assertSandboxed();
    load(this);
    needs(this, "nsenter");
    needsFrr(this);
  });
  const three = (): Source => parseSource(textOf("three-hosts-evpn"), "three.yaml");

  it("three-hosts-evpn: FRR, kernel and document agree, and everything gets through", async () => {
    await using evpn = await Evpn.up(three());
    const { lab } = evpn;
    await evpn.agreed();
    for (const host of lab.hosts)
      deepEqual(evpn.check(host), { status: 0, stdout: `${host}: all agree\n`, stderr: "" });
    deepEqual(await evpn.floods("bm1"), ["192.168.0.24", "192.168.0.25"]);
    await exchange(lab, "vm1", "vm2", 1450);
    await exchange(lab, "vm3", "vm1", 1450);
    const mac = await macOf(lab, "vm3");
    await until("entry for vm3", async () => (await evpn.place("bm1", mac)) === "192.168.0.25" || undefined);
    await evpn.agreed();
    await exceed(lab, "vm1", "vm2", 1450);
  });

  it("with a route reflector, hosts that do not speak with each other know each other's guests", async () => {
    const source = parseSource(textOf("three-hosts-evpn").replace("asn: 64512", "asn: 64512, reflectors: [bm1]"));
    await using evpn = await Evpn.up(source);
    const { lab } = evpn;
    await evpn.agreed();
    const sessions = async (host: string): Promise<string[]> => {
      const told = JSON.parse((await evpn.frr.get(host)?.vtysh("show bgp l2vpn evpn summary json")) ?? "{}");
      return Object.keys(told.peers ?? {}).sort();
    };
    deepEqual(
      [await sessions("bm1"), await sessions("bm2"), await sessions("bm3")],
      [["192.168.0.24", "192.168.0.25"], ["192.168.0.23"], ["192.168.0.23"]],
    );
    deepEqual(await evpn.floods("bm2"), ["192.168.0.23", "192.168.0.25"]);
    await exchange(lab, "vm2", "vm3", 1450);
    const mac = await macOf(lab, "vm3");
    await until("entry for vm3", async () => (await evpn.place("bm2", mac)) === "192.168.0.25" || undefined);
    await evpn.agreed();
  });

  it("with VTEPs of IPv6 everything gets through, or FRR is told to be too old for them", async () => {
    const wide = textOf("three-hosts-evpn").replaceAll(
      /vtep: 192\.168\.0\.(\d+)/g,
      'vtep: "fd00:192:168::$1", routerId: 192.168.0.$1',
    );
    await using evpn = await Evpn.up(parseSource(wide));
    const old = / does not know VTEPs of IPv6/;
    // BGP itself goes over IPv6 in any version.
    await until("sessions", async () => {
      const found = (await evpn.findings("bm1")).filter((one) => one.includes("BGP"));
      return found.length === 0 || undefined;
    });
    const [first = ""] = await evpn.findings("bm1");
    if (old.test(first)) {
      match(evpn.check("bm1").stdout, old);
      deepEqual(await evpn.floods("bm1"), []);
      return;
    }
    await evpn.agreed();
    deepEqual(await evpn.floods("bm1"), ["fd00:192:168::24", "fd00:192:168::25"]);
    await exchange(evpn.lab, "vm1", "vm2", 1430);
  });

  it("what FRR made is left alone", async () => {
    await using evpn = await Evpn.up(three());
    const { lab } = evpn;
    await evpn.agreed();
    await (await workerOf(lab, "vm2")).ping(addressOf(lab, "vm1"), { timeout: 5000 });
    const mac = await macOf(lab, "vm2");
    await until("entry for vm2", () => evpn.place("bm1", mac));
    await evpn.agreed();
    const before = await evpn.made("bm1");
    const desired = desiredOf(derive(evpn.source, "bm1"));
    deepEqual(plan(await observe(lab.host("bm1"), desired), desired).steps, []);
    const changed = parseSource(`${textOf("three-hosts-evpn")}links: { vx-vm: { tos: 16 }, br-vm: { ageing: 200 } }\n`);
    const { plan: done } = await applyTo(lab.host("bm1"), changed, "bm1");
    deepEqual(
      done.steps.map(({ action, subject }) => `${action} ${subject}`),
      ["change br-vm", "change vx-vm"],
    );
    deepEqual(await evpn.made("bm1"), before);
    ok(JSON.stringify(before).includes('"zebra"'));
  });

  it("a guest that moves is followed", async () => {
    await using evpn = await Evpn.up(three());
    const { lab } = evpn;
    await evpn.agreed();
    const [vm1, vm3] = [await workerOf(lab, "vm1"), await workerOf(lab, "vm3")];
    const mac = await macOf(lab, "vm1");
    const sequences: unknown[] = [];
    await vm1.ping(addressOf(lab, "vm3"), { timeout: 5000 });
    await until("entry for vm1", async () => (await evpn.place("bm3", mac)) === "192.168.0.23" || undefined);
    for (const [from, to, vtep] of [
      ["bm1", "bm2", "192.168.0.24"],
      ["bm2", "bm1", "192.168.0.23"],
    ] as const) {
      await moveGuest(lab, "vm1", from, to);
      // It speaks, as a machine that was moved does.
      await until(
        "answer to the guest that moved",
        async () => (await vm1.ping(addressOf(lab, "vm3"), { timeout: 500 })).received === 1 || undefined,
      );
      await until(`entry for ${to}`, async () => (await evpn.place("bm3", mac)) === vtep || undefined);
      equal((await vm3.ping(addressOf(lab, "vm1"), { timeout: 5000 })).received, 1);
      const told = JSON.parse((await evpn.frr.get("bm3")?.vtysh(`show evpn mac vni 39 mac ${mac} json`)) ?? "{}");
      sequences.push(told[mac]?.remoteSequence ?? told.remoteSequence);
    }
    await evpn.agreed();
    const [first, second] = sequences.map(Number);
    ok((second ?? 0) > (first ?? 0), `sequences ${sequences}`);
  });

  it("a host dies and comes back; a fourth is added", async () => {
    const four = textOf("three-hosts-evpn")
      .replace("  bm3:", "  bm4: { underlay: ens34f0, vtep: 192.168.0.26 }\n  bm3:")
      .replace("bm3: [12.12.139.3/24] }", "bm3: [12.12.139.3/24], bm4: [12.12.139.4/24] }")
      .replace(/^guests.*$/m, "");
    const before = parseSource(
      four.replace("flood: evpn", "flood: evpn\n    members: [bm1, bm2, bm3]").replace(", bm4: [12.12.139.4/24]", ""),
      "before.yaml",
    );
    await using evpn = await Evpn.up(before, ["bm1", "bm2", "bm3"]);
    const { lab } = evpn;
    await evpn.agreed();
    const others = [["vm1", "vm2"]] as const;
    const died = await whilePinging(lab, others, async () => {
      await lab.underlay.host.links.update("port3", { up: false });
      await evpn.stop("bm3");
      for (const host of ["bm1", "bm2"])
        await until(
          `withdrawal on ${host}`,
          async () => !(await evpn.floods(host)).includes("192.168.0.25") || undefined,
        );
    });
    deepEqual([died.lost, await evpn.floods("bm1")], [0, ["192.168.0.24"]]);
    const { status, stdout } = evpn.check("bm1");
    equal(status, 2);
    match(stdout, /^bm1: VNI 39: bm3 \(192\.168\.0\.25\) does not announce it$/m);
    match(stdout, /^bm1: BGP's neighbor 192\.168\.0\.25 is \w+: is it up/m);
    match(evpn.check("bm3").stderr, /^linkwright: vtysh: .*: does FRR run here, and may this user ask it\?$/m);
    const back = await whilePinging(lab, others, async () => {
      await lab.underlay.host.links.update("port3", { up: true });
      await evpn.start("bm3");
      await evpn.agreed();
    });
    equal(back.lost, 0);
    await exchange(lab, "vm3", "vm1", 1450);

    evpn.source = parseSource(four, "four.yaml");
    const joined = await whilePinging(lab, [...others, ["vm3", "vm1"]], async () => {
      await applyTo(lab.host("bm4"), evpn.source, "bm4");
      await evpn.start("bm4");
      const neighbor = "neighbor 192.168.0.26 peer-group fabric";
      for (const host of ["bm1", "bm2", "bm3"]) {
        ok(renderFrr(fabricOf(evpn.source), host)?.includes(` ${neighbor}\n`));
        await evpn.frr.get(host)?.vtysh(`configure terminal\nrouter bgp 64512\n${neighbor}`);
      }
      await evpn.agreed();
    });
    equal(joined.lost, 0);
    const answer = await (await workerOf(lab, "vm1")).ping("12.12.139.4", { timeout: 5000 });
    equal(answer.received, 1);
    deepEqual(await evpn.floods("bm4"), ["192.168.0.23", "192.168.0.24", "192.168.0.25"]);
  });
});
