/** Probes of documents: what they become on one host, and what is wrong with them. */
import { deepEqual, equal, throws } from "node:assert/strict";
import { checkAll, derive } from "../../lib/fabric/fabric.ts";
import type { Probe } from "../../lib/probe/index.ts";
import { desiredOf } from "../../lib/state/desired.ts";
import { ConfigError } from "../../lib/state/error.ts";
import type { Observed } from "../../lib/state/observed.ts";
import { plan } from "../../lib/state/plan.ts";
import { probesOf } from "../../lib/state/probes.ts";
import { documentJsonSchema } from "../../lib/state/schema.ts";
import { parseSource } from "../../lib/state/source.ts";

const OBSERVED: Observed = {
  links: [
    { name: "lo", mtu: 65_536 },
    { name: "ens34f0", mtu: 1500, up: true },
    { name: "wan0", mtu: 1400, up: true },
  ],
  addresses: [{ address: "192.0.2.9/24", dev: "wan0" }],
};
const HOSTS = `linkwright: 1
hosts:
  bm1: { underlay: ens34f0, vtep: 192.168.0.23 }
  bm2: { underlay: ens34f0, vtep: 192.168.0.24 }
  bm3: { underlay: ens34f0, vtep: 192.168.0.25 }
`;
const OVERLAY = `links:
  br-vm:
    kind: bridge
    mtu: auto
    addresses: { bm1: [12.12.139.1/24, "fd12::1/64"], bm2: [12.12.139.2/24, { address: 10.9.9.9/24 }, { address: 12.12.139.7/24, state: absent }], bm3: ["fd12::3/64"] }
  vxlan0: { kind: vxlan, vni: 39, dev: $underlay, flood: unicast, master: br-vm, mtu: auto }
`;

