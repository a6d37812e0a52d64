import { deepEqual, equal, throws } from "node:assert/strict";
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { ifinfomsg } from "../../lib/families/route.ts";
import { ifla, newlink } from "../../lib/links/schema.ts";
import {
  at,
  attrs,
  chosen,
  excerpt,
  many,
  picked,
  Reader,
  tagged,
  text,
  u16,
  u32,
  WireError,
  Writer,
} from "../../lib/wire/index.ts";
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

  it("are put together alike of several attributes, wherever these stand", () => {
    const kind = attrs("K", { x: at(1, u32) });
    const schema = attrs("T", {
      a: at(1, u32),
      list: many(2, u16),
      info: tagged(3, 4, { k: kind }),
      name: at(5, text),
    });
    const keys = ["a", "list", "info", "name"] as const;
    const warm = chosen(schema, keys);
    const attribute = fc.record({ number: fc.nat(6), payload: fc.uint8Array({ maxLength: 8 }) });
    const kinds = fc.constant({ number: 3, payload: new Uint8Array([107, 0]) }); // "k"
    const broken = fc.option(fc.record({ at: fc.nat(4), length: fc.nat(9) }), { nil: undefined });
    const outcome = (read: () => unknown): unknown => {
      try {
        return read();
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        return error.message;
      }
    };
    fc.assert(
      fc.property(
        fc.array(fc.oneof(attribute, kinds), { maxLength: 6 }),
        fc.nat(3),
        fc.nat(3),
        broken,
        (list, before, cut, wrong) => {
          const out = new Writer();
          out.take(4 * before);
          for (const { number, payload } of list) {
            const begin = out.begin(number);
            out.bytes(payload);
            out.end(begin);
          }
          const end = Math.max(4 * before, out.length - cut);
          // A length that cannot be, where an attribute begins.
          if (wrong !== undefined && 4 * (before + wrong.at) < end) out.u16[2 * (before + wrong.at)] = wrong.length;
          const from = new Reader(out.finish());
          const read = (codec: typeof warm) => outcome(() => codec.read(from, 4 * before, end));
          deepEqual(read(warm), read(chosen(schema, keys)));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("are refused without a whole header", () => {
    const pick = picked(newlink, ifinfomsg, ifla, KEYS);
    throws(() => pick.body.read(new Reader(new Uint8Array(24)), HEADER, 24), WireError);
  });
});

describe("wire: excerpts", () => {
  const part = excerpt(newlink, ifinfomsg, chosen(ifla, ["ifname"]));

  it("have the header, what was chosen, and the whole when it is asked for", () => {
    for (const bytes of links) {
      const whole = newlink.body.read(new Reader(bytes), HEADER, bytes.length);
      const read = part.body.read(new Reader(bytes), HEADER, bytes.length);
      deepEqual([read.header, read.attrs], [whole.header, { ifname: whole.attrs.ifname }]);
      deepEqual(read.whole(), whole);
      equal(read.whole(), read.whole());
    }
  });

  it("are refused where the whole is", () => {
    throws(() => part.body.read(new Reader(new Uint8Array(24)), HEADER, 24), WireError);
  });
});
