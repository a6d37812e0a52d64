/** MAC addresses of new links: stable, and of one network card only. */
import { equal, match, notEqual } from "node:assert/strict";
import { stableMac } from "../../lib/state/new-mac.ts";

describe("a MAC address for a new link", () => {
  it("is the same at each boot, another one on each host and for each link, and never one of a vendor or a group", () => {
    const one = stableMac("br-vm", "0123", "bm1");
    equal(stableMac("br-vm", "0123", "bm1"), one);
    for (const other of [
      stableMac("br-vm", "0123", "bm2"),
      stableMac("br-vm", "4567", "bm1"),
      stableMac("vx0", "0123", "bm1"),
    ])
      notEqual(other, one);
    for (let at = 0; at < 200; at++) match(stableMac(`x${at}`, "", ""), /^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/);
  });
});
