/** One document for many hosts: what each of them gets, and what is wrong with it. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { checkAll, derive, hostsOf } from "../../lib/fabric/fabric.ts";
import { substitute, VariableError } from "../../lib/fabric/variables.ts";
import { explainMtus } from "../../lib/state/describe.ts";
import { type Desired, desiredOf } from "../../lib/state/desired.ts";
import { ConfigError } from "../../lib/state/error.ts";
import { plan } from "../../lib/state/plan.ts";
import { parseSource, readSource } from "../../lib/state/source.ts";

const TWO = `linkwright: 1
hosts:
  bm1: { underlay: ens34f0, vtep: 192.168.0.23 }
  bm2: { underlay: bond0.100, vtep: 192.168.0.24 }
`;
const THREE = `${TWO}  bm3: { underlay: eth0, vtep: 192.168.0.25 }\n`;

function desired(text: string, host?: string): Desired {
  return desiredOf(derive(parseSource(text, "f.yaml"), host));
}
function said(text: string, host?: string): string[] {
  try {
    if (host === undefined) checkAll(parseSource(text, "f.yaml"));
    else desired(text, host);
  } catch (error) {
    ok(error instanceof ConfigError, String(error));
    return error.message.split("\n");
  }
  return [];
}

describe("derive", () => {
  it("gives each host its own values", () => {
    const text = `${TWO}links:
  vx0: { kind: vxlan, vni: 39, dev: $underlay, local: "\${vtep}", remote: $peer, alias: to $peer from $host, mtu: { bm1: 1400, bm2: 1400 } }
  $underlay: { up: true }
addresses:
  bm1: [{ address: 192.0.2.1/24, dev: vx0 }]
sysctls:
  "net.ipv4.conf.{all,$underlay}.rp_filter": { bm1: 0, bm2: 2 }
`;
    const [one, two] = [desired(text, "bm1"), desired(text, "bm2")];
    deepEqual(one.links[0]?.options, {
      up: true,
      vni: 39,
      dev: "ens34f0",
      local: "192.168.0.23",
      remote: "192.168.0.24",
      alias: "to 192.168.0.24 from bm1",
      mtu: 1400,
    });
    deepEqual(
      [two.links[0]?.options["remote"], two.links[0]?.options["mtu"], two.links[1]?.name],
      ["192.168.0.23", 1400, "bond0.100"],
    );
    deepEqual([one.addresses.length, two.addresses.length], [1, 0]);
    deepEqual(
      two.sysctls.map(({ key, value }) => `${key} ${value}`),
      ["net.ipv4.conf.all.rp_filter 2", "net.ipv4.conf.bond0/100.rp_filter 2"],
    );
  });

  it("takes single values by host, as the other end", () => {
    const text = `${TWO}links: { v: { kind: vxlan, vni: 1, remote: { bm1: 192.168.0.24, bm2: 192.168.0.23 } } }`;
    deepEqual(
      ["bm1", "bm2"].map((host) => desired(text, host).links[0]?.options["remote"]),
      ["192.168.0.24", "192.168.0.23"],
    );
  });

  it("takes a list with this host's items only", () => {
    const text = `${TWO}links: { b: { kind: bridge, addresses: [192.0.2.9/24, { bm2: 192.0.2.2/24 }] } }`;
    deepEqual(
      ["bm1", "bm2"].map((host) => desired(text, host).addresses.map(({ words }) => words["address"])),
      [["192.0.2.9/24"], ["192.0.2.9/24", "192.0.2.2/24"]],
    );
  });

  it("floods to every other host", () => {
    const text = `${THREE}links: { v: { kind: vxlan, vni: 1, dev: $underlay, flood: unicast } }`;
    const found = [...checkAll(parseSource(text))].map(([name, { links }]) => [
      name,
      links[0]?.options["local"],
      links[0]?.remotes,
    ]);
    deepEqual(found, [
      ["bm1", "192.168.0.23", ["192.168.0.24", "192.168.0.25"]],
      ["bm2", "192.168.0.24", ["192.168.0.23", "192.168.0.25"]],
      ["bm3", "192.168.0.25", ["192.168.0.23", "192.168.0.24"]],
    ]);
  });

  it("knows multicast and EVPN by one word", () => {
    const base = (flood: string, master = "b"): string =>
      `${THREE}evpn: { asn: 64512 }\nlinks: { b: { kind: bridge }, v: { kind: vxlan, vni: 1, dev: $underlay, master: ${master}, flood: ${flood} } }`;
    const multicast = desired(base("{ multicast: 239.1.1.39 }"), "bm1").links[1];
    deepEqual(
      [multicast?.options["remote"], multicast?.options["ttl"], multicast?.remotes],
      ["239.1.1.39", 4, undefined],
    );
    const evpn = desired(base("evpn"), "bm1").links[1];
    deepEqual(
      [evpn?.options["learning"], evpn?.options["local"], evpn?.port],
      [false, "192.168.0.23", { learning: false, neighSuppress: true }],
    );
    // One that leaves its bridge is a port of none.
    equal(desired(base("evpn", "null"), "bm1").links[1]?.port, undefined);
  });

  it("leaves a document for one host as it is", () => {
    const source = parseSource("linkwright: 1\nlinks: { b: { kind: bridge } }");
    equal(derive(source), source);
    deepEqual(hostsOf(source), []);
    deepEqual([...checkAll(source).keys()], [""]);
  });
});

describe("derive refuses", () => {
  const vxlan = (options: string): string => `links: { v: { kind: vxlan, vni: 1, ${options} } }`;
  const table: readonly (readonly [string, string, string | undefined, ...string[]])[] = [
    [
      "a missing host",
      `${TWO}links: {}`,
      "bm3",
      'f.yaml:2:1: hosts: there is no host "bm3" in this document; its hosts are bm1, bm2; did you mean bm1?',
    ],
    [
      "a host of a document without",
      "linkwright: 1\nlinks: {}",
      "bm1",
      'f.yaml:1:1: this document has no hosts, and so no host "bm1"; leave the host out',
    ],
    [
      "$peer among three",
      THREE + vxlan("remote: $peer"),
      "bm1",
      "f.yaml:6:44: links.v.remote: $peer is for two hosts, and there are 3; write flood: unicast in place of remote: $peer",
    ],
    [
      "a missing underlay",
      `linkwright: 1\nhosts: { a: {}, b: {} }\n${vxlan("dev: $underlay")}`,
      "a",
      "f.yaml:2:10: hosts.a: $underlay: host a has none; write hosts.a.underlay",
    ],
    [
      "a missing vtep of another host",
      `linkwright: 1\nhosts: { a: { vtep: 192.0.2.1 }, b: {} }\n${vxlan("flood: unicast")}`,
      "a",
      "f.yaml:3:43: links.v.flood: flood needs the vtep of every host; write hosts.b.vtep",
    ],
    [
      "an unknown variable",
      TWO + vxlan("dev: $underly"),
      "bm1",
      "f.yaml:5:41: links.v.dev: unknown variable $underly; did you mean $underlay?",
    ],
    [
      "an unknown host in a value",
      TWO + vxlan("mtu: { bm1: 1400, bm9: 1450 }"),
      "bm1",
      "f.yaml:5:54: links.v.mtu.bm9: unknown host; did you mean bm1?",
    ],
    [
      "remote beside flood",
      THREE + vxlan("flood: unicast, remote: 192.0.2.1"),
      "bm1",
      "f.yaml:6:60: links.v.remote: with flood: unicast every other host is one already; leave remote out",
    ],
    [
      "vteps of two families",
      'linkwright: 1\nhosts:\n  a: { vtep: 192.0.2.1 }\n  b: { vtep: "2001:db8::1" }',
      "a",
      "f.yaml:4:14: hosts.b.vtep: 2001:db8::1 and 192.0.2.1 of a are of different families; use one",
    ],
    [
      "one vtep twice",
      "linkwright: 1\nhosts:\n  a: { vtep: 192.0.2.1 }\n  b: { vtep: 192.0.2.1 }",
      "a",
      "f.yaml:4:14: hosts.b.vtep: 192.0.2.1 is the vtep of a already; each host has its own",
    ],
    [
      "a host with unknown keys",
      "linkwright: 1\nhosts:\n  a: { uplink: eth0 }",
      "a",
      "f.yaml:3:8: hosts.a.uplink: unknown key; known are underlay, vtep, mtu, routerId",
    ],
    [
      "two keys that become one",
      `${TWO}links: { $underlay: {}, ens34f0: {} }`,
      "bm1",
      "f.yaml:5:25: links.ens34f0: for host bm1 this is ens34f0, which stands here already; keep one",
    ],
    [
      "a value of one host, at its place",
      TWO + vxlan("mtu: { bm1: 1400, bm2: 14500000 }"),
      undefined,
      "f.yaml:5:59: links.v.mtu.bm2: expected a whole number of bytes from 68 to 65535, or auto, got 14500000",
    ],
  ];
  for (const [name, text, host, ...lines] of table) it(name, () => deepEqual(said(text, host), lines));

  it("no host where there are several", () => {
    try {
      derive(parseSource(TWO, "f.yaml"));
      ok(false);
    } catch (error) {
      equal(
        (error as Error).message,
        "f.yaml:2:1: hosts: this document is for several hosts; say for which one (--host): its hosts are bm1, bm2",
      );
    }
  });
});

describe("substitute", () => {
  const hosts = { a: { underlay: "eth0", vtep: "192.0.2.1" }, b: { vtep: "192.0.2.2" } };
  it("replaces names, and leaves what is escaped", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the document's own way to write a variable
    equal(substitute("$host-${underlay}.5 $$vtep $peer", hosts, "a"), "a-eth0.5 $vtep 192.0.2.2");
  });
  it("refuses what has no value", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the document's own way to write a variable
    for (const text of ["$underlay", "$nothing", "${}"])
      try {
        substitute(text, hosts, "b");
        ok(false, text);
      } catch (error) {
        ok(error instanceof VariableError, String(error));
      }
  });
});

describe("the MTU sum", () => {
  const sums = async (file: string, underlay: number): Promise<string[]> => {
    const wanted = desiredOf(derive(await readSource(file), "bm1"));
    return explainMtus(
      plan(
        {
          links: [{ name: "ens34f0", mtu: underlay, up: true }],
          sysctls: {
            "net.ipv4.ip_forward": "1",
            "net.ipv4.conf.all.rp_filter": "0",
            "net.ipv4.conf.default.rp_filter": "0",
            "net.ipv4.conf.ens34f0.rp_filter": "0",
          },
        },
        wanted,
      ),
    );
  };
  it("is told for each link and for the guests", async () => {
    deepEqual(await sums("examples/two-hosts.yaml", 1500), [
      "ens34f0  1500  ens34f0 has it",
      "vxlan0  1450  1500 − 50: VXLAN over IPv4",
      "br-vm  1450  the smallest of its ports: vxlan0",
      "guests on br-vm  1450  that of br-vm",
      "ovn-kubernetes in them  1350  1450 − 100: outer IPv4 20 + UDP 8 + Geneve 8 + inner Ethernet 14 + OVN's Geneve option 8 + kept free 42",
    ]);
    deepEqual((await sums("examples/two-hosts.yaml", 9000)).slice(1, 2), ["vxlan0  8950  9000 − 50: VXLAN over IPv4"]);
    deepEqual((await sums("examples/two-hosts-ipv6.yaml", 1500)).slice(1, 2), [
      "vxlan0  1430  1500 − 70: VXLAN over IPv6",
    ]);
  });
});
