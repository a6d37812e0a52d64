/** The VLANs of bridges and their ports, in one network namespace. */
import { type ChangeRules, Changes, type LinkLookup, type Listing, linkNamed, listing } from "../families/lookup.ts";
import { type McastQueriers, queriersFromWire } from "../families/querier.ts";
import { AF_BRIDGE } from "../families/route.ts";
import { Service } from "../families/service.ts";
import { inTurns } from "../families/turns.ts";
import { boolean, check, choice, InputError, integer, linkName, type Shapes, seconds } from "../shape/shape.ts";
import type { CallOptions, Connection } from "../socket/index.ts";
import type { MessageIn, MessageOut, Out } from "../wire/index.ts";
import {
  BRIDGE_FLAGS,
  BRIDGE_VLAN_INFO,
  BRIDGE_VLANDB_DUMPF,
  dellink,
  getvlan,
  newvlan,
  setlink,
  type vlanEntry,
  type vlanGlobals,
} from "./schema.ts";

/** A VLAN, or a range of them, of a bridge's port or of the bridge itself. */
export interface VlanConfig {
  /** Name of a bridge's port, or of a bridge. */
  readonly dev: string;
  /** 1 to 4094; the first of a range. */
  readonly vid: number;
  /** The last of a range. Default: `vid` alone. */
  readonly vidEnd?: number | undefined;
  /** Frames without a tag are in this VLAN; not for a range. Default false. */
  readonly pvid?: boolean | undefined;
  /** Frames leave without a tag. Default false. */
  readonly untagged?: boolean | undefined;
  /**
   * VNI of the first VLAN, for the port of a VXLAN that is `external` and has `vlanTunnel`; the next VLAN has the next
   * VNI. In a deletion the VLANs stay and lose their VNIs.
   */
  readonly tunnelId?: number | undefined;
  /** The link's own table. For a bridge itself the default is true. */
  readonly self?: boolean | undefined;
  /** The table of the bridge that `dev` is a port of. Default true where `self` is not. */
  readonly master?: boolean | undefined;
}

/** States of the spanning tree, by their numbers. */
export const VLAN_STATES = ["disabled", "listening", "learning", "forwarding", "blocking"] as const;
/** State of a VLAN in the spanning tree. */
export type VlanState = (typeof VLAN_STATES)[number];

/** What can be changed of a VLAN that is there. What is absent stays as it is. */
export interface VlanOptions {
  readonly state?: VlanState | undefined;
  /** Multicast router there: 0 none, 1 found out, 2 always. */
  readonly mcastRouter?: number | undefined;
  /** Most multicast groups of a port's VLAN; 0: no limit. Linux 6.3 and later. */
  readonly mcastMaxGroups?: number | undefined;
  /** ARP and neighbor discovery are answered, not flooded. Linux 6.3 and later. */
  readonly neighSuppress?: boolean | undefined;
  /** Port: whether unasked announcements of neighbors pass in spite of `neighSuppress`. Linux 7.2; not known by 6.18. */
  readonly neighForwardGrat?: boolean | undefined;
}
export interface VlanChange extends VlanOptions {
  readonly dev: string;
  readonly vid: number;
  readonly vidEnd?: number | undefined;
}

/** What went through a VLAN. */
export interface VlanStatistics {
  readonly rxBytes: bigint;
  readonly rxPackets: bigint;
  readonly txBytes: bigint;
  readonly txPackets: bigint;
}
/** A VLAN, or a range of equal ones, as the kernel has it. */
export interface Vlan extends VlanOptions {
  readonly dev: string;
  readonly vid: number;
  readonly vidEnd?: number;
  readonly pvid?: true;
  readonly untagged?: true;
  readonly tunnelId?: number;
  /** Multicast groups that a port's VLAN is in. */
  readonly mcastGroups?: number;
  /** Only where they were asked for; of a bridge's own VLAN those of all ports. */
  readonly statistics?: VlanStatistics;
}
export interface VlanFilter {
  /** Name of a bridge's port or of a bridge. */
  readonly dev?: string | undefined;
  /** With counters, and then each VLAN for itself. Default false. */
  readonly statistics?: boolean | undefined;
}

