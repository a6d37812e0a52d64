/**
 * Messages of the family `ethtool`.
 *
 * Source: include/uapi/linux/ethtool_netlink.h (ETHTOOL_MSG_*, ETHTOOL_A_*), include/uapi/linux/ethtool.h (PORT_*,
 * XCVR_*, DUPLEX_*, MASTER_SLAVE_*, RATE_MATCH_*, ETH_TP_MDI*, enum ethtool_link_ext_state), the policies and
 * fill_reply functions of net/ethtool/*.c, Documentation/networking/ethtool-netlink.rst.
 */
import { at, attrs, flag, many, padding } from "../wire/attr.ts";
import { bool, bytes, type Codec, oneOf, u8, u32, u64 } from "../wire/codec.ts";
import { text } from "../wire/text.ts";

/** The name of the family. */
export const ETHTOOL_GENL_NAME = "ethtool";
/** The version of the family that requests are written for. */
export const ETHTOOL_GENL_VERSION = 1;
/** What is asked for; a reply has another numbering, in which only what was asked for can come. */
export const ETHTOOL_MSG = {
  STRSET_GET: 1,
  LINKINFO_GET: 2,
  LINKINFO_SET: 3,
  LINKMODES_GET: 4,
  LINKMODES_SET: 5,
  LINKSTATE_GET: 6,
  FEATURES_GET: 11,
  FEATURES_SET: 12,
  RINGS_GET: 15,
  RINGS_SET: 16,
  CHANNELS_GET: 17,
  CHANNELS_SET: 18,
  COALESCE_GET: 19,
  COALESCE_SET: 20,
  PAUSE_GET: 21,
  PAUSE_SET: 22,
  STATS_GET: 32,
} as const;
/** The name of a request. */
export type EthtoolRequest = keyof typeof ETHTOOL_MSG;
/** No reply but the acknowledgement. */
export const ETHTOOL_FLAG_OMIT_REPLY = 2;

/** Which device is meant. */
export const ethtoolHeader = attrs("ETHTOOL_A_HEADER", {
  devIndex: at(1, u32),
  devName: at(2, text),
  flags: at(3, u32),
});

/** One bit of a set; without `value` it is off, or, in a set without mask, on by being listed. */
const bit = attrs("ETHTOOL_A_BITSET_BIT", { index: at(1, u32), name: at(2, text), value: flag(3) });
const bitList = attrs("ETHTOOL_A_BITSET_BITS", { bit: many(1, bit) });

/** A set of named bits. With `nomask` it is a list of what is on; without, a change to what is listed. */
export const bitset = attrs("ETHTOOL_A_BITSET", {
  nomask: flag(1),
  size: at(2, u32),
  bits: at(3, bitList),
  value: at(4, bytes),
  mask: at(5, bytes),
});

/** Features of a device: which can change, are wanted, are on, and never change. */
export const ethtoolFeatures = attrs("ETHTOOL_A_FEATURES", {
  header: at(1, ethtoolHeader),
  hw: at(2, bitset),
  wanted: at(3, bitset),
  active: at(4, bitset),
  nochange: at(5, bitset),
});

/** One name of a set of names, with the number of its bit or counter. */
const string = attrs("ETHTOOL_A_STRING", { index: at(1, u32), value: at(2, text) });
const strings = attrs("ETHTOOL_A_STRINGS", { string: many(1, string) });
const stringset = attrs("ETHTOOL_A_STRINGSET", { id: at(1, u32), count: at(2, u32), strings: at(3, strings) });
const stringsets = attrs("ETHTOOL_A_STRINGSETS", { stringset: many(1, stringset) });
/** Names that the kernel has for the numbers of a set. */
export const ethtoolStrings = attrs("ETHTOOL_A_STRSET", {
  header: at(1, ethtoolHeader),
  stringsets: at(2, stringsets),
  countsOnly: flag(3),
});

/** PORT_* */
export const portWord = oneOf(u8, { tp: 0, aui: 1, mii: 2, fibre: 3, bnc: 4, da: 5, none: 0xef, other: 0xff });
/** ETH_TP_MDI* */
export const mdixWord = oneOf(u8, { unknown: 0, off: 1, on: 2, auto: 3 });
/** XCVR_* */
export const transceiverWord = oneOf(u8, { internal: 0, external: 1 });
/** DUPLEX_* */
export const duplexWord = oneOf(u8, { half: 0, full: 1, unknown: 0xff });
/** The connector. */
export const ethtoolLinkInfo = attrs("ETHTOOL_A_LINKINFO", {
  header: at(1, ethtoolHeader),
  port: at(2, portWord),
  phyaddr: at(3, u8),
  tpMdix: at(4, mdixWord),
  tpMdixCtrl: at(5, mdixWord),
  transceiver: at(6, transceiverWord),
});

/** Speed, and what it was agreed from. */
export const ethtoolLinkModes = attrs("ETHTOOL_A_LINKMODES", {
  header: at(1, ethtoolHeader),
  autoneg: at(2, bool),
  ours: at(3, bitset),
  peer: at(4, bitset),
  speed: at(5, u32),
  duplex: at(6, duplexWord),
  masterSlaveCfg: at(
    7,
    oneOf(u8, { unknown: 1, "preferred-master": 2, "preferred-slave": 3, "forced-master": 4, "forced-slave": 5 }),
  ),
  masterSlaveState: at(8, oneOf(u8, { unknown: 1, master: 2, slave: 3, error: 4 })),
  lanes: at(9, u32),
  rateMatching: at(10, oneOf(u8, { none: 0, pause: 1, crs: 2, "open-loop": 3 })),
});

