/** The links of one network namespace. */
import { type LinkLookup, type Listing, listing, retold, type Told } from "../families/lookup.ts";
import { NETLINK_ROUTE, RTEXT_FILTER_SKIP_STATS } from "../families/route.ts";
import { inTurns } from "../families/turns.ts";
import {
  boolean,
  check,
  checkObject,
  checkOne,
  InputError,
  integer,
  knownLinkName,
  linkName,
  type Shape,
} from "../shape/shape.ts";
import { type CallOptions, type Command, Connection, checkCall, NetlinkError } from "../socket/index.ts";
import { Indexes } from "./indexes.ts";
import type { AnyKind } from "./kind.ts";
import { type KindName, kindNamed } from "./kinds/index.ts";
import { changeSteps, creation, references, type Step } from "./messages.ts";
import { type LinkMessage, linkFromWire, linkTold } from "./observed.ts";
import type { LinkNames, NetnsRef } from "./option.ts";
import { netnsRef } from "./peer.ts";
import { checkPortOf } from "./ports.ts";
import { dellink, getlink, type LinkGlance, linkGlance, linkNameOnly, newlink } from "./schema.ts";
import {
  type ConfigOf,
  checkChanges,
  checkConfig,
  type Link,
  type LinkChanges,
  type LinkConfig,
  properties,
} from "./words.ts";

/** Bytes of a name in IFLA_IFNAME; longer ones are alternative names, which IFLA_IFNAME finds too where they are short. */
const SHORT_NAME = 15;
const ENODEV = -19;

const nameAttrs = (name: string): { ifname: string } | { altIfname: string } => {
  const length = Buffer.byteLength(name);
  return length === 0 || length > SHORT_NAME ? { altIfname: name } : { ifname: name };
};

/** What is asked of a link that others refer to. */
const glanceAt = (name: string) => ({ header: {}, attrs: { ...nameAttrs(name), extMask: RTEXT_FILTER_SKIP_STATS } });

/** What {@link Links} may be given. */
export interface LinksOptions {
  /** Opens a namespace that is given by its name; without it, only open ones can be named. */
  readonly openNetns?: (name: string) => { readonly fd: number } & Disposable;
  /** The number that the namespace of a connection has for another one; gives it one where it has none. */
  readonly numberOf?: (
    connection: Connection,
    netns: { readonly fd: number },
    options?: CallOptions,
  ) => Promise<number>;
  /** Who makes links of the kinds that rtnetlink does not make, in the namespace of a descriptor; by default here. */
  readonly makers?: { readonly [K in KindName]?: LinkMaker<ConfigOf<K>> };
}
type LinkMaker<C> = (config: C, netns?: number) => Promise<void>;

/** Which links to list, and what of them. */
export interface LinkFilter {
  /** Whether the counters are wanted too. Default false. */
  readonly statistics?: boolean | undefined;
}

const FILTER = { statistics: boolean };
const linkIndex = integer(1, 0x7fff_ffff);
/** Where a link is moved to. */
const target: Shape<NetnsRef | { readonly pid: number }> = {
  expected: `${netnsRef.expected}, or { pid } with that of a process`,
  json: netnsRef.json,
  accepts: (value): value is NetnsRef | { readonly pid: number } =>
    typeof value === "object" && value !== null && "pid" in value
      ? linkIndex.accepts(value.pid)
      : netnsRef.accepts(value as unknown),
};

/** Namespaces that were opened for one request. */
class OpenNamespaces implements Disposable {
  readonly #open: LinksOptions["openNetns"];
  readonly #opened = new Map<string, { readonly fd: number } & Disposable>();

