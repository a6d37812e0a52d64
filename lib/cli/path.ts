/** The way of a packet through a host's links, and where it does not fit. Knows nothing of drawing or of netlink. */
import { MOST, partsOf, total, VLAN_ALLOWANCE } from "../mtu/encapsulation.ts";

/** The VXLAN part of a link. */
export interface Tunnel {
  /** Absent in metadata mode. */
  readonly vni?: number;
  readonly dstport?: number;
  readonly local?: string;
  /** Where frames for unknown addresses go: far ends, or a multicast group. */
  readonly peers: readonly string[];
  readonly df?: string;
  /** Bytes around a frame; by default as for IPv4, or IPv6 where the addresses are. */
  readonly overhead?: number;
}

/** A link, as much of it as matters for the path. References are names; `#7` is a link that is not in this namespace. */
export interface PathLink {
  readonly name: string;
  readonly kind: string;
  readonly mtu: number;
  /** `up`, `down`, `no carrier`, or another word of the kernel. */
  readonly state: string;
  readonly addresses: readonly string[];
  /** The bridge, bond or VRF that it belongs to. */
  readonly master?: string;
  /** What it sends through: the underlay of a VXLAN, the device of a VLAN. */
  readonly dev?: string;
  /** Whether `dev` was found by asking for the route, as the link does not name one. */
  readonly routed?: boolean;
  readonly tunnel?: Tunnel;
}

/** Something that does not fit. */
export interface Finding {
  readonly link: string;
  /** `lost`: packets vanish. `note`: worth knowing. */
  readonly severity: "lost" | "note";
  /** Two or three words, for the margin. */
  readonly mark: string;
  readonly text: string;
}

/** Bytes that the tunnel of this link adds. */
export function overheadOf({ local, peers, overhead }: Tunnel): number {
  const wide = [local, ...peers].some((address) => address?.includes(":"));
  return overhead ?? total(partsOf("vxlan", wide ? 6 : 4, MOST, false));
}

function portFindings(port: PathLink, bridge: PathLink | undefined, tunnels: readonly PathLink[]): Finding[] {
  const smallest = tunnels.reduce((least, one) => (one.mtu < least.mtu ? one : least));
  if (port.mtu <= smallest.mtu) return [];
  const first = smallest.mtu + VLAN_ALLOWANCE + 1;
  const own = port === bridge;
  const who = own ? "packets that this host itself sends through it" : "packets";
  const sizes = first < port.mtu ? `${first} to ${port.mtu} bytes` : `more than ${first - 1} bytes`;
  const text =
    `MTU ${port.mtu} does not fit into ${smallest.name} (MTU ${smallest.mtu}): ${who} of ${sizes} are lost there, ` +
    `with no ICMP message and no counter; set the MTU ${own ? "" : "here and in the guest "}to ${smallest.mtu} or less`;
  return [{ link: port.name, severity: "lost", mark: `too large for ${smallest.name}`, text }];
}

function tunnelFindings(link: PathLink, tunnel: Tunnel, underlay: PathLink | undefined): Finding[] {
  if (underlay === undefined) return [];
  const outer = link.mtu + overheadOf(tunnel);
  if (outer <= underlay.mtu) return [];
  const sum = `${link.mtu} and ${overheadOf(tunnel)} around it are ${outer}, and ${underlay.name} takes ${underlay.mtu}`;
  const cut = tunnel.df === undefined || tunnel.df === "unset";
  const text = cut
    ? `${sum}: larger packets leave in fragments, which costs speed and fails where fragments are filtered`
    : `${sum}: larger packets are not sent, as the outer packet must not be fragmented (df ${tunnel.df})`;
  const mark = cut ? `fragments on ${underlay.name}` : `too large for ${underlay.name}`;
  return [{ link: link.name, severity: cut ? "note" : "lost", mark, text }];
}

function stateFindings(link: PathLink): Finding[] {
  if (link.state === "up" || (link.master === undefined && link.tunnel === undefined)) return [];
  const text = `${link.state === "no carrier" ? "has" : "is"} ${link.state}: nothing passes`;
  return [{ link: link.name, severity: "lost", mark: link.state, text }];
}

/** What does not fit on the way from a bridge's ports through its VXLAN to the underlay. */
export function findFaults(links: readonly PathLink[]): Finding[] {
  const byName = new Map(links.map((link) => [link.name, link]));
  return links.flatMap((link) => {
    const bridge = link.kind === "bridge" ? link : byName.get(link.master ?? "");
    const tunnels = bridge === undefined ? [] : links.filter((one) => one.master === bridge.name && one.tunnel);
    return [
      ...stateFindings(link),
      ...(link.tunnel === undefined ? [] : tunnelFindings(link, link.tunnel, byName.get(link.dev ?? ""))),
      ...(tunnels.length === 0 || link.tunnel ? [] : portFindings(link, bridge, tunnels)),
    ];
  });
}
