import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CAUSES } from "../../lib/doctor/index.ts";
import { FAULTS } from "../../lib/testkit/faults.ts";

describe("docs/doctor.md, which `npm run test:doctor -- --report` writes", () => {
  const page = readFileSync(join(process.cwd(), "docs/doctor.md"), "utf8");
  /** The first column of the table below a heading. */
  const names = (heading: string): (string | undefined)[] => {
    const [, below = ""] = page.split(`## ${heading}\n`);
    const [section = ""] = below.split("\n## ");
    return [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name);
  };

  it("names every cause, in their order", () => deepEqual(names("Causes"), Object.keys(CAUSES)));
  it("has a row for every fault", () => deepEqual(names("Found by name"), FAULTS));
  it("tells of no fault that was not found, and of no healthy host that was called broken", () => {
    const cells = [...page.matchAll(/^\| `[^`]+` \|(.*)\|$/gm)].flatMap(([, row = ""]) => row.split("|"));
    ok(cells.some((cell) => cell.includes("✓")));
    deepEqual(
      cells.filter((cell) => /wrong:|not tried/.test(cell)),
      [],
    );
    const [, found, all] = /(\d+) of (\d+) were named first/.exec(page) ?? [];
    equal(found, all);
    match(page, /hosts: 0 findings of severity error\.$/m);
  });
});
