/**
 * Machines that are there twice: an Ethernet address that sends from a port of this host and from behind a tunnel at one
 * time, and an IPv4 address that more than one of them answers for.
 *
 * Source: RFC 826, RFC 5227, RFC 5798 section 7.3.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { loadBinding, META } from "../../native-bindings/index.ts";
import type { Host } from "../host.ts";
import type { Link } from "../links/index.ts";
import { listenAt } from "../probe/listen.ts";
import { AF, linkAddress, networkOrder, openIn, receive, SOCK_DGRAM, SOCK_RAW, widen } from "../probe/sockets.ts";
import { arpRequest, BROADCAST, ETH_P_ARP, readArp } from "../probe/solicit.ts";
import { mac as macCodec } from "../wire/address.ts";
import { Reader } from "../wire/buffer.ts";
import { MARK_OF, markOf } from "./mark.ts";
import { bridgeOf, isManaged, portsOf, type Tunnel, type View } from "./view.ts";

/** Bytes that are read of a frame: marks, and VLAN tags before what they are made of. */
const LOOK = MARK_OF + 8;
const ETHERNET = 14;
/** Addresses that are kept of each place, and marks of each. */
const ADDRESSES = 1024;
const EACH = 256;
/** Frames of a port that are looked at. */
const MOST = 20_000;
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

/** Frames of an address that have one mark, in milliseconds. */
interface Sighting {
  readonly first: number;
  last: number;
}

/** An address where it was seen. */
export class Sightings {
  count = 0;
  readonly marks = new Map<string, Sighting>();
  /** From when on not all was kept. */
  until = Number.POSITIVE_INFINITY;

  add(mark: string, at: number): void {
    this.count++;
    if (at >= this.until) return;
    const known = this.marks.get(mark);
    if (known !== undefined) known.last = at;
    else if (this.marks.size < EACH) this.marks.set(mark, { first: at, last: at });
    else this.until = at;
  }
}
type Seen = Map<string, Sightings>;

function note(seen: Seen, frame: Uint8Array): void {
  if (frame.length < ETHERNET) return;
  const mac = macCodec.read(new Reader(frame), 6, 12);
  const known = seen.get(mac) ?? new Sightings();
  if (known.count === 0 && seen.size >= ADDRESSES) return;
  seen.set(mac, known);
  known.add(markOf(frame), performance.now());
}

/**
 * Milliseconds for which both were seen, none or less for one after the other. What came by the one and the other way went
 * around in a loop and does not count; where that is most, neither does the rest, whose other half may have been lost.
 */
export function together(near: Sightings, far: Sightings): number {
  const until = Math.min(near.until, far.until);
  const apart = (one: Sightings, other: Sightings): Sighting[] =>
    [...one.marks].flatMap(([mark, sighting]) => (other.marks.has(mark) || sighting.first >= until ? [] : [sighting]));
  const [here, there] = [apart(near, far), apart(far, near)];
  const common = [...near.marks.keys()].filter((mark) => far.marks.has(mark)).length;
  if (Math.min(here.length, there.length) <= common) return 0;
  const begin = (all: readonly Sighting[]): number => Math.min(...all.map(({ first }) => first));
  const end = (all: readonly Sighting[]): number => Math.max(...all.map(({ last }) => last));
  return Math.min(end(here), end(there), until) - Math.max(begin(here), begin(there));
}

/**
 * Bridges that say of each frame which network it is of, with their tunnels. Where a control plane such as EVPN fills one of
 * these, a guest may be behind two hosts on purpose, and others answer in its place.
 */
function plain(view: View): readonly { readonly bridge: Link; readonly tunnels: readonly Tunnel[] }[] {
  return [...bridgesOf(view)].flatMap(([bridge, tunnels]) =>
    bridge["vlanFiltering"] === true || tunnels.some((tunnel) => isManaged(view, tunnel)) ? [] : [{ bridge, tunnels }],
  );
}
function bridgesOf(view: View): ReadonlyMap<Link, readonly Tunnel[]> {
  const found = new Map<Link, Tunnel[]>();
  for (const tunnel of view.tunnels) {
    const bridge = bridgeOf(view, tunnel.link);
    if (bridge !== undefined) found.set(bridge, [...(found.get(bridge) ?? []), tunnel]);
  }
  return found;
}
/** What is not judged, and why. */
function unjudged(view: View): string[] {
  const judged = new Set(plain(view).map(({ bridge }) => bridge));
  const others = [...bridgesOf(view)].filter(([bridge]) => !judged.has(bridge));
  return others.map(([bridge]) => {
    const why =
      bridge["vlanFiltering"] === true
        ? "its VLANs are networks of their own"
        : "its control plane may have one guest behind two hosts on purpose";
    return `whether guests on ${bridge.name} are there twice: ${why}`;
  });
}
const guestPorts = (view: View, bridge: Link): Link[] =>
  portsOf(view, bridge.name).filter(({ kind, up }) => kind !== "vxlan" && up);

/** VXLAN of a far end. */
interface Stream {
  /** The underlay device that it came by. */
  readonly dev: string;
  readonly from: string;
  readonly vni: number;
  readonly dport: number;
}

