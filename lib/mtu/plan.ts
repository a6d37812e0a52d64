/** The MTU of every hop from the underlay to the pods inside of the guests, each with its sum. Pure arithmetic. */
import {
  type EncapsulationName,
  type Family,
  INSIDE,
  insideParts,
  isEncapsulation,
  isTunnelOfFrames,
  LEAST,
  LEAST_IPV6,
  type Part,
  parseEncapsulation,
  partsOf,
  sumOf,
  total,
} from "./encapsulation.ts";

/** A link, as much of it as its MTU depends on. */
export interface MtuLink {
  readonly name: string;
  /** The kernel's word; anything else is a device that carries what its MTU says. */
  readonly kind: string;
  /** What it has or is to have. */
  readonly mtu: number;
  /** Where `mtu` comes from. */
  readonly why?: string;
  /** What it sends through. */
  readonly dev?: string;
  /** Whether `dev` was found by its route: then the kernel does not know it when the link is made. */
  readonly routed?: boolean;
  /** The bridge that it is a port of. */
  readonly master?: string;
  /** IP version of the outer header; 4 where it is absent. */
  readonly family?: Family;
}

/** One line of the plan. */
export interface Hop {
  readonly name: string;
  readonly kind: string;
  /** Bytes of the largest IP packet. */
  readonly mtu: number;
  /** How it comes about. */
  readonly why: string;
  /** What it takes off the hop before; absent where nothing is added. */
  readonly parts?: readonly Part[];
}

/** Something to know of a hop. */
export interface Remark {
  readonly name: string;
  /** `wrong`: packets are lost or cut. `kernel`: what the kernel will not do. `note`: worth knowing. */
  readonly level: "wrong" | "kernel" | "note";
  readonly text: string;
}

/** The way from an underlay to the guests of one bridge, and into them. */
export interface MtuPath {
  /** From the underlay inwards. */
  readonly hops: readonly Hop[];
  /** What the guests have to be told. */
  readonly guest: Hop & { readonly on?: string };
  /** Pod networks inside of the guests; each is an alternative to the others. */
  readonly inside: readonly Hop[];
  readonly remarks: readonly Remark[];
}

/** What is known of the guests. */
export interface Guests {
  /** Names of their pod networks; the usual ones where none is named. */
  readonly inside?: readonly string[];
  /** What the document gives them, if it is not left to be found. */
  readonly mtu?: number;
}

/** Pod networks that are shown where none is named. */
const USUAL = ["ovn-kubernetes", "calico", "flannel", "cilium"] as const;

/** A plan that cannot be. Its message is one line. */
export class MtuError extends Error {
  override readonly name = "MtuError";
  readonly code = "ERR_MTU";
}

/** A word of `--through`: an encapsulation, with 6 behind it where its outer header is IPv6. */
export interface Through {
  readonly kind: EncapsulationName;
  readonly family: Family;
}

/** Reads a word of `--through`; undefined where there is no such encapsulation. */
export function parseThrough(word: string): Through | undefined {
  const found = parseEncapsulation(word);
  return found === undefined ? undefined : { kind: found.name, family: found.family };
}

/** Links for a path that is only thought of: an underlay, and what goes through it, from outside to inside. */
export function imagined(underlay: number, through: readonly Through[]): MtuLink[] {
  const links: MtuLink[] = [{ name: "underlay", kind: "device", mtu: underlay, why: "given" }];
  let inTunnel = false;
  for (const { kind, family } of through) {
    const below = links.at(-1) as MtuLink;
    const again = links.filter((link) => link.kind === kind).length;
    const mtu = below.mtu - total(partsOf(kind, family, below.mtu, inTunnel));
    links.push({ name: again === 0 ? kind : `${kind}-${again + 1}`, kind, mtu, dev: below.name, family });
    inTunnel ||= isTunnelOfFrames(kind);
  }
  return links;
}

