/** Devices of WireGuard in people's words, and both directions between them and the wire. */
import { isIPv4, isIPv6 } from "node:net";
import { boolean, check, InputError, integer, list, network, type Shape } from "../shape/shape.ts";
import type { In, Out } from "../wire/index.ts";
import { key, keyOrNone, NO_KEY } from "./keys.ts";
import { AF_INET, AF_INET6, type wgAllowedIp, type wgDevice, type wgPeer } from "./schema.ts";

type DeviceIn = In<typeof wgDevice>;
type DeviceOut = Out<typeof wgDevice>;
type PeerIn = In<typeof wgPeer>;
type PeerOut = Out<typeof wgPeer>;
type AllowedIpIn = In<typeof wgAllowedIp>;
type AllowedIpOut = Out<typeof wgAllowedIp>;

/** Changes to a peer. What is absent stays; a peer that is not there is made. */
export interface WireguardPeerConfig {
  /** Base64; it tells one peer from another. */
  readonly publicKey: string;
  /** Takes the peer away; nothing else may be said of it then. One that is not there is no mistake. */
  readonly remove?: boolean | undefined;
  /** Changes the peer only if it is there. One that is not there is no mistake. */
  readonly updateOnly?: boolean | undefined;
  /** A further key, shared by both sides, in base64; null takes it away. */
  readonly presharedKey?: string | null | undefined;
  /**
   * Address and UDP port of the far end: `192.0.2.1:51820`, `[2001:db8::1]:51820`, and with the link that a link-local
   * address belongs to, by name or index, `[fe80::1%eth0]:51820`. Names are not resolved. It follows a far end that moves.
   */
  readonly endpoint?: string | undefined;
  /** Seconds after which a packet is sent though there is nothing to say, 1 to 65535; 0, the default, for never. */
  readonly persistentKeepalive?: number | undefined;
  /**
   * Networks whose packets go to, and may come from, this peer; an address alone means all its bits. They are added to
   * those that it has. A network belongs to one peer: another one that has it loses it.
   */
  readonly allowedIps?: readonly string[] | undefined;
  /** Whether `allowedIps` are all that it is to have; without any it then has none. Default false. */
  readonly replaceAllowedIps?: boolean | undefined;
}

/** Changes to a device. What is absent stays. */
export interface WireguardConfig {
  /** Base64; null takes it away. A peer that has the public key of the device itself is dropped by the kernel. */
  readonly privateKey?: string | null | undefined;
  /** UDP port; 0 lets the kernel choose when the link is switched on. */
  readonly listenPort?: number | undefined;
  /** Mark of outgoing packets, for rules and filters; 0 for none. */
  readonly fwmark?: number | undefined;
  /** Whether `peers` are all that there are to be. Default false. */
  readonly replacePeers?: boolean | undefined;
  readonly peers?: readonly WireguardPeerConfig[] | undefined;
}

/** A peer as the kernel tells it. */
export interface WireguardPeer {
  readonly publicKey: string;
  /** Absent where there is none. */
  readonly presharedKey?: string;
  /** Where it was last heard of, or is expected; absent where nothing is known. */
  readonly endpoint?: string;
  /** Seconds; 0 for never. */
  readonly persistentKeepalive: number;
  /** Absent where there was none. */
  readonly latestHandshake?: Date;
  readonly rxBytes: bigint;
  readonly txBytes: bigint;
  /** With their lengths: `192.0.2.1/32`. */
  readonly allowedIps: readonly string[];
  /** Version of WireGuard's protocol: 1. */
  readonly protocolVersion: number;
}

/** A device as the kernel tells it. When it is logged its keys are hidden, but for public ones. */
export interface WireguardDevice {
  readonly name: string;
  readonly index: number;
  /** Absent where there is none. */
  readonly privateKey?: string;
  readonly publicKey?: string;
  /** 0 where none was chosen yet. */
  readonly listenPort: number;
  /** 0 for none. */
  readonly fwmark: number;
  readonly peers: readonly WireguardPeer[];
}

/* ---- endpoints ---- */

