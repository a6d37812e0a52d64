/** The virtual functions of network cards (SR-IOV): what their guests may do, set from the host's side. */
import { type LinkLookup, type Listing, listing, retold } from "../families/lookup.ts";
import { RTEXT_FILTER_SKIP_STATS, RTEXT_FILTER_VF } from "../families/route.ts";
import { inTurns } from "../families/turns.ts";
import { boolean, check, choice, InputError, integer, linkName, mac, type Shape, type Shapes } from "../shape/shape.ts";
import { type CallOptions, type Connection, NetlinkError } from "../socket/index.ts";
import type { In, MessageOut, Out } from "../wire/index.ts";
import { getvfs, newvfs, setvfs, type vfInfo } from "./vf-schema.ts";

/** What can be set of a virtual function. What is absent stays as it is. */
export interface VfOptions {
  /** MAC address that its guest finds; zero has the guest choose one. */
  readonly mac?: string | undefined;
  /** VLAN that the card puts its frames into, 1 to 4095; 0 for none, also no `qos` and `vlanProtocol`, unless they are given. */
  readonly vlan?: number | undefined;
  /** Priority of frames in that VLAN, 0 to 7, default 0. */
  readonly qos?: number | undefined;
  /** Default 802.1Q. */
  readonly vlanProtocol?: "802.1Q" | "802.1ad" | undefined;
  /** Bits per second, a multiple of 1000000; 0 for no limit. */
  readonly maxTxRate?: number | undefined;
  /** Bits per second that it can always send, a multiple of 1000000; 0 for none. */
  readonly minTxRate?: number | undefined;
  /** Whether frames with another source address than `mac` are dropped. */
  readonly spoofchk?: boolean | undefined;
  /** Whether the guest may read how the card spreads packets. */
  readonly queryRss?: boolean | undefined;
  /** What the guest sees of the carrier: that of the card (`auto`), always one, or none. */
  readonly state?: "auto" | "enable" | "disable" | undefined;
  /** Whether the guest may do more, as the card has it: receive everything, choose its address. */
  readonly trust?: boolean | undefined;
}
/** A change of a virtual function. */
export interface VfChange extends VfOptions {
  /** Name of the card's link. */
  readonly dev: string;
  /** Number of the virtual function, from 0. */
  readonly vf: number;
}
/** What went through a virtual function, as the card counts it. */
export interface VfStatistics {
  readonly rxPackets?: bigint;
  readonly txPackets?: bigint;
  readonly rxBytes?: bigint;
  readonly txBytes?: bigint;
  /** Received by broadcast. */
  readonly broadcast?: bigint;
  /** Received by multicast. */
  readonly multicast?: bigint;
  readonly rxDropped?: bigint;
  readonly txDropped?: bigint;
}
/** A virtual function as the kernel has it; settings that its card does not have are absent. */
export interface Vf extends VfChange {
  /** Address that reaches all stations. */
  readonly broadcast?: string;
  /** Only where they were asked for. */
  readonly statistics?: VfStatistics;
}
/** Which virtual functions are meant. */
export interface VfFilter {
  /** Name of the card's link. Default: all cards. */
  readonly dev?: string | undefined;
  /** With counters. Default false. */
  readonly statistics?: boolean | undefined;
}

const MEGABIT = 1_000_000;
const MOST = 0xffff_ffff * MEGABIT;
const rate: Shape<number> = {
  expected: `bits per second from 0 to ${MOST}, a multiple of ${MEGABIT}`,
  json: { type: "integer", minimum: 0, maximum: MOST, multipleOf: MEGABIT },
  accepts: (value): value is number =>
    Number.isSafeInteger(value) &&
    (value as number) >= 0 &&
    (value as number) <= MOST &&
    (value as number) % MEGABIT === 0,
};
const options = {
  mac,
  vlan: integer(0, 4095),
  qos: integer(0, 7),
  vlanProtocol: choice("802.1Q", "802.1ad"),
  maxTxRate: rate,
  minTxRate: rate,
  spoofchk: boolean,
  queryRss: boolean,
  state: choice("auto", "enable", "disable"),
  trust: boolean,
} as const satisfies Shapes;
/** What each property of {@link VfChange} must look like. */
export const vfShapes = { dev: linkName, vf: integer(0, 0xffff), ...options } as const satisfies Shapes;
const FILTER = { dev: linkName, statistics: boolean };

