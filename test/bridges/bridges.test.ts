import { deepEqual, equal, throws } from "node:assert/strict";
import { checkMdb, type MdbConfig, mdbEntries, mdbToWire } from "../../lib/bridges/mdb.ts";
import { checkMst, type MstState, mstFromWire, mstToWire } from "../../lib/bridges/mst.ts";
import {
  brVlanMsg,
  getmdb,
  newlink,
  newtunnel,
  newvlan,
  setlink,
  setmdb,
  tunnelMsg,
} from "../../lib/bridges/schema.ts";
import { checkVlan, globalsFromWire, type VlanConfig, vlanFromWire, vlanToWire } from "../../lib/bridges/vlans.ts";
import { checkVni, type VniConfig, vniFromWire } from "../../lib/bridges/vnis.ts";
import { type Message, NLMSG_HDRLEN, Reader, Writer } from "../../lib/wire/index.ts";
import { indexIn, NAMES, readAgain, readTwice } from "../addresses/attributes.ts";
import { only } from "../fixtures.ts";

const plain = { state: "forwarding", mcastRouter: 1 };
const options = (mcastMaxGroups: number, on: boolean): object => ({
  mcastGroups: 0,
  mcastMaxGroups,
  neighSuppress: on,
  neighForwardGrat: on,
});
const VLANS: Readonly<Record<string, readonly [dev: string, vlans: readonly object[]]>> = {
  vlan: [
    "d1",
    [
      { vid: 1, untagged: true, ...plain },
      { vid: 10, vidEnd: 20, untagged: true, ...plain },
      { vid: 30, pvid: true, mcastRouter: 1, state: "blocking" },
    ],
  ],
  "vlan-tunnel": [
    "vx0",
    [
      { vid: 1, pvid: true, untagged: true, ...plain },
      { vid: 10, vidEnd: 12, tunnelId: 1010, ...plain },
    ],
  ],
};

/** The message that a value becomes, and what is read from it again. */
function there<I, O>(message: Message<I, O>, value: I): O {
  const out = new Writer();
  message.body.write(out, value);
  const bytes = out.finish();
  return message.body.read(new Reader(bytes), 0, bytes.length);
}

const REFUSED_VLANS: readonly (readonly [config: object, message: RegExp])[] = [
  [{ dev: "d1" }, /^vid: missing; expected a whole number from 1 to 4094/],
  [{ dev: "d1", vid: 4095 }, /^vid: expected a whole number from 1 to 4094, got 4095/],
  [{ dev: "d1", vid: 20, vidEnd: 10 }, /^vidEnd: 10 is before vid 20/],
  [{ dev: "d1", vid: 10, vidEnd: 20, pvid: true }, /^pvid: is for one VLAN/],
  [{ dev: "d1", vid: 10, vidEnd: 20, tunnelId: 0xff_ffff }, /^tunnelId: the range goes beyond the last VNI/],
  [{ dev: "d1", vid: 10, tunnelid: 5 }, /^tunnelid: unknown key; did you mean tunnelId\?/],
];
const REFUSED_VNIS: readonly (readonly [config: object, message: RegExp])[] = [
  [{ dev: "vx0" }, /^vni: missing/],
  [{ dev: "vx0", vni: 2 ** 24 }, /^vni: expected a whole number from 0 to 16777215/],
  [{ dev: "vx0", vni: 5, vniEnd: 4 }, /^vniEnd: 4 is before vni 5/],
  [{ dev: "vx0", vni: 5, group: "192.0.2.1" }, /^group: 192\.0\.2\.1 is the address of one host; write remote/],
  [{ dev: "vx0", vni: 5, remote: "ff02::1" }, /^remote: ff02::1 is a multicast group; write group/],
  [{ dev: "vx0", vni: 5, group: "239.1.1.1", remote: "192.0.2.1" }, /^remote: stands beside group/],
];
const G = { dev: "br0", group: "239.1.1.1" };
const REFUSED_GROUPS: readonly (readonly [config: object, message: RegExp])[] = [
  [{ dev: "br0" }, /^group: missing/],
  [{ dev: "br0", group: "all" }, /^group: expected an IPv4 or IPv6 multicast group, or a MAC address, got "all"/],
  [{ ...G, source: "2001:db8::1" }, /^source: 2001:db8::1 is not of the family of the group/],
  [{ ...G, filterMode: "include", sources: ["192.0.2.1", "::1"] }, /^sources\.1: ::1 is not of the family/],
  [{ ...G, sources: ["192.0.2.1"] }, /^filterMode: missing/],
  [{ ...G, source: "192.0.2.1", filterMode: "include" }, /^source: stands beside filterMode/],
  [{ ...G, vni: 5 }, /^vni: is for an entry of a VXLAN, which needs dst/],
  [{ ...G, dst: "192.0.2.1", vid: 5 }, /^vid: is for an entry of a bridge/],
];