interface Endpoint {
  readonly address: string;
  readonly port: number;
  /** Name or index of a link. */
  readonly scope: string | undefined;
}
const port = integer(1, 0xffff);
export function parseEndpoint(text: string): Endpoint | undefined {
  const parts = /^(?:\[([^\]%]+)(?:%([^\]\s/]{1,15}))?\]|([^[\]:]+)):(\d{1,5})$/.exec(text);
  if (parts === null) return undefined;
  const [, six, scope, four, number] = parts;
  if (!port.accepts(Number(number)) || !(six === undefined ? isIPv4(four ?? "") : isIPv6(six))) return undefined;
  return { address: six ?? four ?? "", port: Number(number), scope };
}
const endpoint: Shape<string> = {
  expected: "an address with a port such as 192.0.2.1:51820 or [2001:db8::1]:51820",
  json: { type: "string" },
  accepts: (value): value is string => typeof value === "string" && parseEndpoint(value) !== undefined,
};
function endpointToWire(text: string, indexOf: (name: string) => number): PeerIn["endpoint"] {
  const { address, port, scope } = parseEndpoint(text) as Endpoint;
  if (!address.includes(":")) return { family: AF_INET, port, address };
  const link = scope === undefined ? 0 : /^\d+$/.test(scope) ? Number(scope) : indexOf(scope);
  return { family: AF_INET6, port, address, scope: link };
}
function endpointFromWire(told: NonNullable<PeerOut["endpoint"]>, nameOf: (index: number) => string): string {
  if (!("scope" in told)) return `${told.address}:${told.port}`;
  return `[${told.address}${told.scope === 0 ? "" : `%${nameOf(told.scope)}`}]:${told.port}`;
}

/* ---- networks ---- */

const allowedIp: Shape<string> = {
  ...network,
  expected: "a network such as 192.0.2.0/24, or an address",
  accepts: (value): value is string => value !== "default" && network.accepts(value),
};
function allowedIpToWire(text: string): AllowedIpIn {
  const [ipaddr = "", length] = text.split("/");
  const [family, bits] = ipaddr.includes(":") ? [AF_INET6, 128] : [AF_INET, 32];
  return { family, ipaddr, cidrMask: length === undefined ? bits : Number(length) };
}
const allowedIpFromWire = ({ ipaddr = "", cidrMask = 0 }: AllowedIpOut): string => `${ipaddr}/${cidrMask}`;

/* ---- input ---- */

/** Objects that hold keys: none of them is shown. */
const objects: Shape<readonly object[]> = {
  expected: "a list of peers such as [{ publicKey, endpoint, allowedIps }]",
  json: { type: "array", items: { type: "object" } },
  secret: true,
  accepts: (value): value is readonly object[] =>
    Array.isArray(value) && value.every((one) => typeof one === "object" && one !== null && !Array.isArray(one)),
};
export const deviceShapes = {
  privateKey: keyOrNone,
  listenPort: integer(0, 0xffff),
  fwmark: integer(0, 0xffff_ffff),
  replacePeers: boolean,
  peers: objects,
};
export const peerShapes = {
  publicKey: key,
  remove: boolean,
  updateOnly: boolean,
  presharedKey: keyOrNone,
  endpoint,
  persistentKeepalive: integer(0, 0xffff, "seconds"),
  allowedIps: list(allowedIp),
  replaceAllowedIps: boolean,
};

/** @throws {InputError} whose path begins with the name of the device, and which shows no key. */
export function checkConfig(name: string, config: WireguardConfig): void {
  check([name], deviceShapes, config);
  for (const [i, peer] of (config.peers ?? []).entries()) {
    const path = [name, "peers", String(i)];
    check(path, peerShapes, peer);
    if (peer.publicKey === undefined) throw new InputError([...path, "publicKey"], "missing");
    const { publicKey: _, remove, ...rest } = peer;
    const other = Object.entries(rest).find(([, value]) => value !== undefined)?.[0];
    if (remove === true && other !== undefined) throw new InputError([...path, other], "does not go with remove: true");
  }
}

/** Names of links in endpoints. */
export function scopesOf({ peers = [] }: WireguardConfig): (string | undefined)[] {
  const scopes = peers.map(({ endpoint }) => (endpoint === undefined ? undefined : parseEndpoint(endpoint)?.scope));
  return scopes.filter((scope) => scope !== undefined && !/^\d+$/.test(scope));
}

/* ---- both directions ---- */

function peerToWire(peer: WireguardPeerConfig, indexOf: (name: string) => number): PeerIn {
  const { publicKey, presharedKey, persistentKeepalive, allowedIps, remove, replaceAllowedIps, updateOnly } = peer;
  const flags = {
    removeMe: remove === true,
    replaceAllowedips: replaceAllowedIps === true,
    updateOnly: updateOnly === true,
  };
  return {
    publicKey,
    presharedKey: presharedKey === null ? NO_KEY : presharedKey,
    flags: Object.values(flags).includes(true) ? flags : undefined,
    endpoint: peer.endpoint === undefined ? undefined : endpointToWire(peer.endpoint, indexOf),
    persistentKeepaliveInterval: persistentKeepalive,
    allowedips: allowedIps && { ip: allowedIps.map(allowedIpToWire) },
  };
}

/** Bytes of one request: an attribute has at most 64 KiB, and the peers are in one. */
const ROOM = 32 * 1024;
/** A peer without networks, and a network, have at most so many bytes. */
const PEER_BYTES = 160;
const NETWORK_BYTES = 48;

