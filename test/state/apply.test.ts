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

/** What the services of a host list. */
type Lists = Readonly<Record<string, readonly object[]>>;

/** A host that writes down what it is told, and refuses what `refuses` says. */
function fake(refuses: (call: string) => Error | undefined, lists: Lists = {}): { host: Host; calls: string[] } {
  const calls: string[] = [];
  const service = (object: string): object =>
    new Proxy(
      {},
      {
        get:
          (_, verb) =>
          async (...given: readonly unknown[]): Promise<unknown> => {
            const call = `${object} ${String(verb)} ${JSON.stringify(given.length === 1 ? given[0] : given)}`;
            calls.push(call);
            const error = refuses(call);
            if (error !== undefined) throw error;
            return verb === "list" ? lists[object] : undefined;
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
    deepEqual(calls.slice(4, 7), ['links delete "c"', 'links delete "b"', 'links delete "a"']);
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

  it("tells the place in the document: of the option at fault, else of the object", async () => {
    const said = async (body: string, error: Error, observed = EMPTY): Promise<string> => {
      const wanted = desired(body);
      const { host, calls } = fake(() => (calls.length === 1 ? error : undefined));
      return (await refusal(host, wanted, observed, { source: wanted.source })).message;
    };
    const vxlan = "links:\n  v: { kind: vxlan, vni: 5 }";
    equal(
      await said(vxlan, kernel("ERANGE", "too large", { attribute: "vni" })),
      "document:3:26: cannot create link v (step 1 of 1, undone): too large (ERANGE, at links.v.vni)",
    );
    equal(
      await said(vxlan, kernel("EADDRINUSE", "in use", { attribute: "dstport" })),
      "document:3:3: cannot create link v (step 1 of 1, undone): in use (EADDRINUSE, at links.v.dstport)",
    );
    equal(
      await said(vxlan, kernel("EPERM", "no")),
      "document:3:3: cannot create link v (step 1 of 1, undone): no (EPERM, at links.v)",
    );
    equal(
      await said("links:\n  eth0: { alias: x, mtu: 9000 }", kernel("EINVAL", "no")),
      "document:3:18: cannot change link eth0 (step 1 of 1, undone): no (EINVAL, at links.eth0.alias)",
    );
    equal(
      await said("links: { eth0: { addresses: [192.0.2.1/24] } }", kernel("EINVAL", "no", { attribute: "address" })),
      "document:2:30: cannot create address 192.0.2.1/24 on eth0 (step 1 of 1, undone): no (EINVAL, at links.eth0.addresses[0])",
    );
    equal(
      await said(
        "addresses:\n  - { address: 192.0.2.1/24, dev: eth0, metric: 7 }",
        kernel("EINVAL", "no", { attribute: "metric" }),
      ),
      "document:3:49: cannot create address 192.0.2.1/24 on eth0 (step 1 of 1, undone): no (EINVAL, at addresses[0].metric)",
    );
    equal(
      await said("sysctls:\n  net.ipv4.ip_forward: 1", kernel("EROFS", "no"), {
        ...EMPTY,
        sysctls: { "net.ipv4.ip_forward": "0" },
      }),
      'document:3:24: cannot change sysctl net.ipv4.ip_forward (step 1 of 1, undone): no (EROFS, at sysctls."net.ipv4.ip_forward")',
    );
  });

  it("tells the entry that a refused rule comes from", async () => {
    const wanted = desired(`nat:
  - { masquerade: 192.0.2.0/24, out: eth0 }
forward:
  - { in: b, out: eth0, accept: all, clampMss: true }
  - { in: eth0, out: b, accept: replies }`);
    const at = async (path: string): Promise<string | undefined> => {
      const { host, calls } = fake(() => (calls.length === 1 ? kernel("EOPNOTSUPP", "no", { path }) : undefined));
      const { message } = await refusal(host, wanted, EMPTY, { source: wanted.source });
      return /^document:(\S+): cannot create nftables inet linkwright .*\(EOPNOTSUPP, (at .*)\)$/
        .exec(message)
        ?.slice(1)
        .join(" ");
    };
    equal(await at("chains[0].rules[0].action"), "3:5 at nat[0]");
    equal(await at("chains[1].rules[0]"), "5:5 at forward[0]");
    equal(await at("chains[1].rules[2]"), "6:5 at forward[1]");
    equal(await at(""), "2:1 at nat");
  });

  it("names who has it already", async () => {
    const rival = async (body: string, code: string, lists: Lists): Promise<string | undefined> => {
      const { host, calls } = fake(() => (calls.length === 1 ? kernel(code, "taken") : undefined), lists);
      return /: taken(?:: (.*))? \(/.exec((await refusal(host, desired(body))).message)?.[1];
    };
    const vxlan = "links: { v: { kind: vxlan, vni: 5 } }";
    const theirs = { name: "theirs", kind: "vxlan", vni: 5, dstport: 4789, remote: "192.0.2.1" };
    const links = (...all: readonly object[]): Lists => ({ links: all });
    equal(await rival(vxlan, "EEXIST", links(theirs)), "theirs has vni 5 dstport 4789");
    equal(await rival(vxlan, "EEXIST", links({ ...theirs, remote: "2001:db8::1" })), undefined);
    equal(await rival(vxlan, "EEXIST", links({ ...theirs, vni: 6 })), undefined);
    equal(await rival(vxlan, "EADDRINUSE", links({ ...theirs, vni: 6 })), "theirs has dstport 4789");
    equal(await rival(vxlan, "EPERM", links(theirs)), undefined);
    equal(await rival(vxlan, "EEXIST", links({ name: "eth0", altnames: ["v"] })), "it is another name of eth0");
    equal(
      await rival("addresses: [{ address: 2001:db8::1/64, dev: eth0 }]", "EEXIST", {
        addresses: [
          { dev: "eth1", address: "2001:db8::1/64" },
          { dev: "eth0", address: "2001:db8::1/128" },
        ],
      }),
      "eth0 has 2001:db8::1/128",
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
