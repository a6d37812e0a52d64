/**
 * What only the ioctl tells: the driver, and statistics of its own; and features of kernels before 5.6, which have no
 * family `ethtool`.
 *
 * Source: include/uapi/linux/ethtool.h (ETHTOOL_*, ETH_SS_*, struct ethtool_drvinfo, ethtool_sset_info,
 * ethtool_gstrings, ethtool_stats, ethtool_gfeatures, ethtool_sfeatures), net/ethtool/ioctl.c.
 */

import { NetlinkError } from "../socket/index.ts";
import { array, fixedText, Reader, struct, text, u32, u64, Writer } from "../wire/index.ts";
import type { Feature } from "./features.ts";
import type { EthtoolIoctl } from "./ioctl.ts";

/** Commands. */
export const ETHTOOL = {
  GDRVINFO: 0x03,
  GLINK: 0x0a,
  GCOALESCE: 0x0e,
  SCOALESCE: 0x0f,
  GRINGPARAM: 0x10,
  SRINGPARAM: 0x11,
  GPAUSEPARAM: 0x12,
  SPAUSEPARAM: 0x13,
  GSTRINGS: 0x1b,
  GSTATS: 0x1d,
  GSSET_INFO: 0x37,
  GFEATURES: 0x3a,
  SFEATURES: 0x3b,
  GCHANNELS: 0x3c,
  SCHANNELS: 0x3d,
  GLINKSETTINGS: 0x4c,
  SLINKSETTINGS: 0x4d,
} as const;
/** Sets of names. */
export const ETH_SS = { STATS: 1, FEATURES: 4 } as const;
/** Bytes of a name in a set. */
const ETH_GSTRING_LEN = 32;

/** struct ethtool_drvinfo. */
const drvinfo = struct("ethtool_drvinfo", {
  cmd: u32,
  driver: fixedText(32),
  version: fixedText(32),
  fwVersion: fixedText(32),
  busInfo: fixedText(32),
  eromVersion: fixedText(32),
  _reserved2: fixedText(12),
  nPrivFlags: u32,
  nStats: u32,
  testinfoLen: u32,
  eedumpLen: u32,
  regdumpLen: u32,
});

/** Who drives a device. */
export interface Driver {
  /** Name of the driver: `veth`. */
  readonly driver: string;
  /** The driver's own version, or the kernel's. */
  readonly version: string;
  /** Empty where the device has none, or does not tell. */
  readonly firmwareVersion: string;
  readonly expansionRomVersion: string;
  /** Where the device is: `0000:00:02.0`. */
  readonly busInfo: string;
  /** How many statistics of its own the driver has. */
  readonly statistics: number;
  /** How many flags of its own the driver has. */
  readonly privateFlags: number;
}

/** A request with as much room as `length` says. */
export function request(length: number, ...words: readonly number[]): Uint8Array {
  const out = new Writer(length);
  for (const word of words) u32.write(out, word);
  out.take(length - out.length);
  return out.finish();
}

/** Same as: ethtool -i NAME */
export async function readDriver(ask: EthtoolIoctl, name: string): Promise<Driver> {
  const data = request(drvinfo.size, ETHTOOL.GDRVINFO);
  await ask(name, data, "ETHTOOL_GDRVINFO");
  const told = drvinfo.read(new Reader(data), 0, data.length);
  return {
    driver: told.driver,
    version: told.version,
    firmwareVersion: told.fwVersion,
    expansionRomVersion: told.eromVersion,
    busInfo: told.busInfo,
    statistics: told.nStats,
    privateFlags: told.nPrivFlags,
  };
}

/** A kernel that has another number to tell than was asked for tells none, and calls that a success. */
function unchanged(asked: number, told: number | undefined, request: string): void {
  if (asked !== told) throw new NetlinkError({ errno: -11, request, reason: "the device changed while it was asked" });
}

/** Names of a set; none where the driver has no such set. */
async function namesOf(ask: EthtoolIoctl, name: string, set: number): Promise<string[]> {
  const info = request(16 + 64 * 4, ETHTOOL.GSSET_INFO, 0, 1 << set, 0);
  await ask(name, info, "ETHTOOL_GSSET_INFO");
  const [, , mask = 0, , count = 0] = array(u32).read(new Reader(info), 0, info.length);
  if (mask === 0 || count === 0) return [];
  const data = request(12 + count * ETH_GSTRING_LEN, ETHTOOL.GSTRINGS, set, count);
  await ask(name, data, "ETHTOOL_GSTRINGS");
  const from = new Reader(data);
  unchanged(count, from.u32[2], "ETHTOOL_GSTRINGS");
  const place = (i: number): number => 12 + i * ETH_GSTRING_LEN;
  return Array.from({ length: count }, (_, i) => text.read(from, place(i), place(i + 1)));
}

/** Same as: ethtool -S NAME */
export async function readStatistics(ask: EthtoolIoctl, name: string): Promise<ReadonlyMap<string, bigint>> {
  const names = await namesOf(ask, name, ETH_SS.STATS);
  const found = new Map<string, bigint>();
  if (names.length === 0) return found;
  const data = request(8 + names.length * 8, ETHTOOL.GSTATS, names.length);
  await ask(name, data, "ETHTOOL_GSTATS");
  const from = new Reader(data);
  unchanged(names.length, from.u32[1], "ETHTOOL_GSTATS");
  const values = array(u64).read(from, 8, data.length);
  for (const [i, value] of values.entries()) {
    const key = names[i] ?? "";
    found.set(found.has(key) ? `${key} #${i}` : key, value);
  }
  return found;
}

const block = struct("ethtool_get_features_block", { available: u32, requested: u32, active: u32, neverChanged: u32 });
const blocksFor = (count: number): number => Math.ceil(count / 32);

/** Features by the kernel's names. */
export async function readFeatures(ask: EthtoolIoctl, name: string): Promise<Map<string, Feature>> {
  const names = await namesOf(ask, name, ETH_SS.FEATURES);
  const size = blocksFor(names.length);
  const data = request(8 + size * block.size, ETHTOOL.GFEATURES, size);
  await ask(name, data, "ETHTOOL_GFEATURES");
  const blocks = array(block).read(new Reader(data), 8, data.length);
  const has = (key: keyof (typeof blocks)[number], i: number): boolean =>
    (((blocks[i >> 5]?.[key] ?? 0) >>> (i & 31)) & 1) === 1;
  const features = names.flatMap((feature, i) => {
    const changeable = has("available", i) && !has("neverChanged", i);
    return feature === ""
      ? []
      : [[feature, { active: has("active", i), wanted: has("requested", i), changeable }] as const];
  });
  return new Map(features.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Changes the features that are named, and leaves the others. */
export async function writeFeatures(
  ask: EthtoolIoctl,
  name: string,
  changes: readonly { readonly name: string; readonly value: boolean }[],
): Promise<void> {
  const names = await namesOf(ask, name, ETH_SS.FEATURES);
  const size = blocksFor(names.length);
  const words = new Uint32Array(2 * size);
  for (const { name: feature, value } of changes) {
    const i = names.indexOf(feature);
    const [valid, requested] = [2 * (i >> 5), 2 * (i >> 5) + 1];
    words[valid] = (words[valid] as number) | (1 << (i & 31));
    if (value) words[requested] = (words[requested] as number) | (1 << (i & 31));
  }
  await ask(name, request(8 + size * 8, ETHTOOL.SFEATURES, size, ...words), "ETHTOOL_SFEATURES");
}
