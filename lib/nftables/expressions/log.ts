/**
 * `log`: a line in the kernel's log, or a message to an nflog group.
 *
 * Source: enum nft_log_attributes, nft_log_level; net/netfilter/nft_log.c nft_log_policy, nft_log_dump.
 */
import { at, attrs, be16, be32, oneOf, text } from "../../wire/index.ts";

export const log = attrs("NFTA_LOG", {
  group: at(1, be16),
  prefix: at(2, text),
  snaplen: at(3, be32),
  qthreshold: at(4, be16),
  level: at(5, oneOf(be32, { emerg: 0, alert: 1, crit: 2, err: 3, warn: 4, notice: 5, info: 6, debug: 7, audit: 8 })),
  flags: at(6, be32),
});
