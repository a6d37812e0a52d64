/** Groups of settings of a device that are read and set alike: rings, channels, coalescing, pause frames, connector. */
import { boolean, choice, integer, type Shapes } from "../shape/shape.ts";
import type { AnySchema } from "../wire/index.ts";
import {
  type EthtoolRequest,
  ethtoolChannels,
  ethtoolCoalesce,
  ethtoolLinkInfo,
  ethtoolPause,
  ethtoolRings,
} from "./schema.ts";

/** One group: `T` is what is told, `C` what can be set. */
export interface Group<T, C> {
  /** As in `cannot read rings of "eth0"`. */
  readonly what: string;
  readonly get: EthtoolRequest;
  readonly set: EthtoolRequest;
  readonly schema: AnySchema;
  /** The kernel's name for each word. */
  readonly words: { readonly [K in keyof T | keyof C]-?: string };
  /** What can be set. */
  readonly shapes: Shapes & { readonly [K in keyof C]-?: unknown };
}

const count = integer(0, 0xffff_ffff);

/** Rings to set, in packets each. */
export interface RingChanges {
  readonly rx?: number | undefined;
  readonly rxMini?: number | undefined;
  readonly rxJumbo?: number | undefined;
  readonly tx?: number | undefined;
  /** Bytes of a buffer. */
  readonly rxBufLen?: number | undefined;
  /** Headers and data of TCP into buffers of their own. */
  readonly tcpDataSplit?: "auto" | "off" | "on" | undefined;
  /** Bytes of an event of completion. */
  readonly cqeSize?: number | undefined;
  readonly txPush?: boolean | undefined;
  readonly rxPush?: boolean | undefined;
  /** Bytes. */
  readonly txPushBufLen?: number | undefined;
  /** Bytes from which on headers and data are split. */
  readonly hdsThresh?: number | undefined;
}
/** Rings as they are, and what they can be at most; what a device does not have is absent. */
export interface Rings extends RingChanges {
  readonly rxMax?: number;
  readonly rxMiniMax?: number;
  readonly rxJumboMax?: number;
  readonly txMax?: number;
  readonly txPushBufLenMax?: number;
  readonly hdsThreshMax?: number;
}
export const rings: Group<Rings, RingChanges> = {
  what: "rings",
  get: "RINGS_GET",
  set: "RINGS_SET",
  schema: ethtoolRings,
  words: {
    rx: "rx",
    rxMini: "rxMini",
    rxJumbo: "rxJumbo",
    tx: "tx",
    rxBufLen: "rxBufLen",
    tcpDataSplit: "tcpDataSplit",
    cqeSize: "cqeSize",
    txPush: "txPush",
    rxPush: "rxPush",
    txPushBufLen: "txPushBufLen",
    hdsThresh: "hdsThresh",
    rxMax: "rxMax",
    rxMiniMax: "rxMiniMax",
    rxJumboMax: "rxJumboMax",
    txMax: "txMax",
    txPushBufLenMax: "txPushBufLenMax",
    hdsThreshMax: "hdsThreshMax",
  },
  shapes: {
    rx: count,
    rxMini: count,
    rxJumbo: count,
    tx: count,
    rxBufLen: integer(1, 0xffff_ffff),
    tcpDataSplit: choice("auto", "off", "on"),
    cqeSize: integer(1, 0xffff_ffff),
    txPush: boolean,
    rxPush: boolean,
    txPushBufLen: count,
    hdsThresh: count,
  },
};

