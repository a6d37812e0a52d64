/** Documents with classes, filters and queues at classes: made, changed, removed, and undone exactly; tc as the oracle. */
import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { apply } from "../../lib/state/apply.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import { observe } from "../../lib/state/observe.ts";
import { undo } from "../../lib/state/perform.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Plan } from "../../lib/state/step.ts";
import { verify } from "../../lib/state/verify.ts";
import { skip } from "../../test/needs.ts";
import { type Machine, type Scene, scene } from "./kit.ts";

/** A shaped link with all sorts of filters, as a document has it. */
const SHAPED = `
    qdisc: { kind: htb, handle: '1:', default: 32 }
    classes:
      - { classid: '1:20', kind: htb, parent: '1:1', rate: 20000000, ceil: 100000000, prio: 2 }
      - { classid: '1:10', kind: htb, parent: '1:1', rate: 30000000 }
      - { classid: '1:1', kind: htb, rate: 100000000, burst: 20000 }
      - { classid: '1:30', kind: htb, rate: 1000000 }
    queues:
      - { parent: '1:10', kind: fq_codel, handle: '10:', target: 0.007 }
      - { parent: '1:20', kind: prio, handle: '20:' }
      - { parent: '20:1', kind: pfifo, handle: '21:', limit: 50 }
      - { kind: clsact }
    filters:
      - { parent: '1:', pref: 10, kind: flower, protocol: ip, ipProto: tcp, dstPort: 80, dstIp: 10.1.0.0/16, classid: '1:10' }
      - { parent: '1:', pref: 20, kind: u32, protocol: ip, match: [{ value: 0x0a020000, mask: 0xffff0000, at: 16 }], classid: '1:20' }
      - { parent: ingress, pref: 5, kind: matchall, actions: [{ kind: police, rate: 8000000, burst: 10000, exceed: drop }] }
      - { parent: ingress, pref: 6, kind: flower, protocol: 802.1Q, vlanId: 7, actions: [{ kind: mirred, mode: mirror, dev: lo }, { kind: gact, control: pass }] }
      - { parent: egress, pref: 5, kind: flower, protocol: arp, arpTip: 192.0.2.0/24, actions: [{ kind: gact, control: drop }] }`;

/** The same by hand. */
const BY_HAND = `
  tc qdisc add dev ens34f0 root handle 1: htb default 0x20
  tc class add dev ens34f0 parent 1: classid 1:1 htb rate 100mbit burst 20000
  tc class add dev ens34f0 parent 1:1 classid 1:10 htb rate 30mbit
  tc class add dev ens34f0 parent 1:1 classid 1:20 htb rate 20mbit ceil 100mbit prio 2
  tc class add dev ens34f0 parent 1: classid 1:30 htb rate 1mbit
  tc qdisc add dev ens34f0 parent 1:10 handle 10: fq_codel target 7ms
  tc qdisc add dev ens34f0 parent 1:20 handle 20: prio
  tc qdisc add dev ens34f0 parent 20:1 handle 21: pfifo limit 50
  tc qdisc add dev ens34f0 clsact
  tc filter add dev ens34f0 parent 1: pref 10 protocol ip flower ip_proto tcp dst_port 80 dst_ip 10.1.0.0/16 classid 1:10
  tc filter add dev ens34f0 parent 1: pref 20 protocol ip u32 match ip dst 10.2.0.0/16 classid 1:20
  tc filter add dev ens34f0 ingress pref 5 matchall action police rate 8mbit burst 10000 conform-exceed drop
  tc filter add dev ens34f0 ingress pref 6 protocol 802.1Q flower vlan_id 7 action mirred egress mirror dev lo action pass
  tc filter add dev ens34f0 egress pref 5 protocol arp flower arp_tip 192.0.2.0/24 action drop`;

