/** The forwarding entries (which MAC address is where) of bridges, VXLANs and other links of one network namespace. */
import {
  type ChangeRules,
  Changes,
  canonicalIp,
  indexesOf,
  type LinkLookup,
  type Listing,
  listing,
  retold,
} from "../families/lookup.ts";
import { AF_BRIDGE } from "../families/route.ts";
import { inTurns } from "../families/turns.ts";
import {
  address,
  boolean,
  check,
  checkObject,
  checkOne,
  InputError,
  linkName,
  list,
  type Shapes,
} from "../shape/shape.ts";
import { type CallOptions, type Command, type Connection, NetlinkError } from "../socket/index.ts";
import {
  type MessageIn,
  type MessageOut,
  NLM_F_APPEND,
  NLM_F_BULK,
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
} from "./entry.ts";
import { delneigh, getneigh, NTF, NUD, newneigh } from "./schema.ts";
import { ZERO_MAC } from "./zero-mac.ts";

/** Which entries are meant. */
export interface FdbFilter {
  readonly dev?: string | undefined;
  /** Name of a bridge: entries in its table. */
  readonly master?: string | undefined;
}
/** Which entries of a link are to go. A property that is true means those that are so, false the others. */
export interface FdbFlush {
  /** Name of a bridge, whose table it is; of a port, with `master`; or of a VXLAN, Linux 6.7 and later. */
  readonly dev: string;
  /** Bridge: name of the port. */
  readonly brport?: string | undefined;
  /** Bridge: 1 to 4094. */
  readonly vlan?: number | undefined;
  /** VXLAN: as in {@link FdbConfig}. */
  readonly dst?: string | undefined;
  readonly port?: number | undefined;
  readonly vni?: number | undefined;
  readonly srcVni?: number | undefined;
  readonly nhid?: number | undefined;
  /** Entries that are this host's own or kept for ever. */
  readonly permanent?: boolean | undefined;
  /** Entries that are fixed and not permanent; false: those that are not fixed. */
  readonly static?: boolean | undefined;
  /** Entries that age. */
  readonly dynamic?: boolean | undefined;
  readonly externLearn?: boolean | undefined;
  readonly sticky?: boolean | undefined;
  readonly offloaded?: boolean | undefined;
  /** VXLAN. */
  readonly router?: boolean | undefined;
  /** Bridge: entries that somebody wrote. */
  readonly addedByUser?: boolean | undefined;
  /** The table of the bridge that `dev` is a port of, instead of its own. Default false. */
  readonly master?: boolean | undefined;
}
/** Which entry {@link Fdb.get} is asked for. */
export interface FdbQuery {
  readonly mac: string;
  /** Name of a bridge, of a VXLAN, or of a port, with `master`. */
  readonly dev: string;
  /** Bridge: 1 to 4094. */
  readonly vlan?: number | undefined;
  /** VXLAN with `external`: VNI for which the entry is. */
  readonly srcVni?: number | undefined;
  /** The table of the bridge that `dev` is a port of, instead of its own. Default false. */
  readonly master?: boolean | undefined;
}
/** What can be done with an entry. */
export type FdbVerb = "create" | "append" | "replace" | "delete";
/** What {@link Fdb.setRemotes} did. */
export interface RemoteChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

const FILTER = { dev: linkName, master: linkName };
const { dst, port, vni, srcVni, nhid, vlan } = fdbShapes;
const FLUSH = {
  dev: linkName,
  brport: linkName,
  vlan,
  dst,
  port,
  vni,
  srcVni,
  nhid,
  permanent: boolean,
  static: boolean,
  dynamic: boolean,
  externLearn: boolean,
  sticky: boolean,
  offloaded: boolean,
  router: boolean,
  addedByUser: boolean,
  master: boolean,
} as const satisfies Shapes;
const QUERY = { mac: fdbShapes.mac, dev: linkName, vlan, srcVni, master: boolean } as const satisfies Shapes;

