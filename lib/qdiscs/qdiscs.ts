/** The queues of links, and what belongs to them. */
import { type LinkLookup, type Listing, listing } from "../families/lookup.ts";
import { boolean, check, linkName } from "../shape/shape.ts";
import type { CallOptions, Connection } from "../socket/index.ts";
import { Classes } from "./classes.ts";
import { Filters } from "./filters.ts";
import { handleNumber } from "./handle.ts";
import { TcObjects } from "./objects.ts";
import { delqdisc, getqdisc, newqdisc } from "./schema.ts";
import { type Qdisc, type QdiscConfig, type QdiscPlace, qdiscFromWire, qdiscSort } from "./words.ts";

/** Which qdiscs are meant. */
export interface QdiscSelection {
  /** Default all links. */
  readonly dev?: string | undefined;
  /** Whether those are wanted too that the kernel makes by itself for queues and classes. Default false. */
  readonly invisible?: boolean | undefined;
}
const SELECTION = { dev: linkName, invisible: boolean };

/**
 * Lists and changes qdiscs, the queues of links. One that is made at the root takes the place of the kernel's own, which
 * comes back when it is deleted. Where one of the same kind is replaced, fq and fq_codel keep options that are not named,
 * and netem keeps `distribution` (name `uniform` for the default).
 */
export class Qdiscs extends TcObjects<Qdisc, QdiscConfig, QdiscPlace> {
  /** The classes of qdiscs that have some. Same as: tc class … */
  readonly classes: Classes;
  /** What sorts packets into classes, and acts on them. Same as: tc filter … */
  readonly filters: Filters;

  constructor(connection: Connection, links: LinkLookup) {
    const sort = qdiscSort;
    super(connection, links, {
      noun: "qdisc",
      sort,
      get: getqdisc,
      make: newqdisc,
      remove: delqdisc,
      read: qdiscFromWire,
    });
    const qdiscs = (options?: CallOptions) => this.list({ invisible: true }, options);
    this.classes = new Classes(connection, links, qdiscs);
    this.filters = new Filters(connection, links, { qdiscs, classes: (options) => this.classes.list({}, options) });
  }

  /** All qdiscs with their counters. Same as: tc -s -d qdisc show [dev DEV] [invisible] */
  async list(filter: QdiscSelection = {}, options?: CallOptions): Promise<Listing<Qdisc>> {
    check([], SELECTION, filter, "filter");
    const { dev, invisible = false } = filter;
    const ifindex = dev === undefined ? 0 : await this.links.indexOf(dev);
    const all = await this.dump({ header: { ifindex }, attrs: { dumpInvisible: invisible } }, options);
    // Kernels do not select by link here.
    if (dev === undefined) return all;
    return listing(
      all.filter((one) => one.wire.header.ifindex === ifindex),
      all.consistent,
    );
  }

  /** The qdisc at a place, by its handle where one is given; undefined where there is none. */
  async get(place: QdiscPlace, options?: CallOptions): Promise<Qdisc | undefined> {
    const { dev, parent, handle } = this.checked(place);
    const all = await this.list({ dev, invisible: true }, options);
    const wanted = handle === undefined ? undefined : handleNumber(handle);
    return all.find((one) => {
      if (wanted !== undefined && one.wire.header.handle !== wanted) return false;
      return one.parent === (parent ?? (wanted === undefined ? "root" : one.parent));
    });
  }

  protected override placeOf({ dev, kind, handle, parent }: QdiscConfig): QdiscPlace {
    const usual = kind === "ingress" || kind === "clsact" ? "ingress" : "root";
    return { dev, handle, parent: parent ?? (handle === undefined ? usual : undefined) };
  }
}
