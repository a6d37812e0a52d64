/**
 * Links on the wire.
 *
 * Source: include/uapi/linux/if_link.h (IFLA_*, struct rtnl_link_stats64, struct rtnl_link_ifmap), net/core/rtnetlink.c
 * (ifla_policy, rtnl_fill_ifinfo), net/ipv4/devinet.c (inet_fill_link_af), net/ipv6/addrconf.c
 * (inet6_fill_ifla6_attrs).
 */
import { ifinfomsg, RTM_DELLINK, RTM_GETLINK, RTM_NEWLINK, RTM_SETLINK } from "../families/route.ts";
import {
  align,
  at,
  attrs,
  body,
  bool,
  bytes,
  chosen,
  hardware,
  ipv6,
  type Message,
  many,
  message,
  oneOf,
  padding,
  Reader,
  s32,
  struct,
  tagged,
  text,
  u8,
  u16,
  u32,
  u64,
  uint,
} from "../wire/index.ts";
import { kindNamed, linkKinds, whenAsked } from "./kinds/index.ts";
import { brport } from "./ports/bridge.ts";

type WireOf<K> = { [N in keyof K]: K[N] extends { readonly wire: infer W } ? W : never };
const wires: WireOf<typeof linkKinds> = whenAsked(Object.keys(linkKinds), (name) => kindNamed(name)?.wire);

type PortWires = {
  [N in keyof typeof linkKinds]: (typeof linkKinds)[N] extends { readonly port?: infer P } ? P : never;
};
type PortWireOf<P> = {
  [N in keyof P as P[N] extends never ? never : Extract<P[N], { wire: unknown }> extends never ? never : N]: Extract<
    P[N],
    { readonly wire: unknown }
  >["wire"];
};
/** The kinds that tell their ports something. */
const MASTERS = ["bond", "bridge", "vrf"] as const satisfies readonly (keyof PortWireOf<PortWires>)[];
const portWires: PortWireOf<PortWires> = whenAsked(MASTERS, (name) => kindNamed(name)?.port?.wire);

const linkinfo = attrs("IFLA_INFO", {
  info: tagged(1, 2, wires),
  xstats: at(3, bytes),
  slave: tagged(4, 5, portWires),
});

const COUNTERS = [
  "rxPackets",
  "txPackets",
  "rxBytes",
  "txBytes",
  "rxErrors",
  "txErrors",
  "rxDropped",
  "txDropped",
  "multicast",
  "collisions",
  "rxLengthErrors",
  "rxOverErrors",
  "rxCrcErrors",
  "rxFrameErrors",
  "rxFifoErrors",
  "rxMissedErrors",
  "txAbortedErrors",
  "txCarrierErrors",
  "txFifoErrors",
  "txHeartbeatErrors",
  "txWindowErrors",
  "rxCompressed",
  "txCompressed",
  "rxNohandler",
  "rxOtherhostDropped",
] as const;
/** Counters of a link since it exists. Older kernels have fewer. */
export type Counters = { readonly [K in (typeof COUNTERS)[number]]?: bigint } & {
  /** Counters that this build has no name for. */
  readonly rest?: readonly bigint[];
};
/**
 * Reads struct rtnl_link_stats64, which grows at its end. The schema leaves it as bytes: it is dumped with every link,
 * and making two dozen 64-bit numbers costs as much as all the rest of the link.
 */
export function readCounters(stats64: Uint8Array): Counters {
  const from = new Reader(stats64);
  const value: Record<string, bigint> = {};
  const rest: bigint[] = [];
  for (let i = 0; 8 * i + 8 <= stats64.length; i++) {
    const key = COUNTERS[i];
    if (key === undefined) rest.push(from.u64(8 * i));
    else value[key] = from.u64(8 * i);
  }
  return rest.length === 0 ? value : { ...value, rest };
}

