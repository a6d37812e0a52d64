/**
 * `limit`: goes on while a rate is kept, or with `flags` 1 when it is exceeded. `unit` is in seconds.
 *
 * Source: enum nft_limit_attributes, nft_limit_type; net/netfilter/nft_limit.c nft_limit_policy, nft_limit_dump.
 */
import { at, attrs, be32, be64, oneOf, padding } from "../../wire/index.ts";

export const limit = attrs("NFTA_LIMIT", {
  rate: at(1, be64),
  unit: at(2, be64),
  burst: at(3, be32),
  type: at(4, oneOf(be32, { packets: 0, bytes: 1 })),
  flags: at(5, be32),
  pad: padding(6),
});
