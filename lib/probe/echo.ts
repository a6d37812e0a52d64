/**
 * Packets of ICMP and ICMPv6: echo requests, and what comes back for them.
 *
 * Source: RFC 792, RFC 1191 (next-hop MTU), RFC 4443.
 */

/** Bytes of the echo header: type, code, checksum, identifier, sequence number. */
export const ECHO_HEADER = 8;
const IPV4_HEADER = 20;
const IPV6_HEADER = 40;

/** Which version of the Internet Protocol. */
export type Version = 4 | 6;

/** What came in for an echo request of ours. */
export type Answer =
  | { readonly kind: "reply"; readonly sequence: number }
  | { readonly kind: "too big"; readonly sequence: number; readonly mtu: number }
  | { readonly kind: "unreachable"; readonly sequence: number; readonly code: number };

/** Bytes of the IP header in front of an echo request. */
export const headerLength = (version: Version): number => (version === 4 ? IPV4_HEADER : IPV6_HEADER);

/** The sum of RFC 1071 over whole 16-bit words. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** The payload of an echo request, which tells ours from another program's with the same number. */
export function fillPayload(token: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => token[at % token.length] ?? 0);
}

/** An echo request. The kernel fills in the checksum of ICMPv6, which covers addresses too. */
export function echoRequest(version: Version, id: number, sequence: number, payload: Uint8Array): Buffer {
  const packet = Buffer.alloc(ECHO_HEADER + payload.length);
  packet.writeUInt8(version === 4 ? 8 : 128, 0);
  packet.writeUInt16BE(id, 4);
  packet.writeUInt16BE(sequence, 6);
  packet.set(payload, ECHO_HEADER);
  if (version === 4) packet.writeUInt16BE(checksum(packet), 2);
  return packet;
}

/** The sequence number of our echo packet at `at`, if it is ours as far as it is quoted. */
function ours(data: Buffer, at: number, type: number, id: number, payload: Uint8Array): number | undefined {
  if (data.length < at + ECHO_HEADER || data[at] !== type || data.readUInt16BE(at + 4) !== id) return undefined;
  const rest = data.subarray(at + ECHO_HEADER, at + ECHO_HEADER + payload.length);
  return rest.equals(payload.subarray(0, rest.length)) ? data.readUInt16BE(at + 6) : undefined;
}

function readIcmp4(data: Buffer, id: number, payload: Uint8Array): Answer | undefined {
  const start = ((data[0] ?? 0) & 0xf) * 4;
  if (start < IPV4_HEADER || data.length < start + ECHO_HEADER) return undefined;
  const [type, code = 0] = [data[start], data[start + 1]];
  if (type === 0) {
    const sequence = ours(data, start, 0, id, payload);
    const whole = data.length - start - ECHO_HEADER === payload.length;
    return sequence === undefined || !whole ? undefined : { kind: "reply", sequence };
  }
  if (type !== 3) return undefined;
  const quoted = start + ECHO_HEADER;
  const sequence = ours(data, quoted + ((data[quoted] ?? 0) & 0xf) * 4, 8, id, payload);
  if (sequence === undefined) return undefined;
  return code === 4
    ? { kind: "too big", sequence, mtu: data.readUInt16BE(start + 6) }
    : { kind: "unreachable", sequence, code };
}

function readIcmp6(data: Buffer, id: number, payload: Uint8Array): Answer | undefined {
  if (data.length < ECHO_HEADER) return undefined;
  const [type, code = 0] = [data[0], data[1]];
  if (type === 129) {
    const sequence = ours(data, 0, 129, id, payload);
    return sequence === undefined || data.length - ECHO_HEADER !== payload.length
      ? undefined
      : { kind: "reply", sequence };
  }
  if (type !== 1 && type !== 2) return undefined;
  const sequence = ours(data, ECHO_HEADER + IPV6_HEADER, 128, id, payload);
  if (sequence === undefined) return undefined;
  return type === 2
    ? { kind: "too big", sequence, mtu: data.readUInt32BE(4) }
    : { kind: "unreachable", sequence, code };
}

/** What a raw socket received, if it answers an echo request with this identifier and payload. IPv4 has its header. */
export function readAnswer(version: Version, data: Buffer, id: number, payload: Uint8Array): Answer | undefined {
  return version === 4 ? readIcmp4(data, id, payload) : readIcmp6(data, id, payload);
}
