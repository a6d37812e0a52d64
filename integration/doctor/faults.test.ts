import { deepEqual, ok } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { diagnose } from "../../lib/doctor/index.ts";
import { Lab } from "../../lib/testkit/index.ts";
import {
  BRISK,
  causeOf,
  FAULTS,
  type FaultName,
  findings,
  inTurns,
  UNDERLAYS,
  type Underlay,
  whyNot,
} from "./matrix.ts";

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
  "IPv6 multicast": ["local-missing", "vni-mismatch", "duplicate-mac"],
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

/** When the counters are there. */
async function later(send: () => Promise<void>): Promise<void> {
  await sleep(500);
  await send();
}

describe("the doctor with --witness", function () {
  this.timeout(60_000);

  it("counts what guests offer and send that is too large, and leaves nothing behind", async () => {
    await using lab = await Lab.up("examples/two-hosts.yaml");
    const [near, far] = lab.guests.map((name) => lab.guest(name));
    ok(near !== undefined && far !== undefined);
    const host = lab.host(near.on);
    const to = far.addresses[0] ?? "";
    const listening = await (await far.node.worker()).serve();
    const send = async (): Promise<void> => {
      const worker = await near.node.worker();
      await worker.fetch(to, listening.port, 100);
      await worker.ping(to, { size: 1500, df: false, timeout: 300 }).catch(() => undefined);
    };
    const look = async () =>
      (await Promise.all([diagnose(host, { ...BRISK, listen: 1500, witness: true }), later(send)]))[0];
    const tables = await host.nftables.list();
    deepEqual((await look()).findings, []);
    await lab.setGuestMtu(1500);
    const { findings, asked } = await look();
    deepEqual(
      findings.map(({ cause }) => cause),
      ["guest-mtu"],
    );
    ok((asked.witnessed["vxlan0"]?.syns ?? 0) >= 1, JSON.stringify(asked.witnessed));
    ok((asked.witnessed["vxlan0"]?.frames ?? 0) >= 1, JSON.stringify(asked.witnessed));
    ok(findings[0]?.evidence.some((one) => one.includes("handshakes")));
    deepEqual(await host.nftables.list(), tables);
  });
});
