/** Everything that the doctor reads of a host before it asks anybody. */
import { endianness } from "node:os";
import type { Address } from "../addresses/words.ts";
import { type Manager, managersOn } from "../drift/managers.ts";
import type { Host } from "../host.ts";
import type { Link } from "../links/index.ts";
import { MOST, partsOf, total } from "../mtu/encapsulation.ts";
import type { FdbEntry } from "../neighbors/entry.ts";
import type { Neighbor } from "../neighbors/words.ts";
import { ZERO_MAC } from "../neighbors/zero-mac.ts";
import { placeOf } from "../netns/netns.ts";
import type { ChainEntry, Family, ObservedTable } from "../nftables/index.ts";
import type { Route } from "../routes/words.ts";
import { ipv4, ipv6 } from "../wire/address.ts";
import { Reader } from "../wire/buffer.ts";
import { isMulticast } from "../wire/multicast.ts";
import { type Counters, contentOf, readCounters } from "./counters.ts";
import { type Lasting, lastingOf } from "./lasting.ts";

/** A VXLAN, and what it sends to. */
export interface Tunnel {
  readonly link: Link;
  readonly vni: number;
  readonly dstport: number;
  readonly local?: string;
  /** Far ends that frames for unknown addresses go to. */
  readonly remotes: readonly string[];
  /** Far ends that it learned of by their frames. */
  readonly learned: readonly string[];
  /** The multicast group, where it has one. */
  readonly group?: string | undefined;
  /** Where it gets its VNIs with each frame: what each of those that it floods for sends to. */
  readonly inner: readonly Pick<Tunnel, "vni" | "remotes" | "group">[];
  /** Where packets to the far ends leave: the device it names, or the one of the route. */
  readonly underlay?: Link;
  /** IP version of the outer packets. */
  readonly family: 4 | 6;
  /** Bytes around an inner IP packet. */
  readonly overhead: number;
}

/** A host as it is. */
export interface View {
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
  readonly fdb: readonly FdbEntry[];
  readonly neighbors: readonly Neighbor[];
  readonly tunnels: readonly Tunnel[];
  /** Values by key, of those in `sysctlsOf`; absent where this kernel or this user has none. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** All tables that rules can be read of; undefined where this user may not. */
  readonly tables: readonly ObservedTable[] | undefined;
  readonly chains: readonly ChainEntry[];
  /** The first answer of the routes for each far end; absent where there is none. */
  readonly ways: Readonly<Record<string, Route | undefined>>;
  readonly counters: Counters;
  readonly managers: readonly Manager[];
  /** Multicast groups that this host takes packets to, by device; empty where that cannot be read. */
  readonly joined: Readonly<Record<string, readonly string[]>>;
  /** What is written down for the next start; undefined where the host is not the machine itself, or root alone may know. */
  readonly lasting: Lasting | undefined;
  /** What could not be looked at, and why. */
  readonly unseen: readonly string[];
}

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** Far ends by VNI, of all-zero entries that are for one VNI. */
function innerOf(link: Link, fdb: readonly FdbEntry[]): Tunnel["inner"] {
  const found = new Map<number, string[]>();
  for (const { dev, mac, dst, srcVni } of fdb)
    if (dev === link.name && mac === ZERO_MAC && dst !== undefined && srcVni !== undefined)
      found.set(srcVni, [...(found.get(srcVni) ?? []), dst]);
  return [...found].map(([vni, all]) => {
    return { vni, remotes: all.filter((one) => !isMulticast(one)), group: all.find(isMulticast) };
  });
}

function tunnelOf(link: Link, fdb: readonly FdbEntry[], ways: View["ways"], links: readonly Link[]): Tunnel {
  const local = text(link["local"]);
  // Its `remote` is but the first of these entries, and counts for nothing once that is deleted.
  const entries = fdb.filter(({ dev, mac, dst }) => dev === link.name && mac === ZERO_MAC && dst !== undefined);
  const told = [...new Set(entries.map(({ dst }) => String(dst)))];
  const remotes = told.filter((one) => !isMulticast(one));
  const many = told.find(isMulticast);
  const learned = fdb.flatMap(({ dev, dst, state }) =>
    dev === link.name && dst !== undefined && state !== "permanent" && !remotes.includes(dst) ? [dst] : [],
  );
  const dev = text(link["dev"]) ?? ways[remotes[0] ?? ""]?.dev;
  const underlay = links.find(({ name }) => name === dev);
  const family = [local, ...told].some((one) => one?.includes(":")) ? 6 : 4;
  return {
    link,
    vni: Number(link["vni"] ?? 0),
    dstport: Number(link["dstport"] ?? 0),
    ...(local !== undefined && { local }),
    remotes,
    learned: [...new Set(learned)],
    inner: innerOf(link, fdb),
    ...(many !== undefined && { group: many }),
    ...(underlay !== undefined && { underlay }),
    family,
    overhead: total(partsOf("vxlan", family, MOST, false)),
  };
}

