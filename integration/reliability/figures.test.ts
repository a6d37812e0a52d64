import assert from "node:assert/strict";
import { allOf, page } from "./figures.ts";

const RUN = { machine: "here", commit: "1111111", date: "2026-01-02", command: "run", minutes: 1, share: 1 };
const KEPT = {
  kills: { run: RUN, figures: [allOf("things", 3, 3, 3, [])] },
  orders: { run: RUN, figures: [allOf("others", 2, 2, 3, ["why"])] },
};
const TASKS = ["kills", "orders"];

describe("reliability: the page", () => {
  it("says nothing of gaps where there are none", () => {
    assert.doesNotMatch(page(KEPT, TASKS), /does not show/);
  });

  it("says before anything else what was not tried", () => {
    const part = { ...KEPT, kills: { ...KEPT.kills, run: { ...RUN, share: 0.03 } } };
    const told = page(part, [...TASKS, "faults"]);
    const first = told.slice(0, told.indexOf("Written by"));
    assert.match(first, /^- Only 0\.03 of kills was tried/m);
    assert.match(first, /^- Not tried: faults\.$/m);
  });

  it("names each run once, with the tasks that it ran", () => {
    const later = { ...KEPT, faults: { run: { ...RUN, commit: "2222222" }, figures: [] } };
    const lines = page(later, [...TASKS, "faults"])
      .split("\n")
      .filter((line) => line.includes("`run`"));
    assert.deepEqual(
      lines.map((line) => line.split(":", 1)[0]),
      ["- kills, orders", "- faults"],
    );
    assert.match(lines[1] ?? "", /commit 2222222/);
  });

  it("takes none of none for missed", () => {
    assert.equal(allOf("things", 0, 0, 0, []).met, false);
    assert.equal(allOf("things", 1, 1, 0, []).met, true);
  });

  it("shows what went wrong with what missed its target", () => {
    const told = page(KEPT, TASKS);
    assert.match(told, /^\| things \| 3 of 3 \| all of 3 \| met \|$/m);
    assert.match(told, /^\| others \| 2 of 2 \| all of 3 \| \*\*missed\*\* \|$/m);
    assert.match(told, /^### others\n\n```\nwhy\n```$/m);
  });
});
