/** The forwarding entries (which MAC address is where) of bridges, VXLANs and other links of one network namespace. */
import { type ChangeRules, Changes, canonicalIp, type LinkLookup, type Listing, listing } from "../families/lookup.ts";
import { AF_BRIDGE } from "../families/route.ts";
import { address, check, linkName, list } from "../shape/shape.ts";
import type { CallOptions, Command, Connection, NetlinkError } from "../socket/index.ts";
import {
  type MessageIn,
  type MessageOut,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
} from "../wire/index.ts";
import {
  checkEntry,
  entryFromWire,
  entryToWire,
  FDB_PROPERTIES,
  type FdbConfig,
  type FdbEntry,
  fdbShapes,
  ZERO_MAC,
} from "./entry.ts";
import { delneigh, getneigh, newneigh } from "./schema.ts";

/** Which entries are meant. */
export interface FdbFilter {
  readonly dev?: string | undefined;
  /** Name of a bridge: entries in its table. */
  readonly master?: string | undefined;
}
/** What can be done with an entry. */
export type FdbVerb = "create" | "append" | "replace" | "delete";
/** What {@link Fdb.setRemotes} did. */
export interface RemoteChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

const FILTER = { dev: linkName, master: linkName };
const ACTS = { create: "add", append: "append", replace: "replace", delete: "delete" } as const;
type Wire = MessageIn<typeof newneigh>;
const rules: ChangeRules<FdbVerb, FdbConfig, Wire> = {
  verbs: {
    create: { message: newneigh, flags: NLM_F_CREATE | NLM_F_EXCL },
    append: { message: newneigh, flags: NLM_F_CREATE | NLM_F_APPEND },
    replace: { message: newneigh, flags: NLM_F_CREATE | NLM_F_REPLACE },
    delete: { message: delneigh, flags: 0 },
  },
  check: checkEntry,
  devices: ({ dev, via }) => [dev, via],
  toWire: entryToWire,
  told: ({ mac, dev, dst }, verb) => ({
    what: `cannot ${ACTS[verb]} forwarding entry ${mac}${dst === undefined ? "" : ` dst ${dst}`} on ${dev}`,
    properties: FDB_PROPERTIES,
    blamed: { EEXIST: mac === ZERO_MAC ? "dst" : "mac", ENOENT: "mac", ENODEV: "dev", EAFNOSUPPORT: "dst" },
  }),
};

/** An entry without its link, where the link is named beside it. */
type Rest = Omit<FdbConfig, "dev">;
/** Either form: an entry that names its link, or the link and the rest of the entry. */
function taken(
  first: FdbConfig | string,
  second?: Rest | CallOptions,
  third?: CallOptions,
): [config: FdbConfig, options: CallOptions | undefined] {
  if (typeof first !== "string") return [first, second as CallOptions | undefined];
  return [{ ...(second as Rest), dev: first }, third];
}

/** Whether an entry is what the address alone says. */
function isPlain({ port, vni, via }: FdbEntry): boolean {
  return (port ?? vni ?? via) === undefined;
}

/** Lists and changes forwarding entries. */
export class Fdb {
  readonly #connection: Connection;
  readonly #links: LinkLookup;
  readonly #changes: Changes<FdbVerb, FdbConfig, Wire>;

  constructor(connection: Connection, links: LinkLookup) {
    this.#connection = connection;
    this.#links = links;
    this.#changes = new Changes(connection, links, rules);
  }

