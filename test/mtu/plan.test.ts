import assert from "node:assert";
import {
  ENCAPSULATIONS,
  type EncapsulationName,
  type Family,
  INSIDE,
  type InsideName,
  partsOf,
  total,
} from "../../lib/mtu/encapsulation.ts";
import { imagined, type MtuLink, parseThrough, pathOf, type Through, topsOf } from "../../lib/mtu/plan.ts";

const through = (words: string): Through[] =>
  words.split(",").map((word) => parseThrough(word) ?? assert.fail(`there is no ${word}`));

/** MTUs of a path on paper, from the underlay to the guest. */
function onPaper(underlay: number, words: string): number[] {
  const links = imagined(underlay, through(words));
  const { hops, guest } = pathOf(links.at(-1) ?? assert.fail(), links);
  return [...hops.map(({ mtu }) => mtu), guest.mtu];
}

const insideOf = (guest: number, names: readonly string[] = Object.keys(INSIDE)): Record<string, number> => {
  const links = imagined(guest, []);
  const { inside } = pathOf(links[0] ?? assert.fail(), links, { inside: names });
  return Object.fromEntries(inside.map(({ name, mtu }) => [name, mtu]));
};

describe("MTU arithmetic", () => {
  const overheads: readonly (readonly [EncapsulationName, Family, number])[] = [
    ["vxlan", 4, 50],
    ["vxlan", 6, 70],
    ["vxlan-gpe", 4, 36],
    ["geneve", 4, 50],
    ["geneve", 6, 70],
    ["gre", 4, 24],
    ["gretap", 4, 38],
    ["ip6gre", 6, 52],
    ["ip6gretap", 6, 66],
    ["ipip", 4, 20],
    ["sit", 4, 20],
    ["ip6tnl", 6, 48],
    ["wireguard", 4, 80],
    ["wireguard", 6, 80],
    ["pppoe", 4, 8],
    ["vlan", 4, 0],
    ["macvlan", 4, 0],
  ];
  for (const [name, family, bytes] of overheads)
    it(`${name} over IPv${family} takes ${bytes}`, () => {
      assert.equal(total(partsOf(name, family, 1500, false)), bytes);
    });

  it("gives every part a source", () => {
    for (const { parts } of Object.values(ENCAPSULATIONS))
      for (const part of (parts as (family: Family, below: number) => readonly { source: string }[])(4, 1500))
        assert.notEqual(part.source, "");
  });

  it("pads ESP to four bytes, so that the largest packet ends on them", () => {
    for (let below = 1400; below <= 1500; below++) {
      const inner = below - total(partsOf("ipsec", 4, below, false));
      assert.equal((inner + 2) % 4, 0, `${below}`);
      // Outer IP, ESP, IV, ICV around what is encrypted; the next larger block would not fit.
      const outer = 20 + 8 + 8 + 16 + inner + 2;
      assert.ok(outer <= below && outer + 4 > below, `${below}`);
    }
    assert.deepEqual(onPaper(1500, "ipsec"), [1500, 1446, 1446]);
    assert.deepEqual(onPaper(1500, "ipsec-nat"), [1500, 1438, 1438]);
    assert.deepEqual(onPaper(1500, "ipsec-transport"), [1500, 1466, 1466]);
  });

  it("comes to the numbers of the founding story, with their reasons", () => {
    const links = imagined(1500, through("vxlan"));
    const { hops, guest, inside } = pathOf(links.at(-1) ?? assert.fail(), links);
    assert.equal(hops[1]?.why, "1500 − 50: outer IPv4 20 + UDP 8 + VXLAN 8 + inner Ethernet 14");
    assert.equal(guest.mtu, 1450);
    assert.deepEqual(
      inside.map(({ name, mtu }) => [name, mtu]),
      [
        ["ovn-kubernetes", 1350],
        ["calico", 1400],
        ["flannel", 1400],
        ["cilium", 1400],
      ],
    );
    assert.match(inside[0]?.why ?? "", /^1450 − 100: outer IPv4 20 \+ UDP 8 \+ Geneve 8 .* kept free 42$/);
  });

  it("takes each pod network off the guest's MTU", () => {
    const expected: Readonly<Record<InsideName, number>> = {
      "ovn-kubernetes": 1350,
      "ovn-kubernetes-ipsec": 1304,
      calico: 1400,
      "calico-ipip": 1430,
      "calico-wireguard": 1390,
      flannel: 1400,
      "flannel-wireguard": 1370,
      cilium: 1400,
      "cilium-wireguard": 1320,
      geneve: 1400,
      vxlan: 1400,
    };
    assert.deepEqual(insideOf(1450), expected);
  });

  it("takes the longer header of nodes with IPv6 addresses, and no more where that is reckoned with already", () => {
    const wide = ["calico6", "calico-wireguard6", "flannel6", "flannel-wireguard6", "cilium6", "cilium-wireguard6"];
    assert.deepEqual(insideOf(1450, [...wide, "ovn-kubernetes6", "ovn-kubernetes-ipsec6"]), {
      ...{ calico6: 1380, "calico-wireguard6": 1370, flannel6: 1380, "flannel-wireguard6": 1370 },
      ...{ cilium6: 1380, "cilium-wireguard6": 1300, "ovn-kubernetes6": 1350, "ovn-kubernetes-ipsec6": 1304 },
    });
    for (const word of ["calico-ipip6", "calico66", "6", "toString"])
      assert.deepEqual(insideOf(1450, [word]), {}, word);
  });

  it("stacks: WireGuard below, VXLAN over IPv6 in it, a tag in that", () => {
    assert.deepEqual(onPaper(1500, "wireguard,vxlan6"), [1500, 1420, 1350, 1350]);
    assert.deepEqual(onPaper(1500, "ipsec-transport,vxlan"), [1500, 1466, 1416, 1416]);
    assert.deepEqual(onPaper(9000, "vxlan6"), [9000, 8930, 8930]);
  });

  it("counts a tag inside of a tunnel, and not below it", () => {
    assert.deepEqual(onPaper(1500, "vlan,vxlan"), [1500, 1500, 1450, 1450]);
    assert.deepEqual(onPaper(1500, "vxlan,vlan"), [1500, 1450, 1446, 1446]);
    assert.deepEqual(onPaper(1500, "vxlan,vlan,vlan"), [1500, 1450, 1446, 1442, 1442]);
  });

  it("reads a 6 behind a name only where the outer header may be either", () => {
    assert.deepEqual(parseThrough("vxlan6"), { kind: "vxlan", family: 6 });
    assert.deepEqual(parseThrough("ip6gre"), { kind: "ip6gre", family: 6 });
    for (const word of ["vlan6", "ipip6", "sit6", "ip6gre6", "6", "", "vxlan66", "__proto__"])
      assert.equal(parseThrough(word), undefined, word);
  });

  it("refuses what leaves nothing", () => {
    assert.throws(() => onPaper(100, "vxlan"), { code: "ERR_MTU", message: /^vxlan: nothing is left .* 100 − 50/ });
    assert.throws(() => insideOf(150), { code: "ERR_MTU", message: /^ovn-kubernetes: nothing is left/ });
  });

  it("says where IPv6 ends", () => {
    const links = imagined(1300, through("vxlan"));
    const { remarks } = pathOf(links.at(-1) ?? assert.fail(), links);
    assert.ok(remarks.some(({ level, text }) => level === "note" && text.includes("1280")));
  });
});

