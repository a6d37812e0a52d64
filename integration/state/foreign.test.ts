/** What a plan leaves alone is named; what is said to take it over or to remove it does. Gateways that the kernel refuses. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { parse } from "yaml";
import { apply } from "../../lib/state/apply.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import { type Foreign, foreignOf } from "../../lib/state/foreign.ts";
import { observe } from "../../lib/state/observe.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource } from "../../lib/state/source.ts";
import type { Plan } from "../../lib/state/step.ts";
import { needs, skip } from "../../test/needs.ts";
import { type Machine, type Scene, scene } from "./kit.ts";

const BASE = `linkwright: 1
links:
  ens34f0: { up: true, addresses: [192.168.0.23/24] }
  br0: { kind: bridge }
  vx0: { kind: vxlan, vni: 39, dev: ens34f0, remotes: [192.168.0.24], dstport: 4789, master: br0 }
`;
const HOST = `
ip address add 192.168.0.99/24 dev ens34f0
ip address add 192.168.0.98/24 dev ens34f0 valid_lft 1000 preferred_lft 1000
ip link add br0 type bridge; ip link set br0 up
ip link add tap0 type veth peer name tap0x; ip link set tap0 master br0; ip link set tap0 up
ip link add link ens34f0 over0 type macvlan
ip link add vx0 type vxlan id 39 dev ens34f0 remote 192.168.0.24 dstport 4789; ip link set vx0 master br0; ip link set vx0 up
bridge fdb append 00:00:00:00:00:00 dev vx0 dst 192.168.0.77
bridge fdb add 02:00:00:00:00:77 dev vx0 dst 192.168.0.77
ip route add default via 192.168.0.1
ip route add 10.1.0.0/16 via 192.168.0.9 proto bird
ip -6 route add 2001:db8::/32 dev ens34f0 metric 77
ip nexthop add id 5 via 192.168.0.5 dev ens34f0
ip neigh add 192.168.0.78 lladdr 02:00:00:00:00:78 dev ens34f0 nud permanent
ip rule add from 10.0.0.0/8 table 100 priority 500`;

const TABLES = "linkwright: 1\nlinks: { lo: { up: true } }\n";

describe("what a plan leaves alone", () => {
  let both: Scene;
  let bm1: Machine;
  before(function () {
    needs(this, "ip", "bridge");
  });
  beforeEach(async () => {
    both = await scene();
    bm1 = both.bm1;
  });
  afterEach(() => both[Symbol.asyncDispose]());

  async function looked(text: string): Promise<{ plan: Plan; foreign: readonly Foreign[] }> {
    const desired = desiredOf(parseSource(text, "f.yaml"));
    const observed = await observe(bm1.host, desired);
    const planned = plan(observed, desired);
    return { plan: planned, foreign: foreignOf(observed, desired, planned) };
  }
  /** The document with one more entry, which is written as it is told. */
  function withMore(more: string): string {
    const { links: base, ...rest } = parse(BASE) as Record<string, Record<string, Record<string, unknown>>>;
    const { links: added = {}, ...beside } = parse(more) as Record<string, Record<string, Record<string, unknown>>>;
    const links: Record<string, Record<string, unknown>> = { ...base };
    for (const [name, one] of Object.entries(added)) {
      const lists = Object.entries(one).map(([key, list]) => {
        const before = links[name]?.[key];
        return [key, Array.isArray(before) && Array.isArray(list) ? [...before, ...list] : list];
      });
      links[name] = { ...links[name], ...Object.fromEntries(lists) };
    }
    return JSON.stringify({ ...rest, links, ...beside });
  }

  it("is named, with its owner", async () => {
    await bm1.sh(HOST);
    const { foreign, plan: planned } = await looked(BASE);
    deepEqual(
      planned.steps.map(({ action, object, subject }) => `${action} ${object} ${subject}`),
      ["remove fdb 00:00:00:00:00:00 dst 192.168.0.77 on vx0"],
    );
    deepEqual(
      foreign
        .map(({ object, subject, owner }) => `${object} ${subject}${owner === undefined ? "" : `: ${owner}`}`)
        .sort(),
      [
        "address 192.168.0.98/24 on ens34f0: DHCP, or a router",
        "address 192.168.0.99/24 on ens34f0",
        "fdb 02:00:00:00:00:77 dst 192.168.0.77 on vx0",
        "link over0 over ens34f0",
        "link tap0, a port of br0",
        "neighbor 192.168.0.78 on ens34f0",
        "nexthop 5",
        "route 10.1.0.0/16 via 192.168.0.9 dev ens34f0: bird",
        "route 2001:db8::/32 dev ens34f0",
        "route default via 192.168.0.1 dev ens34f0",
        "rule 500",
      ],
    );
  });

  it("is taken over by what is said, and is then left alone no more", async () => {
    await bm1.sh(`${HOST}\nbridge fdb del 00:00:00:00:00:00 dev vx0 dst 192.168.0.77`);
    const { foreign, plan: planned } = await looked(BASE);
    deepEqual(planned.steps, []);
    let taken = 0;
    for (const one of foreign) {
      if (one.takeOver === undefined) continue;
      const found = await looked(withMore(one.takeOver));
      deepEqual(found.plan.steps, [], one.takeOver);
      equal(
        found.foreign.some(({ subject }) => subject === one.subject),
        false,
        one.takeOver,
      );
      taken++;
    }
    equal(taken, foreign.length - 2);
  });

  it("is removed by what is said", async () => {
    await bm1.sh(`${HOST}\nbridge fdb del 00:00:00:00:00:00 dev vx0 dst 192.168.0.77`);
    for (;;) {
      const { foreign } = await looked(BASE);
      const one = foreign.find(({ remove }) => remove !== undefined);
      if (one?.remove === undefined) break;
      const found = await looked(withMore(one.remove));
      ok(found.plan.steps.length > 0, one.remove);
      await apply(bm1.host, found.plan);
      const left = (await looked(BASE)).foreign;
      equal(
        left.some(({ subject }) => subject === one.subject),
        false,
        one.remove,
      );
    }
    const { foreign } = await looked(BASE);
    deepEqual(
      foreign.map(({ owner }) => owner),
      ["DHCP, or a router"],
    );
  });

  it("is a VLAN that somebody gave a port, and not the one that the kernel gives", async function () {
    await bm1.sh(`${HOST}\nip link set br0 type bridge vlan_filtering 1 || true`);
    const out = await bm1.sh("bridge vlan add vid 7-9 dev vx0 2>&1 || true");
    if (out !== "") skip(this, `this kernel has no VLANs in bridges: ${out.trim()}`);
    const text = BASE.replace("master: br0 }", "master: br0, vlans: [8] }");
    const { foreign } = await looked(text);
    deepEqual(
      foreign.filter(({ object }) => object === "vlan").map(({ subject }) => subject),
      ["7 on vx0", "9 on vx0"],
    );
  });

  it("is not what the document ignores", async () => {
    await bm1.sh(HOST);
    const { foreign } = await looked(
      `${BASE}ignore: { links: [tap*, over0], routes: [{ protocol: bird }], addresses: [192.168.0.96/28] }\n`,
    );
    equal(
      foreign.some(({ subject }) => /tap0|over0|10\.1\.0\.0|192\.168\.0\.9[89]/.test(subject)),
      false,
    );
    ok(foreign.length > 0);
  });

  it("has the tables of others, where packets go through", async function () {
    needs(this, "nft");
    await bm1.sh(
      "nft add table ip theirs; nft 'add chain ip theirs c { type filter hook forward priority 0; policy drop; }'; nft add table ip quiet; nft add chain ip quiet c",
    );
    const { foreign } = await looked(TABLES);
    deepEqual(foreign, [
      {
        object: "nftables",
        subject: "ip theirs, at forward (drops by default)",
        remove: "nft delete table ip theirs",
      },
    ]);
    await bm1.sh(foreign[0]?.remove ?? "");
    deepEqual((await looked(TABLES)).foreign, []);
  });

  /** A route, and whether the kernel takes it where ens34f0 has 192.168.0.23/24, fd00:1::1/64 and a route to 10.7.0.0/16. */
  const GATEWAYS: readonly (readonly [route: string, taken: boolean])[] = [
    ["dst: 10.8.0.0/16, via: 192.168.0.1", true],
    ["dst: 10.8.0.0/16, via: 192.168.0.1, dev: ens34f0", true],
    ["dst: 10.8.0.0/16, via: 192.168.0.1, dev: other0", false],
    ["dst: 10.8.0.0/16, via: 192.168.1.1", false],
    ["dst: 10.8.0.0/16, via: 192.168.1.1, dev: ens34f0, onlink: true", true],
    ["dst: 10.8.0.0/16, via: 10.7.0.1", true],
    ["dst: 10.8.0.0/16, via: 10.6.0.9", true],
    ["dst: 10.8.0.0/16, via: 10.6.0.10", false],
    ["dst: 10.8.0.0/16, nexthops: [{ via: 192.168.0.1 }, { via: 192.168.1.1 }]", false],
    ['dst: "2001:db8::/32", via: "fd00:1::2"', true],
    ['dst: "2001:db8::/32", via: "fd00:2::2"', false],
    ['dst: "2001:db8::/32", via: "fe80::2", dev: ens34f0', true],
  ];
  for (const [route, taken] of GATEWAYS)
    it(`${taken ? "takes" : "warns of"} { ${route} }, as the kernel does`, async () => {
      await bm1.sh(`
ip address add fd00:1::1/64 dev ens34f0
ip link add other0 type veth peer name other1; ip link set other0 up; ip link set other1 up
ip address add 10.6.0.1 peer 10.6.0.9 dev other0
ip route add 10.7.0.0/16 dev ens34f0`);
      const found = await looked(`linkwright: 1\nroutes: [{ ${route} }]\n`);
      const failed = await apply(bm1.host, found.plan).then(
        () => undefined,
        (error: unknown) => error as Error,
      );
      equal(failed === undefined, taken, failed?.message);
      if (taken) deepEqual(found.plan.warnings, []);
      else match(found.plan.warnings.join("\n"), /is on no network of .*the kernel refuses such a gateway/);
    });

  it("knows of the networks that the document adds, and of those that it takes away", async () => {
    const route = "routes: [{ dst: 10.8.0.0/16, via: 10.5.0.1 }]";
    const more = await looked(`linkwright: 1\nlinks: { ens34f0: { addresses: [10.5.0.9/24] } }\n${route}\n`);
    deepEqual(more.plan.warnings, []);
    await apply(bm1.host, more.plan);
    const less = await looked(
      "linkwright: 1\nlinks: { ens34f0: { addresses: [{ address: 10.5.0.9/24, state: absent }] } }\nroutes: [{ dst: 10.9.0.0/16, via: 10.5.0.1 }]\n",
    );
    match(less.plan.warnings.join("\n"), /10\.5\.0\.1 is on no network/);
  });
});
