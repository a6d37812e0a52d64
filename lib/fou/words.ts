/** Ports that tunnels over UDP are received on, in people's words, and both directions between them and the wire. */
import { isIPv6 } from "node:net";
import { canonicalIp, type Family, type LinkNaming, linkNamed } from "../families/lookup.ts";
import { AF_INET, AF_INET6 } from "../families/route.ts";
import { familyShape } from "../families/service.ts";
import { address, boolean, check, InputError, integer, linkName } from "../shape/shape.ts";
import type { In, Out } from "../wire/index.ts";
import type { fouPort } from "./schema.ts";

/** What it means that the kernel does not know the family. */
export const FOU_ABSENCE = "this kernel has no FOU, or its module is not loaded (modprobe fou; modprobe fou6 for IPv6)";

type PortIn = In<typeof fouPort>;
type PortOut = Out<typeof fouPort>;

/** Which port: all of it that was said when it was opened. */
export interface FouName {
  /** UDP port, 1 to 65535. */
  readonly port: number;
  /** Default: that of `local` or `peer`, else `inet`. */
  readonly family?: Family | undefined;
  /** Address that packets have to be for; default any. */
  readonly local?: string | undefined;
  /** Address that packets have to come from, with `peerPort`; default any. */
  readonly peer?: string | undefined;
  /** UDP port that packets have to come from, 1 to 65535; with `peer`. */
  readonly peerPort?: number | undefined;
  /** Name of the link that packets have to come in by, with `local`; default any. */
  readonly dev?: string | undefined;
}
/** A port to be opened: `ipproto` says what is behind the UDP header, or `gue` that another header says so. */
export interface FouConfig extends FouName {
  /** Number of the protocol behind the UDP header, 1 to 255: 4 for IPv4 (ipip), 41 for IPv6 (sit, ip6tnl), 47 for GRE. */
  readonly ipproto?: number | undefined;
  /** Whether there is a header of generic UDP encapsulation behind the UDP header. Default false. */
  readonly gue?: boolean | undefined;
  /** Whether remote checksum offload is done with whole checksums instead of partial ones. Default false. */
  readonly remcsumNopartial?: boolean | undefined;
}
/** An open port as the kernel tells it. */
export interface FouPort {
  readonly port: number;
  readonly family: Family | number;
  /** Absent where `gue` is true. */
  readonly ipproto?: number;
  readonly gue: boolean;
  /** Absent for any, as are `peer`, `peerPort` and `dev`. */
  readonly local?: string;
  readonly peer?: string;
  readonly peerPort?: number;
  readonly dev?: string;
  readonly remcsumNopartial: boolean;
}

const udpPort = integer(1, 0xffff);
const nameShapes = {
  port: udpPort,
  family: familyShape,
  local: address,
  peer: address,
  peerPort: udpPort,
  dev: linkName,
};
/** What each property of {@link FouConfig} must look like. */
export const fouShapes = { ...nameShapes, ipproto: integer(1, 255), gue: boolean, remcsumNopartial: boolean };
/** The properties of {@link FouName}. */
export const FOU_NAME: readonly string[] = Object.keys(nameShapes);

const familyOf = (ip: string): Family => (isIPv6(ip) ? "inet6" : "inet");
/** The family of a checked port. */
function familyFor({ family, local, peer }: FouName): Family {
  const ip = local ?? peer;
  return family ?? (ip === undefined ? "inet" : familyOf(ip));
}

/** @throws {InputError} */
export function checkName(name: FouName, known: typeof nameShapes = nameShapes): void {
  check([], known, name);
  const { port, local, peer, peerPort, dev } = name;
  if (port === undefined) throw new InputError(["port"], "missing");
  const family = familyFor(name);
  for (const key of ["local", "peer"] as const) {
    const ip = name[key];
    if (ip !== undefined && familyOf(ip) !== family) throw new InputError([key], `is not of the family ${family}`);
  }
  if (dev !== undefined && local === undefined)
    throw new InputError(["local"], "missing; it goes with dev, which Linux takes with an address only");
  if (peer !== undefined && peerPort === undefined) throw new InputError(["peerPort"], "missing; it goes with peer");
  if (peer === undefined && peerPort !== undefined) throw new InputError(["peer"], "missing; it goes with peerPort");
}
/** @throws {InputError} */
export function checkConfig(config: FouConfig): void {
  checkName(config, fouShapes);
  const { ipproto, gue = false } = config;
  if (ipproto !== undefined && gue) throw new InputError(["ipproto"], "does not go with gue: true, which tells it");
  if (ipproto === undefined && !gue)
    throw new InputError(["ipproto"], "missing; it says what is behind the UDP header, or gue: true");
}

/** The kernel tells zeros of what may be any. */
const given = (ip: string | undefined): ip is string => ip !== undefined && ip !== "0.0.0.0" && ip !== "::";

/** A port as the kernel's are shown; of one that is to be closed its name is enough. @throws {InputError} */
export function canonicalFou(config: FouConfig, closed: boolean): FouConfig {
  if (closed) checkName(config, fouShapes);
  else checkConfig(config);
  const { local, peer, ...rest } = config;
  return {
    ...rest,
    family: familyFor(config),
    ...(given(local) && { local: canonicalIp(local) }),
    ...(given(peer) && { peer: canonicalIp(peer) }),
  };
}

/** The attributes that name a checked port. */
export function nameToWire(name: FouName, indexOf: (name: string) => number): PortIn {
  const { port, local, peer, peerPort, dev } = name;
  const four = familyFor(name) === "inet";
  return {
    port,
    af: four ? AF_INET : AF_INET6,
    ...(four ? { localV4: local, peerV4: peer } : { localV6: local, peerV6: peer }),
    peerPort,
    ifindex: dev === undefined ? undefined : indexOf(dev),
  };
}
/** The request for a checked port. */
export function configToWire(config: FouConfig, indexOf: (name: string) => number): PortIn {
  const { ipproto, gue = false, remcsumNopartial } = config;
  return { ...nameToWire(config, indexOf), ipproto, type: gue ? "gue" : "direct", remcsumNopartial };
}

const FAMILIES: Readonly<Record<number, Family>> = { [AF_INET]: "inet", [AF_INET6]: "inet6" };
/** A port that the kernel told. */
export function portFromWire(told: PortOut, names: LinkNaming): FouPort {
  const { port = 0, af = 0, ipproto = 0, type, peerPort = 0, ifindex = 0 } = told;
  const [local, peer] = [told.localV4 ?? told.localV6, told.peerV4 ?? told.peerV6];
  const gue = type === "gue";
  return {
    port,
    family: FAMILIES[af] ?? af,
    ...(!gue && { ipproto }),
    gue,
    ...(given(local) && { local }),
    ...(given(peer) && { peer }),
    ...(peerPort !== 0 && { peerPort }),
    ...(ifindex !== 0 && { dev: linkNamed(names, ifindex) }),
    remcsumNopartial: told.remcsumNopartial ?? false,
  };
}