/** @throws {InputError} for the first property that is unknown, missing, or does not fit. */
export function checkVf(change: VfChange): void {
  check([], vfShapes, change);
  for (const key of ["dev", "vf"] as const)
    if (change[key] === undefined) throw new InputError([key], `missing; expected ${vfShapes[key].expected}`);
  const { minTxRate = 0, maxTxRate = 0 } = change;
  if (maxTxRate > 0 && minTxRate > maxTxRate)
    throw new InputError(["minTxRate"], `${minTxRate} is more than maxTxRate ${maxTxRate}`);
}

const PROTOCOLS = { "802.1Q": 0x8100, "802.1ad": 0x88a8 } as const;
/** As told of what the card does not have. */
const LACKING = 0xffff_ffff;

type Info = Out<typeof vfInfo>;
type Request = In<typeof vfInfo>;
function vlanOf({ vlanList }: Info): Pick<VfOptions, "vlan" | "qos" | "vlanProtocol"> {
  const [{ vlan, qos, vlanProto } = { vlan: 0, qos: 0, vlanProto: 0 }] = vlanList?.info ?? [];
  if (vlan === 0 && qos === 0) return {};
  return { vlan, qos, vlanProtocol: vlanProto === PROTOCOLS["802.1ad"] ? "802.1ad" : "802.1Q" };
}
const setting = (value: { readonly setting: number } | undefined): boolean | undefined =>
  value === undefined || value.setting === LACKING ? undefined : value.setting !== 0;

/** A virtual function in people's words; undefined where the kernel does not say which it is. */
export function vfFromWire(dev: string, wire: Info, statistics: boolean): Vf | undefined {
  const { mac: address, broadcast, rate: rates, linkState, stats } = wire;
  const vf = (address ?? rates ?? linkState)?.vf;
  if (vf === undefined) return undefined;
  const state = linkState?.linkState;
  const found: Vf = {
    dev,
    vf,
    mac: address?.mac,
    broadcast: broadcast?.broadcast as string,
    ...vlanOf(wire),
    maxTxRate: rates && rates.maxTxRate * MEGABIT,
    minTxRate: rates && rates.minTxRate * MEGABIT,
    spoofchk: setting(wire.spoofchk),
    queryRss: setting(wire.rssQueryEn),
    state: typeof state === "string" ? state : undefined,
    trust: setting(wire.trust),
    ...(statistics && stats !== undefined && { statistics: stats as VfStatistics }),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)) as unknown as Vf;
}
/** The virtual functions that a message tells. */
export function vfsFromWire({ attrs }: MessageOut<typeof newvfs>, statistics = false): Vf[] {
  const { ifname = "", vfinfoList } = attrs;
  return (vfinfoList?.info ?? []).flatMap((one) => vfFromWire(ifname, one, statistics) ?? []);
}

