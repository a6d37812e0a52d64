/**
 * Settings of devices as kernels before 5.6 tell and take them, which have no family `ethtool`: one struct of C for each.
 *
 * Source: include/uapi/linux/ethtool.h (struct ethtool_ringparam, ethtool_channels, ethtool_coalesce,
 * ethtool_pauseparam, ethtool_link_settings, ethtool_value, enum ethtool_link_mode_bit_indices), net/ethtool/ioctl.c,
 * net/ethtool/common.c (link_mode_names), net/ethtool/linkmodes.c (ethnl_auto_linkmodes).
 */
import { NetlinkError } from "../socket/index.ts";
import {
  array,
  bool,
  type Fixed,
  fixedText,
  mapped,
  type Out,
  Reader,
  struct,
  u8,
  u32,
  Writer,
} from "../wire/index.ts";
import { ETHTOOL, request } from "./driver.ts";
import type { EthtoolIoctl } from "./ioctl.ts";
import {
  type LinkModeChanges,
  type LinkModes,
  type LinkState,
  linkModesFromWire,
  linkModesToWire,
  MEGABIT,
} from "./link.ts";
import { duplexWord, type EthtoolRequest, mdixWord, portWord, transceiverWord } from "./schema.ts";
import { type Group, groupFromWire, groupToWire } from "./settings.ts";

const EINVAL = -22;
const EOPNOTSUPP = -95;

type Command = keyof typeof ETHTOOL;
type Wire = Readonly<Record<string, unknown>>;
/** A struct whose members have the names of the attributes that came after it. */
type Struct = Fixed<Wire, Wire>;

/** One group: its requests, and its struct. */
interface Layout {
  readonly get: Command;
  readonly set: Command;
  readonly struct: Struct;
  /** Members that a device does not have where the first, the most of it, is zero. */
  readonly most?: Readonly<Record<string, string>>;
}

const truth: Fixed<boolean> = mapped(
  u32,
  "true or false",
  (value) => (value ? 1 : 0),
  (number) => number !== 0,
);

const LAYOUTS: { readonly [R in EthtoolRequest]?: Layout } = {
  RINGS_GET: {
    get: "GRINGPARAM",
    set: "SRINGPARAM",
    struct: struct("ethtool_ringparam", {
      cmd: u32,
      rxMax: u32,
      rxMiniMax: u32,
      rxJumboMax: u32,
      txMax: u32,
      rx: u32,
      rxMini: u32,
      rxJumbo: u32,
      tx: u32,
    }),
    most: { rxMax: "rx", rxMiniMax: "rxMini", rxJumboMax: "rxJumbo", txMax: "tx" },
  },
  CHANNELS_GET: {
    get: "GCHANNELS",
    set: "SCHANNELS",
    struct: struct("ethtool_channels", {
      cmd: u32,
      rxMax: u32,
      txMax: u32,
      otherMax: u32,
      combinedMax: u32,
      rxCount: u32,
      txCount: u32,
      otherCount: u32,
      combinedCount: u32,
    }),
    most: { rxMax: "rxCount", txMax: "txCount", otherMax: "otherCount", combinedMax: "combinedCount" },
  },
  COALESCE_GET: {
    get: "GCOALESCE",
    set: "SCOALESCE",
    struct: struct("ethtool_coalesce", {
      cmd: u32,
      rxUsecs: u32,
      rxMaxFrames: u32,
      rxUsecsIrq: u32,
      rxMaxFramesIrq: u32,
      txUsecs: u32,
      txMaxFrames: u32,
      txUsecsIrq: u32,
      txMaxFramesIrq: u32,
      statsBlockUsecs: u32,
      useAdaptiveRx: truth,
      useAdaptiveTx: truth,
      pktRateLow: u32,
      rxUsecsLow: u32,
      rxMaxFramesLow: u32,
      txUsecsLow: u32,
      txMaxFramesLow: u32,
      pktRateHigh: u32,
      rxUsecsHigh: u32,
      rxMaxFramesHigh: u32,
      txUsecsHigh: u32,
      txMaxFramesHigh: u32,
      rateSampleInterval: u32,
    }),
  },
  PAUSE_GET: {
    get: "GPAUSEPARAM",
    set: "SPAUSEPARAM",
    struct: struct("ethtool_pauseparam", { cmd: u32, autoneg: truth, rx: truth, tx: truth }),
  },
};

