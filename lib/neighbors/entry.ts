/** Forwarding entries in people's words, and both directions between them and the wire. */
import { linkNamed } from "../families/lookup.ts";
import { AF_BRIDGE } from "../families/route.ts";
import {
  address,
  boolean,
  check,
  choice,
  InputError,
  integer,
  linkName,
  mac,
  type Shape,
  type Shapes,
} from "../shape/shape.ts";
import type { MessageIn, MessageOut } from "../wire/index.ts";
import { NOTIFY, NTF, NTF_EXT, NUD, type newneigh } from "./schema.ts";
import { ZERO_MAC } from "./zero-mac.ts";

const STATES = {
  permanent: NUD.NOARP | NUD.PERMANENT,
  static: NUD.NOARP | NUD.REACHABLE,
  dynamic: NUD.REACHABLE,
} as const;
/** Whether an entry is this host's own or kept for ever, is fixed, or ages. `stale` is dynamic and unused. */
export type FdbState = keyof typeof STATES | "stale";

/** A forwarding entry to be made. */
export interface FdbConfig {
  readonly mac: string;
  /** Name of the link: a bridge port, a bridge, a VXLAN. */
  readonly dev: string;
  /** VXLAN: address of the far end. */
  readonly dst?: string | undefined;
  /** Bridge: 1 to 4094. */
  readonly vlan?: number | undefined;
  /** VXLAN: UDP port of the far end, where it is not the link's. */
  readonly port?: number | undefined;
  /** VXLAN: VNI that is sent, where it is not the link's. */
  readonly vni?: number | undefined;
  /** VXLAN with `external`: VNI for which the entry is. */
  readonly srcVni?: number | undefined;
  /** VXLAN: name of the output link to the far end. */
  readonly via?: string | undefined;
  /** VXLAN: number of a nexthop group, instead of `dst`. */
  readonly nhid?: number | undefined;
  /** Default permanent. */
  readonly state?: keyof typeof STATES | undefined;
  /** The link's own table. Default true where `master` is not set. */
  readonly self?: boolean | undefined;
  /** The table of the bridge that `dev` is a port of: true, or the bridge's name as {@link FdbEntry} tells it. */
  readonly master?: boolean | string | undefined;
  /** A control plane learned it; the kernel does not age it out. */
  readonly externLearn?: boolean | undefined;
  /** Bridge: it does not move to another port. */
  readonly sticky?: boolean | undefined;
  readonly router?: boolean | undefined;
  readonly use?: boolean | undefined;
  /** Bridge: watchers are told when it falls silent, and when it speaks again; it does not age. Linux 5.15 and later. */
  readonly activityNotify?: boolean | undefined;
  /** With `activityNotify`: it is taken to be silent already. */
  readonly inactive?: boolean | undefined;
  /** A change does not count as its use. */
  readonly norefresh?: boolean | undefined;
}
/** A forwarding entry as the kernel has it. */
export interface FdbEntry extends Omit<FdbConfig, "state" | "master" | "norefresh"> {
  readonly state: FdbState;
  /** Its MAC address spoke at a port that is `locked`, and is let through only once somebody makes it an entry. */
  readonly locked?: true;
  /** Name of the bridge whose table it is in. */
  readonly master?: string;
  readonly offloaded?: true;
  /** Seconds since it was used and since it was changed. */
  readonly used?: number;
  readonly updated?: number;
}

const trueOrName: Shape<boolean | string> = {
  expected: "true, false, or the name of the bridge",
  json: { anyOf: [boolean.json, linkName.json] },
  accepts: (value): value is boolean | string => boolean.accepts(value) || linkName.accepts(value),
};
/** What each property of {@link FdbConfig} must look like. */
export const fdbShapes = {
  mac,
  dev: linkName,
  dst: address,
  vlan: integer(1, 4094),
  port: integer(1, 0xffff),
  vni: integer(0, 0xff_ffff),
  srcVni: integer(0, 0xff_ffff),
  via: linkName,
  nhid: integer(1, 0xffff_ffff),
  state: choice("permanent", "static", "dynamic"),
  self: boolean,
  master: trueOrName,
  externLearn: boolean,
  sticky: boolean,
  router: boolean,
  use: boolean,
  activityNotify: boolean,
  inactive: boolean,
  norefresh: boolean,
} as const satisfies Shapes;

/** The caller's property for each attribute. */
export const FDB_PROPERTIES: Readonly<Record<string, string>> = { lladdr: "mac", ifindex: "via", nhId: "nhid" };

/** @throws {InputError} for the first property that is unknown, does not fit, or contradicts another. */
export function checkEntry(config: FdbConfig, verb: string): void {
  check([], fdbShapes, config);
  for (const key of ["mac", "dev"] as const)
    if (config[key] === undefined) throw new InputError([key], `missing; expected ${fdbShapes[key].expected}`);
  if (config.nhid !== undefined && config.dst !== undefined)
    throw new InputError(["nhid"], "stands beside dst; use one");
  if (config.mac !== ZERO_MAC) return;
  if (verb === "replace")
    throw new InputError(
      ["mac"],
      "the kernel replaces no all-zero entry; append the new remote and delete the old one",
    );
  if (verb === "delete" && (config.dst ?? config.nhid) === undefined)
    throw new InputError(["dst"], "missing; without it the kernel drops every remote, which setRemotes(dev, []) does");
}

