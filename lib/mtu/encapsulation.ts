/** What each encapsulation adds to a packet, part by part, and where the number is written. */

/** IP version of the outer header. */
export type Family = 4 | 6;

/** Some of the bytes around a packet. */
export interface Part {
  readonly what: string;
  readonly bytes: number;
  /** The RFC, the kernel's file, or the documentation that says so. */
  readonly source: string;
}

/** A way to carry packets in packets. */
export interface Encapsulation {
  /** Whether it carries whole Ethernet frames, so that tags and headers of the guests' frames travel inside. */
  readonly frames: boolean;
  /** IP versions that its outer header may have, the usual one first; one only where the name says it, or there is no such header. */
  readonly families: readonly Family[];
  /** What it adds. `below` is the MTU of what carries it: padding depends on it. */
  parts(family: Family, below: number): readonly Part[];
}

/** Bytes of the smallest MTU that IPv4 and the kernel's Ethernet devices know: RFC 791. */
export const LEAST = 68;
/** Bytes of the largest IP packet. */
export const MOST = 65_535;
/** A bridge lets frames through that are longer by a VLAN header than the port's MTU allows. */
export const VLAN_ALLOWANCE = 4;
/** What IPv6 needs; the kernel switches IPv6 off on a link with less: RFC 8200 section 5. */
export const LEAST_IPV6 = 1280;

const part = (what: string, bytes: number, source: string): Part => ({ what, bytes, source });
const ip = (family: Family): Part =>
  family === 4 ? part("outer IPv4", 20, "RFC 791") : part("outer IPv6", 40, "RFC 8200");
const UDP = part("UDP", 8, "RFC 768");
const ETHERNET = part("inner Ethernet", 14, "IEEE 802.3; the outer one is no part of an MTU");
const GRE = part("GRE", 4, "RFC 2784");
/** The kernel's IPv6 tunnels send this option unless told `encaplimit none`. */
const LIMIT = part("tunnel encapsulation limit", 8, "RFC 2473 section 5.1");

const BOTH: readonly Family[] = [4, 6];

function overUdp(header: Part, frames: boolean): Encapsulation {
  return { frames, families: BOTH, parts: (family) => [ip(family), UDP, header, ...(frames ? [ETHERNET] : [])] };
}

/** ESP with AES-GCM: what is encrypted ends on four bytes, so that some room may stay empty. */
function esp(outer: (family: Family) => readonly Part[], families = BOTH): Encapsulation {
  return {
    frames: false,
    families,
    parts: (family, below) => {
      const fixed = [
        ...outer(family),
        part("ESP", 8, "RFC 4303"),
        part("IV", 8, "RFC 4106"),
        part("ESP trailer", 2, "RFC 4303"),
        part("ICV", 16, "RFC 4106"),
      ];
      const room = below - total(fixed) + 2;
      const padding = room % 4;
      return padding === 0 ? fixed : [...fixed, part("padding", padding, "RFC 4303 section 2.4")];
    },
  };
}

/** What may stand between the underlay and the guests, by the kernel's name of the kind where it has one. */
export const ENCAPSULATIONS = {
  vxlan: overUdp(part("VXLAN", 8, "RFC 7348"), true),
  "vxlan-gpe": overUdp(part("VXLAN-GPE", 8, "draft-ietf-nvo3-vxlan-gpe"), false),
  geneve: overUdp(part("Geneve", 8, "RFC 8926; without options"), true),
  gre: { frames: false, families: [4], parts: () => [ip(4), GRE] },
  gretap: { frames: true, families: [4], parts: () => [ip(4), GRE, ETHERNET] },
  ip6gre: { frames: false, families: [6], parts: () => [ip(6), LIMIT, GRE] },
  ip6gretap: { frames: true, families: [6], parts: () => [ip(6), LIMIT, GRE, ETHERNET] },
  ipip: { frames: false, families: [4], parts: () => [ip(4)] },
  sit: { frames: false, families: [4], parts: () => [ip(4)] },
  ip6tnl: { frames: false, families: [6], parts: () => [ip(6), LIMIT] },
  wireguard: {
    frames: false,
    families: BOTH,
    parts: (family) => [
      ip(family),
      UDP,
      part("WireGuard", 32, "its protocol: 16 of header, 16 of authentication"),
      ...(family === 4 ? [part("kept free for IPv6", 20, "drivers/net/wireguard/device.c: 1500 − 80")] : []),
    ],
  },
  ipsec: esp((family) => [ip(family)]),
  "ipsec-nat": esp((family) => [ip(family), UDP]),
  "ipsec-transport": esp(() => [], [4]),
  pppoe: { frames: false, families: [4], parts: () => [part("PPPoE and PPP", 8, "RFC 2516 section 7")] },
  vlan: { frames: true, families: [4], parts: () => [part("VLAN tag", 4, "IEEE 802.1Q")] },
  macvlan: { frames: true, families: [4], parts: () => [] },
  macvtap: { frames: true, families: [4], parts: () => [] },
  ipvlan: { frames: true, families: [4], parts: () => [] },
} as const satisfies Readonly<Record<string, Encapsulation>>;

