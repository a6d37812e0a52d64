/**
 * `counter`: counts what comes by. The numbers a dump has are the sum over all processors.
 *
 * Source: enum nft_counter_attributes; net/netfilter/nft_counter.c nft_counter_policy, nft_counter_do_dump.
 */
import { at, attrs, be64, padding } from "../../wire/index.ts";

export const counter = attrs("NFTA_COUNTER", { bytes: at(1, be64), packets: at(2, be64), pad: padding(3) });
