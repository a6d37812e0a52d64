/** The document in README.md is the example, but for what it leaves out. */
import { deepEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { checkAll, derive } from "../../lib/fabric/fabric.ts";
import { describePlan } from "../../lib/state/describe.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import type { Observed } from "../../lib/state/observed.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource } from "../../lib/state/source.ts";

const read = (file: string): string => readFileSync(file, "utf8");

/** What the document in a text does to a host on which nothing is set up. */
function linesOf(document: string): readonly string[] {
  const source = parseSource(document, "two-hosts.yaml");
  checkAll(source);
  const current = parse(read("test/plans/founding-story-on-an-empty-host/current.yaml")) as Observed;
  return describePlan(plan(current, desiredOf(derive(source, "bm1"))));
}

describe("README.md", () => {
  it("plans what the example plans, but for reverse path filters", () => {
    const [, document = ""] = /^```yaml\n(.*?)^```$/ms.exec(read("README.md")) ?? [];
    const example = linesOf(read("examples/two-hosts.yaml"));
    deepEqual(
      linesOf(document),
      example.filter((line) => !line.includes(".rp_filter")),
    );
  });
});
