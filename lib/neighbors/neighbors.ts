/** The neighbors (ARP and neighbor discovery entries) of one network namespace. */
import { type ChangeRules, Changes, type Family, type LinkLookup, type Listing, listing } from "../families/lookup.ts";
import { AF_INET, AF_INET6, AF_UNSPEC } from "../families/route.ts";
import { boolean, check, choice, linkName } from "../shape/shape.ts";
import type { CallOptions, Command, Connection, NetlinkError } from "../socket/index.ts";
import { type MessageIn, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from "../wire/index.ts";
import { delneigh, getneigh, NTF, newneigh } from "./schema.ts";
import {
  checkNeighbor,
  NEIGHBOR_PROPERTIES,
  type Neighbor,
  type NeighborConfig,
  neighborFromWire,
  neighborToWire,
} from "./words.ts";

/** Which neighbors are meant. */
export interface NeighborFilter {
  readonly dev?: string | undefined;
  readonly family?: Family | undefined;
  /** The entries for which this host answers, instead of the others. */
  readonly proxy?: boolean | undefined;
}
/** What can be done with a neighbor. */
export type NeighborVerb = "create" | "replace" | "delete";

const FILTER = { dev: linkName, family: choice("inet", "inet6"), proxy: boolean };
const ACTS = { create: "add", replace: "replace", delete: "delete" } as const;
type Wire = MessageIn<typeof newneigh>;
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
export class Neighbors {
  readonly #connection: Connection;
  readonly #links: LinkLookup;
  readonly #changes: Changes<NeighborVerb, NeighborConfig, Wire>;

  constructor(connection: Connection, links: LinkLookup) {
    this.#connection = connection;
    this.#links = links;
    this.#changes = new Changes(connection, links, rules);
  }

  /** All neighbors, also those of state noarp and none, which `ip` hides. Same as: ip neighbor show nud all */
  async list(filter: NeighborFilter = {}, options?: CallOptions): Promise<Listing<Neighbor>> {
    check([], FILTER, filter);
    const { dev, family, proxy = false } = filter;
    const index = dev === undefined ? undefined : await this.#links.indexOf(dev);
    const number = family === undefined ? AF_UNSPEC : family === "inet" ? AF_INET : AF_INET6;
    const header = { family: number, flags: proxy ? NTF.PROXY : 0 };
    const request = { header, attrs: { ifindex: index } };
    const { messages, consistent } = await this.#connection.dump(getneigh, request, newneigh, options);
    const names = await this.#links.names();
    const found: Neighbor[] = [];
    for (const message of messages) {
      if (index !== undefined && message.header.ifindex !== index) continue; // kernels that do not filter
      const neighbor = neighborFromWire(message, names);
      if (neighbor !== undefined) found.push(neighbor);
    }
    return listing(found, consistent);
  }

  /** Adds a neighbor. Same as: ip neighbor add ADDRESS lladdr MAC dev DEV nud STATE @throws {NetlinkError} `EEXIST` */
  create(config: NeighborConfig, options?: CallOptions): Promise<void> {
    return this.#changes.make("create", config, options);
  }

  /** Adds a neighbor or changes it. Same as: ip neighbor replace */
  replace(config: NeighborConfig, options?: CallOptions): Promise<void> {
    return this.#changes.make("replace", config, options);
  }

  /** Removes a neighbor by address and link; `proxy` says which table. Same as: ip neighbor delete */
  delete(config: NeighborConfig, options?: CallOptions): Promise<void> {
    return this.#changes.make("delete", config, options);
  }

  /** Checked requests for one sort of change, to be sent together with others. @throws {InputError} */
  commands(verb: NeighborVerb, configs: readonly NeighborConfig[]): Promise<Command[]> {
    return this.#changes.commands(verb, configs);
  }

  /**
   * The same change for many neighbors in few system calls; no transaction. Resolves to one entry for each: undefined,
   * or why the kernel refused it. Nothing is sent when one of them does not pass the check.
   */
  batch(
    verb: NeighborVerb,
    configs: readonly NeighborConfig[],
    options?: CallOptions,
  ): Promise<readonly (NetlinkError | undefined)[]> {
    return this.#changes.batch(verb, configs, options);
  }
}