/** Options of a VLAN for the whole bridge. Those of multicast need `mcastVlanSnooping`. Intervals in seconds. */
export interface VlanGlobals {
  readonly mcastSnooping?: boolean | undefined;
  /** 2 or 3. */
  readonly mcastIgmpVersion?: number | undefined;
  /** 1 or 2. */
  readonly mcastMldVersion?: number | undefined;
  readonly mcastLastMemberCount?: number | undefined;
  readonly mcastStartupQueryCount?: number | undefined;
  readonly mcastLastMemberInterval?: number | undefined;
  readonly mcastMembershipInterval?: number | undefined;
  readonly mcastQuerierInterval?: number | undefined;
  readonly mcastQueryInterval?: number | undefined;
  readonly mcastQueryResponseInterval?: number | undefined;
  readonly mcastStartupQueryInterval?: number | undefined;
  readonly mcastQuerier?: boolean | undefined;
  /** Number of the spanning tree instance, 0 to 4094. Linux 5.18 and later. */
  readonly msti?: number | undefined;
}
export interface VlanGlobalsConfig extends VlanGlobals {
  /** Name of the bridge. */
  readonly dev: string;
  readonly vid: number;
  readonly vidEnd?: number | undefined;
}

/** Options of a VLAN for the whole bridge as the kernel has them. */
export interface KnownVlanGlobals extends VlanGlobalsConfig {
  /** Who asks for memberships in it; told while the VLAN snoops. Linux 5.16 and later. */
  readonly mcastQuerierState?: McastQueriers;
}

const vid = integer(1, 4094);
const where = { dev: linkName, vid, vidEnd: vid } as const satisfies Shapes;
/** What each property of {@link VlanConfig} must look like. */
export const vlanShapes = {
  ...where,
  pvid: boolean,
  untagged: boolean,
  tunnelId: integer(0, 0xff_ffff),
  self: boolean,
  master: boolean,
} as const satisfies Shapes;
/** What each property of {@link VlanChange} must look like. */
export const vlanOptionShapes = {
  ...where,
  state: choice(...VLAN_STATES),
  mcastRouter: integer(0, 2),
  mcastMaxGroups: integer(0, 0xffff_ffff),
  neighSuppress: boolean,
  neighForwardGrat: boolean,
} as const satisfies Shapes;
const count = integer(0, 0xffff_ffff);
const interval = seconds(0xffff_ffff / 100);
/** What each property of {@link VlanGlobalsConfig} must look like. */
export const vlanGlobalShapes = {
  ...where,
  mcastSnooping: boolean,
  mcastIgmpVersion: integer(2, 3),
  mcastMldVersion: integer(1, 2),
  mcastLastMemberCount: count,
  mcastStartupQueryCount: count,
  mcastLastMemberInterval: interval,
  mcastMembershipInterval: interval,
  mcastQuerierInterval: interval,
  mcastQueryInterval: interval,
  mcastQueryResponseInterval: interval,
  mcastStartupQueryInterval: interval,
  mcastQuerier: boolean,
  msti: integer(0, 4094),
} as const satisfies Shapes;
const FILTER = { dev: linkName, statistics: boolean };

interface Range {
  readonly dev: string;
  readonly vid: number;
  readonly vidEnd?: number | undefined;
}
function checkRange(shapes: Shapes, config: Range): void {
  check([], shapes, config);
  for (const key of ["dev", "vid"] as const)
    if (config[key] === undefined) throw new InputError([key], `missing; expected ${where[key].expected}`);
  if (config.vidEnd !== undefined && config.vidEnd < config.vid)
    throw new InputError(["vidEnd"], `${config.vidEnd} is before vid ${config.vid}; a range goes upwards`);
}
const isRange = ({ vid: first, vidEnd = first }: Range): boolean => vidEnd > first;
const rangeOf = (config: Range): string => (isRange(config) ? `${config.vid}-${config.vidEnd}` : `${config.vid}`);

