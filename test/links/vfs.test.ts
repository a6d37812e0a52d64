import { deepEqual, equal, throws } from "node:assert/strict";
import { newvfs, setvfs, vfInfo, vfInfoList, vfStats, vfVlans } from "../../lib/links/vf-schema.ts";
import { checkVf, type Vf, type VfChange, vfSteps, vfsFromWire } from "../../lib/links/vfs.ts";
import { NLMSG_HDRLEN, Reader, Writer } from "../../lib/wire/index.ts";
import { readTwice } from "../addresses/attributes.ts";
import { only } from "../fixtures.ts";
import { compare, header } from "../headers.ts";

const zero = "00:00:00:00:00:00";
const plain = {
  dev: "eth0",
  mac: zero,
  broadcast: "ff:ff:ff:ff:ff:ff",
  maxTxRate: 0,
  minTxRate: 0,
  spoofchk: false,
  queryRss: false,
  state: "auto",
  trust: false,
} as const;
const ASKED: Readonly<Record<string, VfChange>> = {
  "link-vf-vlan": { dev: "eth0", vf: 0, mac: "02:00:00:00:00:0a", vlan: 10, qos: 3, vlanProtocol: "802.1ad" },
  "link-vf-settings": {
    dev: "eth0",
    vf: 1,
    maxTxRate: 1e8,
    minTxRate: 5e7,
    spoofchk: true,
    queryRss: true,
    state: "enable",
    trust: true,
  },
};
const REFUSED: readonly (readonly [change: object, message: RegExp])[] = [
  [{ vf: 0, mac: zero }, /^dev: missing; expected an interface name/],
  [{ dev: "eth0", mac: zero }, /^vf: missing; expected a whole number/],
  [{ dev: "eth0", vf: 0, vlan: 4096 }, /^vlan: expected a whole number from 0 to 4095, got 4096/],
  [
    { dev: "eth0", vf: 0, maxTxRate: 100 },
    /^maxTxRate: expected bits per second from 0 to \d+, a multiple of 1000000, got 100/,
  ],
  [{ dev: "eth0", vf: 0, maxTxRate: 1e6, minTxRate: 2e6 }, /^minTxRate: 2000000 is more than maxTxRate 1000000/],
  [{ dev: "eth0", vf: 0, state: "up" }, /^state: expected one of auto, enable, disable, got "up"/],
  [{ dev: "eth0", vf: 0, trusted: true }, /^trusted: unknown key; did you mean trust\?/],
];

describe("virtual functions", () => {
  const whole = only("links/vf.hex");
  const told = newvfs.body.read(new Reader(new Uint8Array(whole)), NLMSG_HDRLEN, whole.length);

  it("reads the kernel's", () => {
    deepEqual(vfsFromWire(told), [
      { ...plain, vf: 0, mac: "02:00:00:00:00:0a", vlan: 10, qos: 3, vlanProtocol: "802.1ad" },
      {
        ...plain,
        vf: 1,
        maxTxRate: 100_000_000,
        minTxRate: 50_000_000,
        spoofchk: true,
        queryRss: true,
        state: "enable",
        trust: true,
      },
      { ...plain, vf: 2 },
    ]);
    const [first] = vfsFromWire(told, true);
    equal(first?.statistics?.rxBytes, 0n);
    equal(Object.keys(first?.statistics ?? {}).length, 8);
  });

  for (const [file, changes] of Object.entries(ASKED))
    it(`asks as ip does for ${file}`, () => {
      const before: Vf = { ...plain, vf: changes.vf };
      const infos = vfSteps(before, changes).map(({ info }) => info);
      const out = new Writer();
      setvfs.body.write(out, { header: {}, attrs: { vfinfoList: { info: infos } } });
      const ours = setvfs.body.read(new Reader(out.finish()), 0, out.length);
      const theirs = readTwice(`requests/${file}.hex`, setvfs);
      const merged = Object.assign({}, ...(theirs.attrs.vfinfoList?.info ?? []));
      deepEqual(Object.assign({}, ...(ours.attrs.vfinfoList?.info ?? [])), merged);
    });

  it("sends what differs, and of what belongs together all", () => {
    const now: Vf = { ...plain, vf: 4, vlan: 10, qos: 3, vlanProtocol: "802.1ad", maxTxRate: 7_000_000 };
    const change = {
      dev: "eth0",
      vf: 4,
      qos: 2,
      minTxRate: 1_000_000,
      mac: zero,
      trust: false,
      state: "disable",
    } as const;
    deepEqual(vfSteps(now, change), [
      { keys: ["qos"], info: { vlanList: { info: [{ vf: 4, vlan: 10, qos: 2, vlanProto: 0x88a8 }] } } },
      { keys: ["minTxRate"], info: { rate: { vf: 4, maxTxRate: 7, minTxRate: 1 } } },
      { keys: ["state"], info: { linkState: { vf: 4, linkState: "disable" } } },
    ]);
    deepEqual(vfSteps({ ...plain, vf: 4 }, { dev: "eth0", vf: 4, vlan: 0, vlanProtocol: "802.1Q" }), []);
  });

  it("takes the priority away with the VLAN, unless it is given", () => {
    const now: Vf = { ...plain, vf: 4, vlan: 10, qos: 3, vlanProtocol: "802.1ad" };
    const sent = (change: object, of = now) => vfSteps(of, { dev: "eth0", vf: 4, ...change });
    const none = { vf: 4, vlan: 0, qos: 0, vlanProto: 0x8100 };
    deepEqual(sent({ vlan: 0 }), [{ keys: ["vlan", "qos", "vlanProtocol"], info: { vlanList: { info: [none] } } }]);
    deepEqual(sent({ vlan: 0, qos: 3 }), [
      { keys: ["vlan", "vlanProtocol"], info: { vlanList: { info: [{ ...none, qos: 3 }] } } },
    ]);
    deepEqual(sent({ vlan: 0 }, { ...plain, vf: 4, vlan: 0, qos: 3, vlanProtocol: "802.1Q" }), [
      { keys: ["qos"], info: { vlanList: { info: [none] } } },
    ]);
    deepEqual(sent({ vlan: 0 }, { ...plain, vf: 4 }), []);
  });

  for (const [change, message] of REFUSED)
    it(`refuses ${JSON.stringify(change)}`, () => {
      throws(() => checkVf(change as VfChange), { code: "ERR_INPUT", message });
    });

  it("numbers are those of if_link.h, all of them", function () {
    const numbers = header(this, "if_link.h");
    for (const schema of [vfInfo, vfStats]) deepEqual(compare(numbers, schema).wrong, []);
    deepEqual(
      [numbers.get("IFLA_VF_INFO"), numbers.get("IFLA_VF_VLAN_INFO")],
      [vfInfoList.fields.info.claims[0], vfVlans.fields.info.claims[0]],
    );
  });
});
