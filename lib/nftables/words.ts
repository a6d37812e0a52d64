/** The words of nft for numbers on the wire. Source: nftables src/datatype.c, src/proto.c, src/rule.c. */

/** IP protocols by name. */
export const protocols = {
  icmp: 1,
  igmp: 2,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  ospf: 89,
  sctp: 132,
  udplite: 136,
} as const;
/** Protocols that have ports in the first four bytes of their header. */
export const withPorts: readonly (string | number)[] = ["tcp", "udp", "dccp", "sctp", "udplite"];

/** Bits of `ct state`. Source: include/uapi/linux/netfilter/nf_conntrack_common.h enum ip_conntrack_info. */
export const ctStates = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 } as const;

/** Bits of byte 13 of a TCP header. */
export const tcpFlags = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ecn: 64, cwr: 128 } as const;

/** ICMP types. */
export const icmpTypes = {
  "echo-reply": 0,
  "destination-unreachable": 3,
  redirect: 5,
  "echo-request": 8,
  "time-exceeded": 11,
  "parameter-problem": 12,
} as const;
/** ICMPv6 types. */
export const icmpv6Types = {
  "destination-unreachable": 1,
  "packet-too-big": 2,
  "time-exceeded": 3,
  "parameter-problem": 4,
  "echo-request": 128,
  "echo-reply": 129,
  "nd-router-solicit": 133,
  "nd-router-advert": 134,
  "nd-neighbor-solicit": 135,
  "nd-neighbor-advert": 136,
  "nd-redirect": 137,
} as const;

/** What a rejected sender is told, by the word that nft puts before it. */
export const rejectCodes = {
  icmp: {
    "net-unreachable": 0,
    "host-unreachable": 1,
    "prot-unreachable": 2,
    "port-unreachable": 3,
    "net-prohibited": 9,
    "host-prohibited": 10,
    "admin-prohibited": 13,
  },
  icmpv6: {
    "no-route": 0,
    "admin-prohibited": 1,
    "addr-unreachable": 3,
    "port-unreachable": 4,
    "policy-fail": 5,
    "reject-route": 6,
  },
  icmpx: { "no-route": 0, "port-unreachable": 1, "host-unreachable": 2, "admin-prohibited": 3 },
} as const;

/** Seconds in the units of a rate. */
export const units = { second: 1, minute: 60, hour: 3600, day: 86400, week: 604800 } as const;

/** Netfilter's hooks. Source: include/uapi/linux/netfilter.h enum nf_inet_hooks. */
export const hooks = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;

const inetPriorities = { raw: -300, mangle: -150, dstnat: -100, filter: 0, security: 50, srcnat: 100 } as const;
const bridgePriorities = { dstnat: -300, filter: -200, out: 100, srcnat: 300 } as const;
/** Names of priorities; the bridge family has its own. Source: include/uapi/linux/netfilter_ipv4.h enum nf_ip_hook_priorities, netfilter_bridge.h enum nf_br_hook_priorities. */
export const priorities = (family: string): Readonly<Record<string, number>> =>
  family === "bridge" ? bridgePriorities : inetPriorities;

/** The name of a number in one of these tables. */
export function nameOf(table: Readonly<Record<string, number>>, value: number): string | undefined {
  for (const name in table) if (table[name] === value) return name;
  return undefined;
}

/** The names of the bits that are set, or nothing when one of them has none. */
export function namesOf<N extends string>(table: Readonly<Record<N, number>>, value: number): N[] | undefined {
  const names = (Object.keys(table) as N[]).filter((name) => (value & table[name]) !== 0);
  return names.reduce((sum, name) => sum | table[name], 0) === value ? names : undefined;
}

/** The bits of these names. */
export const bitsOf = <N extends string>(table: Readonly<Record<N, number>>, names: readonly N[]): number =>
  names.reduce((sum, name) => sum | table[name], 0);

const reserved = `accept add ah all and arp bridge chain chains comment comp constant continue counter counters cpu create
  cgroup ct day dccp define delete describe destroy device devices dnat drop dst dup dynamic ecn element elements eq esp
  ether exists expires export exthdr fib flags flow flowtable flowtables flush frag fwd ge geneve get goto gre gretap gt
  handle hbh hook hooks hour ibriport ibrname icmp icmpv6 igmp iif iifgroup iifname iiftype import include
  index inet insert interval ip ip6 ipsec jhash jump last le limit limits list log lshift lt map maps mark masquerade meta
  meter meters mh missing monitor ne netdev nftrace not notrack numgen obriport obrname offload oif oifgroup
  oifname oiftype or osf pkttype policy position priority queue quota quotas random redefine redirect reject rename replace
  reset return rshift rt rt0 rt2 rtclassid rule rules ruleset sctp secmark secmarks set sets size skgid skuid snat socket
  srh symhash synproxy synproxys table tables tcp th time timeout tproxy trace tunnel tunnels type typeof udp udplite
  undefine update vlan vmap vni vxlan xor xt`;
/** Words that nft reads as its own in place of a name, so that its listing of such a name cannot be loaded again. */
export const reservedWords: ReadonlySet<string> = new Set(reserved.split(/\s+/));
