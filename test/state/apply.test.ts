/** Carrying a plan out on a host that refuses: what is undone, in which order, and what is said. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Host } from "../../lib/host.ts";
import { ApplyError, type ApplyOptions, apply } from "../../lib/state/apply.ts";
import { type Desired, desiredOf } from "../../lib/state/desired.ts";
import type { Observed } from "../../lib/state/observed.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource } from "../../lib/state/source.ts";

const EMPTY: Observed = { links: [{ name: "eth0", mtu: 1500, up: true }] };
const desired = (body: string): Desired => desiredOf(parseSource(`linkwright: 1\n${body}`));
const BRIDGES = "links: { a: { kind: bridge }, b: { kind: bridge, addresses: [192.0.2.1/24] }, c: { kind: bridge } }";

/** A host that writes down what it is told, and refuses what `refuses` says. */
function fake(refuses: (call: string) => Error | undefined): { host: Host; calls: string[] } {
  const calls: string[] = [];
  const service = (object: string): object =>
    new Proxy(
      {},
      {
        get:
          (_, verb) =>
          async (...given: readonly unknown[]): Promise<void> => {
            const call = `${object} ${String(verb)} ${JSON.stringify(given.length === 1 ? given[0] : given)}`;
            calls.push(call);
            const error = refuses(call);
            if (error !== undefined) throw error;
          },
      },
    );
  const names = ["links", "addresses", "routes", "fdb", "neighbors", "nftables", "sysctls"];
  return { host: Object.fromEntries(names.map((name) => [name, service(name)])) as unknown as Host, calls };
}

async function refusal(host: Host, wanted: Desired, observed = EMPTY, options?: ApplyOptions): Promise<ApplyError> {
  try {
    await apply(host, plan(observed, wanted), options);
  } catch (error) {
    ok(error instanceof ApplyError, String(error));
    return error;
  }
  throw new Error("it was not refused");
}
const kernel = (code: string, reason: string, more: object = {}): Error =>
  Object.assign(new Error(`cannot do it: ${reason} (${code}, at something)`), { code, reason, ...more });

describe("apply", () => {
  it("undoes in reverse what was done", async () => {
    const { host, calls } = fake((call) => (call.startsWith("addresses create") ? kernel("EEXIST", "no") : undefined));
    const error = await refusal(host, desired(BRIDGES));
    equal(
      error.message,
      "cannot create address 192.0.2.1/24 on b (step 4 of 4, undone): no (EEXIST, at links.b.addresses[0])",
    );
    deepEqual(calls.slice(4), ['links delete "c"', 'links delete "b"', 'links delete "a"']);
    deepEqual([error.done.length, error.undone.length, error.undoFailed.length], [3, 3, 0]);
    equal(error.step.subject, "192.0.2.1/24 on b");
    ok(error.cause instanceof Error);
  });

  it("names the attribute at fault", async () => {
    const { host } = fake(() => kernel("ERANGE", "VXLAN ID must be lower than 16777216", { attribute: "vni" }));
    const error = await refusal(host, desired("links: { v: { kind: vxlan, vni: 5 } }"));
    equal(
      error.message,
      "cannot create link v (step 1 of 1, undone): VXLAN ID must be lower than 16777216 (ERANGE, at links.v.vni)",
    );
  });

  it("undoes a change that was refused, as it may be half done", async () => {
    const observed: Observed = { links: [{ name: "eth0", mtu: 1500, up: true }] };
    const { host, calls } = fake((call) => (call.includes("9000") ? kernel("EINVAL", "no") : undefined));
    await refusal(host, desired("links: { eth0: { mtu: 9000 } }"), observed);
    deepEqual(calls, ['links update ["eth0",{"mtu":9000}]', 'links update ["eth0",{"mtu":1500}]']);
  });

  it("goes on with undoing where that is refused, and says so", async () => {
    const { host, calls } = fake((call) =>
      call.startsWith("addresses create") || call === 'links delete "b"' ? kernel("EBUSY", "busy") : undefined,
    );
    const states: string[] = [];
    const error = await refusal(host, desired(BRIDGES), EMPTY, {
      onProgress: ({ step, state, number, of }) => states.push(`${number}/${of} ${step.subject} ${state}`),
    });
    ok(error.message.includes("(step 4 of 4, 1 undoing refused)"), error.message);
    deepEqual(
      error.undoFailed.map(({ request }) => request.words["name"]),
      ["b"],
    );
    equal(calls.at(-1), 'links delete "a"');
    deepEqual(states.slice(-3), ["3/4 c undone", "2/4 b undo failed", "1/4 a undone"]);
  });

  it("takes what is gone for undone", async () => {
    const { host } = fake((call) =>
      call.startsWith("addresses")
        ? kernel("EEXIST", "no")
        : call.includes("delete")
          ? kernel("ENODEV", "gone")
          : undefined,
    );
    deepEqual((await refusal(host, desired(BRIDGES))).undoFailed, []);
  });

  it("does nothing when it was stopped before", async () => {
    const { host, calls } = fake(() => undefined);
    equal((await refusal(host, desired(BRIDGES), EMPTY, { signal: AbortSignal.abort() })).code, "ERR_ABORTED");
    deepEqual(calls, []);
  });

  it("makes no link again without permission", async () => {
    const { host, calls } = fake(() => undefined);
    const observed: Observed = { links: [...EMPTY.links, { name: "v", kind: "vxlan", vni: 4, mtu: 1450, up: true }] };
    const wanted = desired("links: { v: { kind: vxlan, vni: 5 } }");
    equal((await refusal(host, wanted, observed)).code, "ERR_RECREATE");
    deepEqual(calls, []);
    equal((await apply(host, plan(observed, wanted), { allowRecreate: true })).requests, 2);
  });
});
