/**
 * `objref`: a named object of the table, such as a counter that several rules share.
 *
 * Source: enum nft_objref_attributes, NFT_OBJECT_*; net/netfilter/nft_objref.c nft_objref_policy, nft_objref_dump.
 */
import { at, attrs, be32, oneOf, text } from "../../wire/index.ts";
import { register } from "./data.ts";

/** NFT_OBJECT_*. */
export const objectType = oneOf(be32, { counter: 1, quota: 2, ct_helper: 3, limit: 4 });

export const objref = attrs("NFTA_OBJREF", {
  immType: at(1, objectType),
  immName: at(2, text),
  setSreg: at(3, register),
  setName: at(4, text),
  setId: at(5, be32),
});
