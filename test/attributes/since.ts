/**
 * The kernel that brought an attribute which the header of Linux 6.1 lacks.
 *
 * Source: the copies of include/uapi/linux in iproute2, one of each release since 6.1.0, which has the number of the kernel
 * that it follows; for devices, unix/ztypes_linux.go of golang.org/x/sys, which names the kernel that it was made from
 * (not each was, so that some of these are only known to be no newer); release notes of kernels for WireGuard, and for
 * the policy of VXLAN labels, whose header came to iproute2 one release late.
 */
const BY_KERNEL: Readonly<Record<string, readonly string[]>> = {
  // Numbers of address families, which the C library declares.
  "≤ 6.1": ["AF.inet", "AF.inet6"],
  "6.2": [
    ...["IFLA.devlinkPort", "IFLA_BRPORT.mab", "MDBE_ATTR.srcList", "MDBE_ATTR.groupMode", "MDBE_ATTR.rtprot"],
    ...["MDBE_SRCATTR.address", "ETHTOOL_A_LINKSTATE.extDownCnt"],
  ],
  "6.3": [
    ...["IFLA.gsoIpv4MaxSize", "IFLA.groIpv4MaxSize", "IFLA_BRPORT.mcastNGroups", "IFLA_BRPORT.mcastMaxGroups"],
    ...["BRIDGE_VLANDB_ENTRY.mcastNGroups", "BRIDGE_VLANDB_ENTRY.mcastMaxGroups"],
  ],
  "6.4": [
    ...["IFLA_BRPORT.neighVlanSuppress", "IFLA_MACVLAN.bcCutoff", "BRIDGE_VLANDB_ENTRY.neighSuppress"],
    ...["dst", "dstPort", "vni", "ifindex", "srcVni"].flatMap((key) => [`MDBA_MDB_EATTR.${key}`, `MDBE_ATTR.${key}`]),
  ],
  "6.5": ["IFLA_VXLAN.localbypass"],
  "6.6": ["IFLA_BRPORT.backupNhid", "TCA_NETEM.prngSeed"],
  "6.7": [
    ...["IFLA.dpllPin", "IFLA_BR.fdbNLearned", "IFLA_BR.fdbMaxLearned", "IFLA_VXLAN.labelPolicy"],
    ...["peerInfo", "primary", "policy", "peerPolicy", "mode"].map((key) => `IFLA_NETKIT.${key}`),
    ...["TCA_FQ.priomap", "TCA_FQ.weights"],
  ],
  "6.8": ["MDBE_ATTR.stateMask", "TCA_MIRRED.blockid"],
  "6.9": [
    ...["opFlags", "groupStats", "hwStatsEnable", "hwStatsUsed"].map((key) => `NHA.${key}`),
    ...["id", "packets", "packetsHw"].map((key) => `NHA_GROUP_STATS_ENTRY.${key}`),
  ],
  "6.10": ["IFLA_HSR.interlink"],
  "6.12": ["FRA.dscp"],
  "6.13": [...["IFLA.maxPacingOffloadHorizon", "IFLA_NETKIT.scrub", "IFLA_NETKIT.peerScrub", "TCA_FQ.offloadHorizon"]],
  "6.14": [
    ...["IFLA_NETKIT.headroom", "IFLA_NETKIT.tailroom", "IFLA_VXLAN.reservedBits"],
    ...["FRA.flowlabel", "FRA.flowlabelMask"],
  ],
  "6.15": [...["IFLA.netnsImmutable", "IFLA_GENEVE.portRange", "FRA.sportMask", "FRA.dportMask", "FRA.dscpMask"]],
  "6.16": ["WGALLOWEDIP_A.flags"],
  "≤ 6.16": ["rxPush", "txPushBufLen", "txPushBufLenMax", "hdsThresh", "hdsThreshMax"].map(
    (key) => `ETHTOOL_A_RINGS.${key}`,
  ),
  "6.17": ["IFLA_BOND.broadcastNeigh", "IFLA_VXLAN.mcRoute", "NETCONFA.forceForwarding"],
  "6.18": ["IFLA.headroom", "IFLA.tailroom"],
  "7.0": ["IFLA_GENEVE.groHint"],
  "7.1": ["IFLA_BR.stpMode", "IFLA_NETKIT.pairing"],
  "> 7.1": ["IFLA_BOND.lacpStrict", "IFLA_BRPORT.neighForwardGrat", "BRIDGE_VLANDB_ENTRY.neighForwardGrat"],
};
/** By the name of the enumeration and our key. */
export const SINCE: ReadonlyMap<string, string> = new Map(
  Object.entries(BY_KERNEL).flatMap(([kernel, keys]) => keys.map((key) => [key, kernel] as const)),
);