/** struct ethtool_link_settings, without the sets of modes behind it. */
const linkSettings = struct("ethtool_link_settings", {
  cmd: u32,
  speed: u32,
  duplex: duplexWord,
  port: portWord,
  phyaddr: u8,
  autoneg: bool,
  mdioSupport: u8,
  tpMdix: mdixWord,
  tpMdixCtrl: mdixWord,
  maskWords: u8,
  transceiver: transceiverWord,
  masterSlaveCfg: u8,
  masterSlaveState: u8,
  rateMatching: u8,
  _reserved: fixedText(28),
});
/** Names of link modes by their bit, as many as Linux 5.5 had. */
export const LINK_MODES: readonly string[] = `
  10baseT/Half 10baseT/Full 100baseT/Half 100baseT/Full 1000baseT/Half 1000baseT/Full Autoneg TP AUI MII FIBRE
  BNC 10000baseT/Full Pause Asym_Pause 2500baseX/Full Backplane 1000baseKX/Full 10000baseKX4/Full
  10000baseKR/Full 10000baseR_FEC 20000baseMLD2/Full 20000baseKR2/Full 40000baseKR4/Full 40000baseCR4/Full
  40000baseSR4/Full 40000baseLR4/Full 56000baseKR4/Full 56000baseCR4/Full 56000baseSR4/Full 56000baseLR4/Full
  25000baseCR/Full 25000baseKR/Full 25000baseSR/Full 50000baseCR2/Full 50000baseKR2/Full 100000baseKR4/Full
  100000baseSR4/Full 100000baseCR4/Full 100000baseLR4_ER4/Full 50000baseSR2/Full 1000baseX/Full
  10000baseCR/Full 10000baseSR/Full 10000baseLR/Full 10000baseLRM/Full 10000baseER/Full 2500baseT/Full
  5000baseT/Full None RS BASER 50000baseKR/Full 50000baseSR/Full 50000baseCR/Full 50000baseLR_ER_FR/Full
  50000baseDR/Full 100000baseKR2/Full 100000baseSR2/Full 100000baseCR2/Full 100000baseLR2_ER2_FR2/Full
  100000baseDR2/Full 200000baseKR4/Full 200000baseSR4/Full 200000baseLR4_ER4_FR4/Full 200000baseDR4/Full
  200000baseCR4/Full 100baseT1/Full 1000baseT1/Full 400000baseKR8/Full 400000baseSR8/Full
  400000baseLR8_ER8_FR8/Full 400000baseDR8/Full 400000baseCR8/Full
`
  .trim()
  .split(/\s+/);
const nameOf = (bit: number): string => LINK_MODES[bit] ?? `#${bit}`;

/** A setting that no struct has: it came with the family `ethtool`, or later. */
function lacking(request: string, attribute: string): NetlinkError {
  return new NetlinkError({
    errno: EOPNOTSUPP,
    request,
    reason: "it needs ethtool over netlink, which this kernel has not",
    attribute,
  });
}
const given = (changes: Wire): [string, unknown][] =>
  Object.entries(changes).filter(([, value]) => value !== undefined);
/** What is there with what is to change. @throws {NetlinkError} for what the struct has no member for. */
function changed<T extends object>(before: T, changes: Wire, request: string): T {
  for (const [key] of given(changes)) if (!(key in before)) throw lacking(request, key);
  return { ...before, ...Object.fromEntries(given(changes)) };
}

async function readStruct(ask: EthtoolIoctl, device: string, layout: Layout): Promise<Wire> {
  const data = request(layout.struct.size, ETHTOOL[layout.get]);
  await ask(device, data, `ETHTOOL_${layout.get}`);
  return layout.struct.read(new Reader(data), 0, data.length);
}
async function writeStruct(ask: EthtoolIoctl, device: string, layout: Layout, changes: Wire): Promise<void> {
  const after = changed(await readStruct(ask, device, layout), changes, `ETHTOOL_${layout.set}`);
  const out = new Writer(layout.struct.size);
  layout.struct.write(out, { ...after, cmd: ETHTOOL[layout.set] });
  await ask(device, out.finish(), `ETHTOOL_${layout.set}`);
}
/** What the device has. */
function present({ most = {} }: Layout, wire: Wire): Wire {
  const absent = Object.entries(most).flatMap((pair) => (wire[pair[0]] === 0 ? pair : []));
  return Object.fromEntries(Object.entries(wire).filter(([key]) => !absent.includes(key)));
}

/** Connection settings: the struct, and three sets of modes of equal length, as words of 32 bits. */
interface Settings {
  readonly told: Out<typeof linkSettings>;
  readonly supported: readonly number[];
  readonly advertised: readonly number[];
  readonly peer: readonly number[];
}
async function readSettings(ask: EthtoolIoctl, device: string): Promise<Settings> {
  const name = "ETHTOOL_GLINKSETTINGS";
  const first = request(linkSettings.size, ETHTOOL.GLINKSETTINGS);
  await ask(device, first, name);
  // Asked with a length that is not the kernel's, it tells its own, negated.
  const length = -linkSettings.read(new Reader(first), 0, first.length).maskWords & 0xff;
  const out = new Writer(linkSettings.size + 12 * length);
  linkSettings.write(out, { cmd: ETHTOOL.GLINKSETTINGS, maskWords: length });
  out.take(12 * length);
  const data = out.finish();
  await ask(device, data, name);
  const words = array(u32).read(new Reader(data), linkSettings.size, data.length);
  const set = (n: number): readonly number[] => words.slice(n * length, (n + 1) * length);
  const told = linkSettings.read(new Reader(data), 0, data.length);
  return { told, supported: set(0), advertised: set(1), peer: set(2) };
}
async function writeSettings(ask: EthtoolIoctl, device: string, { told, ...sets }: Settings): Promise<void> {
  const words = [...sets.supported, ...sets.advertised, ...sets.peer];
  const out = new Writer(linkSettings.size + 4 * words.length);
  linkSettings.write(out, { ...told, cmd: ETHTOOL.SLINKSETTINGS });
  array(u32).write(out, words);
  await ask(device, out.finish(), "ETHTOOL_SLINKSETTINGS");
}

