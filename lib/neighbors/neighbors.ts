/** The neighbors (ARP and neighbor discovery entries) of one network namespace. */
import {
  type ChangeRules,
  type Family,
  type LinkLookup,
  type Listing,
  listing,
  type Protocol,
  protocols,
} from "../families/lookup.ts";
import { checkFlush, familyNumber, familyShape, matches, removeAll, Service } from "../families/service.ts";
import { inTurns } from "../families/turns.ts";
import { boolean, check, linkName } from "../shape/shape.ts";
import { type CallOptions, type Connection, command } from "../socket/index.ts";
import { type MessageIn, type MessageOut, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from "../wire/index.ts";
import { delneigh, getneigh, NTF, newneigh } from "./schema.ts";
import {
  checkNeighbor,
  NEIGHBOR_PROPERTIES,
  type Neighbor,
  type NeighborConfig,
  type NeighborState,
  neighborFromWire,
  neighborShapes,
  neighborToWire,
} from "./words.ts";

/** Which neighbors are meant. */
export interface NeighborFilter {
  readonly dev?: string | undefined;
  readonly family?: Family | undefined;
  /** The entries for which this host answers, instead of the others. */
  readonly proxy?: boolean | undefined;
  readonly state?: NeighborState | undefined;
  readonly externLearn?: boolean | undefined;
  readonly managed?: boolean | undefined;
  readonly protocol?: Protocol | undefined;
}
/** What can be done with a neighbor. */
export type NeighborVerb = "create" | "replace" | "delete";

const FILTER = {
  dev: linkName,
  family: familyShape,
  proxy: boolean,
  state: neighborShapes.state,
  externLearn: boolean,
  managed: boolean,
  protocol: protocols.shape,
};
/** Told only where they are true. */
const FLAGS = ["externLearn", "managed"] as const;
const ACTS = { create: "add", replace: "replace", delete: "delete" } as const;
type Wire = MessageIn<typeof newneigh>;
interface Found {
  readonly pairs: { readonly message: MessageOut<typeof newneigh>; readonly neighbor: Neighbor }[];
  readonly consistent: boolean;
}
const rules: ChangeRules<NeighborVerb, NeighborConfig, Wire> = {
  verbs: {
    create: { message: newneigh, flags: NLM_F_CREATE | NLM_F_EXCL },
    replace: { message: newneigh, flags: NLM_F_CREATE | NLM_F_REPLACE },
    delete: { message: delneigh, flags: 0 },
  },
  check: checkNeighbor,
  devices: ({ dev }) => [dev],
  toWire: neighborToWire,
  told: ({ address, dev }, verb) => ({
    what: `cannot ${ACTS[verb]} neighbor ${address} on ${dev}`,
    properties: NEIGHBOR_PROPERTIES,
    blamed: { EEXIST: "address", ENOENT: "address", ENODEV: "dev" },
  }),
};

/** Lists and changes neighbors. */
export class Neighbors extends Service<NeighborVerb, NeighborConfig, Wire> {
  constructor(connection: Connection, links: LinkLookup) {
    super(connection, links, rules);
  }

  async #found(filter: NeighborFilter, options?: CallOptions): Promise<Found> {
    check([], FILTER, filter, "filter");
    const { dev, family, proxy = false, protocol } = filter;
    const index = dev === undefined ? undefined : await this.links.indexOf(dev);
    const header = { family: familyNumber(family), flags: proxy ? NTF.PROXY : 0 };
    const request = { header, attrs: { ifindex: index } };
    const { messages, consistent } = await this.connection.dump(getneigh, request, newneigh, options);
    const names = await this.links.names();
    const wanted =
      protocol === undefined ? filter : { ...filter, protocol: protocols.wordOf(protocols.numberOf(protocol)) };
    const pairs = await inTurns(messages, (message) => {
      if (index !== undefined && message.header.ifindex !== index) return undefined; // kernels that do not filter
      const neighbor = neighborFromWire(message, names);
      if (neighbor === undefined || !matches(wanted, neighbor, "dev", "family", "proxy", ...FLAGS)) return undefined;
      const meant = FLAGS.every((flag) => filter[flag] === undefined || filter[flag] === (neighbor[flag] ?? false));
      return meant ? { message, neighbor } : undefined;
    });
    return { pairs, consistent };
  }

  /** All neighbors, also those of state noarp and none, which `ip` hides. Same as: ip neighbor show nud all */
  async list(filter: NeighborFilter = {}, options?: CallOptions): Promise<Listing<Neighbor>> {
    const { pairs, consistent } = await this.#found(filter, options);
    return listing(
      pairs.map(({ neighbor }) => neighbor),
      consistent,
    );
  }

  /**
   * Removes all neighbors that the filter means. Those that are permanent or noarp stay, unless it names their state or
   * is for `proxy` entries. Resolves to how many were removed. Same as: ip neighbor flush dev DEV
   * @throws {InputError} for a filter that names nothing.
   */
  async flush(filter: NeighborFilter, options?: CallOptions): Promise<number> {
    checkFlush(filter, "neighbors");
    const { pairs } = await this.#found(filter, options);
    const meant = ({ state }: Neighbor): boolean =>
      filter.state !== undefined || filter.proxy === true || (state !== "permanent" && state !== "noarp");
    const commands = pairs
      .filter(({ neighbor }) => meant(neighbor))
      .map(({ message: { header, attrs } }) => command(delneigh, { header, attrs: { dst: attrs.dst } }, 0));
    return removeAll(this.connection, commands, "neighbors", options);
  }

  /** Adds a neighbor. Same as: ip neighbor add ADDRESS lladdr MAC dev DEV nud STATE @throws {NetlinkError} `EEXIST` */
  create(config: NeighborConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("create", config, options);
  }

  /** Adds a neighbor or changes it. Same as: ip neighbor replace */
  replace(config: NeighborConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("replace", config, options);
  }

  /** Removes a neighbor by address and link; `proxy` says which table. Same as: ip neighbor delete */
  delete(config: NeighborConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("delete", config, options);
  }
}
