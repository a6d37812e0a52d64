/** Speed and state of the connection at a device's far end. */
import { boolean, choice, integer, type Shape } from "../shape/shape.ts";
import type { AttrsIn, AttrsOut } from "../wire/attr.ts";
import { namesIn } from "./bits.ts";
import type { ethtoolLinkModes, ethtoolLinkState } from "./schema.ts";

/** SPEED_UNKNOWN. Source: include/uapi/linux/ethtool.h */
const UNKNOWN = 0xffff_ffff;
/** Bits per second: what the kernel counts speeds in. */
export const MEGABIT = 1_000_000;

/** What a device and its peer can do, and what they do. */
export interface LinkModes {
  /** Whether speed and duplex are agreed with the peer. */
  readonly autoneg?: boolean;
  /** Bits per second, where ethtool counts in millions; absent where there is no link, or the device does not tell. */
  readonly speed?: number;
  readonly duplex?: "half" | "full";
  readonly lanes?: number;
  /** What the device can do, by the kernel's names: `1000baseT/Full`, `Autoneg`, `TP`, `Pause`. */
  readonly supported: readonly string[];
  /** What of these it offers the peer. */
  readonly advertised: readonly string[];
  /** What the peer offers; absent where it is not known. */
  readonly peer?: readonly string[];
  /** Who gives the clock, as set; absent where the device has no such thing. */
  readonly masterSlave?: MasterSlave | "unknown" | number;
  /** Who gives the clock. */
  readonly masterSlaveState?: "unknown" | "master" | "slave" | "error" | number;
  readonly rateMatching?: "none" | "pause" | "crs" | "open-loop" | number;
}
/** Who is to give the clock. */
export type MasterSlave = "preferred-master" | "preferred-slave" | "forced-master" | "forced-slave";

/** What to change. */
export interface LinkModeChanges {
  readonly autoneg?: boolean | undefined;
  /** Bits per second, a multiple of a million. */
  readonly speed?: number | undefined;
  readonly duplex?: "half" | "full" | undefined;
  readonly lanes?: number | undefined;
  /** By the kernel's names; a mode that is not named stays as it is. */
  readonly advertise?: Readonly<Record<string, boolean>> | undefined;
  readonly masterSlave?: MasterSlave | undefined;
}

const modes: Shape<Readonly<Record<string, boolean>>> = {
  expected: "names of link modes, each true or false",
  json: { type: "object", additionalProperties: { type: "boolean" } },
  accepts: (value): value is Readonly<Record<string, boolean>> =>
    typeof value === "object" && value !== null && Object.values(value).every((one) => typeof one === "boolean"),
};
const megabits: Shape<number> = {
  expected: "bits per second, a multiple of 1000000",
  json: { type: "integer", minimum: 0, multipleOf: MEGABIT },
  accepts: (value): value is number =>
    typeof value === "number" && value % MEGABIT === 0 && integer(0, 0x7fff_ffff).accepts(value / MEGABIT),
};
export const LINK_MODE_SHAPES = {
  autoneg: boolean,
  speed: megabits,
  duplex: choice("half", "full"),
  lanes: integer(1, 0xffff_ffff),
  advertise: modes,
  masterSlave: choice("preferred-master", "preferred-slave", "forced-master", "forced-slave"),
};
/** The caller's words for attributes that a refusal points at. */
export const LINK_MODE_WORDS = { ours: "advertise", masterSlaveCfg: "masterSlave" } as const;

export function linkModesFromWire(reply: AttrsOut<(typeof ethtoolLinkModes)["fields"]>): LinkModes {
  const { autoneg, ours, peer, speed, duplex, lanes, masterSlaveCfg, masterSlaveState, rateMatching } = reply;
  const supported = new Set<string>();
  const advertised = namesIn(ours, supported);
  return {
    supported: [...supported],
    advertised: [...advertised],
    ...(autoneg === undefined ? {} : { autoneg }),
    ...(peer === undefined ? {} : { peer: [...namesIn(peer)] }),
    ...(speed === undefined || speed === UNKNOWN ? {} : { speed: speed * MEGABIT }),
    ...(duplex === "half" || duplex === "full" ? { duplex } : {}),
    ...(lanes === undefined ? {} : { lanes }),
    ...(masterSlaveCfg === undefined ? {} : { masterSlave: masterSlaveCfg }),
    ...(masterSlaveState === undefined ? {} : { masterSlaveState }),
    ...(rateMatching === undefined ? {} : { rateMatching }),
  };
}

export function linkModesToWire(changes: LinkModeChanges): AttrsIn<(typeof ethtoolLinkModes)["fields"]> {
  const { autoneg, speed, duplex, lanes, advertise, masterSlave } = changes;
  const bit = advertise && Object.entries(advertise).map(([name, value]) => ({ name, value }));
  const rate = speed === undefined ? undefined : speed / MEGABIT;
  return { autoneg, speed: rate, duplex, lanes, masterSlaveCfg: masterSlave, ours: bit && { bits: { bit } } };
}

/** Whether there is a link. */
export interface LinkState {
  /** Absent where the device does not tell. */
  readonly detected?: boolean;
  /** Quality of the signal, from 0 to `sqiMax`; absent where the device does not measure it. */
  readonly sqi?: number;
  readonly sqiMax?: number;
  /** Why there is no link, where the device knows. */
  readonly reason?: Exclude<AttrsOut<(typeof ethtoolLinkState)["fields"]>["extState"], undefined>;
  /** The kernel's number of the particular reason. */
  readonly detail?: number;
  /** How often the link went down. */
  readonly downs?: number;
}

export function linkStateFromWire(reply: AttrsOut<(typeof ethtoolLinkState)["fields"]>): LinkState {
  const { link, sqi, sqiMax, extState, extSubstate, extDownCnt } = reply;
  return {
    ...(link === undefined ? {} : { detected: link }),
    ...(sqi === undefined ? {} : { sqi }),
    ...(sqiMax === undefined ? {} : { sqiMax }),
    ...(extState === undefined ? {} : { reason: extState }),
    ...(extSubstate === undefined ? {} : { detail: extSubstate }),
    ...(extDownCnt === undefined ? {} : { downs: extDownCnt }),
  };
}
