import assert from "node:assert/strict";
import { type Known, merged, page, type Score } from "./scores.ts";

const FACTS = { machine: "here", commit: "1111111", date: "2026-01-02", command: "run" };
const tally = (noticed: number) => ({ mutants: 100, noticed, endless: 0, unreached: 0, untried: 0 });
const known: Known = { "a.ts": { ...tally(90), ...FACTS }, "gone.ts": { ...tally(0), ...FACTS } };
const score: Score = { name: "2 of 3", all: tally(88), met: true, files: { "b.ts": tally(88) }, survivors: [] };
const AGAIN = { ...FACTS, commit: "2222222" };

describe("mutation scores", () => {
  it("a run of some files keeps what was known of the others", () => {
    const after = merged(known, [score], AGAIN);
    assert.equal(after["a.ts"]?.commit, "1111111");
    assert.deepEqual(after["b.ts"], { ...tally(88), ...AGAIN });
  });

  it("a group is judged only when all of its files were run", () => {
    const after = merged(known, [score], AGAIN);
    const part = page({ group: ["a.ts", "b.ts", "c.ts"] }, after);
    assert.match(part, /\*\*89\.0 %\*\* noticed, target 85 %: not judged, as 1 of its 3 files were not run\./);
    assert.match(part, /^\| c\.ts \| \| \| \| \| not run \| \|$/m);
    assert.match(part, /^\| all that were run \| 200 \|/m);
    assert.doesNotMatch(part, /gone\.ts|: met/);

    assert.match(page({ group: ["a.ts", "b.ts"] }, after), /\*\*89\.0 %\*\* noticed, target 85 %: met\./);
    assert.match(page({ group: ["a.ts", "gone.ts"] }, after), /\*\*45\.0 %\*\* noticed, target 85 %: \*\*missed\*\*\./);
  });
});
