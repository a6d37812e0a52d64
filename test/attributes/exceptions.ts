/**
 * Attributes of which there is no capture, by the section of docs/attributes.md, and why. A test refuses one that is
 * missing here, and one that has been captured since.
 */

import { inetSettings } from "../../lib/devconf/settings.ts";

type Keys = Readonly<Record<string, readonly string[]>>;

const ERSPAN = ["erspanIndex", "erspanVer", "erspanDir", "erspanHwid"];
const OUTER6 = ["encapLimit", "flowinfo", "flags"];
const SIXRD = ["6rdPrefix", "6rdRelayPrefix", "6rdPrefixlen", "6rdRelayPrefixlen"];
/**
 * The kernel has one table for several kinds, and neither reads these of this kind nor tells them; others it has not
 * used for decades. integration/links/unused.test.ts sees that the running kernel tells none of them back.
 *
 * Source: ipgre_netlink_parms, erspan_netlink_parms, ipgre_fill_info and erspan_fill_info (net/ipv4/ip_gre.c);
 * ip6gre_netlink_parms, ip6erspan_set_version and ip6gre_fill_info (net/ipv6/ip6_gre.c); ip_tunnel_netlink_parms
 * (net/ipv4/ip_tunnel_core.c) and ipip_fill_info (net/ipv4/ipip.c); ipip6_netlink_parms and ipip6_fill_info
 * (net/ipv6/sit.c); ip6_tnl_netlink_parms and ip6_tnl_fill_info (net/ipv6/ip6_tunnel.c); ifla_policy, do_setlink and
 * rtnl_fill_ifinfo (net/core/rtnetlink.c); rtm_to_fib_config and fib_dump_info (net/ipv4).
 */
export const UNUSED: Keys = {
  "Links of every kind": ["cost", "priority", "weight"],
  "Links of kind gre": [...OUTER6, ...ERSPAN],
  "Links of kind gretap": [...OUTER6, ...ERSPAN],
  "Links of kind erspan": OUTER6,
  "Links of kind ip6gre": ["tos", "pmtudisc", "ignoreDf", ...ERSPAN],
  "Links of kind ip6gretap": ["tos", "pmtudisc", "ignoreDf", ...ERSPAN],
  "Links of kind ip6erspan": ["tos", "pmtudisc", "ignoreDf"],
  "Links of kind ipip": [...OUTER6, ...SIXRD],
  "Links of kind sit": ["encapLimit", "flowinfo", "collectMetadata"],
  "Links of kind ip6tnl": ["tos", "pmtudisc", ...SIXRD],
  Routes: ["protoinfo", "session", "mpAlgo"],
};

/** Numbers without a meaning; `pad` is put before numbers of 64 bits, by processors that need these aligned. */
export const RESERVED = /^(pad|unspec|unused\d)$/;

