/** The nexthop objects of one network namespace. Linux 5.3 and later; resilient groups 5.13. */
import {
  type ChangeRules,
  type LinkLookup,
  type Listing,
  listing,
  type Protocol,
  protocols,
  retold,
} from "../families/lookup.ts";
import { checkFlush, removeAll, Service } from "../families/service.ts";
import { inTurns } from "../families/turns.ts";
import { boolean, check, checkOne, linkName } from "../shape/shape.ts";
import { type CallOptions, type Connection, command } from "../socket/index.ts";
import { type MessageIn, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from "../wire/index.ts";
import { delnexthop, getbucket, getnexthop, NHA_OP_FLAG, newbucket, newnexthop } from "./schema.ts";
import {
  bucketFromWire,
  checkNexthop,
  NEXTHOP_PROPERTIES,
  type NexthopBucket,
  type NexthopObject,
  type NexthopObjectConfig,
  nexthopFromWire,
  nexthopShapes,
  nexthopToWire,
} from "./words.ts";

/** Which nexthops are meant. */
export interface NexthopFilter {
  /** Name of the output link. */
  readonly dev?: string | undefined;
  /** Name of the bridge or VRF whose ports are the output links. */
  readonly master?: string | undefined;
  /** Groups only. */
  readonly groups?: boolean | undefined;
  /** Only those for forwarding entries, or only others. */
  readonly fdb?: boolean | undefined;
  readonly protocol?: Protocol | undefined;
}
/** What {@link Nexthops.list} is asked for. */
export interface NexthopQuery extends NexthopFilter {
  /** With counters of what each nexthop of a group was chosen for. Linux 6.9 and later. Default false. */
  readonly statistics?: boolean | undefined;
}
/** Which buckets are meant. */
export interface BucketFilter {
  /** Number of the group. */
  readonly id?: number | undefined;
  /** Number of the nexthop that a bucket's traffic takes. */
  readonly nhid?: number | undefined;
  readonly dev?: string | undefined;
}
/** What can be done with a nexthop. */
export type NexthopVerb = "create" | "replace" | "delete";

const FILTER = { dev: linkName, master: linkName, groups: boolean, fdb: boolean, protocol: protocols.shape };
const QUERY = { ...FILTER, statistics: boolean };
const BUCKETS = { id: nexthopShapes.id, nhid: nexthopShapes.id, dev: linkName };
const ACTS = { create: "add", replace: "replace", delete: "delete" } as const;
type Wire = MessageIn<typeof newnexthop>;
const rules: ChangeRules<NexthopVerb, NexthopObjectConfig, Wire> = {
  verbs: {
    create: { message: newnexthop, flags: NLM_F_CREATE | NLM_F_EXCL },
    replace: { message: newnexthop, flags: NLM_F_CREATE | NLM_F_REPLACE },
    delete: { message: delnexthop, flags: 0 },
  },
  check: checkNexthop,
  devices: ({ dev }) => [dev],
  toWire: nexthopToWire,
  told: ({ id }, verb) => ({
    what: `cannot ${ACTS[verb]} nexthop ${id}`,
    properties: NEXTHOP_PROPERTIES,
    blamed: { EEXIST: "id", ENOENT: "id", ENODEV: "dev", ENETDOWN: "dev", ENETUNREACH: "via", EHOSTUNREACH: "via" },
  }),
};

/** Lists and changes nexthop objects. */
export class Nexthops extends Service<NexthopVerb, NexthopObjectConfig, Wire> {
  constructor(connection: Connection, links: LinkLookup) {
    super(connection, links, rules);
  }

  #index(name: string | undefined): Promise<number> | undefined {
    return name === undefined ? undefined : this.links.indexOf(name);
  }

  /** All nexthops, or those that the filter means. Same as: ip nexthop show; ip -s -s nexthop show */
  async list(filter: NexthopQuery = {}, options?: CallOptions): Promise<Listing<NexthopObject>> {
    check([], QUERY, filter, "filter");
    const { dev, master, groups, fdb, protocol, statistics = false } = filter;
    const opFlags = statistics ? NHA_OP_FLAG.DUMP_STATS | NHA_OP_FLAG.DUMP_HW_STATS : undefined;
    const attrs = { oif: await this.#index(dev), master: await this.#index(master), groups, opFlags };
    const { messages, consistent } = await this.connection
      .dump(getnexthop, { header: {}, attrs }, newnexthop, options)
      .catch((error: unknown) => {
        if (!statistics) throw error;
        throw retold(error, {
          what: "cannot list nexthops",
          properties: { opFlags: "statistics" },
          blamed: { EINVAL: "statistics" },
        });
      });
    const names = await this.links.names();
    const by = protocol === undefined ? undefined : protocols.numberOf(protocol);
    // The kernel selects by link and groups only.
    const wanted = messages.filter(
      ({ header, attrs: told }) =>
        (by === undefined || header.protocol === by) && (fdb === undefined || (told.fdb ?? false) === fdb),
    );
    return listing(await inTurns(wanted, (message) => nexthopFromWire(message, names)), consistent);
  }

  /** One nexthop by its number. Same as: ip nexthop get id ID @throws {NetlinkError} `ENOENT` */
  async get(id: number, options?: CallOptions): Promise<NexthopObject> {
    checkOne(["id"], nexthopShapes.id, id);
    try {
      const message = await this.connection.get(getnexthop, { header: {}, attrs: { id } }, newnexthop, options);
      return nexthopFromWire(message, await this.links.names());
    } catch (error) {
      throw retold(error, { what: `cannot get nexthop ${id}`, properties: {}, blamed: { ENOENT: "id" } });
    }
  }

  /** Buckets of resilient groups, in order. Same as: ip nexthop bucket show */
  async buckets(filter: BucketFilter = {}, options?: CallOptions): Promise<Listing<NexthopBucket>> {
    check([], BUCKETS, filter, "filter");
    const { id, nhid, dev } = filter;
    const attrs = { id, oif: await this.#index(dev), resBucket: nhid === undefined ? undefined : { nhId: nhid } };
    const { messages, consistent } = await this.connection.dump(getbucket, { header: {}, attrs }, newbucket, options);
    return listing(await inTurns(messages, bucketFromWire), consistent);
  }

  /**
   * Removes all nexthops that the filter means, and the routes that use them. Resolves to how many were removed; groups
   * that went with their last nexthop do not count. Same as: ip nexthop flush
   * @throws {InputError} for a filter that names nothing.
   */
  async flush(filter: NexthopFilter, options?: CallOptions): Promise<number> {
    check([], FILTER, filter, "filter");
    checkFlush(filter, "nexthops");
    const found = await this.list(filter, options);
    const commands = found.map(({ id }) => command(delnexthop, { header: {}, attrs: { id } }, 0));
    return removeAll(this.connection, commands, "nexthops", options);
  }

  /** Adds a nexthop or a group. Same as: ip nexthop add id ID via VIA dev DEV @throws {NetlinkError} `EEXIST` */
  create(config: NexthopObjectConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("create", config, options);
  }

  /**
   * Adds a nexthop, or puts it in place of the one with the same number: all routes that use it follow at once. A group
   * stays a group, and keeps its type and its number of buckets. Same as: ip nexthop replace
   */
  replace(config: NexthopObjectConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("replace", config, options);
  }

  /** Removes a nexthop by its number, and the routes that use it. Same as: ip nexthop delete id ID */
  delete(config: Pick<NexthopObjectConfig, "id">, options?: CallOptions): Promise<void> {
    return this.changes.make("delete", config, options);
  }
}
