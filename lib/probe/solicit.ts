/**
 * Packets that ask who has an address on a link: ARP for IPv4, neighbor solicitation for IPv6.
 *
 * Source: RFC 826, RFC 4861 (4.3, 4.4, 4.6.1), RFC 4291 (2.7.1: solicited-node addresses).
 */
import { ipv4, ipv6, mac } from "../wire/address.ts";
import { Reader, Writer } from "../wire/buffer.ts";

export const ETH_P_ARP = 0x0806;
export const IPPROTO_ICMPV6 = 58;
/** The hop limit of all of these: neighbors believe nothing that may have passed a router. */
export const NEVER_ROUTED = 255;
export const BROADCAST = "ff:ff:ff:ff:ff:ff";
/** Bytes of an ARP packet of Ethernet and IPv4. */
const ARP_LENGTH = 28;
const ARP_REQUEST = 1;
const ARP_REPLY = 2;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;
/** Bytes of either before its options: type, code, checksum, flags, target. */
const ND_HEADER = 24;
const OPTION_SOURCE = 1;
const OPTION_TARGET = 2;
const OPTION_LENGTH = 8;

/** The asking side, and the address that is asked for. */
export interface Asking {
  readonly mac: string;
  /** Our address on the link. */
  readonly source: string;
  readonly target: string;
}

/** An ARP request. */
export function arpRequest(asking: Asking): Uint8Array {
  const out = new Writer(32);
  const at = out.take(8);
  // Ethernet, IPv4, lengths of their addresses, request.
  out.u8.set([0, 1, 8, 0, 6, 4, 0, ARP_REQUEST], at);
  mac.write(out, asking.mac);
  ipv4.write(out, asking.source);
  mac.write(out, "00:00:00:00:00:00");
  ipv4.write(out, asking.target);
  return out.finish();
}

/** The Ethernet address in a reply for `target`; undefined for every other packet. */
export function readArp(data: Uint8Array, target: string): string | undefined {
  const head = [0, 1, 8, 0, 6, 4, 0, ARP_REPLY];
  if (data.length < ARP_LENGTH || head.some((byte, at) => data[at] !== byte)) return undefined;
  const from = new Reader(data);
  return ipv4.read(from, 14, 18) === target ? mac.read(from, 8, 14) : undefined;
}

/** The multicast address that whoever has an IPv6 address listens to. */
export function solicitedNode(target: string): string {
  const out = new Writer(32);
  ipv6.write(out, target);
  const tail = out.finish().subarray(13, 16);
  out.truncate(0);
  ipv6.write(out, "ff02::1:ff00:0");
  out.u8.set(tail, 13);
  return ipv6.read(new Reader(out.u8), 0, 16);
}

/** A neighbor solicitation, without its checksum, which the kernel fills in. */
export function neighborSolicitation(asking: Pick<Asking, "mac" | "target">): Uint8Array {
  const out = new Writer(32);
  out.u8[out.take(8)] = SOLICITATION;
  ipv6.write(out, asking.target);
  out.u8.set([OPTION_SOURCE, 1], out.take(2));
  mac.write(out, asking.mac);
  return out.finish();
}

/** What advertisements of an address that has no Ethernet address come to. */
const UNKNOWN = "";

/**
 * The Ethernet address in an advertisement of `target`, empty where it does not tell; undefined for every other packet.
 */
export function readAdvertisement(data: Uint8Array, target: string): string | undefined {
  if (data.length < ND_HEADER || data[0] !== ADVERTISEMENT) return undefined;
  const from = new Reader(data);
  if (ipv6.read(from, 8, ND_HEADER) !== target) return undefined;
  for (let at = ND_HEADER; at + OPTION_LENGTH <= data.length; ) {
    const length = (data[at + 1] ?? 0) * 8;
    if (data[at] === OPTION_TARGET && length === OPTION_LENGTH) return mac.read(from, at + 2, at + OPTION_LENGTH);
    if (length === 0) break;
    at += length;
  }
  return UNKNOWN;
}
