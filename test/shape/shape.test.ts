import { deepEqual, equal, ok, throws } from "node:assert/strict";
import {
  boolean,
  check,
  checkList,
  checkOne,
  choice,
  InputError,
  integer,
  interfaceAddress,
  knownLinkName,
  linkName,
  list,
  mac,
  nearest,
  network,
  problem,
  seconds,
  shown,
  text,
  unknownKey,
} from "../../lib/shape/shape.ts";

describe("shapes", () => {
  it("accept what fits and nothing else", () => {
    const table: readonly (readonly [shape: { accepts(value: unknown): boolean }, good: unknown[], bad: unknown[]])[] =
      [
        [integer(1, 3), [1, 3], [0, 4, 1.5, "1", Number.NaN, null, undefined]],
        [seconds(10), [0, 0.5, 10], [-1, 10.1, "1"]],
        [boolean, [true, false], [1, "true", undefined]],
        [choice("a", "b"), ["a"], ["c", 1, "toString"]],
        [text(3), ["", "abc", "é"], ["abcd", "a\n", "a\u001b", 3, "éé"]],
        [
          linkName,
          ["a", "vxlan0", "eth0.100", "fifteen-bytes-x"],
          ["", "sixteen-bytes-xx", "a/b", "a\nb", "-x", ".", "..", "all", "default", "a b", "é", 7],
        ],
        [knownLinkName, ["", "a", "a b/é", "x".repeat(127)], ["x".repeat(128), "a\0", 7, null]],
        [mac, ["02:00:00:00:00:0A"], ["02:00:00:00:00", "02-00-00-00-00-01", ""]],
        [
          interfaceAddress,
          ["192.0.2.1/24", "2001:db8::1/128"],
          ["192.0.2.1", "192.0.2.1/33", "2001:db8::1/129", "192.0.2.1/2/4", "fe80::1%eth0/64", "x/8"],
        ],
        [network, ["default", "192.0.2.0/24", "192.0.2.1", "::/0"], ["192.0.2.0/x", "net"]],
        [list(boolean), [[], [true]], [[1], true]],
      ];
    for (const [shape, good, bad] of table) {
      for (const value of good) ok(shape.accepts(value), String(value));
      for (const value of bad) ok(!shape.accepts(value), String(value));
    }
  });

  it("say what was expected", () => {
    equal(problem(integer(0, 255, "hops"), 256), "expected a whole number of hops from 0 to 255, got 256");
    equal(problem(boolean, true), undefined);
  });

  it("show a refused value short, and harmless in a terminal", () => {
    equal(shown("\u001b[31m"), '"\\u001b[31m"');
    equal(shown("x".repeat(100)).length, 60);
    equal(shown(5n), "5");
    equal(shown(undefined), "undefined");
    equal(shown({ wide: 1n }), '{"wide":"1n"}');
    equal(
      shown(() => "\u001b[31m"),
      "a function",
    );
    const round: { self?: unknown } = {};
    round.self = round;
    equal(shown(round), "[object Object]");
  });
});

describe("did you mean", () => {
  const known = ["dst", "dstport", "remote", "vni", "port"];
  it("finds the word that was meant, swapped letters included", () => {
    for (const [word, meant] of [
      ["dts", "dst"],
      ["prot", "port"],
      ["remot", "remote"],
      ["VNI", "vni"],
      ["dsport", "dstport"],
    ] as const)
      equal(nearest(word, known), meant);
    equal(nearest("something", known), undefined);
    equal(unknownKey("vnii", known), "unknown key; did you mean vni?");
    equal(unknownKey("else", known), "unknown key; known are dst, dstport, remote, vni, port");
  });
});

describe("check", () => {
  const shapes = { vni: integer(0, 10), up: boolean };
  it("names the first property at fault by its path", () => {
    check(["vx"], shapes, { vni: 1, up: undefined });
    const path = (value: object): readonly string[] => {
      try {
        check(["vx"], shapes, value);
      } catch (error) {
        ok(error instanceof InputError);
        return error.path;
      }
      return [];
    };
    deepEqual(path({ vni: 11 }), ["vx", "vni"]);
    deepEqual(path({ up: 1 }), ["vx", "up"]);
    deepEqual(path({ vnii: 1 }), ["vx", "vnii"]);
    deepEqual(path({ toString: 1 }), ["vx", "toString"]);
    throws(() => check(["vx"], shapes, { vni: "1" }), {
      code: "ERR_INPUT",
      message: /^vx\.vni: expected a whole number/,
    });
  });

  it("takes objects only, and does not show what else it is: it may be a key", () => {
    for (const [value, is] of [
      [null, "null"],
      [undefined, "undefined"],
      ["secret", "string"],
      [[1], "a list"],
    ] as const) {
      throws(() => check([], shapes, value), { message: `config: expected an object, got ${is}` });
      throws(() => check([], shapes, value, "filter"), { path: ["filter"] });
      throws(() => check(["vx"], shapes, value), { path: ["vx"] });
    }
    throws(() => checkList(["configs"], {}), { message: "configs: expected a list, got object" });
    throws(() => checkOne(["id"], integer(0, 1), undefined), { message: /^id: expected .*, got undefined$/ });
    equal(new InputError([], "nothing").message, "nothing");
  });
});
