/** Documents with settings of devices: made, found as they should be, and undone exactly; ethtool as the oracle. */
import { deepEqual, equal, match, notEqual, rejects, throws } from "node:assert/strict";
import { type Applied, apply } from "../../lib/state/apply.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import { observe } from "../../lib/state/observe.ts";
import { undo } from "../../lib/state/perform.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Plan } from "../../lib/state/step.ts";
import { verify } from "../../lib/state/verify.ts";
import { skip } from "../../test/needs.ts";
import { type Machine, type Scene, scene } from "./kit.ts";

describe("a document with settings of devices", () => {
  let both: Scene;
  let bm1: Machine;
  beforeEach(async () => {
    both = await scene();
    bm1 = both.bm1;
    await bm1.sh(
      "ip link add v0 numrxqueues 4 numtxqueues 4 type veth peer name v1 numrxqueues 4 numtxqueues 4; ip link set v0 up; ip link set v1 up; ethtool -L v0 rx 1 tx 1",
    );
  });
  afterEach(() => both[Symbol.asyncDispose]());

  const desired = (links: string) => desiredOf(parseSource(`linkwright: 1\nlinks:\n  ${links}\n`, "f.yaml"));
  const planned = async (links: string): Promise<Plan> => {
    const wanted = desired(links);
    return plan(await observe(bm1.host, wanted), wanted);
  };
  const told = (): Promise<string> => bm1.sh("ethtool -k v0; ethtool -l v0");
  const back = (of: Plan) =>
    undo(
      bm1.host,
      of.steps.toReversed().flatMap(({ moves }) => moves.toReversed().flatMap((one) => one.undo)),
    );
  const bring = async (of: Plan): Promise<Applied> => apply(bm1.host, of);

  it("sets them, then has nothing to do, and undoes them exactly", async () => {
    const links = "v0: { ethtool: { features: { tso: off, gro: true }, channels: { rx: 2 } } }";
    const before = await told();
    const first = await planned(links);
    equal(first.steps.length, 1);
    await bring(first);
    const after = await told();
    match(after, /^tcp-segmentation-offload: off$/m);
    match(after, /^generic-receive-offload: on$/m);
    match(after, /Current hardware settings:\nRX:\t+2\n/);
    notEqual(after, before);
    deepEqual((await verify(bm1.host, desired(links))).differences, []);
    deepEqual((await planned(links)).steps, []);
    deepEqual(await back(first), []);
    equal(await told(), before);
  });

  it("sets them of a link that it makes", async () => {
    const links = "br0: { kind: bridge, ethtool: { features: { gso: off } } }";
    await bring(await planned(links));
    match(await bm1.sh("ethtool -k br0"), /^generic-segmentation-offload: off$/m);
    deepEqual((await planned(links)).steps, []);
  });

  it("sets when a device interrupts, and undoes it exactly", async function () {
    const made = await bm1.sh("ip tuntap add tap9 mode tap 2>&1 && ethtool -C tap9 rx-frames 3 2>&1 || true");
    if (made !== "") skip(this, `no tap device that coalesces: ${made.trim()}`);
    const links = "tap9: { ethtool: { coalesce: { rxFrames: 8 } } }";
    const first = await planned(links);
    deepEqual(first.steps[0]?.differences, [{ field: "coalesce.rxFrames", from: 3, to: 8 }]);
    deepEqual(first.steps[0]?.drops, []);
    await bring(first);
    match(await bm1.sh("ethtool -c tap9"), /^rx-frames:\s+8$/m);
    deepEqual((await planned(links)).steps, []);
    deepEqual(await back(first), []);
    match(await bm1.sh("ethtool -c tap9"), /^rx-frames:\s+3$/m);
    await rejects(
      planned("tap9: { ethtool: { coalesce: { txUsecs: 8 } } }"),
      /tap9 has no coalesce txUsecs; leave it out/,
    );
    await rejects(planned("tap9: { ethtool: { pause: { rx: true } } }"), /tap9 has no pause rx; leave it out/);
  });

  it("says before anything is changed what the device does not have or holds fixed", async () => {
    const before = await told();
    await rejects(planned("v0: { ethtool: { features: { warp: on } } }"), /f\.yaml:3:\d+: .*v0 has no feature warp/);
    await rejects(
      planned("v0: { ethtool: { features: { netns-local: on } } }"),
      /v0 (holds|has no feature) netns-local/,
    );
    await rejects(planned("v0: { ethtool: { channels: { rx: 9 } } }"), /9 is more than v0 has: at most 4/);
    await rejects(planned("v0: { ethtool: { channels: { combined: 2 } } }"), /v0 has no channels combined|at most 0/);
    throws(() => desired("v0: { ethtool: { features: { tso: 3 } } }"), /true or false, or on or off/);
    equal(await told(), before);
  });

  it("takes back what a device does not do for a new link", async () => {
    const names = async (): Promise<string[]> =>
      (JSON.parse(await bm1.sh("ip -json link show")) as { ifname: string }[]).map(({ ifname }) => ifname);
    const before = await names();
    await rejects(bring(await planned("br0: { kind: bridge, ethtool: { features: { warp: on } } }")), /warp/);
    deepEqual(await names(), before);
  });
});
