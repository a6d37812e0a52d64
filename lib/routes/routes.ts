/** The routes of one network namespace. */
import {
  type ChangeRules,
  type Family,
  type IpProtocol,
  ipProtocols,
  type LinkLookup,
  type LinkNaming,
  type Listing,
  listing,
  type Protocol,
  protocols,
  retold,
  type Table,
  tables,
} from "../families/lookup.ts";
import { AF_INET, AF_INET6 } from "../families/route.ts";
import { checkFlush, familyNumber, familyShape, removeAll, Service } from "../families/service.ts";
import { inTurns } from "../families/turns.ts";
import { address, boolean, check, checkOne, InputError, integer, linkName, type Shape } from "../shape/shape.ts";
import { type CallOptions, type Connection, command, NetlinkError } from "../socket/index.ts";
import {
  type Message,
  type MessageIn,
  type MessageOut,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
} from "../wire/index.ts";
import { isRoute, ROUTE_PROPERTIES, routeFromWire, routeToWire } from "./convert.ts";
import { type MulticastRoute, type MulticastRouteFilter, multicastRouteFromWire } from "./multicast.ts";
import { type RouteType, routeTypes } from "./names.ts";
import {
  delroute,
  getmroute,
  getroute,
  newmroute,
  newroute,
  RTM_F,
  RTNL_FAMILY_IP6MR,
  RTNL_FAMILY_IPMR,
} from "./schema.ts";
import { checkRoute, type Route, type RouteConfig } from "./words.ts";

/** Which routes are meant. The kernel selects, so that a small part of a large table is quick. */
export interface RouteFilter {
  /** Default main; `all` is every table. */
  readonly table?: Table | "all" | undefined;
  readonly family?: Family | undefined;
  /** Name of the output link. */
  readonly dev?: string | undefined;
  readonly type?: RouteType | undefined;
  readonly protocol?: Protocol | undefined;
}
/** What packet a route is looked up for. */
export interface RouteQuery {
  /** Source address. */
  readonly from?: string | undefined;
  /** Name of the output link that the packet is bound to; that of a VRF looks the packet up in its table. */
  readonly dev?: string | undefined;
  /** Name of the VRF that the packet is in, instead of `dev`. */
  readonly vrf?: string | undefined;
  /** Name of the link on which the packet arrives; needs `from`. */
  readonly iif?: string | undefined;
  readonly mark?: number | undefined;
  readonly tos?: number | undefined;
  readonly uid?: number | undefined;
  /** IP protocol, and ports of TCP and UDP. */
  readonly ipproto?: IpProtocol | undefined;
  readonly sport?: number | undefined;
  readonly dport?: number | undefined;
  /** Answer with the entry of the table instead of what becomes of the packet. */
  readonly fibmatch?: boolean | undefined;
}
/** What can be done with a route. */
export type RouteVerb = "create" | "replace" | "append" | "prepend" | "change" | "delete";

const anyTable: Shape<Table | "all"> = {
  expected: `all, ${tables.shape.expected}`,
  json: { anyOf: [{ const: "all" }, tables.shape.json] },
  accepts: (value): value is Table | "all" => value === "all" || tables.shape.accepts(value),
};
const FILTER = {
  table: anyTable,
  family: familyShape,
  dev: linkName,
  type: routeTypes.shape,
  protocol: protocols.shape,
};
const QUERY = {
  from: address,
  dev: linkName,
  vrf: linkName,
  iif: linkName,
  mark: integer(0, 0xffff_ffff),
  tos: integer(0, 255),
  uid: integer(0, 0xffff_fffe),
  ipproto: ipProtocols.shape,
  sport: integer(1, 0xffff),
  dport: integer(1, 0xffff),
  fibmatch: boolean,
};

type Wire = MessageIn<typeof newroute>;
type Raw = MessageOut<typeof newroute>;

