/**
 * `ct`: what connection tracking knows of the packet.
 *
 * Source: enum nft_ct_attributes, nft_ct_keys; net/netfilter/nft_ct.c nft_ct_policy, nft_ct_get_dump.
 */
import { at, attrs, be32, oneOf, u8 } from "../../wire/index.ts";
import { register } from "./data.ts";

export const ct = attrs("NFTA_CT", {
  key: at(2, oneOf(be32, { state: 0, direction: 1, status: 2, mark: 3 })),
  dreg: at(1, register),
  direction: at(3, u8),
  sreg: at(4, register),
});
