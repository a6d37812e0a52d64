/** Overlays of a document: what each host gets of them, and what contradicts itself between hosts. */
import { deepEqual, equal, ok } from "node:assert/strict";
import { checkAll, derive, fabricOf } from "../../lib/fabric/fabric.ts";
import type { DocumentValue } from "../../lib/state/document.ts";
import { ConfigError } from "../../lib/state/error.ts";
import { parseSource } from "../../lib/state/source.ts";

const HOSTS = `linkwright: 1
hosts:
  a: { underlay: eth0, vtep: 192.0.2.1 }
  b: { underlay: eth0, vtep: 192.0.2.2 }
  c: { underlay: eth1, vtep: 192.0.2.3 }
`;
const linksOf = (text: string, host: string): NonNullable<DocumentValue["links"]> =>
  (derive(parseSource(text, "f.yaml"), host).value as DocumentValue).links ?? {};
function said(text: string, host?: string): string[] {
  try {
    if (host === undefined) checkAll(parseSource(text, "f.yaml"));
    else derive(parseSource(text, "f.yaml"), host);
  } catch (error) {
    ok(error instanceof ConfigError, String(error));
    return error.message.split("\n");
  }
  return [];
}

describe("an overlay", () => {
  it("is a bridge and a VXLAN on each member, and nothing on others", () => {
    const text = `${HOSTS}overlays: { vm: { vni: 39, members: [a, c], gateway: { a: [10.0.0.1/24] } } }`;
    deepEqual(linksOf(text, "a"), {
      "br-vm": { kind: "bridge", mtu: "auto", addresses: ["10.0.0.1/24"] },
      "vx-vm": {
        ...{ kind: "vxlan", dev: "eth0", local: "192.0.2.1", dstport: 4789, master: "br-vm", mtu: "auto", vni: 39 },
        remotes: ["192.0.2.3"],
      },
    });
    deepEqual(linksOf(text, "b"), {});
    deepEqual(linksOf(text, "c")["vx-vm"]?.["dev"], "eth1");
  });

  it("floods as it is told", () => {
    const links = (flood: string) =>
      linksOf(`${HOSTS}evpn: { asn: 64512 }\noverlays: { vm: { vni: 39, flood: ${flood} } }`, "a")["vx-vm"] ?? {};
    const { remote, ttl, remotes } = links("{ multicast: 239.1.1.39, ttl: 8 }");
    deepEqual([remote, ttl, remotes], ["239.1.1.39", 8, undefined]);
    const evpn = links("evpn");
    deepEqual(
      [evpn["learning"], evpn["addrGenMode"], evpn.port, evpn.remotes],
      [false, "none", { learning: false, neighSuppress: true }, undefined],
    );
  });

  it("knows where static MACs are, and that its own are nowhere else", () => {
    const text = `${HOSTS}overlays: { vm: { vni: 39, staticMacs: { b: ["02:00:00:00:00:0b"], c: ["02:00:00:00:00:0c"] } } }`;
    deepEqual(linksOf(text, "b")["vx-vm"]?.fdb, [
      { mac: "02:00:00:00:00:0b", state: "absent" },
      { mac: "02:00:00:00:00:0c", dst: "192.0.2.3" },
    ]);
    const fixed = linksOf(text.replace("vni: 39", "vni: 39, learning: false"), "a")["vx-vm"];
    deepEqual(fixed?.fdb?.slice(0, 2), [
      { mac: "02:00:00:00:00:0b", dst: "192.0.2.2" },
      { mac: "02:00:00:00:00:0b", master: true, state: "static" },
    ]);
    deepEqual([fixed?.["learning"], fixed?.port], [false, { learning: false }]);
  });

  it("shares a VXLAN with others, told apart by VLAN", () => {
    const text = `${HOSTS}overlays:
  red: { vni: 110, vlan: 10, bridge: br0, gateway: { a: [10.1.0.1/24] } }
  blue: { vni: 120, vlan: 20, bridge: br0, members: [a, b] }
`;
    const links = linksOf(text, "a");
    deepEqual(Object.keys(links), ["br0", "vx-0", "br0.10"]);
    deepEqual(links["br0"], { kind: "bridge", mtu: "auto", vlanFiltering: true, vlanDefaultPvid: 0, vlans: [10, 20] });
    deepEqual(links["vx-0"], {
      ...{ kind: "vxlan", dev: "eth0", local: "192.0.2.1", dstport: 4789, master: "br0", mtu: "auto" },
      ...{ external: true, vnifilter: true, learning: true, port: { vlanTunnel: true } },
      vlans: [
        { vid: 10, tunnelId: 110 },
        { vid: 20, tunnelId: 120 },
      ],
      vnis: [110, 120],
      remotes: [],
      fdb: [
        { mac: "00:00:00:00:00:00", dst: "192.0.2.2", srcVni: 110 },
        { mac: "00:00:00:00:00:00", dst: "192.0.2.3", srcVni: 110 },
        { mac: "00:00:00:00:00:00", dst: "192.0.2.2", srcVni: 120 },
      ],
    });
    deepEqual(links["br0.10"], { kind: "vlan", dev: "br0", id: 10, mtu: "auto", addresses: ["10.1.0.1/24"] });
    deepEqual(linksOf(text, "c")["vx-0"]?.vnis, [110]);
    deepEqual(said(text), []);
  });

  it("has the hops of the overlays of a shared VXLAN that flood by multicast, which agree", () => {
    const text = `${HOSTS}overlays:
  red: { vni: 110, vlan: 10, bridge: br0 }
  blue: { vni: 120, vlan: 20, bridge: br0, flood: { multicast: 239.1.1.2, ttl: 9 } }
  gray: { vni: 130, vlan: 30, bridge: br0, flood: { multicast: 239.1.1.3, ttl: 9 } }
`;
    equal(linksOf(text, "a")["vx-0"]?.["ttl"], 9);
    deepEqual(derive(parseSource(text), "a").origin(["links", "vx-0", "ttl"]), ["overlays", "blue", "flood"]);
    equal(linksOf(text.replaceAll(", ttl: 9", ""), "a")["vx-0"]?.["ttl"], 4);
    equal(linksOf(text.replaceAll(/, flood: {.*?}/g, ""), "a")["vx-0"]?.["ttl"], undefined);
    const says = (other: string) =>
      `f.yaml:9:44: overlays.gray.flood: overlay blue at line 8 shares its VXLAN and has ttl 9, this one ${other}; write the same ttl, or give each a bridge of its own`;
    deepEqual(said(text.replace("1.3, ttl: 9", "1.3, ttl: 5")), [says("5")]);
    deepEqual(said(text.replace("1.3, ttl: 9", "1.3")), [says("4")]);
    const apart = text.replace("1.3, ttl: 9 }", "1.3 }, members: [a]").replace("ttl: 9 }", "ttl: 9 }, members: [b, c]");
    deepEqual(said(apart), []);
  });

  it("goes over another one, and gets what that leaves", () => {
    const hosts = HOSTS.replaceAll(" }", ", mtu: 9000 }").replace("9000", "1500");
    const text = `${hosts}overlays:
  vm: { vni: 1, gateway: { a: [10.0.0.1/24], b: [10.0.0.2/24], c: ["fd00::3/64"] } }
  pods: { vni: 2, over: vm, members: [a, b] }
`;
    const { "vx-vm": vm, "vx-pods": pods } = linksOf(text, "a");
    deepEqual(
      [vm?.mtu, pods?.mtu, pods?.["dev"], pods?.["local"], pods?.remotes],
      [1450, 1400, "br-vm", "10.0.0.1", ["10.0.0.2"]],
    );
  });

  it("is routed by a VRF", () => {
    const text = `${HOSTS}evpn: { asn: 64512, vrfs: { blue: { vni: 5000, table: 1100 } } }
overlays: { vm: { vni: 39, flood: evpn, vrf: blue, gateway: [10.0.0.1/24], gatewayMac: "02:00:5e:00:00:01" } }`;
    const links = linksOf(text, "b");
    deepEqual(Object.keys(links), ["blue", "br-blue", "vx-blue", "br-vm", "vx-vm"]);
    deepEqual(links["blue"], { kind: "vrf", table: 1100 });
    deepEqual(
      [links["br-blue"]?.master, links["br-blue"]?.["addrGenMode"], links["br-vm"]?.master],
      ["blue", "none", "blue"],
    );
    deepEqual(
      [links["vx-blue"]?.["vni"], links["vx-blue"]?.["learning"], links["br-vm"]?.mac],
      [5000, false, "02:00:5e:00:00:01"],
    );
    deepEqual(said(text), []);
  });

  it("takes more from what stands under links", () => {
    const text = `${HOSTS}overlays: { vm: { vni: 39 } }
links: { br-vm: { kind: bridge }, vx-vm: { tos: 4, port: { cost: 7 }, mtu: 1400 } }`;
    const wrong = "f.yaml:7:19: links.br-vm.kind: overlays.vm says it already; leave it out here";
    deepEqual(said(text, "a"), [wrong]);
    const links = linksOf(text.replace("kind: bridge", "stp: true"), "a");
    deepEqual(
      [links["br-vm"]?.kind, links["br-vm"]?.["stp"], links["vx-vm"]?.["tos"], links["vx-vm"]?.mtu],
      ["bridge", true, 4, 1400],
    );
    deepEqual(links["vx-vm"]?.port, { cost: 7 });
  });

  it("tells of mistakes of one host where the file has them", () => {
    const text = `${HOSTS}overlays:\n  vm:\n    vni: 39\n    gateway: { a: [10.0.0.1/24], b: [10.0.0.2/24] }\nlinks: { x: { kind: bridge, addresses: [10.0.0.2/24] } }`;
    const source = derive(parseSource(text, "f.yaml"), "b");
    equal(source.locate(["links", "br-vm", "addresses", 0]).line, 9);
    deepEqual(source.origin(["links", "vx-vm", "remotes", 1]), ["hosts", "c", "vtep"]);
    deepEqual(said(text), ["f.yaml:9:38: overlays.vm.gateway.b[0]: 10.0.0.2 stands at line 10 already; keep one"]);
  });

  it("is worked out once for all hosts", () => {
    const source = parseSource(`${HOSTS}overlays: { vm: { vni: 39 } }`);
    equal(fabricOf(source), fabricOf(source));
  });
});

