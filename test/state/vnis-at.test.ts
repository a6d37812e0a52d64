/** Ranges of VNIs that an entry's is in. */
import { deepEqual } from "node:assert/strict";
import fc from "fast-check";
import type { Words } from "../../lib/state/step.ts";
import { vnisAt } from "../../lib/state/vnis-at.ts";

const itself = (words: Words): Words => words;
const links = fc.constantFrom("vx0", "vx1");
const ranges = fc.array(
  fc
    .tuple(links, fc.integer({ min: 1, max: 40 }), fc.option(fc.nat(9)))
    .map(([dev, vni, more]): Words => ({ dev, vni, ...(more !== null && { vniEnd: vni + more }) })),
);

describe("ranges of VNIs", () => {
  it("are found as if each was looked at", () => {
    fc.assert(
      fc.property(ranges, links, fc.integer({ min: 1, max: 50 }), (all, dev, srcVni) => {
        const looked = all.filter(
          (one) => one["dev"] === dev && Number(one["vni"]) <= srcVni && srcVni <= Number(one["vniEnd"] ?? one["vni"]),
        );
        deepEqual(new Set(vnisAt(all, itself, { dev, srcVni })), new Set(looked));
      }),
    );
  });
});
