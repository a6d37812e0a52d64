/** FRR's configuration for hosts of a fabric, what is found wrong with one, and what is compared with the kernel. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { fabricOf } from "../../lib/fabric/fabric.ts";
import { compareFrr } from "../../lib/fabric/frr/agreement.ts";
import { lintFrr } from "../../lib/fabric/frr/lint.ts";
import { renderFrr } from "../../lib/fabric/frr/render.ts";
import type { FdbEntry } from "../../lib/neighbors/entry.ts";
import { parseSource } from "../../lib/state/source.ts";

const TEXT = `linkwright: 1
hosts:
  a: { underlay: eth0, vtep: 192.0.2.1 }
  b: { underlay: eth0, vtep: 192.0.2.2 }
  c: { underlay: eth0, vtep: 192.0.2.3 }
  d: { underlay: eth0, vtep: 192.0.2.4 }
evpn: { asn: 64512, reflectors: [], vrfs: { blue: { vni: 5000, table: 1100 } } }
overlays:
  vm: { vni: 39, flood: evpn, members: [a, b, c], vrf: blue }
`;
const fabric = fabricOf(parseSource(TEXT));
const reflected = fabricOf(parseSource(TEXT.replace("[]", "[a, 192.0.2.9]")));

describe("frr.conf", () => {
  it("has the other members as neighbors, and the VRF", () => {
    equal(
      renderFrr(fabric, "a"),
      `vrf blue
 vni 5000
exit-vrf
!
router bgp 64512
 bgp router-id 192.0.2.1
 no bgp default ipv4-unicast
 neighbor fabric peer-group
 neighbor fabric remote-as internal
 neighbor fabric update-source 192.0.2.1
 neighbor fabric timers 3 9
 neighbor fabric timers connect 5
 neighbor 192.0.2.2 peer-group fabric
 neighbor 192.0.2.3 peer-group fabric
 !
 address-family l2vpn evpn
  neighbor fabric activate
  advertise-all-vni
 exit-address-family
exit
!
router bgp 64512 vrf blue
 bgp router-id 192.0.2.1
 address-family ipv4 unicast
  redistribute connected
 exit-address-family
 address-family ipv6 unicast
  redistribute connected
 exit-address-family
 address-family l2vpn evpn
  advertise ipv4 unicast
  advertise ipv6 unicast
 exit-address-family
exit
!
`,
    );
    equal(renderFrr(fabric, "d"), undefined);
  });

  it("has route reflectors only, and these their clients", () => {
    const neighbors = (host: string) =>
      [...(renderFrr(reflected, host) ?? "").matchAll(/neighbor (\S+) peer-group (\S+)/g)].map(
        ([, ip, group]) => `${ip} ${group}`,
      );
    deepEqual(neighbors("b"), ["192.0.2.1 fabric", "192.0.2.9 fabric"]);
    deepEqual(neighbors("a"), ["192.0.2.9 fabric", "192.0.2.2 clients", "192.0.2.3 clients"]);
    match(renderFrr(reflected, "a") ?? "", /^ {2}neighbor clients route-reflector-client$/m);
  });

  it("of ours is found in order", () => {
    for (const one of [fabric, reflected])
      for (const host of ["a", "b", "c", "d"]) deepEqual(lintFrr(one, host, renderFrr(one, host) ?? ""), [], host);
  });

  it("of others is found in order where it says the same", () => {
    const other = `frr defaults datacenter
vrf blue
vni 5000
router bgp 64512
bgp router-id 192.0.2.1
neighbor 192.0.2.2 remote-as 64512
neighbor 192.0.2.3 remote-as internal
address-family l2vpn evpn
neighbor 192.0.2.2 activate
neighbor 192.0.2.3 activate
advertise-all-vni
exit-address-family
router bgp 64512 vrf blue
address-family l2vpn evpn
advertise ipv4 unicast
`;
    deepEqual(lintFrr(fabric, "a", other), []);
  });

  const slips: readonly (readonly [string, (text: string) => string, string])[] = [
    [
      "another autonomous system",
      (text) => text.replaceAll("64512", "64513"),
      "5: the autonomous system is 64513, and that of the fabric 64512",
    ],
    ["no BGP at all", () => "hostname a\n", "1: there is no router bgp 64512; linkwright fabric frr prints it"],
    [
      "no advertise-all-vni",
      (text) => text.replace("  advertise-all-vni\n", ""),
      "5: address-family l2vpn evpn has no advertise-all-vni: FRR leaves the kernel's VXLANs alone",
    ],
    [
      "no activation",
      (text) => text.replace("  neighbor fabric activate\n", ""),
      "13: neighbor 192.0.2.2 is not activated in address-family l2vpn evpn: it tells and hears nothing of VXLANs",
    ],
    [
      "a neighbor that is missing",
      (text) => text.replace(/.*192\.0\.2\.3.*\n/, ""),
      "5: there is no neighbor 192.0.2.3; write neighbor 192.0.2.3 remote-as internal",
    ],
    [
      "a neighbor of no host",
      (text) => text.replace("!\n address", "neighbor 192.0.2.8 remote-as internal\n address"),
      "15: neighbor 192.0.2.8 is no host of the fabric that this one speaks with",
    ],
    [
      "another remote-as",
      (text) => text.replace("remote-as internal", "remote-as 65000"),
      "9: neighbor 192.0.2.2 has remote-as 65000, and the fabric is one autonomous system, 64512",
    ],
    [
      "another router-id",
      (text) => text.replace("router-id 192.0.2.1", "router-id 192.0.2.7"),
      "6: bgp router-id is 192.0.2.7, and the fabric has 192.0.2.1 for this host",
    ],
    [
      "another VNI of the VRF",
      (text) => text.replace("vni 5000", "vni 5001"),
      "2: VRF blue has vni 5001, and the fabric 5000",
    ],
  ];
  for (const [name, change, expected] of slips)
    it(`is told to have ${name}`, () => {
      const text = renderFrr(fabric, "a") ?? "";
      ok(change(text) !== text);
      const [first] = lintFrr(fabric, "a", change(text));
      equal(`${first?.line}: ${first?.message}`, expected);
    });
});

describe("FRR and the kernel", () => {
  const ZERO = "00:00:00:00:00:00";
  const mac = "02:00:00:00:00:02";
  const summary = {
    as: 64512,
    routerId: "192.0.2.1",
    peers: { "192.0.2.2": { state: "Established" }, "192.0.2.3": { state: "Established" } },
  };
  const vnis = {
    39: { vni: 39, type: "L2", vxlanIf: "vx-vm", remoteVteps: ["192.0.2.3", "192.0.2.2"] },
    5000: { vni: 5000, type: "L3", vxlanIf: "vx-blue", tenantVrf: "blue" },
  };
  const macs = {
    39: {
      macs: {
        [mac]: { type: "remote", remoteVtep: "192.0.2.2" },
        "02:00:00:00:00:01": { type: "local", intf: "tap0" },
      },
    },
  };
  const entry = (words: object): FdbEntry => ({ dev: "vx-vm", state: "permanent", ...words }) as FdbEntry;
  const fdb = [
    entry({ mac: ZERO, dst: "192.0.2.2" }),
    entry({ mac: ZERO, dst: "192.0.2.3" }),
    entry({ mac, dst: "192.0.2.2", externLearn: true }),
    entry({ mac, master: "br-vm", externLearn: true }),
  ];
  const told = async (
    answers: { summary?: object; vnis?: object; macs?: object },
    entries = fdb,
  ): Promise<string[]> => {
    const all: Record<string, object> = {
      "show bgp l2vpn evpn summary json": answers.summary ?? summary,
      "show evpn vni json": answers.vnis ?? vnis,
      "show evpn mac vni all json": answers.macs ?? macs,
    };
    return (await compareFrr(fabric, "a", async (command) => JSON.stringify(all[command]), entries)).map(
      ({ message }) => message,
    );
  };

  it("agree", async () => deepEqual(await told({}), []));
  it("differ in what is flooded to", async () => {
    deepEqual(await told({}, fdb.slice(1)), [
      "VNI 39: FRR knows the far end 192.0.2.2, and vx-vm does not flood to it",
    ]);
    deepEqual(await told({}, [...fdb, entry({ mac: ZERO, dst: "192.0.2.9" })]), [
      "VNI 39: vx-vm floods to 192.0.2.9, of which FRR knows nothing: whose entry is it?",
    ]);
    deepEqual(await told({ vnis: { ...vnis, 39: { ...vnis[39], remoteVteps: ["192.0.2.2"] } } }, fdb.toSpliced(1, 1)), [
      "VNI 39: c (192.0.2.3) does not announce it",
    ]);
  });
  it("differ in one VNI of a VXLAN that has several", async () => {
    const other = entry({ mac: ZERO, dst: "192.0.2.9", srcVni: 40 });
    const all = [...fdb.map((one) => ({ ...one, srcVni: 39 })), other, { ...other, mac, externLearn: true }];
    deepEqual(await told({}, all), []);
    deepEqual(await told({}, [...all, { ...other, srcVni: 39 }]), [
      "VNI 39: vx-vm floods to 192.0.2.9, of which FRR knows nothing: whose entry is it?",
    ]);
  });
  it("differ where FRR is older than what the fabric takes", async () => {
    const wide = TEXT.replaceAll(/vtep: 192.0.2.(\d)/g, 'vtep: "2001:db8::$1", routerId: 192.0.2.$1');
    const first = async (version: string, document = wide, host = "a"): Promise<string | undefined> => {
      const ask = async (command: string): Promise<string> => (command === "show version" ? version : "{}");
      return (await compareFrr(fabricOf(parseSource(document)), host, ask, []))[0]?.message;
    };
    const vlans = TEXT.replace("vni: 39,", "vni: 39, vlan: 7, bridge: br0,");
    equal(
      await first("FRRouting 8.4.4 (bm1)", vlans),
      "FRR 8.4.4 does not know one VXLAN for several VNIs: that takes 9.0 or later",
    );
    equal(await first("FRRouting 9.0 (bm1)", vlans), "BGP has no neighbor 192.0.2.2");
    const text = "FRR 8.4.4 does not know VTEPs of IPv6: that takes 10.6 or later";
    equal(await first("FRRouting 8.4.4 (bm1) on Linux(6.18)."), text);
    equal((await first("FRRouting 10.5.1 (bm1)"))?.startsWith("FRR 10.5.1 does not know"), true);
    for (const version of ["FRRouting 10.6.0 (bm1)", "FRRouting 11.0-dev (bm1)", "what?"])
      equal(await first(version), "BGP has no neighbor 2001:db8::2", version);
    // Who only passes on what others announce has no VTEP that EVPN would tell of.
    const reflector = wide.replace("reflectors: []", "reflectors: [d]");
    deepEqual(
      [
        await first("FRRouting 8.4.4 (bm1)", reflector),
        (await first("FRRouting 8.4.4 (bm1)", reflector, "d")) === text,
      ],
      [text, false],
    );
  });
  it("differ in MACs", async () => {
    deepEqual(await told({ macs: {} }), [
      `VNI 39: the kernel has ${mac} at 192.0.2.2, and FRR does not: the entry is stale`,
    ]);
    deepEqual(await told({}, fdb.slice(0, 2)), [`VNI 39: FRR has ${mac} at 192.0.2.2, and the kernel no entry for it`]);
    const elsewhere = [...fdb.slice(0, 2), entry({ mac, dst: "192.0.2.3", externLearn: true })];
    deepEqual(await told({}, elsewhere), [`VNI 39: FRR has ${mac} at 192.0.2.2, and the kernel at 192.0.2.3`]);
  });
  it("differ in VNIs and neighbors", async () => {
    deepEqual(await told({ vnis: { 5000: vnis[5000] } }), [
      "VNI 39: FRR does not know it: is vx-vm up, and advertise-all-vni set?",
    ]);
    deepEqual(await told({ vnis: { ...vnis, 5000: { type: "L2" } } }), [
      "VNI 5000: to FRR it is not that of VRF blue; write vrf blue, vni 5000",
    ]);
    deepEqual(await told({ summary: { ...summary, peers: { "192.0.2.2": { state: "Active" } } } }), [
      "BGP's neighbor 192.0.2.2 is Active: is it up, and TCP port 179 open?",
      "BGP has no neighbor 192.0.2.3",
    ]);
  });
  it("are not compared where FRR does not speak JSON", () =>
    rejects(() => compareFrr(fabric, "a", async () => "% Unknown command", []), {
      code: "ERR_FRR",
      message: "FRR answers to show bgp l2vpn evpn summary json: % Unknown command",
    }));
});
