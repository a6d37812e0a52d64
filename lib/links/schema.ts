/**
 * Links on the wire.
 *
 * Source: include/uapi/linux/if_link.h (IFLA_*, struct rtnl_link_stats64, struct rtnl_link_ifmap),
 * net/core/rtnetlink.c (ifla_policy, rtnl_fill_ifinfo).
 */
import { ifinfomsg, RTM_DELLINK, RTM_GETLINK, RTM_NEWLINK } from "../families/route.ts";
import {
  array,
  at,
  attrs,
  body,
  bool,
  bytes,
  hardware,
  many,
  message,
  oneOf,
  padding,
  readOnly,
  s32,
  struct,
  tagged,
  text,
  u8,
  u16,
  u32,
  u64,
} from "../wire/index.ts";
import { linkKinds } from "./kinds/index.ts";
import { brport } from "./port.ts";

type WireOf<K> = { [N in keyof K]: K[N] extends { readonly wire: infer W } ? W : never };
const wires = Object.fromEntries(Object.entries(linkKinds).map(([name, kind]) => [name, kind.wire])) as WireOf<
  typeof linkKinds
>;

const linkinfo = attrs("IFLA_INFO", {
  info: tagged(1, 2, wires),
  xstats: readOnly(3, bytes),
  slave: tagged(4, 5, { bridge: brport }),
});

/** Counters of a link, since it exists. */
const stats64 = struct("rtnl_link_stats64", {
  rxPackets: u64,
  txPackets: u64,
  rxBytes: u64,
  txBytes: u64,
  rxErrors: u64,
  txErrors: u64,
  rxDropped: u64,
  txDropped: u64,
  multicast: u64,
  collisions: u64,
  rxLengthErrors: u64,
  rxOverErrors: u64,
  rxCrcErrors: u64,
  rxFrameErrors: u64,
  rxFifoErrors: u64,
  rxMissedErrors: u64,
  txAbortedErrors: u64,
  txCarrierErrors: u64,
  txFifoErrors: u64,
  txHeartbeatErrors: u64,
  txWindowErrors: u64,
  rxCompressed: u64,
  txCompressed: u64,
  rxNohandler: u64,
});

const afSpec = attrs("AF", {
  inet: at(2, attrs("IFLA_INET", { conf: readOnly(1, array(u32)) })),
  inet6: at(
    10,
    attrs("IFLA_INET6", {
      flags: readOnly(1, u32),
      conf: readOnly(2, array(s32)),
      stats: readOnly(3, bytes),
      mcast: readOnly(4, bytes),
      cacheinfo: readOnly(5, bytes),
      icmp6stats: readOnly(6, bytes),
      token: at(7, bytes),
      addrGenMode: at(8, oneOf(u8, { eui64: 0, none: 1, stable_secret: 2, random: 3 })),
      raMtu: readOnly(9, u32),
    }),
  ),
});

export const ifla = attrs("IFLA", {
  address: at(1, hardware),
  broadcast: at(2, hardware),
  ifname: at(3, text),
  /** Bytes of the largest packet. */
  mtu: at(4, u32),
  link: at(5, u32),
  qdisc: at(6, text),
  /** The 32-bit counters; `stats64` has them too. */
  stats: readOnly(7, bytes),
  cost: at(8, bytes),
  priority: at(9, bytes),
  master: at(10, u32),
  wireless: at(11, bytes),
  protinfo: at(12, bytes),
  txqlen: at(13, u32),
  map: at(14, bytes),
  weight: at(15, u32),
  operstate: at(
    16,
    oneOf(u8, { unknown: 0, notpresent: 1, down: 2, lowerlayerdown: 3, testing: 4, dormant: 5, up: 6 }),
  ),
  linkmode: at(17, u8),
  linkinfo: at(18, linkinfo),
  netNsPid: at(19, u32),
  ifalias: at(20, text),
  numVf: readOnly(21, u32),
  vfinfoList: at(22, bytes),
  stats64: readOnly(23, stats64),
  vfPorts: at(24, bytes),
  portSelf: at(25, bytes),
  afSpec: at(26, afSpec),
  group: at(27, u32),
  netNsFd: at(28, u32),
  extMask: at(29, u32),
  promiscuity: readOnly(30, u32),
  numTxQueues: at(31, u32),
  numRxQueues: at(32, u32),
  carrier: at(33, bool),
  physPortId: readOnly(34, bytes),
  carrierChanges: readOnly(35, u32),
  physSwitchId: readOnly(36, bytes),
  linkNetnsid: at(37, s32),
  physPortName: readOnly(38, text),
  protoDown: at(39, bool),
  gsoMaxSegs: at(40, u32),
  gsoMaxSize: at(41, u32),
  pad: padding(42),
  xdp: at(43, bytes),
  event: readOnly(44, u32),
  newNetnsid: at(45, s32),
  targetNetnsid: at(46, s32),
  carrierUpCount: readOnly(47, u32),
  carrierDownCount: readOnly(48, u32),
  newIfindex: at(49, s32),
  minMtu: readOnly(50, u32),
  maxMtu: readOnly(51, u32),
  propList: at(52, attrs("IFLA", { altIfname: many(53, text) })),
  altIfname: at(53, text),
  permAddress: readOnly(54, hardware),
  protoDownReason: at(55, bytes),
  parentDevName: readOnly(56, text),
  parentDevBusName: readOnly(57, text),
  groMaxSize: at(58, u32),
  tsoMaxSize: readOnly(59, u32),
  tsoMaxSegs: readOnly(60, u32),
  allmulti: readOnly(61, u32),
  devlinkPort: readOnly(62, bytes),
  gsoIpv4MaxSize: at(63, u32),
  groIpv4MaxSize: at(64, u32),
  dpllPin: readOnly(65, bytes),
  maxPacingOffloadHorizon: readOnly(66, u32),
  netnsImmutable: readOnly(67, bool),
  headroom: readOnly(68, u16),
  tailroom: readOnly(69, u16),
});

const payload = body(ifinfomsg, ifla);
export const newlink = message("RTM_NEWLINK", RTM_NEWLINK, payload);
export const dellink = message("RTM_DELLINK", RTM_DELLINK, payload);
export const getlink = message("RTM_GETLINK", RTM_GETLINK, payload);

/** IFLA_EXT_MASK: leave the counters out. Source: include/uapi/linux/rtnetlink.h */
export const RTEXT_FILTER_SKIP_STATS = 8;
