/** Neighbors in people's words, and both directions between them and the wire. */
import { type Family, linkNamed, type Protocol, protocols } from "../families/lookup.ts";
import { AF_INET, AF_INET6 } from "../families/route.ts";
import { address, boolean, check, choice, InputError, linkName, mac, type Shapes } from "../shape/shape.ts";
import type { MessageIn, MessageOut } from "../wire/index.ts";
import { NTF, NTF_EXT, NUD, type newneigh } from "./schema.ts";

const STATES = {
  permanent: NUD.PERMANENT,
  noarp: NUD.NOARP,
  reachable: NUD.REACHABLE,
  stale: NUD.STALE,
  delay: NUD.DELAY,
  probe: NUD.PROBE,
  failed: NUD.FAILED,
  incomplete: NUD.INCOMPLETE,
  none: NUD.NONE,
} as const;
/** How sure the kernel is of a neighbor. */
export type NeighborState = keyof typeof STATES;

/** A neighbor to be made known. */
export interface NeighborConfig {
  /** Its IPv4 or IPv6 address. */
  readonly address: string;
  /** Name of the link it is on. */
  readonly dev: string;
  /** Its MAC address. */
  readonly mac?: string | undefined;
  /** Default permanent. */
  readonly state?: NeighborState | undefined;
  /** IPv6: it is a router. */
  readonly router?: boolean | undefined;
  /** This host answers for the address; such an entry has neither `mac` nor `state`. */
  readonly proxy?: boolean | undefined;
  /** A control plane learned it; the kernel does not age it out. */
  readonly externLearn?: boolean | undefined;
  /** The kernel keeps it reachable by asking. Linux 5.16 and later. */
  readonly managed?: boolean | undefined;
  /** Resolve it now. */
  readonly use?: boolean | undefined;
  /** Who made it, as for routes. */
  readonly protocol?: Protocol | undefined;
}
/** A neighbor as the kernel has it. */
export interface Neighbor extends NeighborConfig {
  readonly family: Family;
  readonly state: NeighborState;
  readonly offloaded?: true;
  /** Requests that were sent without an answer. */
  readonly probes?: number;
  /** Seconds since it was used, confirmed, changed. */
  readonly used?: number;
  readonly confirmed?: number;
  readonly updated?: number;
}

/** What each property of {@link NeighborConfig} must look like. */
export const neighborShapes = {
  address,
  dev: linkName,
  mac,
  state: choice(...(Object.keys(STATES) as NeighborState[])),
  router: boolean,
  proxy: boolean,
  externLearn: boolean,
  managed: boolean,
  use: boolean,
  protocol: protocols.shape,
} as const satisfies Shapes;

/** The caller's property for each attribute. */
export const NEIGHBOR_PROPERTIES: Readonly<Record<string, string>> = {
  dst: "address",
  lladdr: "mac",
  flagsExt: "managed",
};

/** @throws {InputError} for the first property that is unknown, does not fit, or contradicts another. */
export function checkNeighbor(config: NeighborConfig, verb: string): void {
  check([], neighborShapes, config);
  for (const key of ["address", "dev"] as const)
    if (config[key] === undefined) throw new InputError([key], `missing; expected ${neighborShapes[key].expected}`);
  if (verb === "delete") return;
  const { state = config.managed === true || config.use === true ? "none" : "permanent" } = config;
  if (config.proxy === true && (config.mac ?? config.state) !== undefined)
    throw new InputError([config.mac === undefined ? "state" : "mac"], "a proxy entry has none; leave it out");
  if (config.proxy !== true && config.mac === undefined && ["permanent", "reachable", "stale"].includes(state))
    throw new InputError(["mac"], `missing; a neighbor of state ${state} needs it`);
}

/** The message for a checked neighbor. */
export function neighborToWire(
  config: NeighborConfig,
  _verb: string,
  indexOf: (name: string) => number,
): MessageIn<typeof newneigh> {
  const { address: dst, mac: lladdr, protocol, managed, use } = config;
  const state = config.state ?? (managed === true || use === true ? "none" : "permanent");
  let flags = 0;
  if (use === true) flags |= NTF.USE;
  if (config.proxy === true) flags |= NTF.PROXY;
  if (config.externLearn === true) flags |= NTF.EXT_LEARNED;
  if (config.router === true) flags |= NTF.ROUTER;
  return {
    header: {
      family: dst.includes(":") ? AF_INET6 : AF_INET,
      ifindex: indexOf(config.dev),
      state: config.proxy === true ? NUD.PERMANENT : STATES[state],
      flags,
    },
    attrs: {
      dst,
      lladdr,
      protocol: protocol === undefined ? undefined : protocols.numberOf(protocol),
      flagsExt: managed === true ? NTF_EXT.MANAGED : undefined,
    },
  };
}

const byNumber = new Map<number, NeighborState>(
  Object.entries(STATES).map(([name, number]) => [number, name as NeighborState]),
);

/** A neighbor in people's words; undefined for a message of another family. */
export function neighborFromWire(
  { header, attrs }: MessageOut<typeof newneigh>,
  names: ReadonlyMap<number, string>,
): Neighbor | undefined {
  const { flags, family } = header;
  if ((family !== AF_INET && family !== AF_INET6) || attrs.dst === undefined) return undefined;
  const found: Record<string, unknown> = {
    address: attrs.dst,
    dev: linkNamed(names, header.ifindex),
    family: family === AF_INET ? "inet" : "inet6",
    state: byNumber.get(header.state) ?? "none",
  };
  if (attrs.lladdr !== undefined) found["mac"] = attrs.lladdr;
  if (flags !== 0) {
    if ((flags & NTF.ROUTER) !== 0) found["router"] = true;
    if ((flags & NTF.PROXY) !== 0) found["proxy"] = true;
    if ((flags & NTF.EXT_LEARNED) !== 0) found["externLearn"] = true;
    if ((flags & NTF.OFFLOADED) !== 0) found["offloaded"] = true;
  }
  if (attrs.flagsExt !== undefined && (attrs.flagsExt & NTF_EXT.MANAGED) !== 0) found["managed"] = true;
  if (attrs.protocol !== undefined) found["protocol"] = protocols.wordOf(attrs.protocol);
  if (attrs.probes !== undefined && attrs.probes !== 0) found["probes"] = attrs.probes;
  if (attrs.cacheinfo !== undefined) {
    found["used"] = attrs.cacheinfo.used / 100;
    found["confirmed"] = attrs.cacheinfo.confirmed / 100;
    found["updated"] = attrs.cacheinfo.updated / 100;
  }
  return found as unknown as Neighbor;
}
