/**
 * `cmp`: goes on when a register compares so with these bytes, else the rule ends.
 *
 * Source: enum nft_cmp_attributes, nft_cmp_ops; net/netfilter/nft_cmp.c nft_cmp_policy, nft_cmp_dump.
 */
import { at, attrs, be32, oneOf } from "../../wire/index.ts";
import { data, register } from "./data.ts";

export const cmp = attrs("NFTA_CMP", {
  sreg: at(1, register),
  op: at(2, oneOf(be32, { eq: 0, neq: 1, lt: 2, lte: 3, gt: 4, gte: 5 })),
  data: at(3, data),
});
