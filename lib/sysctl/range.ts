/**
 * What values mean something. The kernel takes nearly every number (rp_filter = 77), so that this table is the check.
 *
 * Source: Documentation/networking/ip-sysctl.rst, bridge netfilter in net/bridge/br_netfilter_hooks.c,
 * Documentation/networking/nf_conntrack-sysctl.rst.
 */
import { isIPv6 } from "../shape/ip.ts";
import { SysctlError } from "./error.ts";
import { formatKey } from "./key.ts";
import { isSecret } from "./secret.ts";

/** The least and the greatest number that a sysctl may have. */
export type Range = readonly [min: number, max: number];

const BIG = 2_147_483_647;
const on: Range = [0, 1];
const count: Range = [0, BIG];

/** net.ipv4.conf.INTERFACE.… */
const CONF4: Readonly<Record<string, Range>> = {
  accept_local: on,
  accept_redirects: on,
  accept_source_route: on,
  arp_accept: [0, 2],
  arp_announce: [0, 2],
  arp_evict_nocarrier: on,
  arp_filter: on,
  arp_ignore: [0, 8],
  arp_notify: on,
  bc_forwarding: on,
  bootp_relay: on,
  disable_policy: on,
  disable_xfrm: on,
  drop_gratuitous_arp: on,
  drop_unicast_in_l2_multicast: on,
  force_igmp_version: [0, 3],
  forwarding: on,
  ignore_routes_with_linkdown: on,
  log_martians: on,
  promote_secondaries: on,
  proxy_arp: on,
  proxy_arp_pvlan: on,
  route_localnet: on,
  rp_filter: [0, 2],
  secure_redirects: on,
  send_redirects: on,
  shared_media: on,
  src_valid_mark: on,
};

/** net.ipv6.conf.INTERFACE.… */
const CONF6: Readonly<Record<string, Range>> = {
  accept_dad: [0, 2],
  accept_ra: [0, 2],
  accept_ra_defrtr: on,
  accept_ra_from_local: on,
  accept_ra_mtu: on,
  accept_ra_pinfo: on,
  accept_ra_rtr_pref: on,
  accept_redirects: on,
  accept_source_route: [-1, BIG],
  addr_gen_mode: [0, 3],
  autoconf: on,
  dad_transmits: count,
  disable_ipv6: on,
  disable_policy: on,
  drop_unicast_in_l2_multicast: on,
  drop_unsolicited_na: on,
  enhanced_dad: on,
  force_tllao: on,
  forwarding: on,
  hop_limit: [-1, 255],
  ignore_routes_with_linkdown: on,
  keep_addr_on_down: [-1, 1],
  max_addresses: count,
  mtu: [1280, BIG],
  ndisc_notify: on,
  optimistic_dad: on,
  proxy_ndp: on,
  router_solicitations: [-1, BIG],
  seg6_enabled: on,
  suppress_frag_ndisc: on,
  use_oif_addrs_only: on,
  use_optimistic: on,
  use_tempaddr: [-1, 2],
};

/** net.ipv4.neigh.INTERFACE.… and net.ipv6.neigh.INTERFACE.… */
const NEIGH: Readonly<Record<string, Range>> = {
  app_solicit: count,
  base_reachable_time: count,
  base_reachable_time_ms: count,
  delay_first_probe_time: count,
  gc_stale_time: count,
  mcast_solicit: count,
  proxy_qlen: count,
  ucast_solicit: count,
  unres_qlen_bytes: count,
};

