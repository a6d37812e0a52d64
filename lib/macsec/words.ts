/** Channels and associations of MACsec in people's words, and both directions between them and the wire. */
import { sci } from "../shape/sci.ts";
import { boolean, check, choice, InputError, integer, knownLinkName, mac, type Shape } from "../shape/shape.ts";
import type { AnySchema, In, Out } from "../wire/index.ts";
import { type Cipher, cipherNamed, sciNumber, sciText } from "../wire/macsec.ts";
import {
  KEYID_BYTES,
  type macsecDevice,
  type macsecRxsc,
  macsecRxscStats,
  type macsecSa,
  macsecSaStats,
  macsecSecyStats,
  macsecTxscStats,
} from "./schema.ts";

type DeviceIn = In<typeof macsecDevice>;
type DeviceOut = Out<typeof macsecDevice>;
type RxscOut = Out<typeof macsecRxsc>;
type SaOut = Out<typeof macsecSa>;

/** Who does the work: this host (`off`), the transceiver, or the network card. */
export type MacsecOffload = "off" | "phy" | "mac";

/* ---- what is asked for ---- */

/** An association that frames are sent with. */
export interface MacsecTxSaName {
  /** Name of the MACsec link. */
  readonly dev: string;
  /** Number of the association, 0 to 3. The link's `encodingsa` says which of them is sent with. */
  readonly an: number;
}
/** Changes to an association; what is absent stays. */
export interface MacsecSaChanges {
  /** Number of the next packet, 1 to 4294967295; of cipher suites without `xpn`. */
  readonly pn?: number | undefined;
  /** Number of the next packet, 1n to 2^64 − 1; of cipher suites with `xpn`. */
  readonly xpn?: bigint | undefined;
  /** Whether it is used. */
  readonly active?: boolean | undefined;
}
/** A new association: without `pn` or `xpn` it begins with 1, without `active` it is not used yet. */
export interface MacsecSaConfig extends MacsecSaChanges {
  /** The key in hexadecimal digits: 32 of them, or 64 where the cipher suite has 256 in its name. The kernel never tells it. */
  readonly key: string;
  /** A name for the key, by which people tell keys apart: up to 16 bytes in hexadecimal digits, filled up with zeros. */
  readonly keyId: string;
  /** 12 bytes in hexadecimal digits; of cipher suites with `xpn`, which need it. */
  readonly salt?: string | undefined;
  /** Short identifier of the sending channel, 32 bits; of cipher suites with `xpn`, which need it. */
  readonly ssci?: number | undefined;
}
/** A new association to send with. Same as: ip macsec add DEV tx sa AN pn PN on key ID KEY */
export interface MacsecTxSaConfig extends MacsecTxSaName, MacsecSaConfig {}
/** Changes to an association that frames are sent with. Same as: ip macsec set DEV tx sa AN pn PN on */
export interface MacsecTxSaChanges extends MacsecTxSaName, MacsecSaChanges {}

/** A channel that frames are received from: named by `sci`, or by `address` and `sciPort`. */
export interface MacsecRxScName {
  /** Name of the MACsec link. */
  readonly dev: string;
  /** Identifier of the sender's channel, 16 hexadecimal digits: its MAC address and its port. */
  readonly sci?: string | undefined;
  /** MAC address of the sender. */
  readonly address?: string | undefined;
  /** Port of the sender's channel, 1 to 65535. `ip` calls it port. */
  readonly sciPort?: number | undefined;
}
/** A receive channel, new or to be changed. Same as: ip macsec add DEV rx sci SCI on */
export interface MacsecRxScConfig extends MacsecRxScName {
  /** Whether frames are taken from it; a new one is, unless told. */
  readonly active?: boolean | undefined;
}
/** An association that frames of a channel are received with. */
export interface MacsecRxSaName extends MacsecRxScName {
  /** Number of the association, 0 to 3. */
  readonly an: number;
}
/** A new association to receive with. Same as: ip macsec add DEV rx sci SCI sa AN pn PN on key ID KEY */
export interface MacsecRxSaConfig extends MacsecRxSaName, MacsecSaConfig {}
/** Changes to an association of a receive channel. Same as: ip macsec set DEV rx sci SCI sa AN pn PN on */
export interface MacsecRxSaChanges extends MacsecRxSaName, MacsecSaChanges {}

