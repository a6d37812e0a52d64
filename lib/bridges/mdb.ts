/** Which multicast groups are where: the entries of bridges and VXLANs of one network namespace. */
import {
  type ChangeRules,
  indexesOf,
  type LinkLookup,
  type Listing,
  linkNamed,
  listing,
  type Protocol,
  protocols,
  retold,
} from "../families/lookup.ts";
import { AF_BRIDGE } from "../families/route.ts";
import { Service } from "../families/service.ts";
import { inTurns } from "../families/turns.ts";
import {
  address,
  boolean,
  check,
  choice,
  InputError,
  integer,
  linkName,
  list,
  mac,
  type Shape,
  type Shapes,
} from "../shape/shape.ts";
import type { CallOptions, Connection } from "../socket/index.ts";
import { type MessageIn, type MessageOut, NLM_F_BULK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from "../wire/index.ts";
import { delmdb, getmdb, MDB_FLAGS, newmdb, setmdb } from "./schema.ts";

/** A multicast group at a port of a bridge, or behind a VXLAN. */
export interface MdbConfig {
  /** Name of the bridge, or of the VXLAN. */
  readonly dev: string;
  /** Name of the port, or of the bridge itself where this host is a listener. Default: `dev`, as for a VXLAN. */
  readonly port?: string | undefined;
  /** An IPv4 or IPv6 group; of a bridge also a MAC address. Of a VXLAN `0.0.0.0` and `::` mean all that have no entry. */
  readonly group: string;
  /** Packets of this source only. */
  readonly source?: string | undefined;
  /** VLAN of a bridge, 1 to 4094. */
  readonly vid?: number | undefined;
  /** Default permanent; temp ages. A VXLAN has permanent ones only. */
  readonly state?: "permanent" | "temp" | undefined;
  /** Whether `sources` are those that are wanted, or those that are not. Default exclude. Linux 6.2 and later. */
  readonly filterMode?: "include" | "exclude" | undefined;
  /** Linux 6.2 and later. */
  readonly sources?: readonly string[] | undefined;
  /** Who made it, as for routes. Default static. Linux 6.2 and later for a change. */
  readonly protocol?: Protocol | undefined;
  /** VXLAN, Linux 6.4 and later: address of the far end. */
  readonly dst?: string | undefined;
  /** VXLAN: UDP port of the far end, where it is not the link's. */
  readonly dstport?: number | undefined;
  /** VXLAN: VNI that is sent, where it is not the link's. */
  readonly vni?: number | undefined;
  /** VXLAN with `external`: VNI for which the entry is. */
  readonly srcVni?: number | undefined;
  /** VXLAN: name of the output link to the far end. */
  readonly via?: string | undefined;
}
/** An entry as the kernel has it. */
export interface MdbEntry extends MdbConfig {
  readonly port: string;
  readonly state: "permanent" | "temp";
  readonly offloaded?: true;
  readonly fastLeave?: true;
  /** Packets of this source do not go there. */
  readonly blocked?: true;
  /** The kernel made it for a group without a source, in mode exclude. */
  readonly added?: true;
  /** Seconds until it ends; absent where it does not. */
  readonly timer?: number;
}
export interface MdbFilter {
  /** Name of a bridge or VXLAN. */
  readonly dev?: string | undefined;
}
/** Which entries of a bridge or VXLAN are to go. */
export interface MdbFlush {
  /** Name of the bridge, or of the VXLAN. */
  readonly dev: string;
  /** Bridge: name of the port, or of the bridge itself. */
  readonly port?: string | undefined;
  /** Bridge: 1 to 4094. */
  readonly vid?: number | undefined;
  /** Those that are permanent; false: those that age. */
  readonly permanent?: boolean | undefined;
  readonly protocol?: Protocol | undefined;
  /** VXLAN: as in {@link MdbConfig}. */
  readonly dst?: string | undefined;
  readonly dstport?: number | undefined;
  readonly vni?: number | undefined;
  readonly srcVni?: number | undefined;
}
/** What can be done with an entry. */
export type MdbVerb = "create" | "replace" | "delete";

const group: Shape<string> = {
  expected: "an IPv4 or IPv6 multicast group, or a MAC address",
  json: { type: "string" },
  accepts: (value): value is string => address.accepts(value) || mac.accepts(value),
};
const vni = integer(0, 0xff_ffff);
/** What each property of {@link MdbConfig} must look like. */
export const mdbShapes = {
  dev: linkName,
  port: linkName,
  group,
  source: address,
  vid: integer(1, 4094),
  state: choice("permanent", "temp"),
  filterMode: choice("include", "exclude"),
  sources: list(address),
  protocol: protocols.shape,
  dst: address,
  dstport: integer(1, 0xffff),
  vni,
  srcVni: vni,
  via: linkName,
} as const satisfies Shapes;
const FILTER = { dev: linkName };
const FLUSH = {
  dev: linkName,
  port: linkName,
  vid: mdbShapes.vid,
  permanent: boolean,
  protocol: protocols.shape,
  dst: address,
  dstport: mdbShapes.dstport,
  vni,
  srcVni: vni,
} as const satisfies Shapes;
/** Bit of br_mdb_entry.state. */
const MDB_PERMANENT = 1;
/** Stands for no group: its bytes are zero, and so is its protocol. */
const NO_GROUP = "00:00:00:00:00:00";

/** @throws {InputError} for the first property that is unknown, does not fit, or contradicts another. */
export function checkMdb(config: MdbConfig): void {
  check([], mdbShapes, config);
  for (const key of ["dev", "group"] as const)
    if (config[key] === undefined) throw new InputError([key], `missing; expected ${mdbShapes[key].expected}`);
  const { group: to, source, sources, filterMode } = config;
  const hardware = mac.accepts(to as unknown);
  const other = (ip: string): boolean => hardware || ip.includes(":") !== to.includes(":");
  if (source !== undefined && other(source))
    throw new InputError(["source"], `${source} is not of the family of the group ${to}`);
  sources?.forEach((ip, i) => {
    if (other(ip)) throw new InputError(["sources", String(i)], `${ip} is not of the family of the group ${to}`);
  });
  if (source !== undefined && (sources ?? filterMode) !== undefined)
    throw new InputError(["source"], "stands beside filterMode or sources, which are for all sources; use one");
  if (sources !== undefined && filterMode === undefined)
    throw new InputError(["filterMode"], "missing; say whether the sources are those to include or to exclude");
  for (const key of ["dstport", "vni", "srcVni", "via"] as const)
    if (config[key] !== undefined && config.dst === undefined)
      throw new InputError([key], "is for an entry of a VXLAN, which needs dst");
  if (config.dst !== undefined && config.vid !== undefined)
    throw new InputError(["vid"], "is for an entry of a bridge, and dst for one of a VXLAN; use one");
}

const MODES = ["exclude", "include"] as const;
const defined = (value: object): boolean => Object.values(value).some((part) => part !== undefined);

/** The message for a checked entry. */
export function mdbToWire(config: MdbConfig, indexOf: (name: string) => number): MessageIn<typeof setmdb> {
  const { dev, port = dev, group: to, vid, state, source, filterMode, sources, protocol, via, dst, dstport } = config;
  const attrs = {
    source,
    srcList: sources === undefined ? undefined : { entry: sources.map((ip) => ({ address: ip })) },
    groupMode: filterMode === undefined ? undefined : MODES.indexOf(filterMode),
    rtprot: protocol === undefined ? undefined : protocols.numberOf(protocol),
    dst,
    dstPort: dstport,
    vni: config.vni,
    ifindex: via === undefined ? undefined : indexOf(via),
    srcVni: config.srcVni,
  };
  const permanent = state !== "temp";
  return {
    header: { family: AF_BRIDGE, ifindex: indexOf(dev) },
    attrs: {
      entry: { ifindex: indexOf(port), state: permanent ? MDB_PERMANENT : 0, flags: 0, vid: vid ?? 0, group: to },
      ...(defined(attrs) && { attrs }),
    },
  };
}

type Attrs = MessageOut<typeof newmdb>["attrs"];
type Info = NonNullable<NonNullable<NonNullable<Attrs["mdb"]>["entry"]>[number]["info"]>[number];
interface Extra {
  readonly timer?: number;
  readonly srcList?: { readonly entry?: readonly { readonly address?: string }[] };
  readonly groupMode?: number;
  readonly source?: string;
  readonly rtprot?: number;
  readonly dst?: string;
  readonly dstPort?: number;
  readonly vni?: number;
  readonly ifindex?: number;
  readonly srcVni?: number;
}

/** An entry in people's words. */
function mdbFromWire(dev: string, info: Info, names: ReadonlyMap<number, string>): MdbEntry {
  const extra = info.attrs as Extra;
  const { timer, srcList, groupMode, source, rtprot, ifindex } = extra;
  const flag = (bit: number): true | undefined => ((info.flags & bit) !== 0 ? true : undefined);
  const found = {
    dev,
    port: linkNamed(names, info.ifindex),
    group: info.group,
    source,
    vid: info.vid === 0 ? undefined : info.vid,
    state: info.state === MDB_PERMANENT ? "permanent" : "temp",
    filterMode: groupMode === undefined ? undefined : MODES[groupMode],
    sources: srcList?.entry?.flatMap(({ address: ip }) => ip ?? []),
    protocol: rtprot === undefined ? undefined : protocols.wordOf(rtprot),
    dst: extra.dst,
    dstport: extra.dstPort,
    vni: extra.vni,
    srcVni: extra.srcVni,
    via: ifindex === undefined ? undefined : linkNamed(names, ifindex),
    offloaded: flag(MDB_FLAGS.OFFLOAD),
    fastLeave: flag(MDB_FLAGS.FAST_LEAVE),
    added: flag(MDB_FLAGS.STAR_EXCL),
    blocked: flag(MDB_FLAGS.BLOCKED),
    timer: timer === undefined || timer === 0 ? undefined : timer / 100,
  };
  return Object.fromEntries(Object.entries(found).filter(([, part]) => part !== undefined)) as unknown as MdbEntry;
}

/** All entries of one message. */
export function mdbEntries(
  { header, attrs }: MessageOut<typeof newmdb>,
  names: ReadonlyMap<number, string>,
): MdbEntry[] {
  const dev = linkNamed(names, header.ifindex);
  const infos = (attrs.mdb?.entry ?? []).flatMap(({ info = [] }) => info);
  return infos.map((info) => mdbFromWire(dev, info, names));
}

type Wire = MessageIn<typeof setmdb>;
/** The caller's property for each attribute. */
const PROPERTIES: Readonly<Record<string, string>> = {
  entry: "group",
  "attrs.source": "source",
  "attrs.srcList": "sources",
  "attrs.groupMode": "filterMode",
  "attrs.rtprot": "protocol",
  "attrs.dst": "dst",
  "attrs.dstPort": "dstport",
  "attrs.vni": "vni",
  "attrs.ifindex": "via",
  "attrs.srcVni": "srcVni",
  attrs: "dst",
};
const ACTS = { create: "add", replace: "replace", delete: "delete" } as const;
const rules: ChangeRules<MdbVerb, MdbConfig, Wire> = {
  verbs: {
    create: { message: setmdb, flags: NLM_F_CREATE | NLM_F_EXCL },
    replace: { message: setmdb, flags: NLM_F_CREATE | NLM_F_REPLACE },
    delete: { message: delmdb, flags: 0 },
  },
  check: checkMdb,
  devices: ({ dev, port, via }) => [dev, port, via],
  toWire: (config, _verb, indexOf) => mdbToWire(config, indexOf),
  told: ({ dev, port = dev, group: to }, verb) => ({
    what: `cannot ${ACTS[verb]} multicast group ${to} at ${port === dev ? dev : `${port} of ${dev}`}`,
    properties: PROPERTIES,
    blamed: { EEXIST: "group", ENOENT: "group", ENODEV: "dev" },
  }),
};

/** Lists and changes where multicast groups are. A bridge needs `mcastSnooping`. */
export class Mdb extends Service<MdbVerb, MdbConfig, Wire> {
  constructor(connection: Connection, links: LinkLookup) {
    super(connection, links, rules);
  }

  /** All entries, or those of a bridge or VXLAN. Same as: bridge -d mdb show */
  async list(filter: MdbFilter = {}, options?: CallOptions): Promise<Listing<MdbEntry>> {
    check([], FILTER, filter, "filter");
    const ifindex = filter.dev === undefined ? 0 : await this.links.indexOf(filter.dev);
    // The kernel refuses to filter by link.
    const request = { header: { family: AF_BRIDGE } };
    // A bridge answers with the number of the request, a VXLAN with that of a new entry.
    const bridges = await this.connection.dump(getmdb, request, getmdb, options);
    const vxlans = await this.connection.dump(getmdb, request, newmdb, options);
    const consistent = bridges.consistent && vxlans.consistent;
    const names = await this.links.names();
    const wanted = [...bridges.messages, ...vxlans.messages].filter(
      ({ header }) => ifindex === 0 || header.ifindex === ifindex,
    );
    return listing((await inTurns(wanted, (message) => mdbEntries(message, names))).flat(), consistent);
  }

  /** Adds an entry. Same as: bridge mdb add dev DEV port PORT grp GROUP @throws {NetlinkError} `EEXIST` */
  create(config: MdbConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("create", config, options);
  }

  /** Adds an entry, or changes the one that is there. Linux 6.2 and later. Same as: bridge mdb replace */
  replace(config: MdbConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("replace", config, options);
  }

  /**
   * Removes all entries of a bridge or VXLAN that the filter means, in one request. Without any filter but `dev` all of
   * them. Linux 6.8 and later. Same as: bridge mdb flush dev DEV
   * @throws {NetlinkError} `EOPNOTSUPP` where this kernel cannot.
   */
  async flush(filter: MdbFlush, options?: CallOptions): Promise<void> {
    check([], FLUSH, filter, "filter");
    const { dev, port, vid = 0, permanent, protocol, dst, dstport, vni: toVni, srcVni } = filter;
    if (dev === undefined) throw new InputError(["dev"], `missing; expected ${linkName.expected}`);
    try {
      const indexOf = await indexesOf(this.links, [dev, port]);
      const attrs = {
        rtprot: protocol === undefined ? undefined : protocols.numberOf(protocol),
        dst,
        dstPort: dstport,
        vni: toVni,
        srcVni,
        stateMask: permanent === undefined ? undefined : MDB_PERMANENT,
      };
      const state = permanent === true ? MDB_PERMANENT : 0;
      const entry = { ifindex: port === undefined ? 0 : indexOf(port), state, flags: 0, vid, group: NO_GROUP };
      const wire: Wire = {
        header: { family: AF_BRIDGE, ifindex: indexOf(dev) },
        attrs: { entry, ...(defined(attrs) && { attrs }) },
      };
      await this.connection.request(delmdb, wire, NLM_F_BULK, options);
    } catch (error) {
      throw retold(error, {
        what: `cannot flush multicast groups of ${dev}`,
        properties: { ...PROPERTIES, entry: "port" },
        blamed: { EOPNOTSUPP: "dev", ENODEV: "dev" },
      });
    }
  }

  /** Removes an entry. Same as: bridge mdb delete @throws {NetlinkError} */
  delete(config: MdbConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("delete", config, options);
  }
}