/** What is told together: a request that names one of them says all. */
const GROUPS: readonly (readonly (keyof VfOptions)[])[] = [
  ["mac"],
  ["vlan", "qos", "vlanProtocol"],
  ["maxTxRate", "minTxRate"],
  ["spoofchk"],
  ["queryRss"],
  ["state"],
  ["trust"],
];
function wireOf(key: keyof VfOptions, vf: number, all: VfOptions): Request {
  const { mac: address = "", vlan = 0, qos = 0, vlanProtocol = "802.1Q", maxTxRate = 0, minTxRate = 0, state } = all;
  if (key === "mac") return { mac: { vf, mac: address } };
  if (key === "vlan") return { vlanList: { info: [{ vf, vlan, qos, vlanProto: PROTOCOLS[vlanProtocol] }] } };
  if (key === "maxTxRate") return { rate: { vf, maxTxRate: maxTxRate / MEGABIT, minTxRate: minTxRate / MEGABIT } };
  if (key === "state") return { linkState: { vf, linkState: state ?? "auto" } };
  const on = { vf, setting: all[key as "trust"] === true ? 1 : 0 };
  return key === "spoofchk" ? { spoofchk: on } : key === "trust" ? { trust: on } : { rssQueryEn: on };
}
/** One part of a change, as it is sent. */
export interface VfStep {
  /** The words that it carries out. */
  readonly keys: readonly (keyof VfOptions)[];
  readonly info: Request;
}
const NONE = { vlan: 0, qos: 0, vlanProtocol: "802.1Q" } as const;
/** What differs from what a virtual function has, one setting a request: the kernel does them one after the other. */
export function vfSteps(now: Vf, change: VfChange): VfStep[] {
  const has: VfOptions = { ...NONE, ...now };
  const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  const wanted: VfOptions = { ...(change.vlan === 0 && NONE), ...given };
  return GROUPS.flatMap((group) => {
    const keys = group.filter((key) => wanted[key] !== undefined && !alike(wanted[key], has[key]));
    return keys.length === 0
      ? []
      : [{ keys, info: wireOf(group[0] as keyof VfOptions, change.vf, { ...has, ...wanted }) }];
  });
}
const alike = (a: unknown, b: unknown): boolean =>
  a === b || (typeof a === "string" && typeof b === "string" && a.toLowerCase() === b.toLowerCase());

/** Lists and changes virtual functions of cards. How many a card has is set in `sriov_numvfs` of its device in /sys. */
export class Vfs {
  readonly #connection: Connection;
  readonly #links: LinkLookup;

  constructor(connection: Connection, links: LinkLookup) {
    this.#connection = connection;
    this.#links = links;
  }

  /** All virtual functions, or those of one card. Same as: ip link show; ip -s link show dev DEV */
  async list(filter: VfFilter = {}, options?: CallOptions): Promise<Listing<Vf>> {
    check([], FILTER, filter, "filter");
    const { dev, statistics = false } = filter;
    const extMask = statistics ? RTEXT_FILTER_VF : RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS;
    if (dev !== undefined) {
      const header = { index: await this.#links.indexOf(dev) };
      return listing(
        vfsFromWire(await this.#connection.get(getvfs, { header, attrs: { extMask } }, newvfs, options), statistics),
        true,
      );
    }
    const request = { header: {}, attrs: { extMask } };
    const { messages, consistent } = await this.#connection.dump(getvfs, request, newvfs, options);
    return listing((await inTurns(messages, (message) => vfsFromWire(message, statistics))).flat(), consistent);
  }

  /**
   * Changes a virtual function, one setting a message: when one is refused, those before it are changed. What it has
   * already is not sent. Returns the properties that were. Same as: ip link set dev DEV vf VF mac LLADDR vlan VLAN …
   *
   * @throws {InputError} before anything is sent.
   * @throws {NetlinkError} `ENODEV` where the card has no such virtual function, `EOPNOTSUPP` where it cannot do it.
   */
  async update(change: VfChange, options?: CallOptions): Promise<readonly string[]> {
    checkVf(change);
    const { dev, vf } = change;
    const what = `cannot change virtual function ${vf} of ${dev}`;
    const now = (await this.list({ dev }, options)).find((one) => one.vf === vf);
    if (now === undefined)
      throw new NetlinkError({
        errno: ENODEV,
        request: what,
        reason: "the card has none of this number",
        attribute: "vf",
      });
    const index = await this.#links.indexOf(dev);
    const steps = vfSteps(now, change);
    for (const { keys, info } of steps)
      try {
        const attrs = { vfinfoList: { info: [info] } };
        await this.#connection.request(setvfs, { header: { index }, attrs }, 0, options);
      } catch (error) {
        // The property at fault is the one sent, whatever the kernel points at.
        if (error instanceof NetlinkError) Object.assign(error, { attribute: keys[0] });
        throw retold(error, { what, properties: {} });
      }
    return steps.flatMap(({ keys }) => keys);
  }
}
const ENODEV = -19;
