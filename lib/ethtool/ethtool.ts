/** What network devices can do, and how they are set. Same as: ethtool */
import { type Family, type FamilyLookup, genericBody, genericMessage, lookUpFamily } from "../families/generic.ts";
import { retold } from "../families/lookup.ts";
import { check, checkOne, knownLinkName } from "../shape/shape.ts";
import { type CallOptions, checkCall, NetlinkError } from "../socket/index.ts";
import type { AttrsIn, AttrsOut, Fields, Schema } from "../wire/attr.ts";
import type { Message } from "../wire/message.ts";
import { readGroup, readLinkModes, readLinkState, writeGroup, writeLinkModes } from "./before-netlink.ts";
import { type Driver, readDriver, readFeatures, readStatistics, writeFeatures } from "./driver.ts";
import {
  bitsOf,
  checkFeatures,
  compareFeatures,
  decodeFeatures,
  type FeatureChanges,
  type FeatureReport,
  type Features,
  planFeatures,
  withGroups,
} from "./features.ts";
import type { EthtoolIoctl } from "./ioctl.ts";
import {
  LINK_MODE_SHAPES,
  LINK_MODE_WORDS,
  type LinkModeChanges,
  type LinkModes,
  type LinkState,
  linkModesFromWire,
  linkModesToWire,
  linkStateFromWire,
} from "./link.ts";
import {
  ETHTOOL_FLAG_OMIT_REPLY,
  ETHTOOL_GENL_NAME,
  ETHTOOL_GENL_VERSION,
  ETHTOOL_MSG,
  type EthtoolRequest,
  ethtoolFeatures,
  ethtoolLinkModes,
  ethtoolLinkState,
  ethtoolStats,
  ethtoolStrings,
} from "./schema.ts";
import {
  type ChannelChanges,
  type Channels,
  type Coalesce,
  channels,
  coalesce,
  type Group,
  groupFromWire,
  groupToWire,
  type LinkInfo,
  type LinkInfoChanges,
  linkInfo,
  type Pause,
  pause,
  type RingChanges,
  type Rings,
  rings,
  wordsOf,
} from "./settings.ts";
import {
  STATS_GROUPS,
  STATS_NAMES,
  type StandardStatistics,
  type StatsGroup,
  statisticsFromWire,
  stringsFromWire,
} from "./statistics.ts";

/** The caller's words for attributes that a refusal points at. */
const WORDS = { header: "name", "header.devName": "name", wanted: "features" } as const;

/** The part of a connection over NETLINK_GENERIC that is needed here. */
export interface EthtoolConnection extends FamilyLookup {
  request<I>(message: Message<I, unknown>, value: I, flags?: number, options?: CallOptions): Promise<unknown>;
}

/** A request whose refusal is told in people's words. */
interface Asked {
  readonly request: EthtoolRequest;
  /** `cannot read rings of "eth0"`. */
  readonly what: string;
  readonly words?: Readonly<Record<string, string>>;
}

/** Whether this kernel has no family `ethtool`: it came with Linux 5.6. */
const isOld = (error: unknown): boolean => error instanceof NetlinkError && error.code === "ENOENT";

/**
 * Devices of one namespace, over a connection that was opened with NETLINK_GENERIC. Kernels before 5.6, which have no
 * family `ethtool`, are asked by ioctl for all but standard statistics; settings that came later they refuse with
 * `EOPNOTSUPP`. What an ioctl tells knows no `timeout`, and one that was sent is waited for: `signal` keeps it, and those
 * after it, from being sent.
 */
export class Ethtool {
  readonly #connection: EthtoolConnection;
  readonly #ioctl: EthtoolIoctl;
  #family: Family | undefined;

  /** The connection stays the caller's to close. */
  constructor(connection: EthtoolConnection, ioctl: EthtoolIoctl) {
    this.#connection = connection;
    this.#ioctl = ioctl;
  }