/** The link and what is below it, from the underlay upwards. */
function chainOf(top: MtuLink, byName: ReadonlyMap<string, MtuLink>): MtuLink[] {
  const chain = [top];
  for (let dev = byName.get(top.dev ?? ""); dev !== undefined && !chain.includes(dev); dev = byName.get(dev.dev ?? ""))
    chain.unshift(dev);
  return chain;
}

interface Climb {
  readonly hops: Hop[];
  readonly remarks: Remark[];
  /** What really gets through so far. */
  fits: number;
}

function lost(link: MtuLink, below: MtuLink, fits: number): string {
  const outer = link.mtu + (below.mtu - fits);
  return `MTU ${link.mtu} makes packets of ${outer} bytes outside, and ${below.name} takes ${below.mtu}: what is larger than ${fits} leaves in fragments, or is lost where it must not be cut`;
}

function ofKernel(link: MtuLink, below: MtuLink | undefined, fits: number): string | undefined {
  if (link.kind === "wireguard")
    return "the kernel gives it 1420 whatever is below, takes any value, and does not follow";
  if (below === undefined) return undefined;
  switch (link.kind) {
    case "vxlan":
      return link.routed === true
        ? `it names no device: the kernel leaves it at 1500 and takes any value; what is too large is answered with ICMP`
        : `more than ${fits} is refused, as it names ${below.name}; and when ${below.name}'s MTU changes later, it does not follow`;
    case "vlan":
    case "macvlan":
    case "ipvlan":
      return `more than ${below.mtu} is refused, the MTU of ${below.name}`;
    case "geneve":
      return `the kernel takes any value, and does not follow when ${below.name}'s MTU changes later`;
    case "ipsec":
      return "the kernel leaves it at 1500; what ESP leaves no room for is answered with ICMP, or cut";
    default:
      return undefined;
  }
}

/** What is reckoned with and not known: of IPsec nobody asks the kernel for more than the link. */
function guessOf({ kind }: MtuLink, below: MtuLink | undefined): string | undefined {
  if (kind !== "ipsec") return undefined;
  return below === undefined
    ? "it names no device, so nothing is taken off for ESP; --underlay BYTES --through ipsec,vxlan reckons with it"
    : "reckoned as an ESP tunnel with AES-GCM over IPv4: states and policies, which may say otherwise, are not looked at";
}

/** What a link takes off what carries it; what it only keeps free does not count where it does without. */
function takenBy(link: MtuLink, below: MtuLink, inTunnel: boolean): readonly Part[] {
  const { kind, family = 4, mtu } = link;
  const all = isEncapsulation(kind) ? partsOf(kind, family, below.mtu, inTunnel) : [];
  return mtu > below.mtu - total(all) ? all.filter(({ spare }) => spare !== true) : all;
}

function climb(way: Climb, link: MtuLink, below: MtuLink | undefined, inTunnel: boolean): void {
  const { name, kind, mtu } = link;
  const known = below !== undefined && isEncapsulation(kind);
  const parts = known ? takenBy(link, below, inTunnel) : [];
  const fits = known ? below.mtu - total(parts) : mtu;
  const text = ofKernel(link, below, fits);
  if (text !== undefined) way.remarks.push({ name, level: "kernel", text });
  const guess = guessOf(link, below);
  if (guess !== undefined) way.remarks.push({ name, level: "note", text: guess });
  way.fits = Math.min(way.fits - total(parts), mtu);
  if (!known) return void way.hops.push({ name, kind, mtu, why: link.why ?? "it has it" });
  const sum = parts.length === 0 ? `that of ${below.name}` : sumOf(below.mtu, parts);
  const why = mtu === fits ? sum : `${link.why ?? "it has it"}; it would be ${fits} = ${sum}`;
  way.hops.push({ name, kind, mtu, why, ...(parts.length === 0 ? {} : { parts }) });
  if (mtu > fits)
    way.remarks.push({
      name,
      level: link.routed === true || guess !== undefined ? "note" : "wrong",
      text: lost(link, below, fits),
    });
}

