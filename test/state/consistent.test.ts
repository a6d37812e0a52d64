/** What is read while others change it. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { consistent, ObserveError } from "../../lib/state/consistent.ts";

describe("a table that others change while it is read", () => {
  const reads = (good: number) => {
    let times = 0;
    return { read: async () => ({ consistent: ++times >= good, times }), times: () => times };
  };

  it("is read again until it holds still", async () => {
    deepEqual(await consistent("links", reads(5).read), { consistent: true, times: 5 });
  });

  it("is no ground for a plan where it never does", async () => {
    const { read, times } = reads(6);
    await rejects(consistent("links", read), (error) => {
      ok(error instanceof ObserveError);
      equal(error.code, "ERR_OBSERVE");
      equal(error.message, "cannot observe links: they changed each of the 5 times that they were read");
      return true;
    });
    equal(times(), 5);
  });
});
