/** The lab on paper: which nodes there are, and which addresses and routes they have. Pure. */
import { isIPv6 } from "node:net";
import { ip } from "../wire/address.ts";
import { Reader, Writer } from "../wire/buffer.ts";

/** A host, as its share of the document has it. */
export interface HostShare {
  readonly name: string;
  /** Name of the underlay device. */
  readonly underlay: string;
  /** Its address there, without prefix length. */
  readonly vtep: string;
  /** The bridge that guests are attached to; none where the document has none. */
  readonly bridge?: string;
  /** The VLAN of the bridge that guests are in; none where the bridge does not tell VLANs apart. */
  readonly vlan?: number;
  /** Addresses of the bridge, or of its link in that VLAN, with prefix length. */
  readonly bridgeAddresses: readonly string[];
  /** MTU for guests. */
  readonly guestMtu: number;
}

/** How many guests, and how large a cable. */
export interface TopologyOptions {
  /** Guests on each host that has a bridge. */
  readonly guestsPerHost: number;
  readonly guestMtu?: number;
}

/** A default route, or another one. */
export interface PlannedRoute {
  readonly dst: string;
  readonly via: string;
}

/** A host's end of the underlay. */
export interface PlannedHost {
  readonly name: string;
  readonly underlay: string;
  readonly address: string;
  readonly routes: readonly PlannedRoute[];
  /** Name of the cable's other end, at the switch. */
  readonly port: string;
}

/** A guest: a namespace with one veth into its host's bridge. */
export interface PlannedGuest {
  readonly name: string;
  readonly host: string;
  readonly bridge: string;
  readonly vlan?: number;
  readonly addresses: readonly string[];
  readonly routes: readonly PlannedRoute[];
  readonly mtu: number;
}

/** All of it. */
export interface Topology {
  readonly hosts: readonly PlannedHost[];
  readonly guests: readonly PlannedGuest[];
  /** Addresses of the router, on the switch. */
  readonly router: readonly string[];
  readonly internet: { readonly addresses: readonly string[]; readonly routes: readonly PlannedRoute[] };
  /** The router's addresses towards the internet. */
  readonly uplink: readonly string[];
}

/** A document cannot be brought up as a lab. */
export class LabError extends Error {
  override readonly name = "LabError";
  readonly code: string;

  constructor(message: string, code = "ERR_LAB") {
    super(message);
    this.code = code;
  }
}

/** Names of nodes that are there in every lab. */
export const SWITCH = "underlay";
/** What is behind the router. */
export const INTERNET = "internet";
/** Addresses of the server on the internet, which knows a way to the underlay and none to the guests' network. */
export const INTERNET_ADDRESSES = ["203.0.113.80/24", "2001:db8:ffff::80/64"] as const;
const UPLINK_ADDRESSES = ["203.0.113.1/24", "2001:db8:ffff::1/64"] as const;

interface Network {
  readonly bits: 32 | 128;
  readonly length: number;
  readonly base: bigint;
}

function toNumber(address: string): bigint {
  const out = new Writer();
  ip.write(out, address);
  return BigInt(`0x${Buffer.from(out.finish()).toString("hex")}`);
}

function toAddress(value: bigint, bits: 32 | 128): string {
  const bytes = Buffer.from(value.toString(16).padStart(bits / 4, "0"), "hex");
  return ip.read(new Reader(bytes), 0, bytes.length);
}

/** Splits `192.0.2.7/24`; without a length it is the one given. */
function splitAddress(text: string, length?: number): { readonly address: string; readonly network: Network } {
  const [address = "", given] = text.split("/");
  const bits = isIPv6(address) ? 128 : 32;
  const long = given === undefined ? (length ?? bits) : Number(given);
  const rest = BigInt(bits - long);
  return { address, network: { bits, length: long, base: (toNumber(address) >> rest) << rest } };
}

const textOf = ({ bits, length, base }: Network): string => `${toAddress(base, bits)}/${length}`;

/** The first free address from `from` on, counted inside the network. */
function freeAddress(network: Network, from: number, taken: ReadonlySet<string>): string {
  const room = 1n << BigInt(network.bits - network.length);
  for (let part = BigInt(from); part < room - 1n; part++) {
    const address = toAddress(network.base + part, network.bits);
    if (!taken.has(address)) return address;
  }
  throw new LabError(`there is no free address in ${textOf(network)}`);
}

