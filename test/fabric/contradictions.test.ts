/** What overlays contradict each other in: each message whole, with its place; and what is no contradiction. */
import { deepEqual, ok } from "node:assert/strict";
import { checkAll } from "../../lib/fabric/fabric.ts";
import { ConfigError } from "../../lib/state/error.ts";
import { parseSource } from "../../lib/state/source.ts";

/** Lines about a document of three hosts; its own lines begin with the sixth. */
function said(body: string, hosts = "a b c"): string[] {
  const text = hosts.split(" ").map((name, i) => `  ${name}: { underlay: eth0, vtep: 192.0.2.${i + 1} }\n`);
  try {
    checkAll(parseSource(`linkwright: 1\nhosts:\n${text.join("")}${body}`, "f.yaml"));
  } catch (error) {
    ok(error instanceof ConfigError, String(error));
    return error.message.split("\n");
  }
  return [];
}
const two = (one: string, other: string): string => `overlays:\n  x: { ${one} }\n  y: { ${other} }\n`;
const vrfs = (entries: string): string => `evpn: { asn: 64512, vrfs: { ${entries} } }\n`;
const SHARED = "vni: 1, vlan: 1, bridge: br0";
const OTHER = "vni: 2, vlan: 2, bridge: br0";
const shares = (key: string, column: number, what: string): string =>
  `f.yaml:8:${column}: overlays.y.${key}: overlay x at line 7 shares its VXLAN${what}`;

