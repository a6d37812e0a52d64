/** Options of VLANs, of ports and of whole bridges, in documents: set, verified, undone exactly; bridge(8) as the oracle. */
import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { writeDraft } from "../../lib/import/draft.ts";
import { importHost } from "../../lib/import/host.ts";
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

describe("a document with options of VLANs", function () {
  this.timeout(60_000);
  let both: Scene;
  let bm1: Machine;
  beforeEach(async function () {
    both = await scene();
    bm1 = both.bm1;
    const lacks = await bm1.sh("ip link add br9 type bridge vlan_filtering 1 2>&1 && ip link delete br9 || true");
    if (lacks !== "") skip(this, `this kernel's bridges have no VLANs: ${lacks.trim()}`);
    await bm1.sh(`ip link add br0 type bridge vlan_filtering 1 mcast_vlan_snooping 1; ip link set br0 up
      ip link add pa type veth peer name qa; ip link add pb type veth peer name qb
      for port in pa pb; do ip link set $port master br0 up; bridge vlan add dev $port vid 10-12; done
      bridge vlan add dev pb vid 20`);
    const globals = await bm1.sh("bridge -j vlan global show 2>/dev/null || true");
    if (!globals.includes("vlans")) skip(this, "this kernel, or this iproute2, knows no options of VLANs; Linux 5.15");
  });
  afterEach(() => both?.[Symbol.asyncDispose]());

  const desired = (links: string) => desiredOf(parseSource(`linkwright: 1\nlinks: ${links}\n`, "f.yaml"));
  const planned = async (links: string): Promise<Plan> => {
    const wanted = desired(links);
    return plan(await observe(bm1.host, wanted), wanted);
  };
  const told = (): Promise<string> =>
    bm1.sh("for dev in br0 pa pb; do bridge -d vlan show dev $dev; done; bridge -d vlan global show");
  const back = (made: Plan) =>
    made.steps.toReversed().flatMap(({ moves }) => moves.toReversed().flatMap((one) => one.undo));
  async function becomes(links: string, recreate = false): Promise<Plan> {
    const before = await told();
    const made = await planned(links);
    await apply(bm1.host, made, { allowRecreate: recreate });
    const now = await told();
    deepEqual((await verify(bm1.host, desired(links))).differences, []);
    deepEqual((await planned(links)).steps, []);
    deepEqual(await undo(bm1.host, back(made)), []);
    equal(await told(), before);
    await apply(bm1.host, await planned(links), { allowRecreate: recreate });
    equal(await told(), now);
    return made;
  }

  it("sets them on VLANs that are there, on new ones, and on parts of ranges", async () => {
    await becomes(`{
      pa: { master: br0, vlans: [{ vid: 11, mcastRouter: 2 }, { vid: 30, vidEnd: 32, state: blocking }] },
      br0: { kind: bridge, vlanFiltering: true, mcastVlanSnooping: true, vlanGlobals: [{ vid: 10, vidEnd: 11, mcastQuerier: true, mcastQueryInterval: 60 }, { vid: 31, mcastSnooping: false, mcastIgmpVersion: 3 }] } }`);
    const now = await told();
    match(now, /11\n\s+state forwarding mcast_router 2/);
    match(now, /mcast_querier 1/);
    match(now, /mcast_query_interval 6000/);
  });

  it("brings them back with a VLAN, a port and a bridge that come back", async () => {
    await bm1.sh(`bridge vlan set dev pa vid 11 state learning; bridge vlan set dev pb vid 20 mcast_router 2
      bridge vlan global set dev br0 vid 20 mcast_querier 1; bridge vlan global set dev br0 vid 1 mcast_igmp_version 3
      bridge vlan set dev pa vid 1 state blocking`);
    const before = await told();
    match(before, /state learning/);
    for (const links of [
      "{ pb: { master: br0, vlans: [{ vid: 20, state: absent }] }, pa: { master: br0, vlans: [{ vid: 11, state: absent }] } }",
      "{ pb: { master: null } }",
      "{ br0: { kind: bridge, state: absent } }",
    ]) {
      const made = await planned(links);
      await apply(bm1.host, made);
      deepEqual(await undo(bm1.host, back(made)), [], links);
      equal(await told(), before, links);
    }
  });

  it("keeps them on a port that is made again", async () => {
    await bm1.sh(`bridge vlan set dev pb vid 20 state learning; bridge vlan global set dev br0 vid 20 mcast_querier 1`);
    const before = await told();
    const made = await planned("{ pb: { kind: veth, numTxQueues: 3, peer: { name: qb } } }");
    equal(made.steps[0]?.action, "recreate");
    await apply(bm1.host, made, { allowRecreate: true });
    equal(await told(), before);
    deepEqual(await undo(bm1.host, back(made)), []);
    equal(await told(), before);
  });

  it("has them in the document of a running host", async () => {
    await bm1.sh(`bridge vlan set dev pb vid 20 mcast_router 2; bridge vlan global set dev br0 vid 20 mcast_querier 1`);
    const text = writeDraft((await importHost(bm1.host)).draft);
    match(text, /vlanGlobals:[\s\S]*vid: 20[\s\S]*mcastQuerier: true/);
    match(text, /mcastRouter: 2/);
    const wanted = desiredOf(parseSource(text));
    deepEqual(plan(await observe(bm1.host, wanted), wanted).steps, []);
  });

  it("says what is wrong with them", async () => {
    const bridge = (entry: string): string => `{ br0: { kind: bridge, vlanFiltering: true, vlanGlobals: [${entry}] } }`;
    await rejects(
      planned(bridge("{ vid: 99, mcastQuerier: true }")),
      /neither br0 nor a port of it has VLAN 99; write it into vlans/,
    );
    throws(() => desired(bridge("{ vid: 10, state: absent }")), /options go with their VLAN/);
    throws(() => desired(bridge("{ vid: 10, mcastIgmpVersion: 1 }")), /mcastIgmpVersion: expected .* from 2 to 3/);
    throws(
      () => desired("{ pa: { master: br0, vlans: [{ vid: 10, state: sleepy }] } }"),
      /state: expected .*forwarding/,
    );
    await rejects(
      planned("{ br0: { kind: bridge, vlanFiltering: true, vlans: [{ vid: 10, neighSuppress: true }] } }"),
      /neighSuppress: is for ports; br0 is the bridge itself/,
    );
  });
});
