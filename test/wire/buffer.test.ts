import { deepEqual } from "node:assert/strict";
import { bytes, Reader } from "../../lib/wire/index.ts";

describe("a reader", () => {
  it("keeps what it copies apart from its block, also from a Buffer", () => {
    const block = Buffer.alloc(16, 7);
    const from = new Reader(block);
    from.datagram(4, 8);
    const kept = from.keep().u8.subarray(4 - from.origin, 8 - from.origin);
    const copies = [bytes.read(from, 0, 4), bytes.read(from, 4, 8), kept];
    block.fill(9);
    for (const copy of copies) deepEqual(copy, new Uint8Array(4).fill(7));
    deepEqual(from.u8, new Uint8Array(block), "the block itself is the caller's memory");
  });
});
