/** Values as the bytes of a register, and back. */
import { be16, type Codec, Reader, u32, Writer } from "../wire/index.ts";

/** The bytes a codec writes. */
export function toBytes<I>(codec: Codec<I, unknown>, value: I): Uint8Array {
  const out = new Writer(16);
  codec.write(out, value);
  return out.finish();
}

/** What a codec reads from these bytes. */
export function fromBytes<O>(codec: Codec<never, O>, data: Uint8Array): O {
  return codec.read(new Reader(data), 0, data.length);
}

/** A number of `size` bytes in network order. */
export function bigEndian(value: number, size: number): Uint8Array {
  if (size === 2) return toBytes(be16, value);
  return Uint8Array.from({ length: size }, (_, at) => Math.floor(value / 256 ** (size - 1 - at)) & 0xff);
}

/** The number that these bytes are in network order. */
export const fromBigEndian = (data: Uint8Array): number => data.reduce((sum, byte) => sum * 256 + byte, 0);

/** A 32-bit word in the byte order of this host, as packet lengths and connection states are. */
export const hostWord = (value: number): Uint8Array => toBytes(u32, value);
/** The number that these four bytes are on this host. */
export const fromHostWord = (data: Uint8Array): number => fromBytes(u32, data);
