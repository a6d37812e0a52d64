/** Addresses in people's words, and both directions between them and the wire. */
import { canonicalIp, type Family, type LinkLookup, linkNamed, type Scope, scopes, words } from "../families/lookup.ts";
import { AF_INET, AF_INET6 } from "../families/route.ts";
import {
  address,
  boolean,
  check,
  InputError,
  integer,
  interfaceAddress,
  linkName,
  type Shape,
  type Shapes,
  text,
} from "../shape/shape.ts";
import type { MessageIn, MessageOut } from "../wire/index.ts";
import { IFA_F, INFINITY_LIFE_TIME, type newaddr } from "./schema.ts";

/** Seconds, or `forever`. */
export type Lifetime = number | "forever";

/** Makers of addresses. Source: include/uapi/linux/if_addr.h (IFAPROT_*). */
export const addressProtocols = words({ kernel_lo: 1, kernel_ra: 2, kernel_ll: 3 }, 255);
export type AddressProtocol = Parameters<typeof addressProtocols.numberOf>[0];

/** An address to be put on a link. What is absent is left to the kernel. */
export interface AddressConfig {
  /** With its prefix length: `192.0.2.1/24`. */
  readonly address: string;
  /** Name of the link. */
  readonly dev: string;
  /** The far end of a point-to-point link; the prefix length is then that of the far end. */
  readonly peer?: string | undefined;
  /**
   * IPv4 broadcast address; `+` is the last one of the prefix, `none` is none. Default, as systemd-networkd has it: `+`
   * where the prefix is shorter than 31 and there is no peer, none otherwise. (`ip address add` sets none unasked.)
   * It is set when the address is made; the kernel does not change it afterwards.
   */
  readonly broadcast?: string | undefined;
  readonly anycast?: string | undefined;
  /** Old programs' name for an IPv4 address: `eth0:1`, at most 15 bytes. */
  readonly label?: string | undefined;
  /** IPv4 only. Default global, for 127.0.0.0/8 host. */
  readonly scope?: Scope | undefined;
  /** Metric of the prefix's route. */
  readonly metric?: number | undefined;
  /** Seconds until it is removed; default forever. */
  readonly validLifetime?: Lifetime | undefined;
  /** Seconds until new connections avoid it; default: `validLifetime`. */
  readonly preferredLifetime?: Lifetime | undefined;
  /** No route to the prefix. */
  readonly noprefixroute?: boolean | undefined;
  /** IPv6: usable at once, without duplicate address detection. */
  readonly nodad?: boolean | undefined;
  /** IPv6: usable while duplicates are still looked for. */
  readonly optimistic?: boolean | undefined;
  /** IPv6: home address of a mobile node. */
  readonly home?: boolean | undefined;
  /** IPv6: temporary addresses are made from it. */
  readonly mngtmpaddr?: boolean | undefined;
  /** Multicast: join the group. */
  readonly autojoin?: boolean | undefined;
  /** Who made it. Linux 5.18 and later; absent: nobody says. Same as: ip address add … proto */
  readonly protocol?: AddressProtocol | undefined;
}

/** An address as the kernel has it. */
export interface Address extends AddressConfig {
  readonly family: Family;
  readonly scope: Scope;
  readonly validLifetime: Lifetime;
  readonly preferredLifetime: Lifetime;
  /** IPv4: another address of the same prefix is the first. */
  readonly secondary?: true;
  /** IPv6: made from another address and renewed, for privacy. */
  readonly temporary?: true;
  /** IPv6: duplicates are being looked for; it cannot be used yet. */
  readonly tentative?: true;
  /** IPv6: another host has it. */
  readonly dadfailed?: true;
  /** The preferred lifetime is over. */
  readonly deprecated?: true;
  /** It has a lifetime. */
  readonly dynamic?: true;
  readonly stablePrivacy?: true;
  /** Seconds since the system started. */
  readonly created?: number;
  readonly updated?: number;
}

const lifetime: Shape<Lifetime> = {
  expected: `a whole number of seconds from 0 to ${INFINITY_LIFE_TIME - 1}, or forever`,
  json: { anyOf: [integer(0, INFINITY_LIFE_TIME - 1).json, { const: "forever" }] },
  accepts: (value): value is Lifetime => value === "forever" || integer(0, INFINITY_LIFE_TIME - 1).accepts(value),
};
const broadcast: Shape<string> = {
  expected: "an IPv4 address, + for the last one of the prefix, or none",
  json: { type: "string" },
  accepts: (value): value is string =>
    value === "+" || value === "none" || (address.accepts(value) && !value.includes(":")),
};
/** The length may stand with the peer instead. */
const farEnd: Shape<string> = {
  expected: "an address, with or without prefix length",
  json: { type: "string" },
  accepts: (value): value is string => address.accepts(value) || interfaceAddress.accepts(value),
};

