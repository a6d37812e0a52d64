/** Traffic control of one network namespace: qdiscs, their classes, and the filters that sort packets into them. */
import { type LinkLookup, type Listing, linkNamed, listing } from "../families/lookup.ts";
import { inTurns } from "../families/turns.ts";
import { boolean, check, checkObject, checkOne, InputError, linkName } from "../shape/shape.ts";
import type { CallOptions, Connection, Dump } from "../socket/index.ts";
import { Changes } from "./changes.ts";
import { handleNumber } from "./handle.ts";
import {
  delclass,
  delfilter,
  delqdisc,
  getclass,
  getfilter,
  getqdisc,
  newclass,
  newfilter,
  newqdisc,
  type TcMessage,
} from "./schema.ts";
import {
  classFromWire,
  classShapes,
  classSort,
  filterFromWire,
  filterShapes,
  filterSort,
  type Qdisc,
  type QdiscConfig,
  type QdiscPlace,
  qdiscFromWire,
  qdiscShapes,
  qdiscSort,
  type TcClass,
  type TcClassConfig,
  type TcClassPlace,
  type TcFilter,
  type TcFilterConfig,
  type TcFilterName,
  type TcFilterPlace,
} from "./words.ts";

/** Which qdiscs are meant. */
export interface QdiscSelection {
  /** Default all links. */
  readonly dev?: string | undefined;
  /** Whether those are wanted too that the kernel makes by itself for queues and classes. Default false. */
  readonly invisible?: boolean | undefined;
}
/** Which classes are meant. */
export interface TcClassSelection {
  readonly dev: string;
  /** Those of this qdisc, `1:`; default all of the link. */
  readonly qdisc?: string | undefined;
}
/** Which filters are meant. */
export interface TcFilterSelection extends TcFilterPlace {
  readonly pref?: number | undefined;
  readonly chain?: number | undefined;
}

const QDISCS = { dev: linkName, invisible: boolean };
const CLASSES = { dev: linkName, qdisc: qdiscShapes.handle };
const FILTERS = { dev: linkName, parent: filterShapes.parent, pref: filterShapes.pref, chain: filterShapes.chain };

type Told<T> = (wire: TcMessage, nameOf: (index: number) => string) => T;

/** The dump of a table in words. */
async function told<T>(links: LinkLookup, dump: Promise<Dump<TcMessage>>, make: Told<T>) {
  const { messages, consistent } = await dump;
  const names = await links.names();
  const nameOf = (index: number): string => linkNamed(names, index);
  return listing(await inTurns(messages, (one) => make(one, nameOf)), consistent);
}

/** Lists and changes qdiscs, the queues of links. */
export class Qdiscs {
  /** The classes of qdiscs that have some. Same as: tc class … */
  readonly classes: Classes;
  /** What sorts packets into classes, and acts on them. Same as: tc filter … */
  readonly filters: Filters;
  readonly #connection: Connection;
  readonly #links: LinkLookup;
  readonly #changes: Changes;

