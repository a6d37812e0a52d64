/**
 * `rt`: what the packet's route says, such as the largest TCP segment it carries.
 *
 * Source: enum nft_rt_attributes, nft_rt_keys; net/netfilter/nft_rt.c nft_rt_policy, nft_rt_get_dump.
 */
import { at, attrs, be32, oneOf } from "../../wire/index.ts";
import { register } from "./data.ts";

export const rt = attrs("NFTA_RT", {
  key: at(2, oneOf(be32, { classid: 0, nexthop4: 1, nexthop6: 2, tcpmss: 3, xfrm: 4 })),
  dreg: at(1, register),
});
