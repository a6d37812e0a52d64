/**
 * `redir`: destination NAT to this host.
 *
 * Source: enum nft_redir_attributes; net/netfilter/nft_redir.c nft_redir_policy, nft_redir_dump.
 */
import { at, attrs } from "../../wire/index.ts";
import { register } from "./data.ts";
import { natFlags } from "./nat.ts";

export const redir = attrs("NFTA_REDIR", {
  regProtoMin: at(1, register),
  regProtoMax: at(2, register),
  flags: at(3, natFlags),
});
