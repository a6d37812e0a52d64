/** Channels, associations and keys of MACsec links; the link itself is made as every link is. Same as: ip macsec */
import { GenericFamily } from "../families/generic.ts";
import { indexesOf, type LinkLookup, type Listing, linkNamed, listing, retold } from "../families/lookup.ts";
import { checkOne, InputError, knownLinkName } from "../shape/shape.ts";
import { type CallOptions, type Connection, checkCall, NetlinkError } from "../socket/index.ts";
import type { In } from "../wire/index.ts";
import {
  MACSEC_CMD_ADD_RXSA,
  MACSEC_CMD_ADD_RXSC,
  MACSEC_CMD_ADD_TXSA,
  MACSEC_CMD_GET_TXSC,
  MACSEC_CMD_UPD_OFFLOAD,
  MACSEC_GENL_NAME,
  MACSEC_GENL_VERSION,
  macsecDevice,
} from "./schema.ts";
import {
  checkSaid,
  deviceFromWire,
  type MacsecDevice,
  type MacsecOffload,
  type MacsecRxSaChanges,
  type MacsecRxSaConfig,
  type MacsecRxSaName,
  type MacsecRxScConfig,
  type MacsecRxScName,
  type MacsecTxSaChanges,
  type MacsecTxSaConfig,
  type MacsecTxSaName,
  type MacsecVerb,
  offloadShape,
  offloadToWire,
  reasonOf,
  type SortName,
  sorts,
  toWire,
} from "./words.ts";

const ABSENCE =
  "this kernel has no MACsec, or its module is not loaded: the first link of kind macsec does that, or modprobe macsec";
const NOT_TOLD = "it is no MACsec link, or has more channels than the kernel tells";
const ENODEV = -19;
const EOPNOTSUPP = -95;
/** What the kernel says with no more than a number. */
const EXPLAINED: ReadonlySet<string> = new Set(["EBUSY", "EEXIST", "EINVAL", "ENODEV"]);

const FIRST = { txsa: MACSEC_CMD_ADD_TXSA, rxsc: MACSEC_CMD_ADD_RXSC, rxsa: MACSEC_CMD_ADD_RXSA } as const;
/** After the first command of a sort. */
const VERBS = { create: 0, delete: 1, update: 2 } as const;
const ACTS = { create: "add", update: "update", delete: "delete" } as const;
/** The caller's words for attributes. */
const WORDS = {
  ifindex: "dev",
  "saConfig.keyid": "keyId",
  "rxscConfig.sci": "sci",
  "rxscConfig.active": "active",
  ...Object.fromEntries(["an", "pn", "key", "salt", "ssci", "active"].map((key) => [`saConfig.${key}`, key])),
};

type Named = { readonly dev: string };
/** Asks for, and changes, channels or associations. */
type Change = (sort: SortName, verb: MacsecVerb, said: Named, options?: CallOptions) => Promise<void>;

/** Undefined where there is no link of this name. */
function absent(error: unknown): undefined {
  if (!(error instanceof InputError)) throw error;
}

/** Channels or associations of one sort: `C` is a new one, `U` the changes to one, `N` names one. */
export class MacsecParts<C extends Named, U extends Named, N extends Named> {
  readonly #sort: SortName;
  readonly #change: Change;

  /** @internal */
  constructor(sort: SortName, change: Change) {
    this.#sort = sort;
    this.#change = change;
  }

  /**
   * Makes one. Same as: ip macsec add DEV …
   * @throws {InputError} before anything is sent; it shows no key.
   * @throws {NetlinkError} `EBUSY` for an association and `EEXIST` for a channel that is there, `EINVAL` for what does
   * not go with the cipher suite, …
   */
  create(config: C, options?: CallOptions): Promise<void> {
    return this.#change(this.#sort, "create", config, options);
  }
  /** Changes one; what is absent stays. Same as: ip macsec set DEV … @throws {NetlinkError} `ENODEV` where it is not there. */
  update(changes: U, options?: CallOptions): Promise<void> {
    return this.#change(this.#sort, "update", changes, options);
  }
  /**
   * Takes one away, a channel with its associations. Same as: ip macsec del DEV …
   * @throws {NetlinkError} `EBUSY` for an association that is active, `ENODEV` where it is not there.
   */
  delete(name: N, options?: CallOptions): Promise<void> {
    return this.#change(this.#sort, "delete", name, options);
  }
}

/** MACsec of one namespace, over a connection that was opened with NETLINK_GENERIC. */
export class Macsec {
  readonly #connection: Connection;
  readonly #links: LinkLookup;
  readonly #family: GenericFamily;
  /** Associations to send with, 4 for each link. */
  readonly txsa: MacsecParts<MacsecTxSaConfig, MacsecTxSaChanges, MacsecTxSaName>;
  /** Channels to receive from, one for each sender. */
  readonly rxsc: MacsecParts<MacsecRxScConfig, MacsecRxScConfig, MacsecRxScName>;
  /** Associations to receive with, 4 for each channel. */
  readonly rxsa: MacsecParts<MacsecRxSaConfig, MacsecRxSaChanges, MacsecRxSaName>;