  constructor(connection: Connection, links: LinkLookup) {
    this.#connection = connection;
    this.#links = links;
    this.classes = new Classes(connection, links);
    this.filters = new Filters(connection, links);
    this.#changes = new Changes(connection, links, {
      noun: "qdisc",
      sort: qdiscSort,
      make: newqdisc,
      remove: delqdisc,
      now: (values, options) => this.get(placeOf(values as unknown as QdiscConfig), options),
    });
  }

  /** All qdiscs with their counters. Same as: tc -s -d qdisc show [dev DEV] [invisible] */
  async list(filter: QdiscSelection = {}, options?: CallOptions): Promise<Listing<Qdisc>> {
    check([], QDISCS, filter, "filter");
    const { dev, invisible = false } = filter;
    const ifindex = dev === undefined ? 0 : await this.#links.indexOf(dev);
    const request = { header: { ifindex }, attrs: { dumpInvisible: invisible } };
    const dump = this.#connection.dump(getqdisc, request, newqdisc, options);
    const all = await told(this.#links, dump, qdiscFromWire);
    // Kernels do not select by link here.
    if (dev === undefined) return all;
    return listing(
      all.filter((one) => one.wire.header.ifindex === ifindex),
      all.consistent,
    );
  }

  /** The qdisc at a place, by its handle where one is given; undefined where there is none. */
  async get(place: QdiscPlace, options?: CallOptions): Promise<Qdisc | undefined> {
    checkObject([], place, "place");
    const { dev, parent, handle } = place;
    checkOne(["dev"], linkName, dev);
    check([], qdiscShapes, { parent, handle });
    const all = await this.list({ dev, invisible: true }, options);
    const wanted = handle === undefined ? undefined : handleNumber(handle);
    return all.find((one) => {
      if (wanted !== undefined && one.wire.header.handle !== wanted) return false;
      return one.parent === (parent ?? (wanted === undefined ? "root" : one.parent));
    });
  }

  /**
   * Makes a qdisc. At the root it takes the place of the kernel's own.
   * Same as: tc qdisc add dev DEV [parent PARENT] [handle HANDLE] KIND …
   * @throws {InputError} before anything is sent.
   * @throws {NetlinkError} `EEXIST`; `ENOENT` where the kernel does not have the kind.
   */
  create(config: QdiscConfig, options?: CallOptions): Promise<void> {
    return this.#changes.make("create", config, options);
  }

  /**
   * Makes a qdisc, in place of one that is there. Of one of the same kind, fq and fq_codel keep options that are not
   * named, and netem keeps `distribution` (name `uniform` for the default). Same as: tc qdisc replace
   */
  replace(config: QdiscConfig, options?: CallOptions): Promise<void> {
    return this.#changes.make("replace", config, options);
  }

  /**
   * Changes options of a qdisc; those that are not named stay. Same as: tc qdisc change, which resets some of them
   * @throws {NetlinkError} `ENOENT` where there is none; `EINVAL` for what cannot change.
   */
  change(config: QdiscConfig, options?: CallOptions): Promise<void> {
    return this.#changes.make("change", config, options);
  }

  /** Removes a qdisc with what is below it; at the root the kernel's own comes back. Same as: tc qdisc delete */
  delete(place: QdiscPlace & { readonly kind?: string | undefined }, options?: CallOptions): Promise<void> {
    return this.#changes.remove(place, options);
  }
}

/** Where the qdisc is that a config means. */
function placeOf({ dev, kind, handle, parent }: QdiscConfig): QdiscPlace {
  const usual = kind === "ingress" || kind === "clsact" ? "ingress" : "root";
  return { dev, handle, parent: parent ?? (handle === undefined ? usual : undefined) };
}

/** Lists and changes classes. */
export class Classes {
  readonly #connection: Connection;
  readonly #links: LinkLookup;
  readonly #changes: Changes;