/** @throws {InputError} for the first property that is unknown, does not fit, or contradicts another. */
export function checkVlan(config: VlanConfig, verb: "create" | "delete"): void {
  checkRange(vlanShapes, config);
  const { pvid, vidEnd = config.vid, tunnelId } = config;
  if (pvid === true && isRange(config) && verb === "create")
    throw new InputError(["pvid"], "is for one VLAN, not for a range; leave out vidEnd");
  if (tunnelId !== undefined && tunnelId + vidEnd - config.vid > 0xff_ffff)
    throw new InputError(["tunnelId"], "the range goes beyond the last VNI, 16777215");
}

/** @throws {InputError} for the first property that is unknown or does not fit. */
export function checkVlanOptions(config: VlanChange): void {
  checkRange(vlanOptionShapes, config);
}
/** @throws {InputError} for the first property that is unknown or does not fit. */
export function checkVlanGlobals(config: VlanGlobalsConfig): void {
  checkRange(vlanGlobalShapes, config);
}

const { MASTER, SELF } = BRIDGE_FLAGS;
const INFO = BRIDGE_VLAN_INFO;

/** The ends of a range, or the one VLAN, with the bits that say so. */
function ends<T>({ vid: first, vidEnd = first }: Range, make: (vid: number, flags: number) => T): T[] {
  return first === vidEnd ? [make(first, 0)] : [make(first, INFO.RANGE_BEGIN), make(vidEnd, INFO.RANGE_END)];
}

/** The message for a checked VLAN. */
export function vlanToWire(
  config: VlanConfig,
  verb: "create" | "delete",
  indexOf: (name: string) => number,
): MessageIn<typeof setlink> {
  const { self = false, master = !self, pvid, untagged, tunnelId } = config;
  const flags = (master ? MASTER : 0) | (self ? SELF : 0);
  const given = (pvid === true ? INFO.PVID : 0) | (untagged === true ? INFO.UNTAGGED : 0);
  const tunnels =
    tunnelId === undefined
      ? undefined
      : ends(config, (at, range) => ({ id: tunnelId + at - config.vid, vid: at, flags: range }));
  return {
    header: { family: AF_BRIDGE, index: indexOf(config.dev) },
    attrs: {
      afSpec: {
        // Without SELF the kernel takes the master for meant.
        ...(self && { flags }),
        ...((verb === "create" || tunnels === undefined) && {
          vlanInfo: ends(config, (at, range) => ({ vid: at, flags: given | range })),
        }),
        ...(tunnels !== undefined && { vlanTunnelInfo: tunnels }),
      },
    },
  };
}

const hundredths = (value: number | undefined): bigint | undefined =>
  value === undefined ? undefined : BigInt(Math.round(value * 100));
const ofHundredths = (value: bigint | undefined): number | undefined =>
  value === undefined ? undefined : Number(value) / 100;

function given<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as never;
}

/** A VLAN in people's words. */
export function vlanFromWire(dev: string, entry: Out<typeof vlanEntry>): Vlan {
  const {
    info = { vid: 0, flags: 0 },
    range,
    state,
    tunnelInfo,
    stats,
    mcastRouter,
    mcastNGroups,
    mcastMaxGroups,
  } = entry;
  return given({
    dev,
    vid: info.vid,
    vidEnd: range,
    pvid: (info.flags & INFO.PVID) !== 0 ? true : undefined,
    untagged: (info.flags & INFO.UNTAGGED) !== 0 ? true : undefined,
    tunnelId: tunnelInfo?.id,
    state: state === undefined ? undefined : VLAN_STATES[state],
    mcastRouter,
    mcastGroups: mcastNGroups,
    mcastMaxGroups,
    neighSuppress: entry.neighSuppress,
    neighForwardGrat: entry.neighForwardGrat,
    statistics: stats as VlanStatistics | undefined,
  }) as Vlan;
}

