/**
 * What a frame is known again by where it comes around in a loop. On its way a checksum may be computed, bundles of segments
 * cut or made, short frames filled up, and VLAN tags put elsewhere: none of these is part of it.
 *
 * Source: IEEE 802.1Q, RFC 791, RFC 8200.
 */
import { readIp } from "./packet.ts";

/** Bytes of a frame that it is made of, without VLAN tags: enough for a neighbor solicitation with its option. */
export const MARK_OF = 96;
const ADDRESSES = 12;
const TAGS: readonly number[] = [0x8100, 0x88a8];
const IP: readonly number[] = [0x0800, 0x86dd];
/** ICMP, and that of IPv6: computed whole before they leave, and never bundled. */
const WHOLE: readonly number[] = [1, 58];
/** Where addresses are in a header of IP, by its first byte's upper half. */
const BETWEEN: Readonly<Record<number, readonly [number, number]>> = { 4: [12, 20], 6: [8, 40] };

/** What follows the Ethernet addresses, behind all tags. */
function untagged(frame: Uint8Array): Uint8Array {
  const type = ((frame[ADDRESSES] ?? 0) << 8) | (frame[ADDRESSES + 1] ?? 0);
  if (!TAGS.includes(type)) return frame.subarray(ADDRESSES);
  return untagged(Buffer.concat([frame.subarray(0, ADDRESSES), frame.subarray(ADDRESSES + 4)]));
}

/** Of TCP, UDP and their like who talks to whom, by which ports; of anything else its first bytes. */
export function markOf(frame: Uint8Array): string {
  const rest = untagged(frame);
  const type = ((rest[0] ?? 0) << 8) | (rest[1] ?? 0);
  const data = rest.subarray(2);
  const between = BETWEEN[(data[0] ?? 0) >> 4];
  const packet = readIp(data);
  if (IP.includes(type) && between !== undefined && !WHOLE.includes(packet?.protocol ?? 0)) {
    const parts = [frame.subarray(0, ADDRESSES), data.subarray(...between), packet?.rest.subarray(0, 4) ?? []];
    return Buffer.concat(parts.map((part) => Uint8Array.from(part))).toString("latin1");
  }
  const whole = Buffer.alloc(MARK_OF);
  whole.set(Buffer.concat([frame.subarray(0, ADDRESSES), rest]).subarray(0, MARK_OF));
  return whole.toString("latin1");
}