describe("the path of a host", () => {
  const UNDERLAY: MtuLink = { name: "eth0", kind: "device", mtu: 1500 };
  const VXLAN: MtuLink = { name: "vxlan0", kind: "vxlan", mtu: 1450, dev: "eth0", master: "br-vm" };
  const BRIDGE: MtuLink = { name: "br-vm", kind: "bridge", mtu: 1450 };
  const path = (vxlan: Partial<MtuLink>, ...others: readonly MtuLink[]) => {
    const top = { ...VXLAN, ...vxlan };
    return pathOf(top, [UNDERLAY, top, BRIDGE, ...others]);
  };
  const wrong = (found: ReturnType<typeof path>): string[] =>
    found.remarks.filter(({ level }) => level === "wrong").map(({ name }) => name);

  it("finds nothing wrong where all is as it should be", () => {
    const found = path({});
    assert.deepEqual(wrong(found), []);
    assert.equal(found.guest.mtu, 1450);
    assert.equal(found.guest.on, "br-vm");
    assert.deepEqual(
      found.hops.map(({ name, mtu }) => [name, mtu]),
      [
        ["eth0", 1500],
        ["vxlan0", 1450],
        ["br-vm", 1450],
      ],
    );
  });

  it("tells of a port that lets more in than gets through", () => {
    assert.deepEqual(wrong(path({}, { name: "tap1", kind: "tun", mtu: 1500, master: "br-vm" })), ["tap1"]);
    assert.deepEqual(wrong(path({}, { name: "tap1", kind: "tun", mtu: 1450, master: "br-vm" })), []);
  });

  it("tells of an underlay that became smaller, and gives the guest what really fits", () => {
    const shrunk = [{ ...UNDERLAY, mtu: 1400 }, VXLAN, BRIDGE];
    const found = pathOf(VXLAN, shrunk);
    assert.deepEqual(wrong(found), ["vxlan0"]);
    assert.equal(found.guest.mtu, 1350);
  });

  it("takes a VXLAN without a device for what it is: it fragments, and says so", () => {
    const found = path({ mtu: 1500, routed: true });
    assert.deepEqual(wrong(found), []);
    assert.equal(found.guest.mtu, 1450);
    assert.ok(
      found.remarks.some(({ name, level, text }) => name === "vxlan0" && level === "kernel" && /1500/.test(text)),
    );
  });

  it("keeps a guest of the document within what fits", () => {
    const links = [UNDERLAY, VXLAN, BRIDGE];
    assert.deepEqual(wrong(pathOf(VXLAN, links, { mtu: 1500 })), ["guest"]);
    const smaller = pathOf(VXLAN, links, { mtu: 1400, inside: ["ovn-kubernetes", "something"] });
    assert.deepEqual([wrong(smaller), smaller.guest.mtu, smaller.inside.map(({ mtu }) => mtu)], [[], 1400, [1300]]);
    assert.ok(smaller.remarks.some(({ name, level }) => name === "something" && level === "note"));
  });

  it("takes off what WireGuard needs of its device, and what it keeps free only where it does keep it", () => {
    const under = (mtu: number, family: Family = 4) => {
      const wg0: MtuLink = { name: "wg0", kind: "wireguard", mtu, dev: "eth0", family };
      const top: MtuLink = { name: "vxlan1", kind: "vxlan", mtu: mtu - 50, dev: "wg0" };
      return pathOf(top, [UNDERLAY, wg0, top]);
    };
    const why = "outer IPv4 20 + UDP 8 + WireGuard 32";
    assert.equal(under(1420).hops[1]?.why, `1500 − 80: ${why} + kept free for IPv6 20`);
    assert.equal(under(1440).hops[1]?.why, `1500 − 60: ${why}`);
    assert.deepEqual([under(1440).guest.mtu, wrong(under(1440))], [1390, []]);
    assert.deepEqual([under(1450).guest.mtu, wrong(under(1450))], [1390, ["wg0"]]);
    assert.deepEqual([under(1440, 6).guest.mtu, wrong(under(1440, 6))], [1370, ["wg0"]]);
    assert.deepEqual([under(1420, 6).guest.mtu, wrong(under(1420, 6))], [1370, []]);
  });

  it("takes off what ESP may need, and says that it is a guess", () => {
    const xfrm0: MtuLink = { name: "xfrm0", kind: "ipsec", mtu: 1500, dev: "eth0" };
    const top: MtuLink = { name: "vxlan1", kind: "vxlan", mtu: 1500, dev: "xfrm0", routed: true };
    const found = pathOf(top, [UNDERLAY, xfrm0, top]);
    assert.deepEqual([found.guest.mtu, wrong(found)], [1396, []]);
    assert.ok(found.remarks.some(({ name, text }) => name === "xfrm0" && text.startsWith("reckoned as an ESP tunnel")));
    const { dev: _, ...nowhere } = xfrm0;
    const without = pathOf(top, [nowhere, top]);
    assert.ok(without.remarks.some(({ name, text }) => name === "xfrm0" && text.includes("--through ipsec,vxlan")));
  });

  it("begins with the innermost tunnels, and does not run in circles", () => {
    const outer: MtuLink = { name: "wg0", kind: "wireguard", mtu: 1420 };
    const inner: MtuLink = { name: "vxlan1", kind: "vxlan", mtu: 1370, dev: "wg0" };
    assert.deepEqual(
      topsOf([UNDERLAY, outer, inner, VXLAN]).map(({ name }) => name),
      ["vxlan1", "vxlan0"],
    );
    const a: MtuLink = { name: "a", kind: "vxlan", mtu: 1450, dev: "b" };
    const b: MtuLink = { name: "b", kind: "vlan", mtu: 1500, dev: "a" };
    assert.equal(pathOf(a, [a, b]).hops.length, 2);
  });
});