/** The underlay's networks: a /24 or /64 around each address, with the router's address in it. */
function planUnderlay(shares: readonly HostShare[]): Map<string, { network: Network; router: string }> {
  const taken = new Set(shares.map((share) => share.vtep));
  const networks = new Map<string, { network: Network; router: string }>();
  for (const { vtep } of shares) {
    const { network } = splitAddress(vtep, isIPv6(vtep) ? 64 : 24);
    const key = textOf(network);
    if (!networks.has(key)) networks.set(key, { network, router: freeAddress(network, 1, taken) });
  }
  return networks;
}

const everywhere = (address: string): string => (isIPv6(address) ? "::/0" : "0.0.0.0/0");

/** The network a guest lives in, and its way out: its host's address on the bridge, or the first host's that has one. */
function guestNetworks(share: HostShare, shares: readonly HostShare[]): { network: Network; gateway: string }[] {
  const near = [share, ...shares].filter(({ bridge, vlan }) => bridge === share.bridge && vlan === share.vlan);
  const all = near.flatMap((one) => one.bridgeAddresses);
  const found = new Map<string, { network: Network; gateway: string }>();
  for (const text of all) {
    const { address, network } = splitAddress(text);
    if (!found.has(textOf(network))) found.set(textOf(network), { network, gateway: address });
  }
  return [...found.values()];
}

function planGuests(shares: readonly HostShare[], options: TopologyOptions): PlannedGuest[] {
  const taken = new Set(shares.flatMap((share) => share.bridgeAddresses.map((text) => splitAddress(text).address)));
  const guests: PlannedGuest[] = [];
  for (const share of shares)
    for (let count = 0; share.bridge !== undefined && count < options.guestsPerHost; count++) {
      const networks = guestNetworks(share, shares);
      const addresses = networks.map(({ network }) => {
        const address = freeAddress(network, 11, taken);
        taken.add(address);
        return `${address}/${network.length}`;
      });
      guests.push({
        name: `vm${guests.length + 1}`,
        host: share.name,
        bridge: share.bridge,
        ...(share.vlan !== undefined && { vlan: share.vlan }),
        addresses,
        routes: networks.map(({ gateway }) => ({ dst: everywhere(gateway), via: gateway })),
        mtu: options.guestMtu ?? share.guestMtu,
      });
    }
  return guests;
}

function checkNames(names: readonly string[]): void {
  const seen = new Set<string>([SWITCH, INTERNET]);
  for (const name of names) {
    if (seen.has(name)) throw new LabError(`a lab has a node called ${name} already; call this host otherwise`);
    seen.add(name);
  }
}

/** Works out the lab for these hosts. @throws {LabError} where the document has no room for one. */
export function planTopology(shares: readonly HostShare[], options: TopologyOptions): Topology {
  if (shares.length === 0) throw new LabError("this document has no hosts; a lab needs a document with `hosts`");
  const networks = planUnderlay(shares);
  const guests = planGuests(shares, options);
  checkNames([...guests.map((guest) => guest.name), ...shares.map((share) => share.name)]);
  const hosts = shares.map(({ name, underlay, vtep }, index): PlannedHost => {
    const length = isIPv6(vtep) ? 64 : 24;
    const router = networks.get(textOf(splitAddress(vtep, length).network))?.router ?? "";
    return {
      name,
      underlay,
      address: `${vtep}/${length}`,
      routes: [{ dst: everywhere(vtep), via: router }],
      port: `port${index + 1}`,
    };
  });
  const gateways = UPLINK_ADDRESSES.map((text) => splitAddress(text).address);
  const back = [...networks.values()].map(({ network }) => ({
    dst: textOf(network),
    via: gateways.find((gateway) => isIPv6(gateway) === (network.bits === 128)) ?? "",
  }));
  return {
    hosts,
    guests,
    router: [...networks.values()].map(({ network, router }) => `${router}/${network.length}`),
    internet: { addresses: INTERNET_ADDRESSES, routes: back },
    uplink: UPLINK_ADDRESSES,
  };
}
