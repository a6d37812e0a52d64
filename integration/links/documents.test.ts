/** Documents about links that this machine's kernel may lack: what a plan switches off is on again, with what was on it. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { Host } from "../../lib/host.ts";
import { apply } from "../../lib/state/apply.ts";
import { type Desired, desiredOf } from "../../lib/state/desired.ts";
import { observe } from "../../lib/state/observe.ts";
import { plan } from "../../lib/state/plan.ts";
import { planRemoval } from "../../lib/state/remove.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Plan } from "../../lib/state/step.ts";
import { verify } from "../../lib/state/verify.ts";
import { needs, skip } from "../../test/needs.ts";
import { type Scene, scene } from "./kit.ts";

const BOND = `ip link set lo up
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
ip link add name p1 type veth peer name p1-far; ip link add name p2 type veth peer name p2-far
ip link set p1-far up; ip link set p2-far up
ip link add name b type bond mode 802.3ad miimon 100 lacp_rate slow
ip link set p1 master b; ip link set p2 master b; ip link set p2 type bond_slave queue_id 2; ip link set dev b up
ip link add link b name b.10 type vlan id 10; ip link set dev b.10 up
ip address add 192.0.2.1/24 dev b; ip address add 2001:db8::1/64 dev b nodad; ip address add 2001:db8:1::1/64 dev b.10 nodad
ip route add 10.7.0.0/16 via 192.0.2.9; ip -6 route add 2001:db8:7::/48 via 2001:db8:1::9
ip neighbor add 192.0.2.9 lladdr 02:00:00:00:00:09 dev b`;

const document = (body: string): Desired => desiredOf(parseSource(`linkwright: 1\n${body}`, "f.yaml"));

/** All that is configured, as text; what a running protocol tells is left out. */
async function dump({ sh }: Scene): Promise<string> {
  const text = await sh(`ip -details link show; ip address show; ip route show table all; ip -6 route show table all
    ip neighbor show nud permanent`);
  return text
    .replace(
      /(valid|preferred)_lft \S+|expires \S+|<[^>]*>|state \S+|(ad|mii|link_failure|perm)_\S+ \S+|linkdown|qdisc \S+/g,
      "",
    )
    .replace(/^.*fe80::.*$|^.*ff00::.*$/gm, "");
}

describe("documents about links", () => {
  let made: Scene;
  let host: Host;
  before(function () {
    needs(this, "ip");
  });
  async function begin(context: Mocha.Context): Promise<void> {
    made = await scene("");
    try {
      await made.sh(BOND);
    } catch (error) {
      if (/Unknown device type/.test(String(error)))
        skip(context, "this kernel has no bonds; integration/kernels/run uml");
      throw error;
    }
    host = made.host;
  }
  afterEach(async () => {
    await made[Symbol.asyncDispose]();
  });
  const planFor = async (desired: Desired): Promise<Plan> => plan(await observe(host, desired), desired);

  it("switch a bond off for what it takes only then, and on again with what was on it", async function () {
    await begin(this);
    const before = await dump(made);
    const desired = document("links: { b: { kind: bond, lacpRate: fast, adSelect: count } }");
    const next = await planFor(desired);
    deepEqual(next.steps[0]?.drops, ["traffic through b while it is off", "traffic through b.10 while it is off"]);
    await apply(host, next);
    equal(
      await dump(made),
      before.replace("lacp_rate slow", "lacp_rate fast").replace("ad_select stable", "ad_select count"),
    );
    deepEqual((await planFor(desired)).steps, []);
    ok((await verify(host, desired)).ok);
  });

  it("leave a bond as it was when something is refused after it", async function () {
    await begin(this);
    const before = await dump(made);
    const desired = document(
      "links: { b: { kind: bond, lacpRate: fast } }\nroutes: [{ dst: 10.9.0.0/16, via: 203.0.113.1 }]",
    );
    const next = await planFor(desired);
    await rejects(apply(host, next), /\(step 2 of 2, undone\).*ENETUNREACH/);
    equal(await dump(made), before);
  });

  it("make a bond with ports again for another mode, when that is allowed", async function () {
    await begin(this);
    const before = await dump(made);
    const desired = document(`links:
  b: { kind: bond, mode: active-backup, primary: p2 }
  p1: { master: b }
  b.10: { kind: vlan, dev: b, id: 10 }`);
    const next = await planFor(desired);
    await rejects(apply(host, next), /link b has to be made again: mode cannot change while it has ports; it drops /);
    equal(await dump(made), before);
    await apply(host, next, { allowRecreate: true });
    const link = await made.link("b");
    deepEqual([link.mode, link.primary, (await made.link("p2")).port?.queueId], ["active-backup", "p2", 2]);
    match(await made.sh("ip route show"), /10\.7\.0\.0\/16 via 192\.0\.2\.9 dev b/);
    deepEqual((await planFor(desired)).steps, []);
  });

  it("have a port leave, and join again on undoing", async function () {
    await begin(this);
    const before = await dump(made);
    const leaving = "links: { p2: { master: null } }";
    await rejects(
      apply(host, await planFor(document(`${leaving}\nroutes: [{ dst: 10.9.0.0/16, via: 203.0.113.1 }]`))),
      /undone/,
    );
    equal(await dump(made), before);
    await apply(host, await planFor(document(leaving)));
    deepEqual([(await made.link("p2")).up, (await made.link("p2")).master], [true, undefined]);
    const joining = document("links: { p2: { master: b, port: { queueId: 2 } } }");
    await apply(host, await planFor(joining));
    equal(await dump(made), before);
  });

  it("change a bond without ports to another mode, and back on undoing", async function () {
    await begin(this);
    await made.sh(
      "ip link add name c type bond mode active-backup arp_interval 200 arp_ip_target 192.0.2.9 arp_validate all; ip link set dev c up",
    );
    const before = await dump(made);
    const desired = document("links: { c: { kind: bond, mode: 802.3ad, lacpRate: fast } }");
    const failing = document(
      "links: { c: { kind: bond, mode: 802.3ad, lacpRate: fast } }\nroutes: [{ dst: 10.9.0.0/16, via: 203.0.113.1 }]",
    );
    await rejects(apply(host, await planFor(failing)), /undone/);
    equal(await dump(made), before);
    await apply(host, await planFor(desired));
    deepEqual((await planFor(desired)).steps, []);
    await apply(host, planRemoval(await observe(host, desired), desired));
    equal(await host.links.get("c"), undefined);
  });
});