function bridgeHop(way: Climb, bridge: MtuLink, top: MtuLink, links: readonly MtuLink[]): void {
  const { name, kind, mtu } = bridge;
  const why = mtu === top.mtu ? `the smallest of its ports: ${top.name}` : (bridge.why ?? "it has it");
  way.hops.push({ name, kind, mtu, why });
  const text =
    "it follows the smallest of its ports until somebody changes its MTU; for what it only passes on, the MTU of the " +
    "port counts and not its own, and it tells the guests nothing";
  way.remarks.push({ name, level: "kernel", text });
  const large = links.filter((port) => port.master === name && port !== top && port.mtu > top.mtu);
  if (mtu > top.mtu) large.push(bridge);
  for (const port of large)
    way.remarks.push({
      name: port.name,
      level: "wrong",
      text: `MTU ${port.mtu} lets packets in that do not get through ${top.name}, which takes ${top.mtu}: they vanish without a word`,
    });
  way.fits = Math.min(way.fits, mtu);
}

function insideHops(guest: number, names: readonly string[], remarks: Remark[]): Hop[] {
  return names.flatMap((name): Hop[] => {
    const parts = insideParts(name);
    if (parts === undefined) {
      const known = Object.keys(INSIDE).join(", ");
      remarks.push({ name, level: "note", text: `takes its own headers off ${guest}; known are ${known}` });
      return [];
    }
    const mtu = guest - total(parts);
    if (mtu < LEAST) throw new MtuError(`${name}: nothing is left of the guest's ${guest} bytes`);
    return [{ name, kind: "inside the guest", mtu, why: sumOf(guest, parts), parts }];
  });
}

function guestHop(way: Climb, on: string | undefined, wanted: number | undefined): MtuPath["guest"] {
  const last = way.hops.at(-1);
  const fits = way.fits;
  if (fits < LEAST) throw new MtuError(`${last?.name ?? "path"}: nothing is left for packets: ${last?.why ?? fits}`);
  const where = on === undefined ? {} : { on };
  if (wanted !== undefined && wanted > fits)
    way.remarks.push({
      name: "guest",
      level: "wrong",
      text: `the document gives it ${wanted}, and ${fits} get through`,
    });
  way.remarks.push({
    name: "guest",
    level: "kernel",
    text: `a tap takes frames of any size from its guest, so no value on the host makes the guest send less: tell the guest ${wanted ?? fits}`,
  });
  if (fits < LEAST_IPV6)
    way.remarks.push({ name: "guest", level: "note", text: `below ${LEAST_IPV6} there is no IPv6 (RFC 8200)` });
  const why = wanted === undefined ? `what fits through ${last?.name ?? "it"}` : "the document says so";
  return { name: "guest", kind: on === undefined ? "guest" : `guest on ${on}`, mtu: wanted ?? fits, why, ...where };
}

/**
 * The path whose innermost link is `top`: through what is below it, its bridge, and the guests.
 *
 * @throws {MtuError} where nothing is left for packets.
 */
export function pathOf(top: MtuLink, links: readonly MtuLink[], guests: Guests = {}): MtuPath {
  const byName = new Map(links.map((link) => [link.name, link]));
  const way: Climb = { hops: [], remarks: [], fits: Number.POSITIVE_INFINITY };
  let inTunnel = false;
  let below: MtuLink | undefined;
  for (const link of chainOf(top, byName)) {
    climb(way, link, below, inTunnel);
    inTunnel ||= isTunnelOfFrames(link.kind);
    below = link;
  }
  const bridge = byName.get(top.master ?? "");
  if (bridge !== undefined) bridgeHop(way, bridge, top, links);
  const on = bridge?.name ?? (top.kind === "bridge" ? top.name : undefined);
  const guest = guestHop(way, on, guests.mtu);
  const { inside = USUAL } = guests;
  return { hops: way.hops, guest, inside: insideHops(guest.mtu, inside, way.remarks), remarks: way.remarks };
}

/** Innermost tunnels of frames: what guests of other hosts are reached through. */
export function topsOf(links: readonly MtuLink[]): MtuLink[] {
  const carrying = new Set(links.map(({ dev }) => dev));
  return links.filter((link) => isTunnelOfFrames(link.kind) && !carrying.has(link.name));
}