/** All others, by their path. */
const PLAIN: Readonly<Record<string, Range>> = {
  "net/bridge/bridge-nf-call-arptables": on,
  "net/bridge/bridge-nf-call-ip6tables": on,
  "net/bridge/bridge-nf-call-iptables": on,
  "net/bridge/bridge-nf-filter-pppoe-tagged": on,
  "net/bridge/bridge-nf-filter-vlan-tagged": on,
  "net/bridge/bridge-nf-pass-vlan-input-dev": on,
  "net/core/netdev_max_backlog": count,
  "net/core/rmem_max": count,
  "net/core/somaxconn": count,
  "net/core/wmem_max": count,
  "net/ipv4/fib_multipath_hash_policy": [0, 3],
  "net/ipv4/fib_multipath_use_neigh": on,
  "net/ipv4/icmp_echo_ignore_all": on,
  "net/ipv4/icmp_echo_ignore_broadcasts": on,
  "net/ipv4/ip_default_ttl": [1, 255],
  "net/ipv4/ip_dynaddr": [0, 7],
  "net/ipv4/ip_early_demux": on,
  "net/ipv4/ip_forward": on,
  "net/ipv4/ip_forward_use_pmtu": on,
  "net/ipv4/ip_no_pmtu_disc": [0, 3],
  "net/ipv4/ip_nonlocal_bind": on,
  "net/ipv4/neigh/default/gc_thresh1": count,
  "net/ipv4/neigh/default/gc_thresh2": count,
  "net/ipv4/neigh/default/gc_thresh3": count,
  "net/ipv4/route/min_adv_mss": [256, 65535],
  "net/ipv4/route/min_pmtu": [68, 65535],
  "net/ipv4/route/mtu_expires": [1, BIG],
  "net/ipv4/tcp_base_mss": [88, 65535],
  "net/ipv4/tcp_ecn": [0, 5],
  "net/ipv4/tcp_l3mdev_accept": on,
  "net/ipv4/tcp_min_snd_mss": [8, 65535],
  "net/ipv4/tcp_mtu_probing": [0, 2],
  "net/ipv4/tcp_sack": on,
  "net/ipv4/tcp_syncookies": [0, 2],
  "net/ipv4/tcp_timestamps": [0, 2],
  "net/ipv4/tcp_window_scaling": on,
  "net/ipv4/udp_l3mdev_accept": on,
  "net/ipv6/bindv6only": on,
  "net/ipv6/ip_nonlocal_bind": on,
  "net/ipv6/neigh/default/gc_thresh1": count,
  "net/ipv6/neigh/default/gc_thresh2": count,
  "net/ipv6/neigh/default/gc_thresh3": count,
  "net/ipv6/route/min_adv_mss": count,
  "net/ipv6/route/mtu_expires": count,
  "net/netfilter/nf_conntrack_acct": on,
  "net/netfilter/nf_conntrack_checksum": on,
  "net/netfilter/nf_conntrack_max": count,
  "net/netfilter/nf_conntrack_tcp_be_liberal": on,
  "net/netfilter/nf_conntrack_tcp_loose": on,
};

function lookUp(table: Readonly<Record<string, Range>>, name: string): Range | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** The range of a sysctl, where this table knows it. */
export function rangeOf(path: readonly string[]): Range | undefined {
  const plain = lookUp(PLAIN, path.join("/"));
  if (plain !== undefined || path.length !== 5 || path[0] !== "net") return plain;
  const [, family, table, , name = ""] = path;
  if (table === "neigh" && (family === "ipv4" || family === "ipv6")) return lookUp(NEIGH, name);
  if (table === "conf" && family === "ipv4") return lookUp(CONF4, name);
  return table === "conf" && family === "ipv6" ? lookUp(CONF6, name) : undefined;
}

/**
 * Sorts white space out, as the kernel writes lists with tabs and people write them with spaces; and addresses, which the
 * kernel writes in full.
 */
export function normalizeValue(value: string): string {
  if (isIPv6(value.trim())) return new URL(`http://[${value.trim()}]`).hostname;
  const words = value.trim().split(/\s+/);
  return words.map((word) => (/^[+-]?\d{1,15}$/.test(word) ? String(Number(word) + 0) : word)).join("\t");
}

/**
 * The text to write for a value.
 *
 * @throws {SysctlError} with code ERR_SYSCTL_VALUE or ERR_SYSCTL_RANGE; the message names key, value, allowed range.
 */
export function checkValue(path: readonly string[], value: string | number): string {
  const key = formatKey(path);
  const number = typeof value === "number";
  if (!(number ? Number.isSafeInteger(value) : typeof value === "string"))
    throw new SysctlError(key, "ERR_SYSCTL_VALUE", `expected text or a whole number, got ${String(value)}`);
  const text = String(value).trim();
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  const bad = /[\x00-\x08\x0a-\x1f\x7f]/.exec(text)?.[0];
  if (bad !== undefined)
    throw new SysctlError(key, "ERR_SYSCTL_VALUE", `the value has the character ${JSON.stringify(bad)} in it`);
  if (text.length > 4000) throw new SysctlError(key, "ERR_SYSCTL_VALUE", "the value is longer than 4000 characters");
  if (isSecret(path) && !isIPv6(text))
    throw new SysctlError(key, "ERR_SYSCTL_VALUE", "expected a secret in the form of an IPv6 address");
  const range = rangeOf(path);
  if (range === undefined) return text;
  const [min, max] = range;
  if (!/^[+-]?\d{1,15}$/.test(text) || Number(text) < min || Number(text) > max)
    throw new SysctlError(key, "ERR_SYSCTL_RANGE", `expected ${min}..${max}, got ${JSON.stringify(value)}`);
  return String(Number(text) + 0);
}
