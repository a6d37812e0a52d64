/** What an overlay is, once it is worked out. */
import { nearest } from "../shape/shape.ts";
import type { EvpnEntry, Flood, OverlayEntry } from "../state/document.ts";
import type { Path } from "../state/error.ts";
import type { Source } from "../state/source.ts";
import type { Hosts } from "./variables.ts";

/** Where a member's tunnel ends. */
export interface End {
  /** Name of the device that its packets leave by. */
  readonly dev: string;
  readonly vtep: string;
}
/** An overlay with all that its entry leaves open. */
export interface Overlay {
  readonly name: string;
  readonly entry: OverlayEntry;
  readonly vni: number;
  readonly dstport: number;
  readonly flood: Flood;
  readonly bridge: string;
  readonly vxlan: string;
  /** Bytes, or `auto` where each host finds out. */
  readonly mtu: number | "auto";
  /** Members in the order of the document, with their ends. */
  readonly ends: ReadonlyMap<string, End>;
}
/** What a document says of all of its hosts. */
export interface Fabric {
  readonly source: Source;
  readonly hosts: Hosts;
  readonly overlays: readonly Overlay[];
  readonly evpn?: EvpnEntry;
}

/** Says what is wrong. */
export type Say = (path: Path, message: string, what?: "value" | "key") => void;

/** A list for a message, which stays a line. */
export const few = (names: readonly string[]): string =>
  `${names.slice(0, 8).join(", ")}${names.length > 8 ? ", …" : ""}`;

/** Says of a host that it is not there, and which may be meant. */
export function unknownHost(host: string, known: readonly string[]): string {
  const meant = nearest(host, known);
  return `unknown host; ${meant === undefined ? `hosts are ${few(known)}` : `did you mean ${meant}?`}`;
}

/** An address without its prefix length. */
export const bare = (address: string): string => address.split("/")[0] ?? "";

/** The gateway addresses of one member. */
export function gatewaysOf({ gateway }: OverlayEntry, host: string): readonly string[] {
  if (gateway === undefined) return [];
  if (Array.isArray(gateway)) return gateway as readonly string[];
  const own = gateway as Readonly<Record<string, readonly string[]>>;
  return Object.hasOwn(own, host) ? (own[host] ?? []) : [];
}

/** The device that a member's gateway addresses are on. */
export function gatewayDevice({
  bridge,
  vlan,
}: {
  readonly bridge: string;
  readonly vlan?: number | undefined;
}): string {
  return vlan === undefined ? bridge : `${bridge}.${vlan}`;
}

/** For whoever hands its overlays to BGP. */
export const NO_ASN = "needs the number of the autonomous system; write evpn: { asn: 64512 } beside hosts";
