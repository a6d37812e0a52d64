/**
 * Looks at what guests behind taps send: they are machines of their own, whose MTU cannot be read, and a bridge drops what is
 * too large for a port without a word. Source: RFC 9293 section 3.2 (options of TCP), RFC 6691 (what an MSS stands for).
 */
import type { Link } from "../links/index.ts";
import { VLAN_ALLOWANCE } from "../mtu/encapsulation.ts";
import type { FdbEntry } from "../neighbors/entry.ts";
import { mac as macCodec } from "../wire/address.ts";
import { Reader } from "../wire/buffer.ts";
import { type Frame, frames } from "./frames.ts";
import { readIp } from "./packet.ts";
import { Tally } from "./tally.ts";
import { bridgeOf, portsOf, type View } from "./view.ts";

const TCP = 6;
const SYN = 2;
const RST = 4;
/** Options of TCP. */
const END = 0;
const PADDING = 1;
const MSS = 2;
/** Bytes of headers that an MSS does not count, by version of IP. */
const HEADERS = { 4: 40, 6: 60 } as const;
const DONT_FRAGMENT = 0x40;
/** EtherTypes of IP. */
const IP: readonly number[] = [0x0800, 0x86dd];
/** Frames that are looked at in all, and bytes of each. */
const MOST = 20_000;
const LOOK = 128;

interface Way {
  /** The guest's Ethernet address. */
  readonly mac: string;
  readonly to: string;
  /** The tunnel that this one is behind. */
  readonly tunnel: string;
}
/** TCP of a guest that offers segments which do not fit. */
export interface Offer extends Way {
  /** The MTU that such segments are made for. */
  readonly mtu: number;
  readonly packets: number;
}
/** Packets that the bridge drops, as they are larger than the port to the tunnel takes. */
export interface Oversize extends Way {
  /** Bytes of the IP packet. */
  readonly size: number;
  /** Whether nobody on the way may cut them. */
  readonly whole: boolean;
  readonly packets: number;
}
/** What came from a tap, for those who are behind a tunnel. */
export interface Overheard {
  readonly offers: readonly Offer[];
  readonly oversize: readonly Oversize[];
}

/** The MSS that a handshake of TCP offers; undefined for other packets, and without one. */
function mssOf(segment: Uint8Array): number | undefined {
  const flags = segment[13] ?? 0;
  if ((flags & SYN) === 0 || (flags & RST) !== 0) return undefined;
  const end = Math.min(segment.length, ((segment[12] ?? 0) >> 4) * 4);
  for (let at = 20; at + 3 < end; ) {
    const option = segment[at];
    if (option === MSS) return ((segment[at + 2] ?? 0) << 8) | (segment[at + 3] ?? 0);
    if (option === END) return undefined;
    at += option === PADDING ? 1 : Math.max(2, segment[at + 1] ?? 0);
  }
  return undefined;
}

/** Bytes of an IP packet as its header says, and whether it may not be cut. */
function sizeOf(data: Uint8Array): { readonly size: number; readonly whole: boolean } {
  const at = (data[0] ?? 0) >> 4 === 6 ? 4 : 2;
  const length = ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);
  return at === 4
    ? { size: length + 40, whole: true }
    : { size: length, whole: ((data[6] ?? 0) & DONT_FRAGMENT) !== 0 };
}

/** Listens at the tap of that number for what a tunnel with that MTU does not take, wherever it goes. */
function tapped(nsFd: number, index: number, mtu: number) {
  const offers = new Tally<Omit<Offer, "packets" | "tunnel">>();
  const oversize = new Tally<Omit<Oversize, "packets" | "tunnel">>();
  const take = ({ ethernet, data, bundled }: Frame): void => {
    const packet = readIp(data);
    if (packet === undefined || !IP.includes(ethernet.readUInt16BE(12))) return;
    const way = { mac: macCodec.read(new Reader(ethernet), 6, 12), to: macCodec.read(new Reader(ethernet), 0, 6) };
    const { size, whole } = sizeOf(data);
    if (!bundled && size > mtu + VLAN_ALLOWANCE) oversize.add({ ...way, size, whole });
    const mss = packet.protocol === TCP ? mssOf(packet.rest) : undefined;
    const meant = (mss ?? 0) + HEADERS[packet.from.includes(":") ? 6 : 4];
    if (mss !== undefined && meant > mtu) offers.add({ ...way, mtu: meant });
  };
  const open = frames({ nsFd, index, most: MOST, room: LOOK }, take);
  return {
    heard: () => ({ offers: offers.all, oversize: oversize.all }),
    [Symbol.dispose]: () => open?.[Symbol.dispose](),
  };
}

