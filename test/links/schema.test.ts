import { deepEqual, equal, ok } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { linkKinds } from "../../lib/links/kinds/index.ts";
import { bondSlave } from "../../lib/links/ports/bond.ts";
import { brport } from "../../lib/links/ports/bridge.ts";
import { ifla, newlink, readCounters } from "../../lib/links/schema.ts";
import { TUNNEL_FLAGS } from "../../lib/links/tunnels/outer.ts";
import { type AnySchema, type MessageOut, NLMSG_HDRLEN, Reader, Writer, writeMessage } from "../../lib/wire/index.ts";
import { only } from "../fixtures.ts";
import { compare, compareBits, header, numbersOf, shouted } from "../headers.ts";
import { skip } from "../needs.ts";

type LinkMessage = MessageOut<typeof newlink>;
const FIXTURES = readdirSync("test/fixtures/links").filter((file) => file.endsWith(".hex"));

function read(bytes: Uint8Array): LinkMessage {
  return newlink.body.read(new Reader(bytes), NLMSG_HDRLEN, bytes.length);
}
function written(value: LinkMessage): Uint8Array {
  const out = new Writer();
  writeMessage(out, newlink, value, 0, 0);
  return out.finish();
}
/** The kernel dumps a byte where it accepts a flag: false is written as nothing. */
function settable(value: LinkMessage): LinkMessage {
  const copy = structuredClone(value) as {
    attrs: { linkinfo?: { info?: { kind: string; data?: { ttlInherit?: boolean } } } };
  };
  const info = copy.attrs.linkinfo?.info;
  if (info?.kind === "vxlan" && info.data?.ttlInherit === false) delete info.data.ttlInherit;
  return copy as LinkMessage;
}
/** Keys of attributes without a schema, however deep. */
function unknownIn(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return [];
  return Object.entries(value).flatMap(([key, part]) => {
    const here = `${path}.${key}`;
    return key.startsWith("#") ? [here] : unknownIn(part, here);
  });
}
/** The schema inside a field, where there is one. */
function inside(schema: AnySchema, ...keys: readonly string[]): AnySchema {
  let now = schema;
  for (const key of keys) {
    const field = now.fields[key];
    ok(field, `${now.name} has ${key}`);
    const { codec } = field.open(new Reader(new Uint8Array(8)), 0, { start: 0, end: 0 });
    ok(codec !== undefined && "fields" in codec, `${now.name}.${key} has attributes`);
    now = codec as AnySchema;
  }
  return now;
}

/** The kernel tells all bits of the word as known. */
const REST = { restMask: 0xffff_ffe0, restValue: 0 };

