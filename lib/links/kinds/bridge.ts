/**
 * Source: include/uapi/linux/if_link.h (IFLA_BR_*, BR_STP_MODE_*), include/uapi/linux/if_bridge.h
 * (BR_BOOLOPT_*, struct br_boolopt_multi), net/bridge/br_netlink.c (br_policy, br_changelink, br_fill_info). Times are
 * clock_t: hundredths of seconds.
 */
import { boolean, choice, integer, mac, seconds } from "../../shape/shape.ts";
import {
  at,
  attrs,
  be16,
  bool,
  flag,
  mac as macAddress,
  oneOf,
  padding,
  struct,
  u8,
  u16,
  u32,
  u64,
} from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import {
  centiseconds,
  converted,
  type Option,
  type OptionsOf,
  same,
  status,
  switched,
  wideCentiseconds,
} from "../option.ts";
import { brport, portOptions } from "../ports/bridge.ts";
import { querierState, queriersAt } from "../querier.ts";
import { switches, switchOf } from "../switches.ts";

/** struct ifla_bridge_id: priority and MAC address of a bridge. */
const bridgeId = struct("ifla_bridge_id", { prio: be16, addr: macAddress });

/** Bit numbers of IFLA_BR_MULTI_BOOLOPT. */
const BOOLOPT = { noLlLearn: 0, mcastVlanSnooping: 1, mstEnable: 2, mdbOffloadFailNotification: 3, fdbLocalVlan0: 4 };
const boolopt = switches("br_boolopt_multi", BOOLOPT);
const bit = (key: keyof typeof BOOLOPT): Option<boolean> => switchOf("multiBoolopt", key);

/** Hundredths of seconds that fit into 32 bits, in seconds. */
const LONGEST = 42_949_672;
const interval = seconds(LONGEST);
const count = integer(0, 0xffff_ffff);
const bridgeIdText = ({ prio, addr }: { readonly prio: number; readonly addr: string }): string =>
  `${prio.toString(16).padStart(4, "0")}.${addr}`;
const timer = (value: bigint): number => Number(value) / 100;
const asIs = <T>(value: T): T => value;

