/** What bridges, bonds and their ports count beside the packets that every link counts. */
import { type LinkLookup, retold } from "../families/lookup.ts";
import { checkOne, knownLinkName } from "../shape/shape.ts";
import type { CallOptions, Connection } from "../socket/index.ts";
import type { MessageOut } from "../wire/index.ts";
import { getstats, IFLA_STATS_FILTER, newstats } from "./xstats-schema.ts";

/** Messages in each direction. */
export interface BothDirections {
  readonly rx: bigint;
  readonly tx: bigint;
}
/** What went through a VLAN; the same as `host.vlans.list({ statistics: true })` tells. */
export interface BridgeVlanCounters {
  readonly vid: number;
  readonly rxBytes: bigint;
  readonly rxPackets: bigint;
  readonly txBytes: bigint;
  readonly txPackets: bigint;
}
/** Messages about multicast groups, counted while the bridge has `mcastStats`. */
export interface McastCounters {
  readonly igmpV1queries: BothDirections;
  readonly igmpV2queries: BothDirections;
  readonly igmpV3queries: BothDirections;
  readonly igmpLeaves: BothDirections;
  readonly igmpV1reports: BothDirections;
  readonly igmpV2reports: BothDirections;
  readonly igmpV3reports: BothDirections;
  /** Broken messages. */
  readonly igmpParseErrors: bigint;
  readonly mldV1queries: BothDirections;
  readonly mldV2queries: BothDirections;
  readonly mldLeaves: BothDirections;
  readonly mldV1reports: BothDirections;
  readonly mldV2reports: BothDirections;
  /** Broken messages. */
  readonly mldParseErrors: bigint;
  readonly mcastBytes: BothDirections;
  readonly mcastPackets: BothDirections;
}
/** What the spanning tree has made a port do. */
export interface StpCounters {
  /** How often it was blocked. */
  readonly transitionBlk: bigint;
  /** How often it became forwarding. */
  readonly transitionFwd: bigint;
  readonly rxBpdu: bigint;
  readonly txBpdu: bigint;
  /** Notices of changed topology. */
  readonly rxTcn: bigint;
  readonly txTcn: bigint;
}
/** What a bridge, or a port of one, has counted. */
export interface BridgeCounters {
  /** Where the kernel can tell frames apart by VLAN. */
  readonly vlans?: readonly BridgeVlanCounters[];
  readonly mcast?: McastCounters;
  /** Only of a port. */
  readonly stp?: StpCounters;
}
/** Messages of LACP (802.3ad). */
export interface LacpCounters {
  readonly lacpduRx?: bigint;
  readonly lacpduTx?: bigint;
  readonly lacpduUnknownRx?: bigint;
  readonly lacpduIllegalRx?: bigint;
  readonly markerRx?: bigint;
  readonly markerTx?: bigint;
  readonly markerRespRx?: bigint;
  readonly markerRespTx?: bigint;
  readonly markerUnknownRx?: bigint;
}
/** What a link has counted as a bridge or bond, and as a port of one; absent what it is not. */
export interface LinkXstats {
  readonly bridge?: BridgeCounters;
  readonly bond?: LacpCounters;
  readonly bridgePort?: BridgeCounters;
  readonly bondPort?: LacpCounters;
}

type Attrs = NonNullable<MessageOut<typeof newstats>["attrs"]["linkXstats"]>;
const bridgeOf = ({ vlan, mcast, stp }: NonNullable<Attrs["bridge"]>): BridgeCounters => ({
  ...(vlan !== undefined && { vlans: vlan.map(({ flags: _, ...one }) => one) }),
  ...(mcast !== undefined && { mcast }),
  ...(stp !== undefined && { stp }),
});

/** What was counted, in people's words. */
export function xstatsFromWire({ attrs }: MessageOut<typeof newstats>): LinkXstats {
  const { linkXstats: own, linkXstatsSlave: port } = attrs;
  const [bond, bondPort] = [own?.bond?.["3ad"], port?.bond?.["3ad"]];
  return {
    ...(own?.bridge !== undefined && { bridge: bridgeOf(own.bridge) }),
    ...(bond !== undefined && { bond: bond as LacpCounters }),
    ...(port?.bridge !== undefined && { bridgePort: bridgeOf(port.bridge) }),
    ...(bondPort !== undefined && { bondPort: bondPort as LacpCounters }),
  };
}

/** Reads what bridges, bonds and their ports have counted. */
export class Xstats {
  readonly #connection: Connection;
  readonly #links: LinkLookup;

  constructor(connection: Connection, links: LinkLookup) {
    this.#connection = connection;
    this.#links = links;
  }

  /**
   * What a link has counted; nothing of a link that is neither. Same as: ip link xstats type bridge dev NAME; ip link
   * xstats type bridge_slave dev NAME; ip stats show dev NAME group xstats
   */
  async get(name: string, options?: CallOptions): Promise<LinkXstats> {
    checkOne(["name"], knownLinkName, name);
    const filterMask = IFLA_STATS_FILTER.LINK_XSTATS | IFLA_STATS_FILTER.LINK_XSTATS_SLAVE;
    try {
      const header = { ifindex: await this.#links.indexOf(name), filterMask };
      return xstatsFromWire(await this.#connection.get(getstats, { header }, newstats, options));
    } catch (error) {
      throw retold(error, { what: `cannot read counters of ${name}`, properties: {}, blamed: { ENODEV: "name" } });
    }
  }
}
