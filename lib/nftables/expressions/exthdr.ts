/**
 * `exthdr`: a TCP option or an extension header, loaded into a register or written from one.
 *
 * Source: enum nft_exthdr_attributes, nft_exthdr_op; net/netfilter/nft_exthdr.c nft_exthdr_policy, nft_exthdr_dump_common.
 */
import { at, attrs, be32, oneOf, u8 } from "../../wire/index.ts";
import { register } from "./data.ts";

export const exthdr = attrs("NFTA_EXTHDR", {
  dreg: at(1, register),
  type: at(2, u8),
  offset: at(3, be32),
  len: at(4, be32),
  flags: at(5, be32),
  op: at(6, oneOf(be32, { ipv6: 0, tcpopt: 1, ipv4: 2, sctp: 3, dccp: 4 })),
  sreg: at(7, register),
});