/** Ports of guests that are machines of their own, with the least MTU of the tunnels in their bridge. */
function tapsOf(view: View): { readonly tap: Link; readonly mtu: number }[] {
  const bridges = new Set(view.tunnels.flatMap(({ link }) => bridgeOf(view, link)?.name ?? []));
  return [...bridges].flatMap((bridge) => {
    const mtu = Math.min(...view.tunnels.flatMap(({ link }) => (link.master === bridge ? [link.mtu] : [])));
    return portsOf(view, bridge).flatMap((tap) => (tap.kind === "tun" && tap.up ? [{ tap, mtu }] : []));
  });
}

/** Who is behind a tunnel. An entry that stays and leads nowhere is the VXLAN's own address, which its bridge may have too. */
function behindOf(tunnel: string, fdb: readonly FdbEntry[]): ReadonlySet<string> {
  const far = fdb.filter(({ dev, dst, state }) => dev === tunnel && (dst !== undefined || state !== "permanent"));
  return new Set(far.map(({ mac }) => mac));
}

/**
 * Listens at the taps of a host until it is disposed of. What is not for one of those behind a tunnel, as `fdb` tells who
 * they are, does not meet its MTU. Needs CAP_NET_RAW.
 */
export function listenAtTaps(
  view: View,
  nsFd: number,
): Disposable & { overheard(fdb: readonly FdbEntry[]): Readonly<Record<string, Overheard>> } {
  const open = tapsOf(view).map(({ tap, mtu }) => [tap.name, tapped(nsFd, tap.index, mtu)] as const);
  return {
    overheard(fdb) {
      const found = open.map(([name, { heard }]) => {
        const { offers, oversize } = heard();
        const bridge = view.links.find((one) => one.name === name)?.master;
        const own = view.tunnels.filter(({ link }) => link.master === bridge);
        const behind = own.map(({ link }) => ({ link, macs: behindOf(link.name, fdb) }));
        const far = <T extends { readonly to: string }>(all: readonly T[], fits: (one: T, mtu: number) => boolean) =>
          behind.flatMap(({ link, macs }) =>
            all.flatMap((one) => (macs.has(one.to) && !fits(one, link.mtu) ? [{ ...one, tunnel: link.name }] : [])),
          );
        const overheard: Overheard = {
          offers: far(offers, (one, mtu) => one.mtu <= mtu),
          oversize: far(oversize, ({ size }, mtu) => size <= mtu + VLAN_ALLOWANCE),
        };
        return [name, overheard] as const;
      });
      return Object.fromEntries(found);
    },
    [Symbol.dispose]() {
      for (const [, tap] of open) tap[Symbol.dispose]();
    },
  };
}

/** Guests whose MTU is not known, as nothing too large was heard of them. */
export function unmeasured(view: View, overheard: Readonly<Record<string, Overheard>>, witness: boolean): string[] {
  const silent = tapsOf(view).filter(({ tap: { name } }) => {
    const { offers, oversize } = overheard[name] ?? { offers: [], oversize: [] };
    return offers.length + oversize.length === 0;
  });
  if (silent.length === 0) return [];
  const names = silent.map(({ tap }) => tap.name).join(", ");
  return [
    `the MTU of guests behind ${names}: it is theirs alone to know, and they sent nothing too large meanwhile; look again${witness ? "" : " with --witness"} while they send much, or ask in the guests`,
  ];
}
