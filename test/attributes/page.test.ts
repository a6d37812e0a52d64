import { deepEqual, ok } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { skip } from "../needs.ts";
import { UNSEEN, UNUSED } from "./exceptions.ts";
import { headers, page, sectionTitles, uncaptured } from "./page.ts";

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

  it("has a capture of each attribute, or the reason why there is none", () => {
    const excused = new Map<string, string[]>();
    for (const keys of Object.values(UNSEEN))
      for (const [title, list] of Object.entries(keys)) excused.set(title, [...(excused.get(title) ?? []), ...list]);
    const sorted = (of: ReadonlyMap<string, readonly string[]>): object =>
      Object.fromEntries([...of].map(([title, list]) => [title, [...list].sort()]));
    deepEqual(sorted(uncaptured()), sorted(excused));
  });

  it("knows the sections of what is unused", () => {
    const titles = sectionTitles();
    deepEqual(
      Object.keys(UNUSED).filter((title) => !titles.includes(title)),
      [],
    );
  });
});
