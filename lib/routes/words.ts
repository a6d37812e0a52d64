/** What a route is in people's words. */
import { canonicalEncap, checkEncap, type Encap, encapShape } from "../families/encap.ts";
import {
  canonicalIp,
  type Family,
  type Protocol,
  protocols,
  type Scope,
  scopes,
  type Table,
  tables,
} from "../families/lookup.ts";
import { canonicalPrefix, parsePrefix } from "../families/prefix.ts";
import { familyShape } from "../families/service.ts";
import {
  address,
  boolean,
  check,
  InputError,
  integer,
  linkName,
  network,
  type Shape,
  type Shapes,
} from "../shape/shape.ts";
import { metricShapes, type RouteMetrics } from "./metrics.ts";
import { type Preference, preferences, type RouteType, routeTypes } from "./names.ts";

/** One of several ways to a destination. */
export interface Nexthop {
  readonly via?: string | undefined;
  readonly dev?: string | undefined;
  /** Share of the traffic, 1 to 256; default 1. */
  readonly weight?: number | undefined;
  readonly onlink?: boolean | undefined;
  /** The route is for forwarding to a host that is everywhere: told by routing daemons, without meaning to Linux. */
  readonly pervasive?: boolean | undefined;
  readonly encap?: Encap | undefined;
  readonly realm?: number | undefined;
}

/** One of several ways as the kernel has it. */
export interface KnownNexthop extends Nexthop {
  readonly weight: number;
  /** Its link is down, or has no carrier. */
  readonly dead?: true;
  readonly linkdown?: true;
}

/** A route to be made. What is absent is left to the kernel, unless told otherwise here. */
export interface RouteConfig extends RouteMetrics {
  /** `default`, `192.0.2.0/24`, or a single address. */
  readonly dst: string;
  /** Of a `default` whose gateway does not tell. Default inet. */
  readonly family?: Family | undefined;
  /** Gateway. One of the other family is possible for IPv4 destinations. */
  readonly via?: string | undefined;
  /** Name of the output link. */
  readonly dev?: string | undefined;
  /** Source address that this host prefers. */
  readonly src?: string | undefined;
  /** IPv6: the route is for packets from this network only. */
  readonly from?: string | undefined;
  /** The smaller, the better. Absent: 0 for IPv4, 1024 for IPv6. */
  readonly metric?: number | undefined;
  /** Default main; local for routes of type local, broadcast and anycast. */
  readonly table?: Table | undefined;
  /** Default unicast. */
  readonly type?: RouteType | undefined;
  /** IPv4 only. Default: link without a gateway, host for type local, global otherwise. */
  readonly scope?: Scope | undefined;
  /** Who made it. Default: linkwright, number 139, by which our routes are known. */
  readonly protocol?: Protocol | undefined;
  /** Type of service that packets must have, 0 to 255. */
  readonly tos?: number | undefined;
  /** The gateway is taken to be on the link, whatever the addresses say. */
  readonly onlink?: boolean | undefined;
  readonly pervasive?: boolean | undefined;
  readonly nexthops?: readonly Nexthop[] | undefined;
  /** Number of a nexthop object, see {@link Nexthops}. */
  readonly nhid?: number | undefined;
  /** IPv6: preference of the router. */
  readonly pref?: Preference | undefined;
  /** IPv6: seconds until it is removed. */
  readonly expires?: number | undefined;
  /** A header that is put before each packet. */
  readonly encap?: Encap | undefined;
  /** IPv4: realm of the destination in the low 16 bits, of the source in the high ones. */
  readonly realm?: number | undefined;
}

/** A route as the kernel has it. */
export interface Route extends RouteConfig {
  readonly family: Family;
  readonly table: Table;
  readonly type: RouteType;
  readonly protocol: Protocol;
  readonly nexthops?: readonly KnownNexthop[];
  /** It is an exception that was learned (a path MTU, a redirect), or the answer to {@link Routes.get}. */
  readonly cached?: true;
  /** Seconds until a cached or limited route ends. */
  readonly expires?: number;
  /** What packets meet, where they are not delivered: `ENETUNREACH`. */
  readonly error?: string;
  /** The output link is down, or has no carrier. */
  readonly dead?: true;
  readonly linkdown?: true;
  readonly offload?: true;
  readonly trap?: true;
  /** Name of the input link, in an answer for forwarded packets. */
  readonly iif?: string;
  readonly uid?: number;
  readonly mark?: number;
}

const nexthopShapes = {
  via: address,
  dev: linkName,
  weight: integer(1, 256),
  onlink: boolean,
  pervasive: boolean,
  encap: encapShape,
  realm: integer(0, 0xffff_ffff),
} as const satisfies Shapes;
const nexthops: Shape<readonly Nexthop[]> = {
  expected: "a list of nexthops such as { via: 192.0.2.1, dev: eth0, weight: 1 }",
  json: {
    type: "array",
    minItems: 1,
    items: {
      type: "object",
      properties: Object.fromEntries(Object.entries(nexthopShapes).map(([key, shape]) => [key, shape.json])),
      additionalProperties: false,
    },
  },
  accepts: (value): value is readonly Nexthop[] =>
    Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "object" && one !== null),
};

/** What each property of {@link RouteConfig} must look like. */
export const routeShapes = {
  dst: network,
  family: familyShape,
  via: address,
  dev: linkName,
  src: address,
  from: network,
  metric: integer(0, 0xffff_ffff),
  table: tables.shape,
  type: routeTypes.shape,
  scope: scopes.shape,
  protocol: protocols.shape,
  tos: integer(0, 255),
  onlink: boolean,
  pervasive: boolean,
  nexthops,
  nhid: integer(1, 0xffff_ffff),
  pref: preferences.shape,
  expires: integer(1, 0xffff_ffff, "seconds"),
  encap: encapShape,
  realm: integer(0, 0xffff_ffff),
  ...metricShapes,
} as const satisfies Shapes;

