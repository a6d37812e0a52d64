/** A veth whose other end the document has in another namespace: read there, changed there, told where that cannot be. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { apply } from "../../lib/state/apply.ts";
import { type Desired, desiredOf } from "../../lib/state/desired.ts";
import { observe } from "../../lib/state/observe.ts";
import { undo } from "../../lib/state/perform.ts";
import { plan } from "../../lib/state/plan.ts";
import { planRemoval } from "../../lib/state/remove.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Plan } from "../../lib/state/step.ts";
import { verify } from "../../lib/state/verify.ts";
import { type Scene, scene } from "./kit.ts";

describe("a veth with its other end in another namespace", function () {
  this.timeout(60_000);
  let both: Scene;
  let netns: string;
  beforeEach(async () => {
    both = await scene();
    netns = both.bm2.namespace.name ?? "";
  });
  afterEach(() => both[Symbol.asyncDispose]());

  const documented = (peer = "mtu: 1400"): Desired =>
    desiredOf(
      parseSource(
        `linkwright: 1\nlinks: { va: { kind: veth, peer: { name: vb, netns: ${netns}, ${peer} } } }\n`,
        "f.yaml",
      ),
    );
  const planned = async (wanted = documented()): Promise<Plan> => plan(await observe(both.bm1.host, wanted), wanted);
  const back = (made: Plan) =>
    made.steps.toReversed().flatMap(({ moves }) => moves.toReversed().flatMap((one) => one.undo));
  const far = () => both.bm2.json("ip -json link show vb 2>/dev/null || echo '[]'");

  it("is made, and then verified there", async () => {
    await apply(both.bm1.host, await planned());
    equal((await far())[0]?.["mtu"], 1400);
    deepEqual((await planned()).steps, []);
    deepEqual((await planned()).warnings, []);
    const found = await verify(both.bm1.host, documented());
    ok(found.ok);
    equal(found.counts.untold, 0);
  });

  it("is changed there where somebody gave it another MTU, and back", async () => {
    await apply(both.bm1.host, await planned());
    await both.bm2.sh("ip link set vb mtu 1300");
    const { differences } = await verify(both.bm1.host, documented());
    deepEqual(
      differences.map(({ object, subject, field, wanted, found }) => [object, subject, field, wanted, found]),
      [["link", `vb in ${netns}`, "mtu", 1400, 1300]],
    );
    const made = await planned();
    await apply(both.bm1.host, made);
    equal((await far())[0]?.["mtu"], 1400);
    deepEqual(await undo(both.bm1.host, back(made)), []);
    equal((await far())[0]?.["mtu"], 1300);
  });

  for (const [what, script] of [
    ["has another name", "ip link set vb name vc"],
    ["is another link of that name", "ip link set vb name vc; ip link add vb type bridge"],
  ] as const)
    it(`is made again where its other end ${what}`, async () => {
      await apply(both.bm1.host, await planned());
      await both.bm2.sh(script);
      ok(!(await verify(both.bm1.host, documented())).ok);
      const [step] = (await planned()).steps;
      equal(step?.action, "recreate");
      match(step?.drops.join(", ") ?? "", /its other end, vb in .*, with what is on it/);
    });

  it("comes back with its other end there, when its removal is undone", async () => {
    await apply(both.bm1.host, await planned());
    const before = (await far())[0];
    const observed = await observe(both.bm1.host, documented(), { removal: true });
    const removal = planRemoval(observed, documented());
    match(removal.steps[0]?.drops.join(", ") ?? "", /its other end, vb in .*, with what is on it/);
    await apply(both.bm1.host, removal);
    deepEqual(await far(), []);
    deepEqual(await undo(both.bm1.host, back(removal)), []);
    const after = (await far())[0];
    deepEqual([after?.["mtu"], after?.["address"]], [before?.["mtu"], before?.["address"]]);
  });

  it("is not verified where its namespace cannot be opened, and that is said", async () => {
    await apply(both.bm1.host, await planned());
    const folder = join("/tmp", `linkwright-away-${process.pid}`);
    await mkdir(folder);
    try {
      await writeFile(join(folder, "blue"), "");
      const wanted = desiredOf(
        parseSource(
          `linkwright: 1\nlinks: { va: { kind: veth, peer: { name: vb, netns: ${join(folder, "blue")} } } }\n`,
          "f.yaml",
        ),
      );
      const made = await planned(wanted);
      deepEqual(made.steps, []);
      match(made.warnings.join("\n"), /the other end of va, vb in .*blue, is not verified: /);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