/** What could not be captured, by what it needs. */
export const UNSEEN: Readonly<Record<string, Keys>> = {
  "Told of network cards only: of Cisco's VIC, or with a number of the physical port": {
    "Links of every kind": ["vfPorts", "portSelf", "physPortId"],
  },
  "Not asked for: what every link counts, which links tell themselves; of switches; of MPLS": {
    "Counters of links beside packets": ["link64", "linkOffloadXstats", "afSpec"],
  },
  "Told of cards for InfiniBand": {
    "Virtual functions": ["ibNodeGuid", "ibPortGuid"],
  },
  "Told of CAN adapters only": {
    "Links of every kind: linkinfo": ["xstats"],
  },
  "Told after a router has advertised an MTU": {
    "Links of every kind: afSpec.inet6": ["raMtu"],
  },
  "Has a number, and is never filled": {
    "Links of every kind: afSpec.inet6": ["mcast"],
    "Qdiscs, classes and filters": ["fcnt"],
  },
  "Told of links with a program of XDP, or asked to attach one, which nothing here does": {
    "Links of every kind: xdp": ["fd", "flags", "progId", "drvProgId", "skbProgId", "hwProgId", "expectedFd"],
  },
  "Told of wireless links only": {
    "Links of every kind": ["wireless"],
  },
  "Told by Linux 7 only where it was set, for which no tool has a word yet": {
    "Links of kind geneve": ["groHint"],
  },
  "Taken by few network cards, or by kernels built with the rings of MRP and the fault management of CFM": {
    "VLANs, as they are asked for": ["mode", "mrp", "cfm"],
  },
  "Options of other headers inside of a tunnel's, for which there are no words here": {
    "Tunnel headers of routes and nexthops: ip": ["opts"],
    "Tunnel headers of routes and nexthops: ip6": ["opts"],
  },
  "Asked by `tc` and not told; integration/qdiscs reads back what became of it": {
    "Qdiscs, classes and filters": ["rate", "dumpInvisible", "dumpFlags"],
    "Qdiscs of kind netem": ["delayDist", "slotDist"],
    "Qdiscs of kind tbf": ["rtab", "ptab", "burst", "pburst"],
    "Qdiscs of kind fq": ["flowDefaultRate"],
    "Classes of kind htb": ["ctab", "rtab"],
    "Actions of filters": ["index"],
    "Actions of kind police": ["rate", "peakrate"],
  },
  "One table for qdiscs and classes, of which these are the other's": {
    "Qdiscs of kind htb": ["parms", "ctab", "rtab", "rate64", "ceil64"],
    "Classes of kind htb": ["init", "directQlen"],
  },
  "Told where 32 bits are not enough": {
    "Qdiscs, classes and filters: stats2": ["rateEst64", "pkt64"],
  },
  "Of newer kernels than 6.1; the lane `newest` has them, and was not captured from": {
    "Qdiscs of kind netem": ["prngSeed"],
    "Qdiscs of kind fq": ["priomap", "weights", "offloadHorizon"],
    "Actions of kind mirred": ["blockid"],
  },
  "Told of network cards that do the work": {
    "Qdiscs, classes and filters": ["extWarnMsg"],
    "Qdiscs of kind htb": ["offload"],
    "Classes of kind htb": ["offload"],
    "Actions of filters": ["usedHwStats"],
  },
  "For which `tc` of Debian 12 has no word": {
    "Filters of kind flower": ["keyEncUdpSrcPort", "keyEncUdpSrcPortMask", "keyHash", "keyHashMask", "keyL2tpv3Sid"],
  },
  "Told with the estimator of an action, which is asked for with it": {
    "Actions of kind police": ["avrate"],
  },
  "Told of devices that have it; those of virtual machines, which are at hand, have not": {
    "Link modes of devices": ["peer", "masterSlaveCfg", "masterSlaveState", "lanes"],
    "Link states of devices": ["sqi", "sqiMax", "extState", "extSubstate", "extDownCnt"],
    "Rings of devices": [
      ...["rxMiniMax", "rxMini", "rxJumboMax", "rxJumbo", "rxBufLen", "tcpDataSplit", "cqeSize", "rxPush"],
      ...["txPushBufLen", "txPushBufLenMax", "hdsThresh", "hdsThreshMax"],
    ],
    "Channels of devices": ["otherMax", "otherCount"],
    "Coalescing of devices": [
      ...["rxUsecsIrq", "rxMaxFramesIrq", "txUsecsIrq", "txMaxFramesIrq", "statsBlockUsecs", "useAdaptiveRx"],
      ...["useAdaptiveTx", "pktRateLow", "rxUsecsLow", "rxMaxFramesLow", "txUsecsLow", "txMaxFramesLow"],
      ...["pktRateHigh", "rxUsecsHigh", "rxMaxFramesHigh", "txUsecsHigh", "txMaxFramesHigh"],
      ...["rateSampleInterval", "useCqeModeTx", "useCqeModeRx"],
      ...["txAggrMaxBytes", "txAggrMaxFrames", "txAggrTimeUsecs"],
    ],
    "Pause frames of devices": ["stats"],
    "Pause frames of devices: stats": ["txFrames", "rxFrames"],
    "Standard counters of devices: grp": ["stat", "histRx", "histTx"],
    "Standard counters of devices: grp.histRx": ["histBktLow", "histBktHi", "histVal"],
  },
  "Told only when the sysctl changes, which is of Linux 6.17": {
    "Who forwards": ["forceForwarding"],
  },
  "Asked of devices, and not told": {
    "Features of devices: header": ["flags"],
    "Features of devices: hw": ["value", "mask"],
    "Standard counters of devices": ["groups"],
    "Names of devices' bits and counters": ["header", "countsOnly"],
  },
  "Asked, or told where another namespace is asked about": {
    "Numbers of namespaces": ["pid", "fd", "targetNsid", "currentNsid"],
  },
  "Told as an array in one attribute, `devconf/link`, and set one by one, which no tool does; integration/devconf reads back":
    {
      "Sysctls of interfaces over IPv4": Object.keys(inetSettings),
    },
  "Asked by no tool; integration/fou reads it back": {
    "Ports that tunnels over UDP are received on": ["remcsumNopartial"],
  },
  "Asked by no tool: `bridge` gives VLANs their tunnels in another message": {
    "VNIs of VLANs": ["cmd"],
  },
};