describe("a fabric refuses", () => {
  const overlays = (...entries: readonly string[]): string =>
    `${HOSTS}overlays:\n${entries.map((one) => `  ${one}\n`).join("")}`;
  const table: readonly (readonly [string, string, ...string[]])[] = [
    [
      "one VNI twice on one port",
      overlays("x: { vni: 7 }", "y: { vni: 7 }"),
      "f.yaml:8:13: overlays.y.vni: overlay x at line 7 has VNI 7 on UDP port 4789 already; give one of them another vni or dstport",
    ],
    ["one VNI on two ports: no", overlays("x: { vni: 7 }", "y: { vni: 7, dstport: 4790 }")],
    ["one VNI where no host has both: no", overlays("x: { vni: 7, members: [a, b] }", "y: { vni: 7, members: [c] }")],
    [
      "a member without VTEP",
      "linkwright: 1\nhosts:\n  a: { underlay: eth0, vtep: 192.0.2.1 }\n  b: { underlay: eth0 }\noverlays: { x: { vni: 7 } }",
      "f.yaml:4:3: hosts.b: b is in overlay x and has no vtep; write hosts.b.vtep, or leave it out of its members",
    ],
    [
      "an unknown member",
      overlays("x: { vni: 7, members: [a, d, a] }"),
      "f.yaml:7:29: overlays.x.members[1]: unknown host; did you mean a?",
      "f.yaml:7:32: overlays.x.members[2]: a stands in this list already; keep one",
    ],
    [
      "evpn without ASN",
      overlays("x: { vni: 7, flood: evpn }"),
      "f.yaml:7:23: overlays.x.flood: needs the number of the autonomous system; write evpn: { asn: 64512 } beside hosts",
    ],
    [
      "a group that is none, or the link's own, or of another family",
      overlays(
        "x: { vni: 7, flood: { multicast: 192.0.2.9 } }",
        "y: { vni: 8, flood: { multicast: 224.0.0.5 } }",
        'z: { vni: 9, flood: { multicast: "ff05::1" } }',
      ),
      "f.yaml:7:36: overlays.x.flood.multicast: 192.0.2.9 is no multicast group; those are 239.0.0.0/8, and ff05::/16",
      "f.yaml:8:36: overlays.y.flood.multicast: 224.0.0.5 is kept for protocols of the link itself; take one of 239.0.0.0/8, or ff05::/16",
      "f.yaml:9:36: overlays.z.flood.multicast: ff05::1 and the vtep 192.0.2.1 are of different families; use one",
    ],
    [
      "mixed families in an overlay over another",
      overlays(
        'x: { vni: 7, gateway: { a: [10.0.0.1/24], b: ["fd00::2/64"] } }',
        "y: { vni: 8, over: x, members: [a, b] }",
      ),
      "f.yaml:8:3: overlays.y: the vtep fd00::2 of b and 10.0.0.1 of a are of different families; an overlay has one",
    ],
    [
      "an overlay over itself, over nothing, and over one without addresses",
      overlays("x: { vni: 7, over: y }", "y: { vni: 8, over: x }", "z: { vni: 9, over: nothing }"),
      "f.yaml:7:22: overlays.x.over: a, b, c need an address in overlay y for the tunnel to end at; write overlays.y.gateway.a",
      "f.yaml:8:22: overlays.y.over: x → y → x is a loop; one of them has to be on the underlay",
      "f.yaml:9:22: overlays.z.over: there is no overlay nothing; overlays are x, y, z",
    ],
    [
      "one gateway address on two hosts",
      overlays(
        "x: { vni: 7, gateway: { a: [10.0.0.1/24], b: [10.0.0.1/24] } }",
        "y: { vni: 8, gateway: [10.1.0.1/24] }",
      ),
      "f.yaml:7:49: overlays.x.gateway.b[0]: 10.0.0.1 is an address of a at line 7 already; each host has its own",
      "f.yaml:8:25: overlays.y.gateway: the same addresses would be on 3 hosts; write gateway: { HOST: [ADDRESS] }, or flood: evpn and gatewayMac",
    ],
    [
      "one static MAC on two hosts, or of a host that is not in it",
      overlays(
        'x: { vni: 7, members: [a, b], staticMacs: { a: ["02:00:00:00:00:01", "03:00:00:00:00:01"], b: ["02:00:00:00:00:01"], c: [] } }',
      ),
      "f.yaml:7:72: overlays.x.staticMacs.a[1]: 03:00:00:00:00:01 is not the address of one machine",
      "f.yaml:7:98: overlays.x.staticMacs.b[0]: 02:00:00:00:00:01 is on a at line 7 already; keep one",
      "f.yaml:7:120: overlays.x.staticMacs.c: c is not in overlay x, whose members are a, b",
    ],
    [
      "a bridge for two overlays that are not told apart, or are by the same VLAN",
      overlays(
        "x: { vni: 7, bridge: br0 }",
        "y: { vni: 8, bridge: br0, vlan: 1 }",
        "z: { vni: 9, vlan: 5, bridge: br1 }",
        "w: { vni: 10, vlan: 5, bridge: br1 }",
      ),
      "f.yaml:8:3: overlays.y: overlay x at line 7 has bridge br0 already; give each a vlan to share it, or another bridge",
      "f.yaml:10:23: overlays.w.vlan: overlay z at line 9 is VLAN 5 of br1 already; give one of them another",
    ],
    [
      "names that are too long",
      overlays("quite-a-long-name: { vni: 7 }"),
      "f.yaml:7:3: overlays.quite-a-long-name: its bridge would be called br-quite-a-long-name, and links have names of at most 15 letters, digits, - and _; choose another name",
      "f.yaml:7:3: overlays.quite-a-long-name: its vxlan would be called vx-quite-a-long-name, and links have names of at most 15 letters, digits, - and _; choose another name",
    ],
    [
      "more MTU than there is, and hosts that keep theirs to themselves",
      HOSTS.replace("192.0.2.1 }", "192.0.2.1, mtu: 1500 }").replace("192.0.2.2 }", "192.0.2.2, mtu: 9000 }") +
        "overlays: { x: { vni: 7, mtu: 1451 } }",
      "f.yaml:5:3: hosts.c: a, which is in overlay x too, has an mtu; write hosts.c.mtu",
      "f.yaml:6:31: overlays.x.mtu: 1451 is more than the 1450 that the underlay of a leaves; write mtu: auto",
    ],
    [
      "overlays without hosts",
      "linkwright: 1\noverlays: { x: { vni: 7 } }",
      "f.yaml:2:1: overlays: needs hosts, which say where tunnels end",
    ],
    [
      "an unknown key",
      overlays("x: { vni: 7, group: 239.1.1.1 }"),
      "f.yaml:7:16: overlays.x.group: unknown key; known are flood, bridge, vxlan, dstport, vlan, over, learning, gatewayMac, vrf, vni, mtu, members, gateway, staticMacs",
    ],
    [
      "links that would not hear each other",
      `${HOSTS}links: { v: { kind: vxlan, vni: { a: 1, b: 2, c: 1 }, dstport: { a: 4789, c: 8472 }, flood: unicast, mtu: { a: 1400, b: 1400, c: 1450 } } }`,
      "f.yaml:6:44: links.v.vni.b: b has vni 2 and a 1 (line 6): they would not hear each other; give both the same",
      "f.yaml:6:78: links.v.dstport.c: c has dstport 8472 and a 4789 (line 6): they would not hear each other; give both the same",
      "f.yaml:6:130: links.v.mtu.c: c has mtu 1450 and a 1400 (line 6): what the larger one sends would not get out of the smaller one's bridge; give both the same",
    ],
    [
      "addresses and MACs of links that would be there twice",
      `${HOSTS}links: { b: { kind: bridge, mac: "02:00:00:00:00:01", addresses: [10.0.0.1/24] }, v: { kind: vxlan, vni: 1, master: b, flood: unicast } }`,
      "f.yaml:6:34: links.b.mac: 02:00:00:00:00:01 would be on a (line 6) and on b, which share a network; give each host its own",
      "f.yaml:6:67: links.b.addresses[0]: 10.0.0.1 would be on a (line 6) and on b, which share a network; give each host its own",
    ],
    [
      "evpn without ASN under links",
      `${HOSTS}links: { v: { kind: vxlan, vni: 1, flood: evpn } }`,
      "f.yaml:6:43: links.v.flood: needs the number of the autonomous system; write evpn: { asn: 64512 } beside hosts",
    ],
    [
      "VRFs that are not there, or take a VNI of an overlay; hosts that BGP cannot tell apart",
      `linkwright: 1\nhosts: { a: { underlay: e, vtep: "2001:db8::1" } }\nevpn: { asn: 1, vrfs: { red: { vni: 7, table: 9 } }, reflectors: [b] }\noverlays: { x: { vni: 7, flood: evpn, vrf: blue } }`,
      "f.yaml:2:10: hosts.a: BGP knows hosts by an IPv4 address; write hosts.a.routerId",
      "f.yaml:3:37: evpn.vrfs.red.vni: overlay x has VNI 7 already; routed packets need one of their own",
      "f.yaml:3:67: evpn.reflectors[0]: unknown host; did you mean a?, or the address of another machine",
      "f.yaml:4:44: overlays.x.vrf: there is no blue in evpn.vrfs; write its vni and table there",
    ],
  ];
  for (const [name, text, ...lines] of table)
    it(name, () =>
      deepEqual(
        said(text).filter((line, i, all) => all.indexOf(line) === i),
        lines,
      ),
    );
});
