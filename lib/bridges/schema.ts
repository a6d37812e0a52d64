/**
 * What bridges and VXLANs keep beside forwarding entries, on the wire: VLANs, VNIs, multicast groups.
 *
 * Source: include/uapi/linux/if_bridge.h (IFLA_BRIDGE_*, BRIDGE_VLANDB_*, MDBA_*, MDBE_*, struct bridge_vlan_info, struct
 * br_vlan_msg, struct br_port_msg, struct br_mdb_entry), include/uapi/linux/if_link.h (VXLAN_VNIFILTER_*,
 * VNIFILTER_ENTRY_STATS_*, struct tunnel_msg), net/bridge/br_netlink.c (br_afspec,
 * br_fill_ifinfo), net/bridge/br_mst.c (br_mst_nl_policy, br_mst_fill_info), net/bridge/br_vlan.c
 * (br_vlan_db_policy, br_vlan_fill_vids), net/bridge/br_vlan_options.c (br_vlan_global_opts_fill), net/bridge/br_mdb.c
 * (br_mdbe_attrs_pol, __mdb_fill_info), drivers/net/vxlan/vxlan_mdb.c (vxlan_mdbe_attrs_pol,
 * vxlan_mdb_entry_info_fill), drivers/net/vxlan/vxlan_vnifilter.c (vni_filter_entry_policy, vxlan_fill_vni_filter_entry).
 */
import { querierState } from "../families/querier.ts";
import {
  ifinfomsg,
  RTM_DELLINK,
  RTM_DELMDB,
  RTM_DELTUNNEL,
  RTM_DELVLAN,
  RTM_GETLINK,
  RTM_GETMDB,
  RTM_GETTUNNEL,
  RTM_GETVLAN,
  RTM_NEWLINK,
  RTM_NEWMDB,
  RTM_NEWTUNNEL,
  RTM_NEWVLAN,
  RTM_SETLINK,
} from "../families/route.ts";
import {
  at,
  attrs,
  be16,
  body,
  bool,
  bytes,
  type Codec,
  type Fixed,
  hardware,
  ip,
  ipv4,
  ipv6,
  mac,
  many,
  message,
  padding,
  type Schema,
  struct,
  text,
  u8,
  u16,
  u32,
  u64,
} from "../wire/index.ts";

/** Bits of bridge_vlan_info.flags. */
export const BRIDGE_VLAN_INFO = {
  MASTER: 0x01,
  PVID: 0x02,
  UNTAGGED: 0x04,
  RANGE_BEGIN: 0x08,
  RANGE_END: 0x10,
  BRENTRY: 0x20,
  ONLY_OPTS: 0x40,
} as const;
/** Bits of IFLA_BRIDGE_FLAGS: the table of the port's bridge, or the link's own. */
export const BRIDGE_FLAGS = { MASTER: 1, SELF: 2 } as const;
/** Bits of BRIDGE_VLANDB_DUMP_FLAGS. */
export const BRIDGE_VLANDB_DUMPF = { STATS: 1, GLOBAL: 2 } as const;
/** Bits of tunnel_msg.flags. */
export const TUNNEL_MSG_FLAG = { STATS: 1 } as const;
/** Bits of br_mdb_entry.flags. */
export const MDB_FLAGS = { OFFLOAD: 1, FAST_LEAVE: 2, STAR_EXCL: 4, BLOCKED: 8, OFFLOAD_FAILED: 16 } as const;

const vlanInfo = struct("bridge_vlan_info", { flags: u16, vid: u16 });
export const vlanTunnelInfo = attrs("IFLA_BRIDGE_VLAN_TUNNEL", { id: at(1, u32), vid: at(2, u16), flags: at(3, u16) });
export const mstEntry = attrs("IFLA_BRIDGE_MST_ENTRY", { msti: at(1, u16), state: at(2, u8) });
export const bridgeMst = attrs("IFLA_BRIDGE_MST", { entry: many(1, mstEntry) });
export const bridgeSpec = attrs("IFLA_BRIDGE", {
  flags: at(0, u16),
  mode: at(1, u16),
  vlanInfo: many(2, vlanInfo),
  vlanTunnelInfo: many(3, vlanTunnelInfo),
  mrp: at(4, bytes),
  cfm: at(5, bytes),
  mst: at(6, bridgeMst),
});
/** A bridge's port, or a bridge, in messages of AF_BRIDGE; but for what stands in `afSpec` it is the business of links. */
const link = body(
  ifinfomsg,
  attrs("IFLA", {
    address: at(1, hardware),
    ifname: at(3, text),
    mtu: at(4, u32),
    link: at(5, u32),
    master: at(10, u32),
    protinfo: at(12, bytes),
    operstate: at(16, u8),
    afSpec: at(26, bridgeSpec),
    extMask: at(29, u32),
  }),
);
/** VLANs of a port come and go in changes of the link's part that belongs to bridges. */
export const setlink = message("RTM_SETLINK", RTM_SETLINK, link);
export const dellink = message("RTM_DELLINK", RTM_DELLINK, link);
export const getlink = message("RTM_GETLINK", RTM_GETLINK, link);
export const newlink = message("RTM_NEWLINK", RTM_NEWLINK, link);

