/**
 * Counters that the standards define, under the names of the standards.
 *
 * Source: include/uapi/linux/ethtool.h (ETH_SS_STATS_*), net/ethtool/stats.c.
 */
import type { AttrsOut } from "../wire/attr.ts";
import type { ethtoolStats, ethtoolStrings } from "./schema.ts";

/** The groups, in the order of the kernel's numbers. */
export const STATS_GROUPS = ["eth-phy", "eth-mac", "eth-ctrl", "rmon"] as const;
/** Sets of names for the counters of each group. */
export const STATS_NAMES = { "eth-phy": 17, "eth-mac": 18, "eth-ctrl": 19, rmon: 20 } as const;
/** A group of counters. */
export type StatsGroup = (typeof STATS_GROUPS)[number];

/** How many packets were from `low` to `high` bytes long. */
export interface SizeCount {
  readonly low: number;
  readonly high: number;
  readonly count: bigint;
}
/** What a device counts of a group: nothing at all is common. */
export interface StandardStatistics {
  /** By the kernel's names: `FramesTransmittedOK`. A counter without a name is `#3`. */
  readonly counters: ReadonlyMap<string, bigint>;
  readonly rxSizes: readonly SizeCount[];
  readonly txSizes: readonly SizeCount[];
}

type Reply = AttrsOut<(typeof ethtoolStats)["fields"]>;
type Sizes = NonNullable<NonNullable<Reply["grp"]>[number]["histRx"]>;
const sizes = (list: Sizes = []): SizeCount[] =>
  list.map(({ histBktLow = 0, histBktHi = 0, histVal = 0n }) => ({ low: histBktLow, high: histBktHi, count: histVal }));

/** The counters of each group that the kernel answers with. */
export function statisticsFromWire(
  reply: Reply,
  names: ReadonlyMap<number, ReadonlyMap<number, string>>,
): Partial<Record<StatsGroup, StandardStatistics>> {
  const found: Partial<Record<StatsGroup, StandardStatistics>> = {};
  for (const { id = -1, ssId = -1, stat = [], histRx, histTx } of reply.grp ?? []) {
    const group = STATS_GROUPS[id];
    if (group === undefined) continue;
    const named = names.get(ssId);
    const counters = new Map(stat.map(({ index, value }) => [named?.get(index) ?? `#${index}`, value]));
    found[group] = { counters, rxSizes: sizes(histRx), txSizes: sizes(histTx) };
  }
  return found;
}

/** Names by number, of each set in a reply. */
export function stringsFromWire(reply: AttrsOut<(typeof ethtoolStrings)["fields"]>): Map<number, Map<number, string>> {
  const sets = reply.stringsets?.stringset ?? [];
  return new Map(
    sets.map(({ id = -1, strings }) => [
      id,
      new Map((strings?.string ?? []).map(({ index = -1, value = "" }) => [index, value])),
    ]),
  );
}