const inet6 = attrs("IFLA_INET6", {
  flags: at(1, u32),
  /** Sysctls of the link, 32 bits each. */
  conf: at(2, bytes),
  stats: at(3, bytes),
  mcast: at(4, bytes),
  /** Times in milliseconds, `tstamp` in hundredths of seconds since the system started. */
  cacheinfo: at(5, struct("ifla_cacheinfo", { maxReasmLen: u32, tstamp: u32, reachableTime: u32, retransTime: u32 })),
  icmp6stats: at(6, bytes),
  token: at(7, ipv6),
  addrGenMode: at(8, oneOf(u8, { eui64: 0, none: 1, stable_secret: 2, random: 3 })),
  raMtu: at(9, u32),
});
/** Attributes of address families, by the family's number. */
const afSpec = attrs("AF", {
  /** Sysctls of the link, 32 bits each. */
  inet: at(2, attrs("IFLA_INET", { conf: at(1, bytes) })),
  inet6: at(10, inet6),
});
/** The same without what has no words: sysctls and counters. */
const spokenAfSpec = chosen({ name: "AF", fields: { inet6: at(10, chosen(inet6, ["token", "addrGenMode"])) } }, [
  "inet6",
]);
const xdp = attrs("IFLA_XDP", {
  fd: at(1, s32),
  attached: at(2, oneOf(u8, { none: 0, drv: 1, skb: 2, hw: 3, multi: 4 })),
  flags: at(3, u32),
  progId: at(4, u32),
  drvProgId: at(5, u32),
  skbProgId: at(6, u32),
  hwProgId: at(7, u32),
  expectedFd: at(8, s32),
});
/** struct rtnl_link_ifmap: addresses of old hardware. */
const ifmap = struct("rtnl_link_ifmap", {
  memStart: u64,
  memEnd: u64,
  baseAddr: u64,
  irq: u16,
  dma: u8,
  port: u8,
  _pad: u32,
});
const OPERSTATES = { unknown: 0, notpresent: 1, down: 2, lowerlayerdown: 3, testing: 4, dormant: 5, up: 6 } as const;

export const ifla = attrs("IFLA", {
  address: at(1, hardware),
  broadcast: at(2, hardware),
  ifname: at(3, text),
  /** Bytes of the largest packet. */
  mtu: at(4, u32),
  /** Interface index of the link below, or of a veth's far end; in the namespace `linkNetnsid` where that is given. */
  link: at(5, u32),
  qdisc: at(6, text),
  /** The counters in 32 bits. */
  stats: at(7, bytes),
  cost: at(8, bytes),
  priority: at(9, bytes),
  /** Interface index; 0 takes the link out. */
  master: at(10, u32),
  wireless: at(11, bytes),
  /** A bridge's view of its port, in messages of AF_BRIDGE; other families, which are not asked for here, have their own. */
  protinfo: at(12, brport),
  txqlen: at(13, u32),
  map: at(14, ifmap),
  weight: at(15, u32),
  operstate: at(16, oneOf(u8, OPERSTATES)),
  linkmode: at(17, oneOf(u8, { default: 0, dormant: 1, testing: 2 })),
  linkinfo: at(18, linkinfo),
  netNsPid: at(19, u32),
  ifalias: at(20, text),
  numVf: at(21, u32),
  vfinfoList: at(22, bytes),
  /** The counters: see {@link readCounters}. */
  stats64: at(23, bytes),
  vfPorts: at(24, bytes),
  portSelf: at(25, bytes),
  afSpec: at(26, afSpec),
  group: at(27, u32),
  /** Descriptor of the namespace that the link is to live in. */
  netNsFd: at(28, u32),
  extMask: at(29, u32),
  promiscuity: at(30, u32),
  numTxQueues: at(31, u32),
  numRxQueues: at(32, u32),
  carrier: at(33, bool),
  physPortId: at(34, bytes),
  carrierChanges: at(35, u32),
  physSwitchId: at(36, bytes),
  linkNetnsid: at(37, s32),
  physPortName: at(38, text),
  protoDown: at(39, bool),
  gsoMaxSegs: at(40, u32),
  gsoMaxSize: at(41, u32),
  pad: padding(42),
  xdp: at(43, xdp),
  event: at(44, u32),
  newNetnsid: at(45, s32),
  targetNetnsid: at(46, s32),
  carrierUpCount: at(47, u32),
  carrierDownCount: at(48, u32),
  newIfindex: at(49, s32),
  minMtu: at(50, u32),
  maxMtu: at(51, u32),
  propList: at(52, attrs("IFLA", { altIfname: many(53, text) })),
  altIfname: at(53, text),
  permAddress: at(54, hardware),
  protoDownReason: at(55, attrs("IFLA_PROTO_DOWN_REASON", { mask: at(1, u32), value: at(2, u32) })),
  parentDevName: at(56, text),
  parentDevBusName: at(57, text),
  groMaxSize: at(58, u32),
  tsoMaxSize: at(59, u32),
  tsoMaxSegs: at(60, u32),
  allmulti: at(61, u32),
  devlinkPort: at(62, bytes),
  gsoIpv4MaxSize: at(63, u32),
  groIpv4MaxSize: at(64, u32),
  dpllPin: at(65, bytes),
  maxPacingOffloadHorizon: at(66, uint),
  netnsImmutable: at(67, bool),
  headroom: at(68, u16),
  tailroom: at(69, u16),
});

