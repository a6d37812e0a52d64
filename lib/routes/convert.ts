/** Routes between people's words and the wire. */
import { linkNamed, scopes } from "../families/lookup.ts";
import { AF_INET, AF_INET6 } from "../families/route.ts";
import { errnoName } from "../socket/index.ts";
import type { In, MessageIn, MessageOut, Out } from "../wire/index.ts";
import { METRIC_PROPERTIES, metricsFromWire, metricsToWire } from "./metrics.ts";
import { preferences, protocols, routeTypes, tables } from "./names.ts";
import { parsePrefix, prefixText } from "./prefix.ts";
import { type multipath, type newroute, RTM_F, RTNH_F } from "./schema.ts";
import { defaultTable, isWide, type Nexthop, type Route, type RouteConfig } from "./words.ts";

/** The caller's property for each attribute. */
export const ROUTE_PROPERTIES: Readonly<Record<string, string>> = {
  gateway: "via",
  oif: "dev",
  prefsrc: "src",
  src: "from",
  priority: "metric",
  multipath: "nexthops",
  nhId: "nhid",
  encapType: "encap",
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

/** A gateway of the destination's family has an attribute of its own. */
function gateway(via: string | undefined, wide: boolean): { gateway?: string; via?: string } {
  if (via === undefined) return {};
  return via.includes(":") === wide ? { gateway: via } : { via };
}

function nexthopToWire(one: Nexthop, wide: boolean, indexOf: (name: string) => number): In<typeof multipath>[number] {
  return {
    flags: one.onlink === true ? RTNH_F.ONLINK : 0,
    hops: (one.weight ?? 1) - 1,
    ifindex: one.dev === undefined ? 0 : indexOf(one.dev),
    attrs: { ...gateway(one.via, wide), encapType: one.encap?.type, encap: one.encap?.data },
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
      flags: config.onlink === true ? RTNH_F.ONLINK : 0,
    },
    attrs: {
      dst: dst.address,
      src: from?.address,
      oif: config.dev === undefined ? undefined : indexOf(config.dev),
      ...gateway(config.via, wide),
      priority: config.metric,
      prefsrc: config.src,
      metrics: metricsToWire(config),
      multipath: config.nexthops?.map((one) => nexthopToWire(one, wide, indexOf)),
      table: table < 256 ? undefined : table,
      pref: config.pref === undefined ? undefined : preferences.numberOf(config.pref),
      expires: config.expires,
      encapType: config.encap?.type,
      encap: config.encap?.data,
      nhId: config.nhid,
    },
  };
}

type Names = ReadonlyMap<number, string>;

function nexthopFromWire(one: Out<typeof multipath>[number], names: Names): Nexthop {
  const { gateway: same, via = same, encapType, encap } = one.attrs;
  const found: Record<string, unknown> = {};
  if (via !== undefined) found["via"] = via;
  if (one.ifindex !== 0) found["dev"] = linkNamed(names, one.ifindex);
  found["weight"] = one.hops + 1;
  if ((one.flags & RTNH_F.ONLINK) !== 0) found["onlink"] = true;
  if ((one.flags & RTNH_F.DEAD) !== 0) found["dead"] = true;
  if ((one.flags & RTNH_F.LINKDOWN) !== 0) found["linkdown"] = true;
  if (encapType !== undefined && encap !== undefined) found["encap"] = { type: encapType, data: encap };
  return found as Nexthop;
}

const FLAGS = [
  ["onlink", RTNH_F.ONLINK],
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
  names: Names,
): void {
  const { cacheinfo } = attrs;
  if (cacheinfo !== undefined) {
    if (cacheinfo.expires !== 0) found["expires"] = cacheinfo.expires / 100;
    if (cacheinfo.error !== 0) found["error"] = errnoName(cacheinfo.error | 0);
  }
  if (header.srcLen > 0) found["from"] = prefixText(attrs.src, header.srcLen, header.family === AF_INET6);
  if (header.tos !== 0) found["tos"] = header.tos;
  if (attrs.multipath !== undefined) found["nexthops"] = attrs.multipath.map((one) => nexthopFromWire(one, names));
  if (attrs.nhId !== undefined) found["nhid"] = attrs.nhId;
  if (attrs.encapType !== undefined && attrs.encap !== undefined)
    found["encap"] = { type: attrs.encapType, data: attrs.encap };
  if (attrs.iif !== undefined) found["iif"] = linkNamed(names, attrs.iif);
  if (attrs.uid !== undefined) found["uid"] = attrs.uid;
  if (attrs.mark !== undefined && attrs.mark !== 0) found["mark"] = attrs.mark;
  if (attrs.flow !== undefined) found["flow"] = attrs.flow;
}

/** Whether a message is about a route that people have words for: IPv4 or IPv6. */
export function isRoute({ header: { family } }: MessageOut<typeof newroute>): boolean {
  return family === AF_INET || family === AF_INET6;
}

/** A route in people's words. */
export function routeFromWire(message: MessageOut<typeof newroute>, names: Names): Route {
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
