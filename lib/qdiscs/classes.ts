/** The classes of qdiscs that have some. */
import { type LinkLookup, type Listing, listing } from "../families/lookup.ts";
import { check, InputError, linkName } from "../shape/shape.ts";
import type { CallOptions, Connection } from "../socket/index.ts";
import { handleNumber } from "./handle.ts";
import { TcObjects } from "./objects.ts";
import { delclass, getclass, newclass } from "./schema.ts";
import {
  classFromWire,
  classSort,
  type Qdisc,
  qdiscShapes,
  type TcClass,
  type TcClassConfig,
  type TcClassPlace,
} from "./words.ts";

/** Which classes are meant. */
export interface TcClassSelection {
  /** Default all links. */
  readonly dev?: string | undefined;
  /** Those of this qdisc, `1:`, of the link; default all. */
  readonly qdisc?: string | undefined;
}
const SELECTION = { dev: linkName, qdisc: qdiscShapes.handle };

/** Kinds that have no classes, of which there may be one for each link. */
const CLASSLESS: readonly string[] = ["noqueue", "pfifo_fast", "pfifo", "bfifo", "fq", "ingress", "clsact"];

/** All qdiscs of all links. */
export type ListQdiscs = (options?: CallOptions) => Promise<Listing<Qdisc>>;

/** Lists and changes classes. One that filters use is not deleted: `EBUSY`. */
export class Classes extends TcObjects<TcClass, TcClassConfig, TcClassPlace> {
  readonly #qdiscs: ListQdiscs;

  constructor(connection: Connection, links: LinkLookup, qdiscs: ListQdiscs) {
    const sort = classSort;
    super(connection, links, {
      noun: "class",
      sort,
      get: getclass,
      make: newclass,
      remove: delclass,
      read: classFromWire,
    });
    this.#qdiscs = qdiscs;
  }

  /** The classes of a link with their counters, or of all of them. Same as: tc -s -d class show dev DEV */
  async list(filter: TcClassSelection = {}, options?: CallOptions): Promise<Listing<TcClass>> {
    check([], SELECTION, filter, "filter");
    const { dev, qdisc } = filter;
    if (dev === undefined) {
      if (qdisc !== undefined) throw new InputError(["dev"], `missing beside qdisc; expected ${linkName.expected}`);
      return this.#everywhere(options);
    }
    const parent = qdisc === undefined ? 0 : handleNumber(qdisc);
    return this.dump({ header: { ifindex: await this.links.indexOf(dev), parent } }, options);
  }
  /** The kernel tells those of one link at a time. */
  async #everywhere(options?: CallOptions): Promise<Listing<TcClass>> {
    const qdiscs = await this.#qdiscs(options);
    const holders = qdiscs.filter(({ kind }) => !CLASSLESS.includes(kind));
    const indexes = new Set(holders.map(({ wire }) => wire.header.ifindex));
    const all: TcClass[] = [];
    let { consistent } = qdiscs;
    for (const ifindex of indexes) {
      const some = await this.dump({ header: { ifindex } }, options);
      all.push(...some);
      consistent &&= some.consistent;
    }
    return listing(all, consistent);
  }

  /** One class; undefined where there is none. */
  async get(place: TcClassPlace, options?: CallOptions): Promise<TcClass | undefined> {
    const { dev, classid } = this.checked(place);
    const wanted = handleNumber(classid);
    return (await this.list({ dev }, options)).find((one) => one.wire.header.handle === wanted);
  }
}
