/** YAML as documents have it: what is read of it, where things stand in it, and what is refused. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../../lib/state/error.ts";
import { parseSource, readSource } from "../../lib/state/source.ts";

const read = (text: string): unknown => parseSource(text, "f.yaml").value;
function said(text: string | Uint8Array): string[] {
  try {
    parseSource(text, "f.yaml");
  } catch (error) {
    ok(error instanceof ConfigError, String(error));
    return error.message.split("\n");
  }
  return [];
}
const MOST = 8 * 1024 * 1024;

describe("a source of YAML", () => {
  it("is plain values", () => {
    deepEqual(read("a: 1\nb: [x, null, true, 2.5]\n3: {}\nempty:"), {
      a: 1,
      b: ["x", null, true, 2.5],
      3: {},
      empty: null,
    });
  });

  it("follows aliases, in values and in keys", () => {
    deepEqual(read("one: &v [1, 2]\ntwo: *v\nname: &k x\n*k : 3"), { one: [1, 2], two: [1, 2], name: "x", x: 3 });
  });

  it("merges maps, of which the first says what several say, and the map itself goes before all", () => {
    const text = "a: &a { x: 1, y: 1 }\nb: &b { y: 2, z: 2 }\nlist: { <<: [*a, *b], x: 9 }\none: { x: 8, <<: *b }";
    const { list, one } = read(text) as Record<string, unknown>;
    deepEqual(list, { x: 9, y: 1, z: 2 });
    deepEqual(one, { x: 8, y: 2, z: 2 });
    deepEqual(read("a: { <<: [{ x: 1 }, null], y: 2 }"), { a: { x: 1, y: 2 } });
    // Nothing to merge: a key like others.
    deepEqual(read('a: { "<<": text }'), { a: { "<<": "text" } });
  });

  it("refuses keys that are no text, and none that is", () => {
    const wrong = "a key is text; put quotes around it";
    deepEqual(said("true: 1"), [`f.yaml:1:1: ${wrong}`]);
    deepEqual(said("a:\n  [x, y]: 1"), [`f.yaml:2:3: a: ${wrong}`]);
    deepEqual(said("__proto__: { x: 1 }"), [`f.yaml:1:1: ${wrong}`]);
    deepEqual(said("a: { x: 1, null: 2, false: 3 }").length, 2);
    deepEqual(said("5: { 6: x }"), []);
  });

  it("refuses values that no document has", () => {
    const wrong = "expected maps, lists, text, numbers, true, false; put quotes around it to make it text";
    deepEqual(said("a: !!binary aGk="), [`f.yaml:1:13: a: ${wrong}`]);
    deepEqual(said("a: *b"), ["f.yaml:1:4: a: there is no &b above that *b could stand for"]);
  });

  it("knows where values and keys stand, or as much of a path as there is", () => {
    const source = parseSource("linkwright: 1\nlinks:\n  a: { mtu: 1 }\n  b: &b [x, y]\n  c: *b\n", "f.yaml");
    const at = (...path: (string | number)[]): string => {
      const [value, key] = [source.locate(path), source.locateKey(path)];
      return `${value.line}:${value.column} ${key.line}:${key.column}`;
    };
    equal(at(), "1:1 1:1");
    equal(at("links", "a", "mtu"), "3:13 3:8");
    equal(at("links", "b", 1), "4:13 4:13");
    equal(at("links", "nothing", "below"), "3:3 2:1");
    equal(at("links", "b", 7), "4:9 4:3");
    deepEqual(source.origin(["links", 0]), ["links", 0]);
  });

  it("says in one line what the parser found, and twice the same key for each", () => {
    deepEqual(said("a: 1\na: 2\nb: 1\nb: 2"), [
      "f.yaml:2:1: the same key stands twice in this map; keep one",
      "f.yaml:4:1: the same key stands twice in this map; keep one",
    ]);
    deepEqual(said("a: 1\n---\nb: 2"), ["f.yaml:2:1: more than one YAML document in one file; keep one"]);
    const [line = "", ...more] = said("a: [1, 2\nb: }");
    equal(more.length, 0);
    ok(/^f\.yaml:2:\d+: this is not YAML: \S.*[^:]$/.test(line), line);
    deepEqual(said(""), ["f.yaml:1:1: the file is empty; a document begins with `linkwright: 1`"]);
    deepEqual(said("- a"), [
      "f.yaml:1:1: expected a map of keys such as links and sysctls; it begins with `linkwright: 1`",
    ]);
  });

  it("refuses what is no text, by its first bytes or its size", () => {
    deepEqual(said(Buffer.from([0x61, 0x00])), ["f.yaml:1:1: this is a binary file, not a YAML document"]);
    deepEqual(said(Buffer.from([0x61, 0xff])), ["f.yaml:1:1: this is not text in UTF-8; a document is YAML text"]);
    const big = Buffer.alloc(MOST + 1, "#");
    deepEqual(said(big), [
      `f.yaml:1:1: the file has ${MOST + 1} bytes; a document has at most ${MOST}: is this the right file?`,
    ]);
    big.write("a: 1\n");
    deepEqual(said(big.subarray(0, MOST)), []);
  });

  it("refuses values too deep within each other, and aliases that stand for too much", () => {
    const deep = (levels: number): string => `a: ${"[".repeat(levels)}1${"]".repeat(levels)}`;
    const wrong = ["f.yaml:1:1: too many values, or values too deep within each other; are aliases nested?"];
    deepEqual(said(deep(63)), []);
    deepEqual(said(deep(64)), wrong);
    // Each value of an alias counts, at 100,000 of them it ends: a hundred lists of a thousand numbers, and the lists themselves.
    const lists = (count: number): string =>
      `x: &x [${Array.from({ length: 998 }, (_, i) => i).join(",")}]\ny: &y [${"*x,".repeat(count)}]`;
    deepEqual(said(lists(100)), []);
    deepEqual(said(lists(101)), wrong);
    // So deep that the parser itself gives up.
    const [line] = said(deep(50_000));
    ok(line?.includes("too deep within each other"), line);
  });
});

describe("a file of YAML", () => {
  let folder = "";
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "linkwright-source-"));
  });
  after(() => rmSync(folder, { recursive: true }));
  const refused = (file: string, message: string): Promise<void> =>
    rejects(readSource(file), { name: "ConfigError", message: `${file}:1:1: ${message}` });

  it("is read whole", async () => {
    const file = join(folder, "good.yaml");
    writeFileSync(file, "a: 1");
    const { value, file: name } = await readSource(file);
    deepEqual([value, name], [{ a: 1 }, file]);
  });

  it("that cannot be read says why", async () => {
    await refused(join(folder, "none.yaml"), "there is no such file");
    await refused(folder, "this is a directory, not a file");
    await rejects(readSource(join(folder, "good.yaml", "below")), /:1:1: cannot be read: ENOTDIR/);
  });

  it("that is too large is not read at all", async () => {
    const file = join(folder, "big.yaml");
    writeFileSync(file, "");
    truncateSync(file, 2 ** 33);
    await refused(file, `the file has ${2 ** 33} bytes; a document has at most ${MOST}: is this the right file?`);
  });
});
