/** What holds for any document: its key order does not matter, and a plan that was carried out leaves nothing to do. */
import { deepEqual, ok } from "node:assert/strict";
import fc from "fast-check";
import { stringify } from "yaml";
import { type Desired, desiredOf } from "../../lib/state/desired.ts";
import type { Observed } from "../../lib/state/observed.ts";
import { plan } from "../../lib/state/plan.ts";
import { planRemoval } from "../../lib/state/remove.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Step } from "../../lib/state/step.ts";
import { firstTryCounts } from "../needs.ts";
import { Model } from "./model.ts";

const RUNS = Number(process.env["FC_RUNS"] ?? 300);

const EMPTY: Observed = {
  links: [
    { name: "eth0", mtu: 1500, up: true, mac: "mac of eth0" },
    { name: "eth1", mtu: 9000, up: true, mac: "mac of eth1" },
  ],
  sysctls: { "net.ipv4.ip_forward": "0", "net.ipv4.conf.default.rp_filter": "2", "net.ipv4.conf.eth0.rp_filter": "1" },
};

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const far = fc.constantFrom("192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.14");

function vxlan(number: number): fc.Arbitrary<object> {
  const common = {
    kind: fc.constant("vxlan"),
    vni: fc.constantFrom(10 * number, 10 * number + 1),
    dev: fc.constantFrom("eth0", "eth1"),
    mtu: maybe(fc.constantFrom("auto", 1400)),
    master: maybe(fc.constantFrom("br0", "br1")),
    learning: maybe(fc.boolean()),
    ageing: maybe(fc.constantFrom(100, 200)),
    up: maybe(fc.boolean()),
  };
  const ported = (one: fc.Arbitrary<{ master?: unknown }>): fc.Arbitrary<object> =>
    fc.tuple(one, maybe(vlans)).map(([link, list]) => (link.master === undefined ? link : { ...link, vlans: list }));
  return fc.oneof(
    ported(fc.record({ ...common, remote: far })),
    fc.record({ ...common, remotes: fc.uniqueArray(far, { maxLength: 4 }) }),
    fc.constant({ state: "absent" }),
  );
}

/** VLANs, of which at most one is for frames without a tag. */
const vlans = fc
  .record({
    numbers: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 4 }),
    pvid: fc.integer({ min: 0, max: 6 }),
    gone: fc.integer({ min: 0, max: 6 }),
    range: fc.boolean(),
  })
  .map(({ numbers, pvid, gone, range }) => [
    ...numbers.map((vid) =>
      vid === gone ? { vid, state: "absent" } : vid === pvid ? { vid, pvid: true, untagged: vid % 2 === 0 } : vid,
    ),
    ...(range ? ["10-14"] : []),
  ]);

const bridge = fc.record({
  vlans: maybe(vlans),
  kind: fc.constant("bridge"),
  mtu: maybe(fc.constantFrom("auto", 1500, 1300)),
  stp: maybe(fc.boolean()),
  addresses: maybe(fc.uniqueArray(fc.constantFrom("a", "b"), { maxLength: 2 })),
});

/** A random document, as an object. */
const documents = fc
  .record({
    br0: bridge,
    br1: bridge,
    vx1: maybe(vxlan(1)),
    vx2: maybe(vxlan(2)),
    dm0: maybe(
      fc.record({
        kind: fc.constant("dummy"),
        mtu: maybe(fc.constantFrom(1200, 1280)),
        master: maybe(fc.constant("br0")),
      }),
    ),
    routes: fc.uniqueArray(fc.constantFrom(1, 2, 3), { maxLength: 3 }),
    ways: fc.uniqueArray(fc.constantFrom(1, 2, 3), { maxLength: 3 }),
    group: maybe(fc.constantFrom(1, 2)),
    rules: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
    table: fc.constantFrom(7, 8),
    filters: fc.uniqueArray(fc.constantFrom("default", "eth0", "br0", "br1"), { maxLength: 4 }),
    forward: maybe(fc.constantFrom("all", "replies")),
  })
  .map(({ br0, br1, vx1, vx2, dm0, routes, ways, group, rules, table, filters, forward }) => {
    const placed = (one: typeof br0, net: number): object => {
      const last = { a: 1, b: 2 } as Record<string, number>;
      return { ...one, addresses: one.addresses?.map((which) => `10.0.${net}.${last[which]}/24`) };
    };
    const links = {
      br0: placed(br0, 0),
      br1: placed(br1, 1),
      ...(vx1 && { vx1 }),
      ...(vx2 && { vx2 }),
      ...(dm0 && { dm0 }),
    };
    return {
      linkwright: 1,
      links,
      routes: [
        ...routes.map((number) => ({ dst: `10.${number}.0.0/16`, dev: number === 1 ? "br0" : "br1" })),
        ...ways.map((id) => ({ dst: `10.1${id}.0.0/16`, nhid: id })),
        ...(group && ways.length > 0 ? [{ dst: "10.20.0.0/16", nhid: 10 }] : []),
      ],
      nexthops: [
        ...(group && ways.length > 0 ? [{ id: 10, group: ways.map((id) => ({ id, weight: group })) }] : []),
        ...ways.map((id) => ({ id, via: `10.0.0.${id * table}`, dev: ["eth0", "br0", "br1"][id - 1] })),
      ],
      rules: rules.map((number) => ({ priority: 100 * number, from: `10.${table}.${number}.0/24`, table })),
      sysctls: Object.fromEntries(filters.map((name) => [`net.ipv4.conf.${name}.rp_filter`, 0])),
      ...(forward && { forward: [{ in: "br0", out: "eth0", accept: forward }] }),
    };
  });