/* ---- what is told ---- */

/** An association as the kernel tells it: without its key and salt. */
export interface MacsecSa {
  readonly an: number;
  /** Number of the next packet; absent where the cipher suite has `xpn`. */
  readonly pn?: number;
  /** Number of the next packet; of cipher suites with `xpn`. */
  readonly xpn?: bigint;
  readonly active: boolean;
  /** 32 hexadecimal digits. */
  readonly keyId: string;
  /** Of cipher suites with `xpn`. */
  readonly ssci?: number;
}
/** An association that frames are sent with. */
export interface MacsecTxSa extends MacsecSa {
  readonly statistics: MacsecTxSaStatistics;
}
/** An association that frames are received with. */
export interface MacsecRxSa extends MacsecSa {
  readonly statistics: MacsecRxSaStatistics;
}
/** Packets sent with an association, of 32 bits: after 2^32 they begin anew. */
export interface MacsecTxSaStatistics {
  readonly outPktsProtected: number;
  readonly outPktsEncrypted: number;
}
/** Packets received with an association, of 32 bits: after 2^32 they begin anew. */
export interface MacsecRxSaStatistics {
  readonly inPktsOk: number;
  readonly inPktsInvalid: number;
  readonly inPktsNotValid: number;
  readonly inPktsNotUsingSa: number;
  readonly inPktsUnusedSa: number;
}
/** What was received from a channel: packets, and bytes where it says octets. */
export interface MacsecRxScStatistics {
  readonly inOctetsValidated: bigint;
  readonly inOctetsDecrypted: bigint;
  /** Passed although they were not as they should be. */
  readonly inPktsUnchecked: bigint;
  /** Older than the window, and passed. */
  readonly inPktsDelayed: bigint;
  readonly inPktsOk: bigint;
  /** Whose check value was wrong, and which passed. */
  readonly inPktsInvalid: bigint;
  /** Dropped: older than the window, or come twice. */
  readonly inPktsLate: bigint;
  /** Dropped: the check value was wrong. */
  readonly inPktsNotValid: bigint;
  /** Dropped: there was no active association for them. */
  readonly inPktsNotUsingSa: bigint;
  /** Passed though there was no active association for them. */
  readonly inPktsUnusedSa: bigint;
}
/** What a MACsec link sent and received: packets, and bytes where it says octets. */
export interface MacsecStatistics {
  readonly outPktsProtected: bigint;
  readonly outPktsEncrypted: bigint;
  readonly outOctetsProtected: bigint;
  readonly outOctetsEncrypted: bigint;
  readonly outPktsUntagged: bigint;
  readonly inPktsUntagged: bigint;
  readonly outPktsTooLong: bigint;
  /** Dropped: they came without a tag. */
  readonly inPktsNoTag: bigint;
  readonly inPktsBadTag: bigint;
  readonly inPktsUnknownSci: bigint;
  readonly inPktsNoSci: bigint;
  readonly inPktsOverrun: bigint;
}
/** A channel that frames are received from. */
export interface MacsecRxSc {
  /** 16 hexadecimal digits. */
  readonly sci: string;
  readonly active: boolean;
  readonly rxsas: readonly MacsecRxSa[];
  readonly statistics: MacsecRxScStatistics;
}
/** A MACsec link as the family `macsec` tells it; the words are those of the link. */
export interface MacsecDevice {
  readonly dev: string;
  readonly index: number;
  /** Identifier of its transmit channel, 16 hexadecimal digits. */
  readonly sci: string;
  /** A cipher suite without a name is told as its number in hexadecimal digits. */
  readonly cipher: Cipher | (string & {});
  /** Bytes. */
  readonly icvlen: number;
  /** The association that is sent with. */
  readonly encodingsa: number;
  readonly protect: boolean;
  readonly encrypt: boolean;
  readonly sendSci: boolean;
  readonly endStation: boolean;
  readonly scb: boolean;
  readonly replay: boolean;
  /** Frames; told while `replay` is on. */
  readonly window?: number;
  readonly validate: "disabled" | "check" | "strict" | number;
  /** Whether the association that is sent with was made and is active; Linux also says so of a new link, which has none. */
  readonly operational: boolean;
  /** Absent where the kernel does not tell it. */
  readonly offload?: MacsecOffload | number;
  readonly txsas: readonly MacsecTxSa[];
  readonly rxscs: readonly MacsecRxSc[];
  readonly statistics: MacsecStatistics;
}