describe("VLANs", () => {
  it("reads the options of VLANs as Linux 7.2 tells them", () => {
    const { attrs } = readTwice("bridges/vlan-options.hex", newvlan);
    deepEqual(
      (attrs.entry ?? []).map((one) => vlanFromWire("d1", one)),
      [
        { dev: "d1", vid: 1, pvid: true, untagged: true, ...plain, ...options(0, false) },
        { dev: "d1", vid: 10, vidEnd: 12, ...plain, ...options(7, true) },
      ],
    );
  });

  for (const [name, [dev, expected]] of Object.entries(VLANS))
    it(`reads the kernel's ${name}`, () => {
      const { header, attrs } = readAgain(`bridges/${name}.hex`, newvlan, brVlanMsg.size);
      equal(header.ifindex, indexIn(dev));
      deepEqual(
        (attrs.entry ?? []).map((one) => vlanFromWire(dev, one)),
        expected.map((one) => ({ dev, ...one })),
      );
    });

  it("reads the kernel's counters", () => {
    const { attrs } = readTwice("bridges/vlan-stats.hex", newvlan);
    const found = (attrs.entry ?? []).map((one) => vlanFromWire("d1", one));
    deepEqual(
      found.map(({ vid, vidEnd }) => [vid, vidEnd]),
      [1, 10, 11].map((vid) => [vid, undefined]),
    );
    for (const { statistics } of found)
      deepEqual(Object.keys(statistics ?? {}), ["rxBytes", "rxPackets", "txBytes", "txPackets"]);
  });

  it("reads the kernel's options for the whole bridge", () => {
    const { attrs } = readTwice("bridges/vlan-global.hex", newvlan);
    const [first, second] = (attrs.globalOptions ?? []).map((one) => globalsFromWire("br0", one, NAMES));
    const common = {
      dev: "br0",
      mcastSnooping: true,
      mcastIgmpVersion: 2,
      mcastMldVersion: 1,
      mcastLastMemberCount: 2,
      mcastStartupQueryCount: 2,
      mcastLastMemberInterval: 1,
      mcastMembershipInterval: 260,
      mcastQuerierInterval: 255,
      mcastQueryInterval: 125,
      mcastQueryResponseInterval: 10,
      mcastStartupQueryInterval: 31.25,
      msti: 0,
    };
    // It asks without an address of its own.
    const unnamed = { ipv4: { address: "0.0.0.0" }, ipv6: { address: "::" } };
    deepEqual(first, { ...common, vid: 1, mcastQuerier: false });
    deepEqual(second, { ...common, vid: 10, vidEnd: 11, mcastQuerier: true, mcastQuerierState: unnamed });
  });

  it("writes both ends of a range, and of its VNIs", () => {
    const config: VlanConfig = { dev: "d1", vid: 10, vidEnd: 12, untagged: true, tunnelId: 1010 };
    const { header, attrs } = there(setlink, vlanToWire(config, "create", indexIn));
    deepEqual([header.family, header.index], [7, 11]);
    deepEqual(attrs.afSpec, {
      vlanInfo: [
        { flags: 0x0c, vid: 10 },
        { flags: 0x14, vid: 12 },
      ],
      vlanTunnelInfo: [
        { id: 1010, vid: 10, flags: 0x08 },
        { id: 1012, vid: 12, flags: 0x10 },
      ],
    });
    const gone = there(setlink, vlanToWire({ dev: "br0", vid: 5, self: true }, "delete", indexIn));
    deepEqual(gone.attrs.afSpec, { flags: 2, vlanInfo: [{ flags: 0, vid: 5 }] });
  });

  for (const [config, message] of REFUSED_VLANS)
    it(`refuses ${JSON.stringify(config)}`, () => {
      throws(() => checkVlan(config as VlanConfig, "create"), { code: "ERR_INPUT", message });
    });
});

const REFUSED_STATES: readonly (readonly [config: object, message: RegExp])[] = [
  [{ dev: "d1", msti: 1 }, /^state: missing; expected one of disabled, listening,/],
  [{ dev: "d1", state: "blocking" }, /^msti: missing; expected a whole number from 1 to 4094/],
  [{ dev: "d1", msti: 4095, state: "blocking" }, /^msti: expected a whole number from 1 to 4094, got 4095/],
  [{ dev: "d1", msti: 0, state: "blocking" }, /^msti: expected a whole number from 1 to 4094, got 0/],
  [{ dev: "d1", msti: 1, state: "blocked" }, /^state: expected one of .*, got "blocked"/],
  [{ dev: "d1", mst: 1, state: "blocking" }, /^mst: unknown key; did you mean msti\?/],
];