/** How many queues of each sort a device is to have. */
export interface ChannelChanges {
  readonly rx?: number | undefined;
  readonly tx?: number | undefined;
  /** For other things than packets. */
  readonly other?: number | undefined;
  /** Queues for both directions. */
  readonly combined?: number | undefined;
}
/** Queues as they are, and how many there can be; a sort that the device does not have is absent. */
export interface Channels extends ChannelChanges {
  readonly rxMax?: number;
  readonly txMax?: number;
  readonly otherMax?: number;
  readonly combinedMax?: number;
}
export const channels: Group<Channels, ChannelChanges> = {
  what: "channels",
  get: "CHANNELS_GET",
  set: "CHANNELS_SET",
  schema: ethtoolChannels,
  words: {
    rx: "rxCount",
    tx: "txCount",
    other: "otherCount",
    combined: "combinedCount",
    rxMax: "rxMax",
    txMax: "txMax",
    otherMax: "otherMax",
    combinedMax: "combinedMax",
  },
  shapes: { rx: count, tx: count, other: count, combined: count },
};

/** When a device interrupts: after so many microseconds, or packets. What a device does not have is absent. */
export interface Coalesce {
  /** Microseconds. */
  readonly rxUsecs?: number | undefined;
  readonly rxFrames?: number | undefined;
  /** Microseconds, while an interrupt is handled. */
  readonly rxUsecsIrq?: number | undefined;
  readonly rxFramesIrq?: number | undefined;
  /** Microseconds. */
  readonly txUsecs?: number | undefined;
  readonly txFrames?: number | undefined;
  /** Microseconds, while an interrupt is handled. */
  readonly txUsecsIrq?: number | undefined;
  readonly txFramesIrq?: number | undefined;
  /** Microseconds between updates of the statistics. */
  readonly statsBlockUsecs?: number | undefined;
  readonly adaptiveRx?: boolean | undefined;
  readonly adaptiveTx?: boolean | undefined;
  /** Packets a second, below which the values of `…Low` hold. */
  readonly pktRateLow?: number | undefined;
  readonly rxUsecsLow?: number | undefined;
  readonly rxFramesLow?: number | undefined;
  readonly txUsecsLow?: number | undefined;
  readonly txFramesLow?: number | undefined;
  /** Packets a second, above which the values of `…High` hold. */
  readonly pktRateHigh?: number | undefined;
  readonly rxUsecsHigh?: number | undefined;
  readonly rxFramesHigh?: number | undefined;
  readonly txUsecsHigh?: number | undefined;
  readonly txFramesHigh?: number | undefined;
  /** Seconds between measurements of the rate. */
  readonly sampleInterval?: number | undefined;
  readonly cqeModeTx?: boolean | undefined;
  readonly cqeModeRx?: boolean | undefined;
  /** Bytes. */
  readonly txAggrMaxBytes?: number | undefined;
  readonly txAggrMaxFrames?: number | undefined;
  /** Microseconds. */
  readonly txAggrTimeUsecs?: number | undefined;
}
const coalesceWords: Group<Coalesce, Coalesce>["words"] = {
  rxUsecs: "rxUsecs",
  rxFrames: "rxMaxFrames",
  rxUsecsIrq: "rxUsecsIrq",
  rxFramesIrq: "rxMaxFramesIrq",
  txUsecs: "txUsecs",
  txFrames: "txMaxFrames",
  txUsecsIrq: "txUsecsIrq",
  txFramesIrq: "txMaxFramesIrq",
  statsBlockUsecs: "statsBlockUsecs",
  adaptiveRx: "useAdaptiveRx",
  adaptiveTx: "useAdaptiveTx",
  pktRateLow: "pktRateLow",
  rxUsecsLow: "rxUsecsLow",
  rxFramesLow: "rxMaxFramesLow",
  txUsecsLow: "txUsecsLow",
  txFramesLow: "txMaxFramesLow",
  pktRateHigh: "pktRateHigh",
  rxUsecsHigh: "rxUsecsHigh",
  rxFramesHigh: "rxMaxFramesHigh",
  txUsecsHigh: "txUsecsHigh",
  txFramesHigh: "txMaxFramesHigh",
  sampleInterval: "rateSampleInterval",
  cqeModeTx: "useCqeModeTx",
  cqeModeRx: "useCqeModeRx",
  txAggrMaxBytes: "txAggrMaxBytes",
  txAggrMaxFrames: "txAggrMaxFrames",
  txAggrTimeUsecs: "txAggrTimeUsecs",
};
const SWITCHES = ["adaptiveRx", "adaptiveTx", "cqeModeTx", "cqeModeRx"];
export const coalesce: Group<Coalesce, Coalesce> = {
  what: "coalescing",
  get: "COALESCE_GET",
  set: "COALESCE_SET",
  schema: ethtoolCoalesce,
  words: coalesceWords,
  shapes: Object.fromEntries(
    Object.keys(coalesceWords).map((word) => [word, SWITCHES.includes(word) ? boolean : count]),
  ) as Group<Coalesce, Coalesce>["shapes"],
};