  /** The connection stays the caller's to close. */
  constructor(connection: Connection, links: LinkLookup) {
    this.#connection = connection;
    this.#links = links;
    this.#family = new GenericFamily(connection, MACSEC_GENL_NAME, ABSENCE);
    const change: Change = (sort, verb, said, options) => this.#change(sort, verb, said, options);
    this.txsa = new MacsecParts("txsa", change);
    this.rxsc = new MacsecParts("rxsc", change);
    this.rxsa = new MacsecParts("rxsa", change);
  }

  /**
   * All MACsec links with their channels, associations and counters; never a key. The kernel tells a link in one message,
   * and where that has not the room for its channels, it and those after it are missing.
   * Same as: ip -s macsec show
   */
  async list(options?: CallOptions): Promise<Listing<MacsecDevice>> {
    checkCall(options);
    return this.#list("cannot list MACsec", options);
  }

  /**
   * One MACsec link; undefined where there is no link of this name. Same as: ip -s macsec show DEV
   * @throws {NetlinkError} `EOPNOTSUPP` where the link is of another kind.
   */
  async get(dev: string, options?: CallOptions): Promise<MacsecDevice | undefined> {
    checkOne(["dev"], knownLinkName, dev);
    checkCall(options);
    const what = `cannot read MACsec of ${dev}`;
    const index = await this.#links.indexOf(dev).catch(absent);
    if (index === undefined) return undefined;
    const found = (await this.#list(what, options)).find((one) => one.index === index);
    if (found !== undefined) return found;
    throw new NetlinkError({ errno: EOPNOTSUPP, request: what, reason: NOT_TOLD, attribute: "dev" });
  }

  /**
   * Has the hardware do the work, or this host. Channels and associations are made afterwards.
   * Same as: ip macsec offload DEV off|phy|mac
   * @throws {NetlinkError} `EOPNOTSUPP` for hardware that cannot, `EBUSY` where the link is up, or has channels or
   * associations.
   */
  async setOffload(dev: string, offload: MacsecOffload, options?: CallOptions): Promise<void> {
    checkOne(["dev"], knownLinkName, dev);
    checkOne(["offload"], offloadShape, offload);
    checkCall(options);
    const what = `cannot set MACsec offload of ${dev}`;
    const blamed = { ENODEV: "dev", EOPNOTSUPP: "offload", EBUSY: "offload" };
    try {
      await this.#send(what, MACSEC_CMD_UPD_OFFLOAD, dev, offloadToWire(offload), options);
    } catch (error) {
      throw retold(error, { what, properties: { ...WORDS, "offload.type": "offload" }, blamed });
    }
  }

  async #change(sort: SortName, verb: MacsecVerb, said: Named, options?: CallOptions): Promise<void> {
    checkSaid(sort, verb, said);
    checkCall(options);
    const what = `cannot ${ACTS[verb]} ${sorts[sort].what(said)} of ${said.dev}`;
    try {
      await this.#send(what, FIRST[sort] + VERBS[verb], said.dev, toWire(sort, verb, said), options);
    } catch (error) {
      throw retold(await this.#explained(error, sort, verb, said), { what, properties: WORDS });
    }
  }

  async #send(what: string, cmd: number, dev: string, attrs: In<typeof macsecDevice>, options?: CallOptions) {
    const message = await this.#family.message(what, "MACSEC_CMD", macsecDevice, options);
    const ifindex = (await indexesOf(this.#links, [dev]))(dev);
    const header = { cmd, version: MACSEC_GENL_VERSION };
    await this.#connection.request(message, { header, attrs: { ifindex, ...attrs } }, 0, options);
  }

  async #list(what: string, options?: CallOptions): Promise<Listing<MacsecDevice>> {
    const message = await this.#family.message(what, "MACSEC_CMD_GET_TXSC", macsecDevice, options);
    const request = { header: { cmd: MACSEC_CMD_GET_TXSC, version: MACSEC_GENL_VERSION }, attrs: {} };
    try {
      const { messages, consistent } = await this.#connection.dump(message, request, message, options);
      const names = await this.#links.names();
      const devices = messages.map(({ attrs }) => deviceFromWire(attrs, (index) => linkNamed(names, index)));
      return listing(devices, consistent);
    } catch (error) {
      throw retold(error, { what, properties: WORDS });
    }
  }

  /** The kernel's refusal with a reason, which it does not give: found by looking at what is there. */
  async #explained(error: unknown, sort: SortName, verb: MacsecVerb, said: Named): Promise<unknown> {
    if (!(error instanceof NetlinkError) || error.reason !== undefined || error.attribute !== undefined) return error;
    if (!EXPLAINED.has(error.code)) return error;
    const device = await this.get(said.dev).catch(() => undefined);
    const { errno, request } = error;
    if (device === undefined)
      return errno === ENODEV ? new NetlinkError({ errno, request, reason: NOT_TOLD, attribute: "ifindex" }) : error;
    const found = reasonOf(error.code, sort, verb, said, device);
    return found === undefined
      ? error
      : new NetlinkError({ errno, request, reason: found.reason, attribute: found.key });
  }
}
