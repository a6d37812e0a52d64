/** What the kernel told as devices were set. The first message of each capture has that kernel's names of bits. */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { LinkModes } from "../../lib/ethtool/link.ts";
import {
  BIT_NAMES,
  changeFromNotice,
  type EthtoolChange,
  Notice,
  noticeMessage,
  SETTINGS,
} from "../../lib/ethtool/notices.ts";
import { ethtoolStrings } from "../../lib/ethtool/schema.ts";
import { stringsFromWire } from "../../lib/ethtool/statistics.ts";
import { genericBody } from "../../lib/families/generic.ts";
import { NLMSG_HDRLEN, Reader } from "../../lib/wire/index.ts";
import { capture } from "../fixtures.ts";
import { header } from "../headers.ts";

function changes(file: string, named = true): EthtoolChange[] {
  const [first = new Uint8Array(), ...notices] = capture(`watch/${file}.hex`);
  const { attrs } = genericBody(ethtoolStrings).read(new Reader(first), NLMSG_HDRLEN, first.length);
  const names = named ? stringsFromWire(attrs) : new Map();
  return notices.map((bytes) => {
    const from = new Reader(bytes);
    const message = noticeMessage(from.u16[2] as number);
    return changeFromNotice(message.body.read(from, NLMSG_HDRLEN, bytes.length), names);
  });
}
function only<N extends EthtoolChange["setting"]>(setting: N, all: readonly EthtoolChange[]) {
  const found = all.filter((one) => one.setting === setting);
  equal(found.length, 1, setting);
  return found[0] as Extract<EthtoolChange, { readonly setting: N }>;
}

describe("ethtool: notices", () => {
  it("have the numbers of ethtool_netlink.h and ethtool.h", function () {
    const numbers = header(this, "ethtool_netlink.h");
    for (const [setting, { number }] of Object.entries(SETTINGS))
      equal(number, numbers.get(`ETHTOOL_MSG_${setting.toUpperCase()}_NTF`), setting);
    const sets = header(this, "ethtool.h");
    deepEqual(BIT_NAMES, { features: sets.get("ETH_SS_FEATURES"), linkModes: sets.get("ETH_SS_LINK_MODES") });
  });

  it("of features and channels of a veth", () => {
    const all = changes("ethtool-veth");
    const { dev, index, value } = only("features", all);
    deepEqual([dev, index], ["d0", 10]);
    deepEqual(value.features.get("tx-tcp-segmentation"), { active: false, wanted: false, changeable: true });
    deepEqual(value.features.get("tx-generic-segmentation"), { active: true, wanted: true, changeable: true });
    equal(value.groups.tso, false);
    equal(value.groups.gso, true);
    deepEqual(only("channels", all).value, { rx: 2, tx: 3, rxMax: 4, txMax: 4 });
  });

  it("of speed and coalescing of a tap", () => {
    const all = changes("ethtool-tap");
    deepEqual(only("linkModes", all).value, {
      supported: [],
      advertised: [],
      autoneg: false,
      speed: 100_000_000,
      duplex: "half",
      rateMatching: "none",
    });
    deepEqual(only("coalesce", all).value, { rxFrames: 5 });
  });

  it("of rings and pause frames of an e1000; what has no words is kept", () => {
    const all = changes("ethtool-e1000");
    deepEqual(only("rings", all).value, { rx: 512, tx: 256, txPush: false, rxMax: 4096, txMax: 4096 });
    deepEqual(only("pause", all).value, { autoneg: false, rx: false, tx: true });
    const debug = all.find(({ setting }) => setting === "#8"); // ETHTOOL_MSG_DEBUG_NTF
    deepEqual(Object.keys(debug?.value ?? {}), ["#2"]);
  });

  it("of the speed of a virtio", () => {
    const { speed, duplex } = only("linkModes", changes("ethtool-virtio")).value;
    deepEqual([speed, duplex], [1_000_000_000, "full"]);
  });

  it("of names of link modes", () => {
    const [first = new Uint8Array()] = capture("watch/ethtool-e1000.hex");
    const { attrs } = genericBody(ethtoolStrings).read(new Reader(first), NLMSG_HDRLEN, first.length);
    const names = stringsFromWire(attrs);
    // Bits 0, 6 and 31 of the device, of which it offers 6; and bit 200, which has no name.
    const words = (...bits: readonly number[]): Uint8Array => {
      const all = new Uint32Array(7);
      for (const bit of bits) all[bit >> 5] = ((all[bit >> 5] ?? 0) | (1 << (bit & 31))) >>> 0;
      return new Uint8Array(all.buffer);
    };
    const ours = { size: 224, value: words(6), mask: words(0, 6, 31, 200) };
    const { value } = changeFromNotice(new Notice(5, { ours }), names);
    const { supported, advertised } = value as LinkModes;
    deepEqual(supported, ["10baseT/Half", "Autoneg", names.get(9)?.get(31), "#200"]);
    deepEqual(advertised, ["Autoneg"]);
  });

  it("name bits by their numbers where a name is lacking", () => {
    const { value } = only("features", changes("ethtool-veth", false));
    ok([...value.features.keys()].every((name) => /^#\d+$/.test(name)));
    ok(value.features.size > 40);
  });
});
