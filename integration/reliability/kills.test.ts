/** A program that is killed anywhere leaves the old state or the new one, once it was recovered from. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { load, needs } from "../../test/needs.ts";
import { kills, victimsOf } from "./kills.ts";

describe("reliability: a program that is killed before whatever it changes, and within each line of the journal,", function () {
  this.timeout(600_000);
  before(function () {
    load(this);
    needs(this, "ip", "bridge", "tc", "nft");
  });
  for (const name of victimsOf("at changes"))
    it(`leaves the old state or the new: ${name}`, async () => {
      const { all, killed, recovered, faults } = await kills(name, "at changes");
      deepEqual(faults, []);
      equal(killed, all);
      equal(recovered, all);
      ok(all > 5);
    });
});