export const vlanStats = attrs("BRIDGE_VLANDB_STATS", {
  rxBytes: at(1, u64),
  rxPackets: at(2, u64),
  txBytes: at(3, u64),
  txPackets: at(4, u64),
  pad: padding(5),
});
export const vlanTunnel = attrs("BRIDGE_VLANDB_TINFO", { id: at(1, u32), cmd: at(2, u32) });
export const vlanEntry = attrs("BRIDGE_VLANDB_ENTRY", {
  info: at(1, vlanInfo),
  /** The last VLAN of a range that begins with `info`. */
  range: at(2, u16),
  state: at(3, u8),
  tunnelInfo: at(4, vlanTunnel),
  stats: at(5, vlanStats),
  mcastRouter: at(6, u8),
  mcastNGroups: at(7, u32),
  mcastMaxGroups: at(8, u32),
  neighSuppress: at(9, bool),
  neighForwardGrat: at(10, bool),
});
/** Intervals in hundredths of seconds. */
export const vlanGlobals = attrs("BRIDGE_VLANDB_GOPTS", {
  id: at(1, u16),
  range: at(2, u16),
  mcastSnooping: at(3, bool),
  mcastIgmpVersion: at(4, u8),
  mcastMldVersion: at(5, u8),
  mcastLastMemberCnt: at(6, u32),
  mcastStartupQueryCnt: at(7, u32),
  mcastLastMemberIntvl: at(8, u64),
  pad: padding(9),
  mcastMembershipIntvl: at(10, u64),
  mcastQuerierIntvl: at(11, u64),
  mcastQueryIntvl: at(12, u64),
  mcastQueryResponseIntvl: at(13, u64),
  mcastStartupQueryIntvl: at(14, u64),
  mcastQuerier: at(15, bool),
  mcastRouterPorts: at(16, bytes),
  mcastQuerierState: at(17, querierState),
  msti: at(18, u16),
});
export const vlandb = attrs("BRIDGE_VLANDB", { entry: many(1, vlanEntry), globalOptions: many(2, vlanGlobals) });
export const brVlanMsg = struct("br_vlan_msg", { family: u8, _reserved1: u8, _reserved2: u16, ifindex: u32 });
const vlans = body(brVlanMsg, vlandb);
export const newvlan = message("RTM_NEWVLAN", RTM_NEWVLAN, vlans);
export const delvlan = message("RTM_DELVLAN", RTM_DELVLAN, vlans);
export const vlandbDump = attrs("BRIDGE_VLANDB_DUMP", { flags: at(1, u32) });
export const getvlan = message("RTM_GETVLAN", RTM_GETVLAN, body(brVlanMsg, vlandbDump));

export const vniStats = attrs("VNIFILTER_ENTRY_STATS", {
  rxBytes: at(1, u64),
  rxPkts: at(2, u64),
  rxDrops: at(3, u64),
  rxErrors: at(4, u64),
  txBytes: at(5, u64),
  txPkts: at(6, u64),
  txDrops: at(7, u64),
  txErrors: at(8, u64),
  pad: padding(9),
});
export const vniEntry = attrs("VXLAN_VNIFILTER_ENTRY", {
  start: at(1, u32),
  end: at(2, u32),
  group: at(3, ipv4),
  group6: at(4, ipv6),
  stats: at(5, vniStats),
});
export const vniFilter = attrs("VXLAN_VNIFILTER", { entry: many(1, vniEntry) });
export const tunnelMsg = struct("tunnel_msg", { family: u8, flags: u8, _reserved2: u16, ifindex: u32 });
const tunnels = body(tunnelMsg, vniFilter);
export const newtunnel = message("RTM_NEWTUNNEL", RTM_NEWTUNNEL, tunnels);
export const deltunnel = message("RTM_DELTUNNEL", RTM_DELTUNNEL, tunnels);
export const gettunnel = message("RTM_GETTUNNEL", RTM_GETTUNNEL, tunnels);

