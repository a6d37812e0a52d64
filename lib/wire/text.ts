/**
 * Text attributes. Names are bytes to the kernel: what is not UTF-8 is read byte by byte as U+DC80..U+DCFF, which
 * no valid text contains, and written back as the same byte, so that every name can be read, shown and addressed.
 */
import type { Reader, Writer } from "./buffer.ts";
import type { Codec, Fixed } from "./codec.ts";
import { WireError } from "./error.ts";

const SLOTS = 1024;
const seen: string[] = new Array<string>(SLOTS).fill("");
let strict: InstanceType<typeof TextDecoder> | undefined;
const lone = /[\udc80-\udcff]/;

function decodeBytes(u8: Uint8Array, start: number, end: number): string {
  const part = u8.slice(start, end);
  try {
    strict ??= new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return strict.decode(part);
  } catch {
    return Array.from(part, (byte) => String.fromCharCode(byte < 0x80 ? byte : 0xdc00 + byte)).join("");
  }
}

/** Reads text; short ASCII text that was read before is the same string object again, which is what makes it fast. */
function readText(u8: Uint8Array, start: number, end: number): string {
  let hash = 0;
  for (let at = start; at < end; at++) {
    const byte = u8[at] as number;
    if (byte >= 0x80) return decodeBytes(u8, start, end);
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  const slot = hash & (SLOTS - 1);
  const known = seen[slot] as string;
  if (known.length === end - start) {
    let same = 0;
    while (same < known.length && known.charCodeAt(same) === u8[start + same]) same++;
    if (same === known.length) return known;
  }
  let fresh = "";
  for (let at = start; at < end; at++) fresh += String.fromCharCode(u8[at] as number);
  seen[slot] = fresh;
  return fresh;
}

function writeText(out: Writer, value: string): void {
  if (typeof value !== "string") throw new WireError(`expected text, got ${String(value)}`);
  if (value.includes("\0")) throw new WireError(`expected text without NUL bytes, got ${JSON.stringify(value)}`);
  if (lone.test(value)) {
    for (const char of value) {
      const code = char.charCodeAt(0);
      if (char.length === 1 && code >= 0xdc80 && code <= 0xdcff) out.byte(code - 0xdc00);
      else out.bytes(Buffer.from(char, "utf8"));
    }
    return;
  }
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code >= 0x80) {
      out.bytes(Buffer.from(value.slice(i), "utf8"));
      return;
    }
    out.byte(code);
  }
}

/** The length of the text at [start, end): up to the first NUL byte. The kernel sends it both with and without. */
function measure(from: Reader, start: number, end: number): number {
  let stop = start;
  while (stop < end && from.u8[stop] !== 0) stop++;
  return stop;
}

/** Text with a closing NUL byte. */
export const text: Codec<string> = {
  name: "text",
  write(out, value) {
    writeText(out, value);
    out.take(1);
  },
  read: (from, start, end) => readText(from.u8, start, measure(from, start, end)),
};

/** Text in a field of `size` bytes, filled up with NUL bytes; at least one of them. */
export function fixedText(size: number): Fixed<string> {
  return {
    name: `text of at most ${size - 1} bytes`,
    size,
    write(out, value) {
      const start = out.length;
      writeText(out, value);
      if (out.length - start >= size) throw new WireError(`expected text of at most ${size - 1} bytes, got ${value}`);
      out.take(size - (out.length - start));
    },
    read: (from, start, end) => readText(from.u8, start, measure(from, start, end)),
  };
}