describe("a document with classes and filters", function () {
  this.timeout(60_000);
  let both: Scene;
  let bm1: Machine;
  beforeEach(async function () {
    both = await scene();
    bm1 = both.bm1;
    const lacks = await bm1.sh(`{
      tc qdisc add dev lo root handle 1: htb && tc qdisc add dev lo clsact && tc qdisc add dev lo parent 1:1 fq_codel || true
      tc filter add dev lo ingress pref 1 matchall action police rate 1mbit burst 10k action mirred egress mirror dev lo
      tc filter add dev lo ingress pref 2 flower action drop; tc filter add dev lo parent 1: pref 3 u32 match u32 0 0
      tc qdisc delete dev lo root; tc qdisc delete dev lo clsact; } 2>&1 | grep -iE 'unknown|not supported|classifier not found|failed to load' || true`);
    if (lacks !== "") skip(this, `this kernel lacks a queue, a filter or an action: ${lacks.trim()}`);
  });
  afterEach(() => both?.[Symbol.asyncDispose]());

  const desired = (body: string) => desiredOf(parseSource(`linkwright: 1\nlinks:\n  ens34f0:${body}\n`, "f.yaml"));
  const planned = async (body: string): Promise<Plan> => {
    const wanted = desired(body);
    return plan(await observe(bm1.host, wanted), wanted);
  };
  /** What tc tells of a link, without the numbers that the kernel gives anew. */
  const told = async (dev = "ens34f0"): Promise<string> => {
    const text = await bm1.sh(
      `tc -d qdisc show dev ${dev} | sort; tc -d class show dev ${dev} | sort; for at in 'parent 1:' ingress egress; do echo "$at"; tc -d filter show dev ${dev} $at 2>&1 || true; done`,
    );
    return (
      text
        .replace(/police 0x\w+/g, "police")
        .replace(/index \d+ ref \d+ bind \d+/g, "")
        .replace(/\b8\d\d:/g, "800:")
        .replace(/direct_packets_stat \d+/g, "")
        // What the kernel chose.
        .replace(/\b8[0-9a-f]{3}:/g, "8001:")
    );
  };
  const back = (made: Plan) =>
    made.steps.toReversed().flatMap(({ moves }) => moves.toReversed().flatMap((one) => one.undo));

  async function becomes(body: string): Promise<Plan> {
    const before = await told();
    const made = await planned(body);
    await apply(bm1.host, made);
    const now = await told();
    deepEqual((await verify(bm1.host, desired(body))).differences, []);
    deepEqual((await planned(body)).steps, []);
    deepEqual(await undo(bm1.host, back(made)), []);
    equal(await told(), before);
    await apply(bm1.host, await planned(body));
    equal(await told(), now);
    return made;
  }

  it("makes all of it on a link that has none, as tc would, and takes all of it away again", async () => {
    await becomes(SHAPED);
    const ours = await told();
    await bm1.sh("tc qdisc delete dev ens34f0 root; tc qdisc delete dev ens34f0 clsact");
    await bm1.sh(BY_HAND);
    const theirs = await told();
    // tc computes bursts for the clock of another kernel.
    const alike = (text: string): string => text.replace(/c?burst \S+ ?/g, "").replace(/quantum \d+/g, "");
    equal(alike(ours), alike(theirs));
  });

  it("has nothing to do where somebody made it by hand", async () => {
    await bm1.sh(BY_HAND);
    deepEqual((await planned(SHAPED)).steps, []);
  });

  const CHANGES: readonly (readonly [what: string, body: string, shows: RegExp])[] = [
    [
      "a class in place",
      "{ classes: [{ classid: '1:30', kind: htb, rate: 2000000, ceil: 2000000 }] }",
      /1:30 root .*rate 2Mbit/,
    ],
    [
      "a class that goes with its queues and filter",
      "{ classes: [{ classid: '1:20', state: absent }], filters: [{ parent: '1:', pref: 20, state: absent }] }",
      /^(?![\s\S]*1:20)/,
    ],
    ["a queue at a class", "{ queues: [{ parent: '1:10', kind: pfifo, limit: 9 }] }", /pfifo .*parent 1:10 limit 9p/],
    [
      "a queue that goes with what is in it",
      "{ queues: [{ parent: '1:20', state: absent }] }",
      /^(?![\s\S]*pfifo 21:)/,
    ],
    [
      "a filter in place",
      "{ filters: [{ parent: '1:', pref: 10, kind: flower, protocol: ip, ipProto: tcp, dstPort: 443, classid: '1:10' }] }",
      /dst_port 443/,
    ],
    [
      "a filter of another kind",
      "{ filters: [{ parent: ingress, pref: 5, kind: flower, protocol: ip, actions: [{ kind: gact, control: drop }] }] }",
      /eth_type ipv4\s+not_in_hw\s+action order 1: gact action drop/,
    ],
    [
      "bits of a packet",
      "{ filters: [{ parent: '1:', pref: 20, kind: u32, protocol: ip, match: [{ value: 0x11, mask: 0xff, at: 8 }], classid: '1:10' }] }",
      /match 00000011\/000000ff at 8/,
    ],
    [
      "the queue at the root, with all that is in it",
      "{ qdisc: { kind: htb, handle: '1:', default: 16 } }",
      /htb 1: root .*default 0x10[\s\S]*dst_port 80/,
    ],
    ["the queue at the root for one without classes", "{ qdisc: { kind: fq_codel } }", /fq_codel \w+: root/],
    ["the queue at the root for the kernel's own", "{ qdisc: { state: absent } }", /^(?![\s\S]*htb)/],
  ];
  for (const [what, body, shows] of CHANGES)
    it(`changes ${what}, and back`, async () => {
      await bm1.sh(BY_HAND);
      await becomes(` ${body}`);
      match(await told(), shows);
    });

  it("says what is lost for good with a queue", async () => {
    await bm1.sh(BY_HAND);
    const made = await planned(" { qdisc: { kind: fq_codel } }");
    match(
      made.steps[0]?.drops.join(", ") ?? "",
      /class 1:10 on ens34f0.*queue at 20:1 on ens34f0.*filter 20 .*at 1: on ens34f0/,
    );
  });

  it("brings back on a link that is made again what nobody described", async () => {
    await bm1.sh(
      "ip link add vx0 type vxlan id 5 dstport 4789 dev ens34f0; ip link set vx0 address 02:00:00:00:00:05 up",
    );
    await bm1.sh(BY_HAND.replaceAll("ens34f0", "vx0"));
    const before = await told("vx0");
    const text = "linkwright: 1\nlinks: { vx0: { kind: vxlan, vni: 6, dev: ens34f0 } }\n";
    const wanted = desiredOf(parseSource(text, "f.yaml"));
    const made = plan(await observe(bm1.host, wanted), wanted);
    await apply(bm1.host, made, { allowRecreate: true });
    equal(await told("vx0"), before);
    deepEqual(await undo(bm1.host, back(made)), []);
    equal(await told("vx0"), before);
  });

  it("brings back what filters of other links send to one that is made again, or that comes back", async () => {
    await bm1.sh(`ip link add vx0 type vxlan id 5 dstport 4789 dev ens34f0; ip link set vx0 address 02:00:00:00:00:05 up
      tc qdisc add dev ens34f0 clsact
      tc filter add dev ens34f0 ingress pref 5 matchall action mirred egress mirror dev vx0
      tc filter add dev ens34f0 ingress pref 6 protocol 802.1Q flower vlan_id 7 action mirred egress redirect dev vx0
      tc filter add dev ens34f0 egress pref 7 protocol ip u32 match ip dst 10.2.0.0/16 action mirred egress mirror dev vx0`);
    const before = await told();
    match(before, /to device vx0/);
    for (const body of ["vni: 6, dev: ens34f0", "state: absent"]) {
      const wanted = desiredOf(parseSource(`linkwright: 1\nlinks: { vx0: { kind: vxlan, ${body} } }\n`, "f.yaml"));
      const made = plan(await observe(bm1.host, wanted), wanted);
      match(made.steps[0]?.drops.join(", ") ?? "", /what filter 6 number 1 at ingress on ens34f0 sends there/);
      await apply(bm1.host, made, { allowRecreate: true });
      if (body.startsWith("vni")) equal(await told(), before);
      else match(await told(), /to device \*/);
      deepEqual(await undo(bm1.host, back(made)), []);
      equal(await told(), before);
    }
  });

  const HALF_SAID: readonly (readonly [what: string, filter: string])[] = [
    ["where a hash is taken", "u32 match ip dst 10.2.0.0/16 hashkey mask 0x000000ff at 16 flowid 1:20"],
    ["an offset", "u32 match ip dst 10.2.0.0/16 offset at 0 mask 0f00 shift 6 eat flowid 1:20"],
    ["a mark", "u32 match mark 7 0xff flowid 1:20"],
    ["an action's cookie", "matchall classid 1:20 action pass cookie 0011"],
  ];
  it("leaves alone what it could not put back of a filter", async () => {
    await bm1.sh(BY_HAND);
    for (const [what, filter] of HALF_SAID) {
      await bm1.sh(`tc filter add dev ens34f0 parent 1: pref 90 protocol ip ${filter}`);
      const before = await told();
      for (const [body, says] of [
        [
          "{ filters: [{ parent: '1:', pref: 90, state: absent }] }",
          /cannot say, which could not be put back; remove it first/,
        ],
        ["{ qdisc: { kind: fq_codel } }", /with what is in it, which could not be put back; remove it first/],
      ] as const)
        await rejects(async () => planned(` ${body}`), says, what);
      equal(await told(), before);
      await bm1.sh("tc filter delete dev ens34f0 parent 1: pref 90");
      deepEqual((await planned(SHAPED)).steps, []);
    }
  });

  const WRONG: readonly (readonly [body: string, says: RegExp])[] = [
    [
      "{ classes: [{ classid: '2:1', kind: htb, rate: 1000 }] }",
      /ens34f0 has no queue 2:; write qdisc: \{ kind: htb, handle: '2:' \}/,
    ],
    [
      "{ classes: [{ classid: '1:50', parent: '1:49', kind: htb, rate: 1000 }] }",
      /no class 1:49; write it into classes/,
    ],
    ["{ classes: [{ classid: '1:10', kind: htb, rate: 1000 }] }", /it is below 1:1, and cannot move/],
    [
      "{ classes: [{ classid: '1:30', kind: htb, rate: 2000000, ceil: 1000 }] }",
      /ceil.*expected no less than the rate/,
    ],
    ["{ classes: [{ classid: '1:1', state: absent }] }", /class 1:\d0 is below it/],
    ["{ classes: [{ classid: '1:10', state: absent }] }", /filter 10 at 1: leads there/],
    ["{ queues: [{ parent: '1:99', kind: fq }] }", /no class 1:99/],
    ["{ queues: [{ kind: fq }] }", /parent: expected a class such as 1:10, or ingress; the queue at the root is qdisc/],
    ["{ filters: [{ parent: '7:', pref: 1, kind: matchall }] }", /no queue 7:; write its handle/],
    ["{ filters: [{ parent: '1:', pref: 1, kind: matchall, classid: '1:99' }] }", /no class 1:99/],
    ["{ filters: [{ parent: '1:', pref: 1, kind: flower, dstPort: 80 }] }", /dstPort: needs protocol: ip or ipv6/],
    [
      "{ filters: [{ parent: '1:', pref: 1, kind: matchall, actions: [{ kind: mirred, mode: redirect, dev: nope0 }] }] }",
      /actions\.0\.dev: there is no link nope0/,
    ],
    ["{ filters: [{ parent: '1:', pref: 1, kind: matchal }] }", /unknown kind of filter; did you mean matchall\?/],
    ["{ filters: [{ parent: '1:', pref: 1 }] }", /expected absent; an entry that shall be there has a kind/],
  ];
  it("says what is wrong before anything is changed", async () => {
    await bm1.sh(BY_HAND);
    const before = await told();
    for (const [body, says] of WRONG) await rejects(async () => planned(` ${body}`), says, body);
    equal(await told(), before);
  });
});
