import { deepEqual, equal, ok } from "node:assert/strict";
import { type CAUSES, diagnose } from "../../lib/doctor/index.ts";
import { FAULTS, type FaultName, inject } from "../../lib/testkit/faults.ts";
import { Lab } from "../../lib/testkit/index.ts";

/** What is found is called as what was done, but for these: one cause, two ways to it. */
const ALSO: Readonly<Record<string, keyof typeof CAUSES>> = { "underlay-shrunk": "underlay-mtu" };
const expected = (fault: FaultName): string => ALSO[fault] ?? fault;

/** In a lab everybody is near. */
const BRISK = { patience: 600, listen: 700 };

describe("the doctor", function () {
  this.timeout(60_000);

  it("finds nothing wrong with healthy hosts", async () => {
    await using lab = await Lab.up("examples/two-hosts.yaml");
    for (const name of lab.hosts) {
      const { findings, unseen } = await diagnose(lab.host(name), BRISK);
      deepEqual([findings, unseen], [[], []], name);
    }
  });

  for (const fault of FAULTS)
    it(`finds ${fault}`, async () => {
      await using lab = await Lab.up("examples/two-hosts.yaml");
      await inject(lab, fault, "bm1");
      const talk = chatter(lab);
      const { findings } = await diagnose(lab.host("bm1"), BRISK);
      await talk();
      const [first] = findings;
      equal(first?.cause, expected(fault), JSON.stringify(findings, null, 2));
      ok(first.evidence.length > 0 && first.fix !== "" && first.severity !== "note");
    });
});

/** Guests that try to reach one another, as they do; returns how to end it. */
function chatter(lab: Lab): () => Promise<void> {
  const stop = new AbortController();
  const guests = lab.guests.map((name) => lab.guest(name));
  const talks = guests.map(async (guest) => {
    const others = guests.filter((one) => one !== guest).flatMap(({ addresses }) => addresses);
    const worker = await guest.node.worker();
    while (!stop.signal.aborted)
      for (const address of others) await worker.ping(address, { timeout: 200, count: 2 }).catch(() => undefined);
  });
  return async () => {
    stop.abort();
    await Promise.all(talks);
  };
}
