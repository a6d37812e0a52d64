/** Differences of texts, as the program `patch` takes them. */
import { deepEqual, equal } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { unifiedDiff } from "../../lib/systemd/diff.ts";
import { firstTryCounts, needs } from "../needs.ts";

const lines = fc.array(fc.constantFrom("a", "b", "c", ""), { maxLength: 30 });
const textOf = (list: readonly string[]): string => list.map((line) => `${line}\n`).join("");

describe("a diff", function () {
  firstTryCounts(this);

  it("has the change, and three lines around it", () => {
    const before = textOf(["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    deepEqual(unifiedDiff("/f", before, before), []);
    deepEqual(unifiedDiff("/f", before, before.replace("5\n", "five\nV\n")), [
      "--- /f",
      "+++ /f",
      "@@ -2,7 +2,8 @@",
      ...[" 2", " 3", " 4", "-5", "+five", "+V", " 6", " 7", " 8"],
    ]);
    deepEqual(unifiedDiff("/f", undefined, "new\n"), ["--- /dev/null", "+++ /f", "@@ -0,0 +1,1 @@", "+new"]);
    deepEqual(unifiedDiff("/f", "old\n", undefined), ["--- /f", "+++ /dev/null", "@@ -1,1 +0,0 @@", "-old"]);
  });

  it("is what patch makes the new text of", function () {
    needs(this, "patch");
    const directory = mkdtempSync(join(tmpdir(), "linkwright-test-"));
    const file = join(directory, "f");
    try {
      fc.assert(
        fc.property(lines, lines, (one, other) => {
          const [before, after] = [textOf(one), textOf(other)];
          fc.pre(before !== after && before !== "" && after !== "");
          writeFileSync(file, before);
          const input = textOf(unifiedDiff("f", before, after));
          const { status, stdout } = spawnSync("patch", ["--fuzz=0", "-p0", file], { input, encoding: "utf8" });
          equal(status, 0, stdout);
          equal(readFileSync(file, "utf8"), after);
        }),
        { numRuns: 40 },
      );
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
