/**
 * `immediate`: a constant into a register; into register 0 it is a verdict.
 *
 * Source: enum nft_immediate_attributes; net/netfilter/nft_immediate.c nft_immediate_policy, nft_immediate_dump.
 */
import { at, attrs } from "../../wire/index.ts";
import { data, register } from "./data.ts";

export const immediate = attrs("NFTA_IMMEDIATE", { dreg: at(1, register), data: at(2, data) });
