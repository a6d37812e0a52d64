/**
 * Messages of the family `ethtool` that read and set features.
 *
 * Source: include/uapi/linux/ethtool_netlink.h (ETHTOOL_MSG_FEATURES_*, ETHTOOL_A_HEADER_*, ETHTOOL_A_BITSET_*),
 * Documentation/networking/ethtool-netlink.rst, sections "Bit sets" and "FEATURES_GET".
 */
import { at, attrs, flag, many } from "../wire/attr.ts";
import { bytes, u32 } from "../wire/codec.ts";
import { text } from "../wire/text.ts";

/** The name of the family. */
export const ETHTOOL_GENL_NAME = "ethtool";
/** The version of the family that requests are written for. */
export const ETHTOOL_GENL_VERSION = 1;
/** Asks for features; the reply has the same number. */
export const ETHTOOL_MSG_FEATURES_GET = 11;
/** Sets features. */
export const ETHTOOL_MSG_FEATURES_SET = 12;
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