/** The peers of each request. A peer whose networks do not fit goes on in the next one, if it is still there. */
function inParts(peers: readonly PeerIn[]): PeerIn[][] {
  const parts: PeerIn[][] = [];
  let room = 0;
  for (const peer of peers) {
    let part = peer;
    let rest = peer.allowedips?.ip ?? [];
    do {
      if (room < PEER_BYTES + NETWORK_BYTES) {
        parts.push([]);
        room = ROOM;
      }
      const fitting = rest.slice(0, Math.floor((room - PEER_BYTES) / NETWORK_BYTES));
      parts.at(-1)?.push(fitting.length === 0 ? part : { ...part, allowedips: { ip: fitting } });
      room -= PEER_BYTES + fitting.length * NETWORK_BYTES;
      rest = rest.slice(fitting.length);
      part = { publicKey: peer.publicKey, flags: { updateOnly: true } };
    } while (rest.length > 0);
  }
  return parts;
}

/** The requests for a checked config, to be made one after the other. */
export function configToWire(name: string, config: WireguardConfig, indexOf: (name: string) => number): DeviceIn[] {
  const { privateKey, listenPort, fwmark, replacePeers, peers = [] } = config;
  const [first, ...more] = inParts(peers.map((peer) => peerToWire(peer, indexOf)));
  const head: DeviceIn = {
    ifname: name,
    privateKey: privateKey === null ? NO_KEY : privateKey,
    listenPort,
    fwmark,
    flags: replacePeers === true ? { replacePeers } : undefined,
    peers: first && { peer: first },
  };
  return [head, ...more.map((peer): DeviceIn => ({ ifname: name, peers: { peer } }))];
}

/** Put together: a peer whose networks did not fit into one message goes on in the next one under the same key. */
function merged(messages: readonly DeviceOut[]): PeerOut[] {
  const peers: PeerOut[] = [];
  for (const { peers: part } of messages)
    for (const peer of part?.peer ?? []) {
      const last = peers.at(-1);
      if (last === undefined || last.publicKey !== peer.publicKey) peers.push(peer);
      else
        peers[peers.length - 1] = {
          ...last,
          allowedips: { ip: [...(last.allowedips?.ip ?? []), ...(peer.allowedips?.ip ?? [])] },
        };
    }
  return peers;
}

/** Indexes of links in endpoints. */
export function scopesTold(messages: readonly DeviceOut[]): boolean {
  return messages.some(({ peers }) =>
    peers?.peer?.some(({ endpoint }) => endpoint !== undefined && "scope" in endpoint && endpoint.scope !== 0),
  );
}

const given = (told: string | undefined): told is string => told !== undefined && told !== NO_KEY;

const INSPECT = Symbol.for("nodejs.util.inspect.custom");
/** An object whose keys are hidden when it is logged, as `wg show` does it; to everybody else it is as it was. */
function discreet<T extends object>(value: T, ...hidden: readonly (keyof T)[]): T {
  const kept = hidden.filter((one) => value[one] !== undefined);
  const shown = { ...value, ...Object.fromEntries(kept.map((one) => [one, "(hidden)"])) };
  return Object.defineProperty(value, INSPECT, { value: () => shown });
}

function peerFromWire(peer: PeerOut, nameOf: (index: number) => string): WireguardPeer {
  const { sec = 0n, nsec = 0n } = peer.lastHandshakeTime ?? {};
  const known: WireguardPeer = {
    publicKey: peer.publicKey ?? "",
    ...(given(peer.presharedKey) && { presharedKey: peer.presharedKey }),
    ...(peer.endpoint !== undefined && { endpoint: endpointFromWire(peer.endpoint, nameOf) }),
    persistentKeepalive: peer.persistentKeepaliveInterval ?? 0,
    ...(sec !== 0n && { latestHandshake: new Date(Number(sec * 1000n + nsec / 1_000_000n)) }),
    rxBytes: peer.rxBytes ?? 0n,
    txBytes: peer.txBytes ?? 0n,
    allowedIps: (peer.allowedips?.ip ?? []).map(allowedIpFromWire),
    protocolVersion: peer.protocolVersion ?? 0,
  };
  return discreet(known, "presharedKey");
}

/** The messages of a dump as one device. */
export function deviceFromWire(messages: readonly DeviceOut[], nameOf: (index: number) => string): WireguardDevice {
  const [first = {} as DeviceOut] = messages;
  const device: WireguardDevice = {
    name: first.ifname ?? "",
    index: first.ifindex ?? 0,
    ...(given(first.privateKey) && { privateKey: first.privateKey }),
    ...(given(first.publicKey) && { publicKey: first.publicKey }),
    listenPort: first.listenPort ?? 0,
    fwmark: first.fwmark ?? 0,
    peers: merged(messages).map((peer) => peerFromWire(peer, nameOf)),
  };
  return discreet(device, "privateKey");
}
