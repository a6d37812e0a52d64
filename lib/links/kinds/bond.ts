/**
 * Source: include/uapi/linux/if_link.h (IFLA_BOND_*, IFLA_BOND_AD_INFO_*), include/uapi/linux/if_bonding.h
 * (BOND_MODE_*, BOND_XMIT_POLICY_*), drivers/net/bonding/bond_netlink.c (bond_policy, bond_changelink, bond_fill_info),
 * drivers/net/bonding/bond_options.c (bond_opts for values, modes, and what changes when). Times are milliseconds.
 */
import { isIPv4, isIPv6 } from "../../shape/ip.ts";
import { boolean, choice, integer, mac, type Shape } from "../../shape/shape.ts";
import {
  at,
  attrs,
  bool,
  type Codec,
  type Fixed,
  ipv4,
  ipv6,
  mac as macAddress,
  oneOf,
  Reader,
  split,
  u8,
  u16,
  u32,
} from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { custom, type Demand, nullableReference, type Option, type OptionsOf, same, status } from "../option.ts";
import { bondPortOptions, bondSlave } from "../ports/bond.ts";

/** A C array as a nest: each attribute's number is its place. */
function numbered<T>(item: Fixed<T>): Codec<readonly T[]> {
  return {
    name: `${item.name}[]`,
    write(out, values) {
      for (const [place, value] of values.entries()) {
        const begin = out.begin(place);
        item.write(out, value);
        out.end(begin);
      }
    },
    read: (from, start, end) =>
      split(from.copy(start, end)).map(({ payload }) => item.read(new Reader(payload), 0, payload.length)),
  };
}
/** Source: include/net/bonding.h (BOND_MAX_ARP_TARGETS, BOND_MAX_NS_TARGETS) */
const MOST_TARGETS = 16;
function targets(family: "IPv4" | "IPv6", fits: (value: string) => boolean): Shape<readonly string[]> {
  return {
    expected: `a list of at most ${MOST_TARGETS} different ${family} addresses`,
    json: {
      type: "array",
      items: { type: "string", format: family.toLowerCase() },
      maxItems: MOST_TARGETS,
      uniqueItems: true,
    },
    accepts: (value): value is readonly string[] =>
      Array.isArray(value) &&
      value.length <= MOST_TARGETS &&
      new Set(value).size === value.length &&
      value.every((one) => typeof one === "string" && fits(one)),
  };
}

const MODES = [
  "balance-rr",
  "active-backup",
  "balance-xor",
  "broadcast",
  "802.3ad",
  "balance-tlb",
  "balance-alb",
] as const;
const VALIDATE = ["none", "active", "backup", "all", "filter", "filter_active", "filter_backup"] as const;
const HASH = ["layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac"] as const;
const SELECT = ["stable", "bandwidth", "count", "actor_port_prio"] as const;

/** Words by their place in the list. */
function numbers<const N extends readonly string[]>(names: N): { readonly [K in N[number]]: number } {
  return Object.fromEntries(names.map((name, i) => [name, i])) as { readonly [K in N[number]]: number };
}
const adInfo = attrs("IFLA_BOND_AD_INFO", {
  aggregator: at(1, u16),
  numPorts: at(2, u16),
  actorKey: at(3, u16),
  partnerKey: at(4, u16),
  partnerMac: at(5, macAddress),
});
/** State of LACP. */
export interface BondAdInfo {
  /** The aggregator in use. */
  readonly aggregator?: number;
  /** Ports in it. */
  readonly numPorts?: number;
  readonly actorKey?: number;
  readonly partnerKey?: number;
  /** MAC address of the other side; all zero where nobody answers. */
  readonly partnerMac?: string;
}
const count = integer(0, 0x7fff_ffff);
const time = integer(0, 0x7fff_ffff, "milliseconds");

/** Only while the bond is off. Source: bond_opts (BOND_OPTFLAG_IFDOWN) */
const DOWN = ["down"] as const satisfies readonly Demand[];
/** Only while it has no ports. Source: bond_opts (BOND_OPTFLAG_NOSLAVES) */
const EMPTY = ["empty"] as const satisfies readonly Demand[];
type Unfit = Option<unknown>["unfit"];
/** Only in these modes. Source: bond_opts (unsuppmodes) */
const only =
  (...modes: readonly (typeof MODES)[number][]): Unfit =>
  ({ mode = "balance-rr" }) =>
    modes.includes(mode as (typeof MODES)[number])
      ? undefined
      : `not with mode ${String(mode)}; needs mode ${modes.join(", ")}`;
const LACP = only("802.3ad");
/** Modes that ask their ports by ARP. */
const ASKING = only("balance-rr", "active-backup", "balance-xor", "broadcast");
const LEVELING = only("balance-tlb", "balance-alb");
/** Delays are counted in looks at the carrier. */
const WATCHING: Unfit = ({ miimon = 0 }) => (miimon === 0 ? "needs miimon" : undefined);