/** Pause frames: whether they are negotiated, heeded, and sent. */
export interface Pause {
  readonly autoneg?: boolean | undefined;
  readonly rx?: boolean | undefined;
  readonly tx?: boolean | undefined;
}
export const pause: Group<Pause, Pause> = {
  what: "pause parameters",
  get: "PAUSE_GET",
  set: "PAUSE_SET",
  schema: ethtoolPause,
  words: { autoneg: "autoneg", rx: "rx", tx: "tx" },
  shapes: { autoneg: boolean, rx: boolean, tx: boolean },
};

/** The connector to use. */
export interface LinkInfoChanges {
  readonly port?: "tp" | "aui" | "mii" | "fibre" | "bnc" | "da" | undefined;
  /** Address of the transceiver on its bus. */
  readonly phyad?: number | undefined;
  /** Whether the pairs are crossed over. */
  readonly mdix?: "off" | "on" | "auto" | undefined;
}
/** The connector. */
export interface LinkInfo {
  readonly port?: "tp" | "aui" | "mii" | "fibre" | "bnc" | "da" | "none" | "other" | number;
  readonly phyad?: number;
  /** What `mdix` was set to; `unknown` where it cannot be set. */
  readonly mdix?: "unknown" | "off" | "on" | "auto" | number;
  /** Whether the pairs are crossed over now. */
  readonly mdixStatus?: "unknown" | "off" | "on" | "auto" | number;
  readonly transceiver?: "internal" | "external" | number;
}
export const linkInfo: Group<LinkInfo, LinkInfoChanges> = {
  what: "link information",
  get: "LINKINFO_GET",
  set: "LINKINFO_SET",
  schema: ethtoolLinkInfo,
  words: {
    port: "port",
    phyad: "phyaddr",
    mdix: "tpMdixCtrl",
    mdixStatus: "tpMdix",
    transceiver: "transceiver",
  },
  shapes: {
    port: choice("tp", "aui", "mii", "fibre", "bnc", "da"),
    phyad: integer(0, 255),
    mdix: choice("off", "on", "auto"),
  },
};

type Wire = Readonly<Record<string, unknown>>;
/** People's words for a reply; what this build does not know is kept. */
export function groupFromWire<T, C>({ words }: Group<T, C>, wire: Wire): T {
  const known = Object.entries(words as Readonly<Record<string, string>>).map(([word, key]) => [word, wire[key]]);
  const unknown = Object.entries(wire).filter(([key]) => key.startsWith("#"));
  return Object.fromEntries([...known, ...unknown].filter(([, value]) => value !== undefined)) as T;
}
/** The kernel's names for checked changes. */
export function groupToWire<T, C>({ words }: Group<T, C>, changes: C & object): Record<string, unknown> {
  const names: Readonly<Record<string, string>> = words;
  return Object.fromEntries(Object.entries(changes).map(([word, value]) => [names[word], value]));
}
/** The caller's word for each of the kernel's names, for refusals. */
export function wordsOf<T, C>({ words }: Group<T, C>): Record<string, string> {
  return Object.fromEntries(Object.entries(words).map(([word, key]) => [key, word]));
}
