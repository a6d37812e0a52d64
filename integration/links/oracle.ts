/** What `ip -json -d link` should tell of a link that we read, key by key. */
import { deepEqual, ok } from "node:assert/strict";
import type { Link } from "../../lib/links/words.ts";
import type { IpLink } from "./kit.ts";
import { LAYER2, LAYER2_PORTS } from "./oracle-layer2.ts";
import { hardware, TUNNEL_TABLES } from "./tunnel-oracle.ts";

type Told = Readonly<Record<string, unknown>>;
/** Our value for a key of theirs. `undefined` for what is not compared. */
export type Table = Readonly<Record<string, (link: Link, theirs: unknown) => unknown>>;

const hundredths = (seconds: number | undefined): number => Math.round((seconds ?? 0) * 100);
const digit = (value: boolean | undefined): number => (value === true ? 1 : 0);
const hex = (value: number | undefined): string => `0x${(value ?? 0).toString(16)}`;
/** As C prints a number by %#x. */
const mask = (value: number | undefined): string => (value ? hex(value) : "0");
/** As iproute2 prints the bytes of a port's bridges: without zeros in front. */
const bareId = (id: string | undefined): string | undefined => id?.replaceAll(/(?<=[.:])0(?=[0-9a-f])/g, "");
/** What moves between two readings. */
const moving = (_: Link, theirs: unknown): unknown => theirs;

const FLAGS: readonly (readonly [name: string, has: (link: Link) => boolean])[] = [
  ["UP", (link) => link.up],
  ["LOWER_UP", (link) => link.lowerUp],
  ["MULTICAST", (link) => link.multicast],
  ["NOARP", (link) => !link.arp],
  ["PROMISC", (link) => link.promisc],
  ["ALLMULTI", (link) => link.allmulticast],
];

const LINK: Table = {
  ifindex: (link) => link.index,
  ifname: (link) => link.name,
  link: (link, theirs) => link.parent ?? link.peer?.name ?? (theirs === null ? null : undefined),
  link_pointtopoint: moving,
  link_index: (link) => link.parentIndex,
  link_netnsid: (link) => link.parentNsid,
  flags: (link, theirs) => {
    const names = theirs as readonly string[];
    for (const [name, has] of FLAGS) ok(names.includes(name) === has(link), `${link.name}: ${name}`);
    return theirs;
  },
  mtu: (link) => link.mtu,
  qdisc: (link) => link.qdisc,
  master: (link) => link.master,
  operstate: (link) => link.operstate.toUpperCase(),
  linkmode: (link) => link.linkmode?.toUpperCase(),
  group: (link) => (link.group === 0 ? "default" : String(link.group)),
  txqlen: (link) => link.txqlen,
  link_type: moving,
  address: (link, theirs) => hardware(link.mac, theirs),
  broadcast: (link, theirs) => hardware(link.broadcast, theirs),
  permaddr: (link, theirs) => hardware(link.permanentMac, theirs),
  protodown: (link) => link.protodown,
  promiscuity: (link) => link.promiscuity,
  allmulti: (link) => link.allmulti,
  min_mtu: (link) => link.minMtu,
  max_mtu: (link) => link.maxMtu,
  ifalias: (link) => link.alias,
  altnames: (link) => link.altnames,
  inet6_addr_gen_mode: (link) => link.addrGenMode,
  num_tx_queues: (link) => link.numTxQueues,
  num_rx_queues: (link) => link.numRxQueues,
  gso_max_size: (link) => link.gsoMaxSize,
  gso_max_segs: (link) => link.gsoMaxSegs,
  gro_max_size: (link) => link.groMaxSize,
  tso_max_size: (link) => link.tsoMaxSize,
  tso_max_segs: (link) => link.tsoMaxSegs,
  parentbus: (link) => link.parentBus,
  parentdev: (link) => link.parentDev,
  linkinfo: moving,
};