const word = <const N extends readonly string[]>(
  key: string,
  names: N,
  traits?: { readonly demands?: readonly Demand[]; readonly unfit?: Unfit },
): Option<N[number]> => same<N[number]>(key, choice(...names), traits);

/** Nothing is told of an empty list. */
const targetsOf = (key: string, shape: Shape<readonly string[]>): Option<readonly string[]> =>
  custom<readonly string[]>(
    [key],
    shape,
    (value) => ({ [key]: value }),
    (wire) => (wire[key] as readonly string[] | undefined) ?? [],
  );

/** Several links as one. */
export const bond = linkKind({
  kind: "bond",
  wire: attrs("IFLA_BOND", {
    mode: at(1, oneOf(u8, numbers(MODES))),
    /** Interface index; 0 for none. */
    activeSlave: at(2, u32),
    miimon: at(3, u32),
    updelay: at(4, u32),
    downdelay: at(5, u32),
    useCarrier: at(6, bool),
    arpInterval: at(7, u32),
    arpIpTarget: at(8, numbered(ipv4)),
    arpValidate: at(9, oneOf(u32, numbers(VALIDATE))),
    arpAllTargets: at(10, oneOf(u32, { any: 0, all: 1 })),
    /** Interface index; 0 for none. */
    primary: at(11, u32),
    primaryReselect: at(12, oneOf(u8, { always: 0, better: 1, failure: 2 })),
    failOverMac: at(13, oneOf(u8, { none: 0, active: 1, follow: 2 })),
    xmitHashPolicy: at(14, oneOf(u8, numbers(HASH))),
    resendIgmp: at(15, u32),
    numPeerNotif: at(16, u8),
    allSlavesActive: at(17, bool),
    minLinks: at(18, u32),
    lpInterval: at(19, u32),
    packetsPerSlave: at(20, u32),
    adLacpRate: at(21, oneOf(u8, { slow: 0, fast: 1 })),
    adSelect: at(22, oneOf(u8, numbers(SELECT))),
    adInfo: at(23, adInfo),
    adActorSysPrio: at(24, u16),
    adUserPortKey: at(25, u16),
    adActorSystem: at(26, macAddress),
    tlbDynamicLb: at(27, bool),
    peerNotifDelay: at(28, u32),
    adLacpActive: at(29, bool),
    missedMax: at(30, u8),
    nsIp6Target: at(31, numbered(ipv6)),
    coupledControl: at(32, bool),
    broadcastNeigh: at(33, bool),
    lacpStrict: at(34, bool),
  }),
  options: {
    /** How traffic is spread over the ports, default balance-rr; changes only while the bond is off and has no ports. */
    mode: word("mode", MODES, { demands: [...DOWN, ...EMPTY] }),
    /** Name of the port in use, or null to leave the choice to the bond; modes with one active port. */
    activeSlave: nullableReference("activeSlave", { refers: "port" }),
    /** Milliseconds between looks at the carrier of the ports; default 0: never, but 100 with modes that need it. */
    miimon: same("miimon", time),
    /** Milliseconds that a port has to have carrier before it is used; a multiple of `miimon`. Default 0. */
    updelay: same("updelay", time, { unfit: WATCHING }),
    /** Milliseconds that a port may be without carrier before it is given up; a multiple of `miimon`. Default 0. */
    downdelay: same("downdelay", time, { unfit: WATCHING }),
    /** Milliseconds between notes to neighbors after a failover; a multiple of `miimon`. Default 0: as often as `miimon`. */
    peerNotifyDelay: same("peerNotifDelay", integer(0, 300_000, "milliseconds"), { unfit: WATCHING }),
    /** Whether the carrier is asked of the driver's state, and not of the hardware. Default true; Linux 6.18 and later know no other. */
    useCarrier: same("useCarrier", boolean),
    /** Milliseconds between ARP probes, default 0: none. Not together with `miimon`. */
    arpInterval: same("arpInterval", time, { unfit: ASKING }),
    /** Whom to ask by ARP, the whole list. */
    arpIpTarget: targetsOf("arpIpTarget", targets("IPv4", isIPv4)),
    /** Whom to ask by neighbor solicitation, the whole list. Linux 5.18 and later. */
    nsIp6Target: targetsOf(
      "nsIp6Target",
      targets("IPv6", (ip) => isIPv6(ip) && !ip.includes("%")),
    ),
    /** Which ports' answers are looked at, default none; mode active-backup. */
    arpValidate: word("arpValidate", VALIDATE, { unfit: ASKING }),
    /** Whether one target that answers is enough (the default), or all have to. */
    arpAllTargets: same("arpAllTargets", choice("any", "all")),
    /** Probes without answer after which a port is given up, default 2. Linux 5.17 and later. */
    arpMissedMax: same("missedMax", integer(1, 255), { unfit: ASKING }),
    /** Name of the port to be used while it is up, or null; told once it is a port. */
    primary: nullableReference("primary", {
      refers: "port",
      unfit: only("active-backup", "balance-tlb", "balance-alb"),
    }),
    /** When a primary that comes back is used again: always (the default), if it is better, or after the next failure. */
    primaryReselect: same("primaryReselect", choice("always", "better", "failure")),
    /** MAC addresses of the ports: all that of the bond (`none`, the default), the bond's follows the active port, or ports change; changes only while it has no ports. */
    failOverMac: same("failOverMac", choice("none", "active", "follow"), { demands: EMPTY }),
    /** What of a packet decides its port, default layer2; modes that hash. */
    xmitHashPolicy: word("xmitHashPolicy", HASH),
    /** IGMP reports after a failover, 0 to 255, default 1. */
    resendIgmp: same("resendIgmp", integer(0, 255)),
    /** Notes to neighbors (ARP, unsolicited NA) after a failover, default 1. The kernel calls it num_peer_notif. */
    numGratArp: same("numPeerNotif", integer(0, 255)),
    /** Whether what comes in through ports that wait is taken. Default false. */
    allSlavesActive: same("allSlavesActive", boolean),
    /** Ports with carrier that the bond needs for its own, default 0: one; mode 802.3ad. */
    minLinks: same("minLinks", count),
    /** Seconds between learning packets, default 1; modes balance-tlb and balance-alb. */
    lpInterval: same("lpInterval", integer(1, 0x7fff_ffff, "seconds")),
    /** Packets before the next port, default 1; 0 is random; mode balance-rr. */
    packetsPerSlave: same("packetsPerSlave", integer(0, 0xffff), { unfit: only("balance-rr") }),
    /** Whether load is moved from port to port as it comes. Default true; modes balance-tlb and balance-alb, while the bond is off. */
    tlbDynamicLb: same("tlbDynamicLb", boolean, { demands: DOWN, unfit: LEVELING }),
    /** How often the other side is to speak: each 30 seconds (`slow`, the default) or each second; changes only while the bond is off. */
    lacpRate: same("adLacpRate", choice("slow", "fast"), { demands: DOWN, unfit: LACP }),
    /** Whether we speak first. Default true; changes only while the bond is off. Linux 5.15 and later. */
    lacpActive: same("adLacpActive", boolean, { demands: DOWN, unfit: LACP }),
    /** Whether receiving and sending of a port are switched together. Default true; changes only while the bond is off. Linux 6.9 and later. */
    coupledControl: same("coupledControl", boolean, { demands: DOWN, unfit: LACP }),
    /** Whether neighbor packets leave by all ports; mode 802.3ad. Default false. Linux 6.17 and later. */
    broadcastNeighbor: same("broadcastNeigh", boolean),
    /** Which aggregator is used, default stable; changes only while the bond is off. */
    adSelect: word("adSelect", SELECT, { demands: DOWN }),
    /** The upper ten bits of the port key, 0 to 1023, default 0; mode 802.3ad, while the bond is off. */
    adUserPortKey: same("adUserPortKey", integer(0, 1023), { demands: DOWN, unfit: LACP }),
    /** Our priority, 1 to 65535, default 65535; mode 802.3ad. */
    adActorSysPrio: same("adActorSysPrio", integer(1, 0xffff), { unfit: LACP }),
    /** Our MAC address in LACP, default that of the bond; mode 802.3ad. */
    adActorSystem: same("adActorSystem", mac, { unfit: LACP }),

    /** State of LACP; mode 802.3ad. */
    adInfo: status<BondAdInfo>("adInfo", (value: BondAdInfo) => value),
    /** Whether ports without an answer carry nothing. The newest kernels. */
    lacpStrict: status<boolean>("lacpStrict", (value: boolean) => value),
  },
  port: { wire: bondSlave, options: bondPortOptions },
  complete({ activeSlave }) {
    return typeof activeSlave === "string"
      ? { key: "activeSlave", reason: "a new bond has no ports yet; set it when it has" }
      : undefined;
  },
  check({
    mode,
    miimon = 0,
    arpInterval = 0,
    updelay = 0,
    downdelay = 0,
    peerNotifyDelay = 0,
    arpIpTarget,
    nsIp6Target,
  }) {
    if (miimon > 0 && arpInterval > 0)
      return { key: "arpInterval", reason: "does not go with miimon; set one of them to 0" };
    if (arpInterval > 0 && mode !== undefined && ["802.3ad", "balance-tlb", "balance-alb"].includes(mode))
      return { key: "arpInterval", reason: `mode ${mode} goes by the carrier only; use miimon` };
    if (arpInterval > 0 && (arpIpTarget ?? []).length === 0 && (nsIp6Target ?? []).length === 0)
      return { key: "arpInterval", reason: "needs arpIpTarget or nsIp6Target" };
    for (const [key, delay] of Object.entries({ updelay, downdelay, peerNotifyDelay }) as ["updelay", number][]) {
      if (delay > 0 && miimon === 0) return { key, reason: "needs miimon" };
      if (delay > 0 && delay % miimon !== 0) return { key, reason: `has to be a multiple of miimon (${miimon})` };
    }
    return undefined;
  },
});
export interface BondOptions extends OptionsOf<typeof bond.options> {}