describe("instances of the spanning tree", () => {
  it("reads the kernel's", () => {
    deepEqual(mstFromWire(readTwice("bridges/mst.hex", newlink), NAMES), [
      { dev: "d1", msti: 1, state: "blocking" },
      { dev: "d1", msti: 4094, state: "learning" },
      { dev: "d1", msti: 0, state: "forwarding" },
    ]);
  });

  it("writes what bridge writes", () => {
    const out = new Writer();
    out.take(NLMSG_HDRLEN);
    setlink.body.write(out, mstToWire({ dev: "d1", msti: 10, state: "learning" }, indexIn));
    const marks = (bytes: Uint8Array): string => Buffer.from(bytes.slice(NLMSG_HDRLEN)).toString("hex");
    // It leaves out the marks of nests.
    const marked = marks(only("requests/vlan-mst.hex")).replace("1c001a00", "1c001a80");
    equal(marks(out.finish()), marked.replace("18000600", "18000680"));
  });

  for (const [config, message] of REFUSED_STATES)
    it(`refuses ${JSON.stringify(config)}`, () => {
      throws(() => checkMst(config as MstState), { code: "ERR_INPUT", message });
    });
});

describe("VNIs", () => {
  it("reads the kernel's", () => {
    const { header, attrs } = readAgain("bridges/vni.hex", newtunnel, tunnelMsg.size);
    equal(header.ifindex, indexIn("vx0"));
    deepEqual(
      (attrs.entry ?? []).map((one) => vniFromWire("vx0", one)),
      [
        { dev: "vx0", vni: 100, vniEnd: 110, group: "239.1.1.1" },
        { dev: "vx0", vni: 200, remote: "2001:db8::9" },
      ],
    );
  });

  it("reads the kernel's counters", () => {
    const { attrs } = readTwice("bridges/vni-stats.hex", newtunnel);
    const found = (attrs.entry ?? []).map((one) => vniFromWire("vx0", one));
    deepEqual(
      found.map(({ vni, vniEnd, statistics }) => [vni, vniEnd, statistics?.rxBytes]),
      [
        [100, undefined, 0n],
        [101, undefined, 0n],
      ],
    );
  });

  for (const [config, message] of REFUSED_VNIS)
    it(`refuses ${JSON.stringify(config)}`, () => {
      throws(() => checkVni(config as VniConfig), { code: "ERR_INPUT", message });
    });
});

describe("multicast groups", () => {
  it("reads the kernel's, and the same from what it writes", () => {
    const message = readTwice("bridges/mdb.hex", getmdb);
    const all = mdbEntries(message, NAMES);
    const mine = all.filter(({ port, protocol }) => port === "d1" && protocol === "static");
    const common = { dev: "br0", port: "d1", protocol: "static" };
    deepEqual(
      mine.map(({ timer: _, ...one }) => one).sort((a, b) => (a.group < b.group ? -1 : 1)),
      [
        { ...common, group: "01:00:00:00:00:77", state: "permanent" },
        { ...common, group: "239.1.1.2", state: "permanent" },
        { ...common, group: "239.1.1.4", source: "192.0.2.9", state: "permanent" },
        { ...common, group: "ff15::1", state: "temp" },
      ],
    );
  });

  it("writes what it reads", () => {
    const config: MdbConfig = {
      dev: "vx0",
      group: "ff15::1",
      filterMode: "exclude",
      sources: ["2001:db8::1"],
      protocol: "bgp",
      dst: "192.0.2.1",
      dstport: 4444,
      vni: 5,
      srcVni: 6,
      via: "d0",
    };
    const { header, attrs } = there(setmdb, mdbToWire(config, indexIn));
    deepEqual([header.family, header.ifindex], [7, 13]);
    deepEqual(attrs, {
      entry: { ifindex: 13, state: 1, flags: 0, vid: 0, group: "ff15::1" },
      attrs: {
        srcList: { entry: [{ address: "2001:db8::1" }] },
        groupMode: 0,
        rtprot: 186,
        dst: "192.0.2.1",
        dstPort: 4444,
        vni: 5,
        ifindex: 10,
        srcVni: 6,
      },
    });
  });

  for (const [config, message] of REFUSED_GROUPS)
    it(`refuses ${JSON.stringify(config)}`, () => {
      throws(() => checkMdb(config as MdbConfig), { code: "ERR_INPUT", message });
    });
});
