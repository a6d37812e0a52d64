/** One host's document: checked against the schema and against itself. */
import type { z } from "zod";
import { unknownKey } from "../shape/shape.ts";
import { ConfigError, type Issue, type Path } from "./error.ts";
import type { IgnoreEntry } from "./ignore.ts";
import { documentSchema } from "./schema.ts";
import { issueAt, type Source } from "./source.ts";

/** A link as a document tells it: keys of every link, and the options of its kind. */
export interface LinkEntry {
  /** Absent for a link that is there already, such as a network card. */
  readonly kind?: string;
  readonly state?: "present" | "absent";
  readonly mtu?: number | "auto";
  readonly up?: boolean;
  readonly master?: string;
  readonly mac?: string;
  readonly port?: Readonly<Record<string, unknown>>;
  readonly qdisc?: Readonly<Record<string, unknown>>;
  readonly ethtool?: Readonly<Record<string, unknown>>;
  readonly addresses?: readonly (string | Entry)[];
  readonly routes?: readonly Entry[];
  readonly fdb?: readonly Entry[];
  readonly neighbors?: readonly Entry[];
  readonly vlans?: readonly (number | string | Entry)[];
  readonly vnis?: readonly (number | string | Entry)[];
  readonly mdb?: readonly Entry[];
  /** All far ends of a VXLAN that get what has no known place: the whole list, one zero-MAC entry each. */
  readonly remotes?: readonly string[];
  readonly flood?: unknown;
  readonly [option: string]: unknown;
}
/** An address, a route, a rule, a neighbor or the like, in the words of its service. */
export interface Entry {
  /** `absent`, `present`, or a word of the service. */
  readonly state?: string;
  readonly [word: string]: unknown;
}
/** Packets from a network that leave by `out` get the address of `out`. */
export interface NatEntry {
  readonly masquerade: string;
  readonly out: string;
}
/** Packets that may pass from `in` to `out`: all, or only answers, the others being dropped. */
export interface ForwardEntry {
  readonly in: string;
  readonly out: string;
  readonly accept: "all" | "replies";
  /** Lowers the MSS of TCP handshakes to what the route carries, in both directions' own entries. */
  readonly clampMss?: boolean;
}
/** What the guests on a bridge have to be told; nothing is configured by it. */
export interface GuestsEntry {
  readonly on: string;
  readonly mtu?: number | "auto";
  readonly inside?: readonly string[];
}
/** A host of a fabric. */
export interface HostEntry {
  /** Name of the device to the other hosts. */
  readonly underlay?: string;
  /** Its address there, where tunnels end. */
  readonly vtep?: string;
  /** MTU of the underlay device, in bytes. Told, not configured: absent, each host's own is taken as it is. */
  readonly mtu?: number;
  /** BGP's identifier of it, where the VTEP is no IPv4 address. */
  readonly routerId?: string;
}
/** How frames without a known place reach the other members. */
export type Flood = "unicast" | "evpn" | { readonly multicast: string; readonly ttl?: number };
/** A network over the hosts: a bridge and a VXLAN on each of its members. */
export interface OverlayEntry {
  readonly vni: number;
  /** Default unicast. */
  readonly flood?: Flood;
  /** Hosts that are in it; by default all. */
  readonly members?: readonly string[];
  /** Name of the bridge; default `br-` and the overlay's name. */
  readonly bridge?: string;
  /** Name of the VXLAN; default `vx-` and the overlay's name, with `vlan` that of the bridge. */
  readonly vxlan?: string;
  /** UDP port, default 4789. */
  readonly dstport?: number;
  /** Its VLAN on a bridge and a VXLAN that several overlays share. */
  readonly vlan?: number;
  /** The overlay that it goes through, instead of the underlay: its ends are the gateway addresses there. */
  readonly over?: string;
  /** Bytes; default `auto`. */
  readonly mtu?: number | "auto";
  /** Whether places are learned from traffic; default true, with `flood: evpn` false. */
  readonly learning?: boolean;
  /** Addresses of the bridge: of each host, or the same on all. */
  readonly gateway?: readonly string[] | Readonly<Record<string, readonly string[]>>;
  /** MAC of a gateway that is the same on all hosts. */
  readonly gatewayMac?: string;
  /** MAC addresses by the host that they are on. */
  readonly staticMacs?: Readonly<Record<string, readonly string[]>>;
  /** The VRF that routes between overlays, one of `evpn.vrfs`. */
  readonly vrf?: string;
}
/** The control plane of overlays with `flood: evpn`. */
export interface EvpnEntry {
  /** Autonomous system number of all hosts. */
  readonly asn: number;
  /** Hosts, or addresses of other machines, that reflect routes; by default every host speaks with every other. */
  readonly reflectors?: readonly string[];
  /** VRFs by name, with the VNI that routed packets travel in, and their routing table. */
  readonly vrfs?: Readonly<Record<string, { readonly vni: number; readonly table: number }>>;
}
/** A document that fits the schema. */
export interface DocumentValue {
  readonly linkwright: 1;
  readonly hosts?: Readonly<Record<string, HostEntry>>;
  readonly overlays?: Readonly<Record<string, OverlayEntry>>;
  readonly evpn?: EvpnEntry;
  readonly links?: Readonly<Record<string, LinkEntry>>;
  readonly sysctls?: Readonly<Record<string, number | string>>;
  readonly nat?: readonly NatEntry[];
  readonly forward?: readonly ForwardEntry[];
  readonly guests?: GuestsEntry;
  /** See {@link Probe}; each in full, or the word for it. */
  readonly probes?: readonly unknown[];
  /** Seconds within which somebody has to confirm what was applied; 0 waits for nobody. */
  readonly confirm?: number;
  /** What others own. */
  readonly ignore?: IgnoreEntry;
  readonly addresses?: readonly Entry[];
  readonly routes?: readonly Entry[];
  readonly rules?: readonly Entry[];
  readonly nexthops?: readonly Entry[];
  readonly fdb?: readonly Entry[];
  readonly neighbors?: readonly Entry[];
  readonly addressLabels?: readonly Entry[];
  readonly fou?: readonly Entry[];
}