/** Looks out for Ethernet addresses that are in two places, until it is asked or disposed of. */
export interface Lookout extends Disposable {
  /** Takes a frame that came inside of VXLAN. */
  take(stream: Stream, frame: Uint8Array): void;
  /** What was found; ends the looking out. */
  found(): { readonly clones: readonly Clone[]; readonly unseen: readonly string[] };
}

function clonesAt(near: Seen, far: Seen, place: Pick<Clone, "tunnel" | "port" | "from">): Clone[] {
  return [...near].flatMap(([mac, here]) => {
    const there = far.get(mac);
    if (there === undefined || mac.startsWith(VIRTUAL_ROUTER)) return [];
    if (together(here, there) < TOGETHER) return [];
    return [{ mac, ...place, near: here.count, far: there.count }];
  });
}

/** Ports that are listened to, and what they tell. */
function earsAt(view: View, nsFd: number) {
  const ports = plain(view).flatMap(({ bridge }) => guestPorts(view, bridge));
  const ears = ports.slice(0, PORTS).map(({ name, index }) => {
    const seen: Seen = new Map();
    const at = { nsFd, index, type: SOCK_RAW, option: "incoming", room: LOOK, most: MOST } as const;
    return { name, seen, ear: listenAt(at, (frame) => note(seen, frame)) };
  });
  return {
    close: () => {
      for (const { ear } of ears) ear?.[Symbol.dispose]();
    },
    /** By port. What came after one had heard enough is not compared with anything. */
    heard: (): ReadonlyMap<string, Seen> => {
      for (const { seen, ear } of ears)
        for (const one of seen.values()) one.until = Math.min(one.until, ear?.enough ?? one.until);
      return new Map(ears.map(({ name, seen }) => [name, seen]));
    },
    unseen: (): string[] => {
      const busy = ears.flatMap(({ name, ear }) => (ear?.enough === undefined ? [] : [name]));
      return [
        ...unjudged(view),
        ...(ports.length > PORTS
          ? [`${ports.length - PORTS} ports of bridges: of so many guests the first ${PORTS} are heard`]
          : []),
        ...(busy.length > 0
          ? [
              `all that came by ${busy.join(", ")}: of so many frames the first ${MOST} were looked at for guests that are there twice`,
            ]
          : []),
        ...(ears.some(({ ear }) => ear === undefined)
          ? ["whether guests here are there twice: that takes Linux 4.20"]
          : []),
      ];
    },
  };
}

/** Begins to listen at ports of bridges with a tunnel. Needs CAP_NET_RAW. */
export function lookOut(view: View, nsFd: number): Lookout {
  const far = new Map<string, { readonly stream: Stream; readonly seen: Seen }>();
  const ears = earsAt(view, nsFd);
  let listening = true;
  const streamsOf = ({ underlay: dev, vni, dstport }: Tunnel) =>
    [...far.values()].filter(
      ({ stream }) => stream.dev === dev?.name && stream.vni === vni && stream.dport === dstport,
    );
  const end = (): void => {
    listening = false;
    ears.close();
  };
  return {
    take(stream, frame) {
      if (!listening) return;
      const key = JSON.stringify(stream);
      const known = far.get(key) ?? { stream, seen: new Map() };
      if (far.size < ADDRESSES) far.set(key, known);
      note(known.seen, frame);
    },
    found: () => {
      end();
      const heard = ears.heard();
      const seenAt = (name: string): Seen => heard.get(name) ?? new Map();
      const clones = plain(view).flatMap(({ bridge, tunnels }) => {
        const names = guestPorts(view, bridge).map(({ name }) => name);
        const apart = tunnels.flatMap((tunnel) =>
          streamsOf(tunnel).flatMap(({ stream: { from }, seen }) =>
            names.flatMap((port) => clonesAt(seenAt(port), seen, { tunnel: tunnel.link.name, port, from })),
          ),
        );
        const pairs = names.flatMap((port, at) => names.slice(at + 1).map((from) => ({ port, from })));
        return [...apart, ...pairs.flatMap((pair) => clonesAt(seenAt(pair.port), seenAt(pair.from), pair))];
      });
      return { clones, unseen: ears.unseen() };
    },
    [Symbol.dispose]: end,
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
  const socket = openIn(nsFd, AF.packet, SOCK_DGRAM, networkOrder(ETH_P_ARP));
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
  // IPv6 looks for duplicates itself.
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
  const known = plain(view).map(({ bridge, tunnels }) => {
    const all = tunnels.flatMap(({ link }) => answered[link.name] ?? []);
    return { bridge, tunnels, targets: bridge.up ? targetsOn(view, bridge, all) : [] };
  });
  const asked = known.map(async ({ bridge, tunnels, targets }): Promise<Claimed[]> => {
    if (targets.length === 0) return [];
    const found = await claimants(nsFd, { index: bridge.index, mac: String(bridge.mac) }, targets, patience);
    const several = [...found].filter(([, macs]) => macs.size > 1);
    if (several.length === 0) return [];
    const entries = await fdb.list();
    const names = new Set(tunnels.map(({ link }) => link.name));
    const placed = (mac: string): Claimed["by"][number] => {
      const own = entries.filter((entry) => entry.mac === mac);
      const from = own.find(({ dev, dst }) => names.has(dev) && dst !== undefined)?.dst;
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
