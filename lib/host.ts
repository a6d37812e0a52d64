/** One network namespace with all its services. */
import type { Addresses } from "./addresses/addresses.ts";
import type { Listen } from "./addresses/dad.ts";
import type { AddressLabels } from "./addresses/labels.ts";
import type { Mdb } from "./bridges/mdb.ts";
import type { Mst } from "./bridges/mst.ts";
import type { Vlans } from "./bridges/vlans.ts";
import type { Vnis } from "./bridges/vnis.ts";
import type { Devconf } from "./devconf/devconf.ts";
import type { Netconf } from "./devconf/netconf.ts";
import type { Ethtool } from "./ethtool/ethtool.ts";
import type { listenToDevices, readBitNames } from "./ethtool/notices.ts";
import { NETLINK_GENERIC } from "./families/generic.ts";
import { late } from "./families/late.ts";
import { NETLINK_NETFILTER } from "./families/netfilter.ts";
import { NETLINK_ROUTE } from "./families/route.ts";
import type { Fou } from "./fou/fou.ts";
import { Links, type LinksOptions } from "./links/links.ts";
import type { Vfs } from "./links/vfs.ts";
import type { Xstats } from "./links/xstats.ts";
import type { Macsec } from "./macsec/macsec.ts";
import type { Fdb } from "./neighbors/fdb.ts";
import type { Neighbors } from "./neighbors/neighbors.ts";
import type { NeighborTables } from "./neighbors/tables.ts";
import { HERE, Netns } from "./netns/netns.ts";
import type { Nsids } from "./netns/nsids.ts";
import type { makeTun } from "./netns/tun.ts";
import type { Nexthops } from "./nexthops/nexthops.ts";
import type { Nftables } from "./nftables/index.ts";
import type { Qdiscs } from "./qdiscs/qdiscs.ts";
import type { Routes } from "./routes/routes.ts";
import type { Rules } from "./rules/rules.ts";
import { checkList, checkOne, type Shape } from "./shape/shape.ts";
import { type CallOptions, type Command, Connection, Monitor, type NetlinkError, SocketError } from "./socket/index.ts";
import { KernelTransport } from "./socket/kernel.ts";
import type { Sysctls } from "./sysctl/sysctl.ts";
import type { CachedWatch } from "./watch/cache.ts";
import type { Chosen, Sources, Watch, WatchOptions } from "./watch/watch.ts";
import type { Wireguard } from "./wireguard/wireguard.ts";

/** Which namespace, and how to speak with its kernel. */
export interface HostOptions {
  /** A name under /run/netns, a path with a slash, or an open namespace; the default is the caller's own. */
  readonly netns?: string | Netns | undefined;
  /**
   * Requests on the calling thread instead of an I/O thread: faster one by one, but a busy kernel then holds up the
   * event loop. For short-lived programs.
   */
  readonly inline?: boolean | undefined;
}

/** What {@link Host.batch} takes. */
const prepared: Shape<Command> = {
  expected: "a change that the commands() of a service prepared",
  json: { type: "object" },
  accepts: (value): value is Command =>
    typeof value === "object" && value !== null && "message" in value && "value" in value,
};

