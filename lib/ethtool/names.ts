/**
 * The words of the program `ethtool` for features, and the kernel's names that they stand for.
 *
 * Source: ethtool 6.1, common.c (off_flag_def), and netdev_features_strings in net/ethtool/common.c of the kernel.
 */

/** A word of ethtool: its short and its long form, and the kernel's names, where `*` stands for anything. */
export interface FeatureGroup {
  readonly short: string;
  readonly long: string;
  readonly pattern: string;
}

/** All words of ethtool, in the order in which `ethtool -k` prints them. */
export const FEATURE_GROUPS = [
  { short: "rx", long: "rx-checksumming", pattern: "rx-checksum" },
  { short: "tx", long: "tx-checksumming", pattern: "tx-checksum-*" },
  { short: "sg", long: "scatter-gather", pattern: "tx-scatter-gather*" },
  { short: "tso", long: "tcp-segmentation-offload", pattern: "tx-tcp*-segmentation" },
  { short: "ufo", long: "udp-fragmentation-offload", pattern: "tx-udp-fragmentation" },
  { short: "gso", long: "generic-segmentation-offload", pattern: "tx-generic-segmentation" },
  { short: "gro", long: "generic-receive-offload", pattern: "rx-gro" },
  { short: "lro", long: "large-receive-offload", pattern: "rx-lro" },
  { short: "rxvlan", long: "rx-vlan-offload", pattern: "rx-vlan-hw-parse" },
  { short: "txvlan", long: "tx-vlan-offload", pattern: "tx-vlan-hw-insert" },
  { short: "ntuple", long: "ntuple-filters", pattern: "rx-ntuple-filter" },
  { short: "rxhash", long: "receive-hashing", pattern: "rx-hashing" },
] as const satisfies readonly FeatureGroup[];

/** A short word of ethtool. */
export type ShortFeature = (typeof FEATURE_GROUPS)[number]["short"];
/** A long word of ethtool. */
export type LongFeature = (typeof FEATURE_GROUPS)[number]["long"];

/** Whether a kernel's name fits a pattern with at most one `*`. */
function fits(pattern: string, name: string): boolean {
  const star = pattern.indexOf("*");
  if (star < 0) return pattern === name;
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return name.length >= head.length + tail.length && name.startsWith(head) && name.endsWith(tail);
}

/**
 * The kernel's names, among those that a device has, that a word stands for: ethtool's words first, then the kernel's
 * own. Empty where none is meant.
 */
export function expandFeature(word: string, names: Iterable<string>): string[] {
  const group = FEATURE_GROUPS.find(({ short, long }) => short === word || long === word);
  return [...names].filter((name) => (group ? fits(group.pattern, name) : name === word));
}
