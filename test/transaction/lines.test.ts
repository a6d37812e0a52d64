/** Lines with checksums: whatever is cut off or changed, nothing is told that was not written. */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { lineOf, parseLines } from "../../lib/transaction/lines.ts";
import { firstTryCounts } from "../needs.ts";

const value = fc.record(
  {
    type: fc.constantFrom("do", "done", "back"),
    step: fc.nat(),
    reason: fc.string({ unit: "binary" }),
    cookie: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    bytes: fc.uint8Array({ maxLength: 4 }),
  },
  { noNullPrototype: true },
);
const some = fc.array(value, { minLength: 1, maxLength: 5 });

/** All values as one text. */
function written(values: readonly unknown[]): string {
  let [text, before] = ["", ""];
  for (const one of values) {
    const { line, sum } = lineOf(before, one);
    text += line;
    before = sum;
  }
  return text;
}

describe("lines with checksums", function () {
  firstTryCounts(this);

  it("are read as they were written, and gone on with", () =>
    fc.assert(
      fc.property(some, value, (values, next) => {
        const text = written(values);
        const read = parseLines(text);
        ok(typeof read === "object");
        deepEqual(read.values, values);
        equal(read.length, Buffer.byteLength(text));
        equal(text + lineOf(read.sum, next).line, written([...values, next]));
      }),
    ));

  it("that are cut off anywhere are the whole ones before the cut", () =>
    fc.assert(
      fc.property(some, fc.nat(), (values, at) => {
        const bytes = Buffer.from(written(values));
        const cut = bytes.subarray(0, at % bytes.length).toString("utf8");
        const read = parseLines(cut);
        ok(typeof read === "object");
        const whole = cut.split("\n").length - 1;
        deepEqual(read.values, values.slice(0, whole));
        equal(read.length, Buffer.byteLength(written(values.slice(0, whole))));
      }),
    ));

  it("of which a byte was changed are refused at its line, wherever it was", () =>
    fc.assert(
      fc.property(some, fc.nat(), fc.integer({ min: 1, max: 255 }), (values, at, flip) => {
        const bytes = Buffer.from(written(values));
        const place = at % bytes.length;
        const line = bytes.subarray(0, place).toString("latin1").split("\n").length;
        bytes[place] = (bytes[place] ?? 0) ^ flip;
        equal(parseLines(bytes.toString("utf8")), line);
      }),
      { numRuns: 1000 },
    ));

  it("of which one is missing, twice there, or at another place are refused", () =>
    fc.assert(
      fc.property(some, value, fc.nat(), (values, other, at) => {
        const all = [...values, other, other].map((one, i) => ({ ...one, step: i }));
        const lines = written(all).split("\n").slice(0, -1);
        const place = at % (lines.length - 1);
        const twice = lines.toSpliced(place, 0, lines[place] ?? "");
        for (const [edited, number] of [
          [lines.toSpliced(place, 1), place + 1],
          [twice, place + 2],
          [lines.with(place, lines[place + 1] ?? "").with(place + 1, lines[place] ?? ""), place + 1],
        ] as const)
          equal(parseLines(`${edited.join("\n")}\n`), number);
      }),
    ));
});