const VXLAN: Table = {
  id: (link) => link.vni,
  group: (link) => link.remote,
  group6: (link) => link.remote,
  remote: (link) => link.remote,
  remote6: (link) => link.remote,
  local: (link) => link.local,
  local6: (link) => link.local,
  link: (link) => link.dev,
  port_range: (link) => link.srcport,
  port: (link) => link.dstport,
  learning: (link) => link.learning,
  proxy: (link) => link.proxy,
  rsc: (link) => link.rsc,
  l2miss: (link) => link.l2miss,
  l3miss: (link) => link.l3miss,
  tos: (link) => hex(link.tos),
  ttl: (link) => link.ttl,
  df: (link) => link.df,
  label: (link) => hex(link.label),
  ageing: (link) => link.ageing,
  limit: (link) => link.limit,
  udp_csum: (link) => link.udpCsum,
  udp_zero_csum6_tx: (link) => link.udp6ZeroCsumTx,
  udp_zero_csum6_rx: (link) => link.udp6ZeroCsumRx,
  remcsum_tx: (link) => link.remoteCsumTx,
  remcsum_rx: (link) => link.remoteCsumRx,
  gbp: (link) => link.gbp,
  gpe: (link) => link.gpe,
  external: (link) => link.external,
  vnifilter: (link) => link.vnifilter,
  localbypass: (link) => link.localbypass,
  reserved_bits: (link) => `0x${BigInt(link.reservedBits ?? 0).toString(16)}`,
};

const BRIDGE: Table = {
  forward_delay: (link) => hundredths(link.forwardDelay),
  hello_time: (link) => hundredths(link.hello),
  max_age: (link) => hundredths(link.maxAge),
  ageing_time: (link) => hundredths(link.ageing),
  stp_state: (link) => digit(link.stp),
  priority: (link) => link.priority,
  vlan_filtering: (link) => digit(link.vlanFiltering),
  vlan_protocol: (link) => link.vlanProtocol,
  bridge_id: (link) => bareId(link.bridgeId),
  root_id: (link) => bareId(link.rootId),
  root_port: (link) => link.rootPort,
  root_path_cost: (link) => link.rootPathCost,
  topology_change: (link) => digit(link.topologyChange),
  topology_change_detected: (link) => digit(link.topologyChangeDetected),
  hello_timer: moving,
  tcn_timer: moving,
  topology_change_timer: moving,
  gc_timer: moving,
  vlan_default_pvid: (link) => link.vlanDefaultPvid,
  vlan_stats_enabled: (link) => digit(link.vlanStats),
  vlan_stats_per_port: (link) => digit(link.vlanStatsPerPort),
  group_fwd_mask: (link) => mask(link.groupFwdMask),
  group_addr: (link) => link.groupAddress,
  mcast_snooping: (link) => digit(link.mcastSnooping),
  no_linklocal_learn: (link) => digit(link.noLinklocalLearn),
  mcast_vlan_snooping: (link) => digit(link.mcastVlanSnooping),
  mst_enabled: (link) => digit(link.mst),
  mcast_router: (link) => link.mcastRouter,
  mcast_query_use_ifaddr: (link) => digit(link.mcastQueryUseIfaddr),
  mcast_querier: (link) => digit(link.mcastQuerier),
  mcast_querier_ipv4_addr: (link) => link.mcastQuerierState?.ipv4?.address,
  mcast_querier_ipv4_port: (link) => link.mcastQuerierState?.ipv4?.port,
  mcast_querier_ipv4_other_timer: moving,
  mcast_querier_ipv6_addr: (link) => link.mcastQuerierState?.ipv6?.address,
  mcast_querier_ipv6_port: (link) => link.mcastQuerierState?.ipv6?.port,
  mcast_querier_ipv6_other_timer: moving,
  mcast_hash_elasticity: (link) => link.mcastHashElasticity,
  mcast_hash_max: (link) => link.mcastHashMax,
  mcast_last_member_cnt: (link) => link.mcastLastMemberCount,
  mcast_startup_query_cnt: (link) => link.mcastStartupQueryCount,
  mcast_last_member_intvl: (link) => hundredths(link.mcastLastMemberInterval),
  mcast_membership_intvl: (link) => hundredths(link.mcastMembershipInterval),
  mcast_querier_intvl: (link) => hundredths(link.mcastQuerierInterval),
  mcast_query_intvl: (link) => hundredths(link.mcastQueryInterval),
  mcast_query_response_intvl: (link) => hundredths(link.mcastQueryResponseInterval),
  mcast_startup_query_intvl: (link) => hundredths(link.mcastStartupQueryInterval),
  mcast_stats_enabled: (link) => digit(link.mcastStats),
  mcast_igmp_version: (link) => link.mcastIgmpVersion,
  mcast_mld_version: (link) => link.mcastMldVersion,
  nf_call_iptables: (link) => digit(link.nfCallIptables),
  nf_call_ip6tables: (link) => digit(link.nfCallIp6tables),
  nf_call_arptables: (link) => digit(link.nfCallArptables),
};