type Raw = z.core.$ZodIssue;

/** The value at a path of a document. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, part) =>
      typeof at === "object" && at !== null && Object.hasOwn(at, part)
        ? (at as Record<string | number, unknown>)[part]
        : undefined,
    value,
  );
}

/** What has kinds besides links, by the key that it stands under. */
const KINDS_OF = [
  ["qdisc", "queue"],
  ["queues", "queue"],
  ["classes", "class"],
  ["filters", "filter"],
] as const;

function issuesOf(source: Source, raw: readonly Raw[], at: Path = []): Issue[] {
  return raw.flatMap((issue): Issue[] => {
    const path = [...at, ...(issue.path as (string | number)[])];
    if (issue.code === "unrecognized_keys") {
      const known = issue.message.split(" ");
      return issue.keys.map((key) => issueAt(source, [...path, key], unknownKey(key, known), "key"));
    }
    if (issue.code !== "invalid_union") return [issueAt(source, path, issue.message)];
    const value = valueAt(source.value, path);
    if ("discriminator" in issue && issue.discriminator !== undefined) {
      const known = ((issue as { options?: readonly (string | undefined)[] }).options ?? []).filter(
        (kind) => kind !== undefined,
      );
      const kind = `unknown kind of ${KINDS_OF.find(([key]) => path.includes(key))?.[1] ?? "link"}`;
      const meant = typeof value === "string" ? unknownKey(value, known).replace("unknown key", kind) : "";
      return [issueAt(source, path, meant || `expected one of ${known.join(", ")}`)];
    }
    // Text or a map: the map's own messages are for maps.
    const branch = issue.errors[typeof value === "object" && value !== null ? issue.errors.length - 1 : 0];
    return issuesOf(source, branch ?? [], path);
  });
}

/**
 * Checks a source against the schema.
 *
 * @throws {ConfigError} with all that is wrong.
 */
export function checkSchema(source: Source): DocumentValue {
  const result = documentSchema().safeParse(source.value);
  if (!result.success) {
    const issues = issuesOf(source, result.error.issues);
    const version = issues.filter(({ path }) => path[0] === "linkwright");
    // Of a document of another version nothing else is known.
    const other = version.length > 0 && valueAt(source.value, ["linkwright"]) !== undefined;
    throw new ConfigError(other ? version : issues);
  }
  return source.value as DocumentValue;
}

/**
 * Checks one part of a document that tells of several hosts by itself; undefined where it has none.
 *
 * @throws {ConfigError} with all that is wrong with it.
 */
export function checkPart<K extends "hosts" | "overlays" | "evpn">(source: Source, key: K): DocumentValue[K] {
  const part = valueAt(source.value, [key]);
  const result = documentSchema().shape[key].safeParse(part);
  if (!result.success) throw new ConfigError(issuesOf(source, result.error.issues, [key]));
  return part as DocumentValue[K];
}

/**
 * Checks only the hosts of a document.
 *
 * @throws {ConfigError} with all that is wrong with them.
 */
export function checkHosts(source: Source): NonNullable<DocumentValue["hosts"]> {
  return checkPart(source, "hosts") ?? {};
}
