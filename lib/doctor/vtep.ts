/**
 * Asks the other end of a tunnel, in its own language and without a program there: an ARP request or a neighbor solicitation
 * inside of VXLAN, as large as one likes. The answer is a small reply that comes back through the tunnel.
 *
 * Source: RFC 7348 section 5 (header), RFC 826, RFC 4861 (4.3, 7.2), RFC 2464 (7), RFC 4291 (appendix A), RFC 768, RFC 8200
 * (8.1), include/uapi/linux/in.h (IP_MTU_DISCOVER), in6.h, if_ether.h.
 */
import { randomBytes } from "node:crypto";
import { loadBinding, META, type SocketHandle } from "../../native-bindings/index.ts";
import { checksum } from "../probe/echo.ts";
import {
  AF,
  ETH_P_ALL,
  int32,
  leaveBy,
  linkAddress,
  openIn,
  receive,
  SOCK_DGRAM,
  SOCK_RAW,
  setOption,
  socketAddress,
  versionOf,
  widen,
} from "../probe/sockets.ts";
import {
  arpRequest,
  BROADCAST,
  ETH_P_ARP,
  IPPROTO_ICMPV6,
  NEVER_ROUTED,
  neighborSolicitation,
  readAdvertisement,
  readArp,
  solicitedNode,
} from "../probe/solicit.ts";
import { errnoName } from "../socket/index.ts";
import { ip, ipv6, mac as macCodec } from "../wire/address.ts";
import { Reader, Writer } from "../wire/buffer.ts";
import { UDP } from "./packet.ts";

/** IP_MTU_DISCOVER and IPV6_MTU_DISCOVER, with their levels; 3 sends with DF, whatever was learned of the path. */
const DISCOVER = { 4: [0, 10], 6: [41, 23] } as const;
const IP_PMTUDISC_PROBE = 3;
/** IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP. */
const MULTICAST_LOOP = { 4: 34, 6: 19 } as const;
const HAS_VNI = 0x08;
const ETH_P_IPV6 = 0x86dd;
const IPV6_HEADER = 40;
/** Bytes of the least payload of a frame. */
export const SMALLEST = 46;

/** Where to ask: a tunnel and one of its far ends. */
export interface Place {
  readonly nsFd: number;
  /** Number of the VXLAN link: replies are seen there. */
  readonly index: number;
  readonly vni: number;
  readonly remote: string;
  readonly dstport: number;
  readonly local?: string | undefined;
  /** Name of the device that packets to a multicast group leave by. */
  readonly dev?: string | undefined;
  /** Whether the UDP checksum is computed here instead of being left to the network card; takes `local`. */
  readonly summed?: boolean | undefined;
  /**
   * Whether the answer is to be for an Ethernet address that the far end knows no place of: it comes only where the far end
   * sends broadcasts to this host too.
   */
  readonly flooded?: boolean | undefined;
}

/** How to ask. */
export interface Patience {
  /** Milliseconds to wait for the last reply. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

/** What came back. */
export interface VtepAnswer {
  /** The Ethernet address of each address that answered. */
  readonly macs: ReadonlyMap<string, string>;
  /** `ECONNREFUSED`: nobody listens on that port there. `EMSGSIZE`: too large for the device, or for the path. */
  readonly error?: string;
}

/**
 * An address that nobody has, so that no bridge learns a wrong way to one that somebody has; another one for each question,
 * so that answers to one are not taken for those to another.
 */
function newSender(): string {
  return ["02", "6c", "77", ...[...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, "0"))].join(":");
}

interface Senders {
  readonly from: string;
  readonly source: string;
}

const bytesOf = (address: string): Uint8Array => {
  const out = new Writer(16);
  ip.write(out, address);
  return out.finish();
};

/** The checksum of an upper layer, with what it covers of the IP header; 0 where the data has a right one already. */
export function summed(source: string, target: string, protocol: number, data: Uint8Array): number {
  const [from, to] = [bytesOf(source), bytesOf(target)];
  const length = data.length;
  const rest = [0, 0, 0, 0, length >> 8, length & 0xff, 0, protocol];
  return checksum(Uint8Array.from([...from, ...to, ...rest, ...data, ...(length % 2 === 1 ? [0] : [])]));
}

/** The link-local address of an Ethernet address. */
export function linkLocal(mac: string): string {
  const [a = 0, ...rest] = mac.split(":").map((byte) => Number.parseInt(byte, 16));
  const bytes = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)];
  return ipv6.read(new Reader(Uint8Array.from(bytes)), 0, 16);
}

/** A neighbor solicitation with its IPv6 header. */
function solicitation(from: string, target: string): Uint8Array {
  const source = linkLocal(from);
  const group = solicitedNode(target);
  const body = neighborSolicitation({ mac: from, target });
  const sum = summed(source, group, IPPROTO_ICMPV6, body);
  body.set([sum >> 8, sum & 0xff], 2);
  const head = [0x60, 0, 0, 0, body.length >> 8, body.length & 0xff, IPPROTO_ICMPV6, NEVER_ROUTED];
  return Uint8Array.from([...head, ...bytesOf(source), ...bytesOf(group), ...body]);
}

/** Where frames for a solicited-node address go. */
function multicastMac(group: string): string {
  const tail = [...bytesOf(group).subarray(12)].map((byte) => byte.toString(16).padStart(2, "0"));
  return ["33", "33", ...tail].join(":");
}

/**
 * The VXLAN packet: `size` is that of the inner IP packet of the same length. Answers are for `from`; the frame comes from
 * `source`, whose place its receiver learns.
 */