const BRIDGE_FILTER = ["iptables", "ip6tables", "arptables"].map((what) => `net.bridge.bridge-nf-call-${what}`);
function sysctlsOf(links: readonly Link[]): string[] {
  const names = ["all", "default", ...links.map(({ name }) => name.replaceAll(".", "/"))];
  return [
    "net.ipv4.ip_forward",
    "net.ipv6.conf.all.forwarding",
    ...BRIDGE_FILTER,
    ...names.flatMap((name) => [`net.ipv4.conf.${name}.rp_filter`, `net.ipv4.conf.${name}.forwarding`]),
  ];
}
async function readSysctls(host: Host, links: readonly Link[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const key of sysctlsOf(links))
    try {
      found[key] = await host.sysctls.get(key);
    } catch (error) {
      if (!["ENOENT", "EACCES", "EPERM"].includes(String((error as { code?: unknown }).code))) throw error;
    }
  return found;
}

const READABLE: readonly string[] = ["ip", "ip6", "inet", "bridge"] satisfies Family[];
type Filters = Pick<View, "tables" | "chains"> & { readonly why?: string };
async function readFilters({ nftables }: Host): Promise<Filters> {
  try {
    const chains = await nftables.chains();
    const all = (await nftables.list()).filter(({ family, dormant }) => READABLE.includes(family) && !dormant);
    const tables = await Promise.all(all.map(({ family, name }) => nftables.get(family as Family, name)));
    return { tables: tables.filter((table) => table !== undefined), chains };
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (code === "EPERM") return { tables: undefined, chains: [], why: "the packet filter: only root sees its rules" };
    if (code === "EOPNOTSUPP" || code === "EPROTONOSUPPORT" || code === "EINVAL") return { tables: [], chains: [] };
    throw error;
  }
}

/** iptables of old has tables of its own, which nf_tables does not show. */
async function oldIptables(host: Host): Promise<string[]> {
  const names = (await contentOf(placeOf(host.netns), "/proc/thread-self/net/ip_tables_names")).trim();
  return names === "" ? [] : [`rules of iptables-legacy (tables ${names.split("\n").join(", ")})`];
}

async function wayTo(host: Host, address: string): Promise<readonly [string, Route | undefined]> {
  try {
    return [address, await host.routes.get(address)];
  } catch (error) {
    if ((error as { name?: unknown }).name !== "NetlinkError") throw error;
    return [address, undefined];
  }
}

/** Groups that a namespace has joined, by device. Source: net/ipv4/igmp.c, net/ipv6/mcast.c. */
async function joinedGroups(nsFd: number): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  const add = (dev: string, group: string): void => {
    found[dev] = [...(found[dev] ?? []), group];
  };
  const [narrow, wide] = await Promise.all(
    ["igmp", "igmp6"].map((name) => contentOf(nsFd, `/proc/thread-self/net/${name}`)),
  );
  let dev = "";
  for (const line of (narrow ?? "").split("\n")) {
    dev = /^\d+\s+([^\s:]+)/.exec(line)?.[1] ?? dev;
    const group = /^\s+([0-9A-F]{8})\s/.exec(line)?.[1];
    // Printed as a number of the machine's byte order.
    const bytes = Buffer.from(group ?? "", "hex");
    if (group !== undefined) add(dev, ipv4.read(new Reader(endianness() === "LE" ? bytes.reverse() : bytes), 0, 4));
  }
  for (const [, on = "", group = ""] of (wide ?? "").matchAll(/^\d+\s+(\S+)\s+([0-9a-f]{32})\s/gm))
    add(on, ipv6.read(new Reader(Buffer.from(group, "hex")), 0, 16));
  return found;
}

/**
 * Reads a host, and its files below `root` where that is given. Takes no privileges; what it could not look at is named in
 * `unseen`.
 */