  constructor(connection: Connection, links: LinkLookup) {
    this.#connection = connection;
    this.#links = links;
    this.#changes = new Changes(connection, links, {
      noun: "class",
      sort: classSort,
      make: newclass,
      remove: delclass,
      now: (values, options) => this.get(values as unknown as TcClassPlace, options),
    });
  }

  /** The classes of a link with their counters. Same as: tc -s -d class show dev DEV */
  async list(filter: TcClassSelection, options?: CallOptions): Promise<Listing<TcClass>> {
    check([], CLASSES, filter, "filter");
    const { dev, qdisc } = filter;
    if (dev === undefined) throw new InputError(["dev"], `missing; expected ${linkName.expected}`);
    const parent = qdisc === undefined ? 0 : handleNumber(qdisc);
    const request = { header: { ifindex: await this.#links.indexOf(dev), parent } };
    return told(this.#links, this.#connection.dump(getclass, request, newclass, options), classFromWire);
  }

  /** One class; undefined where there is none. */
  async get(place: TcClassPlace, options?: CallOptions): Promise<TcClass | undefined> {
    checkObject([], place, "place");
    const { dev, classid } = place;
    checkOne(["classid"], classShapes.classid, classid);
    const wanted = handleNumber(classid);
    return (await this.list({ dev }, options)).find((one) => one.wire.header.handle === wanted);
  }

  /** Makes a class. Same as: tc class add dev DEV parent PARENT classid CLASSID KIND … */
  create(config: TcClassConfig, options?: CallOptions): Promise<void> {
    return this.#changes.make("create", config, options);
  }
  /** Makes a class, or gives the one that is there these options. Same as: tc class replace */
  replace(config: TcClassConfig, options?: CallOptions): Promise<void> {
    return this.#changes.make("replace", config, options);
  }
  /** Changes options of a class; those that are not named stay. Same as: tc class change */
  change(config: TcClassConfig, options?: CallOptions): Promise<void> {
    return this.#changes.make("change", config, options);
  }
  /** Removes a class. Same as: tc class delete dev DEV classid CLASSID @throws {NetlinkError} `EBUSY` where filters use it. */
  async delete(place: TcClassPlace, options?: CallOptions): Promise<void> {
    checkObject([], place, "place");
    const { dev, classid } = place;
    return this.#changes.remove({ dev, classid }, options);
  }
}

/** Lists and changes filters. */
export class Filters {
  readonly #connection: Connection;
  readonly #links: LinkLookup;
  readonly #changes: Changes;

  constructor(connection: Connection, links: LinkLookup) {
    this.#connection = connection;
    this.#links = links;
    this.#changes = new Changes(connection, links, {
      noun: "filter",
      sort: filterSort,
      make: newfilter,
      remove: delfilter,
      now: (values, options) => this.get(values as unknown as TcFilterName, options),
    });
  }

  /** The filters at one place, in the order in which they are asked. Same as: tc -s -d filter show dev DEV [ingress|egress|parent PARENT] */
  async list(filter: TcFilterSelection, options?: CallOptions): Promise<Listing<TcFilter>> {
    check([], FILTERS, filter, "filter");
    const { dev, parent, pref, chain } = filter;
    if (dev === undefined) throw new InputError(["dev"], `missing; expected ${linkName.expected}`);
    const header = filterSort.header({ dev, parent, pref }, () => 0);
    const request = { header: { ...header, ifindex: await this.#links.indexOf(dev) }, attrs: { chain } };
    const dump = this.#connection.dump(getfilter, request, newfilter, options);
    const all = await told(this.#links, dump, filterFromWire);
    // Each priority is told once by itself, without a filter.
    return listing(
      all.filter((one) => one.wire.header.handle !== 0),
      all.consistent,
    );
  }

  /** The first filter that has the given place, `pref`, `protocol`, `chain` and `handle`; undefined where there is none. */
  async get(name: TcFilterName, options?: CallOptions): Promise<TcFilter | undefined> {
    checkObject([], name, "name");
    const { dev, parent, pref, chain, handle, protocol } = name;
    check([], filterShapes, { dev, parent, pref, chain, handle, protocol });
    const all = await this.list({ dev, parent, pref, chain }, options);
    return all.find(
      (one) =>
        (handle === undefined ? one.kind !== "u32" || one.match !== undefined : one.handle === handle) &&
        one.chain === (chain ?? 0) &&
        (protocol === undefined || one.protocol === protocol),
    );
  }

  /**
   * Makes a filter. Same as: tc filter add dev DEV [parent PARENT] [protocol PROTOCOL] [pref PREF] KIND … action …
   * @throws {NetlinkError} `EEXIST`; `EINVAL` where there is no qdisc at the place.
   */
  create(config: TcFilterConfig, options?: CallOptions): Promise<void> {
    return this.#changes.make("create", config, options);
  }
  /** Makes a filter, or gives the one of the same `pref` and `handle` this form. Same as: tc filter replace */
  replace(config: TcFilterConfig, options?: CallOptions): Promise<void> {
    return this.#changes.make("replace", config, options);
  }
  /**
   * Changes a filter; what is not named stays. Same as: tc filter change
   * @throws {NetlinkError} `EEXIST` for a matchall, which Linux does not change.
   */
  async change(config: TcFilterConfig, options?: CallOptions): Promise<void> {
    checkObject([], config);
    if (config.pref === undefined) throw new InputError(["pref"], `missing; expected ${filterShapes.pref.expected}`);
    const { handle, protocol } = (await this.get(config, options)) ?? config;
    return this.#changes.make("change", { ...config, handle, protocol }, options);
  }
  /**
   * Removes the filters at a place that have the given `pref`, and `handle` where one is named; all of them where neither
   * is. A `handle` needs the `kind`, as numbers are each kind's own. Same as: tc filter delete
   */
  async delete(name: TcFilterName & { readonly kind?: string | undefined }, options?: CallOptions): Promise<void> {
    checkObject([], name, "name");
    if (name.handle !== undefined && name.pref === undefined)
      throw new InputError(["pref"], "missing; a handle needs it");
    return this.#changes.remove(name, options);
  }
}