/** The address in a br_mdb_entry: IPv4, IPv6 or MAC, told apart by its protocol; 16 bytes and the protocol. */
const groupAddress: Fixed<string> = {
  name: "group address",
  size: 20,
  write(out, value) {
    const start = out.length;
    const family = value.includes(".") ? ipv4 : value.length === 17 && !value.includes("::") ? mac : ipv6;
    family.write(out, value);
    out.take(start + 16 - out.length);
    be16.write(out, family === ipv4 ? ETH_P_IP : family === ipv6 ? ETH_P_IPV6 : 0);
    out.take(2);
  },
  read(from, start) {
    const protocol = be16.read(from, start + 16, start + 18);
    const family = protocol === ETH_P_IP ? ipv4 : protocol === ETH_P_IPV6 ? ipv6 : mac;
    return family.read(from, start, start + family.size);
  },
};
const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
const brMdbEntry = struct("br_mdb_entry", { ifindex: u32, state: u8, flags: u8, vid: u16, group: groupAddress });

export const mdbSource = attrs("MDBA_MDB_SRCATTR", { address: at(1, ip), timer: at(2, u32) });
export const mdbSources = attrs("MDBA_MDB_SRCLIST", { entry: many(1, mdbSource) });
export const mdbAttributes = attrs("MDBA_MDB_EATTR", {
  /** Hundredths of seconds. */
  timer: at(1, u32),
  srcList: at(2, mdbSources),
  groupMode: at(3, u8),
  source: at(4, ip),
  rtprot: at(5, u8),
  dst: at(6, ip),
  dstPort: at(7, u16),
  vni: at(8, u32),
  ifindex: at(9, u32),
  srcVni: at(10, u32),
});

/** A struct with attributes behind it, in one attribute. */
function followed<I, O, A extends Schema<never>>(
  head: Fixed<I, O>,
  rest: A,
): Codec<I & { readonly attrs?: object }, O & { readonly attrs: ReturnType<A["read"]> }> {
  return {
    name: head.name,
    write(out, value) {
      const { attrs: more, ...own } = value as { attrs?: object };
      head.write(out, own as I);
      if (more !== undefined) rest.write(out, more as never);
    },
    read: (from, start, end) =>
      Object.assign(head.read(from, start, start + head.size) as object, {
        attrs: rest.read(from, start + head.size, end),
      }) as never,
  };
}
/** `vid` is that of the entry; several entries of one group stand in one nest. */
export const mdbInfo = attrs("MDBA_MDB_ENTRY", { info: many(1, followed(brMdbEntry, mdbAttributes as never)) });
export const mdbNest = attrs("MDBA_MDB", { entry: many(1, mdbInfo) });
export const mdba = attrs("MDBA", { mdb: at(1, mdbNest), router: at(2, bytes) });
export const brPortMsg = struct("br_port_msg", { family: u8, _pad1: u8, _pad2: u16, ifindex: u32 });
export const getmdb = message("RTM_GETMDB", RTM_GETMDB, body(brPortMsg, mdba));
export const newmdb = message("RTM_NEWMDB", RTM_NEWMDB, body(brPortMsg, mdba));

/** As the kernel tells that an entry is gone. */
export const toldGone = message("RTM_DELMDB", RTM_DELMDB, body(brPortMsg, mdba));
export const mdbeSource = attrs("MDBE_SRCATTR", { address: at(1, ip) });
export const mdbeSources = attrs("MDBE_SRC_LIST", { entry: many(1, mdbeSource) });
export const mdbe = attrs("MDBE_ATTR", {
  source: at(1, ip),
  srcList: at(2, mdbeSources),
  groupMode: at(3, u8),
  rtprot: at(4, u8),
  dst: at(5, ip),
  dstPort: at(6, u16),
  vni: at(7, u32),
  ifindex: at(8, u32),
  srcVni: at(9, u32),
  stateMask: at(10, u8),
});
const setBody = body(brPortMsg, attrs("MDBA_SET_ENTRY", { entry: at(1, brMdbEntry), attrs: at(2, mdbe) }));
/** The kernel takes a group in another form than it tells it. */
export const setmdb = message("RTM_NEWMDB", RTM_NEWMDB, setBody);
export const delmdb = message("RTM_DELMDB", RTM_DELMDB, setBody);
