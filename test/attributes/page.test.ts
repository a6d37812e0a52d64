import { deepEqual, ok } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { skip } from "../needs.ts";
import { UNSEEN, UNTRIED, UNUSED } from "./exceptions.ts";
import { headers, page, sectionTitles, uncaptured, untried } from "./page.ts";

const PAGE = "docs/attributes.md";

describe("the page of attributes", () => {
  it(`${PAGE} says what the declarations, the header and the captures say`, function () {
    const numbers = headers();
    if (numbers.get("IFLA_VXLAN_ID") === undefined) skip(this, "if_link.h is missing; apt-get install linux-libc-dev");
    if (numbers.has("IFLA_VXLAN_LOCALBYPASS")) skip(this, "the header here is newer than that of Linux 6.1");
    const made = page();
    ok(made.includes("| 1 | id | vni |"));
    if (process.env["UPDATE_DOCS"] !== undefined) writeFileSync(PAGE, made);
    ok(readFileSync(PAGE, "utf8") === made, `${PAGE} is out of date: UPDATE_DOCS=1 npm test -- test/attributes`);
  });

  /** Attributes by their section, without their reasons. */
  function excused(reasons: typeof UNSEEN): Map<string, string[]> {
    const found = new Map<string, string[]>();
    for (const keys of Object.values(reasons))
      for (const [title, list] of Object.entries(keys)) found.set(title, [...(found.get(title) ?? []), ...list]);
    return found;
  }
  const sorted = (of: ReadonlyMap<string, readonly string[]>): object =>
    Object.fromEntries([...of].map(([title, list]) => [title, [...list].sort()]));

  it("has a capture of each attribute, or the reason why there is none", () => {
    deepEqual(sorted(uncaptured()), sorted(excused(UNSEEN)));
  });

  it("says of each attribute whether a live object can be changed, or why nobody tried", () => {
    deepEqual(sorted(untried()), sorted(excused(UNTRIED)));
  });

  it("knows the sections of what is unused", () => {
    const titles = sectionTitles();
    deepEqual(
      Object.keys(UNUSED).filter((title) => !titles.includes(title)),
      [],
    );
  });
});
