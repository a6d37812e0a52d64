/** Documents with queues: made, changed, removed, and undone exactly; tc as the oracle. */
import { deepEqual, equal, rejects, throws } from "node:assert/strict";
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

describe("a document with queues", () => {
  let both: Scene;
  let bm1: Machine;
  beforeEach(async () => {
    both = await scene();
    bm1 = both.bm1;
  });
  afterEach(() => both[Symbol.asyncDispose]());

  const desired = (qdisc: string) =>
    desiredOf(parseSource(`linkwright: 1\nlinks: { ens34f0: { qdisc: ${qdisc} } }\n`, "f.yaml"));
  const planned = async (qdisc: string): Promise<Plan> => {
    const wanted = desired(qdisc);
    return plan(await observe(bm1.host, wanted), wanted);
  };
  const told = (): Promise<string> => bm1.sh("tc -d -j qdisc show dev ens34f0");

  /** The kinds that need options have them. */
  async function knows(kind: string): Promise<boolean> {
    if (kind === "noqueue") return true;
    const options = kind === "tbf" ? "rate 1mbit burst 10kb limit 10kb" : "";
    const tried = `tc qdisc add dev lo root ${kind} ${options}`;
    return (await bm1.sh(`if ${tried} 2>&1; then tc qdisc delete dev lo root; else echo no; fi`)).trim() === "";
  }

  const FORMER = [
    "true",
    "tc qdisc add dev ens34f0 root handle 8: netem delay 10ms loss 1%",
    "tc qdisc add dev ens34f0 root handle 9: pfifo limit 20",
    "tc qdisc add dev ens34f0 root handle a: tbf rate 1mbit burst 10kb limit 20kb",
    "tc qdisc add dev ens34f0 root handle b: fq_codel target 7ms interval 123ms flows 64 ce_threshold 128us noecn",
  ];
  const WANTED = [
    ["{ kind: fq }", "fq"],
    ["{ kind: fq_codel, target: 0.007, interval: 0.1 }", "fq_codel"],
    ["{ kind: fq_codel, flows: 32, ceThreshold: 0.000128 }", "fq_codel"],
    ["{ kind: pfifo, limit: 30 }", "pfifo"],
    ["{ kind: netem, limit: 2000 }", "netem"],
    ["{ kind: tbf, rate: 8000000, burst: 10000, limit: 30000 }", "tbf"],
    ["{ state: absent }", "noqueue"],
  ] as const;
  for (const former of FORMER)
    for (const [qdisc, kind] of WANTED)
      it(`has ${qdisc} after ${former}, nothing to do then, and the former one again`, async function () {
        for (const one of [former.split(" ")[8] ?? "pfifo", kind])
          if (!(await knows(one))) skip(this, `this kernel has no qdisc ${one}; modprobe sch_${one}`);
        await bm1.sh(former);
        const before = await told();
        const first = await planned(qdisc);
        await apply(bm1.host, first);
        const [now] = JSON.parse(await told()) as { kind: string; root: boolean }[];
        equal(now?.kind, kind);
        deepEqual((await verify(bm1.host, desired(qdisc))).differences, []);
        deepEqual((await planned(qdisc)).steps, []);
        const back = first.steps.toReversed().flatMap(({ moves }) => moves.toReversed().flatMap((one) => one.undo));
        deepEqual(await undo(bm1.host, back), []);
        equal(await told(), before);
      });

  it("replaces one that has another one in it, and brings back both", async () => {
    await bm1.sh(
      "tc qdisc add dev ens34f0 root handle 1: tbf rate 1mbit burst 10kb limit 20kb; tc qdisc add dev ens34f0 parent 1:1 handle 2: pfifo limit 7",
    );
    const before = await told();
    for (const [qdisc, kind] of [
      ["{ kind: pfifo }", "pfifo"],
      ["{ kind: tbf, rate: 8000000, burst: 10000, limit: 30000 }", "tbf"],
      ["{ state: absent }", "noqueue"],
    ] as const) {
      const made = await planned(qdisc);
      const lost = kind === "tbf" ? [] : ["packets that wait at ens34f0", "queue at 1:1 on ens34f0"];
      deepEqual(made.steps[0]?.drops, lost);
      await apply(bm1.host, made);
      equal((JSON.parse(await told()) as { kind: string }[])[0]?.kind, kind);
      deepEqual((await verify(bm1.host, desired(qdisc))).differences, []);
      const back = made.steps.toReversed().flatMap(({ moves }) => moves.toReversed().flatMap((one) => one.undo));
      deepEqual(await undo(bm1.host, back), []);
      equal(await told(), before);
    }
  });

  it("changes one beside filters for what comes in", async () => {
    await bm1.sh("tc qdisc add dev ens34f0 clsact; tc qdisc add dev ens34f0 root handle 9: pfifo limit 20");
    const before = await told();
    const first = await planned("{ kind: pfifo, limit: 30 }");
    await apply(bm1.host, first);
    equal((JSON.parse(await told()) as { kind: string; options: { limit: number } }[])[0]?.options.limit, 30);
    deepEqual(
      await undo(
        bm1.host,
        first.steps.toReversed().flatMap(({ moves }) => moves.toReversed().flatMap((one) => one.undo)),
      ),
      [],
    );
    equal(await told(), before);
  });

  it("says what is wrong with one", async () => {
    throws(() => desired("{ kind: warp }"), /netem/);
    await rejects(planned("{ kind: tbf, rate: 8000000 }"), /burst/);
  });
});
