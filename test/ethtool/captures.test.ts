/** What kernels told of devices: decoded, and written again as the same bytes. */
import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { ETHTOOL, readStatistics } from "../../lib/ethtool/driver.ts";
import { decodeFeatures } from "../../lib/ethtool/features.ts";
import type { EthtoolIoctl } from "../../lib/ethtool/ioctl.ts";
import { linkModesFromWire, linkModesToWire, linkStateFromWire } from "../../lib/ethtool/link.ts";
import * as schema from "../../lib/ethtool/schema.ts";
import {
  channels,
  coalesce,
  type Group,
  groupFromWire,
  groupToWire,
  linkInfo,
  pause,
  rings,
  wordsOf,
} from "../../lib/ethtool/settings.ts";
import { statisticsFromWire, stringsFromWire } from "../../lib/ethtool/statistics.ts";
import { genericBody } from "../../lib/families/generic.ts";
import type { AttrsOut, Fields, Schema } from "../../lib/wire/attr.ts";
import { Reader, Writer } from "../../lib/wire/buffer.ts";
import { only } from "../fixtures.ts";

function read<F extends Fields>(file: string, attributes: Schema<F>): AttrsOut<F> {
  const bytes = only(`ethtool/${file}.hex`);
  return genericBody(attributes).read(new Reader(bytes), 16, bytes.length).attrs;
}
const group = <T, C>(file: string, one: Group<T, C>): T => groupFromWire(one, read(file, one.schema as Schema<Fields>));

