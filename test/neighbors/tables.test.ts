import { deepEqual, throws } from "node:assert/strict";
import { ndta, ndtpa, newneightbl, setneightbl } from "../../lib/neighbors/table-schema.ts";
import {
  checkNeighborTable,
  type NeighborTable,
  type NeighborTableChange,
  neighborTableFromWire,
  neighborTableToWire,
} from "../../lib/neighbors/tables.ts";
import { indexIn, NAMES, readTwice } from "../addresses/attributes.ts";
import { compare, header } from "../headers.ts";

const CHANGE: NeighborTableChange = {
  family: "inet",
  dev: "d0",
  baseReachable: 20,
  retrans: 0.5,
  gcStale: 90,
  delayProbe: 3,
  queue: 50,
  appProbes: 1,
  ucastProbes: 2,
  mcastProbes: 4,
  anycastDelay: 0.7,
  proxyDelay: 0.6,
  proxyQueue: 33,
  locktime: 0.2,
};
const REFUSED: readonly (readonly [change: object, message: RegExp])[] = [
  [{ dev: "d0", retrans: 1 }, /^family: missing; expected one of inet, inet6/],
  [
    { family: "inet", retrans: -1 },
    /^retrans: expected seconds from 0 to 2147483, none but 0 shorter than 0.001, got -1/,
  ],
  [{ family: "inet", retrans: 0.0004 }, /^retrans: expected seconds .*, got 0.0004/],
  [{ family: "inet", gcInterval: 2_147_484 }, /^gcInterval: expected seconds /],
  [{ family: "inet", queue: 524_288 }, /^queue: expected a whole number from 0 to 524287, got 524288/],
  [{ family: "inet", dev: "d0", thresh1: 1 }, /^thresh1: is of the whole table; leave out dev/],
  [{ family: "inet", dev: "d0", queue: 1, queueBytes: 1 }, /^queueBytes: is another form of queue/],
  [{ family: "inet", dev: "d0", ucastProbe: 1 }, /^ucastProbe: unknown key; did you mean ucastProbes\?/],
];

describe("tables of neighbors", () => {
  const read = (name: string): NeighborTable | undefined =>
    neighborTableFromWire(readTwice(`neighbors/${name}.hex`, newneightbl), NAMES);

  it("reads the kernel's settings of a device", () => {
    const { reachable = 0, ...rest } = read("table-dev") ?? {};
    deepEqual(rest, { ...CHANGE, intervalProbe: 5, mcastReprobes: 0, queueBytes: 104_500 });
    deepEqual(reachable >= 10 && reachable <= 30, true);
  });

  it("reads the kernel's table", () => {
    const { statistics, thresh1, thresh2, thresh3, gcInterval, dev, locktime } = read("table") ?? {};
    deepEqual([thresh1, thresh2, thresh3, gcInterval, dev, locktime], [128, 512, 1024, 30, undefined, 1]);
    deepEqual(Object.keys(statistics ?? {}).length, 11);
  });

  it("asks as ip does", () => {
    const theirs = readTwice("requests/ntable.hex", setneightbl);
    const { header: head, attrs } = neighborTableToWire(CHANGE, indexIn);
    // It names the table alone, and no family.
    deepEqual([head.family, attrs], [2, theirs.attrs]);
  });

  for (const [change, message] of REFUSED)
    it(`refuses ${JSON.stringify(change)}`, () => {
      throws(() => checkNeighborTable(change as NeighborTableChange), { code: "ERR_INPUT", message });
    });

  it("numbers are those of neighbour.h, all of them", function () {
    const numbers = header(this, "neighbour.h");
    for (const schema of [ndta, ndtpa]) deepEqual(compare(numbers, schema).wrong, []);
  });
});