/** For each property of a flush its bits where it is true and where it is false, and which bits are looked at. */
const FIXED = NUD.NOARP | NUD.PERMANENT;
const STATE_BITS = {
  permanent: { yes: NUD.PERMANENT, no: 0, mask: NUD.PERMANENT },
  static: { yes: NUD.NOARP, no: 0, mask: FIXED },
  dynamic: { yes: 0, no: NUD.NOARP, mask: FIXED },
} as const;
const FLAG_BITS = {
  externLearn: NTF.EXT_LEARNED,
  sticky: NTF.STICKY,
  offloaded: NTF.OFFLOADED,
  router: NTF.ROUTER,
  addedByUser: NTF.USE,
} as const;
function stateBits(filter: FdbFlush): { readonly state: number; readonly mask: number } {
  let state = 0;
  let mask = 0;
  for (const [key, bits] of Object.entries(STATE_BITS)) {
    const wanted = filter[key as keyof typeof STATE_BITS];
    if (wanted === undefined) continue;
    state |= wanted ? bits.yes : bits.no;
    // "Not static" and "not dynamic" say nothing of permanent ones.
    mask |= wanted || key === "permanent" ? bits.mask : NUD.NOARP;
  }
  return { state, mask };
}
function flagBits(filter: FdbFlush): { readonly flags: number; readonly mask: number } {
  let flags = 0;
  let mask = 0;
  for (const [key, bit] of Object.entries(FLAG_BITS)) {
    const wanted = filter[key as keyof typeof FLAG_BITS];
    if (wanted === undefined) continue;
    if (wanted) flags |= bit;
    mask |= bit;
  }
  return { flags, mask };
}
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
    check([], FILTER, filter, "filter");
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
    const found = await inTurns(messages, (message) => (wanted(message) ? entryFromWire(message, names) : undefined));
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

  /**
   * Removes all entries of a link that the filter means, in one request. Without any filter but `dev` all of them.
   * Same as: bridge fdb flush dev DEV
   * @throws {NetlinkError} `EOPNOTSUPP` for links and filters that this kernel cannot flush: bridges since Linux 5.19,
   * VXLANs since 6.7.
   */
  async flush(filter: FdbFlush, options?: CallOptions): Promise<void> {
    check([], FLUSH, filter, "filter");
    if (filter.dev === undefined) throw new InputError(["dev"], `missing; expected ${linkName.expected}`);
    const { dev, brport, permanent, static: fixed, dynamic } = filter;
    if ([permanent, fixed, dynamic].filter((one) => one === true).length > 1)
      throw new InputError(["dynamic"], "an entry is one of permanent, static, dynamic; use one");
    try {
      const indexOf = await indexesOf(this.#links, [dev, brport]);
      const [states, flags] = [stateBits(filter), flagBits(filter)];
      const table = filter.master === true ? NTF.MASTER : NTF.SELF;
      await this.#connection.request(
        delneigh,
        {
          header: { family: AF_BRIDGE, ifindex: indexOf(dev), state: states.state, flags: table | flags.flags },
          attrs: {
            dst: filter.dst,
            vlan: filter.vlan,
            port: filter.port,
            vni: filter.vni,
            ifindex: brport === undefined ? undefined : indexOf(brport),
            srcVni: filter.srcVni,
            nhId: filter.nhid,
            ndmStateMask: states.mask === 0 ? undefined : states.mask,
            ndmFlagsMask: flags.mask === 0 ? undefined : flags.mask,
          },
        },
        NLM_F_BULK,
        options,
      );
    } catch (error) {
      throw retold(error, {
        what: `cannot flush forwarding entries of ${dev}`,
        properties: { ...FDB_PROPERTIES, ifindex: "brport" },
        blamed: { EOPNOTSUPP: "dev", ENODEV: "dev" },
      });
    }
  }

  /**
   * One entry, undefined where there is none. Of the all-zero entry of a VXLAN the kernel tells one far end only.
   * Same as: bridge fdb get MAC dev DEV
   */
  async get(query: FdbQuery, options?: CallOptions): Promise<FdbEntry | undefined> {
    check([], QUERY, query, "query");
    for (const key of ["mac", "dev"] as const)
      if (query[key] === undefined) throw new InputError([key], `missing; expected ${QUERY[key].expected}`);
    const { mac: lladdr, dev, master } = query;
    const header = {
      family: AF_BRIDGE,
      ifindex: await this.#links.indexOf(dev),
      flags: master === true ? NTF.MASTER : NTF.SELF,
    };
    try {
      const attrs = { lladdr, vlan: query.vlan, vni: query.srcVni };
      const found = await this.#connection.get(getneigh, { header, attrs }, newneigh, options);
      return entryFromWire(found, await this.#links.names());
    } catch (error) {
      if (error instanceof NetlinkError && error.code === "ENOENT") return undefined;
      const what = `cannot get forwarding entry ${lladdr} of ${dev}`;
      throw retold(error, { what, properties: { ...FDB_PROPERTIES, vni: "srcVni" }, blamed: { EOPNOTSUPP: "dev" } });
    }
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
    checkOne(["dev"], linkName, dev);
    checkObject([], options, "options");
    check(["options"], { srcVni }, { srcVni: options.srcVni });
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
    checkOne(["dev"], linkName, dev);
    checkOne(["addresses"], list(address), addresses);
    checkObject([], options, "options");
    const { srcVni } = options;
    check(["options"], { srcVni: fdbShapes.srcVni }, { srcVni });
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