/* ---- input ---- */

const XPN_MAXIMUM = 0xffff_ffff_ffff_ffffn;
const xpn: Shape<bigint> = {
  expected: `a bigint from 1n to ${XPN_MAXIMUM}n`,
  json: { type: "integer", minimum: 1, maximum: Number(XPN_MAXIMUM) },
  accepts: (value): value is bigint => typeof value === "bigint" && value >= 1n && value <= XPN_MAXIMUM,
};
/** Bytes in hexadecimal digits. */
function hex(what: string, pattern: string, traits: { readonly secret?: true } = {}): Shape<string> {
  return {
    expected: `${what} in hexadecimal digits`,
    json: { type: "string", pattern },
    ...traits,
    accepts: (value): value is string => typeof value === "string" && new RegExp(pattern).test(value),
  };
}
const SECRET = { secret: true } as const;
const name = { dev: knownLinkName, an: integer(0, 3) };
const changes = { pn: integer(1, 0xffff_ffff), xpn, active: boolean };
const config = {
  ...changes,
  key: hex("a key: 16 or 32 bytes", "^([0-9a-fA-F]{32}|[0-9a-fA-F]{64})$", SECRET),
  // A key may stand here by mistake.
  keyId: hex(`1 to ${KEYID_BYTES} bytes`, `^([0-9a-fA-F]{2}){1,${KEYID_BYTES}}$`, SECRET),
  salt: hex("12 bytes", "^[0-9a-fA-F]{24}$", SECRET),
  ssci: integer(0, 0xffff_ffff),
};
const channel = { dev: knownLinkName, sci, address: mac, sciPort: integer(1, 0xffff) };
export const offloadShape: Shape<MacsecOffload> = choice("off", "phy", "mac");

/** What can be done with a channel or an association. */
export type MacsecVerb = "create" | "update" | "delete";
/** All that may be said of a channel or an association. */
export type Said = MacsecRxScName & Partial<MacsecSaConfig> & { readonly an?: number | undefined };

