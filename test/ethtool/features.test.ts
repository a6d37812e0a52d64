import assert from "node:assert/strict";
import { EthtoolError } from "../../lib/ethtool/error.ts";
import { checkFeatures, decodeFeatures, planFeatures } from "../../lib/ethtool/features.ts";
import { expandFeature } from "../../lib/ethtool/names.ts";
import { ethtoolFeatures } from "../../lib/ethtool/schema.ts";
import { lookUpFamily } from "../../lib/families/generic.ts";
import { Reader, Writer } from "../../lib/wire/buffer.ts";

const set = (names: readonly string[], on?: readonly string[]) => ({
  bits: { bit: names.map((name) => (on === undefined ? { name } : { name, value: on.includes(name) })) },
  ...(on === undefined ? { nomask: true } : {}),
});
const NAMES = ["rx-gro", "tx-tcp-segmentation", "tx-tcp6-segmentation", "tx-checksum-ipv4", "tx-lockless"];

function read() {
  const out = new Writer();
  ethtoolFeatures.write(out, {
    hw: set(NAMES, NAMES.slice(0, 3)),
    wanted: set(["rx-gro", "tx-tcp-segmentation"]),
    active: set(["tx-tcp-segmentation", "tx-lockless"]),
    nochange: set(["tx-lockless"]),
  });
  return decodeFeatures(ethtoolFeatures.read(new Reader(out.finish()), 0, out.length));
}

describe("ethtool: features", () => {
  it("tells what is on, wanted, and fixed", () => {
    const { features, groups } = read();
    assert.deepEqual(features.get("rx-gro"), { active: false, wanted: true, changeable: true });
    assert.deepEqual(features.get("tx-lockless"), { active: true, wanted: false, changeable: false });
    assert.deepEqual(groups, { tx: false, tso: true, gro: false });
  });

  const words: readonly (readonly [string, readonly string[]])[] = [
    ["tso", ["tx-tcp-segmentation", "tx-tcp6-segmentation"]],
    ["tcp-segmentation-offload", ["tx-tcp-segmentation", "tx-tcp6-segmentation"]],
    ["gro", ["rx-gro"]],
    ["tx-lockless", ["tx-lockless"]],
    ["tx-tcp*-segmentation", []],
    ["nonsense", []],
  ];
  for (const [word, names] of words)
    it(`${word} means ${names.length} features`, () => assert.deepEqual(expandFeature(word, NAMES), names));

  it("refuses words that mean nothing, and values that are none", () => {
    assert.throws(() => planFeatures("eth0", read(), { nonsense: true }), EthtoolError);
    assert.throws(() => checkFeatures({ tso: "off" as unknown as boolean }), {
      code: "ERR_INPUT",
      message: 'tso: expected true or false, got "off"',
    });
    assert.equal(planFeatures("eth0", read(), { tso: undefined as unknown as boolean }).size, 0);
  });

  it("finds a family with its groups", async () => {
    const connection = {
      get: async () => ({ attrs: { familyId: 20, familyName: "x", mcastGroups: [{ name: "monitor", id: 5 }] } }),
    };
    const family = await lookUpFamily(connection as unknown as Parameters<typeof lookUpFamily>[0], "x");
    assert.equal(family.id, 20);
    assert.deepEqual([...family.groups], [["monitor", 5]]);
  });
});
