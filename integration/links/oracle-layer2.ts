/** What `ip -json -d link` should tell of VLANs, bonds, and other links of layer 2. */
import { isDeepStrictEqual } from "node:util";
import type { Link } from "../../lib/links/words.ts";

/** Our value for a key of theirs. */
export type Table = Readonly<Record<string, (link: Link, theirs: unknown) => unknown>>;

const digit = (value: boolean | undefined): number => (value === true ? 1 : 0);
const onOff = (value: boolean | undefined): string => (value === true ? "on" : "off");
const list = (map: Readonly<Record<number, number>> | undefined): object[] =>
  Object.entries(map ?? {}).map(([from, to]) => ({ from: Number(from), to }));

const VLAN: Table = {
  protocol: (link) => link.protocol,
  id: (link) => link.id,
  flags: (link) =>
    Object.entries({
      REORDER_HDR: link.reorderHdr,
      GVRP: link.gvrp,
      MVRP: link.mvrp,
      LOOSE_BINDING: link.looseBinding,
      BRIDGE_BINDING: link.bridgeBinding,
    }).flatMap(([name, set]) => (set === true ? [name] : [])),
  ingress_qos: (link) => list(link.ingressQosMap),
  // In the order of the kernel's hashes.
  egress_qos: (link, theirs) => {
    const place = (one: object): number => (theirs as object[]).findIndex((other) => isDeepStrictEqual(one, other));
    return list(link.egressQosMap).sort((a, b) => place(a) - place(b));
  },
};

const BOND: Table = {
  mode: (link) => link.mode,
  active_slave: (link) => link.activeSlave,
  miimon: (link) => link.miimon,
  updelay: (link) => link.updelay,
  downdelay: (link) => link.downdelay,
  peer_notify_delay: (link) => link.peerNotifyDelay,
  use_carrier: (link) => digit(link.useCarrier),
  arp_interval: (link) => link.arpInterval,
  arp_missed_max: (link) => link.arpMissedMax,
  arp_ip_target: (link) => link.arpIpTarget,
  ns_ip6_target: (link) => link.nsIp6Target,
  arp_validate: (link) => (link.arpValidate === "none" ? null : link.arpValidate),
  arp_all_targets: (link) => link.arpAllTargets,
  primary: (link) => link.primary,
  primary_reselect: (link) => link.primaryReselect,
  fail_over_mac: (link) => link.failOverMac,
  xmit_hash_policy: (link) => link.xmitHashPolicy,
  resend_igmp: (link) => link.resendIgmp,
  num_peer_notif: (link) => link.numGratArp,
  all_slaves_active: (link) => digit(link.allSlavesActive),
  min_links: (link) => link.minLinks,
  lp_interval: (link) => link.lpInterval,
  packets_per_slave: (link) => link.packetsPerSlave,
  ad_lacp_active: (link) => onOff(link.lacpActive),
  ad_lacp_rate: (link) => link.lacpRate,
  ad_select: (link) => link.adSelect,
  ad_info: ({ adInfo }) => ({
    aggregator: adInfo?.aggregator,
    num_ports: adInfo?.numPorts,
    actor_key: adInfo?.actorKey,
    partner_key: adInfo?.partnerKey,
    partner_mac: adInfo?.partnerMac,
  }),
  ad_actor_sys_prio: (link) => link.adActorSysPrio,
  ad_user_port_key: (link) => link.adUserPortKey,
  ad_actor_system: (link) => link.adActorSystem,
  tlb_dynamic_lb: (link) => digit(link.tlbDynamicLb),
};

/** Words of a state in LACP, by the place of their bits. */
const LACP = [
  ["active", "active"],
  ["shortTimeout", "short_timeout"],
  ["aggregating", "aggregating"],
  ["inSync", "in_sync"],
  ["collecting", "collecting"],
  ["distributing", "distributing"],
  ["defaulted", "defaulted"],
  ["expired", "expired"],
] as const;
type Lacp = NonNullable<Link["port"]>["adActorOperPortState"];
const set = (state: Lacp): (readonly [bit: number, word: string])[] =>
  LACP.flatMap(([ours, theirs], bit) => (state?.[ours] === true ? [[1 << bit, theirs] as const] : []));
