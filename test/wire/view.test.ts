import { deepEqual, equal, throws } from "node:assert/strict";
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { ifinfomsg } from "../../lib/families/route.ts";
import { ifla, newlink } from "../../lib/links/schema.ts";
import { Reader, viewed, WireError } from "../../lib/wire/index.ts";
import { capture } from "../fixtures.ts";
import { firstTryCounts } from "../needs.ts";

const HEADER = 16;
const links = readdirSync("test/fixtures/links")
  .filter((file) => file.endsWith(".hex"))
  .flatMap((file) => capture(`links/${file}`).map((bytes, at) => ({ name: `${file} ${at + 1}`, bytes })));
const linkView = viewed(newlink, ifinfomsg, ifla);

describe("wire: views", function () {
  firstTryCounts(this);
  for (const { name, bytes } of links)
    it(`${name}: each attribute reads as it does when all are decoded`, () => {
      const eager = newlink.body.read(new Reader(bytes), HEADER, bytes.length);
      const view = linkView.body.read(new Reader(bytes), HEADER, bytes.length);
      deepEqual(view.header, eager.header);
      for (const key of Object.keys(ifla.fields) as (keyof typeof view.attrs)[])
        deepEqual(view.attrs[key], eager.attrs[key], key);
    });

  it("outlive the memory they were read from", () => {
    const { bytes } = links[0] as (typeof links)[number];
    const block = new Uint8Array(4096);
    block.set(bytes, 2048);
    const from = new Reader(block);
    from.datagram(2048, 2048 + bytes.length);
    const view = linkView.body.read(from, 2048 + HEADER, 2048 + bytes.length);
    const name = view.attrs.ifname;
    block.fill(0xff);
    equal(view.attrs.ifname, name);
    equal(typeof name, "string");
  });

  it("never crash, and refuse only what has no whole header", () => {
    const { bytes } = links[0] as (typeof links)[number];
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, cut) => {
        const broken = bytes.slice(0, cut);
        if (at < cut) broken[at] = value;
        if (cut < HEADER + 16) {
          throws(() => linkView.body.read(new Reader(broken), HEADER, cut), WireError);
          return;
        }
        const { attrs } = linkView.body.read(new Reader(broken), HEADER, cut);
        for (const key of Object.keys(ifla.fields) as (keyof typeof attrs)[]) void attrs[key];
      }),
      { numRuns: 300 },
    );
  });
});