function needs(said: Said, ...keys: readonly (keyof Said)[]): void {
  for (const key of keys) if (said[key] === undefined) throw new InputError([key], "missing");
}
function excludes(said: Said, one: keyof Said, other: keyof Said, why: string): void {
  if (said[one] !== undefined && said[other] !== undefined)
    throw new InputError([one], `does not go with ${other}: ${why}`);
}
function checkChannel(said: Said): void {
  excludes(said, "address", "sci", "it is a part of it");
  excludes(said, "sciPort", "sci", "it is a part of it");
  if (said.address === undefined && said.sciPort === undefined && said.sci === undefined)
    throw new InputError(["sci"], "missing; a channel is named by sci, or by address and sciPort");
  if (said.sci === undefined) needs(said, "address", "sciPort");
}
function checkSa(said: Said, verb: MacsecVerb): void {
  needs(said, "an");
  excludes(said, "pn", "xpn", "the cipher suite has one of them");
  if (verb !== "create") return;
  needs(said, "key", "keyId");
  for (const key of ["salt", "ssci"] as const)
    excludes(said, "pn", key, "cipher suites with it count packets with xpn");
  const extended = said.xpn !== undefined || said.salt !== undefined || said.ssci !== undefined;
  if (extended) needs(said, "salt", "ssci");
}
/** Of one sort of object: what may be said in each verb. */
interface Sort {
  /** Completes `cannot add …`. */
  what(said: Said): string;
  readonly shapes: Readonly<Record<MacsecVerb, Readonly<Record<string, Shape<unknown>>>>>;
  check(said: Said, verb: MacsecVerb): void;
}
const channelOf = (said: Said): string => sciText(sciOf(said));
/** What there is to be made, changed and taken away. */
export const sorts = {
  txsa: {
    what: ({ an }) => `transmit association ${an}`,
    shapes: { create: { ...name, ...config }, update: { ...name, ...changes }, delete: name },
    check: checkSa,
  },
  rxsc: {
    what: (said) => `receive channel ${channelOf(said)}`,
    shapes: { create: { ...channel, active: boolean }, update: { ...channel, active: boolean }, delete: channel },
    check: checkChannel,
  },
  rxsa: {
    what: (said) => `association ${said.an} of receive channel ${channelOf(said)}`,
    shapes: {
      create: { ...channel, ...name, ...config },
      update: { ...channel, ...name, ...changes },
      delete: { ...channel, ...name },
    },
    check(said, verb) {
      checkChannel(said);
      checkSa(said, verb);
    },
  },
} satisfies Record<string, Sort>;
export type SortName = keyof typeof sorts;

/** @throws {InputError}, which shows no key. */
export function checkSaid(sort: SortName, verb: MacsecVerb, said: Said): void {
  const { shapes, check: further }: Sort = sorts[sort];
  check([], shapes[verb], said);
  needs(said, "dev");
  further(said, verb);
}

/* ---- both directions ---- */

/** The identifier of a checked channel. */
function sciOf({ sci: whole, address = "", sciPort = 0 }: Said): bigint {
  const text = whole ?? `${address.replaceAll(":", "")}${sciPort.toString(16).padStart(4, "0")}`;
  return sciNumber(text);
}
/** The request for what was checked, without the link. */
export function toWire(sort: SortName, verb: MacsecVerb, said: Said): Omit<DeviceIn, "ifindex"> {
  const { an, pn, xpn: number, active, key, keyId, salt, ssci } = said;
  // The kernel wants a number to send with; one of 64 bits has it refuse a salt that it would leave out of account.
  const first = verb !== "create" ? undefined : salt === undefined ? 1 : 1n;
  const saConfig = {
    an,
    pn: number ?? pn ?? first,
    salt,
    ssci,
    keyid: keyId?.padEnd(2 * KEYID_BYTES, "0"),
    key,
    active,
  };
  if (sort === "txsa") return { saConfig };
  if (sort === "rxsc") return { rxscConfig: { sci: sciOf(said), active } };
  return { rxscConfig: { sci: sciOf(said) }, saConfig };
}

/** The request for a checked choice of who does the work, without the link. */
export const offloadToWire = (offload: MacsecOffload): Omit<DeviceIn, "ifindex"> => ({ offload: { type: offload } });

type Counters = Readonly<Record<string, number | bigint>>;
/** All counters of a schema that begin so; those that are not told are 0. */
function counted<T>({ fields }: AnySchema, told: object = {}, zero: number | bigint = 0n, beginning = ""): T {
  const keys = Object.keys(fields).filter((key) => key !== "pad" && key.startsWith(beginning));
  return Object.fromEntries(keys.map((key) => [key, (told as Counters)[key] ?? zero])) as T;
}
function saFromWire({ an = 0, active = false, pn, keyid = "", ssci }: SaOut): MacsecSa {
  return {
    an,
    ...(typeof pn === "bigint" ? { xpn: pn } : pn !== undefined && { pn }),
    active,
    keyId: keyid,
    ...(ssci !== undefined && { ssci }),
  };
}
function txsaFromWire(sa: SaOut): MacsecTxSa {
  return { ...saFromWire(sa), statistics: counted(macsecSaStats, sa.stats, 0, "out") };
}
function rxsaFromWire(sa: SaOut): MacsecRxSa {
  return { ...saFromWire(sa), statistics: counted(macsecSaStats, sa.stats, 0, "in") };
}
function rxscFromWire({ sci: number = 0n, active = false, saList = [], stats }: RxscOut): MacsecRxSc {
  return {
    sci: sciText(number),
    active,
    rxsas: saList.map(rxsaFromWire),
    statistics: counted(macsecRxscStats, stats),
  };
}

