/**
 * Machines that are there twice: an Ethernet address that sends from a port of this host and from behind a tunnel at one
 * time, and an IPv4 address that more than one of them answers for.
 *
 * Source: include/uapi/linux/if_packet.h (PACKET_IGNORE_OUTGOING), RFC 826, RFC 5227, RFC 5798 section 7.3.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { loadBinding, META } from "../../native-bindings/index.ts";
import type { Host } from "../host.ts";
import type { Link } from "../links/index.ts";
import { AF, ETH_P_ALL, int32, linkAddress, openIn, receive, SOCK_DGRAM, SOCK_RAW, widen } from "../probe/sockets.ts";
import { arpRequest, BROADCAST, ETH_P_ARP, readArp } from "../probe/solicit.ts";
import { mac as macCodec } from "../wire/address.ts";
import { Reader } from "../wire/buffer.ts";
import { bridgeOf, isExternal, portsOf, type Tunnel, type View } from "./view.ts";

const SOL_PACKET = 263;
const PACKET_IGNORE_OUTGOING = 23;
/** Bytes of a frame by which it is known again. */
const LOOK = 64;
const ETHERNET = 14;
/** Addresses that are kept of each place, and frames of each. */
const ADDRESSES = 1024;
const EACH = 256;
/** Ports that are listened to, and addresses that are asked for, at most. */
const PORTS = 64;
const CLAIMS = 64;
/** Milliseconds for which an address has to be in two places: one that moves is in the one, then in the other. */
const TOGETHER = 200;
/** Addresses of routers that stand in for one another have this beginning, and are where the active one is. */
const VIRTUAL_ROUTER = "00:00:5e:00:0";

/** An Ethernet address that sends from a port of this host, and from behind a tunnel or another port. */
export interface Clone {
  readonly mac: string;
  /** The VXLAN; absent where both are on this host. */
  readonly tunnel?: string;
  /** The port of its bridge. */
  readonly port: string;
  /** The far end, or the other port. */
  readonly from: string;
  /** Frames that came by the port, and from there. */
  readonly near: number;
  readonly far: number;
}

/** An IPv4 address of a bridge's network that more than one Ethernet address answers for. */
export interface Claimed {
  readonly address: string;
  /** The bridge. */
  readonly dev: string;
  /** Who answered, and the port of the bridge or the far end that it is behind, as far as the bridge knows. */
  readonly by: readonly { readonly mac: string; readonly port?: string; readonly from?: string }[];
}

/** A frame of an address. */
export interface Sighting {
  /** Milliseconds. */
  readonly at: number;
  readonly frame: string;
}

/** An address where it was seen. */
interface Sightings {
  count: number;
  readonly kept: Sighting[];
}
type Seen = Map<string, Sightings>;

function note(seen: Seen, frame: Uint8Array): void {
  if (frame.length < ETHERNET) return;
  const mac = macCodec.read(new Reader(frame), 6, 12);
  const known = seen.get(mac) ?? { count: 0, kept: [] };
  if (known.count === 0 && seen.size >= ADDRESSES) return;
  seen.set(mac, known);
  known.count++;
  // The last one counts, whatever else is kept.
  const at = Math.min(known.kept.length, EACH - 1);
  known.kept[at] = { at: performance.now(), frame: Buffer.from(frame.subarray(0, LOOK)).toString("latin1") };
}

/**
 * Milliseconds for which both were seen, none or less for one after the other; frames that came by the one and the other way
 * went around in a loop, and do not count.
 */
export function together(near: readonly Sighting[], far: readonly Sighting[]): number {
  const known = (all: readonly Sighting[]): Set<string> => new Set(all.map(({ frame }) => frame));
  const [here, there] = [known(near), known(far)];
  const [a, b] = [near.filter(({ frame }) => !there.has(frame)), far.filter(({ frame }) => !here.has(frame))];
  const [first, other] = [a[0], b[0]];
  if (first === undefined || other === undefined) return 0;
  return Math.min(a.at(-1)?.at ?? 0, b.at(-1)?.at ?? 0) - Math.max(first.at, other.at);
}

