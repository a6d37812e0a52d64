/**
 * `lookup`: is a register's value in a set. The sets themselves are neither read nor written here.
 *
 * Source: enum nft_lookup_attributes; net/netfilter/nft_lookup.c nft_lookup_policy, nft_lookup_dump.
 */
import { at, attrs, be32, text } from "../../wire/index.ts";
import { register } from "./data.ts";

export const lookup = attrs("NFTA_LOOKUP", {
  set: at(1, text),
  sreg: at(2, register),
  dreg: at(3, register),
  setId: at(4, be32),
  flags: at(5, be32),
});
