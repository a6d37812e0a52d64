/**
 * Virtual functions of network cards on the wire.
 *
 * Source: include/uapi/linux/if_link.h (IFLA_VF_*, struct ifla_vf_*), net/core/rtnetlink.c (ifla_vf_policy, do_setvfinfo,
 * rtnl_fill_vfinfo).
 */
import { ifinfomsg, RTM_GETLINK, RTM_NEWLINK, RTM_SETLINK } from "../families/route.ts";
import {
  at,
  attrs,
  be16,
  body,
  bytes,
  type Fixed,
  hardware,
  many,
  message,
  oneOf,
  padding,
  struct,
  text,
  u16,
  u32,
  u64,
} from "../wire/index.ts";

/** MAX_ADDR_LEN */
const ADDRESS_BYTES = 32;
const ETH_ALEN = 6;
/** A hardware address in the room of the longest; what follows the six bytes of Ethernet is zero, and left out. */
const padded: Fixed<string> = {
  name: "hardware address",
  size: ADDRESS_BYTES,
  write(out, value) {
    const start = out.length;
    hardware.write(out, value);
    out.take(start + ADDRESS_BYTES - out.length);
  },
  read(from, start, end) {
    const longer = from.u8.subarray(start + ETH_ALEN, end).some((byte) => byte !== 0);
    return hardware.read(from, start, longer ? end : start + ETH_ALEN);
  },
};
const setting = (name: string): Fixed<{ readonly vf: number; readonly setting: number }> =>
  struct(name, { vf: u32, setting: u32 });

const vlanInfo = struct("ifla_vf_vlan_info", { vf: u32, vlan: u32, qos: u32, vlanProto: be16, _pad: u16 });
export const vfVlans = attrs("IFLA_VF_VLAN", { info: many(1, vlanInfo) });
export const vfStats = attrs("IFLA_VF_STATS", {
  rxPackets: at(0, u64),
  txPackets: at(1, u64),
  rxBytes: at(2, u64),
  txBytes: at(3, u64),
  broadcast: at(4, u64),
  multicast: at(5, u64),
  pad: padding(6),
  rxDropped: at(7, u64),
  txDropped: at(8, u64),
});
/** Settings that a card does not have are told as all bits. Rates are in megabits per second. */
export const vfInfo = attrs("IFLA_VF", {
  mac: at(1, struct("ifla_vf_mac", { vf: u32, mac: padded })),
  /** Of old programs, without a protocol. */
  vlan: at(2, struct("ifla_vf_vlan", { vf: u32, vlan: u32, qos: u32 })),
  /** Of old programs: the greatest rate alone. */
  txRate: at(3, struct("ifla_vf_tx_rate", { vf: u32, rate: u32 })),
  spoofchk: at(4, setting("ifla_vf_spoofchk")),
  linkState: at(
    5,
    struct("ifla_vf_link_state", { vf: u32, linkState: oneOf(u32, { auto: 0, enable: 1, disable: 2 }) }),
  ),
  rate: at(6, struct("ifla_vf_rate", { vf: u32, minTxRate: u32, maxTxRate: u32 })),
  rssQueryEn: at(7, setting("ifla_vf_rss_query_en")),
  stats: at(8, vfStats),
  trust: at(9, setting("ifla_vf_trust")),
  ibNodeGuid: at(10, bytes),
  ibPortGuid: at(11, bytes),
  vlanList: at(12, vfVlans),
  broadcast: at(13, struct("ifla_vf_broadcast", { broadcast: padded })),
});
export const vfInfoList = attrs("IFLA_VF", { info: many(1, vfInfo) });

/** Of a link what says which it is, and its virtual functions. */
const link = body(
  ifinfomsg,
  attrs("IFLA", { ifname: at(3, text), vfinfoList: at(22, vfInfoList), extMask: at(29, u32) }),
);
export const getvfs = message("RTM_GETLINK", RTM_GETLINK, link);
export const newvfs = message("RTM_NEWLINK", RTM_NEWLINK, link);
export const setvfs = message("RTM_SETLINK", RTM_SETLINK, link);