  /** Same as: ethtool -k NAME */
  async features(name: string, options?: CallOptions): Promise<Features> {
    checkOne(["name"], knownLinkName, name);
    const what = `cannot read features of ${JSON.stringify(name)}`;
    if (await this.#isOld(what, options))
      return withGroups(await this.#told(what, () => readFeatures(this.#ioctlFor(options), name)));
    return decodeFeatures(await this.#read(ethtoolFeatures, name, { request: "FEATURES_GET", what }, options));
  }

  /**
   * Changes features in one request and tells what came of it. Where nothing differs nothing is sent.
   * Same as: ethtool -K NAME tso off gso off
   *
   * @throws {EthtoolError} for a word that names no feature of the device; nothing was changed then.
   */
  async set(name: string, changes: FeatureChanges, options?: CallOptions): Promise<FeatureReport> {
    checkOne(["name"], knownLinkName, name);
    checkFeatures(changes);
    const before = await this.features(name, options);
    const plan = planFeatures(name, before, changes);
    const bit = bitsOf(plan, before);
    if (bit.length === 0) return compareFeatures(before, before, plan);
    const what = `cannot set features of ${JSON.stringify(name)}`;
    const asked = { request: "FEATURES_SET", what } as const;
    if (await this.#isOld(what, options))
      await this.#told(what, () => writeFeatures(this.#ioctlFor(options), name, bit));
    else await this.#write(ethtoolFeatures, name, { wanted: { bits: { bit } } }, asked, options);
    return compareFeatures(before, await this.features(name, options), plan);
  }

  /** Same as: ethtool -g NAME @throws {NetlinkError} `EOPNOTSUPP` where the device has none. */
  rings(name: string, options?: CallOptions): Promise<Rings> {
    return this.#get(rings, name, options);
  }
  /** Returns what it is then. Many devices lose their link for it. Same as: ethtool -G NAME rx 512 @throws {NetlinkError} */
  setRings(name: string, changes: RingChanges, options?: CallOptions): Promise<Rings> {
    return this.#set(rings, name, changes, options);
  }

  /** Same as: ethtool -l NAME @throws {NetlinkError} `EOPNOTSUPP` where the device has none. */
  channels(name: string, options?: CallOptions): Promise<Channels> {
    return this.#get(channels, name, options);
  }
  /** Returns what it is then. Same as: ethtool -L NAME combined 4 @throws {NetlinkError} */
  setChannels(name: string, changes: ChannelChanges, options?: CallOptions): Promise<Channels> {
    return this.#set(channels, name, changes, options);
  }

  /**
   * Kernels before 5.6 tell zero of what the device does not have.
   * Same as: ethtool -c NAME @throws {NetlinkError} `EOPNOTSUPP` where the device has none.
   */
  coalesce(name: string, options?: CallOptions): Promise<Coalesce> {
    return this.#get(coalesce, name, options);
  }
  /** Returns what it is then. Same as: ethtool -C NAME rx-usecs 50 @throws {NetlinkError} */
  setCoalesce(name: string, changes: Coalesce, options?: CallOptions): Promise<Coalesce> {
    return this.#set(coalesce, name, changes, options);
  }

  /** Same as: ethtool -a NAME @throws {NetlinkError} `EOPNOTSUPP` where the device has none. */
  pause(name: string, options?: CallOptions): Promise<Pause> {
    return this.#get(pause, name, options);
  }
  /** Returns what it is then. Same as: ethtool -A NAME rx off @throws {NetlinkError} */
  setPause(name: string, changes: Pause, options?: CallOptions): Promise<Pause> {
    return this.#set(pause, name, changes, options);
  }

  /** The connector. Same as: ethtool NAME @throws {NetlinkError} `EOPNOTSUPP` where the device has none. */
  linkInfo(name: string, options?: CallOptions): Promise<LinkInfo> {
    return this.#get(linkInfo, name, options);
  }
  /** Returns what it is then. Same as: ethtool -s NAME mdix auto @throws {NetlinkError} */
  setLinkInfo(name: string, changes: LinkInfoChanges, options?: CallOptions): Promise<LinkInfo> {
    return this.#set(linkInfo, name, changes, options);
  }

  /** Same as: ethtool NAME @throws {NetlinkError} `EOPNOTSUPP` where the device has no speed. */
  async linkModes(name: string, options?: CallOptions): Promise<LinkModes> {
    checkOne(["name"], knownLinkName, name);
    const what = `cannot read link modes of ${JSON.stringify(name)}`;
    if (await this.#isOld(what, options))
      return this.#told(what, () => readLinkModes(this.#ioctlFor(options), name), LINK_MODE_WORDS);
    const asked = { request: "LINKMODES_GET", what, words: LINK_MODE_WORDS } as const;
    return linkModesFromWire(await this.#read(ethtoolLinkModes, name, asked, options));
  }
  /**
   * Returns what it is then; a speed that has to be agreed first is not there yet.
   * Same as: ethtool -s NAME speed 100 duplex full autoneg off @throws {NetlinkError}
   */
  async setLinkModes(name: string, changes: LinkModeChanges, options?: CallOptions): Promise<LinkModes> {
    checkOne(["name"], knownLinkName, name);
    check([], LINK_MODE_SHAPES, changes, "changes");
    const what = `cannot set link modes of ${JSON.stringify(name)}`;
    const asked = { request: "LINKMODES_SET", what, words: LINK_MODE_WORDS } as const;
    if (await this.#isOld(what, options))
      await this.#told(what, () => writeLinkModes(this.#ioctlFor(options), name, changes), LINK_MODE_WORDS);
    else await this.#write(ethtoolLinkModes, name, linkModesToWire(changes), asked, options);
    return this.linkModes(name, options);
  }

  /** Same as: ethtool NAME */
  async linkState(name: string, options?: CallOptions): Promise<LinkState> {
    checkOne(["name"], knownLinkName, name);
    const what = `cannot read the link state of ${JSON.stringify(name)}`;
    if (await this.#isOld(what, options)) return this.#told(what, () => readLinkState(this.#ioctlFor(options), name));
    return linkStateFromWire(await this.#read(ethtoolLinkState, name, { request: "LINKSTATE_GET", what }, options));
  }

  /**
   * Counters that the standards define; of most devices the groups are empty.
   * Same as: ethtool -S NAME --all-groups
   */
  async standardStatistics(
    name: string,
    options?: CallOptions,
  ): Promise<Partial<Record<StatsGroup, StandardStatistics>>> {
    checkOne(["name"], knownLinkName, name);
    const what = `cannot read standard statistics of ${JSON.stringify(name)}`;
    const bit = STATS_GROUPS.map((group) => ({ name: group }));
    const attrs = { groups: { nomask: true, bits: { bit } } };
    const reply = await this.#read(ethtoolStats, name, { request: "STATS_GET", what }, options, attrs);
    const sets = Object.values(STATS_NAMES).map((id) => ({ id }));
    const names = await this.#ask(
      ethtoolStrings,
      { header: {}, stringsets: { stringset: sets } },
      { request: "STRSET_GET", what },
      options,
    );
    return statisticsFromWire(reply, stringsFromWire(names));
  }

  /**
   * The driver's own statistics, under its own names; empty where it has none. A name that comes twice gets its place
   * added: `rx_drops #7`. Same as: ethtool -S NAME
   */
  async statistics(name: string, options?: CallOptions): Promise<ReadonlyMap<string, bigint>> {
    checkOne(["name"], knownLinkName, name);
    const what = `cannot read statistics of ${JSON.stringify(name)}`;
    return this.#told(what, () => readStatistics(this.#ioctlFor(options), name));
  }

  /** Same as: ethtool -i NAME @throws {NetlinkError} `EOPNOTSUPP` where the device has no driver that tells. */
  async driver(name: string, options?: CallOptions): Promise<Driver> {
    checkOne(["name"], knownLinkName, name);
    return this.#told(`cannot read the driver of ${JSON.stringify(name)}`, () =>
      readDriver(this.#ioctlFor(options), name),
    );
  }

  async #get<T, C>(group: Group<T, C>, name: string, options?: CallOptions): Promise<T> {
    checkOne(["name"], knownLinkName, name);
    const what = `cannot read ${group.what} of ${JSON.stringify(name)}`;
    const words = wordsOf(group);
    if (await this.#isOld(what, options))
      return this.#told(what, () => readGroup(this.#ioctlFor(options), name, group), words);
    const asked = { request: group.get, what, words };
    return groupFromWire(group, await this.#read(group.schema as Schema<Fields>, name, asked, options));
  }

  async #set<T, C extends object>(group: Group<T, C>, name: string, changes: C, options?: CallOptions): Promise<T> {
    checkOne(["name"], knownLinkName, name);
    check([], group.shapes, changes, "changes");
    const what = `cannot set ${group.what} of ${JSON.stringify(name)}`;
    const words = wordsOf(group);
    const asked = { request: group.set, what, words };
    if (await this.#isOld(what, options))
      await this.#told(what, () => writeGroup(this.#ioctlFor(options), name, group, changes), words);
    else await this.#write(group.schema as Schema<Fields>, name, groupToWire(group, changes), asked, options);
    return this.#get(group, name, options);
  }

  /** A request for one device. */
  #read<F extends Fields>(
    schema: Schema<F>,
    name: string,
    asked: Asked,
    options?: CallOptions,
    attrs: object = {},
  ): Promise<AttrsOut<F>> {
    return this.#ask(schema, { header: { devName: name }, ...attrs }, asked, options);
  }

  async #ask<F extends Fields>(
    schema: Schema<F>,
    attrs: object,
    asked: Asked,
    options?: CallOptions,
  ): Promise<AttrsOut<F>> {
    return this.#told(
      asked.what,
      async () => {
        const message = await this.#message(schema, asked.request, options);
        return (await this.#connection.get(message, payload<F>(asked.request, attrs), message, options)).attrs;
      },
      asked.words,
    );
  }

  #write<F extends Fields>(
    schema: Schema<F>,
    name: string,
    attrs: object,
    asked: Asked,
    options?: CallOptions,
  ): Promise<unknown> {
    const header = { devName: name, flags: ETHTOOL_FLAG_OMIT_REPLY };
    return this.#told(
      asked.what,
      async () => {
        const message = await this.#message(schema, asked.request, options);
        return this.#connection.request(message, payload<F>(asked.request, { ...attrs, header }), 0, options);
      },
      asked.words,
    );
  }

  async #told<T>(what: string, act: () => Promise<T>, words: Readonly<Record<string, string>> = {}): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw retold(error, { what, properties: { ...WORDS, ...words }, blamed: { ENODEV: "name" } });
    }
  }

  #ioctlFor(options: CallOptions | undefined): EthtoolIoctl {
    return async (device, request, name) => {
      checkCall(options);
      options?.signal?.throwIfAborted();
      await this.#ioctl(device, request, name);
    };
  }

  #isOld(what: string, options?: CallOptions): Promise<boolean> {
    return this.#told(what, async () => {
      try {
        await this.#known(options);
        return false;
      } catch (error) {
        if (isOld(error)) return true;
        throw error;
      }
    });
  }

  async #known(options?: CallOptions): Promise<Family> {
    this.#family ??= await lookUpFamily(this.#connection, ETHTOOL_GENL_NAME, options);
    return this.#family;
  }

  async #message<F extends Fields>(schema: Schema<F>, request: EthtoolRequest, options?: CallOptions) {
    return genericMessage(`ETHTOOL_MSG_${request}`, (await this.#known(options)).id, genericBody(schema));
  }
}

function payload<F extends Fields>(request: EthtoolRequest, attrs: object) {
  return {
    header: { cmd: ETHTOOL_MSG[request], version: ETHTOOL_GENL_VERSION },
    attrs: attrs as AttrsIn<F>,
  };
}
