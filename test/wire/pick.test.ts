import { deepEqual, throws } from "node:assert/strict";
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { ifinfomsg } from "../../lib/families/route.ts";
import { ifla, newlink } from "../../lib/links/schema.ts";
import { picked, Reader, WireError } from "../../lib/wire/index.ts";
import { capture } from "../fixtures.ts";
import { firstTryCounts } from "../needs.ts";

const HEADER = 16;
const links = readdirSync("test/fixtures/links")
  .filter((file) => file.endsWith(".hex"))
  .flatMap((file) => capture(`links/${file}`));
const KEYS = ["ifname", "mtu", "linkinfo", "propList", "carrier", "stats64"] as const;
/** More messages than are read before the function is compiled. */
const OFTEN = 20;

describe("wire: picked attributes", function () {
  firstTryCounts(this);
  it("read as they do when all are decoded, before and after the reader is compiled", () => {
    const pick = picked(newlink, ifinfomsg, ifla, KEYS);
    for (let n = 0; n < OFTEN; n++)
      for (const bytes of links) {
        const { attrs } = newlink.body.read(new Reader(bytes), HEADER, bytes.length);
        const wanted = Object.fromEntries(KEYS.map((key) => [key, attrs[key]]));
        deepEqual(pick.body.read(new Reader(bytes), HEADER, bytes.length), wanted);
      }
  });

  it("read alike by the loop and by the compiled reader, whatever is broken", () => {
    const [bytes = new Uint8Array()] = links;
    const outcome = (
      pick: { read(from: Reader, start: number, end: number): unknown },
      broken: Uint8Array,
    ): unknown => {
      try {
        return pick.read(new Reader(broken), HEADER, broken.length);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        return error.message;
      }
    };
    const warm = picked(newlink, ifinfomsg, ifla, KEYS).body;
    for (let n = 0; n < OFTEN; n++) warm.read(new Reader(bytes), HEADER, bytes.length);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, cut) => {
        const broken = bytes.slice(0, cut);
        if (at < cut) broken[at] = value;
        const cold = picked(newlink, ifinfomsg, ifla, KEYS).body;
        deepEqual(outcome(warm, broken), outcome(cold, broken));
      }),
      { numRuns: 300 },
    );
  });

  it("are refused without a whole header", () => {
    const pick = picked(newlink, ifinfomsg, ifla, KEYS);
    throws(() => pick.body.read(new Reader(new Uint8Array(24)), HEADER, 24), WireError);
  });
});
