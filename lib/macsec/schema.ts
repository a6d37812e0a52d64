/**
 * Messages of the family `macsec`.
 *
 * Source: include/uapi/linux/if_macsec.h (MACSEC_ATTR_*, MACSEC_SECY_ATTR_*, MACSEC_RXSC_ATTR_*, MACSEC_SA_ATTR_*, …),
 * drivers/net/macsec.c (macsec_genl_policy, macsec_genl_rxsc_policy, macsec_genl_sa_policy; dump_secy for what is told).
 */
import { listOf } from "../families/generic.ts";
import {
  at,
  attrs,
  be32,
  be64,
  bool,
  type Codec,
  padding,
  type Reader,
  u8,
  u32,
  u64,
  WireError,
  type Writer,
} from "../wire/index.ts";
import { offload, validation } from "../wire/macsec.ts";

/** The name of the family. */
export const MACSEC_GENL_NAME = "macsec";
/** The version of the family that requests are written for. */
export const MACSEC_GENL_VERSION = 1;
/** Asks for all devices; answered by a dump. */
export const MACSEC_CMD_GET_TXSC = 0;
/** Adds a receive channel; deleting and updating it come next, as for the others. */
export const MACSEC_CMD_ADD_RXSC = 1;
/** Adds an association to send with. */
export const MACSEC_CMD_ADD_TXSA = 4;
/** Adds an association to receive with. */
export const MACSEC_CMD_ADD_RXSA = 7;
/** Chooses who does the work. */
export const MACSEC_CMD_UPD_OFFLOAD = 10;

/** MACSEC_KEYID_LEN. */
export const KEYID_BYTES = 16;

/** Bytes as hexadecimal digits. What does not fit is refused without being shown: it may be a secret. */
const hex: Codec<string> = {
  name: "hexadecimal digits",
  write(out: Writer, value: string) {
    if (typeof value !== "string" || !/^([0-9a-f]{2})+$/i.test(value))
      throw new WireError("expected bytes in hexadecimal digits");
    out.bytes(Buffer.from(value, "hex"));
  },
  read: (from: Reader, start: number, end: number) => Buffer.from(from.u8.subarray(start, end)).toString("hex"),
};

/** The number of a packet: of 32 bits, and of 64 as a bigint; the cipher suite decides which of them the kernel takes. */
const packetNumber: Codec<number | bigint> = {
  name: "packet number",
  write(out, value) {
    if (typeof value === "bigint") u64.write(out, value);
    else u32.write(out, value);
  },
  read: (from, start, end) => (end - start === 4 ? u32 : u64).read(from, start, end),
};

/** Counters of an association. */
export const macsecSaStats = attrs("MACSEC_SA_STATS_ATTR", {
  inPktsOk: at(1, u32),
  inPktsInvalid: at(2, u32),
  inPktsNotValid: at(3, u32),
  inPktsNotUsingSa: at(4, u32),
  inPktsUnusedSa: at(5, u32),
  outPktsProtected: at(6, u32),
  outPktsEncrypted: at(7, u32),
});
/** An association: a key, and the number of the next packet. */
export const macsecSa = attrs("MACSEC_SA_ATTR", {
  an: at(1, u8),
  active: at(2, bool),
  pn: at(3, packetNumber),
  key: at(4, hex),
  keyid: at(5, hex),
  stats: at(6, macsecSaStats),
  pad: padding(7),
  ssci: at(8, be32),
  salt: at(9, hex),
});

/** Counters of a receive channel. */
export const macsecRxscStats = attrs("MACSEC_RXSC_STATS_ATTR", {
  inOctetsValidated: at(1, u64),
  inOctetsDecrypted: at(2, u64),
  inPktsUnchecked: at(3, u64),
  inPktsDelayed: at(4, u64),
  inPktsOk: at(5, u64),
  inPktsInvalid: at(6, u64),
  inPktsLate: at(7, u64),
  inPktsNotValid: at(8, u64),
  inPktsNotUsingSa: at(9, u64),
  inPktsUnusedSa: at(10, u64),
  pad: padding(11),
});
/** A receive channel. */
export const macsecRxsc = attrs("MACSEC_RXSC_ATTR", {
  sci: at(1, be64),
  active: at(2, bool),
  saList: at(3, listOf(macsecSa)),
  stats: at(4, macsecRxscStats),
  pad: padding(5),
});

/** Settings of a device. */
export const macsecSecy = attrs("MACSEC_SECY_ATTR", {
  sci: at(1, be64),
  encodingSa: at(2, u8),
  window: at(3, u32),
  cipherSuite: at(4, u64),
  icvLen: at(5, u8),
  protect: at(6, bool),
  replay: at(7, bool),
  oper: at(8, bool),
  validate: at(9, validation),
  encrypt: at(10, bool),
  incSci: at(11, bool),
  es: at(12, bool),
  scb: at(13, bool),
  pad: padding(14),
});
/** Counters of what is sent. */
export const macsecTxscStats = attrs("MACSEC_TXSC_STATS_ATTR", {
  outPktsProtected: at(1, u64),
  outPktsEncrypted: at(2, u64),
  outOctetsProtected: at(3, u64),
  outOctetsEncrypted: at(4, u64),
  pad: padding(5),
});
/** Counters of a device. */
export const macsecSecyStats = attrs("MACSEC_SECY_STATS_ATTR", {
  outPktsUntagged: at(1, u64),
  inPktsUntagged: at(2, u64),
  outPktsTooLong: at(3, u64),
  inPktsNoTag: at(4, u64),
  inPktsBadTag: at(5, u64),
  inPktsUnknownSci: at(6, u64),
  inPktsNoSci: at(7, u64),
  inPktsOverrun: at(8, u64),
  pad: padding(9),
});

/** A device, and what is asked of it. */
export const macsecDevice = attrs("MACSEC_ATTR", {
  ifindex: at(1, u32),
  rxscConfig: at(2, macsecRxsc),
  saConfig: at(3, macsecSa),
  secy: at(4, macsecSecy),
  txsaList: at(5, listOf(macsecSa)),
  rxscList: at(6, listOf(macsecRxsc)),
  txscStats: at(7, macsecTxscStats),
  secyStats: at(8, macsecSecyStats),
  offload: at(9, attrs("MACSEC_OFFLOAD_ATTR", { type: at(1, offload), pad: padding(2) })),
});
