/**
 * `range`: goes on when a register is, or is not, between two values.
 *
 * Source: enum nft_range_attributes, nft_range_ops; net/netfilter/nft_range.c nft_range_policy, nft_range_dump.
 */
import { at, attrs, be32, oneOf } from "../../wire/index.ts";
import { data, register } from "./data.ts";

export const range = attrs("NFTA_RANGE", {
  sreg: at(1, register),
  op: at(2, oneOf(be32, { eq: 0, neq: 1 })),
  fromData: at(3, data),
  toData: at(4, data),
});