/** What each property of {@link AddressConfig} must look like. */
export const addressShapes = {
  address: { ...farEnd, expected: interfaceAddress.expected },
  dev: linkName,
  peer: farEnd,
  broadcast,
  anycast: address,
  label: text(15),
  scope: scopes.shape,
  metric: integer(0, 0xffff_ffff),
  validLifetime: lifetime,
  preferredLifetime: lifetime,
  noprefixroute: boolean,
  nodad: boolean,
  optimistic: boolean,
  home: boolean,
  mngtmpaddr: boolean,
  autojoin: boolean,
  protocol: addressProtocols.shape,
} as const satisfies Shapes;

/** The flags that can be asked for, by word. */
const ASKED = {
  noprefixroute: IFA_F.NOPREFIXROUTE,
  nodad: IFA_F.NODAD,
  optimistic: IFA_F.OPTIMISTIC,
  home: IFA_F.HOMEADDRESS,
  mngtmpaddr: IFA_F.MANAGETEMPADDR,
  autojoin: IFA_F.MCAUTOJOIN,
} as const;
const TOLD = Object.entries({
  ...ASKED,
  tentative: IFA_F.TENTATIVE,
  dadfailed: IFA_F.DADFAILED,
  deprecated: IFA_F.DEPRECATED,
  stablePrivacy: IFA_F.STABLE_PRIVACY,
});

/** The caller's property for each attribute. */
export const ADDRESS_PROPERTIES: Readonly<Record<string, string>> = {
  local: "address",
  address: "address",
  cacheinfo: "validLifetime",
  flags: "address",
  rtPriority: "metric",
  proto: "protocol",
};

/** The last address of an IPv4 prefix. */
function lastOf(value: string, length: number): string {
  const number = value.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const last = (number | (length === 0 ? 0xffff_ffff : 2 ** (32 - length) - 1)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (last >>> shift) & 0xff).join(".");
}

interface Parts {
  readonly local: string;
  readonly peer: string | undefined;
  readonly length: number;
}

function partsOf(config: AddressConfig): Parts {
  const [local = "", own] = config.address.split("/");
  const [peer, far] = config.peer?.split("/") ?? [];
  const length = far ?? own;
  if (length === undefined) {
    const whole = `${local}/${local.includes(":") ? 128 : 32}`;
    throw new InputError(["address"], `the prefix length is missing; write ${whole} for a single address`);
  }
  if (own !== undefined && far !== undefined && Number(own) !== Number(far))
    throw new InputError(["peer"], `prefix length ${far}, but that of address is ${own}; give it once`);
  if (peer !== undefined && peer.includes(":") !== local.includes(":"))
    throw new InputError(["peer"], `${peer} and address ${local} are of different families`);
  return { local, peer, length: Number(length) };
}

/** The kernel takes these, and then no packet can have them. */
const UNSPECIFIED = ["0.0.0.0", "::"];
function checkSpecified(key: string, value: string | undefined, example: string): void {
  if (value !== undefined && UNSPECIFIED.includes(canonicalIp(value)))
    throw new InputError([key], `${value} is the unspecified address, which no interface can have; ${example}`);
}

/** @throws {InputError} for the first property that is unknown, does not fit, or contradicts another. */
export function checkAddress(config: AddressConfig): void {
  check([], addressShapes, config);
  for (const key of ["address", "dev"] as const)
    if (config[key] === undefined) throw new InputError([key], `missing; expected ${addressShapes[key].expected}`);
  const { local, peer, length } = partsOf(config);
  checkSpecified("address", local, `write one such as ${local.includes(":") ? "2001:db8::1/64" : "192.0.2.1/24"}`);
  checkSpecified("peer", peer, "leave it out");
  const wide = local.includes(":");
  for (const key of ["broadcast", "label"] as const)
    if (wide && config[key] !== undefined) throw new InputError([key], "IPv6 has none; leave it out");
  for (const key of ["nodad", "optimistic", "home", "mngtmpaddr"] as const)
    if (!wide && config[key] === true) throw new InputError([key], "is for IPv6 only; leave it out");
  if (config.broadcast === "+" && length > 30)
    throw new InputError(["broadcast"], `a prefix of length ${length} has no broadcast address; leave it out`);
  const [valid = "forever", preferred = valid] = [config.validLifetime, config.preferredLifetime];
  if (valid === 0) throw new InputError(["validLifetime"], "0 is no lifetime; delete the address instead");
  if (valid !== "forever" && (preferred === "forever" || preferred > valid))
    throw new InputError(["preferredLifetime"], `${preferred} is more than validLifetime, ${valid}`);
}

