/** Networks as text: `default`, `192.0.2.0/24`, or a single address. */
import { InputError } from "../shape/shape.ts";
import { ip, Reader, WireError, Writer } from "../wire/index.ts";

/** A destination, taken apart. */
export interface Prefix {
  /** The address; absent where the length is 0. */
  readonly address?: string | undefined;
  readonly length: number;
  readonly wide: boolean;
}

const scratch = new Writer(16);
function bytesOf(address: string): Uint8Array {
  scratch.truncate(0);
  ip.write(scratch, address);
  return scratch.u8.subarray(0, scratch.length);
}
const textOf = (bytes: Uint8Array): string => ip.read(new Reader(new Uint8Array(bytes)), 0, bytes.length);

/** The address with everything after the first `length` bits cleared. */
export function maskedAddress(address: string, length: number): string {
  const bytes = bytesOf(address);
  for (let i = length >> 3; i < bytes.length; i++) {
    const kept = i === length >> 3 ? 0xff00 >> (length & 7) : 0;
    bytes[i] = (bytes[i] as number) & kept;
  }
  return textOf(bytes);
}

function isMasked(bytes: Uint8Array, length: number): boolean {
  let at = length >> 3;
  if (at < bytes.length && ((bytes[at++] as number) & (0xff >> (length & 7))) !== 0) return false;
  while (at < bytes.length) if (bytes[at++] !== 0) return false;
  return true;
}

/**
 * Takes a network apart. `wide` is the family of a `default`.
 * @throws {InputError} where bits are set beyond the length; the reason names the network that is probably meant.
 */
export function parsePrefix(text: string, key: string, wide: boolean): Prefix {
  if (text === "default") return { length: 0, wide };
  const slash = text.indexOf("/");
  const address = slash < 0 ? text : text.slice(0, slash);
  const six = address.includes(":");
  const most = six ? 128 : 32;
  const length = slash < 0 ? most : Number(text.slice(slash + 1));
  try {
    if (length < most && !isMasked(bytesOf(address), length))
      throw new InputError(
        [key],
        `${text} has bits set beyond its length; write ${prefixText(maskedAddress(address, length), length, six)}`,
      );
  } catch (error) {
    throw error instanceof WireError ? new InputError([key], error.reason) : error;
  }
  return length === 0 ? { length, wide: six } : { address, length, wide: six };
}

/** A network as text; a single address stands without its length. */
export function prefixText(address: string | undefined, length: number, wide: boolean): string {
  if (address === undefined || length === 0) return "default";
  return length === (wide ? 128 : 32) ? address : `${address}/${length}`;
}

/**
 * The one text for a network, in which the kernel's are shown: `10.0.0.1/32` is `10.0.0.1`, `0.0.0.0/0` and `::/0`
 * are `default`. @throws {InputError}
 */
export function canonicalPrefix(text: string): string {
  const { address, length, wide } = parsePrefix(text, "dst", false);
  return prefixText(address === undefined ? undefined : textOf(bytesOf(address)), length, wide);
}
