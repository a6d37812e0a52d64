/** What counts as a change of the host while an application is planned. */
import { equal } from "node:assert/strict";
import type { Step, Words } from "../../lib/state/step.ts";
import { changedSteps } from "../../lib/transaction/wanted.ts";

/** A step with one request of these words. */
const step = (words: Words): Step => ({
  ...{ id: "qdisc 1: on eth0", action: "change", object: "qdisc", subject: "1: on eth0", path: [], reason: "" },
  ...{ differences: [], drops: [], needs: [] },
  moves: [{ request: { object: "qdisc", verb: "replace", words }, undo: [] }],
});
const changed = (before: Words, after: Words): number => changedSteps([step(before)], [step(after)]).length;

describe("a host that is planned for twice", () => {
  const [few, many] = [
    { packets: 1n, bytes: 60n },
    { packets: 2n, bytes: 120n },
  ];

  it("is the same where counters count on", () => {
    equal(changed({ rules: [{ counter: few }] }, { rules: [{ counter: many }] }), 0);
    equal(changed({ counters: [{ name: "c", count: few }] }, { counters: [{ name: "c", count: many }] }), 0);
    equal(
      changed({ expressions: [{ kind: "counter", data: few }] }, { expressions: [{ kind: "counter", data: many }] }),
      0,
    );
    equal(changed({ generation: 1 }, { generation: 2 }), 0);
  });

  it("is another one where packets and bytes are a setting", () => {
    equal(changed({ slot: { min: 1, packets: 1 } }, { slot: { min: 1, packets: 2 } }), 1);
    equal(changed({ slot: { min: 1, bytes: 60 } }, { slot: { min: 1 } }), 1);
    equal(
      changed({ expressions: [{ kind: "limit", data: few }] }, { expressions: [{ kind: "limit", data: many }] }),
      1,
    );
  });

  it("is another one where a counter comes or goes", () => {
    equal(changed({ rules: [{ counter: few }] }, { rules: [{}] }), 1);
  });
});