const bits = (state: Lacp): number => set(state).reduce((sum, [bit]) => sum | bit, 0);
const lacpWords = (state: Lacp): string[] => set(state).map(([, word]) => word);

const BOND_PORT: Table = {
  state: ({ port }) => port?.state?.toUpperCase(),
  mii_status: ({ port }) => port?.miiStatus?.toUpperCase(),
  link_failure_count: ({ port }) => port?.linkFailureCount,
  perm_hwaddr: ({ port }) => port?.permHwaddr,
  queue_id: ({ port }) => port?.queueId,
  prio: ({ port }) => port?.prio,
  ad_aggregator_id: ({ port }) => port?.adAggregatorId,
  ad_actor_oper_port_state: ({ port }) => bits(port?.adActorOperPortState),
  ad_actor_oper_port_state_str: ({ port }) => lacpWords(port?.adActorOperPortState),
  ad_partner_oper_port_state: ({ port }) => bits(port?.adPartnerOperPortState),
  ad_partner_oper_port_state_str: ({ port }) => lacpWords(port?.adPartnerOperPortState),
};

const MACVLAN: Table = {
  mode: (link) => link.mode,
  nopromisc: (link) => link.nopromisc,
  nodst: (link) => link.nodst,
  bcqueuelen: (link) => link.bcqueuelen,
  usedbcqueuelen: (link) => link.usedbcqueuelen,
  bclim: (link) => link.bclim,
  macaddr_count: (link) => link.macaddr?.length,
  macaddr_data: (link) => link.macaddr,
};

const IPVLAN: Table = {
  mode: (link) => link.mode,
  bridge: (link) => link.flags === "bridge",
  private: (link) => link.flags === "private",
  vepa: (link) => link.flags === "vepa",
};

const VRF: Table = { table: (link) => link.table };
const VRF_PORT: Table = { table: ({ port }) => port?.table };

const HSR: Table = {
  slave1: (link) => link.slave1,
  slave2: (link) => link.slave2,
  interlink: (link) => link.interlink,
  seq_nr: (_, theirs) => theirs,
  supervision_addr: (link) => link.supervisionAddr,
  proto: (link) => (link.proto === "prp" ? 1 : 0),
};

const MACSEC: Table = {
  sci: (link) => link.sci,
  cipher_suite: (link) => link.cipher?.toUpperCase(),
  icv_len: (link) => link.icvlen,
  encoding_sa: (link) => link.encodingsa,
  validation: (link) => link.validate,
  offload: (link) => link.offload,
  protect: (link) => link.protect,
  encrypt: (link) => link.encrypt,
  inc_sci: (link) => link.sendSci,
  es: (link) => link.endStation,
  scb: (link) => link.scb,
  replay_protect: (link) => link.replay,
  window: (link) => link.window,
};

const TUN: Table = {
  type: (link) => link.mode,
  pi: (link) => link.pi,
  vnet_hdr: (link) => link.vnetHdr,
  multi_queue: (link) => link.multiQueue,
  numqueues: (link) => link.queues,
  numdisabled: (link) => link.disabledQueues,
  persist: (link) => link.persist,
  // Those that have a name are told by it.
  user: (link, theirs) => (typeof theirs === "string" ? theirs : link.owner),
  group: (link, theirs) => (typeof theirs === "string" ? theirs : link.ownerGroup),
};

export const LAYER2: Readonly<Record<string, Table>> = {
  vlan: VLAN,
  bond: BOND,
  macvlan: MACVLAN,
  macvtap: MACVLAN,
  ipvlan: IPVLAN,
  ipvtap: IPVLAN,
  vrf: VRF,
  hsr: HSR,
  macsec: MACSEC,
  tun: TUN,
};
export const LAYER2_PORTS: Readonly<Record<string, Table>> = { bond: BOND_PORT, vrf: VRF_PORT };