/** What nobody tried to change on a live object, by why. A test refuses one that is missing here, or was tried since. */
export const UNTRIED: Readonly<Record<string, Keys>> = {
  "Says which object is meant, or where it is made, and is no property of it": {
    "Links of every kind": ["netNsPid", "netNsFd"],
    "MACsec links, and what is asked of them": ["ifindex"],
    "Peers of WireGuard": ["flags"],
    "Ports that tunnels over UDP are received on": ["af"],
    "VLANs for the whole bridge": ["id", "range"],
    "WireGuard devices": ["ifname"],
    "Qdiscs, classes and filters": ["chain"],
    "Filters of kind u32": ["hash", "link", "divisor"],
  },
  "Counted once, when the link or the queue is made, which tests of links and queues try": {
    "Qdiscs, classes and filters": ["ingressBlock", "egressBlock"],
    "Links of kind veth": ["peer"],
  },
  "A nest; what is in it has sections of its own": {
    "Links of every kind": ["protinfo"],
    "Links of every kind: linkinfo": ["slave"],
  },
  "Not told by the kernel, so that nothing can be read back": {
    "Links of kind hsr": ["version", "interlink"],
    "Links of kind macsec": ["port"],
    "Qdiscs of kind netem": ["delayDist"],
  },
  "Needs UDP around tunnels, of which user-mode Linux has none, and the other lanes do not run the tests of tunnels": {
    "Links of kind gre": ["encapType"],
    "Links of kind gretap": ["encapType"],
    "Links of kind ip6gre": ["encapType"],
    "Links of kind ip6gretap": ["encapType"],
    "Links of kind ip6tnl": ["encapType"],
    "Links of kind ipip": ["encapType"],
    "Links of kind sit": ["encapType"],
  },
  "Has a kernel among the lanes, and no test there that notes it": {
    "Links of kind sit": ["6rdPrefix", "6rdRelayPrefix", "6rdPrefixlen", "6rdRelayPrefixlen"],
    "VLANs of a bridge": ["neighForwardGrat"],
    Nexthops: ["hwStatsEnable"],
    "Qdiscs of kind netem": ["prngSeed"],
    "Qdiscs of kind fq": ["weights", "offloadHorizon"],
    "Filters of kind flower": ["keyEncUdpDstPort", "keyEncUdpDstPortMask", "keyCtZone", "keyCtZoneMask"],
    "Link modes of devices": ["autoneg"],
  },
  "Needs hardware that can do it": {
    "Links of kind macsec": ["offload"],
    "Connectors of devices": ["port", "phyaddr"],
    "Rings of devices": [
      "rxMini",
      "rxJumbo",
      "rxBufLen",
      "tcpDataSplit",
      "cqeSize",
      "txPush",
      "rxPush",
      "txPushBufLen",
      "hdsThresh",
    ],
    "Channels of devices": ["otherCount", "combinedCount"],
    "Coalescing of devices": [
      "rxUsecs",
      "rxUsecsIrq",
      "rxMaxFramesIrq",
      "txUsecs",
      "txMaxFrames",
      "txUsecsIrq",
      "txMaxFramesIrq",
      "statsBlockUsecs",
      "useAdaptiveRx",
      "useAdaptiveTx",
      "pktRateLow",
      "rxUsecsLow",
      "rxMaxFramesLow",
      "txUsecsLow",
      "txMaxFramesLow",
      "pktRateHigh",
      "rxUsecsHigh",
      "rxMaxFramesHigh",
      "txUsecsHigh",
      "txMaxFramesHigh",
      "rateSampleInterval",
      "useCqeModeTx",
      "useCqeModeRx",
      "txAggrMaxBytes",
      "txAggrMaxFrames",
      "txAggrTimeUsecs",
    ],
  },
  "Came after the test that tries; those of their own folders change some of them, and note nothing": {
    "Virtual functions": ["mac", "spoofchk", "linkState", "rate", "rssQueryEn", "trust", "vlanList"],
    "VLANs of virtual functions": ["info"],
    "Labels of addresses": ["address", "label"],
    "Instances of the spanning tree": ["msti", "state"],
    "Tables of neighbors": ["name", "thresh1", "thresh2", "thresh3", "parms", "gcInterval"],
    "Settings of neighbors": [
      "ifindex",
      "baseReachableTime",
      "retransTime",
      "gcStaletime",
      "delayProbeTime",
      "queueLen",
      "appProbes",
      "ucastProbes",
      "mcastProbes",
      "anycastDelay",
      "proxyDelay",
      "proxyQlen",
      "locktime",
      "queueLenbytes",
      "mcastReprobes",
      "intervalProbeTimeMs",
    ],
    "Associations of MACsec": ["an", "active", "pn", "key", "keyid", "ssci", "salt"],
    "Channels that MACsec receives from": ["sci", "active"],
    "MACsec links, and what is asked of them": ["offload"],
    "MACsec links, and what is asked of them: offload": ["type"],
    "Ports that tunnels over UDP are received on": [
      "port",
      "ipproto",
      "type",
      "remcsumNopartial",
      "localV4",
      "localV6",
      "peerV4",
      "peerV6",
      "peerPort",
      "ifindex",
    ],
  },
  "Told by the kernel alone, as it does the forwarding of multicast": {
    "Sysctls of interfaces over IPv4": ["mcForwarding"],
  },
};
