import { equal } from "node:assert/strict";
import * as net from "node:net";
import fc from "fast-check";
import { isIPv4, isIPv6 } from "../../lib/shape/ip.ts";
import { firstTryCounts } from "../needs.ts";

describe("shape: addresses", function () {
  firstTryCounts(this);

  it("are what Node takes for one", () => {
    const byte = fc.oneof(fc.nat(300).map(String), fc.constantFrom("", "00", "01", "256", "1a", " 1", "+1"));
    const dotted = fc.array(byte, { minLength: 3, maxLength: 5 }).map((parts) => parts.join("."));
    const near = fc.tuple(dotted, fc.constantFrom("", ".", "\n", "%0")).map((parts) => parts.join(""));
    const any = fc.oneof(near, fc.ipV4(), fc.ipV6(), fc.string());
    fc.assert(
      fc.property(any, (text) => {
        equal(isIPv4(text), net.isIPv4(text));
        equal(isIPv6(text), net.isIPv6(text));
      }),
      { numRuns: 2000 },
    );
  });
});
