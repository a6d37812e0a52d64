/**
 * Netlink family NETLINK_NETFILTER: the fixed header that all its subsystems share, batches, and the message numbers of
 * nf_tables. Integers inside attributes are big-endian; attribute headers are in host byte order as everywhere.
 *
 * Source: include/uapi/linux/netfilter/nfnetlink.h (struct nfgenmsg, NFNL_SUBSYS_*, NFNL_MSG_BATCH_*),
 * net/netfilter/nfnetlink.c nfnl_batch_policy and nfnetlink_rcv_skb_batch,
 * include/uapi/linux/netfilter/nf_tables.h enum nf_tables_msg_types.
 */
import {
  type AttrsIn,
  at,
  attrs,
  be16,
  be32,
  body,
  type Fields,
  message,
  type Schema,
  struct,
  u8,
} from "../wire/index.ts";

/** Protocol number for socket(2): nf_tables, conntrack, logging. Source: include/uapi/linux/netlink.h. */
export const NETLINK_NETFILTER = 12;
/** The high byte of a message type: nf_tables. */
export const NFNL_SUBSYS_NFTABLES = 10;

/** Protocol families as nf_tables counts them. Source: include/uapi/linux/netfilter.h NFPROTO_*. */
export const nfproto = { inet: 1, ip: 2, arp: 3, netdev: 5, bridge: 7, ip6: 10 } as const;

/** struct nfgenmsg. `resId` is the subsystem in a batch's frame, and the low half of the generation id in replies. */
const nfgenmsg = struct("nfgenmsg", { family: u8, version: u8, resId: be16 });

const batch = attrs("NFNL_BATCH", {
  /** Compare-and-swap: the kernel refuses the batch with ERESTART unless this is the ruleset's generation. */
  genid: at(1, be32),
});
const batchHeader = { family: 0, version: 0, resId: NFNL_SUBSYS_NFTABLES } as const;
const frame = body(nfgenmsg, batch);

/** Opens a transaction. */
export const batchBegin = message("NFNL_MSG_BATCH_BEGIN", 0x10, frame);
/** Closes a transaction; the kernel commits when it meets it. */
export const batchEnd = message("NFNL_MSG_BATCH_END", 0x11, frame);
/** The value of both frame messages for a batch of nf_tables. */
export const nftBatch = (genid?: number): { header: typeof batchHeader; attrs: AttrsIn<(typeof batch)["fields"]> } => ({
  header: batchHeader,
  attrs: { genid },
});

/** Message numbers of nf_tables, without the subsystem. */
export const NFT_MSG = {
  NEWTABLE: 0,
  GETTABLE: 1,
  DELTABLE: 2,
  NEWCHAIN: 3,
  GETCHAIN: 4,
  DELCHAIN: 5,
  NEWRULE: 6,
  GETRULE: 7,
  DELRULE: 8,
  NEWGEN: 15,
  GETGEN: 16,
  NEWOBJ: 18,
  GETOBJ: 19,
  DELOBJ: 20,
} as const;

/** A kind of nf_tables message with these attributes. */
export function nftMessage<const F extends Fields>(kind: keyof typeof NFT_MSG, attributes: Schema<F>) {
  return message(`NFT_MSG_${kind}`, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG[kind], body(nfgenmsg, attributes));
}