/** Tunnels whose bridge says of each frame which network it is of. */
function plain(view: View): readonly (readonly [Tunnel, Link])[] {
  return view.tunnels.flatMap((tunnel) => {
    const bridge = bridgeOf(view, tunnel.link);
    return bridge === undefined || isExternal(tunnel) || bridge["vlanFiltering"] === true
      ? []
      : [[tunnel, bridge] as const];
  });
}
const guestPorts = (view: View, bridge: Link): Link[] =>
  portsOf(view, bridge.name).filter(({ kind, up }) => kind !== "vxlan" && up);

/** Hands over what comes in by a port; nothing where this kernel cannot leave out what goes out by it. */
function listenAt(nsFd: number, index: number, take: (frame: Buffer) => void): Disposable | undefined {
  const native = loadBinding();
  // The protocol is in network byte order.
  const socket = openIn(nsFd, AF.packet, SOCK_RAW, ETH_P_ALL << 8);
  if (native.setopt(socket, SOL_PACKET, PACKET_IGNORE_OUTGOING, int32(1)) < 0) {
    native.close(socket);
    return undefined;
  }
  native.bind(socket, linkAddress(index, ETH_P_ALL));
  widen(socket);
  const slab = new Uint8Array(LOOK);
  const meta = new Uint32Array(META.WORDS);
  native.watch(socket, () => receive(socket, slab, meta, take));
  native.unref(socket);
  return {
    [Symbol.dispose]() {
      native.watch(socket, null);
      native.close(socket);
    },
  };
}

/** VXLAN of a far end. */
interface Stream {
  /** The underlay device that it came by. */
  readonly dev: string;
  readonly from: string;
  readonly vni: number;
  readonly dport: number;
}

/** Looks out for Ethernet addresses that are in two places, until it is disposed of. */
export interface Lookout extends Disposable {
  /** Takes a frame that came inside of VXLAN. */
  take(stream: Stream, frame: Uint8Array): void;
  clones(): Clone[];
  /** What it does not listen to. */
  readonly unseen: readonly string[];
}

function clonesAt(near: Seen, far: Seen, place: Pick<Clone, "tunnel" | "port" | "from">): Clone[] {
  return [...near].flatMap(([mac, here]) => {
    const there = far.get(mac);
    if (there === undefined || mac.startsWith(VIRTUAL_ROUTER)) return [];
    if (together(here.kept, there.kept) < TOGETHER) return [];
    return [{ mac, ...place, near: here.count, far: there.count }];
  });
}

/** Begins to listen at ports of bridges with a tunnel. Needs CAP_NET_RAW. */
export function lookOut(view: View, nsFd: number): Lookout {
  const near = new Map<string, Seen>();
  const far = new Map<string, { readonly stream: Stream; readonly seen: Seen }>();
  const all = plain(view).flatMap(([, bridge]) => guestPorts(view, bridge));
  const ports = new Map(all.map(({ name, index }) => [name, index]));
  const open = [...ports].slice(0, PORTS).map(([name, index]) => {
    const seen: Seen = new Map();
    near.set(name, seen);
    return listenAt(nsFd, index, (frame) => note(seen, frame));
  });
  const streamsOf = ({ underlay: dev, vni, dstport }: Tunnel) =>
    [...far.values()].filter(
      ({ stream }) => stream.dev === dev?.name && stream.vni === vni && stream.dport === dstport,
    );
  return {
    take(stream, frame) {
      const key = JSON.stringify(stream);
      const known = far.get(key) ?? { stream, seen: new Map() };
      if (far.size < ADDRESSES) far.set(key, known);
      note(known.seen, frame);
    },
    clones: () => {
      const seenAt = (name: string): Seen => near.get(name) ?? new Map();
      const apart = plain(view).flatMap(([tunnel, bridge]) =>
        guestPorts(view, bridge).flatMap(({ name: port }) =>
          streamsOf(tunnel).flatMap(({ stream: { from }, seen }) =>
            clonesAt(seenAt(port), seen, { tunnel: tunnel.link.name, port, from }),
          ),
        ),
      );
      const bridges = new Map(plain(view).map(([, bridge]) => [bridge.name, bridge]));
      const here = [...bridges.values()].flatMap((bridge) => {
        const names = guestPorts(view, bridge).map(({ name }) => name);
        const pairs = names.flatMap((port, at) => names.slice(at + 1).map((from) => ({ port, from })));
        return pairs.flatMap((pair) => clonesAt(seenAt(pair.port), seenAt(pair.from), pair));
      });
      return [...apart, ...here];
    },
    unseen: [
      ...(ports.size > PORTS
        ? [`${ports.size - PORTS} ports of bridges: of so many guests the first ${PORTS} are heard`]
        : []),
      ...(open.includes(undefined) ? ["whether guests here are there twice: that takes Linux 4.20"] : []),
    ],
    [Symbol.dispose]() {
      for (const one of open) one?.[Symbol.dispose]();
    },
  };
}

