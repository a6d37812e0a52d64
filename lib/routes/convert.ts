/** Routes between people's words and the wire. */
import { encapFromWire, encapToWire } from "../families/encap.ts";
import { type LinkNaming, linkNamed, protocols, scopes, tables } from "../families/lookup.ts";
import { parsePrefix, prefixText } from "../families/prefix.ts";
import { AF_INET, AF_INET6, RTNH_F } from "../families/route.ts";
import { errnoName } from "../socket/index.ts";
import type { In, MessageIn, MessageOut, Out } from "../wire/index.ts";
import { METRIC_PROPERTIES, metricsFromWire, metricsToWire } from "./metrics.ts";
import { preferences, routeTypes } from "./names.ts";
import { type multipath, type newroute, RTM_F, type rta } from "./schema.ts";
import { defaultTable, isWide, type KnownNexthop, type Nexthop, type Route, type RouteConfig } from "./words.ts";

/** The caller's property for each attribute. */
export const ROUTE_PROPERTIES: Readonly<Record<string, string>> = {
  gateway: "via",
  oif: "dev",
  prefsrc: "src",
  src: "from",
  priority: "metric",
  multipath: "nexthops",
  nhId: "nhid",
  flow: "realm",
  ...METRIC_PROPERTIES,
};

const RT_SCOPE_NOWHERE = 255;

function scopeOf(config: RouteConfig, verb: string, wide: boolean): number {
  if (config.scope !== undefined) return scopes.numberOf(config.scope);
  if (wide) return 0;
  if (verb === "delete") return RT_SCOPE_NOWHERE; // any
  const { type = "unicast", via, nexthops, nhid } = config;
  if (type === "local" || type === "nat") return scopes.numberOf("host");
  if (type === "broadcast" || type === "multicast" || type === "anycast") return scopes.numberOf("link");
  return type === "unicast" && (via ?? nexthops ?? nhid) === undefined ? scopes.numberOf("link") : 0;
}

function nexthopFlags(onlink: boolean | undefined, pervasive: boolean | undefined): number {
  return (onlink === true ? RTNH_F.ONLINK : 0) | (pervasive === true ? RTNH_F.PERVASIVE : 0);
}

function nexthopToWire(
  { via, dev, weight = 1, onlink, pervasive, encap, realm }: Nexthop,
  wide: boolean,
  indexOf: (name: string) => number,
): In<typeof multipath>[number] {
  const same = via === undefined || via.includes(":") === wide;
  return {
    flags: nexthopFlags(onlink, pervasive),
    hops: weight - 1,
    ifindex: dev === undefined ? 0 : indexOf(dev),
    attrs: {
      gateway: same ? via : undefined,
      via: same ? undefined : via,
      encap: encap === undefined ? undefined : encapToWire(encap),
      flow: realm,
    },
  };
}

/** The message for a checked route. */
export function routeToWire(
  config: RouteConfig,
  verb: string,
  indexOf: (name: string) => number,
): MessageIn<typeof newroute> {
  const wide = isWide(config);
  const dst = parsePrefix(config.dst, "dst", wide);
  const from = config.from === undefined ? undefined : parsePrefix(config.from, "from", wide);
  const any = verb === "delete";
  const type = config.type ?? (any ? "unspec" : "unicast");
  const table = tables.numberOf(config.table ?? defaultTable(type));
  const attrs: { -readonly [K in keyof typeof rta.fields]?: In<typeof rta>[K] } = {};
  if (dst.address !== undefined) attrs.dst = dst.address;
  if (from?.address !== undefined) attrs.src = from.address;
  if (config.dev !== undefined) attrs.oif = indexOf(config.dev);
  if (config.via !== undefined) attrs[config.via.includes(":") === wide ? "gateway" : "via"] = config.via;
  if (config.metric !== undefined) attrs.priority = config.metric;
  if (config.src !== undefined) attrs.prefsrc = config.src;
  const metrics = metricsToWire(config);
  if (metrics !== undefined) attrs.metrics = metrics;
  if (config.nexthops !== undefined) attrs.multipath = config.nexthops.map((one) => nexthopToWire(one, wide, indexOf));
  if (table >= 256) attrs.table = table;
  if (config.pref !== undefined) attrs.pref = preferences.numberOf(config.pref);
  if (config.expires !== undefined) attrs.expires = config.expires;
  if (config.encap !== undefined) attrs.encap = encapToWire(config.encap);
  if (config.realm !== undefined) attrs.flow = config.realm;
  if (config.nhid !== undefined) attrs.nhId = config.nhid;
  return {
    header: {
      family: wide ? AF_INET6 : AF_INET,
      dstLen: dst.length,
      srcLen: from?.length ?? 0,
      tos: config.tos ?? 0,
      table: table < 256 ? table : 0,
      protocol: protocols.numberOf(config.protocol ?? (any ? "unspec" : "linkwright")),
      scope: scopeOf(config, verb, wide),
      type: routeTypes.numberOf(type),
      flags: nexthopFlags(config.onlink, config.pervasive),
    },
    attrs,
  };
}

