/** Values of which only some bits count, as people write them. */
import { integer, type Shape } from "../../shape/shape.ts";
import { ip, Reader, Writer } from "../../wire/index.ts";
import { custom, type Option } from "../option.ts";

/** A number, or a number of which only the bits of the mask count. */
export type MaskedNumber = number | { readonly value: number; readonly mask: number };

const allOf = (bits: number): number => 2 ** bits - 1;
export function maskedShape(bits: number): Shape<MaskedNumber> {
  const plain = integer(0, allOf(bits));
  return {
    expected: `${plain.expected}, or { value, mask } of such numbers`,
    json: { anyOf: [plain.json, { type: "object" }] },
    accepts(value): value is MaskedNumber {
      if (typeof value !== "object" || value === null) return plain.accepts(value);
      const { value: number, mask, ...rest } = value as Partial<Record<string, unknown>>;
      return plain.accepts(number) && plain.accepts(mask) && Object.keys(rest).length === 0;
    },
  };
}
/** The number and its mask. */
export function numberParts(value: MaskedNumber, bits: number): readonly [value: number, mask: number] {
  return typeof value === "number" ? [value, allOf(bits)] : [value.value, value.mask];
}
/** Absent where no bit counts. */
export function joinedNumber(value: number | undefined, mask: number | undefined, bits: number) {
  const of = mask ?? allOf(bits);
  if (value === undefined || of === 0) return undefined;
  return of === allOf(bits) ? value : { value, mask: of };
}
/** A number of `bits` bits in one attribute, its mask in another. */
export function maskedNumber(path: string, bits: number): Option<MaskedNumber> {
  const mask = `${path}Mask`;
  return custom<MaskedNumber>(
    [path, mask],
    maskedShape(bits),
    (value) => {
      const [number, of] = numberParts(value, bits);
      return { [path]: number, [mask]: of };
    },
    (wire) => joinedNumber(wire[path] as number | undefined, wire[mask] as number | undefined, bits),
  );
}

/** Bytes in hexadecimal, in steps of 4, with a mask of the same length where not all bits count. */
export function hexShape(least: number, most: number): Shape<string> {
  const bytes = `([0-9a-fA-F]{8}){${least / 4},${most / 4}}`;
  const pattern = `^${bytes}(/${bytes})?$`;
  return {
    expected: `${least === most ? least : `${least} to ${most}`} bytes in hexadecimal, a multiple of 4, alone or with a mask such as 0a0b0c0d/ffff0000`,
    json: { type: "string", pattern },
    accepts(value): value is string {
      if (typeof value !== "string" || !new RegExp(pattern).test(value)) return false;
      const [bytes = "", mask = bytes] = value.split("/");
      return mask.length === bytes.length;
    },
  };
}
/** The bytes and their mask. */
export function hexParts(text: string): readonly [bytes: Uint8Array, mask: Uint8Array] {
  const [bytes = "", mask = "f".repeat(bytes.length)] = text.split("/");
  return [new Uint8Array(Buffer.from(bytes, "hex")), new Uint8Array(Buffer.from(mask, "hex"))];
}
/** Both as one text. */
export function hexText(bytes: Uint8Array, mask?: Uint8Array): string {
  const text = (part: Uint8Array): string => Buffer.from(part).toString("hex");
  return mask === undefined || mask.every((byte) => byte === 0xff) ? text(bytes) : `${text(bytes)}/${text(mask)}`;
}
/** Bytes in one attribute, their mask in another. */
export function maskedHex(path: string, length: number): Option<string> {
  const mask = `${path}Mask`;
  return custom<string>(
    [path, mask],
    hexShape(length, length),
    (value) => {
      const [bytes, of] = hexParts(value);
      return { [path]: bytes, [mask]: of };
    },
    (wire) => {
      const [bytes, of] = [wire[path] as Uint8Array | undefined, wire[mask] as Uint8Array | undefined];
      return bytes === undefined || of?.every((byte) => byte === 0) ? undefined : hexText(bytes, of);
    },
  );
}

const scratch = new Writer(16);
function bytesOf(address: string): Uint8Array {
  scratch.truncate(0);
  ip.write(scratch, address);
  return scratch.u8.slice(0, scratch.length);
}
const textOf = (bytes: Uint8Array): string => ip.read(new Reader(new Uint8Array(bytes)), 0, bytes.length);