export async function look(host: Host, root?: string): Promise<View> {
  const [links, addresses, routes, fdb, neighbors] = await Promise.all([
    host.links.list(),
    host.addresses.list(),
    host.routes.list({ table: "all" }),
    host.fdb.list(),
    host.neighbors.list(),
  ]);
  const vxlans = links.filter(({ kind }) => kind === "vxlan");
  const far = vxlans.flatMap(({ name }) =>
    fdb.flatMap(({ dev, dst }) => (dev === name && dst !== undefined ? [dst] : [])),
  );
  const ways = Object.fromEntries(await Promise.all([...new Set(far)].map((one) => wayTo(host, one))));
  const { tables, chains, why } = await readFilters(host);
  return {
    ...{ links: [...links], addresses: [...addresses], routes: [...routes], fdb: [...fdb], neighbors: [...neighbors] },
    tunnels: vxlans.map((link) => tunnelOf(link, fdb, ways, links)),
    sysctls: await readSysctls(host, links),
    ...{ tables, chains, ways },
    counters: await readCounters(host),
    managers: managersOn(host),
    joined: await joinedGroups(placeOf(host.netns)),
    lasting: lastingOf(host, links, root),
    unseen: [...(why === undefined ? [] : [why]), ...(await oldIptables(host))],
  };
}

/** The ports of a bridge. */
export function portsOf({ links }: Pick<View, "links">, bridge: string): Link[] {
  return links.filter(({ master }) => master === bridge);
}

/** The bridge that a link belongs to. */
export function bridgeOf({ links }: Pick<View, "links">, link: Link): Link | undefined {
  return links.find(({ name, kind }) => name === link.master && kind === "bridge");
}

/** Addresses of a link that are not of the link alone, without their prefix lengths. */
export function addressesOf({ addresses }: Pick<View, "addresses">, link: string): string[] {
  return addresses
    .filter(({ dev, scope }) => dev === link && scope !== "link")
    .map(({ address }) => address.split("/")[0] ?? "");
}

/** A bridge that guests use as their gateway, and the way from there to the world. */
export interface Gateway {
  readonly bridge: string;
  /** The gateway's address with its prefix length. */
  readonly network: string;
  readonly address: string;
  /** The device of the default route, and the next router. */
  readonly out: string;
  readonly via?: string;
  readonly family: "ip" | "ip6";
}

/** Bridges of tunnels with an address of this host, where there is a default route by another device. */
export function gatewaysOf(view: Pick<View, "links" | "addresses" | "routes" | "tunnels">): Gateway[] {
  const bridges = new Set(view.tunnels.flatMap(({ link }) => bridgeOf(view, link)?.name ?? []));
  const networks = view.addresses.filter(({ dev, scope }) => bridges.has(dev) && scope !== "link");
  return networks.flatMap(({ address: network, dev: bridge }): Gateway[] => {
    const wide = network.includes(":");
    const world = view.routes.find(
      ({ dst, dev, table, family }) =>
        dst === "default" && table === "main" && dev !== undefined && (family === "inet6") === wide,
    );
    if (world?.dev === undefined || world.dev === bridge) return [];
    const address = network.split("/")[0] ?? "";
    const { dev: out, via } = world;
    return [{ ...{ bridge, network, address, out, family: wide ? "ip6" : "ip" }, ...(via !== undefined && { via }) }];
  });
}

/** Whether it gets its VNIs with each frame, from a VLAN of its bridge or a route: then it has none of its own. */
export const isExternal = ({ link }: Tunnel): boolean => link["external"] === true;

/** Whether a control plane such as EVPN fills its tables: entries by it, or a port that neither learns nor asks. */
export function isManaged({ fdb }: Pick<View, "fdb">, tunnel: Tunnel): boolean {
  const { link } = tunnel;
  const port = link.port as Readonly<Record<string, unknown>> | undefined;
  const quiet = link["learning"] === false && port?.["neighSuppress"] === true;
  return isExternal(tunnel) || quiet || fdb.some(({ dev, externLearn }) => dev === link.name && externLearn === true);
}

/**
 * Whether a program or a person writes down where each address is, as Flannel, Calico and Docker's swarm do: it learns
 * nothing, or answers in the place of others, and has entries that stay. Such a VXLAN needs nowhere to send broadcasts.
 */
export function isFilled({ fdb }: Pick<View, "fdb">, { link }: Tunnel): boolean {
  const fixed = fdb.some(
    ({ dev, mac, dst, state }) =>
      dev === link.name && dst !== undefined && mac !== ZERO_MAC && (state === "permanent" || state === "static"),
  );
  return fixed && (link["learning"] === false || link["proxy"] === true || link["l2miss"] === true);
}
