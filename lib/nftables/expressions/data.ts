/**
 * What registers hold: bytes, or a verdict.
 *
 * Source: include/uapi/linux/netfilter/nf_tables.h enum nft_data_attributes, nft_verdict_attributes, nft_registers;
 * net/netfilter/nf_tables_api.c nft_data_policy, nft_verdict_policy, nft_data_dump.
 */
import { at, attrs, be32, bytes, type Fixed, mapped, oneOf, text } from "../../wire/index.ts";

/** A big-endian word read as a signed number: verdicts and priorities are negative at times. */
export const sbe32: Fixed<number> = mapped<number, number>(
  be32,
  "signed be32",
  (value) => (value < 0 ? value + 0x1_0000_0000 : value),
  (value) => value | 0,
);

/** A register's number: 0 is the verdict, 1 to 4 hold 16 bytes each, 8 to 23 are the same memory in words of four bytes. */
export const register = be32;

/** NFTA_DATA_*. */
export const data = attrs("NFTA_DATA", {
  value: at(1, bytes),
  verdict: at(
    2,
    attrs("NFTA_VERDICT", {
      code: at(1, oneOf(sbe32, { drop: 0, accept: 1, continue: -1, break: -2, jump: -3, goto: -4, return: -5 })),
      chain: at(2, text),
    }),
  ),
});
