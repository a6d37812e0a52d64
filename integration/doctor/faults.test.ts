import { deepEqual, equal, ok } from "node:assert/strict";
import { causeOf, FAULTS, findings, UNDERLAYS, type Underlay, whyNot } from "./matrix.ts";

describe("the doctor", function () {
  this.timeout(60_000);

  for (const underlay of Object.keys(UNDERLAYS) as Underlay[]) {
    it(`finds nothing wrong with healthy hosts, ${underlay}`, async () => {
      deepEqual(await findings(underlay, undefined), []);
    });

    for (const fault of FAULTS.filter((one) => whyNot(one, underlay) === undefined))
      it(`finds ${fault}, ${underlay}`, async () => {
        const found = await findings(underlay, fault);
        const [first] = found;
        equal(first?.cause, causeOf(fault), JSON.stringify(found, null, 2));
        ok(first.evidence.length > 0 && first.fix !== "" && first.severity !== "note");
      });
  }
});