/** Whether there is a link, and if not why. */
export const ethtoolLinkState = attrs("ETHTOOL_A_LINKSTATE", {
  header: at(1, ethtoolHeader),
  link: at(2, bool),
  sqi: at(3, u32),
  sqiMax: at(4, u32),
  extState: at(
    5,
    oneOf(u8, {
      autoneg: 0,
      "link-training-failure": 1,
      "link-logical-mismatch": 2,
      "bad-signal-integrity": 3,
      "no-cable": 4,
      "cable-issue": 5,
      "eeprom-issue": 6,
      "calibration-failure": 7,
      "power-budget-exceeded": 8,
      overheat: 9,
      module: 10,
    }),
  ),
  extSubstate: at(6, u8),
  extDownCnt: at(7, u32),
});

/** Places for packets between the kernel and the device. */
export const ethtoolRings = attrs("ETHTOOL_A_RINGS", {
  header: at(1, ethtoolHeader),
  rxMax: at(2, u32),
  rx: at(6, u32),
  rxMiniMax: at(3, u32),
  rxMini: at(7, u32),
  rxJumboMax: at(4, u32),
  rxJumbo: at(8, u32),
  txMax: at(5, u32),
  tx: at(9, u32),
  rxBufLen: at(10, u32),
  tcpDataSplit: at(11, oneOf(u8, { auto: 0, off: 1, on: 2 })),
  cqeSize: at(12, u32),
  txPush: at(13, bool),
  rxPush: at(14, bool),
  txPushBufLen: at(15, u32),
  txPushBufLenMax: at(16, u32),
  hdsThresh: at(17, u32),
  hdsThreshMax: at(18, u32),
});

/** Queues of a device. */
export const ethtoolChannels = attrs("ETHTOOL_A_CHANNELS", {
  header: at(1, ethtoolHeader),
  rxMax: at(2, u32),
  rxCount: at(6, u32),
  txMax: at(3, u32),
  txCount: at(7, u32),
  otherMax: at(4, u32),
  otherCount: at(8, u32),
  combinedMax: at(5, u32),
  combinedCount: at(9, u32),
});

/** When a device interrupts. */
export const ethtoolCoalesce = attrs("ETHTOOL_A_COALESCE", {
  header: at(1, ethtoolHeader),
  rxUsecs: at(2, u32),
  rxMaxFrames: at(3, u32),
  rxUsecsIrq: at(4, u32),
  rxMaxFramesIrq: at(5, u32),
  txUsecs: at(6, u32),
  txMaxFrames: at(7, u32),
  txUsecsIrq: at(8, u32),
  txMaxFramesIrq: at(9, u32),
  statsBlockUsecs: at(10, u32),
  useAdaptiveRx: at(11, bool),
  useAdaptiveTx: at(12, bool),
  pktRateLow: at(13, u32),
  rxUsecsLow: at(14, u32),
  rxMaxFramesLow: at(15, u32),
  txUsecsLow: at(16, u32),
  txMaxFramesLow: at(17, u32),
  pktRateHigh: at(18, u32),
  rxUsecsHigh: at(19, u32),
  rxMaxFramesHigh: at(20, u32),
  txUsecsHigh: at(21, u32),
  txMaxFramesHigh: at(22, u32),
  rateSampleInterval: at(23, u32),
  useCqeModeTx: at(24, bool),
  useCqeModeRx: at(25, bool),
  txAggrMaxBytes: at(26, u32),
  txAggrMaxFrames: at(27, u32),
  txAggrTimeUsecs: at(28, u32),
});

/** Pause frames. */
export const ethtoolPause = attrs("ETHTOOL_A_PAUSE", {
  header: at(1, ethtoolHeader),
  autoneg: at(2, bool),
  rx: at(3, bool),
  tx: at(4, bool),
  stats: at(5, attrs("ETHTOOL_A_PAUSE_STAT", { pad: padding(1), txFrames: at(2, u64), rxFrames: at(3, u64) })),
});

/** A counter of a group: the number of the attribute is that of its name in the group's set of names. */
const counter: Codec<never, { readonly index: number; readonly value: bigint }> = {
  name: "counter",
  write: () => undefined,
  read(from, start, end) {
    // Some processors get an empty attribute first, so that the number is aligned.
    const at = from.u16[start >> 1] === 4 ? start + 4 : start;
    return { index: (from.u16[(at >> 1) + 1] as number) & 0x3fff, value: u64.read(from, at + 4, end) };
  },
};
/** How many packets were of a size. */
const histogram = attrs("ETHTOOL_A_STATS_GRP", {
  pad: padding(1),
  histBktLow: at(7, u32),
  histBktHi: at(8, u32),
  histVal: at(9, u64),
});
const statsGroup = attrs("ETHTOOL_A_STATS_GRP", {
  pad: padding(1),
  id: at(2, u32),
  ssId: at(3, u32),
  stat: many(4, counter),
  histRx: many(5, histogram),
  histTx: many(6, histogram),
});
/** Counters that the standards define. */
export const ethtoolStats = attrs("ETHTOOL_A_STATS", {
  pad: padding(1),
  header: at(2, ethtoolHeader),
  groups: at(3, bitset),
  grp: many(4, statsGroup),
});
