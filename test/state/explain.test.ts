/** The words for what becomes of each field. */
import { deepEqual } from "node:assert/strict";
import { explainKept, explainStep } from "../../lib/state/describe.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import type { Observed } from "../../lib/state/observed.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource } from "../../lib/state/source.ts";

const HOST: Observed = {
  links: [
    { name: "eth0", mtu: 1500, up: true },
    { name: "v", kind: "vxlan", vni: 7, dev: "eth0", dstport: 4789, mtu: 1450, up: true, ttl: 0 },
    { name: "br0", kind: "bridge", mtu: 1500, up: true, stp: false, ageing: 300 },
  ],
};
const explained = (body: string): string[][] => {
  const found = plan(HOST, desiredOf(parseSource(`linkwright: 1\n${body}`)));
  return [...found.steps.map((step) => explainStep(step, found)), explainKept(found)];
};

describe("plan --explain", () => {
  it("says what is created, changed in place, removed and kept, and why", () =>
    deepEqual(
      explained(`links:
  eth0: { mtu: 1500, up: true }
  br0: { kind: bridge, stp: true, ageing: 300 }
  br1: { kind: bridge, stp: true }
  v: { state: absent, kind: vxlan }`),
      [
        ["    remove", "    why: to be absent"],
        ["    change in place: stp", "    keep: up, ageing", "    why: differs from the document"],
        ["    create: stp, up", "    why: not there"],
        ["= link eth0  keep: mtu, up"],
      ],
    ));

  it("says what is made again, and what that drops", () =>
    deepEqual(explained("links: { v: { kind: vxlan, vni: 8, dev: eth0, dstport: 4789 } }"), [
      [
        "    recreate (drops: traffic through v): vni",
        "    keep: up, dev, dstport",
        "    why: vni cannot change on a live link",
      ],
      [],
    ]));
});