  constructor(open: LinksOptions["openNetns"]) {
    this.#open = open;
  }
  fdOf(netns: NetnsRef): number {
    if (typeof netns !== "string") return netns.fd;
    let opened = this.#opened.get(netns);
    if (opened === undefined) {
      if (this.#open === undefined) throw new InputError(["netns"], "expected an open namespace, got a name");
      opened = this.#open(netns);
      this.#opened.set(netns, opened);
    }
    return opened.fd;
  }
  /** A connection in a namespace; the caller's to close. */
  connect(netns: NetnsRef | undefined): Connection | undefined {
    if (netns === undefined) return undefined;
    return Connection.open({ protocol: NETLINK_ROUTE, netns: this.fdOf(netns), inline: false });
  }
  [Symbol.dispose](): void {
    for (const netns of this.#opened.values()) netns[Symbol.dispose]();
  }
}

/** Lists and changes links. */
export class Links implements LinkLookup {
  readonly #connection: Connection;
  readonly #openNetns: LinksOptions["openNetns"];
  readonly #numberOf: LinksOptions["numberOf"];
  readonly #makers: NonNullable<LinksOptions["makers"]>;
  readonly #known = new Indexes<LinkGlance>();

  constructor(connection: Connection, options: LinksOptions = {}) {
    this.#connection = connection;
    this.#openNetns = options.openNetns;
    this.#numberOf = options.numberOf;
    this.#makers = options.makers ?? {};
  }

  /** All links, without counters unless `statistics` is asked for. Same as: ip -details link show */
  async list(filter: LinkFilter = {}, options?: CallOptions): Promise<Listing<Link>> {
    check([], FILTER, filter, "filter");
    const { statistics = false } = filter;
    const attrs = { extMask: statistics ? 0 : RTEXT_FILTER_SKIP_STATS };
    const { messages, consistent } = await this.#connection.dump(getlink, { header: {}, attrs }, linkTold, options);
    const names = new Map(messages.map(({ header, attrs: { ifname = "" } }) => [header.index, ifname]));
    const told = reading((index) => names.get(index));
    return listing(await inTurns(messages, (message) => linkFromWire(message, told, statistics)), consistent);
  }

  /**
   * One link with its counters, by its name or an alternative one; undefined where there is none.
   * Same as: ip -details -statistics link show dev NAME
   */
  async get(name: string, options?: CallOptions): Promise<Link | undefined> {
    checkOne(["name"], knownLinkName, name);
    const message = await this.#read(name, options);
    return message && (await this.#observe(message, options));
  }

  /** In words, with the names of the links that this one refers to. */
  async #observe(message: LinkMessage, options?: CallOptions): Promise<Link> {
    const names = new Map<number, string | undefined>([[message.header.index, message.attrs.ifname]]);
    for (;;) {
      const wanted = new Set<number>();
      const nameOf = (index: number): string | undefined => {
        if (!names.has(index)) wanted.add(index);
        return names.get(index);
      };
      const link = linkFromWire(message, reading(nameOf));
      if (wanted.size === 0) return link;
      for (const index of wanted) names.set(index, await this.#nameOf(index, options));
    }
  }

  #read(name: string, options?: CallOptions, connection = this.#connection): Promise<LinkMessage | undefined> {
    const read = connection.get(getlink, { header: {}, attrs: nameAttrs(name) }, linkTold, options);
    return found(read, `cannot read link ${name}`);
  }
  /** As others who refer to it need it; its name may be another than the one it was asked for by. */
  #glance(name: string, options?: CallOptions, connection = this.#connection): Promise<LinkGlance | undefined> {
    return found(connection.get(getlink, glanceAt(name), linkGlance, options), `cannot read link ${name}`);
  }
  /** The same, at most {@link Indexes} old. */
  #lookUp(name: string, options?: CallOptions): Promise<LinkGlance | undefined> {
    return this.#known.find(name, () => this.#glance(name, options), options !== undefined);
  }
  async #nameOf(index: number, options?: CallOptions): Promise<string | undefined> {
    const value = { header: { index }, attrs: { extMask: RTEXT_FILTER_SKIP_STATS } };
    const read = this.#connection.get(getlink, value, linkNameOnly, options);
    return (await found(read, `cannot read link #${index}`))?.name;
  }
  async #present(name: string, doing: string, options?: CallOptions): Promise<LinkMessage> {
    const message = await this.#read(name, options);
    if (message !== undefined) return message;
    throw new NetlinkError({ errno: ENODEV, request: doing, reason: "there is no such link", attribute: "name" });
  }

  /**
   * The index of a link, by its name or an alternative one, at most {@link Indexes} old: somebody else may rename links.
   * @throws {InputError} when there is none.
   */
  async indexOf(name: string, options?: CallOptions): Promise<number> {
    checkOne(["name"], knownLinkName, name);
    checkCall(options);
    const link = await this.#lookUp(name, options);
    if (link === undefined) throw new InputError([name], "there is no such link");
    return link.index;
  }

  /** The name of a link now; undefined where there is none with this index. */
  async nameOf(index: number, options?: CallOptions): Promise<string | undefined> {
    checkOne(["index"], linkIndex, index);
    return this.#nameOf(index, options);
  }

  /** Every link's name by its index, as it is now. */
  async names(options?: CallOptions): Promise<ReadonlyMap<number, string>> {
    const value = { header: {}, attrs: { extMask: RTEXT_FILTER_SKIP_STATS } };
    const { messages } = await this.#connection.dump(getlink, value, linkNameOnly, options);
    return new Map(messages.map(({ index, name }) => [index, name]));
  }

  /**
   * Makes a link and returns its index, in the namespace where it lives. Everything is in one message that is carried
   * out whole or not at all, but for a port's options, `alias`, `altnames`, `addrGenMode`, `token`, `carrier`,
   * `protodown` with its reasons and the `mtu` of a bridge, hsr or macsec, which Linux takes afterwards only: when it
   * refuses one of them the link is removed again. What it does not know it acknowledges in silence, a VXLAN with `dev`
   * gets a lower MTU than asked for where that does not fit, and an ipvlan the `arp` of its mode: compare with
   * `differences`. Same as: ip link add NAME type KIND …
   *
   * @throws {InputError} before anything is sent.
   * @throws {NetlinkError} `EEXIST`, `ERANGE`, `EOPNOTSUPP`, …; `attribute` is the property at fault.
   */
  async create(config: LinkConfig, options?: CallOptions): Promise<number> {
    const kind = checkConfig(config);
    checkCall(options);
    const make = this.#makers[config.kind] as LinkMaker<LinkConfig> | undefined;
    if (make !== undefined) return this.#createBy(make, config, kind, options);
    const what = `cannot create link ${config.name}`;
    using namespaces = new OpenNamespaces(this.#openNetns);
    const { name, netns, linkNetns } = config;
    const away = namespaces.connect(netns);
    const below = namespaces.connect(linkNetns);
    try {
      const { names, master } = await this.#resolve(name, kind, config, namespaces, options, below && new Links(below));
      checkPortOf([name, "port"], config.port ?? {}, master);
      const fd = linkNetns === undefined ? undefined : namespaces.fdOf(linkNetns);
      const from = fd === undefined ? undefined : await this.#number(away, { fd }, options);
      const { first, later } = creation(config, kind, names, master, from);
      const made = away === undefined ? this.#make(first, name, options) : this.#makeAway(first, name, away, options);
      const link = await made;
      this.#forget(config);
      if (link === undefined)
        throw new NetlinkError({ errno: ENODEV, request: what, reason: "it was made, and has another name now" });
      if (Object.keys(later).length > 0) await this.#finish(link.index, kind, later, names, away, options);
      return link.index;
    } catch (error) {
      this.#known.clear();
      throw retold(error, toldOf(error, what, kind, config));
    } finally {
      away?.close();
      below?.close();
    }
  }
  /** Makes a link and looks at it in the same breath; undefined where it has another name by then. */
  async #make(first: Command, name: string, options?: CallOptions): Promise<LinkGlance | undefined> {
    try {
      return await this.#connection.changeAndGet(first, getlink, glanceAt(name), linkGlance, options);
    } catch (error) {
      if (error instanceof NetlinkError && error.request === getlink.name && error.absent) return undefined;
      throw error;
    }
  }
  async #makeAway(
    { message, value, flags }: Command,
    name: string,
    away: Connection,
    options?: CallOptions,
  ): Promise<LinkGlance | undefined> {
    await this.#connection.request(message, value, flags, options);
    return this.#glance(name, options, away);
  }
  /** Forgets the links that had these names before: somebody else may have removed them. */
  #forget(made: LinkConfig): void {
    if ("peer" in made || made.altnames !== undefined) this.#known.clear();
    else this.#known.forget(made.name);
  }
  #number(connection = this.#connection, netns: { readonly fd: number }, options?: CallOptions): Promise<number> {
    if (this.#numberOf === undefined)
      throw new InputError(["linkNetns"], "this object was given no way to number namespaces; leave it out");
    return this.#numberOf(connection, netns, options);
  }

  /** Has a link made by somebody else, and tells it the rest; when that is refused the link is removed again. */
  async #createBy(
    make: LinkMaker<LinkConfig>,
    config: LinkConfig,
    kind: AnyKind,
    options?: CallOptions,
  ): Promise<number> {
    const { netns, ...rest } = config;
    const { name } = config;
    const what = `cannot create link ${name}`;
    using namespaces = new OpenNamespaces(this.#openNetns);
    const fd = netns === undefined ? undefined : namespaces.fdOf(netns);
    const away = fd === undefined ? undefined : Connection.open({ protocol: NETLINK_ROUTE, netns: fd, inline: false });
    const there = away === undefined ? this : new Links(away);
    try {
      await make(config, fd);
      try {
        await there.update(name, rest, options);
        return (await there.#present(name, what, options)).header.index;
      } catch (error) {
        await there.delete(name).catch(() => undefined);
        throw error;
      }
    } catch (error) {
      throw retold(error, toldOf(error, what, kind, config));
    } finally {
      away?.close();
    }
  }

  /** What Linux takes only of a link that exists. */
  async #finish(
    index: number,
    kind: AnyKind,
    later: LinkChanges,
    names: LinkNames,
    connection: Connection = this.#connection,
    options?: CallOptions,
  ): Promise<void> {
    try {
      const message = await connection.get(getlink, { header: { index } }, linkTold, options);
      const now = linkFromWire(
        message,
        reading(() => undefined),
      );
      await run(connection, changeSteps(now, kind, later, names), options);
    } catch (error) {
      await connection.request(dellink, { header: { index } }).catch(() => undefined);
      throw error;
    }
  }

  /**
   * Changes a link, one property a message: when one is refused, those before it are changed. What the link has already
   * is not sent, but for the `mtu` of a bridge: naming it keeps the bridge from following its ports, also where the
   * number stays. Returns the properties that were sent. Same as: ip link set dev NAME …
   *
   * @throws {InputError} before anything is sent.
   * @throws {NetlinkError} `ENODEV` where there is no such link, `EOPNOTSUPP` for what cannot change in place, …
   */
  async update(name: string, changes: LinkChanges, options?: CallOptions): Promise<readonly string[]> {
    checkOne(["name"], knownLinkName, name);
    checkObject([], changes, "changes");
    const now = await this.#observe(await this.#present(name, `cannot change link ${name}`, options), options);
    const kind = kindNamed(now.kind);
    checkChanges(now, kind, changes);
    using namespaces = new OpenNamespaces(this.#openNetns);
    const { names, ...resolved } = await this.#resolve(name, kind, changes, namespaces, options);
    const master = resolved.master ?? now.wire.attrs.linkinfo?.slave?.kind;
    checkPortOf([name, "port"], changes.port ?? {}, master);
    const steps = changeSteps(now, kind, changes, names, master);
    try {
      await run(this.#connection, steps, options);
    } catch (error) {
      throw retold(error, toldOf(error, `cannot change link ${name}`, kind, changes));
    } finally {
      this.#known.clear();
    }
    return [...new Set(steps.map(({ key }) => key))];
  }

  /**
   * Removes a link and what is on it; the kernel looks the name up in the same moment. With `index` only if the link has
   * this index, so that one that was made anew meanwhile stays. Same as: ip link delete dev NAME
   *
   * @throws {NetlinkError} `ENODEV` where there is none, `EOPNOTSUPP` for hardware.
   */
  async delete(name: string, options: CallOptions & { readonly index?: number | undefined } = {}): Promise<void> {
    checkOne(["name"], knownLinkName, name);
    checkObject([], options, "options");
    const what = `cannot delete link ${name}`;
    const { index } = options;
    check(["options"], { index: linkIndex }, { index });
    if (index !== undefined && (await this.#present(name, what, options)).header.index !== index)
      throw new NetlinkError({ errno: ENODEV, request: what, reason: `its index is not ${index}`, attribute: "index" });
    const value = index === undefined ? { header: {}, attrs: nameAttrs(name) } : { header: { index } };
    try {
      await this.#connection.request(dellink, value, 0, options);
    } catch (error) {
      throw retold(error, { what, properties: properties(undefined), blamed: { ENODEV: "name" } });
    } finally {
      this.#known.clear();
    }
  }

  /**
   * Moves a link to another namespace, where it may get another name; it is switched off, and its addresses, routes and
   * bridge are lost. `pid` is a process that lives there. Same as: ip link set dev NAME netns NETNS
   */
  async move(
    name: string,
    netns: NetnsRef | { readonly pid: number },
    options: CallOptions & { readonly name?: string } = {},
  ): Promise<void> {
    checkOne(["name"], knownLinkName, name);
    checkOne(["netns"], target, netns);
    checkObject([], options, "options");
    check(["options"], { name: linkName }, { name: options.name });
    const what = `cannot move link ${name}`;
    const { index } = (await this.#present(name, what, options)).header;
    using namespaces = new OpenNamespaces(this.#openNetns);
    const where =
      typeof netns === "object" && "pid" in netns ? { netNsPid: netns.pid } : { netNsFd: namespaces.fdOf(netns) };
    const attrs = { ...where, ifname: options.name };
    try {
      await this.#connection.request(newlink, { header: { index }, attrs }, 0, options);
    } catch (error) {
      throw retold(error, { what, properties: properties(undefined), blamed: { ESRCH: "netns" } });
    } finally {
      this.#known.clear();
    }
  }

  /** Looks up the links that a config refers to, and the kind of its master. @throws {InputError} that names the property. */
  async #resolve(
    name: string,
    kind: AnyKind | undefined,
    config: object,
    namespaces: OpenNamespaces,
    options?: CallOptions,
    below: Links = this,
  ): Promise<{ readonly names: LinkNames; readonly master: string | undefined }> {
    const indexes = new Map<string, number>();
    let master: string | undefined;
    for (const { key, name: other } of references(kind, config)) {
      // A link that joins another one's ports stays there: its name is not taken from memory.
      const link = await (key === "master" ? this.#glance(other, options) : below.#lookUp(other, options));
      if (link === undefined) throw new InputError([name, ...key.split(".")], `there is no link ${other}`);
      indexes.set(other, link.index);
      if (key === "master") master = link.kind;
    }
    const indexOf = (other: string): number => indexes.get(other) as number;
    return { names: { indexOf, nameOf: () => undefined, fdOf: (netns) => namespaces.fdOf(netns) }, master };
  }
}

/** Undefined where the kernel knows no such link. */
async function found<T>(read: Promise<T>, what: string): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof NetlinkError && error.absent) return undefined;
    throw retold(error, { what, properties: properties(undefined) });
  }
}

/** One after the other, as each is refused on its own. The property at fault is the one sent, whatever the kernel points at. */
async function run(connection: Connection, steps: readonly Step[], options?: CallOptions): Promise<void> {
  for (const { key, command } of steps)
    try {
      await connection.request(command.message, command.value, command.flags, options);
    } catch (error) {
      if (error instanceof NetlinkError) Object.assign(error, { attribute: key });
      throw error;
    }
}

/** The words for a refusal, and the property at fault where the kernel's words tell it and its attribute does not. */
function toldOf(error: unknown, what: string, kind: AnyKind | undefined, config: object): Told {
  const reason = error instanceof NetlinkError ? error.reason : undefined;
  const blamed: Record<string, string> = {};
  // Of a veth either of two names may be taken, and of others a number.
  if (reason === undefined && !("peer" in config) && !("index" in config)) blamed["EEXIST"] = "name";
  if (reason === undefined) return { what, properties: properties(kind), blamed };
  if (/unknown device type/i.test(reason)) blamed["EOPNOTSUPP"] = "kind";
  else if (/specified VNI/.test(reason)) blamed["EEXIST"] = "vni";
  return { what, properties: properties(kind), blamed };
}

/** Names for reading; nothing is looked up the other way. */
function reading(nameOf: LinkNames["nameOf"]): LinkNames {
  const unused = (): never => {
    throw new TypeError("reading looks nothing up");
  };
  return { nameOf, indexOf: unused, fdOf: unused };
}
