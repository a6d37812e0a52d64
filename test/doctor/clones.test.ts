import { equal, notEqual } from "node:assert/strict";
import { Sightings, together } from "../../lib/doctor/clones.ts";
import { markOf } from "../../lib/doctor/mark.ts";

/** Frames at these times, each another one unless a name is given. */
function seen(name: string, times: readonly number[], all = false): Sightings {
  const sightings = new Sightings();
  for (const at of times) sightings.add(all ? name : `${name} ${at}`, at);
  return sightings;
}

describe("how long an Ethernet address was in two places", () => {
  it("is the time for which it sent from both", () => {
    equal(together(seen("near", [0, 100, 900]), seen("far", [300, 700])), 400);
    equal(together(seen("near", [300, 700]), seen("far", [0, 100, 900])), 400);
    // One who asks the same thing again and again is there all the time.
    equal(together(seen("near", [0, 100, 900], true), seen("far", [300, 700], true)), 400);
  });

  it("is no time where it moved from the one to the other, or was seen once", () => {
    equal(together(seen("near", [0, 100]), seen("far", [300, 700])) < 0, true);
    equal(together(seen("near", [0, 900]), seen("far", [400])), 0);
    equal(together(seen("near", [0, 900]), new Sightings()), 0);
  });

  it("does not count what came around in a loop", () => {
    equal(together(seen("one", [0, 200, 900], true), seen("one", [100, 300, 800], true)), 0);
    const [near, far] = [seen("near", [0, 900]), seen("far", [200, 600])];
    near.add("around", 950);
    far.add("around", 990);
    equal(together(near, far), 400);
  });

  it("is not known where most went around in a loop, or of what came when no more was kept", () => {
    const times = Array.from({ length: 700 }, (_, at) => at * 2);
    const [near, far] = [seen("one", times), new Sightings()];
    for (const at of times) far.add(`one ${at}`, at + 1);
    equal(together(near, far), 0);
    const [few, lossy] = [seen("one", [0, 100, 200, 300, 400]), seen("one", [0, 100, 200])];
    lossy.add("of another", 20);
    lossy.add("of another", 390);
    equal(together(few, lossy), 0);
  });
});

describe("what a frame is known again by", () => {
  const ETHERNET = "020000000002020000000001";
  const mark = (hex: string): string => markOf(Buffer.from(hex.replaceAll(" ", ""), "hex"));
  const UDP = "4500002812344000401100000a0000010a000002 9c401f9000140000";
  const DONE = "45000028123440004011148f0a0000010a000002 9c401f900014ca5b";

  it("is the same with its checksum and without, in a bundle and cut, behind a tag and filled up", () => {
    const one = mark(`${ETHERNET}0800 ${UDP} 00000000`);
    equal(mark(`${ETHERNET}0800 ${DONE} 00000000`), one);
    equal(mark(`${ETHERNET}8100000a0800 ${DONE}`), one);
    equal(mark(`${ETHERNET}0800 ${UDP.replace("45000028", "4500ea60")} aaaa`), one);
    const arp = `${ETHERNET}0806 0001080006040001020000000001 0a000001000000000000 0a000002`;
    equal(mark(`${arp} ${"00".repeat(18)}`), mark(arp));
  });

  it("is another one for another connection or another question", () => {
    const one = mark(`${ETHERNET}0800 ${UDP}`);
    notEqual(mark(`${ETHERNET}0800 ${UDP.replace("9c40", "9c41")}`), one);
    notEqual(mark(`${ETHERNET}0800 ${UDP.replace("0a000001", "0a000003")}`), one);
    const echo = `${ETHERNET}0800 4500001c123440004001 0000 0a0000010a000002 0800f7fd00010001`;
    notEqual(mark(echo), mark(echo.replace("f7fd00010001", "f7fc00010002")));
  });
});
