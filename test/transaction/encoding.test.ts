/** How a journal of this format writes values: one that another version wrote has to be read the same. */
import { deepEqual, equal, throws } from "node:assert/strict";
import { decode, encode } from "../../lib/transaction/encoding.ts";

const TABLE: readonly (readonly [value: unknown, text: string])[] = [
  [[null, true, "text", 1.5], '[null,true,"text",1.5]'],
  [{ vni: 39, deep: [{ up: false }] }, '{"vni":39,"deep":[{"up":false}]}'],
  [{ cookie: 2n ** 64n - 1n }, '{"cookie":{"$bigint":"18446744073709551615"}}'],
  [[-1n], '[{"$bigint":"-1"}]'],
  [{ mac: new Uint8Array([0, 171, 255]) }, '{"mac":{"$bytes":"00abff"}}'],
  [new Uint8Array(), '{"$bytes":""}'],
];

describe("a value in a journal", () => {
  for (const [value, text] of TABLE)
    it(`is ${text}`, () => {
      equal(encode(value), text);
      deepEqual(decode(text), value);
    });

  it("has no properties that are undefined", () => equal(encode({ a: undefined, b: 1 }), '{"b":1}'));

  it("is not taken for what it is not: a map of a document may have any key", () => {
    deepEqual(decode('{"$bigint":1,"$bytes":null}'), { $bigint: 1, $bytes: null });
    throws(() => decode('{"$bigint":'), SyntaxError);
  });
});
