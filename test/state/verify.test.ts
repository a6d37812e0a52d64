/** What is said of a host that was read again: there, not known to this kernel, or something else. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { describePlan, describeVerification } from "../../lib/state/describe.ts";
import { type Desired, desiredOf } from "../../lib/state/desired.ts";
import type { Observed } from "../../lib/state/observed.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource } from "../../lib/state/source.ts";
import { judge } from "../../lib/state/verify.ts";

const desired = (body: string): Desired => desiredOf(parseSource(`linkwright: 1\n${body}`));
const link = (more: object): Observed => ({
  links: [
    { name: "eth0", mtu: 1500, up: true },
    { name: "v", kind: "vxlan", vni: 1, dev: "eth0", mtu: 1450, up: true, ...more },
  ],
});

describe("judge", () => {
  it("finds what this kernel acknowledged and does not know", () => {
    const wanted = desired("links: { v: { kind: vxlan, vni: 1, localbypass: true } }");
    const before = plan(link({}), wanted);
    equal(before.steps.length, 1);
    const { ok: good, differences } = judge(plan(link({}), wanted), before);
    ok(good);
    deepEqual(
      differences.map(({ field, outcome }) => [field, outcome]),
      [["localbypass", "unsupported"]],
    );
  });

  it("finds what has another value", () => {
    const wanted = desired("links: { v: { kind: vxlan, vni: 1, mtu: auto, ageing: 5 } }");
    const found = judge(plan(link({ ageing: 300, mtu: 1400 }), wanted));
    equal(found.ok, false);
    deepEqual(describeVerification(found), [
      "✗ link v  ageing: wanted 5, found 300",
      "✗ link v  mtu: wanted 1450, found 1400",
      "2 of 4 properties as the document says; 2 differ",
    ]);
  });

  it("counts every property once, whatever became of it", () => {
    const wanted = desired(`links:
  b: { kind: bridge, mtu: auto, addresses: [192.0.2.1/24] }
  v: { kind: vxlan, vni: 1, dev: eth0, remotes: [192.0.2.8, 192.0.2.9], master: b, port: { learning: false } }
sysctls: { net.ipv4.ip_forward: 1, net.ipv4.conf.v.rp_filter: 0 }
nat: [{ masquerade: 192.0.2.0/24, out: eth0 }]`);
    const eth0 = { name: "eth0", mtu: 1500, up: true };
    const b = { name: "b", kind: "bridge", mtu: 1450, up: true };
    const v = {
      name: "v",
      kind: "vxlan",
      vni: 1,
      dev: "eth0",
      mtu: 1450,
      up: true,
      master: "b",
      port: { learning: false },
    };
    const far = (dst: string): object => ({ mac: "00:00:00:00:00:00", dev: "v", dst, state: "permanent", self: true });
    const whole = {
      links: [eth0, b, v],
      addresses: [{ address: "192.0.2.1/24", dev: "b", family: "inet" }],
      fdb: [far("192.0.2.8"), far("192.0.2.9")],
      sysctls: { "net.ipv4.ip_forward": "1", "net.ipv4.conf.v.rp_filter": "0" },
      ...(wanted.table != null && { table: wanted.table }),
    };
    const counts = (more: object): readonly number[] => {
      const { counts: found } = judge(plan({ ...whole, ...more } as unknown as Observed, wanted));
      return [found.same, found.differ, found.missing, found.foreign, found.untold];
    };
    deepEqual(counts({}), [15, 0, 0, 0, 0]);
    deepEqual(
      counts({ links: [eth0], addresses: [], fdb: [], sysctls: { "net.ipv4.ip_forward": "0" }, table: undefined }),
      [0, 1, 14, 0, 0],
    );
    deepEqual(counts({ fdb: [far("192.0.2.8"), far("192.0.2.7")] }), [14, 0, 1, 1, 0]);
    deepEqual(counts({ links: [eth0, { ...b, mtu: 1400 }, { ...v, port: { learning: true } }] }), [13, 2, 0, 0, 0]);
    // What goes with a link that has to be made again is there now.
    deepEqual(counts({ links: [eth0, b, { ...v, vni: 2 }] }), [14, 1, 0, 0, 0]);
  });

  it("counts what is as it should be", () => {
    const found = judge(plan(link({}), desired("links: { v: { kind: vxlan, vni: 1, mtu: auto } }")));
    deepEqual(describeVerification(found), ["all 3 properties as the document says"]);
    ok(found.ok);
    const sum = (body: string) => describeVerification(judge(plan(link({}), desired(body)))).at(-1);
    equal(sum("links: { eth0: { mtu: 1500 } }"), "the one property as the document says");
    equal(sum("links: {}"), "the document names no properties");
  });
});

describe("describePlan", () => {
  it("lets nothing through to the terminal", () => {
    const hostile = "\u001b[31m\n";
    const observed: Observed = {
      links: [
        { name: hostile, kind: "tun", mtu: 1400, master: "b", up: true },
        { name: "b", kind: "bridge", mtu: 1500, up: true },
      ],
    };
    const lines = describePlan(plan(observed, desired("links: { b: { kind: bridge, mtu: auto } }")));
    deepEqual(lines, ["~ link b  mtu 1500 → 1400 (the smallest of its ports: \\u001b[31m\\u000a)"]);
  });

  it("paints", () => {
    const found = plan({ links: [] }, desired("links: { b: { kind: bridge } }"));
    deepEqual(
      describePlan(found, (style, text) => `<${style}>${text}</>`),
      ["<create>+ link b</>  bridge up<dim></>"],
    );
  });
});