function probes(text: string, host?: string, options?: Parameters<typeof probesOf>[3]): readonly Probe[] {
  const desired = desiredOf(derive(parseSource(text, "f.yaml"), host));
  return probesOf(desired, plan(OBSERVED, desired), OBSERVED, options);
}
function said(step: () => unknown): string[] {
  try {
    step();
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
  return [];
}

describe("probe: documents", () => {
  it("take short words and long ones", () => {
    deepEqual(
      probes(`linkwright: 1
probes:
  - gateway
  - { gateway: inet6, timeout: 0.5, retries: 0 }
  - { ping: "2001:DB8:0::1", size: 1400, from: wan0, name: far }
  - { tcp: "192.0.2.1:22" }
  - sshClient
  - { dns: www.example.org }
`),
      [
        { gateway: true },
        { gateway: "inet6", timeout: 0.5, retries: 0 },
        { ping: "2001:db8::1", size: 1400, from: "wan0", name: "far" },
        { tcp: "192.0.2.1:22" },
        { sshClient: true },
        { dns: "www.example.org" },
      ],
    );
    equal(desiredOf(parseSource("linkwright: 1\nprobes: []", "f.yaml")).probes?.length, 0);
    equal(desiredOf(parseSource("linkwright: 1", "f.yaml")).probes, undefined);
  });

  it("name the client of the session that is given", () => {
    const sshClient = { address: "192.0.2.1", port: 50022, local: "192.0.2.9", localPort: 22 };
    deepEqual(probes("linkwright: 1\nprobes: [sshClient]", undefined, { sshClient }), [{ sshClient }]);
  });

  it("work sizes out: the MTU that a link will have, by its name or its address", () => {
    const size = (probe: string): unknown => {
      const [found] = probes(`linkwright: 1
links: { ens34f0: { mtu: 9000 }, br0: { kind: bridge, mtu: 1380, addresses: [198.51.100.1/24] } }
probes: [{ ping: 198.51.100.2, size: auto${probe} }]`);
      return (found as { size?: unknown }).size;
    };
    deepEqual(
      [", from: ens34f0", ", from: br0", ", from: 198.51.100.1", ", from: wan0", ", from: 192.0.2.9", ""].map(size),
      [9000, 1380, 1380, 1400, 1400, "auto"],
    );
  });

  it("ask every other host, outside by what full packets become and inside at the full MTU", () => {
    const text = `${HOSTS}${OVERLAY}probes: [peers]`;
    const outside = { size: 1500, df: true, from: "192.168.0.23" };
    const inside = { size: 1450, df: true, from: "br-vm" };
    const [far, near] = [
      [
        { ping: "192.168.0.24", ...outside, name: "bm2" },
        { ping: "192.168.0.25", ...outside, name: "bm3" },
      ],
      [
        { ping: "12.12.139.2", ...inside, name: "bm2" },
        { ping: "fd12::3", ...inside, name: "bm3" },
      ],
    ];
    deepEqual(probes(text, "bm1"), [...far, ...near]);
    deepEqual(probes(text.replace("[peers]", "[{ peers: underlay }]"), "bm1"), far);
    const common = { timeout: 9, retries: 1 };
    deepEqual(
      probes(text.replace("[peers]", "[{ peers: overlay, timeout: 9, retries: 1 }]"), "bm1"),
      near.map((one) => ({ ...one, ...common })),
    );
  });

  it("ask the far ends that a document for one host names, each once by the largest packet", () => {
    const text = `linkwright: 1
links:
  a: { kind: vxlan, vni: 1, dev: ens34f0, remote: 192.168.0.24, mtu: 1300 }
  b: { kind: vxlan, vni: 2, dev: ens34f0, remotes: [192.168.0.24, 192.168.0.25] }
  c: { kind: vxlan, vni: 3, dev: ens34f0, remote: 239.1.1.1 }
  d: { kind: vxlan, vni: 4, remote: "fd00::24" }
  e: { kind: vxlan, vni: 5, dev: wan0, remote: 192.168.0.26 }
probes: [peers]`;
    deepEqual(probes(text), [
      { ping: "192.168.0.24", size: 1500, df: true, from: "ens34f0" },
      { ping: "192.168.0.25", size: 1500, df: true, from: "ens34f0" },
      { ping: "fd00::24", size: "auto", df: true },
      { ping: "192.168.0.26", size: 1400, df: true, from: "wan0" },
    ]);
  });

  it("ask by no larger packet than the device takes", () => {
    const text = "linkwright: 1\nlinks: { v: { kind: vxlan, vni: 1, dev: wan0, remote: 192.0.2.1 } }\nprobes: [peers]";
    const desired = desiredOf(parseSource(text, "f.yaml"));
    // As where the device's MTU was lowered later: the kernel leaves the VXLAN's as it is.
    const planned = { ...plan(OBSERVED, desired), mtus: { v: { value: 1450, why: "v has it" } } };
    deepEqual(probesOf(desired, planned, OBSERVED), [{ ping: "192.0.2.1", size: 1400, df: true, from: "wan0" }]);
  });

  it("may differ between hosts, in whole and in part", () => {
    const text = `${HOSTS}probes:
  - { bm2: gateway }
  - { ping: { bm1: 192.0.2.1, bm2: 192.0.2.2, bm3: 192.0.2.3 }, from: $underlay, name: of $host }
  - { tcp: { bm1: "192.0.2.1:22" } }
`;
    deepEqual(
      said(() => checkAll(parseSource(text, "f.yaml"))),
      ["f.yaml:9:5: probes[2]: expected one of gateway, ping, tcp, sshClient, dns, peers in a probe"],
    );
    const first = text.replace(/.*tcp.*\n/, "");
    deepEqual(probes(first, "bm2"), [{ gateway: true }, { ping: "192.0.2.2", from: "ens34f0", name: "of bm2" }]);
    deepEqual(probes(`${HOSTS}probes: { bm1: [gateway], bm2: [{ ping: $vtep }] }`, "bm2"), [{ ping: "192.168.0.24" }]);
    deepEqual(probes(`${HOSTS}probes: { bm1: [gateway] }`, "bm3"), []);
  });

  const wrong: readonly (readonly [string, string])[] = [
    ["gatway", '7:4: probes[0]: expected one of gateway, sshClient, peers, got "gatway"'],
    ["{ pign: 192.0.2.1 }", "7:6: probes[0].pign: unknown key; did you mean ping?"],
    ["{ ping: vm.example }", '7:12: probes[0].ping: expected an IPv4 or IPv6 address, got "vm.example"'],
    [
      "{ ping: 192.0.2.1, size: 27 }",
      "7:29: probes[0].size: expected a whole number of bytes from 28 to 65535, or auto, got 27",
    ],
    ['{ ping: "2001:db8::1", size: 40 }', "7:33: probes[0].size: expected at least 48 bytes for 2001:db8::1, got 40"],
    ["{ ping: 192.0.2.1, tcp: 192.0.2.1:22 }", "7:28: probes[0].tcp: stands beside ping; make it a probe of its own"],
    [
      "{ ping: 192.0.2.1, open: true }",
      "7:29: probes[0].open: unknown key; known are ping, size, df, from, name, timeout, retries",
    ],
    ["{ size: 1400 }", "7:4: probes[0]: expected one of gateway, ping, tcp, sshClient, dns, peers in a probe"],
    ['{ ping: "fe80::1" }', "7:12: probes[0].ping: fe80::1 is on every link; write the link in from"],
    ['{ ping: "fe80::1", from: "fe80::2" }', "7:12: probes[0].ping: fe80::1 is on every link; write the link in from"],
    [
      '{ ping: 192.0.2.1, from: "fd00::1" }',
      "7:29: probes[0].from: fd00::1 and 192.0.2.1 are of different families; use one",
    ],
    [
      "{ tcp: 192.0.2.1 }",
      '7:11: probes[0].tcp: expected an address and a port such as 192.0.2.1:22 or [2001:db8::1]:22, got "192.0.2.1"',
    ],
    [
      "{ tcp: 192.0.2.1:65536 }",
      '7:11: probes[0].tcp: expected an address and a port such as 192.0.2.1:22 or [2001:db8::1]:22, got "192.0.2.1:65536"',
    ],
    ["{ gateway: false }", "7:15: probes[0].gateway: expected true, inet, inet6 or an address, got false"],
    ["{ gateway: true, timeout: 0 }", "7:30: probes[0].timeout: expected seconds from 0.01 to 300, got 0"],
    ["{ dns: 192.0.2.1 }", '7:11: probes[0].dns: expected a host name such as www.example.org, got "192.0.2.1"'],
    ["{ peers: everybody }", '7:13: probes[0].peers: expected true, overlay or underlay, got "everybody"'],
    [
      "{ sshClient: false }",
      "7:17: probes[0].sshClient: expected true, or a client such as { address: 192.0.2.1, port: 50022, local: 192.0.2.2, localPort: 22 }, got false",
    ],
    ["peers", "7:4: probes[0]: peers are the far ends of a VXLAN, and there is none in this document"],
    [
      "{ ping: 192.0.2.1, from: eth7 }",
      "7:29: probes[0].from: there is no link eth7, neither in this document nor on this host",
    ],
  ];
  for (const [written, message] of wrong)
    it(`refuse ${written}`, () => {
      const text = `linkwright: 1\n\n\n\n\nprobes:\n - ${written}\n`;
      deepEqual(
        said(() => probes(text)),
        [`f.yaml:${message}`],
      );
    });

  it("refuse peers of whom nobody knows", () => {
    const text = "linkwright: 1\nlinks: { v: { kind: vxlan, vni: 1, remote: 239.1.1.1, dev: wan0 } }\nprobes: [peers]";
    deepEqual(
      said(() => probes(text)),
      ["f.yaml:3:10: probes[0]: nobody is known to ask; write ping: with an address of the other side"],
    );
    throws(
      () => probes("linkwright: 1\nprobes: gateway"),
      /probes: expected a list of probes such as gateway, got "gateway"/,
    );
  });

  it("are part of the schema for editors", () => {
    const { properties } = documentJsonSchema() as { properties: Record<string, { items?: { anyOf?: unknown[] } }> };
    equal(properties["probes"]?.items?.anyOf?.length, 2);
  });
});
