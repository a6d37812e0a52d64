/**
 * `byteorder`: a register from host to network order or back.
 *
 * Source: enum nft_byteorder_attributes, nft_byteorder_ops; net/netfilter/nft_byteorder.c nft_byteorder_policy.
 */
import { at, attrs, be32, oneOf } from "../../wire/index.ts";
import { register } from "./data.ts";

export const byteorder = attrs("NFTA_BYTEORDER", {
  sreg: at(1, register),
  dreg: at(2, register),
  op: at(3, oneOf(be32, { ntoh: 0, hton: 1 })),
  len: at(4, be32),
  size: at(5, be32),
});
