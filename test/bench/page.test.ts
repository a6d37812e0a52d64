import assert from "node:assert/strict";
import { type Measured, page, type Run } from "../../bench/page.ts";
import { ROWS } from "../../bench/rows.ts";

const contestant = (id: string, title: string) => ({ id, title, version: "1", command: () => [] });
const run = (time: number): Run => ({ times: [time], peak: 1, lost: 0 });
const PRESENT = [
  contestant("floor", "floor"),
  contestant("ours", "wire"),
  contestant("api", "Host"),
  contestant("rtnetlink", "Rust"),
];

/** Every row with these times, of which the floor's is 100. */
function measured(times: Readonly<Record<string, number>>): Measured {
  const runs = new Map(Object.entries({ floor: 100, ...times }).map(([id, time]) => [id, run(time)]));
  const row = ROWS.find(({ id }) => id === "routes");
  assert.ok(row?.most === 1.1);
  return {
    facts: {
      machine: "here",
      commit: "1111111",
      date: "2026-01-02",
      command: "run",
      rounds: 3,
      scale: 1,
      only: undefined,
      load: ["", ""],
    },
    results: [{ row, count: 10, runs }],
    present: PRESENT,
    missing: [],
    points: [],
    delays: [],
  };
}

describe("bench: the page", () => {
  it("judges what people use like the wire layer", () => {
    const text = page(measured({ ours: 105, api: 200, rtnetlink: 150 }));
    assert.match(text, /\| \*\*1\.05\*\* \| \*\*2\.00\*\* ✗ \| 1\.50 \|/);
    assert.match(text, /^- add routes, pipelined: target 1\.1 \*\*missed\*\* by `Host` \(2\.00\)\.$/m);
    assert.match(text, /^- add routes, pipelined: quicker than `Host`: Rust\.$/m);
    assert.doesNotMatch(text, /the wire layer \(|quicker than the wire layer/);
  });

  it("says before anything else what was not measured, and has no empty table", () => {
    const text = page(measured({ ours: 105, api: 106 }));
    const first = text.slice(0, text.indexOf("Multiples of"));
    assert.match(first, /^- Not measured: create bridges, one by one; .*; dump routes, decoded;/m);
    assert.match(first, /^- Not measured: how cost grows \(`curve`\)\.$/m);
    assert.match(first, /^- Not measured: how long the event loop is held \(`delay`\)\.$/m);
    assert.doesNotMatch(first, /of its size|one round/);
    assert.doesNotMatch(text, /longest, ms/);
  });

  it("says that a small run judges nothing", () => {
    const small = measured({ ours: 105 });
    const text = page({ ...small, facts: { ...small.facts, scale: 0.1, rounds: 1, only: "floor,ours" } });
    const first = text.slice(0, text.indexOf("Multiples of"));
    assert.match(first, /^- Everything was done at 0\.1 of its size/m);
    assert.match(first, /^- There was one round/m);
    assert.match(first, /^- Asked to take part were only: floor, ours\.$/m);
  });
});
