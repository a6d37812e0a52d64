/** The addresses of one network namespace. */
import {
  type ChangeRules,
  canonicalIp,
  type Family,
  type LinkLookup,
  type Listing,
  listing,
  retold,
  type Scope,
  scopes,
} from "../families/lookup.ts";
import { checkFlush, familyNumber, familyShape, matches, removeAll, Service } from "../families/service.ts";
import { inTurns } from "../families/turns.ts";
import { boolean, check, checkObject, choice, InputError, linkName } from "../shape/shape.ts";
import { type CallOptions, type Connection, checkCall, command, NetlinkError } from "../socket/index.ts";
import { type MessageIn, type MessageOut, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from "../wire/index.ts";
import { type Listen, withDad } from "./dad.ts";
import { type MulticastAddress, multicastFromWire } from "./multicast.ts";
import { deladdr, getaddr, newaddr, toldmulticast } from "./schema.ts";
import {
  ADDRESS_PROPERTIES,
  type Address,
  type AddressConfig,
  type AddressProtocol,
  addressFromWire,
  addressProtocols,
  addressShapes,
  addressToWire,
  checkAddress,
} from "./words.ts";

/** Which addresses are meant. */
export interface AddressFilter {
  readonly dev?: string | undefined;
  readonly family?: Family | undefined;
  readonly scope?: Scope | undefined;
  readonly protocol?: AddressProtocol | undefined;
  /** IPv4: name that old programs give it. */
  readonly label?: string | undefined;
  /** Each: only those that are so, or only those that are not. */
  readonly dynamic?: boolean | undefined;
  readonly temporary?: boolean | undefined;
  readonly deprecated?: boolean | undefined;
  readonly tentative?: boolean | undefined;
  readonly dadfailed?: boolean | undefined;
}
/** What is waited for beside the acknowledgement. */
export interface AddressOptions extends CallOptions {
  /**
   * IPv6: `wait` resolves when the kernel has made sure that no other host has the address, and rejects with a
   * {@link DadError} when one has. That takes a second or two, `timeout` (default 10000) milliseconds at most.
   */
  readonly dad?: "wait" | undefined;
}
/** What can be done with an address. */
export type AddressVerb = "create" | "replace" | "delete";

/** Told only where they are true. */
const FLAGS = ["dynamic", "temporary", "deprecated", "tentative", "dadfailed"] as const;
const FILTER = {
  dev: linkName,
  family: familyShape,
  scope: scopes.shape,
  protocol: addressProtocols.shape,
  label: addressShapes.label,
  ...(Object.fromEntries(FLAGS.map((flag) => [flag, boolean])) as Record<(typeof FLAGS)[number], typeof boolean>),
};
/** Milliseconds until detection is given up: a link may first have to come up. */
const DAD_TIMEOUT = 10_000;
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

interface Found {
  readonly pairs: { readonly message: MessageOut<typeof newaddr>; readonly address: Address }[];
  readonly consistent: boolean;
}

/** Lists and changes addresses. */
export class Addresses extends Service<AddressVerb, AddressConfig, MessageIn<typeof newaddr>> {
  readonly #listen: Listen | undefined;

  /** `listen` opens a monitor in the same namespace, which only `dad: "wait"` needs. */
  constructor(connection: Connection, links: LinkLookup, listen?: Listen) {
    super(connection, links, rules);
    this.#listen = listen;
  }

  async #found(filter: AddressFilter, options?: CallOptions): Promise<Found> {
    check([], FILTER, filter, "filter");
    const { dev, family, scope, protocol } = filter;
    const index = dev === undefined ? 0 : await this.links.indexOf(dev);
    const header = { family: familyNumber(family), index };
    const { messages, consistent } = await this.connection.dump(getaddr, { header }, newaddr, options);
    const names = await this.links.names();
    const wanted = {
      ...filter,
      scope: scope === undefined ? undefined : scopes.wordOf(scopes.numberOf(scope)),
      protocol: protocol === undefined ? undefined : addressProtocols.wordOf(addressProtocols.numberOf(protocol)),
    };
    const pairs = await inTurns(messages, (message) => {
      if (index !== 0 && message.header.index !== index) return undefined; // kernels before 4.20 do not filter
      const address = addressFromWire(message, names);
      if (address === undefined || !matches(wanted, address, "dev", "family", ...FLAGS)) return undefined;
      const meant = FLAGS.every((flag) => filter[flag] === undefined || filter[flag] === (address[flag] ?? false));
      return meant ? { message, address } : undefined;
    });
    return { pairs, consistent };
  }

  /** All addresses, or those that the filter means. Same as: ip address show */
  async list(filter: AddressFilter = {}, options?: CallOptions): Promise<Listing<Address>> {
    const { pairs, consistent } = await this.#found(filter, options);
    return listing(
      pairs.map(({ address }) => address),
      consistent,
    );
  }

  /**
   * Multicast groups that links listen to for this host; of IPv4 since Linux 6.15, and none before. Which MAC addresses a
   * card listens to, and one more for it, is the business of `host.fdb` with `self`. Same as: ip maddress show
   * @throws {NetlinkError} `EOPNOTSUPP` where `family` is asked for and the kernel does not tell it.
   */
  async multicast(
    filter: Pick<AddressFilter, "dev" | "family"> = {},
    options?: CallOptions,
  ): Promise<Listing<MulticastAddress>> {
    check([], { dev: linkName, family: familyShape }, filter, "filter");
    const names = await this.links.names();
    const found: MulticastAddress[] = [];
    let whole = true;
    for (const family of filter.family === undefined ? (["inet", "inet6"] as const) : [filter.family])
      try {
        const header = { family: familyNumber(family) };
        const dump = await this.connection.dump(toldmulticast, { header }, toldmulticast, options);
        found.push(...(await inTurns(dump.messages, (message) => multicastFromWire(message, names))));
        whole &&= dump.consistent;
      } catch (error) {
        const lacking = error instanceof NetlinkError && error.code === "EOPNOTSUPP";
        if (!lacking || filter.family !== undefined)
          throw retold(error, {
            what: "cannot list multicast addresses",
            properties: {},
            blamed: { EOPNOTSUPP: "family" },
          });
      }
    return listing(
      found.filter(({ dev }) => filter.dev === undefined || dev === filter.dev),
      whole,
    );
  }

  /**
   * Removes all addresses that the filter means. Resolves to how many were removed; secondary ones that went with their
   * first do not count. Same as: ip address flush dev DEV
   * @throws {InputError} for a filter that names nothing.
   */
  async flush(filter: AddressFilter, options?: CallOptions): Promise<number> {
    checkFlush(filter, "addresses");
    const { pairs } = await this.#found(filter, options);
    const commands = pairs.map(({ message: { header, attrs } }) => {
      const { local, address, label } = attrs;
      return command(deladdr, { header, attrs: { local, address, label } }, 0);
    });
    return removeAll(this.connection, commands, "addresses", options);
  }

  async #make(verb: "create" | "replace", config: AddressConfig, options: AddressOptions = {}): Promise<void> {
    checkObject([], config);
    checkObject([], options, "options");
    const { dad, ...call } = options;
    checkCall(call);
    check([], { dad: choice("wait") }, { dad });
    const make = (): Promise<void> => this.changes.make(verb, config, call);
    const [text = ""] = String(config.address).split("/");
    if (dad === undefined || !text.includes(":")) return make();
    if (this.#listen === undefined)
      throw new InputError(["dad"], "this object was given no way to listen; leave it out");
    checkAddress(config);
    const address = canonicalIp(text);
    const index = await this.links.indexOf(config.dev);
    const awaited = { address, index, subject: `address ${config.address} on ${config.dev}` };
    const read = async (): Promise<number | undefined> => {
      const { pairs } = await this.#found({ dev: config.dev, family: "inet6" }, call);
      const hit = pairs.find(({ message: { attrs } }) => (attrs.local ?? attrs.address) === address);
      return hit && (hit.message.attrs.flags ?? hit.message.header.flags);
    };
    return withDad(awaited, this.#listen, make, read, { signal: call.signal, timeout: call.timeout ?? DAD_TIMEOUT });
  }

  /** Adds an address. Same as: ip address add ADDRESS dev DEV @throws {NetlinkError} `EEXIST` */
  create(config: AddressConfig, options?: AddressOptions): Promise<void> {
    return this.#make("create", config, options);
  }

  /** Adds an address, or changes lifetimes, flags and metric of one that is there. Same as: ip address replace */
  replace(config: AddressConfig, options?: AddressOptions): Promise<void> {
    return this.#make("replace", config, options);
  }

  /** Removes an address; properties other than address, dev, peer and label do not matter. Same as: ip address delete */
  delete(config: AddressConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("delete", config, options);
  }
}
