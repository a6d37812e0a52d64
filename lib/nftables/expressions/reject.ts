/**
 * `reject`: drops, and tells the sender.
 *
 * Source: enum nft_reject_attributes, nft_reject_types; net/netfilter/nft_reject.c nft_reject_policy, nft_reject_dump.
 */
import { at, attrs, be32, oneOf, u8 } from "../../wire/index.ts";

export const reject = attrs("NFTA_REJECT", {
  type: at(1, oneOf(be32, { icmp: 0, "tcp reset": 1, icmpx: 2 })),
  icmpCode: at(2, u8),
});
