/** The words for what becomes of each field. */
import { deepEqual, equal } from "node:assert/strict";
import fc from "fast-check";
import { parse } from "yaml";
import { countForeign, explainForeign, explainKept, explainStep } from "../../lib/state/describe.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import { flow } from "../../lib/state/flow.ts";
import { foreignOf } from "../../lib/state/foreign.ts";
import type { Observed } from "../../lib/state/observed.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource } from "../../lib/state/source.ts";
import { firstTryCounts } from "../needs.ts";

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

describe("plan --explain", function () {
  firstTryCounts(this);

  it("says what is created, changed in place, removed and kept, and why", () =>
    deepEqual(
      explained(`links:
  eth0: { mtu: 1500, up: true }
  br0: { kind: bridge, stp: true, ageing: 300 }
  br1: { kind: bridge, stp: true }
  v: { state: absent, kind: vxlan }`),
      [
        ["    remove", "    why: to be absent"],
        ["    change in place: stp", "    keep: up, ageing", "    why: differs from the document", "    after: link v"],
        ["    create: stp, up", "    why: not there", "    after: link v"],
        ["= link eth0  keep: mtu, up"],
      ],
    ));

  it("says where the document says so, and what is derived", () => {
    const desired = desiredOf(parseSource("linkwright: 1\nlinks:\n  w: { kind: vxlan, vni: 9, dev: eth0 }\n"));
    const found = plan(HOST, desired);
    deepEqual(
      found.steps.map((step) => explainStep(step, found, desired.source)),
      [
        [
          "    create: vni, dev, dstport, up",
          "    derived: up, as a link that the document makes is there to be used",
          "    derived: dstport 4789, the registered one; the kernel's own default would be 8472",
          "    why: not there (links.w, line 3)",
        ],
      ],
    );
  });

  it("counts what is left alone, and shows ten of each sort", () => {
    const desired = desiredOf(parseSource("linkwright: 1\nlinks: { eth0: { up: true } }\n"));
    const addresses = Array.from({ length: 12 }, (_, i) => ({ dev: "eth0", address: `192.0.2.${i + 1}/24` }));
    const rules = [{ priority: 5, family: "inet", action: "table", table: 7, from: "10.0.0.0/8", protocol: "boot" }];
    const host = { ...HOST, addresses, rules };
    const foreign = foreignOf(host, desired, plan(host, desired));
    equal(countForeign(foreign), "foreign, left alone: 1 link, 12 addresses, 1 rule");
    const classes = ["1:1 on a", "1:2 on a"].map((subject) => ({ object: "class" as const, subject }));
    equal(countForeign(classes), "foreign, left alone: 2 classes");
    const rows = explainForeign(foreign);
    deepEqual(
      rows.filter(([sort]) => sort !== "address"),
      [
        ["link", "v over eth0", "to remove it: links: { v: { kind: vxlan, state: absent } }"],
        ["", "and 2 more, which --json names", ""],
        ["rule", "5", "rules: [{ priority: 5, from: 10.0.0.0/8, table: 7 }]"],
      ],
    );
    equal(rows.length, 13);
  });

  it("writes values in one line that YAML reads as they are", () => {
    const texts = fc.oneof(
      fc.string({ unit: "binary", maxLength: 12 }),
      fc.stringMatching(/^[0-9a-f:./-]{0,12}$/),
      fc.constantFrom(
        "true",
        "Null",
        "1e3",
        "0x1f",
        "::/0",
        "fe80::",
        "2001:db8::/32",
        "02:00:00:00:00:01",
        "a: b",
        "#a",
      ),
    );
    const values = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: "small" },
        texts,
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie("any"), { maxLength: 3 }),
        fc.dictionary(
          texts.filter((key) => key !== "__proto__" && key !== "<<"),
          tie("any"),
          { maxKeys: 3, noNullPrototype: true },
        ),
      ),
    })).any;
    fc.assert(fc.property(values, (value) => deepEqual(parse(flow({ a: value })), { a: value })));
    equal(
      flow({ a: ["192.0.2.1/24", "2001:db8::/32", "fe80::"], b: {} }),
      '{ a: [192.0.2.1/24, 2001:db8::/32, "fe80::"], b: {} }',
    );
  });

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