describe("links on the wire", () => {
  for (const file of FIXTURES) {
    it(`knows every attribute of ${file}, and writes back what it read`, () => {
      const bytes = only(`links/${file}`);
      const value = read(bytes);
      deepEqual(unknownIn(value), []);
      deepEqual(read(written(value)), settable(value));
    });

    it(`loses no byte of ${file} that it cannot name`, () => {
      const bytes = only(`links/${file}`).slice();
      // An attribute from the future at the end.
      const more = new Uint8Array([...bytes, 8, 0, 0xff, 0x0f, 1, 2, 3, 4]);
      const value = read(more);
      deepEqual(unknownIn(value), [".attrs.#4095"]);
      deepEqual(read(written(value)), settable(value));
    });
  }

  it("reads what `ip` asked for", () => {
    const data = (file: string): object | undefined => {
      const info = read(only(`links/${file}`)).attrs.linkinfo?.info;
      return info?.data instanceof Uint8Array ? undefined : info?.data;
    };
    const vxlan = data("vxlan-all.hex") as Record<string, unknown>;
    equal(vxlan["id"], 42);
    equal(vxlan["port"], 4789);
    deepEqual(vxlan["portRange"], { low: 100, high: 200 });
    equal(vxlan["ttlInherit"], true);
    equal(vxlan["gbp"], true);
    equal((data("vxlan-ipv6.hex") as Record<string, unknown>)["label"], 0x12345);
    equal((data("vxlan-ipv6.hex") as Record<string, unknown>)["group6"], "2001:db8::1");
    equal((data("bridge-stp.hex") as Record<string, unknown>)["forwardDelay"], 400);
    const vlan = data("bridge-vlan.hex") as Record<string, unknown>;
    deepEqual(
      ["vlanProtocol", "vlanDefaultPvid", "vlanFiltering", "vlanStatsEnabled", "vlanStatsPerPort"].map(
        (key) => vlan[key],
      ),
      [0x88a8, 7, true, true, true],
    );
    deepEqual(read(only("links/vxlan-protodown.hex")).attrs.protoDownReason, { value: 0x20 });
    equal((data("macvlan-bclim.hex") as Record<string, unknown>)["bcCutoff"], 5);
    equal((data("vxlan-no-partial.hex") as Record<string, unknown>)["remcsumNopartial"], true);
    equal(read(only("links/vxlan-link-netns.hex")).attrs.linkNetnsid, 0);
    const { parentDevName, parentDevBusName } = read(only("links/e1000.hex")).attrs;
    deepEqual([/^0000:00:0\d\.0$/.test(parentDevName ?? ""), parentDevBusName], [true, "pci"]);
    const mcast = data("bridge-mcast.hex") as Record<string, unknown>;
    equal((mcast["mcastQuerierState"] as Record<string, unknown>)["ipAddress"], "192.0.2.1");
    equal((mcast["multiBoolopt"] as Record<string, unknown>)["noLlLearn"], true);
    const told = (file: string, ...keys: string[]): unknown[] => {
      const all = data(`${file}.hex`) as Record<string, unknown>;
      return keys.map((key) => all[key]);
    };
    deepEqual(told("gre-all", "iflags", "oflags", "ikey", "okey", "ttl", "tos", "pmtudisc", "ignoreDf", "fwmark"), [
      { key: true, seq: true },
      { csum: true, key: true },
      ...[5, 6, 7, 16, false, true, 9],
    ]);
    deepEqual(told("gre-all", "encapType", "encapFlags", "encapSport", "encapDport"), ["fou", { csum: true }, 0, 5555]);
    deepEqual(told("gretap-plain", "ikey", "encapType", "encapSport"), [0x0102_0304, "gue", 7]);
    deepEqual(told("gre-external", "collectMetadata"), [true]);
    deepEqual(told("ip6gre-all", "flowinfo", "ttl", "flags"), [
      { tclass: 0x12, label: 0x34567 },
      7,
      { ignEncapLimit: true, rcvDscpCopy: true, allowLocalRemote: true, rest: 0x3_0000 },
    ]);
    deepEqual(told("erspan-1", "erspanVer", "erspanIndex", "okey"), [1, 0x12345, 3]);
    deepEqual(told("ip6erspan-2", "erspanVer", "erspanDir", "erspanHwid"), [2, "egress", 0x1f]);
    deepEqual(told("ipip-all", "proto", "encapType", "local"), [137, "gue", "192.0.2.2"]);
    deepEqual(told("sit-6rd", "6rdPrefix", "6rdPrefixlen", "6rdRelayPrefix", "6rdRelayPrefixlen"), [
      ...["2001:db8::", 32, "192.0.2.0", 24],
    ]);
    deepEqual(told("sit-isatap", "flags"), [{ isatap: true }]);
    deepEqual(told("ip6tnl-all", "proto", "encapLimit", "fwmark"), [41, 3, 9]);
    for (const file of ["vti", "vti6"]) deepEqual(told(file, "ikey", "okey", "fwmark"), [5, 6, 9]);
    deepEqual(told("xfrm", "ifId"), [42]);
    deepEqual(told("geneve-all", "id", "port", "ttlInherit", "df", "udpCsum"), [42, 6082, true, "set", true]);
    deepEqual(told("geneve-ipv6", "remote6", "label", "innerProtoInherit"), ["2001:db8::1", 0x12345, true]);
    deepEqual(data("vlan-all.hex"), {
      id: 4094,
      protocol: 0x88a8,
      flags: { ...{ reorderHdr: false, gvrp: true, looseBinding: true, mvrp: true, bridgeBinding: false }, ...REST },
      ingressQos: {
        mapping: [
          { from: 3, to: 6 },
          { from: 7, to: 1 },
        ],
      },
      egressQos: {
        mapping: [
          { from: 1, to: 7 },
          { from: 6, to: 3 },
          { from: 0xffff_ffff, to: 5 },
        ],
      },
    });
    const bond = data("bond-active-backup.hex") as Record<string, unknown>;
    deepEqual(
      [bond["mode"], bond["arpInterval"], bond["arpIpTarget"], bond["nsIp6Target"], bond["arpValidate"]],
      ["active-backup", 200, ["192.0.2.1", "192.0.2.2"], ["2001:db8::1", "2001:db8::2"], "backup"],
    );
    const lacp = data("bond-802.3ad.hex") as Record<string, Record<string, unknown>>;
    deepEqual(
      [lacp["adLacpRate"], lacp["adActorSystem"], lacp["adInfo"]?.["numPorts"]],
      ["fast", "02:00:00:00:00:0c", 1],
    );
    deepEqual(data("macvlan-source.hex"), {
      mode: "source",
      flags: { nodst: true },
      macaddrCount: 2,
      macaddrData: { macaddr: ["02:00:00:00:00:0b", "02:00:00:00:00:0a"] },
      bcQueueLen: 500,
      bcQueueLenUsed: 500,
    });
    deepEqual(data("ipvlan-l3s.hex"), { mode: "l3s", flags: "private" });
    deepEqual(data("vrf-plain.hex"), { table: 0xffff_ffff });
    const hsr = data("hsr-prp.hex") as Record<string, unknown>;
    deepEqual([hsr["protocol"], hsr["supervisionAddr"]], ["prp", "01:15:4e:00:01:00"]);
    const slave = (file: string): unknown => read(only(`links/${file}`)).attrs.linkinfo?.slave?.data;
    deepEqual(slave("vrf-port.hex"), { table: 1001 });
    deepEqual(slave("bond-port.hex"), {
      ...{ state: "backup", miiStatus: "down", linkFailureCount: 0, permHwaddr: "02:00:00:00:00:0d" },
      ...{ queueId: 3, prio: -7 },
    });
    const veth = read(only("links/veth-pair.hex")).attrs;
    equal(veth.address, "02:00:00:00:00:01");
    equal(veth.ifalias, "left end");
    deepEqual(veth.propList?.altIfname, ["a-name-that-is-longer-than-fifteen"]);
    equal(typeof readCounters(veth.stats64 ?? new Uint8Array()).rxBytes, "bigint");
  });
});

