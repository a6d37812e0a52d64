/**
 * `bitwise`: a register masked and then flipped, or shifted.
 *
 * Source: enum nft_bitwise_attributes, nft_bitwise_ops; net/netfilter/nft_bitwise.c nft_bitwise_policy, nft_bitwise_dump.
 */
import { at, attrs, be32, oneOf } from "../../wire/index.ts";
import { data, register } from "./data.ts";

export const bitwise = attrs("NFTA_BITWISE", {
  sreg: at(1, register),
  dreg: at(2, register),
  len: at(3, be32),
  op: at(6, oneOf(be32, { mask_xor: 0, lshift: 1, rshift: 2 })),
  mask: at(4, data),
  xor: at(5, data),
  data: at(7, data),
});
