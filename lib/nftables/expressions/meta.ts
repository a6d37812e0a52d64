/**
 * `meta`: properties of the packet that are not in its bytes.
 *
 * Source: enum nft_meta_attributes, nft_meta_keys; net/netfilter/nft_meta.c nft_meta_policy, nft_meta_get_dump.
 */
import { at, attrs, be32, oneOf } from "../../wire/index.ts";
import { register } from "./data.ts";

export const meta = attrs("NFTA_META", {
  key: at(
    2,
    oneOf(be32, {
      len: 0,
      protocol: 1,
      priority: 2,
      mark: 3,
      iif: 4,
      oif: 5,
      iifname: 6,
      oifname: 7,
      nfproto: 15,
      l4proto: 16,
      bri_iifname: 17,
      bri_oifname: 18,
      pkttype: 19,
    }),
  ),
  dreg: at(1, register),
  sreg: at(3, register),
});
