/**
 * The sysctls of an interface, as the kernel numbers them. Where a sysctl of the same name under `net.ipv4.conf.all` is
 * combined with that of the interface, this is the interface's own half.
 *
 * Source: include/uapi/linux/ip.h (IPV4_DEVCONF_*), include/uapi/linux/ipv6.h (DEVCONF_*), net/ipv6/addrconf.c
 * (ipv6_store_devconf, which turns the kernel's clock into milliseconds), Documentation/networking/ip-sysctl.rst.
 */
import { words } from "../families/lookup.ts";
import { type Changed, duration, on, plain, readOnly, type Told, unsigned, worded } from "./setting.ts";

/** Whether packets are dropped to whose sender no route leads back this way (strict), or none at all (loose). */
export const rpFilters = words({ off: 0, strict: 1, loose: 2 }, 2);
/** A word for rp_filter. */
export type RpFilter = Parameters<typeof rpFilters.numberOf>[0];

/** Sysctls of IPv4. The words are those under net.ipv4.conf. */
export const inetSettings = {
  /** Packets from this interface are passed on. */
  forwarding: on(1),
  /** A multicast routing daemon has taken the interface; only it can set this. */
  mcForwarding: readOnly(on(2)),
  proxyArp: on(3),
  acceptRedirects: on(4),
  secureRedirects: on(5),
  sendRedirects: on(6),
  sharedMedia: on(7),
  rpFilter: worded(8, rpFilters),
  acceptSourceRoute: on(9),
  bootpRelay: on(10),
  logMartians: on(11),
  /** A number for programs to use as they like. */
  tag: plain(12, 0x7fff_ffff, -0x8000_0000),
  arpFilter: on(13),
  /** Interfaces with the same number are one medium; 0 is the only one on its medium, -1 proxies for none. */
  mediumId: plain(14, 0x7fff_ffff, -1),
  disableXfrm: on(15),
  disablePolicy: on(16),
  /** 0 is as the network has it. */
  forceIgmpVersion: plain(17, 3),
  /** 0 any of the host's addresses, 1 one of the target's subnet if possible, 2 the best one. */
  arpAnnounce: plain(18, 2),
  /** 0 answers for all of the host's addresses, 1 for this interface's, 2 for the sender's subnet, 8 for none. */
  arpIgnore: plain(19, 8),
  promoteSecondaries: on(20),
  /** Whether ARP without a question makes entries: 0 no, 1 yes, 2 from the same subnet. */
  arpAccept: plain(21, 2),
  arpNotify: on(22),
  acceptLocal: on(23),
  srcValidMark: on(24),
  proxyArpPvlan: on(25),
  routeLocalnet: on(26),
  /** Seconds. */
  igmpv2UnsolicitedReportInterval: duration(27),
  /** Seconds. */
  igmpv3UnsolicitedReportInterval: duration(28),
  ignoreRoutesWithLinkdown: on(29),
  dropUnicastInL2Multicast: on(30),
  dropGratuitousArp: on(31),
  bcForwarding: on(32),
  arpEvictNocarrier: on(33),
} as const;
/** Sysctls of IPv4 of an interface, as told. */
export type InetConf = Told<typeof inetSettings>;
/** Sysctls of IPv4 to set. */
export type InetConfChanges = Changed<Omit<typeof inetSettings, "mcForwarding">>;

/** Sysctls of IPv6. The words are those under net.ipv6.conf; the kernel tells them here and takes none. */
export const inet6Settings = {
  /** The host is a router on this interface. */
  forwarding: on(0),
  hopLimit: plain(1),
  /** Bytes. */
  mtu: plain(2),
  /** 0 no, 1 unless it forwards, 2 in any case. */
  acceptRa: plain(3),
  acceptRedirects: on(4),
  autoconf: on(5),
  dadTransmits: plain(6),
  /** -1 asks for ever. */
  routerSolicitations: plain(7),
  /** Seconds. */
  routerSolicitationInterval: duration(8),
  /** Seconds. */
  routerSolicitationDelay: duration(9),
  /** 0 or less makes no temporary addresses, 1 makes them, 2 prefers them. */
  useTempaddr: plain(10),
  /** Seconds. */
  tempValidLft: plain(11),
  /** Seconds. */
  tempPreferedLft: plain(12),
  regenMaxRetry: plain(13),
  /** Seconds. */
  maxDesyncFactor: plain(14),
  maxAddresses: plain(15),
  /** 0 is as the network has it. */
  forceMldVersion: plain(16),
  acceptRaDefrtr: on(17),
  acceptRaPinfo: on(18),
  acceptRaRtrPref: on(19),
  /** Seconds. */
  routerProbeInterval: duration(20),
  acceptRaRtInfoMaxPlen: plain(21),
  proxyNdp: on(22),
  optimisticDad: on(23),
  /** Below 0 none is taken, from 0 those with a routing header of type 2. */
  acceptSourceRoute: plain(24),
  mcForwarding: on(25),
  disableIpv6: on(26),
  /** 0 no, 1 yes, 2 switches IPv6 off where the link-local address is taken. */
  acceptDad: plain(27),
  forceTllao: on(28),
  ndiscNotify: on(29),
  /** Seconds. */
  mldv1UnsolicitedReportInterval: duration(30),
  /** Seconds. */
  mldv2UnsolicitedReportInterval: duration(31),
  suppressFragNdisc: on(32),
  acceptRaFromLocal: on(33),
  useOptimistic: on(34),
  acceptRaMtu: on(35),
  useOifAddrsOnly: on(37),
  acceptRaMinHopLimit: plain(38),
  ignoreRoutesWithLinkdown: on(39),
  dropUnicastInL2Multicast: on(40),
  dropUnsolicitedNa: on(41),
  /** 0 no, 1 yes, -1 never, whatever `all` says. */
  keepAddrOnDown: plain(42),
  /** Seconds. */
  routerSolicitationMaxInterval: duration(43),
  seg6Enabled: on(44),
  /** -1 takes any, 0 checks those that have one, 1 demands one. */
  seg6RequireHmac: plain(45),
  enhancedDad: on(46),
  /** 0 from the MAC address, 1 none, 2 stable and private, 3 the same with a secret of its own. */
  addrGenMode: plain(47),
  disablePolicy: on(48),
  acceptRaRtInfoMinPlen: plain(49),
  ndiscTclass: plain(50),
  rplSegEnabled: on(51),
  raDefrtrMetric: unsigned(52),
  ioam6Enabled: on(53),
  ioam6Id: unsigned(54),
  ioam6IdWide: unsigned(55),
  ndiscEvictNocarrier: on(56),
  /** 0 no, 1 yes, 2 from the same subnet. */
  acceptUntrackedNa: plain(57),
  /** Seconds. */
  acceptRaMinLft: plain(58),
  /** Packets from this interface are passed on, whether or not the host is a router. */
  forceForwarding: on(59),
} as const;
/** Sysctls of IPv6 of an interface, as told. */
export type Inet6Conf = Told<typeof inet6Settings>;