/** The same, where only what has words is wanted. */
export const spokenIfla = { name: ifla.name, fields: { ...ifla.fields, afSpec: at(26, spokenAfSpec) } };

const payload = body(ifinfomsg, ifla);
export const newlink = message("RTM_NEWLINK", RTM_NEWLINK, payload);
/** For AF_BRIDGE: changes a port without telling everybody of a change of the link. */
export const setlink = message("RTM_SETLINK", RTM_SETLINK, payload);
export const dellink = message("RTM_DELLINK", RTM_DELLINK, payload);
export const getlink = message("RTM_GETLINK", RTM_GETLINK, payload);
/** Alternative names are added and taken away with these. Source: include/uapi/linux/rtnetlink.h */
export const newlinkprop = message("RTM_NEWLINKPROP", 108, payload);
export const dellinkprop = message("RTM_DELLINKPROP", 109, payload);

/** Index and name of a link: all that is read of a link message when nothing else is wanted. */
export const linkNameOnly: Message<never, { readonly index: number; readonly name: string }> = {
  name: "RTM_NEWLINK",
  type: RTM_NEWLINK,
  body: {
    write: () => undefined,
    locate: () => undefined,
    read(from, start, end) {
      const index = from.u32[(start >> 2) + 1] as number;
      for (let at = start + ifinfomsg.size; at + 4 <= end; ) {
        const length = from.u16[at >> 1] as number;
        if (length < 4 || at + length > end) break;
        if (from.u16[(at >> 1) + 1] === IFNAME) return { index, name: text.read(from, at + 4, at + length) };
        at += align(length);
      }
      return { index, name: "" };
    },
  },
};
const IFNAME = 3;

/** A link as others refer to it. */
export interface LinkGlance {
  readonly index: number;
  /** Empty where it was not told. */
  readonly name: string;
  /** Its kind by the kernel's word; absent for hardware. */
  readonly kind: string | undefined;
}
/** As little of a link message as others who refer to the link need. */
export const linkGlance: Message<never, LinkGlance> = {
  ...linkNameOnly,
  body: {
    ...linkNameOnly.body,
    read(from, start, end) {
      const info = attribute(from, start + ifinfomsg.size, end, LINKINFO);
      const kind = info && attribute(from, info.start, info.end, INFO_KIND);
      return { ...linkNameOnly.body.read(from, start, end), kind: kind && text.read(from, kind.start, kind.end) };
    },
  },
};
const LINKINFO = 18;
const INFO_KIND = 1;
/** Where the payload of an attribute stands. */
function attribute(
  from: Reader,
  start: number,
  end: number,
  number: number,
): { start: number; end: number } | undefined {
  for (let at = start; at + 4 <= end; ) {
    const length = from.u16[at >> 1] as number;
    if (length < 4 || at + length > end) break;
    if (((from.u16[(at >> 1) + 1] as number) & 0x3fff) === number) return { start: at + 4, end: at + length };
    at += align(length);
  }
  return undefined;
}
