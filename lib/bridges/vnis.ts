/** Which VNIs a VXLAN with `external` and `vnifilter` takes. Linux 5.18 and later. */

import { type ChangeRules, type LinkLookup, type Listing, linkNamed, listing } from "../families/lookup.ts";
import { AF_BRIDGE } from "../families/route.ts";
import { Service } from "../families/service.ts";
import { inTurns } from "../families/turns.ts";
import { address, boolean, check, InputError, integer, linkName, type Shapes } from "../shape/shape.ts";
import type { CallOptions, Connection } from "../socket/index.ts";
import type { MessageIn, Out } from "../wire/index.ts";
import { isMulticast } from "../wire/multicast.ts";
import { deltunnel, gettunnel, newtunnel, TUNNEL_MSG_FLAG, type vniEntry } from "./schema.ts";

/** A VNI, or a range of them, that a VXLAN takes. */
export interface VniConfig {
  /** Name of the VXLAN. */
  readonly dev: string;
  /** 0 to 16777215; the first of a range. */
  readonly vni: number;
  /** The last of a range. Default: `vni` alone. */
  readonly vniEnd?: number | undefined;
  /** Multicast group to which is flooded; the VXLAN then needs `dev`. */
  readonly group?: string | undefined;
  /** The one far end to which is flooded, instead of `group`. */
  readonly remote?: string | undefined;
}
/** What went through a VNI. */
export interface VniStatistics {
  readonly rxBytes: bigint;
  readonly rxPackets: bigint;
  readonly rxDrops: bigint;
  readonly rxErrors: bigint;
  readonly txBytes: bigint;
  readonly txPackets: bigint;
  readonly txDrops: bigint;
  readonly txErrors: bigint;
}
/** A VNI, or a range of equal ones, as the kernel has it. */
export interface Vni extends VniConfig {
  /** Only where they were asked for. */
  readonly statistics?: VniStatistics;
}
export interface VniFilter {
  readonly dev?: string | undefined;
  /** With counters, and then each VNI for itself. Default false. */
  readonly statistics?: boolean | undefined;
}

const vni = integer(0, 0xff_ffff);
/** What each property of {@link VniConfig} must look like. */
export const vniShapes = { dev: linkName, vni, vniEnd: vni, group: address, remote: address } as const satisfies Shapes;
const FILTER = { dev: linkName, statistics: boolean };

/** @throws {InputError} for the first property that is unknown, does not fit, or contradicts another. */
export function checkVni(config: VniConfig): void {
  check([], vniShapes, config);
  for (const key of ["dev", "vni"] as const)
    if (config[key] === undefined) throw new InputError([key], `missing; expected ${vniShapes[key].expected}`);
  const { vni: first, vniEnd, group, remote } = config;
  if (vniEnd !== undefined && vniEnd < first)
    throw new InputError(["vniEnd"], `${vniEnd} is before vni ${first}; a range goes upwards`);
  if (group !== undefined && remote !== undefined) throw new InputError(["remote"], "stands beside group; use one");
  if (group !== undefined && !isMulticast(group))
    throw new InputError(["group"], `${group} is the address of one host; write remote: ${group}`);
  if (remote !== undefined && isMulticast(remote))
    throw new InputError(["remote"], `${remote} is a multicast group; write group: ${remote}`);
}

/** The message for a checked VNI. */
export function vniToWire(config: VniConfig, indexOf: (name: string) => number): MessageIn<typeof newtunnel> {
  const { dev, vni: start, vniEnd, group, remote } = config;
  const flood = group ?? remote;
  return {
    header: { family: AF_BRIDGE, ifindex: indexOf(dev) },
    attrs: {
      entry: [
        {
          start,
          end: vniEnd === start ? undefined : vniEnd,
          ...(flood !== undefined && (flood.includes(":") ? { group6: flood } : { group: flood })),
        },
      ],
    },
  };
}

/** A VNI in people's words. */
export function vniFromWire(dev: string, { start = 0, end, group, group6, stats }: Out<typeof vniEntry>): Vni {
  const flood = group ?? group6;
  return {
    dev,
    vni: start,
    ...(end !== undefined && end !== start && { vniEnd: end }),
    ...(flood !== undefined && (isMulticast(flood) ? { group: flood } : { remote: flood })),
    ...(stats !== undefined && { statistics: statisticsOf(stats) }),
  };
}
function statisticsOf(stats: NonNullable<Out<typeof vniEntry>["stats"]>): VniStatistics {
  const { rxBytes = 0n, rxPkts = 0n, rxDrops = 0n, rxErrors = 0n } = stats;
  const { txBytes = 0n, txPkts = 0n, txDrops = 0n, txErrors = 0n } = stats;
  return { rxBytes, rxPackets: rxPkts, rxDrops, rxErrors, txBytes, txPackets: txPkts, txDrops, txErrors };
}

type Wire = MessageIn<typeof newtunnel>;
const ACTS = { create: "add", delete: "delete" } as const;
const rules: ChangeRules<"create" | "delete", VniConfig, Wire> = {
  verbs: { create: { message: newtunnel, flags: 0 }, delete: { message: deltunnel, flags: 0 } },
  check: checkVni,
  devices: ({ dev }) => [dev],
  toWire: (config, _verb, indexOf) => vniToWire(config, indexOf),
  told: ({ dev, vni: first, vniEnd = first, remote }, verb) => ({
    what: `cannot ${ACTS[verb]} VNI ${first === vniEnd ? first : `${first}-${vniEnd}`} of ${dev}`,
    properties: {
      entry: "vni",
      "entry.start": "vni",
      "entry.end": "vniEnd",
      "entry.group": remote === undefined ? "group" : "remote",
      "entry.group6": remote === undefined ? "group" : "remote",
    },
    blamed: { EEXIST: "vni", ENOENT: "vni", ENODEV: "dev", EOPNOTSUPP: "dev" },
  }),
};

/** Lists and changes the VNIs of VXLANs. */
export class Vnis extends Service<"create" | "delete", VniConfig, Wire> {
  constructor(connection: Connection, links: LinkLookup) {
    super(connection, links, rules);
  }

  /** All VNIs, or those of a VXLAN; equal neighbors in one range. Same as: bridge vni show; bridge -s vni show */
  async list(filter: VniFilter = {}, options?: CallOptions): Promise<Listing<Vni>> {
    check([], FILTER, filter, "filter");
    const { dev, statistics = false } = filter;
    const ifindex = dev === undefined ? 0 : await this.links.indexOf(dev);
    const header = { family: AF_BRIDGE, flags: statistics ? TUNNEL_MSG_FLAG.STATS : 0, ifindex };
    const { messages, consistent } = await this.connection.dump(gettunnel, { header }, newtunnel, options);
    const names = await this.links.names();
    const found = await inTurns(messages, ({ header: { ifindex: at }, attrs: { entry = [] } }) =>
      entry.map((one) => vniFromWire(linkNamed(names, at), one)),
    );
    return listing(found.flat(), consistent);
  }

  /** Adds VNIs; of those that are there it changes where they flood to. Same as: bridge vni add dev DEV vni VNI-END group GROUP */
  create(config: VniConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("create", config, options);
  }

  /** Removes VNIs. Same as: bridge vni delete dev DEV vni VNI-END @throws {NetlinkError} `ENOENT` */
  delete(config: VniConfig, options?: CallOptions): Promise<void> {
    return this.changes.make("delete", config, options);
  }
}