function desired(document: unknown): Desired {
  return desiredOf(parseSource(stringify(JSON.parse(JSON.stringify(document)))));
}

/** The same document with the keys of all its maps in another order, and all lists but those of rules for packets. */
function shuffled(value: unknown, random: () => number, key = ""): unknown {
  if (Array.isArray(value)) {
    const items = value.map((one) => ({ one: shuffled(one, random), at: random() }));
    return (key === "forward" ? items : items.sort((a, b) => a.at - b.at)).map(({ one }) => one);
  }
  if (typeof value !== "object" || value === null) return value;
  const keys = Object.entries(value).map(([key, one]) => ({ key, one, at: random() }));
  return Object.fromEntries(keys.sort((a, b) => a.at - b.at).map(({ key, one }) => [key, shuffled(one, random, key)]));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  );
}

const order = (steps: readonly Step[]): unknown =>
  steps.map(({ id, moves }) => [id, sorted(moves.map(({ request }) => request))]);

/** Two models in the same state: ports' order and the like do not count; whether a bridge is pinned cannot be seen. */
function same(a: Observed, b: Observed): void {
  const text = (list: readonly unknown[] | undefined): string[] =>
    (list ?? []).map((one) => JSON.stringify(sorted(JSON.parse(JSON.stringify(one))))).sort();
  deepEqual(text(a.links), text(b.links));
  deepEqual(text(a.addresses), text(b.addresses));
  deepEqual(text(a.routes), text(b.routes));
  deepEqual(text(a.fdb), text(b.fdb));
  deepEqual(text(a.rules), text(b.rules));
  deepEqual(text(a.nexthops), text(b.nexthops));
  deepEqual(text(a.vlans), text(b.vlans));
}

describe("any document", function () {
  // Two seconds for each where nothing else runs; a counterexample is made smaller many times.
  this.timeout(60_000);
  firstTryCounts(this);
  it("means the same in whatever order its keys are", () => {
    fc.assert(
      fc.property(documents, fc.integer(), (document, seed) => {
        let state = seed >>> 0;
        const random = (): number => {
          state = (state * 1_664_525 + 1_013_904_223) >>> 0;
          return state;
        };
        deepEqual(
          order(plan(EMPTY, desired(shuffled(document, random))).steps),
          order(plan(EMPTY, desired(document)).steps),
        );
      }),
      { numRuns: RUNS },
    );
  });

  it("has each step after those that it needs", () => {
    fc.assert(
      fc.property(documents, (document) => {
        const { steps } = plan(EMPTY, desired(document));
        const ids = steps.map(({ id }) => id);
        ok(new Set(ids).size === ids.length, ids.join());
        for (const [i, { needs }] of steps.entries())
          for (const need of needs) ok(ids.indexOf(need) < i || need === ids[i], need);
      }),
      { numRuns: RUNS },
    );
  });

  it("leaves nothing to do once its plan was carried out, also after another document", () => {
    fc.assert(
      fc.property(documents, documents, (first, second) => {
        const model = new Model(EMPTY);
        for (const document of [first, second]) {
          const wanted = desired(document);
          model.run(plan(model.observed(), wanted));
          deepEqual(order(plan(model.observed(), wanted).steps), []);
        }
      }),
      { numRuns: RUNS },
    );
  });

  it("floods to the far ends that it names, once each, whatever was there before", () => {
    fc.assert(
      fc.property(documents, documents, (first, second) => {
        const model = new Model(EMPTY);
        for (const document of [first, second]) model.run(plan(model.observed(), desired(document)));
        for (const [name, link] of Object.entries(second.links)) {
          const { remote, remotes = remote === undefined ? undefined : [remote] } = link as {
            remote?: string;
            remotes?: string[];
          };
          const far = model.fdb.filter(({ dev, mac }) => dev === name && mac === "00:00:00:00:00:00");
          if (remotes !== undefined) deepEqual(far.map(({ dst }) => dst).sort(), [...remotes].sort());
        }
      }),
      { numRuns: RUNS },
    );
  });

  it("is undone completely, also over another document", () => {
    fc.assert(
      fc.property(documents, documents, (first, second) => {
        const model = new Model(EMPTY);
        model.run(plan(model.observed(), desired(first)));
        const before = model.observed();
        const next = plan(before, desired(second));
        model.run(next);
        model.undo(next);
        same(model.observed(), before);
      }),
      { numRuns: RUNS },
    );
  });

  it("is removed without a trace", () => {
    fc.assert(
      fc.property(documents, (document) => {
        const model = new Model(EMPTY);
        const wanted = desired(document);
        model.run(plan(EMPTY, wanted));
        model.run(planRemoval(model.observed(), wanted));
        const { sysctls: _, ...left } = model.observed();
        same(left, EMPTY);
        deepEqual(planRemoval(model.observed(), wanted).steps, []);
      }),
      { numRuns: RUNS },
    );
  });
});
