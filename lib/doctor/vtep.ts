/**
 * Asks the other end of a tunnel, in its own language and without a program there: an ARP request inside of VXLAN, as large
 * as one likes. The answer is a small ARP reply that comes back through the tunnel.
 *
 * Source: RFC 7348 section 5 (header), RFC 826, include/uapi/linux/in.h (IP_MTU_DISCOVER), in6.h, if_ether.h.
 */
import { randomBytes } from "node:crypto";
import { loadBinding, META, type SocketHandle } from "../../native-bindings/index.ts";
import {
  AF,
  int32,
  leaveBy,
  linkAddress,
  openIn,
  receive,
  SOCK_DGRAM,
  setOption,
  socketAddress,
  versionOf,
  widen,
} from "../probe/sockets.ts";
import { arpRequest, BROADCAST, ETH_P_ARP, readArp } from "../probe/solicit.ts";
import { errnoName } from "../socket/index.ts";
import { mac as macCodec } from "../wire/address.ts";
import { Reader, Writer } from "../wire/buffer.ts";

const ETH_P_ALL = 0x0003;
/** IP_MTU_DISCOVER and IPV6_MTU_DISCOVER, with their levels; 3 sends with DF, whatever was learned of the path. */
const DISCOVER = { 4: [0, 10], 6: [41, 23] } as const;
const IP_PMTUDISC_PROBE = 3;
/** IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP. */
const MULTICAST_LOOP = { 4: 34, 6: 19 } as const;
const HAS_VNI = 0x08;
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

/** The VXLAN packet: `size` is that of the inner IP packet of the same length. */
export function vxlanArp(vni: number, from: string, target: string, size: number): Uint8Array {
  const out = new Writer(64 + size);
  out.u8[out.take(4)] = HAS_VNI;
  const at = out.take(4);
  out.u8.set([vni >> 16, (vni >> 8) & 0xff, vni & 0xff], at);
  macCodec.write(out, BROADCAST);
  macCodec.write(out, from);
  out.u8.set([ETH_P_ARP >> 8, ETH_P_ARP & 0xff], out.take(2));
  const packet = new Uint8Array(Math.max(size, SMALLEST));
  packet.set(arpRequest({ mac: from, source: "0.0.0.0", target }));
  const packed = out.finish();
  const whole = new Uint8Array(packed.length + packet.length);
  whole.set(packed);
  whole.set(packet, packed.length);
  return whole;
}

function sender({ nsFd, local, remote, dstport, dev }: Place): SocketHandle {
  const version = versionOf(remote);
  const socket = openIn(nsFd, AF[version], SOCK_DGRAM, 0);
  try {
    const [level, name] = DISCOVER[version];
    setOption(socket, level, name, int32(IP_PMTUDISC_PROBE), "forbid fragments");
    const native = loadBinding();
    // What is sent to a group does not come back: the VXLAN here would take it for somebody else's.
    setOption(socket, level, MULTICAST_LOOP[version], int32(0), "keep multicast from coming back");
    leaveBy(socket, { dev });
    if (local !== undefined) native.bind(socket, socketAddress(local, 0));
    native.connect(socket, socketAddress(remote, dstport));
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
        const status = native.send(send, vxlanArp(place.vni, from, target, size), null);
        if (status < 0) error ??= errnoName(status);
      }
    };
    const half = setTimeout(round, patience.timeout / 2);
    const last = setTimeout(end, patience.timeout);
    patience.signal?.addEventListener("abort", end);
    native.watch(hear, () => {
      receive(hear, slab, meta, (data) => {
        // Guests get replies of the same addresses.
        if (data.length >= 24 && macCodec.read(new Reader(data), 18, 24) !== from) return;
        for (const target of targets) {
          const mac = readArp(data, target);
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