describe("ethtool: captures", () => {
  it("of rings", () =>
    deepEqual(group("e1000-rings", rings), { rx: 256, tx: 256, rxMax: 4096, txMax: 4096, txPush: false }));
  it("of channels", () => {
    deepEqual(group("virtio-channels", channels), { combined: 1, combinedMax: 1 });
    deepEqual(group("veth-channels", channels), { rx: 4, tx: 4, rxMax: 4, txMax: 4 });
  });
  it("of coalescing", () =>
    deepEqual(group("virtio-coalesce", coalesce), { rxUsecs: 0, rxFrames: 1, txUsecs: 0, txFrames: 1 }));
  it("of pause parameters", () => deepEqual(group("e1000-pause", pause), { autoneg: true, rx: true, tx: false }));
  it("of connectors", () => {
    const twisted = { port: "tp", phyad: 0, transceiver: "internal" };
    deepEqual(group("e1000-linkinfo", linkInfo), { ...twisted, mdix: "auto", mdixStatus: "off" });
    deepEqual(group("veth-linkinfo", linkInfo), { ...twisted, mdix: "unknown", mdixStatus: "unknown" });
  });

  it("of link modes", () => {
    const speeds = ["10baseT/Half", "10baseT/Full", "100baseT/Half", "100baseT/Full", "1000baseT/Full"];
    const { supported, advertised, ...rest } = linkModesFromWire(read("e1000-linkmodes", schema.ethtoolLinkModes));
    deepEqual(rest, { autoneg: true, speed: 1_000_000_000, duplex: "full", rateMatching: "none" });
    deepEqual(supported, [...speeds, "Autoneg", "TP"]);
    deepEqual(advertised, [...speeds, "Autoneg", "TP"]);
    deepEqual(linkModesFromWire(read("veth-linkmodes", schema.ethtoolLinkModes)), {
      autoneg: false,
      speed: 10_000_000_000,
      duplex: "full",
      supported: [],
      advertised: [],
      rateMatching: "none",
    });
    const { speed, duplex } = linkModesFromWire(read("virtio-linkmodes", schema.ethtoolLinkModes));
    deepEqual([speed, duplex], [undefined, undefined], "not known");
  });
  it("of link states", () => {
    deepEqual(linkStateFromWire(read("e1000-linkstate", schema.ethtoolLinkState)), { detected: true });
    deepEqual(linkStateFromWire(read("veth-linkstate", schema.ethtoolLinkState)), { detected: false });
  });
  it("of features", () => {
    const { features, groups } = decodeFeatures(read("e1000-features", schema.ethtoolFeatures));
    deepEqual(features.get("tx-scatter-gather"), { active: true, wanted: true, changeable: true });
    deepEqual(features.get("netns-local"), { active: false, wanted: false, changeable: false });
    deepEqual([groups.tso, groups.rx, groups.lro], [true, false, false]);
    ok(decodeFeatures(read("veth-features", schema.ethtoolFeatures)).features.size > 50);
  });
  it("of standard statistics, of which these devices have none, and of their names", () => {
    const names = stringsFromWire(read("strings", schema.ethtoolStrings));
    deepEqual(names.get(17)?.get(0), "SymbolErrorDuringCarrier");
    deepEqual(names.get(18)?.get(0), "FramesTransmittedOK");
    equal(names.get(18)?.size, 22);
    for (const file of ["e1000-stats", "virtio-stats", "veth-stats"]) {
      const found = statisticsFromWire(read(file, schema.ethtoolStats), names);
      for (const { counters, rxSizes, txSizes } of Object.values(found))
        deepEqual([counters.size, rxSizes, txSizes], [0, [], []]);
    }
  });
  it("would name the counters of a device that has some (made up: no device at hand does)", () => {
    const out = new Writer();
    const nest = (type: number, inside: () => void): void => {
      const at = out.begin(type | 0x8000);
      inside();
      out.end(at);
    };
    const number = (type: number, value: number | bigint): void => {
      const at = out.begin(type);
      const bytes = typeof value === "bigint" ? new BigUint64Array([value]) : new Uint32Array([value]);
      out.bytes(new Uint8Array(bytes.buffer));
      out.end(at);
    };
    nest(4, () => {
      number(2, 1);
      number(3, 18);
      nest(4, () => number(0, 12n));
      nest(4, () => {
        out.end(out.begin(1));
        number(3, 2n ** 40n);
      });
      nest(4, () => number(99, 1n));
    });
    nest(4, () => {
      number(2, 3);
      number(3, 20);
      nest(5, () => {
        number(7, 65);
        number(8, 127);
        number(9, 8n);
      });
    });
    const reply = schema.ethtoolStats.read(new Reader(out.finish()), 0, out.length);
    const found = statisticsFromWire(reply, stringsFromWire(read("strings", schema.ethtoolStrings)));
    deepEqual(
      [...(found["eth-mac"]?.counters ?? [])],
      [
        ["FramesTransmittedOK", 12n],
        ["FramesReceivedOK", 2n ** 40n],
        ["#99", 1n],
      ],
    );
    deepEqual(found.rmon?.rxSizes, [{ low: 65, high: 127, count: 8n }]);
  });

  const SCHEMAS: Readonly<Record<string, Schema<Fields>>> = {
    channels: schema.ethtoolChannels,
    coalesce: schema.ethtoolCoalesce,
    features: schema.ethtoolFeatures,
    linkinfo: schema.ethtoolLinkInfo,
    linkmodes: schema.ethtoolLinkModes,
    linkstate: schema.ethtoolLinkState,
    pause: schema.ethtoolPause,
    rings: schema.ethtoolRings,
    strings: schema.ethtoolStrings,
  } as never;
  const files = readdirSync("test/fixtures/ethtool").filter(
    (file) => file.endsWith(".hex") && !file.includes("-stats"),
  );
  for (const file of files)
    it(`${file} is written again as the same bytes`, () => {
      const bytes = only(`ethtool/${file}`);
      const payload = genericBody(SCHEMAS[file.replace(/^.*-|\.hex$/g, "").replace(".hex", "")] as Schema<Fields>);
      const out = new Writer();
      payload.write(out, payload.read(new Reader(bytes), 16, bytes.length) as never);
      deepEqual(Buffer.from(out.finish()), Buffer.from(bytes.subarray(16)));
    });
});

describe("ethtool: words", () => {
  it("of changes are the kernel's", () => {
    deepEqual(groupToWire(coalesce, { rxFrames: 3, adaptiveTx: true }), { rxMaxFrames: 3, useAdaptiveTx: true });
    deepEqual(wordsOf(channels)["combinedCount"], "combined");
    deepEqual(linkModesToWire({ speed: 100_000_000, advertise: { "10baseT/Half": false } }), {
      autoneg: undefined,
      speed: 100,
      duplex: undefined,
      lanes: undefined,
      masterSlaveCfg: undefined,
      ours: { bits: { bit: [{ name: "10baseT/Half", value: false }] } },
    });
  });
});

describe("ethtool: statistics by ioctl", () => {
  it("of a device that changed meanwhile are an error, not zeros", async () => {
    const ask: EthtoolIoctl = async (_device, request) => {
      const words = new Uint32Array(request.buffer, request.byteOffset, request.length >> 2);
      if (words[0] === ETHTOOL.GSSET_INFO) words[4] = 2;
      if (words[0] === ETHTOOL.GSTATS) words[1] = 0;
    };
    await rejects(readStatistics(ask, "eth0"), { code: "EAGAIN", request: "ETHTOOL_GSTATS" });
  });
});