/** Name of an encapsulation. */
export type EncapsulationName = keyof typeof ENCAPSULATIONS;

/** Encapsulations that a device carries beside the payload, without loss of MTU, as long as no tunnel is around them. */
const BESIDE: readonly string[] = ["vlan"];

const ofFlannel = "flannel, pkg/backend";
const ofCilium = "cilium, pkg/mtu";
const ofCalico = "Calico, “Configure MTU”";
const vxlan: readonly Part[] = ENCAPSULATIONS.vxlan.parts(4, MOST);

/** A pod network inside the guests, and what it takes off the MTU of the guest. Nodes with IPv4 addresses. */
export const INSIDE = {
  "ovn-kubernetes": [
    ...ENCAPSULATIONS.geneve.parts(4, MOST),
    part("OVN's Geneve option", 8, "ovn-architecture(7)"),
    part("kept free", 42, "OpenShift: 100 less than the node's MTU"),
  ],
  "ovn-kubernetes-ipsec": [
    ...ENCAPSULATIONS.geneve.parts(4, MOST),
    part("OVN's Geneve option", 8, "ovn-architecture(7)"),
    part("kept free", 42, "OpenShift: 100 less than the node's MTU"),
    part("ESP", 46, "OpenShift: 46 more with IPsec"),
  ],
  calico: vxlan,
  "calico-ipip": ENCAPSULATIONS.ipip.parts(),
  "calico-wireguard": [ip(4), UDP, part("WireGuard", 32, ofCalico)],
  flannel: vxlan,
  "flannel-wireguard": [ip(4), UDP, part("WireGuard", 32, ofFlannel), part("kept free for IPv6", 20, ofFlannel)],
  cilium: vxlan,
  "cilium-wireguard": [...vxlan, part("WireGuard", 80, ofCilium)],
  geneve: ENCAPSULATIONS.geneve.parts(4, MOST),
  vxlan,
} as const satisfies Readonly<Record<string, readonly Part[]>>;

/** Name of a pod network. */
export type InsideName = keyof typeof INSIDE;

/** Whether there is a number for this encapsulation. */
export function isEncapsulation(name: string): name is EncapsulationName {
  return Object.hasOwn(ENCAPSULATIONS, name);
}

/** Whether there is a number for this pod network. */
export function isInside(name: string): name is InsideName {
  return Object.hasOwn(INSIDE, name);
}

/** Bytes of all parts. */
export function total(parts: readonly Part[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** What this encapsulation takes; a VLAN's tag costs nothing but inside of a tunnel. */
export function partsOf(name: EncapsulationName, family: Family, below: number, inTunnel: boolean): readonly Part[] {
  const { parts }: Encapsulation = ENCAPSULATIONS[name];
  return BESIDE.includes(name) && !inTunnel ? [] : parts(family, below);
}

/** Whether frames inside have their own headers counted: that of every tunnel of frames, not of a VLAN or macvlan. */
export function isTunnelOfFrames(name: string): boolean {
  if (!isEncapsulation(name) || !ENCAPSULATIONS[name].frames) return false;
  return total(partsOf(name, 4, MOST, false)) > 0;
}

/** `1500 − 50: outer IPv4 20 + UDP 8 + VXLAN 8 + inner Ethernet 14` */
export function sumOf(below: number, parts: readonly Part[]): string {
  return `${below} − ${total(parts)}: ${parts.map(({ what, bytes }) => `${what} ${bytes}`).join(" + ")}`;
}
