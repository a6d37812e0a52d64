/** The addresses of one network namespace. */
import { type ChangeRules, Changes, type Family, type LinkLookup, type Listing, listing } from "../families/lookup.ts";
import { AF_INET, AF_INET6, AF_UNSPEC } from "../families/route.ts";
import { check, choice, linkName } from "../shape/shape.ts";
import type { CallOptions, Command, Connection, NetlinkError } from "../socket/index.ts";
import { type MessageIn, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from "../wire/index.ts";
import { deladdr, getaddr, newaddr } from "./schema.ts";
import {
  ADDRESS_PROPERTIES,
  type Address,
  type AddressConfig,
  addressFromWire,
  addressToWire,
  checkAddress,
} from "./words.ts";

/** Which addresses are meant. */
export interface AddressFilter {
  readonly dev?: string | undefined;
  readonly family?: Family | undefined;
}
/** What can be done with an address. */
export type AddressVerb = "create" | "replace" | "delete";

const FILTER = { dev: linkName, family: choice("inet", "inet6") };
const PHRASES = { create: ["add", "to"], replace: ["replace", "on"], delete: ["delete", "from"] } as const;
const rules: ChangeRules<AddressVerb, AddressConfig, MessageIn<typeof newaddr>> = {
  verbs: {
    create: { message: newaddr, flags: NLM_F_CREATE | NLM_F_EXCL },
    replace: { message: newaddr, flags: NLM_F_CREATE | NLM_F_REPLACE },
    delete: { message: deladdr, flags: 0 },
  },
  check: checkAddress,
  devices: ({ dev }) => [dev],
  toWire: (config, _verb, indexOf) => addressToWire(config, indexOf(config.dev)),
  told: ({ address, dev }, verb) => ({
    what: `cannot ${PHRASES[verb][0]} address ${address} ${PHRASES[verb][1]} ${dev}`,
    properties: ADDRESS_PROPERTIES,
    blamed: { EEXIST: "address", EADDRNOTAVAIL: "address", ENODEV: "dev" },
  }),
};

/** Lists and changes addresses. */
export class Addresses {
  readonly #connection: Connection;
  readonly #links: LinkLookup;
  readonly #changes: Changes<AddressVerb, AddressConfig, MessageIn<typeof newaddr>>;

  constructor(connection: Connection, links: LinkLookup) {
    this.#connection = connection;
    this.#links = links;
    this.#changes = new Changes(connection, links, rules);
  }

  /** All addresses, or those of one link or family. Same as: ip address show */
  async list(filter: AddressFilter = {}, options?: CallOptions): Promise<Listing<Address>> {
    check([], FILTER, filter);
    const { dev, family } = filter;
    const index = dev === undefined ? 0 : await this.#links.indexOf(dev);
    const number = family === undefined ? AF_UNSPEC : family === "inet" ? AF_INET : AF_INET6;
    const header = { family: number, index };
    const { messages, consistent } = await this.#connection.dump(getaddr, { header }, newaddr, options);
    const names = await this.#links.names();
    const found: Address[] = [];
    for (const message of messages) {
      if (index !== 0 && message.header.index !== index) continue; // kernels before 4.20 do not filter
      const address = addressFromWire(message, names);
      if (address !== undefined) found.push(address);
    }
    return listing(found, consistent);
  }

  /** Adds an address. Same as: ip address add ADDRESS dev DEV @throws {NetlinkError} `EEXIST` */
  create(config: AddressConfig, options?: CallOptions): Promise<void> {
    return this.#changes.make("create", config, options);
  }

  /** Adds an address, or changes lifetimes, flags and metric of one that is there. Same as: ip address replace */
  replace(config: AddressConfig, options?: CallOptions): Promise<void> {
    return this.#changes.make("replace", config, options);
  }

  /** Removes an address; properties other than address, dev, peer and label do not matter. Same as: ip address delete */
  delete(config: AddressConfig, options?: CallOptions): Promise<void> {
    return this.#changes.make("delete", config, options);
  }

  /** Checked requests for one sort of change, to be sent together with others. @throws {InputError} */
  commands(verb: AddressVerb, configs: readonly AddressConfig[]): Promise<Command[]> {
    return this.#changes.commands(verb, configs);
  }

  /**
   * The same change for many addresses in few system calls; no transaction. Resolves to one entry for each: undefined,
   * or why the kernel refused it. Nothing is sent when one of them does not pass the check.
   */
  batch(
    verb: AddressVerb,
    configs: readonly AddressConfig[],
    options?: CallOptions,
  ): Promise<readonly (NetlinkError | undefined)[]> {
    return this.#changes.batch(verb, configs, options);
  }
}