/** Types of route that lead nowhere. */
const NOWHERE: readonly RouteType[] = ["blackhole", "unreachable", "prohibit", "throw"];

/** Whether a route is IPv6: by its destination, else by what is said of a `default`. */
export function isWide({ dst, family, via, src, from, nexthops: several }: RouteConfig): boolean {
  if (dst !== "default") return dst.includes(":");
  if (family !== undefined) return family === "inet6";
  return (via ?? src ?? from ?? several?.find((one) => one.via !== undefined)?.via ?? "").includes(":");
}

function checkGateway(path: readonly string[], via: string | undefined, wide: boolean): void {
  if (wide && via !== undefined && !via.includes(":"))
    throw new InputError(path, `${via} is an IPv4 gateway, and the destination is IPv6; only the reverse is possible`);
}

/** @throws {InputError} for the first property that is unknown, does not fit, or contradicts another. */
export function checkRoute(config: RouteConfig, verb: string): void {
  check([], routeShapes, config);
  const { dst, dev, via, type = "unicast", src, from, family } = config;
  if (dst === undefined) throw new InputError(["dst"], `missing; expected ${network.expected}`);
  const wide = isWide(config);
  parsePrefix(dst, "dst", wide);
  if (family !== undefined && (family === "inet6") !== wide)
    throw new InputError(["family"], `${family}, but the destination ${dst} is of the other; leave it out`);
  checkGateway(["via"], via, wide);
  if (src !== undefined && src.includes(":") !== wide)
    throw new InputError(["src"], `${src} is not of the family of the destination`);
  if (from !== undefined) {
    if (!wide) throw new InputError(["from"], "is for IPv6 only; use a rule for IPv4");
    parsePrefix(from, "from", wide);
  }
  checkEncap(["encap"], config.encap);
  if (!wide && (config.pref ?? config.expires) !== undefined)
    throw new InputError([config.pref === undefined ? "expires" : "pref"], "is for IPv6 only; leave it out");
  if (wide && config.scope !== undefined && config.scope !== "global" && config.scope !== 0)
    throw new InputError(["scope"], "is for IPv4 only; leave it out");
  config.nexthops?.forEach((one, i) => {
    check(["nexthops", String(i)], nexthopShapes, one);
    checkGateway(["nexthops", String(i), "via"], one.via, wide);
    checkEncap(["nexthops", String(i), "encap"], one.encap);
    if (one.via === undefined && one.dev === undefined)
      throw new InputError(["nexthops", String(i)], "needs via, dev or both");
  });
  if (config.nexthops !== undefined)
    for (const key of ["via", "dev", "nhid", "onlink"] as const)
      if (config[key] !== undefined && config[key] !== false)
        throw new InputError([key], "stands beside nexthops; put it into one of them");
  if (config.onlink === true && dev === undefined) throw new InputError(["onlink"], "needs dev");
  if (verb === "delete") return;
  const somewhere = via ?? dev ?? config.nexthops ?? config.nhid;
  if (NOWHERE.includes(type) && (via ?? config.nexthops) !== undefined)
    throw new InputError(["type"], `a route of type ${type} leads nowhere; leave out via and nexthops`);
  if (!NOWHERE.includes(type) && somewhere === undefined)
    throw new InputError(["via"], "missing; a route needs via, dev, nexthops or nhid");
}

/**
 * A route in the one form in which the kernel's are shown, with what the kernel adds: table, type, protocol, the metric
 * of IPv6, texts by RFC 5952. @throws {InputError}
 */
export function canonicalRoute(
  config: RouteConfig,
): RouteConfig & Pick<Route, "family" | "table" | "type" | "protocol"> {
  checkRoute(config, "create");
  const wide = isWide(config);
  const type = routeTypes.wordOf(routeTypes.numberOf(config.type ?? "unicast"));
  const ip = <K extends "via" | "src">(key: K): object =>
    config[key] === undefined ? {} : { [key]: canonicalIp(config[key]) };
  const metric = config.metric ?? 0;
  return {
    ...config,
    dst: canonicalPrefix(config.dst),
    family: wide ? "inet6" : "inet",
    table: tables.wordOf(tables.numberOf(config.table ?? defaultTable(type))),
    type,
    protocol: protocols.wordOf(protocols.numberOf(config.protocol ?? "linkwright")),
    ...ip("via"),
    ...ip("src"),
    ...(config.from === undefined ? {} : { from: canonicalPrefix(config.from) }),
    ...(wide ? { metric: metric === 0 ? 1024 : metric } : metric === 0 ? { metric: undefined } : { metric }),
    ...(config.encap === undefined ? {} : { encap: canonicalEncap(config.encap) }),
    ...(config.nexthops === undefined ? {} : { nexthops: config.nexthops.map(canonicalNexthop) }),
  };
}
function canonicalNexthop(one: Nexthop): Nexthop {
  return {
    ...one,
    ...(one.via === undefined ? {} : { via: canonicalIp(one.via) }),
    ...(one.encap === undefined ? {} : { encap: canonicalEncap(one.encap) }),
    weight: one.weight ?? 1,
  };
}

/** The table of a route that names none. */
export function defaultTable(type: RouteType): Table {
  return type === "local" || type === "broadcast" || type === "anycast" || type === "nat" ? "local" : "main";
}