  async #request(
    filter: FdbFilter,
  ): Promise<{ wire: Wire; wanted: (message: MessageOut<typeof newneigh>) => boolean }> {
    check([], FILTER, filter);
    const index = filter.dev === undefined ? 0 : await this.#links.indexOf(filter.dev);
    const master = filter.master === undefined ? undefined : await this.#links.indexOf(filter.master);
    return {
      wire: { header: { family: AF_BRIDGE, ifindex: index }, attrs: master === undefined ? {} : { master } },
      wanted: ({ header, attrs }) =>
        (index === 0 || header.ifindex === index) &&
        // The bridge's own entries name no master.
        (master === undefined || attrs.master === master || header.ifindex === master),
    };
  }

  /** All forwarding entries, or those of a link or of a bridge's table. Same as: bridge fdb show */
  async list(filter: FdbFilter = {}, options?: CallOptions): Promise<Listing<FdbEntry>> {
    const { wire, wanted } = await this.#request(filter);
    const { messages, consistent } = await this.#connection.dump(getneigh, wire, newneigh, options);
    const names = await this.#links.names();
    const found: FdbEntry[] = [];
    for (const message of messages) if (wanted(message)) found.push(entryFromWire(message, names));
    return listing(found, consistent);
  }

  /**
   * As {@link list}, in arrays of some hundred as they arrive, for tables too large to be kept.
   * @throws {SocketError} `ERR_INTERRUPTED` at the end when the table changed meanwhile.
   */
  async *stream(filter: FdbFilter = {}, options?: CallOptions): AsyncGenerator<readonly FdbEntry[], void, undefined> {
    const { wire, wanted } = await this.#request(filter);
    let names = await this.#links.names();
    for await (const part of this.#connection.stream(getneigh, wire, newneigh, options)) {
      if (part.some(({ header }) => !names.has(header.ifindex))) names = await this.#links.names();
      const found: FdbEntry[] = [];
      for (const message of part) if (wanted(message)) found.push(entryFromWire(message, names));
      yield found;
    }
  }

  /**
   * Adds an entry, or a further far end to a VXLAN's entry; one that is there already is no error.
   * Same as: bridge fdb append MAC dev DEV dst DST
   */
  append(config: FdbConfig, options?: CallOptions): Promise<void>;
  append(dev: string, entry: Rest, options?: CallOptions): Promise<void>;
  append(first: FdbConfig | string, second?: Rest | CallOptions, third?: CallOptions): Promise<void> {
    return this.#changes.make("append", ...taken(first, second, third));
  }

  /** Adds an entry. Same as: bridge fdb add MAC dev DEV @throws {NetlinkError} `EEXIST` */
  create(config: FdbConfig, options?: CallOptions): Promise<void>;
  create(dev: string, entry: Rest, options?: CallOptions): Promise<void>;
  create(first: FdbConfig | string, second?: Rest | CallOptions, third?: CallOptions): Promise<void> {
    return this.#changes.make("create", ...taken(first, second, third));
  }

  /** Adds an entry, or puts it in place of the one with the same MAC. Not for the all-zero MAC. Same as: bridge fdb replace */
  replace(config: FdbConfig, options?: CallOptions): Promise<void>;
  replace(dev: string, entry: Rest, options?: CallOptions): Promise<void>;
  replace(first: FdbConfig | string, second?: Rest | CallOptions, third?: CallOptions): Promise<void> {
    return this.#changes.make("replace", ...taken(first, second, third));
  }

  /**
   * Removes an entry; of a VXLAN's all-zero entry the one with this `dst`, where an absent one is no error.
   * Same as: bridge fdb delete MAC dev DEV dst DST @throws {NetlinkError} `ENOENT`
   */
  delete(config: FdbConfig, options?: CallOptions): Promise<void>;
  delete(dev: string, entry: Rest, options?: CallOptions): Promise<void>;
  delete(first: FdbConfig | string, second?: Rest | CallOptions, third?: CallOptions): Promise<void> {
    return this.#changes.make("delete", ...taken(first, second, third));
  }

  /** Checked requests for one sort of change, to be sent together with others. @throws {InputError} */
  commands(verb: FdbVerb, configs: readonly FdbConfig[]): Promise<Command[]> {
    return this.#changes.commands(verb, configs);
  }

  /**
   * The same change for many entries in few system calls; no transaction. Resolves to one entry for each: undefined, or
   * why the kernel refused it. Nothing is sent when one of them does not pass the check.
   */
  batch(
    verb: FdbVerb,
    configs: readonly FdbConfig[],
    options?: CallOptions,
  ): Promise<readonly (NetlinkError | undefined)[]> {
    return this.#changes.batch(verb, configs, options);
  }

  async #flooding(dev: string, srcVni: number | undefined, options?: CallOptions): Promise<FdbEntry[]> {
    const all = await this.list({ dev }, options);
    return all.filter((one) => one.mac === ZERO_MAC && one.dst !== undefined && one.srcVni === srcVni);
  }

  /**
   * Where a VXLAN floods to: the far ends of its all-zero entry. `srcVni`: of one VNI of an `external` link.
   * Same as: bridge fdb show dev DEV | grep 00:00:00:00:00:00
   */
  async remotes(dev: string, options: CallOptions & { readonly srcVni?: number | undefined } = {}): Promise<string[]> {
    return (await this.#flooding(dev, options.srcVni, options)).flatMap(({ dst }) => dst ?? []);
  }

  /**
   * Makes a VXLAN flood to exactly these far ends: new ones are appended first, then others are deleted, one by one, so
   * that traffic to those that stay is never interrupted. What is right already is not touched.
   */
  async setRemotes(
    dev: string,
    addresses: readonly string[],
    options: CallOptions & { readonly srcVni?: number | undefined } = {},
  ): Promise<RemoteChanges> {
    const { srcVni } = options;
    check([], { dev: linkName, addresses: list(address), srcVni: fdbShapes.srcVni }, { dev, addresses, srcVni });
    const wanted = new Set(addresses.map(canonicalIp));
    const entries = await this.#flooding(dev, srcVni, options);
    // An entry with a port, VNI or output link of its own is not the one that is wanted, though it has the address.
    const plain = new Set(entries.filter(isPlain).map(({ dst }) => dst));
    const added = [...wanted].filter((dst) => !plain.has(dst));
    const unwanted = entries.filter((one) => !isPlain(one) || !wanted.has(one.dst ?? ""));
    for (const dst of added) await this.append({ mac: ZERO_MAC, dev, dst, srcVni, self: true }, options);
    for (const { dst, port, vni, via } of unwanted)
      await this.delete({ mac: ZERO_MAC, dev, dst, port, vni, via, srcVni, self: true }, options);
    return { added, removed: unwanted.flatMap(({ dst }) => dst ?? []) };
  }
}
