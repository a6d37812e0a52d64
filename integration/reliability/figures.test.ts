import assert from "node:assert/strict";
import { allOf, page } from "./figures.ts";

const WHOLE = {
  machine: "here",
  commit: "1111111",
  date: "2026-01-02",
  command: "run",
  minutes: 1,
  share: 1,
  slice: false,
  left: [],
};
const FIGURES = [allOf("things", 3, 3, 3, [])];

describe("reliability: the page", () => {
  it("says nothing of gaps where there are none", () => {
    assert.doesNotMatch(page(FIGURES, WHOLE), /does not show/);
  });

  it("says before anything else what was not tried", () => {
    const told = page(FIGURES, { ...WHOLE, share: 0.03, left: ["kills-files"] });
    const first = told.slice(0, told.indexOf("Written by"));
    assert.match(first, /^- Only 0\.03 of the whole was tried/m);
    assert.match(first, /^- Not tried: kills-files\.$/m);
    assert.match(page(FIGURES, { ...WHOLE, slice: true }), /^- A slice/m);
  });
});