/** A message of a dump as a device. */
export function deviceFromWire(told: DeviceOut, nameOf: (index: number) => string): MacsecDevice {
  const { ifindex = 0, secy = {} as NonNullable<DeviceOut["secy"]>, offload: work } = told;
  const suite = secy.cipherSuite ?? 0n;
  return {
    dev: nameOf(ifindex),
    index: ifindex,
    sci: sciText(secy.sci ?? 0n),
    cipher: cipherNamed(suite) ?? suite.toString(16).padStart(16, "0"),
    icvlen: secy.icvLen ?? 0,
    encodingsa: secy.encodingSa ?? 0,
    protect: secy.protect ?? false,
    encrypt: secy.encrypt ?? false,
    sendSci: secy.incSci ?? false,
    endStation: secy.es ?? false,
    scb: secy.scb ?? false,
    replay: secy.replay ?? false,
    ...(secy.window !== undefined && { window: secy.window }),
    validate: (secy.validate ?? "disabled") as MacsecDevice["validate"],
    operational: secy.oper ?? false,
    ...(work?.type !== undefined && { offload: work.type as MacsecOffload | number }),
    txsas: (told.txsaList ?? []).map(txsaFromWire),
    rxscs: (told.rxscList ?? []).map(rxscFromWire),
    statistics: {
      ...counted<object>(macsecTxscStats, told.txscStats),
      ...counted<object>(macsecSecyStats, told.secyStats),
    } as MacsecStatistics,
  };
}

/* ---- refusals ---- */

/** Why the kernel, which gives no words, refused something of a device; undefined where that cannot be told. */
export function reasonOf(
  code: string,
  sort: SortName,
  verb: MacsecVerb,
  said: Said,
  device: MacsecDevice,
): { readonly key: keyof Said; readonly reason: string } | undefined {
  if (code === "EBUSY" && verb === "delete")
    return { key: "an", reason: "it is active; update it with active: false before" };
  if (code === "EBUSY") return { key: "an", reason: "it is there already; delete it before, or take another number" };
  if (code === "EEXIST") return { key: "sci", reason: "there is such a channel already" };
  if (code === "ENODEV") {
    const found = sort !== "txsa" && device.rxscs.some((one) => one.sci === channelOf(said));
    if (sort !== "txsa" && !found) return { key: "sci", reason: "there is no such channel" };
    return { key: "an", reason: "there is no such association" };
  }
  return code === "EINVAL" && sort !== "rxsc" ? misfit(verb, said, device) : undefined;
}
/** What does not go with the cipher suite. */
function misfit(verb: MacsecVerb, said: Said, { cipher }: MacsecDevice): ReturnType<typeof reasonOf> {
  const extended = cipher.includes("xpn");
  const digits = cipher.endsWith("256") ? 64 : 32;
  if (said.pn !== undefined && extended) return { key: "pn", reason: `${cipher} counts packets with xpn` };
  if (said.xpn !== undefined && !extended) return { key: "xpn", reason: `${cipher} counts packets with pn` };
  if (verb !== "create") return undefined;
  if (said.salt === undefined && extended) return { key: "salt", reason: `${cipher} needs salt and ssci` };
  if (said.salt !== undefined && !extended)
    return { key: "salt", reason: `${cipher} has none; leave salt and ssci out` };
  if (said.key?.length !== digits)
    return { key: "key", reason: `${cipher} needs a key of ${digits} hexadecimal digits` };
  return undefined;
}