/** What is loaded when it is first asked for. */
const load = {
  addresses: () => late<typeof import("./addresses/addresses.ts")>("addresses/addresses").Addresses,
  addressLabels: () => late<typeof import("./addresses/labels.ts")>("addresses/labels").AddressLabels,
  mdb: () => late<typeof import("./bridges/mdb.ts")>("bridges/mdb").Mdb,
  mst: () => late<typeof import("./bridges/mst.ts")>("bridges/mst").Mst,
  vlans: () => late<typeof import("./bridges/vlans.ts")>("bridges/vlans").Vlans,
  vnis: () => late<typeof import("./bridges/vnis.ts")>("bridges/vnis").Vnis,
  devconf: () => late<typeof import("./devconf/devconf.ts")>("devconf/devconf").Devconf,
  netconf: () => late<typeof import("./devconf/netconf.ts")>("devconf/netconf").Netconf,
  ethtool: () => late<typeof import("./ethtool/ethtool.ts")>("ethtool/ethtool").Ethtool,
  ethtoolIoctl: () => late<typeof import("./ethtool/ioctl.ts")>("ethtool/ioctl").ethtoolIoctl,
  listenToDevices: () => late<{ listenToDevices: typeof listenToDevices }>("ethtool/notices").listenToDevices,
  readBitNames: () => late<{ readBitNames: typeof readBitNames }>("ethtool/notices").readBitNames,
  xstats: () => late<typeof import("./links/xstats.ts")>("links/xstats").Xstats,
  vfs: () => late<typeof import("./links/vfs.ts")>("links/vfs").Vfs,
  fdb: () => late<typeof import("./neighbors/fdb.ts")>("neighbors/fdb").Fdb,
  fou: () => late<typeof import("./fou/fou.ts")>("fou/fou").Fou,
  macsec: () => late<typeof import("./macsec/macsec.ts")>("macsec/macsec").Macsec,
  neighbors: () => late<typeof import("./neighbors/neighbors.ts")>("neighbors/neighbors").Neighbors,
  neighborTables: () => late<typeof import("./neighbors/tables.ts")>("neighbors/tables").NeighborTables,
  nsids: () => late<typeof import("./netns/nsids.ts")>("netns/nsids").Nsids,
  makeTun: () => late<{ makeTun: typeof makeTun }>("netns/tun").makeTun,
  nexthops: () => late<typeof import("./nexthops/nexthops.ts")>("nexthops/nexthops").Nexthops,
  nftables: () => late<typeof import("./nftables/index.ts")>("nftables/index").Nftables,
  qdiscs: () => late<typeof import("./qdiscs/qdiscs.ts")>("qdiscs/qdiscs").Qdiscs,
  routes: () => late<typeof import("./routes/routes.ts")>("routes/routes").Routes,
  rules: () => late<typeof import("./rules/rules.ts")>("rules/rules").Rules,
  sysctls: () => late<typeof import("./sysctl/sysctl.ts")>("sysctl/sysctl").Sysctls,
  cachedWatch: () => late<typeof import("./watch/cache.ts")>("watch/cache").CachedWatch,
  watch: () => late<typeof import("./watch/watch.ts")>("watch/watch").Watch,
  wireguard: () => late<typeof import("./wireguard/wireguard.ts")>("wireguard/wireguard").Wireguard,
} as const;

/**
 * A host, or a namespace of it. Services open their socket when they are first used; all of them may be used by many
 * callers at once. `await using` closes it.
 */
export class Host implements AsyncDisposable {
  readonly netns: Netns;
  readonly #fd: number;
  readonly #owned: boolean;
  readonly #inline: boolean;
  readonly #connections = new Map<number, Connection>();
  readonly #services = new Map<string, unknown>();
  readonly #ended = new AbortController();
  #closed = false;

  /** @throws {NetnsError} when there is no such namespace. */
  static async open({ netns, inline = false }: HostOptions = {}): Promise<Host> {
    if (netns instanceof Netns) return new Host(netns, netns.fd, false, inline);
    // Entering a namespace takes a privilege, even where it is one's own: what is here is opened from here.
    if (netns === undefined) return new Host(Netns.current(), HERE, true, inline);
    const opened = Netns.open(netns);
    return new Host(opened, opened.fd, true, inline);
  }
  private constructor(netns: Netns, fd: number, owned: boolean, inline: boolean) {
    this.netns = netns;
    this.#fd = fd;
    this.#owned = owned;
    this.#inline = inline;
  }