const has = (set: readonly number[], bit: number): boolean => (((set[bit >> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
const bitsIn = (set: readonly number[]): number[] => [...Array(32 * set.length).keys()].filter((bit) => has(set, bit));
const setOf = (bits: readonly number[], length: number): number[] =>
  Array.from({ length }, (_, word) =>
    bits.filter((bit) => bit >> 5 === word).reduce((all, bit) => (all | (1 << (bit & 31))) >>> 0, 0),
  );

/** What is offered to the peer afterwards. */
function offered(before: Settings, { advertise, speed, duplex }: LinkModeChanges, autoneg: boolean): number[] {
  const bits = new Set(bitsIn(before.advertised));
  const put = (bit: number, on: boolean): unknown => (on ? bits.add(bit) : bits.delete(bit));
  if (advertise !== undefined) {
    for (const [name, on] of Object.entries(advertise)) put(bitNamed(name), on);
  } else if (autoneg && (speed ?? duplex) !== undefined) {
    // Of the modes of a speed those that fit, of which the device has some.
    for (const [bit, name] of LINK_MODES.entries()) {
      const [, megabits] = /^(\d+)base/.exec(name) ?? [];
      if (megabits === undefined) continue;
      const fits = speed === undefined || speed === Number(megabits) * MEGABIT;
      const both = duplex === undefined || name.endsWith("/Half") === (duplex === "half");
      put(bit, fits && both && has(before.supported, bit));
    }
  }
  return [...bits];
}
function bitNamed(name: string): number {
  const bit = LINK_MODES.indexOf(name);
  if (bit >= 0) return bit;
  const reason = `there is no link mode ${JSON.stringify(name)}`;
  throw new NetlinkError({ errno: EINVAL, request: "ETHTOOL_SLINKSETTINGS", reason, attribute: "ours" });
}

/** Same as: ethtool NAME */
export async function readLinkModes(ask: EthtoolIoctl, device: string): Promise<LinkModes> {
  const { told, supported, advertised, peer } = await readSettings(ask, device);
  const list = (set: readonly number[]) => bitsIn(set).map((bit) => ({ name: nameOf(bit) }));
  return linkModesFromWire({
    autoneg: told.autoneg,
    speed: told.speed,
    duplex: told.duplex,
    ours: { bits: { bit: bitsIn(supported).map((bit) => ({ name: nameOf(bit), value: has(advertised, bit) })) } },
    ...(peer.some((word) => word !== 0) && { peer: { nomask: true, bits: { bit: list(peer) } } }),
  } as Parameters<typeof linkModesFromWire>[0]);
}
/** Same as: ethtool -s NAME speed 100 duplex full autoneg off */
export async function writeLinkModes(ask: EthtoolIoctl, device: string, changes: LinkModeChanges): Promise<void> {
  const { ours: _, lanes, masterSlaveCfg, ...wire } = linkModesToWire(changes);
  for (const [key] of given({ lanes, masterSlaveCfg })) throw lacking("ETHTOOL_SLINKSETTINGS", key);
  const before = await readSettings(ask, device);
  const told = changed(before.told, wire, "ETHTOOL_SLINKSETTINGS");
  const advertised = setOf(offered(before, changes, told.autoneg), before.advertised.length);
  await writeSettings(ask, device, { ...before, told, advertised });
}

/** Whether there is a link, where the device tells. */
export async function readLinkState(ask: EthtoolIoctl, device: string): Promise<LinkState> {
  const data = request(8, ETHTOOL.GLINK);
  try {
    await ask(device, data, "ETHTOOL_GLINK");
  } catch (error) {
    if (error instanceof NetlinkError && error.code === "EOPNOTSUPP") return {};
    throw error;
  }
  return { detected: new Reader(data).u32[1] !== 0 };
}

/** Settings of a group. Of coalescing all is told, as the struct does not say what a device lacks. */
export async function readGroup<T, C>(ask: EthtoolIoctl, device: string, group: Group<T, C>): Promise<T> {
  const layout = LAYOUTS[group.get];
  if (layout === undefined) return groupFromWire(group, (await readSettings(ask, device)).told);
  return groupFromWire(group, present(layout, await readStruct(ask, device, layout)));
}
/** Changes settings of a group, and leaves the others. @throws {NetlinkError} `EOPNOTSUPP` for those of later kernels. */
export async function writeGroup<T, C extends object>(
  ask: EthtoolIoctl,
  device: string,
  group: Group<T, C>,
  changes: C,
): Promise<void> {
  const layout = LAYOUTS[group.get];
  const wire = groupToWire(group, changes);
  if (layout !== undefined) return await writeStruct(ask, device, layout, wire);
  const before = await readSettings(ask, device);
  const told = changed(before.told, wire, "ETHTOOL_SLINKSETTINGS");
  await writeSettings(ask, device, { ...before, told });
}