/** Who answers for addresses on a bridge, all of them. */
async function claimants(
  nsFd: number,
  { index, mac }: { readonly index: number; readonly mac: string },
  targets: readonly string[],
  patience: number,
): Promise<Map<string, Set<string>>> {
  const native = loadBinding();
  const socket = openIn(nsFd, AF.packet, SOCK_DGRAM, ((ETH_P_ARP & 0xff) << 8) | (ETH_P_ARP >> 8));
  const found = new Map(targets.map((target) => [target, new Set<string>()]));
  try {
    native.bind(socket, linkAddress(index, ETH_P_ARP));
    widen(socket);
    const slab = new Uint8Array(LOOK);
    const meta = new Uint32Array(META.WORDS);
    native.watch(socket, () =>
      receive(socket, slab, meta, (data) => {
        for (const [target, macs] of found) {
          const answer = readArp(data, target);
          if (answer !== undefined) macs.add(answer);
        }
      }),
    );
    // Without an address of its own the question is no news to anybody, and nobody answers it for another.
    const to = linkAddress(index, ETH_P_ARP, BROADCAST);
    for (let round = 0; round < 2; round++) {
      for (const target of targets) native.send(socket, arpRequest({ mac, source: "0.0.0.0", target }), to);
      await sleep(patience / 2);
    }
    return found;
  } finally {
    native.watch(socket, null);
    native.close(socket);
  }
}

/** Addresses on a bridge that are known to this host, or answered through its tunnel. */
function targetsOn(view: View, bridge: Link, answered: readonly string[]): string[] {
  const own = new Set(view.addresses.map(({ address }) => address.split("/")[0] ?? ""));
  const heard = view.neighbors.filter(({ dev, mac }) => dev === bridge.name && mac !== undefined);
  const all = new Set([...answered, ...heard.map(({ address }) => address)]);
  return [...all].filter((one) => !one.includes(":") && !own.has(one)).slice(0, CLAIMS);
}

/** Asks on each bridge who has the addresses that are known there; `answered`: by VXLAN, those who answered through it. */
export async function askClaims(
  { fdb }: Host,
  view: View,
  nsFd: number,
  answered: Readonly<Record<string, readonly string[]>>,
  patience: number,
): Promise<Claimed[]> {
  const asked = plain(view).map(async ([{ link }, bridge]) => {
    const targets = bridge.up ? targetsOn(view, bridge, answered[link.name] ?? []) : [];
    if (targets.length === 0) return [];
    const found = await claimants(nsFd, { index: bridge.index, mac: String(bridge.mac) }, targets, patience);
    const several = [...found].filter(([, macs]) => macs.size > 1);
    if (several.length === 0) return [];
    const entries = await fdb.list();
    const placed = (mac: string): Claimed["by"][number] => {
      const own = entries.filter((entry) => entry.mac === mac);
      const from = own.find(({ dev, dst }) => dev === link.name && dst !== undefined)?.dst;
      const port = guestPorts(view, bridge).find(({ name }) => own.some(({ dev }) => dev === name))?.name;
      if (port !== undefined) return { mac, port };
      return from === undefined ? { mac } : { mac, from };
    };
    return several.map(([address, macs]): Claimed => {
      return { address, dev: bridge.name, by: [...macs].sort().map(placed) };
    });
  });
  return (await Promise.all(asked)).flat();
}