const TABLE: readonly (readonly [name: string, body: string, ...lines: string[]])[] = [
  ["nothing", two("vni: 1", "vni: 2")],
  ["one VNI on two ports", two("vni: 1, dstport: 4789", "vni: 1, dstport: 8472")],
  ["one VNI on hosts that do not meet", two("vni: 1, members: [a]", "vni: 1, members: [b], bridge: br1, vxlan: vx1")],
  ["two overlays on one bridge, told apart", two(SHARED, OTHER)],
  [
    "one of two on a bridge has no VLAN",
    two(SHARED, "vni: 2, bridge: br0"),
    "f.yaml:8:3: overlays.y: overlay x at line 7 has bridge br0 already; give each a vlan to share it, or another bridge",
  ],
  [
    "one of two on a VXLAN has no VLAN",
    two("vni: 1, vxlan: v, vlan: 3", "vni: 2, vxlan: v"),
    "f.yaml:8:3: overlays.y: overlay x at line 7 has vxlan v already; give each a vlan to share it, or another vxlan",
  ],
  [
    "another port on one VXLAN",
    two(SHARED, `${OTHER}, dstport: 8472`),
    shares("dstport", 38, " and has dstport 4789; they have it in common"),
  ],
  [
    "another MTU on one VXLAN",
    two(`${SHARED}, mtu: 1400`, `${OTHER}, mtu: 1300`),
    shares("mtu", 38, " and has mtu 1400; they have it in common"),
  ],
  [
    "learning on one VXLAN",
    two(SHARED, `${OTHER}, learning: false`),
    shares("learning", 38, "; they have learning in common"),
  ],
  [
    "EVPN on one VXLAN",
    `evpn: { asn: 64512 }\noverlays:\n  x: { ${SHARED} }\n  y: { ${OTHER}, flood: evpn }\n`,
    "f.yaml:9:38: overlays.y.flood: overlay x at line 8 shares its VXLAN; both or none are evpn",
  ],
  [
    "EVPN on one VXLAN, the other way round",
    `evpn: { asn: 64512 }\noverlays:\n  x: { ${SHARED}, flood: evpn }\n  y: { ${OTHER} }\n`,
    "f.yaml:9:3: overlays.y.flood: overlay x at line 8 shares its VXLAN; both or none are evpn",
  ],
  [
    "EVPN for both on one VXLAN",
    `evpn: { asn: 64512 }\noverlays:\n  x: { ${SHARED}, flood: evpn }\n  y: { ${OTHER}, flood: evpn }\n`,
  ],
  [
    "a MAC for a gateway that is not the same everywhere",
    'evpn: { asn: 64512 }\noverlays: { x: { vni: 1, flood: evpn, gatewayMac: "02:00:00:00:00:01", gateway: { a: [10.0.0.1/24] } } }\n',
    "f.yaml:7:39: overlays.x.gatewayMac: is for a gateway that is the same on all hosts; write gateway as a list",
  ],
  [
    "one gateway for all with EVPN, without a MAC",
    "evpn: { asn: 64512 }\noverlays: { x: { vni: 1, flood: evpn, gateway: [10.0.0.1/24] } }\n",
    "f.yaml:7:48: overlays.x.gateway: the same addresses would be on 3 hosts; write gateway: { HOST: [ADDRESS] }, or flood: evpn and gatewayMac",
  ],
  [
    "one gateway of an overlay that one host is in",
    "overlays: { x: { vni: 1, members: [b], gateway: [10.0.0.1/24] } }\n",
  ],
  [
    "the gateway of a host that is not a member",
    "overlays: { x: { vni: 1, members: [a, b], gateway: { c: [10.0.0.1/24] } } }\n",
    "f.yaml:6:54: overlays.x.gateway.c: c is not in overlay x, whose members are a, b",
  ],
  [
    "the gateway of a host that is not there",
    "overlays: { x: { vni: 1, gateway: { d: [10.0.0.1/24] } } }\n",
    "f.yaml:6:37: overlays.x.gateway.d: unknown host; did you mean a?",
  ],
  [
    "static MACs with EVPN",
    'evpn: { asn: 64512 }\noverlays: { x: { vni: 1, flood: evpn, staticMacs: { a: ["02:00:00:00:00:01"] } } }\n',
    "f.yaml:7:39: overlays.x.staticMacs: with flood: evpn it is FRR that tells where MACs are; leave them out",
  ],
  [
    "one MAC twice on a host, in other letters",
    'overlays: { x: { vni: 1, staticMacs: { a: ["02:00:00:00:00:0a", "02:00:00:00:00:0A"] } } }\n',
    "f.yaml:6:65: overlays.x.staticMacs.a[1]: 02:00:00:00:00:0A stands in this list already; keep one",
  ],
  [
    "MACs that are no machine's",
    'overlays: { x: { vni: 1, staticMacs: { a: ["00:00:00:00:00:00", "01:00:5e:00:00:01"] } } }\n',
    "f.yaml:6:44: overlays.x.staticMacs.a[0]: 00:00:00:00:00:00 is not the address of one machine",
    "f.yaml:6:65: overlays.x.staticMacs.a[1]: 01:00:5e:00:00:01 is not the address of one machine",
  ],
  [
    "a VRF without EVPN",
    `${vrfs("red: { vni: 9, table: 9 }")}overlays: { x: { vni: 1, vrf: red } }\n`,
    "f.yaml:7:31: overlays.x.vrf: routing between overlays by VRF needs flood: evpn",
  ],
  [
    "a VRF that is not there",
    "evpn: { asn: 64512 }\noverlays: { x: { vni: 1, flood: evpn, vrf: red } }\n",
    "f.yaml:7:44: overlays.x.vrf: there is no red in evpn.vrfs; write its vni and table there",
  ],
  [
    "a VRF that would be called too long",
    `${vrfs("a-name-too-long: { vni: 9, table: 9 }")}`,
    "f.yaml:6:29: evpn.vrfs.a-name-too-long: its bridge would be called br-a-name-too-long, and links have names of at most 15 letters, digits, - and _; choose another name",
  ],
  [
    "two VRFs with one VNI and one table",
    `${vrfs("red: { vni: 9, table: 9 }, blue: { vni: 9, table: 9 }")}`,
    "f.yaml:6:69: evpn.vrfs.blue.vni: VRF red has VNI 9 already; routed packets need one of their own",
    "f.yaml:6:79: evpn.vrfs.blue.table: VRF red has table 9 already; each has its own",
  ],
  [
    "a reflector by a name that is none",
    "evpn: { asn: 64512, reflectors: [b, 192.0.2.77, nobody] }\n",
    "f.yaml:6:49: evpn.reflectors[2]: unknown host; hosts are a, b, c, or the address of another machine",
  ],
  [
    "groups of the link itself, and what only looks like one",
    `overlays:
  w: { vni: 1, flood: { multicast: "ff02::1" } }
  x: { vni: 2, flood: { multicast: 240.0.0.1 } }
  y: { vni: 3, flood: { multicast: 223.9.9.9 } }
  z: { vni: 4, flood: { multicast: 239.224.0.0 } }
`,
    "f.yaml:7:36: overlays.w.flood.multicast: ff02::1 is kept for protocols of the link itself; take one of 239.0.0.0/8, or ff05::/16",
    "f.yaml:8:36: overlays.x.flood.multicast: 240.0.0.1 is no multicast group; those are 239.0.0.0/8, and ff05::/16",
    "f.yaml:9:36: overlays.y.flood.multicast: 223.9.9.9 is no multicast group; those are 239.0.0.0/8, and ff05::/16",
  ],
  [
    "more hosts than a line holds",
    "overlays: { x: { vni: 1, members: [nowhere-near] } }\n",
    "f.yaml:13:36: overlays.x.members[0]: unknown host; hosts are h1, h2, h3, h4, h5, h6, h7, h8, …",
  ],
];

describe("overlays that contradict each other", () => {
  for (const [name, body, ...lines] of TABLE) {
    const hosts = name.startsWith("more hosts") ? "h1 h2 h3 h4 h5 h6 h7 h8 h9 h10" : "a b c";
    it(name, () => deepEqual(said(body, hosts), lines));
  }

  it("know hosts by one BGP identifier each", () => {
    const text = (a: string, b: string): string =>
      `linkwright: 1\nhosts:\n  a: { underlay: e, vtep: ${a} }\n  b: { underlay: e, vtep: ${b} }\nevpn: { asn: 64512 }\noverlays: { x: { vni: 1, flood: evpn } }\n`;
    const lines = (text: string): string[] => {
      try {
        checkAll(parseSource(text, "f.yaml"));
      } catch (error) {
        return (error as Error).message.split("\n");
      }
      return [];
    };
    deepEqual(lines(text("192.0.2.1, routerId: 192.0.2.9", "192.0.2.2, routerId: 192.0.2.9")), [
      "f.yaml:4:48: hosts.b.routerId: 192.0.2.9 is that of a at line 3 already; each host has its own",
    ]);
    deepEqual(lines(text('"fd00::1", routerId: 192.0.2.1', '"fd00::2", routerId: 192.0.2.2')), []);
  });
});
