/**
 * `masq`: source NAT to the address of the outgoing interface.
 *
 * Source: enum nft_masq_attributes; net/netfilter/nft_masq.c nft_masq_policy, nft_masq_dump.
 */
import { at, attrs } from "../../wire/index.ts";
import { register } from "./data.ts";
import { natFlags } from "./nat.ts";

export const masq = attrs("NFTA_MASQ", {
  flags: at(1, natFlags),
  regProtoMin: at(2, register),
  regProtoMax: at(3, register),
});
