/** What sorts packets into classes, and acts on them. */
import { type LinkLookup, type Listing, listing } from "../families/lookup.ts";
import { MAGIC_BLOCK, TC_H } from "../families/tc.ts";
import { check, checkObject, InputError, linkName } from "../shape/shape.ts";
import type { CallOptions, Connection } from "../socket/index.ts";
import type { ListQdiscs } from "./classes.ts";
import { TcObjects } from "./objects.ts";
import { delfilter, getfilter, newfilter, type TcMessage } from "./schema.ts";
import {
  filterFromWire,
  filterShapes,
  filterSort,
  type Qdisc,
  type TcClass,
  type TcFilter,
  type TcFilterConfig,
  type TcFilterName,
  type TcFilterPlace,
} from "./words.ts";

/** Which filters are meant. Nothing: those of all links and blocks. */
export interface TcFilterSelection extends TcFilterPlace {
  readonly pref?: number | undefined;
  readonly chain?: number | undefined;
}
const { dev, parent, block, pref, chain } = filterShapes;
const SELECTION = { dev, parent, block, pref, chain };

/** What filters can be attached to. */
export interface Holders {
  readonly qdiscs: ListQdiscs;
  classes(options?: CallOptions): Promise<Listing<TcClass>>;
}
/** Kinds whose classes may have filters of their own. */
const OF_CLASSES: readonly string[] = ["htb", "#hfsc"];

/**
 * Lists and changes filters. Where there are several with the same `pref`, each has its `handle`, and where nothing but a
 * place is named all of them are deleted. A `handle` needs its `pref`, and to be deleted its `kind`, as numbers are each
 * kind's own. Linux does not change a matchall: `EEXIST`.
 */
export class Filters extends TcObjects<TcFilter, TcFilterConfig, TcFilterName> {
  readonly #holders: Holders;

  constructor(connection: Connection, links: LinkLookup, holders: Holders) {
    const sort = filterSort;
    const [get, make, remove] = [getfilter, newfilter, delfilter];
    super(connection, links, { noun: "filter", sort, get, make, remove, read: filterFromWire });
    this.#holders = holders;
  }

  /**
   * The filters at one place, in the order in which they are asked; without a place all of them.
   * Same as: tc -s -d filter show dev DEV [ingress|egress|parent PARENT]; tc filter show block BLOCK
   */
  async list(filter: TcFilterSelection = {}, options?: CallOptions): Promise<Listing<TcFilter>> {
    check([], SELECTION, filter, "filter");
    const { dev, block, parent, pref, chain } = filter;
    if (dev === undefined && block === undefined) {
      const lone = parent ?? pref ?? chain;
      if (lone !== undefined) throw new InputError(["dev"], `missing; expected ${linkName.expected}, or block`);
      return this.#everywhere(options);
    }
    if (block !== undefined && (dev ?? parent) !== undefined)
      throw new InputError(["block"], "stands beside a link; use one");
    return this.#at({ dev, block, parent, pref }, chain, options);
  }
  async #at(place: TcFilterSelection, chain?: number, options?: CallOptions): Promise<Listing<TcFilter>> {
    const ifindex = place.dev === undefined ? 0 : await this.links.indexOf(place.dev);
    const all = await this.dump({ header: filterSort.header({ ...place }, () => ifindex), attrs: { chain } }, options);
    // Each priority is told once by itself, without a filter.
    return listing(
      all.filter((one) => one.wire.header.handle !== 0),
      all.consistent,
    );
  }
  /** The kernel tells those of one place at a time. */
  async #everywhere(options?: CallOptions): Promise<Listing<TcFilter>> {
    const qdiscs = await this.#holders.qdiscs(options);
    const holders: readonly (Qdisc | TcClass)[] = qdiscs.some(({ kind }) => OF_CLASSES.includes(kind))
      ? [...qdiscs, ...(await this.#holders.classes(options))]
      : qdiscs;
    const places = new Map(holders.flatMap(placesOf).map((place) => [JSON.stringify(place), place]));
    const all: TcFilter[] = [];
    let { consistent } = qdiscs;
    for (const { ifindex, parent } of places.values()) {
      const some = await this.dump({ header: { ifindex, parent } }, options);
      all.push(...some.filter((one) => one.wire.header.handle !== 0));
      consistent &&= some.consistent;
    }
    return listing(all, consistent);
  }

  /** The first filter that has the given place, `pref`, `protocol`, `chain` and `handle`; undefined where there is none. */
  async get(name: TcFilterName, options?: CallOptions): Promise<TcFilter | undefined> {
    const { dev, parent, block, pref, chain, handle, protocol } = this.checked(name);
    const all = await this.#at({ dev, parent, block, pref }, chain, options);
    return all.find(
      (one) =>
        (handle === undefined ? one.kind !== "u32" || one.match !== undefined : one.handle === handle) &&
        one.chain === (chain ?? 0) &&
        (protocol === undefined || one.protocol === protocol),
    );
  }

  override async change(config: TcFilterConfig, options?: CallOptions): Promise<void> {
    checkObject([], config);
    if (config.pref === undefined) throw new InputError(["pref"], `missing; expected ${filterShapes.pref.expected}`);
    const { handle, protocol } = (await this.get(this.placeOf(config), options)) ?? config;
    return this.make("change", { ...config, handle, protocol }, options);
  }

  override async delete(
    name: TcFilterName & { readonly kind?: string | undefined },
    options?: CallOptions,
  ): Promise<void> {
    checkObject([], name, "name");
    if (name.handle !== undefined && name.pref === undefined)
      throw new InputError(["pref"], "missing; a handle needs it");
    return super.delete(name, options);
  }
}

type Place = Pick<TcMessage["header"], "ifindex" | "parent">;
/** Where filters of a qdisc or class may be attached. */
function placesOf(holder: Qdisc | TcClass): Place[] {
  const { kind, wire } = holder;
  const { ifindex, handle } = wire.header;
  if ("classid" in holder) return OF_CLASSES.includes(kind) ? [{ ifindex, parent: handle }] : [];
  const end = (parent: number, number: number | undefined): Place =>
    number === undefined ? { ifindex, parent } : { ifindex: MAGIC_BLOCK, parent: number };
  const ingress = end(TC_H.MIN_INGRESS, holder.ingressBlock);
  if (kind === "clsact") return [ingress, end(TC_H.MIN_EGRESS, holder.egressBlock)];
  if (kind === "ingress") return [ingress];
  return handle === 0 ? [] : [{ ifindex, parent: handle }];
}
