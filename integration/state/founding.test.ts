/** The founding story, on two hosts: applied, compared with what iproute2 and nft see, applied again. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { derive } from "../../lib/fabric/fabric.ts";
import { apply } from "../../lib/state/apply.ts";
import { type Desired, desiredOf } from "../../lib/state/desired.ts";
import { observe } from "../../lib/state/observe.ts";
import { plan } from "../../lib/state/plan.ts";
import { planRemoval } from "../../lib/state/remove.ts";
import { readSource } from "../../lib/state/source.ts";
import { verify } from "../../lib/state/verify.ts";
import { needs } from "../../test/needs.ts";
import { dump, type Machine, type Scene, scene } from "./kit.ts";

const EXAMPLE = "examples/two-hosts.yaml";

async function desiredFor(name: string, example = EXAMPLE): Promise<Desired> {
  return desiredOf(derive(await readSource(example), name));
}
async function bring({ host, name }: Machine, example = EXAMPLE): Promise<Desired> {
  const desired = await desiredFor(name, example);
  await apply(host, plan(await observe(host, desired), desired));
  return desired;
}

/** What `ip -json -details` prints of a link. */
interface Shown extends Record<string, unknown> {
  readonly flags?: readonly string[];
  readonly linkinfo?: { readonly info_data?: Readonly<Record<string, unknown>> };
  readonly addr_info?: readonly { readonly local: string; readonly prefixlen: number }[];
}
const infoOf = (link: Shown | undefined): Readonly<Record<string, unknown>> => link?.linkinfo?.info_data ?? {};
const flagsOf = (link: Shown | undefined): readonly string[] => link?.flags ?? [];
const addressesOf = (link: Shown | undefined): string[] =>
  (link?.addr_info ?? []).map((one) => `${one.local}/${one.prefixlen}`);

