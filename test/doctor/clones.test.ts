import { equal } from "node:assert/strict";
import { type Sighting, together } from "../../lib/doctor/clones.ts";

/** Frames at these times, each another one unless a name is given. */
const seen = (name: string, times: readonly number[], all = false): Sighting[] =>
  times.map((at) => ({ at, frame: all ? name : `${name} ${at}` }));

describe("how long an Ethernet address was in two places", () => {
  it("is the time for which it sent from both", () => {
    equal(together(seen("near", [0, 100, 900]), seen("far", [300, 700])), 400);
    equal(together(seen("near", [300, 700]), seen("far", [0, 100, 900])), 400);
  });

  it("is no time where it moved from the one to the other, or was seen once", () => {
    equal(together(seen("near", [0, 100]), seen("far", [300, 700])) < 0, true);
    equal(together(seen("near", [0, 900]), seen("far", [400])), 0);
    equal(together(seen("near", [0, 900]), []), 0);
  });

  it("does not count what came around in a loop", () => {
    equal(together(seen("one", [0, 200, 900], true), seen("one", [100, 300, 800], true)), 0);
    const near = [...seen("near", [0, 900]), { at: 950, frame: "around" }];
    equal(together(near, [{ at: 100, frame: "around" }, ...seen("far", [200, 600])]), 400);
  });
});
