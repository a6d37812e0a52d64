/**
 * Listens on an underlay device for VXLAN from others: by which port, VNI and version of IP they send, and whether they
 * refuse ours.
 *
 * Source: RFC 7348 section 5, RFC 791, RFC 8200, RFC 768, RFC 792.
 */
import { loadBinding, META } from "../../native-bindings/index.ts";
import { AF, linkAddress, openIn, receive, SOCK_DGRAM, widen } from "../probe/sockets.ts";
import { ipv4, ipv6, mac } from "../wire/address.ts";
import { Reader } from "../wire/buffer.ts";

const ETH_P_ALL = 0x0003;
const UDP = 17;
const ICMP = 1;
/** Packets that are looked at in all: a busy device has seen enough by then. */
const MOST = 50_000;
/** Bytes of each that matter: both headers of IP, UDP, VXLAN. */
const LOOK = 128;

/** VXLAN that arrived. */
export interface Heard {
  readonly from: string;
  readonly to: string;
  readonly dport: number;
  readonly vni: number;
  readonly packets: number;
}
/** A host that says: nobody listens on that port here. */
export interface Refusal {
  readonly from: string;
  readonly dport: number;
  readonly packets: number;
}
/** A frame inside of VXLAN, from an Ethernet address that was waited for. */
export interface Seen {
  readonly mac: string;
  readonly from: string;
  readonly vni: number;
  readonly packets: number;
}
/** What came. */
export interface Sound {
  readonly heard: readonly Heard[];
  readonly refusals: readonly Refusal[];
  readonly seen: readonly Seen[];
}

interface Udp {
  readonly from: string;
  readonly to: string;
  readonly dport: number;
  readonly payload: Uint8Array;
}

function readIp(data: Uint8Array): { from: string; to: string; protocol: number; rest: Uint8Array } | undefined {
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

function readUdp(data: Uint8Array): Udp | undefined {
  const packet = readIp(data);
  if (packet?.protocol !== UDP || packet.rest.length < 8) return undefined;
  const { from, to, rest } = packet;
  return { from, to, dport: ((rest[2] ?? 0) << 8) | (rest[3] ?? 0), payload: rest.subarray(8) };
}

/** The VNI in a VXLAN header; undefined where it is none. */
function vniOf(payload: Uint8Array): number | undefined {
  const [flags, a, b, c, high = 0, middle = 0, low = 0, reserved] = payload;
  if (payload.length < 22 || flags !== 8 || a !== 0 || b !== 0 || c !== 0 || reserved !== 0) return undefined;
  return (high << 16) | (middle << 8) | low;
}

/** The port in "port unreachable". */
function refusedPort(data: Uint8Array): { from: string; dport: number } | undefined {
  const packet = readIp(data);
  if (packet === undefined) return undefined;
  const [type, code] = packet.rest;
  const isRefusal =
    packet.protocol === ICMP ? type === 3 && code === 3 : packet.protocol === 58 && type === 1 && code === 4;
  const inner = isRefusal ? readUdp(packet.rest.subarray(8)) : undefined;
  return inner === undefined ? undefined : { from: packet.from, dport: inner.dport };
}

/** The inner source address, behind the VXLAN header and the inner destination. */
const innerSource = (payload: Uint8Array): string => mac.read(new Reader(payload), 14, 20);

/** Counts what is alike. */
class Tally<T extends object> {
  readonly #found = new Map<string, T & { packets: number }>();
  add(one: T): void {
    const key = JSON.stringify(one);
    const known = this.#found.get(key);
    if (known === undefined) this.#found.set(key, { ...one, packets: 1 });
    else known.packets++;
  }
  get all(): (T & { packets: number })[] {
    return [...this.#found.values()];
  }
}

/** An open ear; what it has heard is told when it is closed. */
export interface Ear extends Disposable {
  sound(): Sound;
}

/** What to listen for. */
export interface Interest {
  /** This host's addresses: what it sends itself is not counted. */
  readonly own: ReadonlySet<string>;
  /** Ethernet addresses to look for inside of VXLAN. */
  readonly macs: ReadonlySet<string>;
}

/**
 * Begins to listen on the device of that number. Needs CAP_NET_RAW.
 * @throws {SocketError} with EPERM without it.
 */
export function listen(nsFd: number, index: number, { own, macs }: Interest): Ear {
  const native = loadBinding();
  const socket = openIn(nsFd, AF.packet, SOCK_DGRAM, ETH_P_ALL << 8);
  native.bind(socket, linkAddress(index, ETH_P_ALL));
  widen(socket);
  const heard = new Tally<Omit<Heard, "packets">>();
  const refusals = new Tally<Omit<Refusal, "packets">>();
  const seen = new Tally<Omit<Seen, "packets">>();
  let left = MOST;
  const slab = new Uint8Array(LOOK);
  const meta = new Uint32Array(META.WORDS);
  const take = (data: Uint8Array): void => {
    if (left-- <= 0) return;
    const udp = readUdp(data);
    const vni = udp === undefined ? undefined : vniOf(udp.payload);
    if (udp !== undefined && vni !== undefined && !own.has(udp.from)) {
      const { from, to, dport, payload } = udp;
      heard.add({ from, to, dport, vni });
      const source = innerSource(payload);
      if (macs.has(source)) seen.add({ mac: source, from, vni });
    }
    const refused = udp === undefined ? refusedPort(data) : undefined;
    if (refused !== undefined && !own.has(refused.from)) refusals.add(refused);
  };
  native.watch(socket, () => receive(socket, slab, meta, take));
  native.unref(socket);
  return {
    sound: () => ({ heard: heard.all, refusals: refusals.all, seen: seen.all }),
    [Symbol.dispose]() {
      native.watch(socket, null);
      native.close(socket);
    },
  };
}
