/** What is taken for somebody's wish of what the kernel tells of a link. */
import { deepEqual } from "node:assert/strict";
import { linkWords } from "../../lib/state/observe.ts";

describe("what is observed of a link", () => {
  const bridge = { name: "br0", kind: "bridge", forwardDelay: 15, ageing: 30, topologyChange: true };

  it("is not the ageing that a bridge has while its spanning tree changes", () => {
    const { ageing: _, ...rest } = bridge;
    deepEqual(linkWords(bridge), rest);
  });

  it("is the ageing that somebody gave it meanwhile, or that it has otherwise", () => {
    for (const one of [
      { ...bridge, ageing: 60 },
      { ...bridge, topologyChange: false },
    ])
      deepEqual(linkWords(one), one);
  });
});