function nexthopFromWire(one: Out<typeof multipath>[number], names: LinkNaming): KnownNexthop {
  const { gateway: same, via = same, encap, flow } = one.attrs;
  const found: Record<string, unknown> = {};
  if (via !== undefined) found["via"] = via;
  if (one.ifindex !== 0) found["dev"] = linkNamed(names, one.ifindex);
  found["weight"] = one.hops + 1;
  if ((one.flags & RTNH_F.ONLINK) !== 0) found["onlink"] = true;
  if ((one.flags & RTNH_F.PERVASIVE) !== 0) found["pervasive"] = true;
  if ((one.flags & RTNH_F.DEAD) !== 0) found["dead"] = true;
  if ((one.flags & RTNH_F.LINKDOWN) !== 0) found["linkdown"] = true;
  if (encap !== undefined) found["encap"] = encapFromWire(encap);
  if (flow !== undefined) found["realm"] = flow;
  return found as unknown as KnownNexthop;
}

const FLAGS = [
  ["onlink", RTNH_F.ONLINK],
  ["pervasive", RTNH_F.PERVASIVE],
  ["dead", RTNH_F.DEAD],
  ["linkdown", RTNH_F.LINKDOWN],
  ["cached", RTM_F.CLONED],
  ["offload", RTM_F.OFFLOAD],
  ["trap", RTM_F.TRAP],
] as const;
const SHOWN = FLAGS.reduce((all, [, bit]) => all | bit, 0);

function rarelyTold(
  { header, attrs }: MessageOut<typeof newroute>,
  found: Record<string, unknown>,
  names: LinkNaming,
): void {
  const { cacheinfo } = attrs;
  if (cacheinfo !== undefined) {
    if (cacheinfo.expires !== 0) found["expires"] = cacheinfo.expires / 100;
    if (cacheinfo.error !== 0) found["error"] = errnoName(cacheinfo.error | 0);
  }
  // A lookup without source address is answered with "::".
  if (header.srcLen > 0 && attrs.src !== "::")
    found["from"] = prefixText(attrs.src, header.srcLen, header.family === AF_INET6);
  if (header.tos !== 0) found["tos"] = header.tos;
  if (attrs.multipath !== undefined) found["nexthops"] = attrs.multipath.map((one) => nexthopFromWire(one, names));
  if (attrs.nhId !== undefined) found["nhid"] = attrs.nhId;
  if (attrs.encap !== undefined) found["encap"] = encapFromWire(attrs.encap);
  if (attrs.iif !== undefined) found["iif"] = linkNamed(names, attrs.iif);
  if (attrs.uid !== undefined) found["uid"] = attrs.uid;
  if (attrs.mark !== undefined && attrs.mark !== 0) found["mark"] = attrs.mark;
  if (attrs.flow !== undefined) found["realm"] = attrs.flow;
}

/** Whether a message is about a route that people have words for: IPv4 or IPv6. */
export function isRoute({ header: { family } }: MessageOut<typeof newroute>): boolean {
  return family === AF_INET || family === AF_INET6;
}

/** A route in people's words. */
export function routeFromWire(message: MessageOut<typeof newroute>, names: LinkNaming): Route {
  const { header, attrs } = message;
  const wide = header.family === AF_INET6;
  const found: Record<string, unknown> = {
    dst: prefixText(attrs.dst, header.dstLen, wide),
    family: wide ? "inet6" : "inet",
    table: tables.wordOf(attrs.table ?? header.table),
    type: routeTypes.wordOf(header.type),
    protocol: protocols.wordOf(header.protocol),
  };
  if (!wide) found["scope"] = scopes.wordOf(header.scope);
  const via = attrs.gateway ?? attrs.via;
  if (via !== undefined) found["via"] = via;
  if (attrs.oif !== undefined) found["dev"] = linkNamed(names, attrs.oif);
  if (attrs.prefsrc !== undefined) found["src"] = attrs.prefsrc;
  if (attrs.priority !== undefined && attrs.priority !== 0) found["metric"] = attrs.priority;
  if (attrs.metrics !== undefined) metricsFromWire(attrs.metrics, found);
  if (attrs.pref !== undefined) found["pref"] = preferences.wordOf(attrs.pref);
  if ((header.flags & SHOWN) !== 0) for (const [word, bit] of FLAGS) if ((header.flags & bit) !== 0) found[word] = true;
  rarelyTold(message, found, names);
  return found as unknown as Route;
}