/** The options of a VLAN for the whole bridge in people's words. */
export function globalsFromWire(
  dev: string,
  wire: Out<typeof vlanGlobals>,
  names: ReadonlyMap<number, string>,
): KnownVlanGlobals {
  const { mcastQuerierState } = wire;
  return given({
    dev,
    vid: wire.id ?? 0,
    vidEnd: wire.range === wire.id ? undefined : wire.range,
    mcastSnooping: wire.mcastSnooping,
    mcastIgmpVersion: wire.mcastIgmpVersion,
    mcastMldVersion: wire.mcastMldVersion,
    mcastLastMemberCount: wire.mcastLastMemberCnt,
    mcastStartupQueryCount: wire.mcastStartupQueryCnt,
    mcastLastMemberInterval: ofHundredths(wire.mcastLastMemberIntvl),
    mcastMembershipInterval: ofHundredths(wire.mcastMembershipIntvl),
    mcastQuerierInterval: ofHundredths(wire.mcastQuerierIntvl),
    mcastQueryInterval: ofHundredths(wire.mcastQueryIntvl),
    mcastQueryResponseInterval: ofHundredths(wire.mcastQueryResponseIntvl),
    mcastStartupQueryInterval: ofHundredths(wire.mcastStartupQueryIntvl),
    mcastQuerier: wire.mcastQuerier,
    mcastQuerierState: mcastQuerierState && queriersFromWire(mcastQuerierState, (index) => names.get(index)),
    msti: wire.msti,
  });
}

type Wire = MessageIn<typeof setlink>;
type OptionsWire = MessageIn<typeof newvlan>;
const told = (act: string, config: Range) => ({
  what: `cannot ${act} VLAN ${rangeOf(config)} of ${config.dev}`,
  properties: {
    "afSpec.vlanInfo": "vid",
    "afSpec.vlanTunnelInfo": "tunnelId",
    "entry.info": "vid",
    "entry.range": "vidEnd",
    "globalOptions.id": "vid",
    "globalOptions.range": "vidEnd",
    entry: "vid",
    globalOptions: "vid",
  },
  blamed: { ENOENT: "vid", ENODEV: "dev", EOPNOTSUPP: "dev" },
});
const rules: ChangeRules<"create" | "delete", VlanConfig, Wire> = {
  verbs: { create: { message: setlink, flags: 0 }, delete: { message: dellink, flags: 0 } },
  check: checkVlan,
  devices: ({ dev }) => [dev],
  toWire: vlanToWire,
  told: (config, verb) => told(verb === "create" ? "add" : "delete", config),
};
export const vlanOptionRules: ChangeRules<"update", VlanChange, OptionsWire> = {
  verbs: { update: { message: newvlan, flags: 0 } },
  check: checkVlanOptions,
  devices: ({ dev }) => [dev],
  toWire: ({ dev, vid: first, vidEnd, state, ...options }, _verb, indexOf) => ({
    header: { family: AF_BRIDGE, ifindex: indexOf(dev) },
    attrs: {
      entry: [
        {
          info: { vid: first, flags: INFO.ONLY_OPTS },
          range: vidEnd === first ? undefined : vidEnd,
          state: state === undefined ? undefined : VLAN_STATES.indexOf(state),
          ...options,
        },
      ],
    },
  }),
  told: (config) => told("change", config),
};
export const vlanGlobalRules: ChangeRules<"update", VlanGlobalsConfig, OptionsWire> = {
  verbs: { update: { message: newvlan, flags: 0 } },
  check: checkVlanGlobals,
  devices: ({ dev }) => [dev],
  toWire: ({ dev, vid: first, vidEnd, ...options }, _verb, indexOf) => ({
    header: { family: AF_BRIDGE, ifindex: indexOf(dev) },
    attrs: {
      globalOptions: [
        {
          id: first,
          range: vidEnd === first ? undefined : vidEnd,
          mcastSnooping: options.mcastSnooping,
          mcastIgmpVersion: options.mcastIgmpVersion,
          mcastMldVersion: options.mcastMldVersion,
          mcastLastMemberCnt: options.mcastLastMemberCount,
          mcastStartupQueryCnt: options.mcastStartupQueryCount,
          mcastLastMemberIntvl: hundredths(options.mcastLastMemberInterval),
          mcastMembershipIntvl: hundredths(options.mcastMembershipInterval),
          mcastQuerierIntvl: hundredths(options.mcastQuerierInterval),
          mcastQueryIntvl: hundredths(options.mcastQueryInterval),
          mcastQueryResponseIntvl: hundredths(options.mcastQueryResponseInterval),
          mcastStartupQueryIntvl: hundredths(options.mcastStartupQueryInterval),
          mcastQuerier: options.mcastQuerier,
          msti: options.msti,
        },
      ],
    },
  }),
  told: (config) => told("change the options of", config),
};

