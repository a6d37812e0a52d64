import assert from "node:assert";
import { assertSandboxed, leakCheck } from "../../lib/testkit/index.ts";
import { needs } from "../../test/needs.ts";
import { linkwright } from "./kit.ts";

describe("linkwright demo", function () {
  this.timeout(60_000);
  before(function () {
    assertSandboxed();
    needs(this, "unshare");
  });

  it("happens as told, in less than 30 seconds, and leaves nothing behind", async () => {
    const check = leakCheck();
    const start = performance.now();
    const { status, stdout, stderr } = linkwright("demo");
    const seconds = (performance.now() - start) / 1000;
    assert.equal(stderr, "");
    assert.equal(status, 0, stdout);
    assert.ok(seconds < 30, `${seconds} s`);
    assert.match(stdout, /1500 − 50 = 1450/);
    assert.match(stdout, /✓ {2}one write of 1403 bytes +hangs/);
    assert.match(stdout, /\d+ steps, all as told, in \d+\.\d s/);
    for (const line of stdout.split("\n")) assert.ok([...line].length <= 80, line);
    await check();
  });

  it("gives its results as JSON", () => {
    const { status, stdout } = linkwright("demo", "--json");
    assert.equal(status, 0);
    const { ok, ms, chapters } = JSON.parse(stdout);
    assert.equal(ok, true);
    assert.ok(ms < 30_000);
    assert.equal(chapters.length, 7);
    for (const { checks } of chapters)
      for (const check of checks) assert.deepEqual([check.ok, check.seen], [true, check.expected], check.what);
  });
});
