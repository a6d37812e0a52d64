/**
 * Traffic control over rtnetlink: message numbers and the fixed header.
 *
 * Source: include/uapi/linux/rtnetlink.h (RTM_*, struct tcmsg, TCM_IFINDEX_MAGIC_BLOCK), include/uapi/linux/pkt_sched.h (TC_H_*).
 */
import { s32, struct, u8, u16, u32 } from "../wire/index.ts";

export const RTM_NEWQDISC = 36;
export const RTM_DELQDISC = 37;
export const RTM_GETQDISC = 38;
export const RTM_NEWTCLASS = 40;
export const RTM_DELTCLASS = 41;
export const RTM_GETTCLASS = 42;
export const RTM_NEWTFILTER = 44;
export const RTM_DELTFILTER = 45;
export const RTM_GETTFILTER = 46;

/** `info` of a filter is its priority in the upper half and its protocol, in network order, in the lower one. */
export const tcmsg = struct("tcmsg", {
  family: u8,
  _pad1: u8,
  _pad2: u16,
  ifindex: s32,
  handle: u32,
  parent: u32,
  info: u32,
});

/** Handles and parents with a meaning of their own. */
export const TC_H = {
  ROOT: 0xffff_ffff,
  /** The qdisc for what arrives. */
  INGRESS: 0xffff_fff1,
  /** Where filters of an ingress or clsact qdisc are attached. */
  MIN_INGRESS: 0xffff_fff2,
  MIN_EGRESS: 0xffff_fff3,
} as const;
/** Stands for the index of a link where the parent is the number of a block. */
export const MAGIC_BLOCK = -1;