/** Lists and changes the VLANs of bridges. A bridge minds them once it has `vlanFiltering`. */
export class Vlans extends Service<"create" | "delete", VlanConfig, Wire> {
  readonly #options: Changes<"update", VlanChange, OptionsWire>;
  readonly #globals: Changes<"update", VlanGlobalsConfig, OptionsWire>;

  constructor(connection: Connection, links: LinkLookup) {
    super(connection, links, rules);
    this.#options = new Changes(connection, links, vlanOptionRules);
    this.#globals = new Changes(connection, links, vlanGlobalRules);
  }

  async #dump<T>(
    dev: string | undefined,
    flags: number,
    read: (dev: string, attrs: MessageOut<typeof newvlan>["attrs"], names: ReadonlyMap<number, string>) => readonly T[],
    options?: CallOptions,
  ): Promise<Listing<T>> {
    const ifindex = dev === undefined ? 0 : await this.links.indexOf(dev);
    const request = { header: { family: AF_BRIDGE, ifindex }, attrs: { flags } };
    const { messages, consistent } = await this.connection.dump(getvlan, request, newvlan, options);
    const names = await this.links.names();
    const found = await inTurns(messages, ({ header, attrs }) => read(linkNamed(names, header.ifindex), attrs, names));
    return listing(found.flat(), consistent);
  }

  /** All VLANs, or those of a link; equal neighbors in one range. Same as: bridge -d vlan show; bridge vlan tunnelshow */
  async list(filter: VlanFilter = {}, options?: CallOptions): Promise<Listing<Vlan>> {
    check([], FILTER, filter, "filter");
    const flags = filter.statistics === true ? BRIDGE_VLANDB_DUMPF.STATS : 0;
    return this.#dump(filter.dev, flags, (dev, { entry = [] }) => entry.map((one) => vlanFromWire(dev, one)), options);
  }

  /** Options of VLANs for whole bridges. Same as: bridge vlan global show. Linux 5.15 and later. */
  async globals(filter: Pick<VlanFilter, "dev"> = {}, options?: CallOptions): Promise<Listing<KnownVlanGlobals>> {
    check([], { dev: FILTER.dev }, filter, "filter");
    return this.#dump(
      filter.dev,
      BRIDGE_VLANDB_DUMPF.GLOBAL,
      (dev, { globalOptions = [] }, names) => globalOptions.map((one) => globalsFromWire(dev, one, names)),
      options,
    );
  }

  /**
   * Adds VLANs to a port or a bridge, or changes `pvid` and `untagged` of those that are there, and gives them a VNI where
   * they have none: another one than theirs is refused with `EEXIST`.
   * Same as: bridge vlan add dev DEV vid VID-END pvid untagged tunnel_info id VNI-END
   */
  create(config: VlanConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("create", config, options);
  }

  /** Removes VLANs; those that are absent are no error in a range. Same as: bridge vlan delete dev DEV vid VID-END */
  delete(config: VlanConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("delete", config, options);
  }

  /** Changes options of VLANs that are there. Same as: bridge vlan set dev DEV vid VID-END state STATE */
  update(change: VlanChange, options?: CallOptions): Promise<void> {
    return this.#options.make("update", change, options);
  }

  /** Changes options of VLANs for a whole bridge. Same as: bridge vlan global set dev BRIDGE vid VID-END OPTION VALUE */
  updateGlobals(change: VlanGlobalsConfig, options?: CallOptions): Promise<void> {
    return this.#globals.make("update", change, options);
  }
}