/** iproute2's words, where they are not ours. */
const ACTS: Readonly<Record<string, string>> = { create: "add" };
const rules: ChangeRules<RouteVerb, RouteConfig, Wire> = {
  verbs: {
    create: { message: newroute, flags: NLM_F_CREATE | NLM_F_EXCL },
    replace: { message: newroute, flags: NLM_F_CREATE | NLM_F_REPLACE },
    append: { message: newroute, flags: NLM_F_CREATE | NLM_F_APPEND },
    prepend: { message: newroute, flags: NLM_F_CREATE },
    change: { message: newroute, flags: NLM_F_REPLACE },
    delete: { message: delroute, flags: 0 },
  },
  check: checkRoute,
  devices: ({ dev, nexthops }) => (nexthops === undefined ? [dev] : nexthops.map((one) => one.dev)),
  toWire: routeToWire,
  told({ dst, via, dev, nexthops, table }, verb) {
    const way = via === undefined ? (dev === undefined ? "" : ` dev ${dev}`) : ` via ${via}`;
    const where = nexthops === undefined ? way : ` via ${nexthops.length} nexthops`;
    return {
      what: `cannot ${ACTS[verb] ?? verb} route ${dst}${where}${table === undefined ? "" : ` in table ${table}`}`,
      properties: ROUTE_PROPERTIES,
      blamed: {
        EEXIST: "dst",
        ESRCH: "dst",
        ENOENT: "dst",
        ENETUNREACH: "via",
        EHOSTUNREACH: "via",
        ENODEV: "dev",
        ENETDOWN: "dev",
      },
    };
  },
};

/** Whether a table does not exist because nothing was ever put into it. */
function isEmpty(error: unknown): boolean {
  return error instanceof NetlinkError && error.code === "ENOENT";
}

/** Whether it is a route, and a learned exception (RTM_F_CLONED) or not, as `flags` says. */
function isMeant(raw: Raw, flags: number): boolean {
  return isRoute(raw) && (raw.header.flags & RTM_F.CLONED) === flags;
}

/** Routes as they arrive, put into words at once: their messages need not be kept. */
class Arrivals {
  /** Reads as undefined what is not meant. */
  readonly message: Message<never, Route | undefined>;
  readonly #links: LinkLookup;
  #names: LinkNaming;
  /** Those with a link that nobody knew, which may have come meanwhile. */
  readonly #strange = new Map<Route | undefined, Raw>();

  static async of(links: LinkLookup, flags: number): Promise<Arrivals> {
    return new Arrivals(links, await links.names(), flags);
  }
  private constructor(links: LinkLookup, names: LinkNaming, flags: number) {
    this.#links = links;
    this.#names = names;
    let unknown = false;
    const get = (index: number): string | undefined => {
      const name = this.#names.get(index);
      unknown ||= name === undefined;
      return name;
    };
    const read: Message<never, Route | undefined>["body"]["read"] = (from, start, end) => {
      const raw = newroute.body.read(from, start, end);
      if (!isMeant(raw, flags)) return undefined;
      unknown = false;
      const route = routeFromWire(raw, { get });
      if (unknown) this.#strange.set(route, raw);
      return route;
    };
    this.message = { name: newroute.name, type: newroute.type, body: { ...newroute.body, read } };
  }

  /** The routes of what was read. */
  async settled(found: readonly (Route | undefined)[]): Promise<Route[]> {
    const routes = found.filter((one) => one !== undefined);
    if (this.#strange.size === 0) return routes;
    const names = await this.#links.names();
    this.#names = names;
    return inTurns(routes, (route) => {
      const raw = this.#strange.get(route);
      this.#strange.delete(route);
      return raw === undefined ? route : routeFromWire(raw, names);
    });
  }
}

/** Lists, looks up and changes routes. */
export class Routes extends Service<RouteVerb, RouteConfig, Wire> {
  readonly #flush4: (() => Promise<void>) | undefined;

  /** `flush4` empties the cache of IPv4, which only the sysctl net.ipv4.route.flush can do. */
  constructor(connection: Connection, links: LinkLookup, flush4?: () => Promise<void>) {
    super(connection, links, rules);
    this.#flush4 = flush4;
  }

  async #request(filter: RouteFilter, flags: number): Promise<Wire[]> {
    check([], FILTER, filter, "filter");
    const { table = "main", family, dev, type, protocol } = filter;
    const number = table === "all" ? 0 : tables.numberOf(table);
    const oif = dev === undefined ? undefined : await this.links.indexOf(dev);
    const attrs = { oif, table: number < 256 ? undefined : number };
    const header = {
      table: number < 256 ? number : 0,
      type: type === undefined ? 0 : routeTypes.numberOf(type),
      protocol: protocol === undefined ? 0 : protocols.numberOf(protocol),
      flags,
    };
    const families = family === undefined ? [AF_INET, AF_INET6] : [familyNumber(family)];
    return families.map((one) => ({ header: { ...header, family: one }, attrs }));
  }