/** The mask of a length. */
function maskOf(length: number, wide: boolean): string {
  const bytes = new Uint8Array(wide ? 16 : 4);
  for (let i = 0; i < bytes.length; i++) bytes[i] = 0xff00 >> Math.max(0, Math.min(8, length - 8 * i));
  return textOf(bytes);
}
/** The length of a mask; undefined where its ones do not stand at its beginning. */
function lengthOf(mask: string): number | undefined {
  const bits = Array.from(bytesOf(mask), (byte) => byte.toString(2).padStart(8, "0")).join("");
  const length = bits.indexOf("0") < 0 ? bits.length : bits.indexOf("0");
  return bits.includes("1", length) ? undefined : length;
}

/** A network in the attributes of IPv4 or IPv6, each with its mask. A single address means all its bits. */
export function maskedAddress(key4: string, key6: string, network: Shape<string>): Option<string> {
  const keys = [key4, `${key4}Mask`, key6, `${key6}Mask`] as const;
  return custom<string>(
    keys,
    network,
    (value) => {
      const [address = "", length] = value.split("/");
      const wide = address.includes(":");
      const key = wide ? key6 : key4;
      return { [key]: address, [`${key}Mask`]: maskOf(length === undefined ? 128 : Number(length), wide) };
    },
    (wire) => {
      const key = wire[key4] === undefined ? key6 : key4;
      const [address, mask] = [wire[key] as string | undefined, wire[`${key}Mask`] as string | undefined];
      if (address === undefined) return undefined;
      const length = mask === undefined ? undefined : lengthOf(mask);
      if (mask !== undefined && length === undefined) return `${address}/${mask}`;
      if (length === 0) return undefined;
      return length === undefined || length === (key === key6 ? 128 : 32) ? address : `${address}/${length}`;
    },
  );
}

const MAC = "([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}";
const ALL = "ff:ff:ff:ff:ff:ff";
const macShape: Shape<string> = {
  expected: "a MAC address, with a mask where not all its bits count: 01:00:00:00:00:00/01:00:00:00:00:00",
  json: { type: "string", pattern: `^${MAC}(/${MAC})?$` },
  accepts: (value): value is string => typeof value === "string" && new RegExp(`^${MAC}(/${MAC})?$`).test(value),
};
/** A MAC address in one attribute, its mask in another. */
export function maskedMac(path: string): Option<string> {
  const mask = `${path}Mask`;
  return custom<string>(
    [path, mask],
    macShape,
    (value) => {
      const [mac, of = ALL] = value.split("/");
      return { [path]: mac, [mask]: of };
    },
    (wire) => {
      const [mac, of = ALL] = [wire[path] as string | undefined, wire[mask] as string | undefined];
      return mac === undefined || of === ALL ? mac : `${mac}/${of}`;
    },
  );
}

/** Flags that have to be set (`+trk`) and those that must not be (`-new`), as `tc` writes them. */
export function signedFlags(path: string, bits: Readonly<Record<string, number>>): Option<string> {
  const names = Object.keys(bits);
  const pattern = `^([+-](${names.join("|")}))+$`;
  const shape: Shape<string> = {
    expected: `flags such as +${names[0]}-${names[1]}, each one of ${names.join(", ")}`,
    json: { type: "string", pattern },
    accepts: (value): value is string => typeof value === "string" && new RegExp(pattern).test(value),
  };
  const mask = `${path}Mask`;
  return custom<string>(
    [path, mask],
    shape,
    (value) => {
      let [set, counted] = [0, 0];
      for (const [, sign, name = ""] of value.matchAll(/([+-])([a-z]+)/g)) {
        counted |= bits[name] ?? 0;
        if (sign === "+") set |= bits[name] ?? 0;
      }
      return { [path]: set, [mask]: counted };
    },
    (wire) => {
      const [set = 0, counted = 0] = [wire[path] as number | undefined, wire[mask] as number | undefined];
      const told = names.filter((name) => ((bits[name] ?? 0) & counted) !== 0);
      return told.map((name) => `${((bits[name] ?? 0) & set) === 0 ? "-" : "+"}${name}`).join("") || undefined;
    },
  );
}
