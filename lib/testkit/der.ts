/**
 * Writes ASN.1 values in DER: as much of it as a certificate needs.
 *
 * Source: ITU-T X.690, sections 8 and 10.
 */

/** One value: tag, length, content. */
export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const length: number[] = [];
  if (body.length < 0x80) length.push(body.length);
  else {
    for (let rest = body.length; rest > 0; rest >>>= 8) length.unshift(rest & 0xff);
    length.unshift(0x80 | length.length);
  }
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

/** SEQUENCE. */
export const sequence = (...content: readonly Uint8Array[]): Buffer => der(0x30, ...content);
/** SET of one. */
export const set = (content: Uint8Array): Buffer => der(0x31, content);
/** OCTET STRING. */
export const octets = (content: Uint8Array): Buffer => der(0x04, content);
/** BIT STRING of whole bytes, or with `unused` bits at its end. */
export const bits = (content: Uint8Array, unused = 0): Buffer => der(0x03, Buffer.from([unused]), content);
/** BOOLEAN true. */
export const yes: Buffer = der(0x01, Buffer.from([0xff]));
/** NULL. */
export const nothing: Buffer = der(0x05);
/** UTF8String. */
export const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text, "utf8"));
/** Something with a context tag: constructed (explicit), or primitive (implicit). */
export const explicit = (number: number, content: Uint8Array): Buffer => der(0xa0 | number, content);
export const implicit = (number: number, content: Uint8Array): Buffer => der(0x80 | number, content);

/** INTEGER from bytes, most significant first, never negative. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const rest = bytes.subarray(start);
  return der(0x02, (rest[0] ?? 0) >= 0x80 || rest.length === 0 ? Buffer.concat([Buffer.from([0]), rest]) : rest);
}

/** OBJECT IDENTIFIER from its dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes: number[] = [];
  for (const part of [first * 40 + second, ...rest]) {
    const digits = [part & 0x7f];
    for (let left = Math.floor(part / 128); left > 0; left = Math.floor(left / 128))
      digits.unshift(0x80 | (left & 0x7f));
    bytes.push(...digits);
  }
  return der(0x06, Buffer.from(bytes));
}

/** UTCTime until 2049, GeneralizedTime later; in whole seconds. */
export function time(date: Date): Buffer {
  const digits = date
    .toISOString()
    .replace(/\.\d+Z$/, "")
    .replace(/[-T:]/g, "");
  return date.getUTCFullYear() < 2050
    ? der(0x17, Buffer.from(`${digits.slice(2)}Z`))
    : der(0x18, Buffer.from(`${digits}Z`));
}