const PORT: Table = {
  state: ({ port }) => port?.state,
  priority: ({ port }) => port?.priority,
  cost: ({ port }) => port?.cost,
  hairpin: ({ port }) => port?.hairpin,
  guard: ({ port }) => port?.guard,
  root_block: ({ port }) => port?.rootBlock,
  fastleave: ({ port }) => port?.fastLeave,
  learning: ({ port }) => port?.learning,
  flood: ({ port }) => port?.flood,
  id: ({ port }) => hex(port?.id),
  no: ({ port }) => hex(port?.number),
  designated_port: ({ port }) => port?.designatedPort,
  designated_cost: ({ port }) => port?.designatedCost,
  bridge_id: ({ port }) => bareId(port?.bridgeId),
  root_id: ({ port }) => bareId(port?.rootId),
  hold_timer: moving,
  message_age_timer: moving,
  forward_delay_timer: moving,
  topology_change_ack: ({ port }) => digit(port?.topologyChangeAck),
  config_pending: ({ port }) => digit(port?.configPending),
  proxy_arp: ({ port }) => port?.proxyArp,
  proxy_arp_wifi: ({ port }) => port?.proxyArpWifi,
  multicast_router: ({ port }) => port?.mcastRouter,
  mcast_flood: ({ port }) => port?.mcastFlood,
  bcast_flood: ({ port }) => port?.bcastFlood,
  mcast_to_unicast: ({ port }) => port?.mcastToUnicast,
  neigh_suppress: ({ port }) => port?.neighSuppress,
  group_fwd_mask: ({ port }) => mask(port?.groupFwdMask),
  group_fwd_mask_str: moving,
  vlan_tunnel: ({ port }) => port?.vlanTunnel,
  isolated: ({ port }) => port?.isolated,
  locked: ({ port }) => port?.locked,
  mab: ({ port }) => port?.mab,
  backup_port: ({ port }) => port?.backupPort,
};

/** Words that iproute2 leaves out when they are false, zero or not set. */
const SILENT = new Set(["limit", "gbp", "gpe", "external", "vnifilter", "remcsum_tx", "remcsum_rx", "tos", "label"]);

function comparePart(what: string, table: Table, link: Link, theirs: Told): number {
  const mine: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(theirs)) {
    const read = table[key];
    ok(read, `${what}: ip tells ${key}, which is not compared`);
    mine[key] = read(link, value);
  }
  deepEqual(mine, theirs, what);
  for (const key of SILENT) {
    const value = table[key]?.(link, undefined);
    const set = value !== undefined && value !== false && value !== 0 && value !== "0x0";
    if (set) ok(key in theirs, `${what}: we tell ${key}, ip does not`);
  }
  return Object.keys(theirs).length;
}

/** Compares every attribute that iproute2 knows; returns how many these are. */
export function agree(link: Link, theirs: IpLink): number {
  const { info_kind, info_data, info_slave_kind, info_slave_data, ...rest } = (theirs["linkinfo"] ?? {}) as Told;
  deepEqual(rest, {});
  deepEqual(link.kind, info_kind);
  let compared = comparePart(link.name, LINK, link, theirs);
  const tables: Readonly<Record<string, Table>> = { ...LAYER2, vxlan: VXLAN, bridge: BRIDGE, ...TUNNEL_TABLES };
  const table = tables[String(info_kind)];
  if (table !== undefined) compared += comparePart(`${link.name} as ${info_kind}`, table, link, info_data as Told);
  const ports: Readonly<Record<string, Table>> = { ...LAYER2_PORTS, bridge: PORT };
  const port = ports[String(info_slave_kind)];
  if (port !== undefined) compared += comparePart(`${link.name} as port`, port, link, info_slave_data as Told);
  return compared;
}
