/** A veth whose other end the document has in another namespace: read there, changed there, told where that cannot be. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { apply } from "../../lib/state/apply.ts";
import { describeVerification } from "../../lib/state/describe.ts";
import { type Desired, desiredOf } from "../../lib/state/desired.ts";
import { observe } from "../../lib/state/observe.ts";
import { undo } from "../../lib/state/perform.ts";
import { plan } from "../../lib/state/plan.ts";
import { planRemoval } from "../../lib/state/remove.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Plan } from "../../lib/state/step.ts";
import { verify } from "../../lib/state/verify.ts";
import { TestNamespace } from "../../lib/testkit/namespace.ts";
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
  const there = () => both.bm2.json("ip -json link show vb 2>/dev/null || echo '[]'");

  it("is made, and then verified there", async () => {
    await apply(both.bm1.host, await planned());
    equal((await there())[0]?.["mtu"], 1400);
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
    equal((await there())[0]?.["mtu"], 1400);
    deepEqual(await undo(both.bm1.host, back(made)), []);
    equal((await there())[0]?.["mtu"], 1300);
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
      // It is not where the document says.
      match(step?.drops.join(", ") ?? "", /its other end in another namespace, with what is on it/);
    });

  it("comes back with its other end there, when its removal is undone", async () => {
    await apply(both.bm1.host, await planned());
    const before = (await there())[0];
    const observed = await observe(both.bm1.host, documented(), { removal: true });
    const removal = planRemoval(observed, documented());
    match(removal.steps[0]?.drops.join(", ") ?? "", /its other end, vb in .*, with what is on it/);
    await apply(both.bm1.host, removal);
    deepEqual(await there(), []);
    deepEqual(await undo(both.bm1.host, back(removal)), []);
    const after = (await there())[0];
    deepEqual([after?.["mtu"], after?.["address"]], [before?.["mtu"], before?.["address"]]);
  });

  /** Gives the name and the index of the other end, 20, to a link whose own other end has the index 10 too. */
  const strangers = (elsewhere: string): Promise<string> =>
    both.bm2.sh(`ip link add vb index 20 mtu 1300 type veth peer name vz index 10 netns ${elsewhere}`);

  it("is no stranger with its name and index, whose other end has the same index too", async () => {
    await using far = await TestNamespace.create();
    await both.bm1.sh(`ip link add va index 10 type veth peer name vb index 20 netns ${far.name}`);
    await strangers(String(far.name));
    ok(!(await verify(both.bm1.host, documented())).ok);
    const [step, ...more] = (await planned()).steps;
    deepEqual([step?.id, step?.action, more], ["link va", "recreate", []]);
  });

  it("is not changed where a stranger has its name by now", async () => {
    await using far = await TestNamespace.create();
    await both.bm1.sh(`ip link add va index 10 type veth peer name vb index 20 netns ${netns}; ip link set va up`);
    const made = await planned();
    deepEqual(
      made.steps.map(({ id }) => id),
      [`link vb in ${netns}`],
    );
    await both.bm2.sh(`ip link set vb netns ${far.name}`);
    await strangers(String(far.name));
    await rejects(apply(both.bm1.host, made), /vb in .* is not the other end of va any more/);
    equal((await there())[0]?.["mtu"], 1300);
  });

  for (const [what, make] of [
    ["is no namespace", (path: string) => writeFile(path, "")],
    ["is not there", async () => undefined],
    ["is a pipe", (path: string) => both.bm1.sh(`mkfifo ${path}`)],
  ] as const)
    it(`is not verified where its namespace ${what}, and that is said`, async () => {
      await apply(both.bm1.host, await planned());
      const folder = await mkdtemp(join(tmpdir(), "linkwright-away-"));
      const place = join(folder, "blue");
      try {
        await make(place);
        const wanted = desiredOf(
          parseSource(
            `linkwright: 1\nlinks: { va: { kind: veth, peer: { name: vb, netns: ${place}, mtu: 1400 } } }\n`,
            "f.yaml",
          ),
        );
        const made = await planned(wanted);
        deepEqual(made.steps, []);
        match(made.warnings.join("\n"), /the other end of va, vb in .*blue, is not verified: /);
        const found = await verify(both.bm1.host, wanted);
        deepEqual(found.counts, { same: 1, differ: 0, missing: 0, foreign: 0, untold: 2 });
        const [warning = "", sum, ...more] = describeVerification(found);
        match(warning, /^! the other end of va, vb in .*blue, is not verified: /);
        deepEqual([sum, more], ["1 of 3 properties as the document says; 2 not verified", []]);
      } finally {
        await rm(folder, { recursive: true });
      }
    });
});