describe("the founding story's document", () => {
  let hosts: Scene;
  before(function () {
    needs(this, "ip", "bridge", "nft");
  });
  beforeEach(async () => {
    hosts = await scene();
  });
  afterEach(async () => {
    await hosts[Symbol.asyncDispose]();
  });

  it("makes what the story's commands make, with the right MTUs", async () => {
    for (const machine of [hosts.bm1, hosts.bm2]) {
      const last = machine.name === "bm1" ? { own: 1, peer: 24 } : { own: 2, peer: 23 };
      await bring(machine);
      const [vxlan] = await machine.json("ip -json -details link show dev vxlan0");
      const [bridge] = await machine.json("ip -json -details address show dev br-vm");
      const { id, link, remote, port } = infoOf(vxlan);
      deepEqual({ id, link, remote, port }, { id: 39, link: "ens34f0", remote: `192.168.0.${last.peer}`, port: 4789 });
      equal(vxlan?.["mtu"], 1450);
      equal(vxlan?.["master"], "br-vm");
      ok(flagsOf(vxlan).includes("UP"));
      equal(bridge?.["mtu"], 1450);
      ok(flagsOf(bridge).includes("UP"));
      const addresses = addressesOf(bridge);
      ok(addresses.includes(`12.12.139.${last.own}/24`));
      const fdb = await machine.json("bridge -json fdb show dev vxlan0");
      equal(fdb.filter(({ mac, dst }) => mac === "00:00:00:00:00:00" && dst === `192.168.0.${last.peer}`).length, 1);
      const rules = await machine.sh("nft list table inet linkwright");
      ok(/ip saddr 12\.12\.139\.0\/24 oifname "ens34f0".* masquerade/.test(rules), rules);
      ok(/iifname "br-vm" oifname "ens34f0".* accept/.test(rules), rules);
      ok(
        /iifname "ens34f0" oifname "br-vm" ct state (established,related|related,established).* accept/.test(rules),
        rules,
      );
      for (const key of ["all", "default", "ens34f0", "br-vm", "vxlan0"])
        equal((await machine.sh(`cat /proc/sys/net/ipv4/conf/${key}/rp_filter`)).trim(), "0", key);
      equal((await machine.sh("cat /proc/sys/net/ipv4/ip_forward")).trim(), "1");
    }
    await hosts.bm1.sh("ping -c 1 -W 2 12.12.139.2");
  });

  it("has nothing to do the second time", async () => {
    const { bm1 } = hosts;
    const desired = await bring(bm1);
    const before = await dump(bm1);
    const again = plan(await observe(bm1.host, desired), desired);
    deepEqual(again.steps, []);
    equal((await apply(bm1.host, again)).requests, 0);
    equal(await dump(bm1), before);
    const verified = await verify(bm1.host, desired);
    ok(verified.ok);
    ok(verified.counts.same > 15);
  });

  it("sends nothing that changes anything the second time", async () => {
    const { bm1 } = hosts;
    const desired = await bring(bm1);
    // The bridge is up once the kernel has looked at its carrier, which it tells everybody, too.
    await bm1.sh("until ip link show br-vm | grep -q 'state UP'; do sleep 0.05; done");
    // The kernel tells everybody of each change: `ip monitor` and `nft monitor` hear of ours, and then of the marker.
    const events = bm1.sh("timeout 1.5 ip monitor link address route neigh netconf & timeout 1.5 nft monitor || wait");
    await sleep(400);
    await apply(bm1.host, plan(await observe(bm1.host, desired), desired));
    await bm1.sh("ip link add marker type bridge");
    const heard = (await events).split("\n").filter((line) => line !== "" && !/^\s/.test(line));
    ok(
      heard.some((line) => line.includes("marker")),
      heard.join("\n"),
    );
    deepEqual(
      heard.filter(
        (line) =>
          !/marker|ipv[46] (dev|all|default) /.test(line) && !/REACHABLE|STALE|DELAY|PROBE|fe80|ff02/.test(line),
      ),
      [],
    );
  });

  it("leaves nothing when it is removed", async () => {
    const { bm1 } = hosts;
    const [addresses, rules] = [await bm1.sh("ip -brief address"), await bm1.sh("nft list ruleset")];
    const desired = await bring(bm1);
    const removal = planRemoval(await observe(bm1.host, desired), desired);
    ok(removal.warnings.some((line) => line.startsWith("sysctls stay as they are")));
    await apply(bm1.host, removal);
    equal(await bm1.sh("ip -brief address"), addresses);
    equal(await bm1.sh("nft list ruleset"), rules);
    deepEqual(planRemoval(await observe(bm1.host, desired), desired).steps, []);
  });

  it("takes over what the story's commands made by hand", async () => {
    const { bm1 } = hosts;
    await bm1.sh(`
      ip link add br-vm type bridge
      ip link set br-vm up
      ip address add 12.12.139.1/24 dev br-vm
      ip link add vxlan0 type vxlan id 39 dev ens34f0 remote 192.168.0.24 dstport 4789
      ip link set vxlan0 master br-vm
      ip link set vxlan0 up
      for i in all default ens34f0 br-vm vxlan0; do echo 0 > /proc/sys/net/ipv4/conf/$i/rp_filter; done
      echo 1 > /proc/sys/net/ipv4/ip_forward`);
    const desired = await desiredFor("bm1");
    const { steps, kept } = plan(await observe(bm1.host, desired), desired);
    deepEqual(
      steps.map(({ id }) => id),
      ["nftables inet linkwright"],
    );
    ok(kept.some(({ subject }) => subject === "vxlan0"));
  });

  it("needs one more line for a third host", async () => {
    const example = "examples/three-hosts.yaml";
    await bring(hosts.bm1, example);
    const fdb = await hosts.bm1.json("bridge -json fdb show dev vxlan0");
    const flood = fdb.filter(({ mac }) => mac === "00:00:00:00:00:00").map(({ dst }) => dst);
    deepEqual(flood.sort(), ["192.168.0.24", "192.168.0.25"]);
    const two = await desiredFor("bm1");
    const { steps } = plan(await observe(hosts.bm1.host, two), two);
    ok(steps.every(({ action }) => action === "change" || action === "remove"));
    await apply(hosts.bm1.host, plan(await observe(hosts.bm1.host, two), two));
    const left = await hosts.bm1.json("bridge -json fdb show dev vxlan0");
    deepEqual(
      left.flatMap(({ mac, dst }) => (mac === "00:00:00:00:00:00" ? [dst] : [])),
      ["192.168.0.24"],
    );
  });
});

describe("the founding story's document over IPv6", () => {
  it("has an MTU of 1430", async function () {
    needs(this, "ip", "nft");
    await using hosts = await scene(6);
    const desired = await bring(hosts.bm1, "examples/two-hosts-ipv6.yaml");
    const [vxlan] = await hosts.bm1.json("ip -json link show dev vxlan0");
    const [bridge] = await hosts.bm1.json("ip -json link show dev br-vm");
    equal(vxlan?.["mtu"], 1430);
    equal(bridge?.["mtu"], 1430);
    deepEqual(plan(await observe(hosts.bm1.host, desired), desired).steps, []);
  });
});
