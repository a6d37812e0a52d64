/** What network devices can do, and how they are set. Same as: ethtool */
import { type Family, type FamilyLookup, genericBody, genericMessage, lookUpFamily } from "../families/generic.ts";
import { retold } from "../families/lookup.ts";
import { check } from "../shape/shape.ts";
import { NetlinkError } from "../socket/index.ts";
import type { AttrsIn, AttrsOut, Fields, Schema } from "../wire/attr.ts";
import type { Message } from "../wire/message.ts";
import { type Driver, readDriver, readFeatures, readStatistics, writeFeatures } from "./driver.ts";
import {
  bitsOf,
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
  request<I>(message: Message<I, unknown>, value: I): Promise<unknown>;
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

/** Devices of one namespace, over a connection that was opened with NETLINK_GENERIC. */
export class Ethtool {
  readonly #connection: EthtoolConnection;
  readonly #ioctl: EthtoolIoctl;
  #family: Promise<Family> | undefined;

  /** The connection stays the caller's to close. */
  constructor(connection: EthtoolConnection, ioctl: EthtoolIoctl) {
    this.#connection = connection;
    this.#ioctl = ioctl;
  }

  /** Also of kernels before 5.6. Same as: ethtool -k NAME */
  async features(name: string): Promise<Features> {
    const what = `cannot read features of ${JSON.stringify(name)}`;
    if (await this.#isOld()) return withGroups(await this.#told(what, () => readFeatures(this.#ioctl, name)));
    return decodeFeatures(await this.#read(ethtoolFeatures, name, { request: "FEATURES_GET", what }));
  }

  /**
   * Changes features in one request and tells what came of it. Where nothing differs nothing is sent.
   * Also for kernels before 5.6. Same as: ethtool -K NAME tso off gso off
   *
   * @throws {EthtoolError} for a word that names no feature of the device; nothing was changed then.
   */
  async set(name: string, changes: FeatureChanges): Promise<FeatureReport> {
    const before = await this.features(name);
    const plan = planFeatures(name, before, changes);
    const bit = bitsOf(plan, before);
    if (bit.length === 0) return compareFeatures(before, before, plan);
    const what = `cannot set features of ${JSON.stringify(name)}`;
    if (await this.#isOld()) await this.#told(what, () => writeFeatures(this.#ioctl, name, bit));
    else await this.#write(ethtoolFeatures, name, { wanted: { bits: { bit } } }, { request: "FEATURES_SET", what });
    return compareFeatures(before, await this.features(name), plan);
  }

  /** Same as: ethtool -g NAME @throws {NetlinkError} `EOPNOTSUPP` where the device has none. */
  rings(name: string): Promise<Rings> {
    return this.#get(rings, name);
  }
  /** Returns what it is then. Many devices lose their link for it. Same as: ethtool -G NAME rx 512 @throws {NetlinkError} */
  setRings(name: string, changes: RingChanges): Promise<Rings> {
    return this.#set(rings, name, changes);
  }

  /** Same as: ethtool -l NAME @throws {NetlinkError} `EOPNOTSUPP` where the device has none. */
  channels(name: string): Promise<Channels> {
    return this.#get(channels, name);
  }
  /** Returns what it is then. Same as: ethtool -L NAME combined 4 @throws {NetlinkError} */
  setChannels(name: string, changes: ChannelChanges): Promise<Channels> {
    return this.#set(channels, name, changes);
  }

  /** Same as: ethtool -c NAME @throws {NetlinkError} `EOPNOTSUPP` where the device has none. */
  coalesce(name: string): Promise<Coalesce> {
    return this.#get(coalesce, name);
  }
  /** Returns what it is then. Same as: ethtool -C NAME rx-usecs 50 @throws {NetlinkError} */
  setCoalesce(name: string, changes: Coalesce): Promise<Coalesce> {
    return this.#set(coalesce, name, changes);
  }

  /** Same as: ethtool -a NAME @throws {NetlinkError} `EOPNOTSUPP` where the device has none. */
  pause(name: string): Promise<Pause> {
    return this.#get(pause, name);
  }
  /** Returns what it is then. Same as: ethtool -A NAME rx off @throws {NetlinkError} */
  setPause(name: string, changes: Pause): Promise<Pause> {
    return this.#set(pause, name, changes);
  }

  /** The connector. Same as: ethtool NAME @throws {NetlinkError} `EOPNOTSUPP` where the device has none. */
  linkInfo(name: string): Promise<LinkInfo> {
    return this.#get(linkInfo, name);
  }
  /** Returns what it is then. Same as: ethtool -s NAME mdix auto @throws {NetlinkError} */
  setLinkInfo(name: string, changes: LinkInfoChanges): Promise<LinkInfo> {
    return this.#set(linkInfo, name, changes);
  }

  /** Same as: ethtool NAME @throws {NetlinkError} `EOPNOTSUPP` where the device has no speed. */
  async linkModes(name: string): Promise<LinkModes> {
    const what = `cannot read link modes of ${JSON.stringify(name)}`;
    return linkModesFromWire(
      await this.#read(ethtoolLinkModes, name, { request: "LINKMODES_GET", what, words: LINK_MODE_WORDS }),
    );
  }
  /**
   * Returns what it is then; a speed that has to be agreed first is not there yet.
   * Same as: ethtool -s NAME speed 100 duplex full autoneg off @throws {NetlinkError}
   */
  async setLinkModes(name: string, changes: LinkModeChanges): Promise<LinkModes> {
    check([], LINK_MODE_SHAPES, changes);
    const what = `cannot set link modes of ${JSON.stringify(name)}`;
    const asked = { request: "LINKMODES_SET", what, words: LINK_MODE_WORDS } as const;
    await this.#write(ethtoolLinkModes, name, linkModesToWire(changes), asked);
    return this.linkModes(name);
  }

  /** Same as: ethtool NAME */
  async linkState(name: string): Promise<LinkState> {
    const what = `cannot read the link state of ${JSON.stringify(name)}`;
    return linkStateFromWire(await this.#read(ethtoolLinkState, name, { request: "LINKSTATE_GET", what }));
  }

  /**
   * Counters that the standards define; of most devices the groups are empty.
   * Same as: ethtool -S NAME --all-groups
   */
  async standardStatistics(name: string): Promise<Partial<Record<StatsGroup, StandardStatistics>>> {
    const what = `cannot read standard statistics of ${JSON.stringify(name)}`;
    const bit = STATS_GROUPS.map((group) => ({ name: group }));
    const attrs = { groups: { nomask: true, bits: { bit } } };
    const reply = await this.#read(ethtoolStats, name, { request: "STATS_GET", what }, attrs);
    const sets = Object.values(STATS_NAMES).map((id) => ({ id }));
    const names = await this.#ask(
      ethtoolStrings,
      { header: {}, stringsets: { stringset: sets } },
      { request: "STRSET_GET", what },
    );
    return statisticsFromWire(reply, stringsFromWire(names));
  }

  /**
   * The driver's own statistics, under its own names; empty where it has none. A name that comes twice gets its place
   * added: `rx_drops #7`. Same as: ethtool -S NAME
   */
  statistics(name: string): Promise<ReadonlyMap<string, bigint>> {
    const what = `cannot read statistics of ${JSON.stringify(name)}`;
    return this.#told(what, () => readStatistics(this.#ioctl, name));
  }

  /** Same as: ethtool -i NAME @throws {NetlinkError} `EOPNOTSUPP` where the device has no driver that tells. */
  driver(name: string): Promise<Driver> {
    return this.#told(`cannot read the driver of ${JSON.stringify(name)}`, () => readDriver(this.#ioctl, name));
  }

  async #get<T, C>(group: Group<T, C>, name: string): Promise<T> {
    const asked = {
      request: group.get,
      what: `cannot read ${group.what} of ${JSON.stringify(name)}`,
      words: wordsOf(group),
    };
    return groupFromWire(group, await this.#read(group.schema as Schema<Fields>, name, asked));
  }

  async #set<T, C extends object>(group: Group<T, C>, name: string, changes: C): Promise<T> {
    check([], group.shapes, changes);
    const asked = {
      request: group.set,
      what: `cannot set ${group.what} of ${JSON.stringify(name)}`,
      words: wordsOf(group),
    };
    await this.#write(group.schema as Schema<Fields>, name, groupToWire(group, changes), asked);
    return this.#get(group, name);
  }

  /** A request for one device. */
  #read<F extends Fields>(schema: Schema<F>, name: string, asked: Asked, attrs: object = {}): Promise<AttrsOut<F>> {
    return this.#ask(schema, { header: { devName: name }, ...attrs }, asked);
  }

  async #ask<F extends Fields>(schema: Schema<F>, attrs: object, asked: Asked): Promise<AttrsOut<F>> {
    return this.#told(
      asked.what,
      async () => {
        const message = await this.#message(schema, asked.request);
        return (await this.#connection.get(message, payload<F>(asked.request, attrs), message)).attrs;
      },
      asked.words,
    );
  }

  #write<F extends Fields>(schema: Schema<F>, name: string, attrs: object, asked: Asked): Promise<unknown> {
    const header = { devName: name, flags: ETHTOOL_FLAG_OMIT_REPLY };
    return this.#told(
      asked.what,
      async () => {
        const message = await this.#message(schema, asked.request);
        return this.#connection.request(message, payload<F>(asked.request, { ...attrs, header }));
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

  async #isOld(): Promise<boolean> {
    try {
      await this.#known();
      return false;
    } catch (error) {
      if (isOld(error)) return true;
      throw error;
    }
  }

  #known(): Promise<Family> {
    if (this.#family === undefined) {
      this.#family = lookUpFamily(this.#connection, ETHTOOL_GENL_NAME);
      this.#family.catch(() => {
        this.#family = undefined; // asked again the next time
      });
    }
    return this.#family;
  }

  async #message<F extends Fields>(schema: Schema<F>, request: EthtoolRequest) {
    return genericMessage(`ETHTOOL_MSG_${request}`, (await this.#known()).id, genericBody(schema));
  }
}

function payload<F extends Fields>(request: EthtoolRequest, attrs: object) {
  return {
    header: { cmd: ETHTOOL_MSG[request], version: ETHTOOL_GENL_VERSION },
    attrs: attrs as AttrsIn<F>,
  };
}
