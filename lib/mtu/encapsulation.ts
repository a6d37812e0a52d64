/** What each encapsulation adds to a packet, part by part, and where the number is written. */

/** IP version of the outer header. */
export type Family = 4 | 6;

/** Some of the bytes around a packet. */
export interface Part {
  readonly what: string;
  readonly bytes: number;
  /** The RFC, the kernel's file, or the documentation that says so. */
  readonly source: string;
  /** Whether it is only kept free, so that a link which does without carries as much more. */
  readonly spare?: true;
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
      ...(family === 4
        ? [{ ...part("kept free for IPv6", 20, "drivers/net/wireguard/device.c: 1500 − 80"), spare: true as const }]
        : []),
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
const OPTION = part("OVN's Geneve option", 8, "ovn-architecture(7)");
/** What OpenShift takes off the node's MTU, whatever the version of IP. */
const OVN_KUBERNETES = 100;

const vxlan = (family: Family): readonly Part[] => ENCAPSULATIONS.vxlan.parts(family, MOST);
const geneve = (family: Family): readonly Part[] => ENCAPSULATIONS.geneve.parts(family, MOST);

function ovn(family: Family): readonly Part[] {
  const wire = [...geneve(family), OPTION];
  return [...wire, part("kept free", OVN_KUBERNETES - total(wire), "OpenShift: 100 less than the node's MTU")];
}

/** WireGuard as projects reckon with it. */
const wireguard = (family: Family, source: string): readonly Part[] => [ip(family), UDP, part("WireGuard", 32, source)];

/** A pod network inside the guests. */
interface Inside {
  /** IP versions that the nodes may have, the usual one first. */
  readonly families: readonly Family[];
  /** What it takes off the MTU of the guest. */
  parts(family: Family): readonly Part[];
}

/** Pod networks inside the guests. */
export const INSIDE = {
  "ovn-kubernetes": { families: BOTH, parts: ovn },
  "ovn-kubernetes-ipsec": {
    families: BOTH,
    parts: (family) => [...ovn(family), part("ESP", 46, "OpenShift: 46 more with IPsec")],
  },
  calico: { families: BOTH, parts: vxlan },
  "calico-ipip": { families: [4], parts: () => ENCAPSULATIONS.ipip.parts() },
  "calico-wireguard": { families: BOTH, parts: (family) => wireguard(family, ofCalico) },
  flannel: { families: BOTH, parts: vxlan },
  "flannel-wireguard": {
    families: BOTH,
    parts: (family) => [
      ...wireguard(family, ofFlannel),
      ...(family === 4 ? [part("kept free for IPv6", 20, ofFlannel)] : []),
    ],
  },
  cilium: { families: BOTH, parts: vxlan },
  "cilium-wireguard": { families: BOTH, parts: (family) => [...vxlan(family), part("WireGuard", 80, ofCilium)] },
  geneve: { families: BOTH, parts: geneve },
  vxlan: { families: BOTH, parts: vxlan },
} as const satisfies Readonly<Record<string, Inside>>;

/** Name of a pod network. */
export type InsideName = keyof typeof INSIDE;

/** Whether there is a number for this encapsulation. */
export function isEncapsulation(name: string): name is EncapsulationName {
  return Object.hasOwn(ENCAPSULATIONS, name);
}

/** A name with 6 behind it where IP version 6 is meant, which is one of those that it may be; undefined for any other word. */
function parseWord<Name extends string>(
  word: string,
  known: Readonly<Record<Name, { readonly families: readonly Family[] }>>,
): { readonly name: Name; readonly family: Family } | undefined {
  const isKnown = (name: string): name is Name => Object.hasOwn(known, name);
  const wide = !isKnown(word) && word.endsWith("6");
  const name = wide ? word.slice(0, -1) : word;
  if (!isKnown(name)) return undefined;
  const { families } = known[name];
  const family = wide ? families.find((one) => one === 6 && families.length > 1) : families[0];
  return family === undefined ? undefined : { name, family };
}

/** An encapsulation by its word, with 6 behind it where its outer header is IPv6; undefined where there is none. */
export function parseEncapsulation(word: string): ReturnType<typeof parseWord<EncapsulationName>> {
  return parseWord<EncapsulationName>(word, ENCAPSULATIONS);
}

/** What a pod network takes, by its name, with 6 behind it where nodes have IPv6 addresses; undefined where nobody knows. */
export function insideParts(word: string): readonly Part[] | undefined {
  const found = parseWord<InsideName>(word, INSIDE);
  if (found === undefined) return undefined;
  const { parts }: Inside = INSIDE[found.name];
  return parts(found.family);
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
