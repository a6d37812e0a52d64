/**
 * Listens on an underlay device for VXLAN from others: by which port, VNI and version of IP they send, and whether they
 * refuse ours.
 *
 * Source: RFC 792, RFC 4443.
 */
import { listenAt } from "../probe/listen.ts";
import { SOCK_DGRAM } from "../probe/sockets.ts";
import { mac } from "../wire/address.ts";
import { Reader } from "../wire/buffer.ts";
import { readIp, readUdp, vniOf } from "./packet.ts";
import { type Spoiled, sums } from "./sums.ts";
import { Tally } from "./tally.ts";

const ICMP = 1;
/** Packets that are looked at in all. */
const MOST = 50_000;
/** Bytes of each that matter: IP, UDP, VXLAN, and the beginning of what is inside. */
const LOOK = 192;
const VXLAN_HEADER = 8;

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
  /** VXLAN that came with wrong checksums; empty where that cannot be told. */
  readonly spoiled: readonly Spoiled[];
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
  /** Whether the device's packets have headers of Ethernet: of others checksums are not looked at. */
  readonly ethernet: boolean;
  /** Is given the beginning of each frame inside of VXLAN. */
  frame(vxlan: { readonly from: string; readonly vni: number; readonly dport: number }, frame: Uint8Array): void;
}

/**
 * Begins to listen on the device of that number. Needs CAP_NET_RAW.
 * @throws {SocketError} with EPERM without it.
 */
export function listen(nsFd: number, index: number, { own, macs, ethernet, frame }: Interest): Ear {
  const heard = new Tally<Omit<Heard, "packets">>();
  const refusals = new Tally<Omit<Refusal, "packets">>();
  const seen = new Tally<Omit<Seen, "packets">>();
  const take = (data: Uint8Array): void => {
    const udp = readUdp(data);
    const vni = udp === undefined ? undefined : vniOf(udp.payload);
    if (udp !== undefined && vni !== undefined && !own.has(udp.from)) {
      const { from, to, dport, payload } = udp;
      heard.add({ from, to, dport, vni });
      frame({ from, vni, dport }, payload.subarray(VXLAN_HEADER));
      const source = innerSource(payload);
      if (macs.has(source)) seen.add({ mac: source, from, vni });
    }
    const refused = udp === undefined ? refusedPort(data) : undefined;
    if (refused !== undefined && !own.has(refused.from)) refusals.add(refused);
  };
  const open = listenAt({ nsFd, index, type: SOCK_DGRAM, room: LOOK, most: MOST }, take);
  const checked = ethernet ? sums(nsFd, index, own) : undefined;
  return {
    sound: () => ({ heard: heard.all, refusals: refusals.all, seen: seen.all, spoiled: checked?.spoiled() ?? [] }),
    [Symbol.dispose]() {
      checked?.[Symbol.dispose]();
      open?.[Symbol.dispose]();
    },
  };
}