/** The message for a checked entry. */
export function entryToWire(
  config: FdbConfig,
  _verb: string,
  indexOf: (name: string) => number,
): MessageIn<typeof newneigh> {
  const attrs: { -readonly [K in keyof NonNullable<MessageIn<typeof newneigh>["attrs"]>]: unknown } = {};
  if (config.dst !== undefined) attrs.dst = config.dst;
  attrs.lladdr = config.mac;
  if (config.vlan !== undefined) attrs.vlan = config.vlan;
  if (config.port !== undefined) attrs.port = config.port;
  if (config.vni !== undefined) attrs.vni = config.vni;
  if (config.via !== undefined) attrs.ifindex = indexOf(config.via);
  if (config.srcVni !== undefined) attrs.srcVni = config.srcVni;
  if (config.nhid !== undefined) attrs.nhId = config.nhid;
  const { activityNotify, inactive, norefresh } = config;
  if ((activityNotify ?? inactive ?? norefresh) !== undefined)
    attrs.fdbExtAttrs = {
      ...((activityNotify ?? inactive) !== undefined && {
        activityNotify: (activityNotify === true ? NOTIFY.ACTIVITY : 0) | (inactive === true ? NOTIFY.INACTIVE : 0),
      }),
      dontRefresh: norefresh,
    };
  const inMaster = config.master !== undefined && config.master !== false;
  let flags = inMaster ? NTF.MASTER : 0;
  if (config.self ?? !inMaster) flags |= NTF.SELF;
  if (config.externLearn === true) flags |= NTF.EXT_LEARNED;
  if (config.sticky === true) flags |= NTF.STICKY;
  if (config.router === true) flags |= NTF.ROUTER;
  if (config.use === true) flags |= NTF.USE;
  return {
    header: { family: AF_BRIDGE, ifindex: indexOf(config.dev), state: STATES[config.state ?? "permanent"], flags },
    attrs: attrs as NonNullable<MessageIn<typeof newneigh>["attrs"]>,
  };
}

function stateOf(state: number): FdbState {
  if ((state & NUD.PERMANENT) !== 0) return "permanent";
  if ((state & NUD.NOARP) !== 0) return "static";
  return (state & NUD.STALE) !== 0 ? "stale" : "dynamic";
}

/** An entry in people's words. */
export function entryFromWire(
  { header, attrs }: MessageOut<typeof newneigh>,
  names: ReadonlyMap<number, string>,
): FdbEntry {
  const { flags } = header;
  const found: Record<string, unknown> = {
    mac: attrs.lladdr,
    dev: linkNamed(names, header.ifindex),
    state: stateOf(header.state),
  };
  if (attrs.dst !== undefined) found["dst"] = attrs.dst;
  if (attrs.vlan !== undefined) found["vlan"] = attrs.vlan;
  if (attrs.port !== undefined) found["port"] = attrs.port;
  if (attrs.vni !== undefined) found["vni"] = attrs.vni;
  if (attrs.srcVni !== undefined) found["srcVni"] = attrs.srcVni;
  if (attrs.ifindex !== undefined) found["via"] = linkNamed(names, attrs.ifindex);
  if (attrs.nhId !== undefined) found["nhid"] = attrs.nhId;
  if ((flags & NTF.SELF) !== 0) found["self"] = true;
  if (attrs.master !== undefined) found["master"] = linkNamed(names, attrs.master);
  if ((flags & ~NTF.SELF) !== 0) {
    if ((flags & NTF.EXT_LEARNED) !== 0) found["externLearn"] = true;
    if ((flags & NTF.OFFLOADED) !== 0) found["offloaded"] = true;
    if ((flags & NTF.STICKY) !== 0) found["sticky"] = true;
    if ((flags & NTF.ROUTER) !== 0) found["router"] = true;
  }
  if (attrs.fdbExtAttrs?.activityNotify !== undefined) {
    if ((attrs.fdbExtAttrs.activityNotify & NOTIFY.ACTIVITY) !== 0) found["activityNotify"] = true;
    if ((attrs.fdbExtAttrs.activityNotify & NOTIFY.INACTIVE) !== 0) found["inactive"] = true;
  }
  if (attrs.flagsExt !== undefined && (attrs.flagsExt & NTF_EXT.LOCKED) !== 0) found["locked"] = true;
  if (attrs.cacheinfo !== undefined) {
    found["used"] = attrs.cacheinfo.used / 100;
    found["updated"] = attrs.cacheinfo.updated / 100;
  }
  return found as unknown as FdbEntry;
}
