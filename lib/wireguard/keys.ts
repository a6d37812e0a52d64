/** Keys of WireGuard: Curve25519, 32 bytes, written in base64. */
import { InputError, type Shape } from "../shape/shape.ts";

/** Loaded when a key is made. */
const crypto = () => process.getBuiltinModule("node:crypto");

const BYTES = 32;
/** 32 bytes in base64: 43 characters, of which the last has four bits, and one of padding. */
const PATTERN = "^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$";

/** A key of WireGuard. A refused one is not shown. */
export const key: Shape<string> = {
  expected: `a key: ${BYTES} bytes in base64, as \`wg genkey\` prints it`,
  json: { type: "string", pattern: PATTERN },
  secret: true,
  accepts: (value): value is string => typeof value === "string" && new RegExp(PATTERN).test(value),
};
/** A key, or null to take it away. */
export const keyOrNone: Shape<string | null> = {
  ...key,
  expected: `${key.expected}, or null for none`,
  json: { anyOf: [key.json, { type: "null" }] },
  accepts: (value): value is string | null => value === null || key.accepts(value),
};
/** What the kernel takes and tells where there is no key. */
export const NO_KEY: string = Buffer.alloc(BYTES).toString("base64");

/** A new private key. Same as: wg genkey */
export function generateWireguardKey(): string {
  const bytes = crypto().randomBytes(BYTES);
  // RFC 7748, section 5: a multiple of 8 between 2^254 and 2^255.
  bytes[0] = (bytes[0] as number) & 0xf8;
  bytes[31] = ((bytes[31] as number) & 0x7f) | 0x40;
  return bytes.toString("base64");
}

/** A new preshared key. Same as: wg genpsk */
export function generatePresharedKey(): string {
  return crypto().randomBytes(BYTES).toString("base64");
}

/** What stands before the 32 bytes of an X25519 private key in PKCS #8. Source: RFC 8410, section 7. */
const PKCS8 = Buffer.from("302e020100300506032b656e04220420", "hex");

/**
 * The public key that belongs to a private key. Same as: wg pubkey
 * @throws {InputError} for what is no key; it does not show it.
 */
export function wireguardPublicKey(privateKey: string): string {
  if (!key.accepts(privateKey)) throw new InputError(["privateKey"], `expected ${key.expected}`);
  const der = Buffer.concat([PKCS8, Buffer.from(privateKey, "base64")]);
  const { createPrivateKey, createPublicKey } = crypto();
  const pair = createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
  return pair.export({ format: "der", type: "spki" }).subarray(-BYTES).toString("base64");
}