describe("numbers of links", () => {
  const SCHEMAS: readonly (readonly [file: string, schema: AnySchema, names?: Record<string, string[]>])[] = [
    ["if_link.h", ifla, { targetNetnsid: ["IFLA_TARGET_NETNSID"] }],
    [
      "if_link.h",
      inside(ifla, "linkinfo"),
      { info: ["IFLA_INFO_KIND", "IFLA_INFO_DATA"], slave: ["IFLA_INFO_SLAVE_KIND", "IFLA_INFO_SLAVE_DATA"] },
    ],
    ["if_link.h", linkKinds.vxlan.wire],
    ["if_link.h", linkKinds.bridge.wire],
    ["if_link.h", linkKinds.geneve.wire],
    ["if_link.h", linkKinds.xfrm.wire],
    ["if_tunnel.h", linkKinds.gre.wire],
    ["if_tunnel.h", linkKinds.sit.wire],
    ["if_tunnel.h", linkKinds.vti.wire],
    ["if_link.h", linkKinds.vlan.wire],
    ["if_link.h", inside(linkKinds.vlan.wire, "egressQos")],
    ["if_link.h", linkKinds.bond.wire],
    ["if_link.h", inside(linkKinds.bond.wire, "adInfo")],
    ["if_link.h", bondSlave],
    ["if_link.h", linkKinds.macvlan.wire],
    ["if_link.h", linkKinds.ipvlan.wire],
    ["if_link.h", linkKinds.vrf.wire],
    ["if_link.h", linkKinds.vrf.port?.wire as AnySchema],
    ["if_link.h", linkKinds.hsr.wire],
    ["if_link.h", linkKinds.macsec.wire],
    ["if_link.h", linkKinds.netkit.wire],
    ["if_link.h", brport],
    ["if_link.h", inside(ifla, "afSpec", "inet")],
    ["if_link.h", inside(ifla, "afSpec", "inet6")],
    ["if_link.h", inside(ifla, "xdp")],
    ["if_link.h", inside(ifla, "protoDownReason")],
    ["if_bridge.h", inside(linkKinds.bridge.wire, "mcastQuerierState")],
    ["veth.h", linkKinds.veth.wire],
  ];
  for (const [file, schema, names] of SCHEMAS)
    it(`${schema.name}_* are those of ${file}, all of them`, function () {
      const { checked, wrong, newer } = compare(header(this, file), schema, names);
      deepEqual(wrong, []);
      if (newer.length === Object.keys(schema.fields).length) skip(this, `${file} is older than ${schema.name}_*`);
      ok(checked > 0);
    });

  it("are those of a veth's far end too", function () {
    const peer = linkKinds.veth.wire.fields.peer;
    ok(peer !== undefined);
    const numbers = header(this, "if_link.h");
    for (const [key, number] of Object.entries({ address: 1, ifname: 3, mtu: 4, netNsFd: 28 }))
      equal(numbers.get(`IFLA_${shouted(key)}`), number);
  });

  it("are those of the flags of tunnels over IPv6", function () {
    const flags = Object.entries(TUNNEL_FLAGS).map(([key, bit]) => [shouted(key), bit]);
    const { checked, wrong } = compareBits(header(this, "ip6_tunnel.h"), "IP6_TNL_F", Object.fromEntries(flags));
    deepEqual([checked, wrong], [7, []]);
  });

  it("reads enumerators as a compiler does", () => {
    const numbers = numbersOf("enum { A, B = 5, /* x, */ C, D = B, __E_MAX, }; enum e {F}; #define G 7");
    deepEqual(
      [...numbers.entries()],
      [
        ["A", 0],
        ["B", 5],
        ["C", 6],
        ["D", 5],
        ["__E_MAX", 6],
        ["F", 0],
      ],
    );
  });
});