function vxlanQuestion(vni: number, { from, source }: Senders, target: string, size: number): Uint8Array {
  const wide = target.includes(":");
  const question = wide ? solicitation(from, target) : arpRequest({ mac: from, source: "0.0.0.0", target });
  const out = new Writer(64 + size);
  out.u8[out.take(4)] = HAS_VNI;
  const at = out.take(4);
  out.u8.set([vni >> 16, (vni >> 8) & 0xff, vni & 0xff], at);
  macCodec.write(out, wide ? multicastMac(solicitedNode(target)) : BROADCAST);
  macCodec.write(out, source);
  const type = wide ? ETH_P_IPV6 : ETH_P_ARP;
  out.u8.set([type >> 8, type & 0xff], out.take(2));
  const packed = out.finish();
  const whole = new Uint8Array(packed.length + Math.max(size, SMALLEST, question.length));
  whole.set(packed);
  whole.set(question, packed.length);
  return whole;
}

/** A UDP packet whose checksum no card has to compute. */
export function udpPacket(local: string, remote: string, dport: number, payload: Uint8Array): Uint8Array {
  const sport = 0xc000 + Math.floor(Math.random() * 0x3fff);
  const length = 8 + payload.length;
  const packet = Uint8Array.from([
    ...[sport >> 8, sport & 0xff, dport >> 8, dport & 0xff, length >> 8, length & 0xff, 0, 0],
    ...payload,
  ]);
  // All zeros would say that there is none.
  const sum = summed(local, remote, UDP, packet) || 0xffff;
  packet.set([sum >> 8, sum & 0xff], 6);
  return packet;
}

/** The Ethernet address in a reply to our own question; undefined for every other packet. */
function readReply(data: Buffer, from: string, target: string): string | undefined {
  if (!target.includes(":")) {
    // Guests get replies of the same addresses.
    const ours = data.length >= 24 && macCodec.read(new Reader(data), 18, 24) === from;
    return ours ? readArp(data, target) : undefined;
  }
  if (data.length < IPV6_HEADER || data[6] !== IPPROTO_ICMPV6 || (data[0] ?? 0) >> 4 !== 6) return undefined;
  if (ipv6.read(new Reader(data), 24, IPV6_HEADER) !== linkLocal(from)) return undefined;
  return readAdvertisement(data.subarray(IPV6_HEADER), target);
}

function sender({ nsFd, local, remote, dstport, dev, summed: own }: Place): SocketHandle {
  const version = versionOf(remote);
  const socket = own === true ? openIn(nsFd, AF[version], SOCK_RAW, UDP) : openIn(nsFd, AF[version], SOCK_DGRAM, 0);
  try {
    const [level, name] = DISCOVER[version];
    setOption(socket, level, name, int32(IP_PMTUDISC_PROBE), "forbid fragments");
    const native = loadBinding();
    // What is sent to a group does not come back: the VXLAN here would take it for somebody else's.
    setOption(socket, level, MULTICAST_LOOP[version], int32(0), "keep multicast from coming back");
    leaveBy(socket, { dev });
    if (local !== undefined) native.bind(socket, socketAddress(local, 0));
    native.connect(socket, socketAddress(remote, own === true ? 0 : dstport));
    return socket;
  } catch (error) {
    loadBinding().close(socket);
    throw error;
  }
}

function listener({ nsFd, index }: Place): SocketHandle {
  // The protocol is in network byte order. A port of a bridge hands its packets on before any socket but one for all sees them.
  const socket = openIn(nsFd, AF.packet, SOCK_DGRAM, ETH_P_ALL << 8);
  loadBinding().bind(socket, linkAddress(index, ETH_P_ALL));
  widen(socket);
  return socket;
}

/** Sends each once, a second time for those that have not answered by half of the time, and waits for replies. */
function converse(
  place: Place,
  sizes: { readonly targets: readonly string[]; readonly size: number },
  patience: Patience,
) {
  const native = loadBinding();
  const { targets, size } = sizes;
  const hear = listener(place);
  const send = sender(place);
  const from = newSender();
  const senders = { from, source: place.flooded === true ? newSender() : from };
  const macs = new Map<string, string>();
  const slab = new Uint8Array(2048);
  const meta = new Uint32Array(META.WORDS);
  return new Promise<VtepAnswer>((resolve, reject) => {
    let error: string | undefined;
    const end = (): void => {
      for (const timer of [half, last]) clearTimeout(timer);
      patience.signal?.removeEventListener("abort", end);
      native.watch(hear, null);
      for (const socket of [hear, send]) native.close(socket);
      if (patience.signal?.aborted === true) reject(patience.signal.reason);
      else resolve({ macs, ...(error !== undefined && { error }) });
    };
    const round = (): void => {
      for (const target of targets.filter((one) => !macs.has(one))) {
        const question = vxlanQuestion(place.vni, senders, target, size);
        const { local, remote, dstport } = place;
        const sum = place.summed === true && local !== undefined;
        const status = native.send(send, sum ? udpPacket(local, remote, dstport, question) : question, null);
        if (status < 0) error ??= errnoName(status);
      }
    };
    const half = setTimeout(round, patience.timeout / 2);
    const last = setTimeout(end, patience.timeout);
    patience.signal?.addEventListener("abort", end);
    native.watch(hear, () => {
      receive(hear, slab, meta, (data) => {
        for (const target of targets) {
          const mac = readReply(data, from, target);
          if (mac !== undefined) macs.set(target, mac);
        }
      });
      if (macs.size === targets.length) end();
    });
    round();
  });
}

/**
 * Asks for addresses through the tunnel, in packets of `size` bytes that must not be fragmented. Needs CAP_NET_RAW.
 * @throws {SocketError} with EPERM without it.
 */
export function askThrough(
  place: Place,
  targets: readonly string[],
  size: number,
  patience: Patience,
): Promise<VtepAnswer> {
  return converse(place, { targets, size }, patience);
}
