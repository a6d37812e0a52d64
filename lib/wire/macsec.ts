/**
 * What links of kind macsec and the family macsec have in common.
 *
 * Source: include/uapi/linux/if_macsec.h (MACSEC_CIPHER_ID_*), include/uapi/linux/if_link.h (MACSEC_VALIDATE_*,
 * MACSEC_OFFLOAD_*).
 */
import { oneOf, u8 } from "./codec.ts";

export const cipherNumbers = {
  "gcm-aes-128": 0x0080_c200_0100_0001n,
  "gcm-aes-256": 0x0080_c200_0100_0002n,
  "gcm-aes-xpn-128": 0x0080_c200_0100_0003n,
  "gcm-aes-xpn-256": 0x0080_c200_0100_0004n,
} as const;
/** The name of a cipher suite; those of `xpn` have packet numbers of 64 bits. */
export type Cipher = keyof typeof cipherNumbers;
/** The number of gcm-aes-128 in old kernels and requests, and in all dumps. */
const DEFAULT_CIPHER = 0x0080_0200_0100_0001n;

/** The name of a cipher suite; undefined where it is not known. */
export function cipherNamed(number: bigint): Cipher | undefined {
  const known = number === DEFAULT_CIPHER ? cipherNumbers["gcm-aes-128"] : number;
  return (Object.keys(cipherNumbers) as Cipher[]).find((name) => cipherNumbers[name] === known);
}

export const validation = oneOf(u8, { disabled: 0, check: 1, strict: 2 });
export const offload = oneOf(u8, { off: 0, phy: 1, mac: 2 });

/** The identifier of a secure channel, as people write it and as a number. */
export const sciText = (number: bigint): string => number.toString(16).padStart(16, "0");
export const sciNumber = (text: string): bigint => BigInt(`0x${text}`);