/** The broadcast address of an address, where it has one: see {@link AddressConfig.broadcast}. */
function broadcastOf({ broadcast: asked }: AddressConfig, { local, peer, length }: Parts): string | undefined {
  if (asked === "none") return undefined;
  if (asked !== undefined && asked !== "+") return asked;
  const has = asked === "+" || (!local.includes(":") && peer === undefined && length <= 30);
  return has ? lastOf(local, length) : undefined;
}

const toSeconds = (value: Lifetime): number => (value === "forever" ? INFINITY_LIFE_TIME : value);
const fromSeconds = (value: number): Lifetime => (value === INFINITY_LIFE_TIME ? "forever" : value);

/** The message for a checked address. */
export function addressToWire(config: AddressConfig, index: number): MessageIn<typeof newaddr> {
  const parts = partsOf(config);
  const { local, peer, length } = parts;
  const { label, anycast, metric, protocol, validLifetime, preferredLifetime } = config;
  let flags = 0;
  for (const key in ASKED) if (config[key as keyof typeof ASKED] === true) flags |= ASKED[key as keyof typeof ASKED];
  const valid = validLifetime ?? "forever";
  return {
    header: {
      family: local.includes(":") ? AF_INET6 : AF_INET,
      prefixlen: length,
      flags: flags & 0xff,
      scope: scopes.numberOf(config.scope ?? (local.startsWith("127.") ? "host" : "global")),
      index,
    },
    attrs: {
      local,
      address: peer ?? local,
      label,
      broadcast: broadcastOf(config, parts),
      anycast,
      cacheinfo:
        validLifetime === undefined && preferredLifetime === undefined
          ? undefined
          : { valid: toSeconds(valid), prefered: toSeconds(preferredLifetime ?? valid) },
      flags: flags === 0 ? undefined : flags,
      rtPriority: metric,
      proto: protocol === undefined ? undefined : addressProtocols.numberOf(protocol),
    },
  };
}

/** An address in people's words; undefined for a message of another family. */
export function addressFromWire(
  { header, attrs }: MessageOut<typeof newaddr>,
  names: Awaited<ReturnType<LinkLookup["names"]>>,
): Address | undefined {
  const { local, address: far, cacheinfo } = attrs;
  const own = local ?? far;
  if ((header.family !== AF_INET && header.family !== AF_INET6) || own === undefined) return undefined;
  const flags = attrs.flags ?? header.flags;
  const dev = linkNamed(names, header.index);
  const found: Record<string, unknown> = {
    address: `${own}/${header.prefixlen}`,
    dev,
    family: header.family === AF_INET ? "inet" : "inet6",
    scope: scopes.wordOf(header.scope),
    validLifetime: fromSeconds(cacheinfo?.valid ?? INFINITY_LIFE_TIME),
    preferredLifetime: fromSeconds(cacheinfo?.prefered ?? INFINITY_LIFE_TIME),
  };
  if (local !== undefined && far !== undefined && far !== local) found["peer"] = far;
  if (attrs.broadcast !== undefined) found["broadcast"] = attrs.broadcast;
  if (attrs.anycast !== undefined) found["anycast"] = attrs.anycast;
  // The kernel labels every IPv4 address; a label equal to the link's name was not asked for.
  if (attrs.label !== undefined && attrs.label !== dev) found["label"] = attrs.label;
  if (attrs.rtPriority !== undefined && attrs.rtPriority !== 0) found["metric"] = attrs.rtPriority;
  if (attrs.proto !== undefined) found["protocol"] = addressProtocols.wordOf(attrs.proto);
  for (const [word, bit] of TOLD) if ((flags & bit) !== 0) found[word] = true;
  if ((flags & IFA_F.SECONDARY) !== 0) found[header.family === AF_INET ? "secondary" : "temporary"] = true;
  if ((flags & IFA_F.PERMANENT) === 0) found["dynamic"] = true;
  if (cacheinfo !== undefined) {
    found["created"] = cacheinfo.cstamp / 100;
    found["updated"] = cacheinfo.tstamp / 100;
  }
  return found as unknown as Address;
}

/** The same address in the one form in which the kernel's are shown: texts by RFC 5952, `+` worked out. */
export function canonicalAddress(config: AddressConfig): AddressConfig {
  checkAddress(config);
  const { local, peer, length } = partsOf(config);
  return {
    ...config,
    address: `${canonicalIp(local)}/${length}`,
    ...(peer === undefined ? {} : { peer: canonicalIp(peer) }),
    ...(config.broadcast === "+" ? { broadcast: lastOf(local, length) } : {}),
  };
}
