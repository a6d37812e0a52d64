/**
 * VXLAN in the packets that a device takes or sends.
 *
 * Source: RFC 7348 section 5, RFC 791, RFC 8200, RFC 768.
 */
import { ipv4, ipv6 } from "../wire/address.ts";
import { Reader } from "../wire/buffer.ts";

/** The protocol number of UDP. */
export const UDP = 17;

/** A UDP packet, or the beginning of one. */
export interface Udp {
  readonly from: string;
  readonly to: string;
  readonly dport: number;
  readonly payload: Uint8Array;
  /** The same with the header of UDP. */
  readonly segment: Uint8Array;
}

/** The header of IP and what follows it; undefined for other packets, and for fragments but the first. */
export function readIp(data: Uint8Array): { from: string; to: string; protocol: number; rest: Uint8Array } | undefined {
  const reader = new Reader(data);
  const version = (data[0] ?? 0) >> 4;
  if (version === 4 && data.length >= 20) {
    const length = ((data[0] ?? 0) & 15) * 4;
    const offset = (((data[6] ?? 0) & 31) << 8) | (data[7] ?? 0);
    if (offset !== 0) return undefined;
    const [from, to] = [ipv4.read(reader, 12, 16), ipv4.read(reader, 16, 20)];
    return { from, to, protocol: data[9] ?? 0, rest: data.subarray(length) };
  }
  if (version !== 6 || data.length < 40) return undefined;
  const [from, to] = [ipv6.read(reader, 8, 24), ipv6.read(reader, 24, 40)];
  return { from, to, protocol: data[6] ?? 0, rest: data.subarray(40) };
}

/** What a packet of IP has, where it is UDP. */
export function readUdp(data: Uint8Array): Udp | undefined {
  const packet = readIp(data);
  if (packet?.protocol !== UDP || packet.rest.length < 8) return undefined;
  const { from, to, rest } = packet;
  return { from, to, dport: ((rest[2] ?? 0) << 8) | (rest[3] ?? 0), payload: rest.subarray(8), segment: rest };
}

/** The VNI in a VXLAN header; undefined where it is none. */
export function vniOf(payload: Uint8Array): number | undefined {
  const [flags, a, b, c, high = 0, middle = 0, low = 0, reserved] = payload;
  if (payload.length < 22 || flags !== 8 || a !== 0 || b !== 0 || c !== 0 || reserved !== 0) return undefined;
  return (high << 16) | (middle << 8) | low;
}
