/** Addresses, prefixes and NAT targets as text, and as the bytes that rules compare. */
import { isIPv4, isIPv6 } from "../shape/ip.ts";
import { ip } from "../wire/index.ts";
import { invalid, shown } from "./error.ts";
import type { Span } from "./rule.ts";
import { fromBytes, toBytes } from "./value.ts";

/** A prefix in parts. */
export interface Prefix {
  readonly family: "ip" | "ip6";
  /** The whole address: 4 or 16 bytes, zero behind the prefix. */
  readonly bytes: Uint8Array;
  /** Bits. */
  readonly length: number;
}

/** The mask of the first `length` bits. */
export const maskOf = (length: number, size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, at) => (0xff << (8 - Math.max(0, Math.min(8, length - 8 * at)))) & 0xff);

/** The length of a mask, or nothing when it has holes. */
export function lengthOf(mask: Uint8Array): number | undefined {
  const ones = Array.from(mask, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return /^1*0*$/.test(ones) ? ones.replace(/0+$/, "").length : undefined;
}

/** Reads `12.12.139.0/24`, `2001:db8::1`. */
export function parsePrefix(value: unknown, path: string): Prefix {
  const [address = "", suffix, more] = typeof value === "string" ? value.split("/") : [];
  const v4 = isIPv4(address);
  if (typeof value !== "string" || more !== undefined || !(v4 || (isIPv6(address) && !address.includes("%"))))
    invalid(path, `expected an address or a prefix such as 12.12.139.0/24, got ${shown(value)}`);
  const most = v4 ? 32 : 128;
  const length = suffix === undefined ? most : /^\d{1,3}$/.test(suffix) ? Number(suffix) : -1;
  if (length < 0 || length > most) invalid(path, `a prefix of IPv${v4 ? 4 : 6} has 1 to ${most} bits, got ${value}`);
  const family = v4 ? "ip" : "ip6";
  if (length === 0)
    invalid(path, `${value} matches every IPv${v4 ? 4 : 6} packet: leave it out, or write family: ${family}`);
  const given = toBytes(ip, address);
  const mask = maskOf(length, given.length);
  const bytes = given.map((byte, at) => byte & (mask[at] ?? 0));
  if (given.some((byte, at) => byte !== bytes[at]))
    invalid(path, `${value} has bits behind its prefix: write ${formatPrefix(bytes, length)}`);
  return { family, bytes, length };
}

/** Writes a prefix; a whole address has no length behind it. */
export function formatPrefix(bytes: Uint8Array, length: number): string {
  const address = fromBytes(ip, bytes);
  return length === 8 * bytes.length ? address : `${address}/${length}`;
}

/** Where NAT sends packets. */
export interface Target {
  readonly address?: { readonly family: "ip" | "ip6"; readonly bytes: Uint8Array };
  readonly ports?: Span;
}

/** Reads `192.0.2.23`, `192.0.2.23:80`, `[2001:db8::1]:80-90`, `:80`. */
export function parseTarget(value: string, path: string): Target {
  const [, v6, plain = "", from, to] =
    /^(?:\[([^\]]*)\]|([^[\]]*?))(?::(\d+)(?:-(\d+))?)?$/.exec(isIPv6(value) ? `[${value}]` : value) ?? [];
  const text = v6 ?? plain;
  const address = text === "" ? undefined : parsePrefix(text, path);
  if ((text === "" && from === undefined) || (address && address.length !== 8 * address.bytes.length))
    invalid(path, `expected an address, a port or both, such as 198.51.100.11:6443, got ${shown(value)}`);
  const ports =
    from === undefined ? undefined : to === undefined ? Number(from) : ([Number(from), Number(to)] as const);
  const [low, high] = typeof ports === "object" ? ports : [ports ?? 1, ports ?? 1];
  if (low < 1 || high > 65535 || low > high) invalid(path, `a port is 1 to 65535, got ${shown(value)}`);
  return {
    ...(address && { address: { family: address.family, bytes: address.bytes } }),
    ...(ports !== undefined && { ports: low === high ? low : ports }),
  };
}

/** Writes a target. */
export function formatTarget({ address, ports }: Target): string {
  const text = address ? fromBytes(ip, address.bytes) : "";
  if (ports === undefined) return text;
  const port = typeof ports === "number" ? String(ports) : ports.join("-");
  return address?.family === "ip6" ? `[${text}]:${port}` : `${text}:${port}`;
}