  /**
   * Routes of table main, or as the filter says. Learned exceptions are not among them, see {@link cached}.
   * Same as: ip route show; ip -6 route show
   */
  list(filter: RouteFilter = {}, options?: CallOptions): Promise<Listing<Route>> {
    return this.#list(filter, 0, options);
  }

  /**
   * Learned exceptions: path MTUs and redirects, each with the seconds until it ends. Same as: ip route show cache
   */
  async cached(filter: Pick<RouteFilter, "family" | "dev"> = {}, options?: CallOptions): Promise<Listing<Route>> {
    check([], { family: FILTER.family, dev: FILTER.dev }, filter, "filter");
    return this.#list({ table: "all", ...filter }, RTM_F.CLONED, options);
  }

  async #list(filter: RouteFilter, flags: number, options?: CallOptions): Promise<Listing<Route>> {
    const requests = await this.#request(filter, flags);
    const arrivals = await Arrivals.of(this.links, flags);
    const { found, consistent } = await this.#dumped(requests, arrivals.message, options);
    return listing(await arrivals.settled(found), consistent);
  }

  /** The messages of the routes that are meant. */
  async #raw(filter: RouteFilter, flags: number, options?: CallOptions): Promise<Raw[]> {
    const { found } = await this.#dumped(await this.#request(filter, flags), newroute, options);
    return found.filter((one) => isMeant(one, flags));
  }

  async #dumped<O>(
    requests: readonly Wire[],
    kind: Message<never, O>,
    options?: CallOptions,
  ): Promise<{ readonly found: readonly O[]; readonly consistent: boolean }> {
    const found: O[] = [];
    let whole = true;
    for (const request of requests) {
      try {
        const { messages, consistent } = await this.connection.dump(getroute, request, kind, options);
        for (const one of messages) found.push(one);
        whole &&= consistent;
      } catch (error) {
        if (!isEmpty(error)) throw error;
      }
    }
    return { found, consistent: whole };
  }

  /**
   * As {@link list}, in arrays of some hundred as they arrive, for tables too large to be kept.
   * @throws {SocketError} `ERR_INTERRUPTED` at the end when the table changed meanwhile.
   */
  async *stream(filter: RouteFilter = {}, options?: CallOptions): AsyncGenerator<readonly Route[], void, undefined> {
    const requests = await this.#request(filter, 0);
    const arrivals = await Arrivals.of(this.links, 0);
    for (const request of requests) {
      try {
        for await (const part of this.connection.stream(getroute, request, arrivals.message, options))
          yield await arrivals.settled(part);
      } catch (error) {
        if (!isEmpty(error)) throw error;
      }
    }
  }

  /**
   * Looks up what becomes of a packet. A path MTU that was learned shows as `mtu` with `cached` and `expires`.
   * Same as: ip route get DESTINATION; with `fibmatch`: ip route get fibmatch DESTINATION
   * @throws {NetlinkError} `ENETUNREACH`, `EHOSTUNREACH`, `EACCES` where the packet goes nowhere.
   */
  async get(destination: string, query: RouteQuery = {}, options?: CallOptions): Promise<Route> {
    checkOne(["destination"], address, destination);
    check([], QUERY, query, "query");
    const { from, vrf, dev = vrf, iif, mark, tos = 0, uid, ipproto, sport, dport, fibmatch } = query;
    if (vrf !== undefined && query.dev !== undefined) throw new InputError(["vrf"], "stands beside dev; use one");
    const wide = destination.includes(":");
    if (from !== undefined && from.includes(":") !== wide)
      throw new InputError(["from"], `${from} is not of the family of ${destination}`);
    const bits = wide ? 128 : 32;
    const header = {
      family: wide ? AF_INET6 : AF_INET,
      dstLen: bits,
      srcLen: from === undefined ? 0 : bits,
      tos,
      // IPv6 tells the table unasked, and refuses to be asked.
      flags: (wide ? 0 : RTM_F.LOOKUP_TABLE) | (fibmatch === true ? RTM_F.FIB_MATCH : 0),
    };
    try {
      const oif = dev === undefined ? undefined : await this.links.indexOf(dev);
      const attrs = {
        dst: destination,
        src: from,
        oif,
        iif: iif === undefined ? undefined : await this.links.indexOf(iif),
        mark,
        uid,
        ipProto: ipproto === undefined ? undefined : ipProtocols.numberOf(ipproto),
        sport,
        dport,
      };
      const message = await this.connection.get(getroute, { header, attrs }, newroute, options);
      return routeFromWire(message, await this.links.names());
    } catch (error) {
      throw retold(error, {
        what: `cannot reach ${destination}`,
        properties: { ...ROUTE_PROPERTIES, dst: "destination", ipProto: "ipproto" },
      });
    }
  }

  /**
   * Forgets learned path MTUs and redirects. Same as: ip route flush cache; ip -6 route flush cache
   * @throws {InputError} for IPv4 where nobody gave this object a way to the sysctl net.ipv4.route.flush.
   */
  async flushCache(filter: { readonly family?: Family | undefined } = {}, options?: CallOptions): Promise<void> {
    check([], { family: FILTER.family }, filter, "filter");
    if (filter.family !== "inet6") {
      if (this.#flush4 === undefined)
        throw new InputError(
          ["family"],
          "the cache of IPv4 is flushed by writing -1 to the sysctl net.ipv4.route.flush",
        );
      await this.#flush4();
    }
    if (filter.family === "inet") return;
    const raw = await this.#raw({ table: "all", family: "inet6" }, RTM_F.CLONED, options);
    for (const { header, attrs } of raw) {
      const { dst, src, oif, gateway, priority, table } = attrs;
      const request = {
        header: { ...header, flags: RTM_F.CLONED },
        attrs: { dst, src, oif, gateway, priority, table },
      };
      try {
        await this.connection.request(delroute, request, 0, options);
      } catch (error) {
        if (!(error instanceof NetlinkError && error.absent)) throw error; // it ended by itself meanwhile
      }
    }
  }

  /**
   * Removes all routes that the filter means, those of the kernel included where it means them. Resolves to how many
   * were removed. Same as: ip route flush table TABLE
   * @throws {InputError} for a filter that names nothing.
   */
  async flush(filter: RouteFilter, options?: CallOptions): Promise<number> {
    checkFlush(filter, "routes");
    const raw = await this.#raw(filter, 0, options);
    const commands = raw.map(({ header, attrs }) => {
      const { dst, src, oif, gateway, via, priority, table, prefsrc } = attrs;
      return command(delroute, { header, attrs: { dst, src, oif, gateway, via, priority, table, prefsrc } }, 0);
    });
    return removeAll(this.connection, commands, "routes", options);
  }

  /**
   * Routes of multicast that a daemon has given to the kernel, which takes them from nobody else.
   * Same as: ip -s mroute show table all; ip -6 -s mroute show table all
   */
  async multicast(filter: MulticastRouteFilter = {}, options?: CallOptions): Promise<Listing<MulticastRoute>> {
    check([], { family: familyShape, table: tables.shape }, filter, "filter");
    const wanted = filter.table === undefined ? undefined : tables.wordOf(tables.numberOf(filter.table));
    const families = { inet: RTNL_FAMILY_IPMR, inet6: RTNL_FAMILY_IP6MR };
    const found: MulticastRoute[] = [];
    let whole = true;
    const names = await this.links.names();
    for (const family of filter.family === undefined ? (["inet", "inet6"] as const) : [filter.family]) {
      const header = { family: families[family] };
      const { messages, consistent } = await this.connection.dump(getmroute, { header }, newmroute, options);
      found.push(...(await inTurns(messages, (message) => multicastRouteFromWire(message, names))));
      whole &&= consistent;
    }
    return listing(
      found.filter(({ table }) => wanted === undefined || table === wanted),
      whole,
    );
  }

  /** Adds a route. Same as: ip route add DST via VIA dev DEV @throws {NetlinkError} `EEXIST`, `ENETUNREACH` */
  create(config: RouteConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("create", config, options);
  }

  /** Adds a route, or changes the one to the same destination with the same metric. Same as: ip route replace */
  replace(config: RouteConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("replace", config, options);
  }

  /** Adds a route after the ones to the same destination; for IPv6, a nexthop to the one there is. Same as: ip route append */
  append(config: RouteConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("append", config, options);
  }

  /** Adds a route before the ones to the same destination; IPv4 only, IPv6 appends. Same as: ip route prepend */
  prepend(config: RouteConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("prepend", config, options);
  }

  /**
   * Changes the route to the same destination with the same metric. Same as: ip route change
   * @throws {NetlinkError} `ENOENT` where there is none.
   */
  change(config: RouteConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("change", config, options);
  }

  /**
   * Removes the first route that has all the given properties. Same as: ip route delete
   * @throws {NetlinkError} `ESRCH` where there is none.
   */
  delete(config: RouteConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("delete", config, options);
  }
}