/** A switch inside the host. */
export const bridge = linkKind({
  kind: "bridge",
  wire: attrs("IFLA_BR", {
    forwardDelay: at(1, u32),
    helloTime: at(2, u32),
    maxAge: at(3, u32),
    ageingTime: at(4, u32),
    stpState: at(5, u32),
    priority: at(6, u16),
    vlanFiltering: at(7, bool),
    vlanProtocol: at(8, be16),
    groupFwdMask: at(9, u16),
    rootId: at(10, bridgeId),
    bridgeId: at(11, bridgeId),
    rootPort: at(12, u16),
    rootPathCost: at(13, u32),
    topologyChange: at(14, bool),
    topologyChangeDetected: at(15, bool),
    helloTimer: at(16, u64),
    tcnTimer: at(17, u64),
    topologyChangeTimer: at(18, u64),
    gcTimer: at(19, u64),
    groupAddr: at(20, macAddress),
    /** Its presence empties the forwarding table. */
    fdbFlush: flag(21),
    mcastRouter: at(22, u8),
    mcastSnooping: at(23, bool),
    mcastQueryUseIfaddr: at(24, bool),
    mcastQuerier: at(25, bool),
    mcastHashElasticity: at(26, u32),
    mcastHashMax: at(27, u32),
    mcastLastMemberCnt: at(28, u32),
    mcastStartupQueryCnt: at(29, u32),
    mcastLastMemberIntvl: at(30, u64),
    mcastMembershipIntvl: at(31, u64),
    mcastQuerierIntvl: at(32, u64),
    mcastQueryIntvl: at(33, u64),
    mcastQueryResponseIntvl: at(34, u64),
    mcastStartupQueryIntvl: at(35, u64),
    nfCallIptables: at(36, bool),
    nfCallIp6tables: at(37, bool),
    nfCallArptables: at(38, bool),
    vlanDefaultPvid: at(39, u16),
    pad: padding(40),
    vlanStatsEnabled: at(41, bool),
    mcastStatsEnabled: at(42, bool),
    mcastIgmpVersion: at(43, u8),
    mcastMldVersion: at(44, u8),
    vlanStatsPerPort: at(45, bool),
    multiBoolopt: at(46, boolopt),
    mcastQuerierState: at(47, querierState),
    fdbNLearned: at(48, u32),
    fdbMaxLearned: at(49, u32),
    stpMode: at(50, oneOf(u32, { auto: 0, user: 1, kernel: 2 })),
  }),
  options: {
    /** Who runs the spanning tree; changes only while it is off. Linux 7.1 and later. */
    stpMode: same("stpMode", choice("auto", "user", "kernel")),
    /** Seconds in the listening and in the learning state, default 15; 2 to 30 while `stp` is on. */
    forwardDelay: centiseconds("forwardDelay", interval),
    /** Seconds between hello packets, 1 to 10, default 2. */
    hello: centiseconds("helloTime", seconds(10)),
    /** Seconds after which a silent root bridge is given up, 6 to 40, default 20. */
    maxAge: centiseconds("maxAge", seconds(40)),
    /** Lifetime of a learned address in seconds, default 300; 0 forgets at once, so that all is flooded. */
    ageing: centiseconds("ageingTime", interval),
    /** The spanning tree protocol. Default false. */
    stp: switched("stpState", boolean),
    /** Of this bridge in the election of the root, default 32768; the lowest wins. */
    priority: same("priority", integer(0, 0xffff)),
    /** Whether frames are told apart by VLAN. Default false. */
    vlanFiltering: same("vlanFiltering", boolean),
    /** Default 802.1Q. */
    vlanProtocol: converted<"802.1Q" | "802.1ad", number>(
      "vlanProtocol",
      choice("802.1Q", "802.1ad"),
      (value) => (value === "802.1Q" ? 0x8100 : 0x88a8),
      (value) => (value === 0x8100 ? "802.1Q" : value === 0x88a8 ? "802.1ad" : undefined),
    ),
    /** VLAN of untagged frames at new ports, default 1; 0 for none. */
    vlanDefaultPvid: same("vlanDefaultPvid", integer(0, 4094)),
    /** Counters for each VLAN. */
    vlanStats: same("vlanStatsEnabled", boolean),
    /** Counters for each VLAN and port; changes only while no port has a VLAN. */
    vlanStatsPerPort: same("vlanStatsPerPort", boolean),
    /** Which link-local group addresses (01:80:C2:00:00:0X) are forwarded, as bits; the kernel refuses bits 0 to 2. */
    groupFwdMask: same("groupFwdMask", integer(0, 0xffff)),
    /** Destination of spanning tree frames, default 01:80:c2:00:00:00. */
    groupAddress: same("groupAddr", mac),
    /** Most addresses that are learned, default 0: no limit. Linux 6.7 and later. */
    fdbMaxLearned: same("fdbMaxLearned", count),
    /** Multicast router ports: 0 none, 1 found out (the default), 2 always. */
    mcastRouter: same("mcastRouter", integer(0, 2)),
    /** Whether multicast goes only where it is wanted. Default true. */
    mcastSnooping: same("mcastSnooping", boolean),
    /** Snooping for each VLAN of its own. */
    mcastVlanSnooping: bit("mcastVlanSnooping"),
    /** Whether queries carry the bridge's own address instead of 0.0.0.0. */
    mcastQueryUseIfaddr: same("mcastQueryUseIfaddr", boolean),
    /** Whether the bridge asks for memberships. Default false. */
    mcastQuerier: same("mcastQuerier", boolean),
    /** Most groups, a power of two, default 4096. */
    mcastHashMax: same("mcastHashMax", count),
    /** Default 2. */
    mcastLastMemberCount: same("mcastLastMemberCnt", count),
    /** Default 2. */
    mcastStartupQueryCount: same("mcastStartupQueryCnt", count),
    /** Seconds, default 1. */
    mcastLastMemberInterval: wideCentiseconds("mcastLastMemberIntvl", interval),
    /** Seconds, default 260. */
    mcastMembershipInterval: wideCentiseconds("mcastMembershipIntvl", interval),
    /** Seconds, default 255. */
    mcastQuerierInterval: wideCentiseconds("mcastQuerierIntvl", interval),
    /** Seconds, at least 1, default 125. */
    mcastQueryInterval: wideCentiseconds("mcastQueryIntvl", interval),
    /** Seconds, default 10. */
    mcastQueryResponseInterval: wideCentiseconds("mcastQueryResponseIntvl", interval),
    /** Seconds, at least 1, default 31.25. */
    mcastStartupQueryInterval: wideCentiseconds("mcastStartupQueryIntvl", interval),
    /** Counters of group messages. */
    mcastStats: same("mcastStatsEnabled", boolean),
    /** Default 2. */
    mcastIgmpVersion: same("mcastIgmpVersion", integer(2, 3)),
    /** Default 1. */
    mcastMldVersion: same("mcastMldVersion", integer(1, 2)),
    /** Whether bridged IPv4 packets pass iptables; the sysctl bridge-nf-call-iptables does the same for all bridges. */
    nfCallIptables: same("nfCallIptables", boolean),
    nfCallIp6tables: same("nfCallIp6tables", boolean),
    nfCallArptables: same("nfCallArptables", boolean),
    /** Whether nothing is learned from link-local frames. */
    noLinklocalLearn: bit("noLlLearn"),
    /** Multiple spanning trees; changes only while no VLAN exists. Linux 5.18 and later. */
    mst: bit("mstEnable"),
    /** Linux 6.15 and later. */
    mdbOffloadFailNotification: bit("mdbOffloadFailNotification"),
    /**
     * Local addresses stand in the forwarding table once instead of once for each VLAN. Linux 6.18 and later; some of
     * these crash when they were built without VLAN filtering and this is switched on.
     */
    fdbLocalVlan0: bit("fdbLocalVlan0"),

    /** Priority and MAC address of the tree's root, as `8000.02:00:00:00:00:01`. */
    rootId: status<string>("rootId", bridgeIdText),
    bridgeId: status<string>("bridgeId", bridgeIdText),
    /** Number of the port towards the root; 0 where this bridge is the root. */
    rootPort: status<number>("rootPort", asIs<number>),
    rootPathCost: status<number>("rootPathCost", asIs<number>),
    topologyChange: status<boolean>("topologyChange", asIs<boolean>),
    topologyChangeDetected: status<boolean>("topologyChangeDetected", asIs<boolean>),
    /** Timers run down, in seconds; 0 when they do not run. */
    helloTimer: status<number>("helloTimer", timer),
    tcnTimer: status<number>("tcnTimer", timer),
    topologyChangeTimer: status<number>("topologyChangeTimer", timer),
    gcTimer: status<number>("gcTimer", timer),
    /** Without meaning since Linux 5.0, which accepts any value and keeps 16. */
    mcastHashElasticity: status<number>("mcastHashElasticity", asIs<number>),
    /** Addresses learned now. Linux 6.7 and later. */
    fdbLearned: status<number>("fdbNLearned", asIs<number>),
    /** Who asks for memberships, while anybody does. Linux 5.16 and later. */
    mcastQuerierState: queriersAt("mcastQuerierState"),
  },
  port: { wire: brport, options: portOptions },
  check(options) {
    if (options.vlanStatsPerPort === true && options.vlanStats === false)
      return { key: "vlanStatsPerPort", reason: "needs vlanStats: true" };
    return undefined;
  },
  // Without CONFIG_BRIDGE_VLAN_FILTERING there is no default VLAN.
  leftOut: ({ vlanDefaultPvid }) =>
    vlanDefaultPvid === undefined ? ["vlanFiltering", "mcastVlanSnooping", "mst", "fdbLocalVlan0"] : [],
});
export interface BridgeOptions extends OptionsOf<typeof bridge.options> {}
