import { deepEqual, ok } from "node:assert/strict";
import { causeOf, FAULTS, type FaultName, findings, inTurns, UNDERLAYS, type Underlay, whyNot } from "./matrix.ts";

/** What depends on the kind of underlay; `npm run test:doctor` tries all of them on each. */
const SOME: readonly FaultName[] = [
  "vni-mismatch",
  "family-mismatch",
  "stale-entry",
  "vxlan-filtered-here",
  "underlay-mtu",
];
const TRIED: Readonly<Record<Underlay, readonly FaultName[]>> = {
  "IPv4 unicast": FAULTS,
  "IPv6 unicast": SOME,
  "IPv4 multicast": SOME,
};

describe("the doctor", function () {
  this.timeout(120_000);

  for (const underlay of Object.keys(UNDERLAYS) as Underlay[]) {
    it(`finds nothing wrong with healthy hosts, ${underlay}`, async () => {
      deepEqual(await findings(underlay, undefined), []);
    });

    it(`names what is wrong first, with evidence and a way to mend it, ${underlay}`, async () => {
      const faults = TRIED[underlay].filter((one) => whyNot(one, underlay) === undefined);
      const all = await inTurns(faults, async (fault) => ({ fault, found: await findings(underlay, fault) }));
      const named = all.map(({ fault, found }) => [fault, found[0]?.cause ?? "nothing"]);
      deepEqual(
        named,
        faults.map((fault) => [fault, causeOf(fault)]),
      );
      for (const { found } of all)
        for (const { evidence, fix, severity, subject, text } of found.slice(0, 1)) {
          ok(evidence.length > 0 && fix !== "" && subject !== "" && text !== "");
          ok(severity !== "note");
        }
    });
  }
});
