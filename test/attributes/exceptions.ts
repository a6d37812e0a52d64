/**
 * Attributes of which there is no capture, by the section of docs/attributes.md, and why. A test refuses one that is
 * missing here, and one that has been captured since.
 */

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
  "Told of network cards only: with virtual functions, of Cisco's VIC, with a number of the physical port, or of a switch":
    {
      "Links of every kind": ["vfinfoList", "vfPorts", "portSelf", "physPortId", "physSwitchId"],
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
  "Asked by no tool: `bridge` gives VLANs their tunnels in another message": {
    "VNIs of VLANs": ["cmd"],
  },
};
