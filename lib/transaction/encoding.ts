/** Values of plans as text: JSON has neither large integers nor bytes. */

/** Keys that mark what JSON cannot say; a map of a document has no such key. */
const BIGINT = "$bigint";
const BYTES = "$bytes";

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return { [BIGINT]: String(value) };
  if (value instanceof Uint8Array) return { [BYTES]: Buffer.from(value).toString("hex") };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
  return value;
}

/** A value as one line of JSON; properties that are undefined are left out. */
export function encode(value: unknown): string {
  return JSON.stringify(plain(value));
}

/** What {@link encode} wrote. @throws {SyntaxError} */
export function decode(text: string): unknown {
  return JSON.parse(text, (_, value: unknown) => {
    if (typeof value !== "object" || value === null) return value;
    const { [BIGINT]: number, [BYTES]: hex } = value as Record<string, unknown>;
    if (typeof number === "string") return BigInt(number);
    return typeof hex === "string" ? new Uint8Array(Buffer.from(hex, "hex")) : value;
  });
}