  /** The one connection of a protocol, opened when it is first asked for. */
  #connection(protocol: number): Connection {
    const open = this.#connections.get(protocol);
    if (open !== undefined) return open;
    const made = Connection.open({ protocol, netns: this.#fd, inline: this.#inline });
    this.#connections.set(protocol, made);
    return made;
  }

  /** The one service of a kind, made when it is first asked for. */
  #service<T>(kind: string, make: () => T): T {
    if (this.#closed) throw new SocketError("ERR_CLOSED", "the host was closed");
    const known = this.#services.get(kind);
    if (known !== undefined) return known as T;
    const made = make();
    this.#services.set(kind, made);
    return made;
  }

  /** Numbers that this namespace has for others. */
  get nsids(): Nsids {
    return this.#service("nsids", () => new (load.nsids())(this.#connection(NETLINK_ROUTE)));
  }
  /** Network interfaces. */
  get links(): Links {
    const options: LinksOptions = {
      openNetns: (name) => Netns.open(name),
      numberOf: (connection, netns, options) => new (load.nsids())(connection).ensure(netns, options),
      makers: { tun: (config, netns = this.#fd) => load.makeTun()(netns, config) },
    };
    return this.#service("links", () => new Links(this.#connection(NETLINK_ROUTE), options));
  }
  /** Virtual functions of network cards. */
  get vfs(): Vfs {
    return this.#service("vfs", () => new (load.vfs())(this.#connection(NETLINK_ROUTE), this.links));
  }
  /** What bridges, bonds and their ports count beside packets. */
  get xstats(): Xstats {
    return this.#service("xstats", () => new (load.xstats())(this.#connection(NETLINK_ROUTE), this.links));
  }
  /** Addresses of links. */
  get addresses(): Addresses {
    const listen: Listen = (options) => Monitor.open({ protocol: NETLINK_ROUTE, netns: this.#fd, ...options });
    return this.#service(
      "addresses",
      () => new (load.addresses())(this.#connection(NETLINK_ROUTE), this.links, listen),
    );
  }
  /** Labels by which IPv6 chooses among its addresses. */
  get addressLabels(): AddressLabels {
    return this.#service(
      "addressLabels",
      () => new (load.addressLabels())(this.#connection(NETLINK_ROUTE), this.links),
    );
  }
  /** Routes of all tables. */
  get routes(): Routes {
    const flush = async (): Promise<void> => {
      await this.sysctls.set("net.ipv4.route.flush", 1);
    };
    return this.#service("routes", () => new (load.routes())(this.#connection(NETLINK_ROUTE), this.links, flush));
  }
  /** Nexthops that routes refer to by number. */
  get nexthops(): Nexthops {
    return this.#service("nexthops", () => new (load.nexthops())(this.#connection(NETLINK_ROUTE), this.links));
  }
  /** Which table is asked for which packets. */
  get rules(): Rules {
    return this.#service("rules", () => new (load.rules())(this.#connection(NETLINK_ROUTE), this.links));
  }
  /** Which MAC address an IP address has. */
  get neighbors(): Neighbors {
    return this.#service("neighbors", () => new (load.neighbors())(this.#connection(NETLINK_ROUTE), this.links));
  }
  /** How neighbors are looked for and forgotten. */
  get neighborTables(): NeighborTables {
    return this.#service(
      "neighborTables",
      () => new (load.neighborTables())(this.#connection(NETLINK_ROUTE), this.links),
    );
  }
  /** Forwarding entries of bridges and VXLANs. */
  get fdb(): Fdb {
    return this.#service("fdb", () => new (load.fdb())(this.#connection(NETLINK_ROUTE), this.links));
  }
  /** Traffic control: qdiscs, and in them their classes and filters. */
  get qdiscs(): Qdiscs {
    return this.#service("qdiscs", () => new (load.qdiscs())(this.#connection(NETLINK_ROUTE), this.links));
  }
  /** VLANs of bridges and their ports. */
  get vlans(): Vlans {
    return this.#service("vlans", () => new (load.vlans())(this.#connection(NETLINK_ROUTE), this.links));
  }
  /** States of bridges' ports in instances of the spanning tree. */
  get mst(): Mst {
    return this.#service("mst", () => new (load.mst())(this.#connection(NETLINK_ROUTE), this.links));
  }
  /** VNIs that a VXLAN with `vnifilter` takes. */
  get vnis(): Vnis {
    return this.#service("vnis", () => new (load.vnis())(this.#connection(NETLINK_ROUTE), this.links));
  }
  /** Multicast groups of bridges and VXLANs. */
  get mdb(): Mdb {
    return this.#service("mdb", () => new (load.mdb())(this.#connection(NETLINK_ROUTE), this.links));
  }
  /** Packet filter and address translation. */
  get nftables(): Nftables {
    return this.#service("nftables", () => new (load.nftables())(this.#connection(NETLINK_NETFILTER)));
  }
  /** Sysctls of interfaces, many at once. */
  get devconf(): Devconf {
    return this.#service("devconf", () => new (load.devconf())(this.#connection(NETLINK_ROUTE), this.links));
  }
  /** Which interfaces forward. */
  get netconf(): Netconf {
    return this.#service("netconf", () => new (load.netconf())(this.#connection(NETLINK_ROUTE), this.links));
  }
  /** What devices can do, and how they are set. */
  get ethtool(): Ethtool {
    return this.#service(
      "ethtool",
      () => new (load.ethtool())(this.#connection(NETLINK_GENERIC), load.ethtoolIoctl()(this.#fd)),
    );
  }
  /** Keys and peers of WireGuard links. */
  get wireguard(): Wireguard {
    return this.#service("wireguard", () => new (load.wireguard())(this.#connection(NETLINK_GENERIC), this.links));
  }
  /** Channels, associations and keys of MACsec links. */
  get macsec(): Macsec {
    return this.#service("macsec", () => new (load.macsec())(this.#connection(NETLINK_GENERIC), this.links));
  }
  /** Ports that tunnels over UDP are received on. */
  get fou(): Fou {
    return this.#service("fou", () => new (load.fou())(this.#connection(NETLINK_GENERIC), this.links));
  }
  /** Settings under /proc/sys/net. */
  get sysctls(): Sysctls {
    return this.#service("sysctls", () => new (load.sysctls())(this.#fd));
  }

  /**
   * Sends many prepared changes of several services in few system calls, in the order given; no transaction:
   * `host.batch([...(await host.addresses.commands("create", […])), ...(await host.routes.commands("create", […]))])`.
   * Resolves to one entry for each: undefined, or why the kernel refused it.
   */
  async batch(commands: readonly Command[], options?: CallOptions): Promise<readonly (NetlinkError | undefined)[]> {
    if (this.#closed) throw new SocketError("ERR_CLOSED", "the host was closed");
    checkList(["commands"], commands);
    for (const [i, one] of commands.entries()) checkOne(["commands", String(i)], prepared, one);
    return this.#connection(NETLINK_ROUTE).batch(commands, options);
  }

  /**
   * Changes as they happen: `for await (const event of host.watch({ links: true, addresses: true }))`. With `cache`,
   * the watch also keeps the tables; in them counters, times that pass, and a bridge's `mcastQuerierState` are those of the
   * last event, as the kernel is silent of what they do. Same as: ip monitor all; bridge monitor; tc monitor; ethtool --monitor
   * @throws {SocketError} `ERR_OPEN` when the kernel gives no socket.
   */
  watch<const O extends WatchOptions & { readonly cache: true }>(options: O): CachedWatch<Chosen<O>>;
  watch<const O extends WatchOptions & { readonly cache?: false | undefined }>(options: O): Watch<Chosen<O>>;
  watch(options: WatchOptions & { readonly cache?: boolean | undefined }): Watch {
    if (this.#closed) throw new SocketError("ERR_CLOSED", "the host was closed");
    const sources: Sources = {
      lists: {
        links: () => this.links.list(),
        addresses: () => this.addresses.list(),
        routes: () => this.routes.list({ table: "all" }),
        neighbors: () => this.neighbors.list(),
        fdb: () => this.fdb.list(),
        rules: () => this.rules.list(),
        nexthops: () => this.nexthops.list(),
        qdiscs: () => this.qdiscs.list(),
        classes: () => this.qdiscs.classes.list(),
        filters: () => this.qdiscs.filters.list(),
        netconf: () => this.netconf.list(),
        vlans: () => this.vlans.list(),
        vnis: () => this.vnis.list(),
        mdb: () => this.mdb.list(),
        nsids: () => this.nsids.list(),
      },
      names: () => this.links.names(),
      open: (how) => Monitor.open({ protocol: NETLINK_ROUTE, netns: this.#fd, ...how }),
      openEthtool: (how) =>
        load.listenToDevices()(KernelTransport.open({ protocol: NETLINK_GENERIC, netns: this.#fd, ...how }), how),
      bitNames: () => load.readBitNames()(this.#connection(NETLINK_GENERIC)),
    };
    const { signal } = options;
    const ended = signal instanceof AbortSignal ? AbortSignal.any([signal, this.#ended.signal]) : this.#ended.signal;
    const all = { ...options, ...(signal === undefined || signal instanceof AbortSignal ? { signal: ended } : {}) };
    return options.cache === true ? new (load.cachedWatch())(sources, all) : new (load.watch())(sources, all);
  }

  /** Closes every socket; what is under way rejects with `ERR_CLOSED`. A namespace that was handed in stays open. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const connection of this.#connections.values()) connection.close();
    this.#ended.abort(new SocketError("ERR_CLOSED", "the host was closed"));
    if (this.#owned) this.netns.close();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
