/** The few messages that these tests speak; the services have the whole ones. */
import {
  at,
  attrs,
  body,
  bytes,
  ip,
  message,
  padding,
  s32,
  struct,
  tagged,
  text,
  u8,
  u16,
  u32,
} from "../../lib/wire/index.ts";

const ifinfomsg = struct("ifinfomsg", { family: u8, _pad: u8, type: u16, index: s32, flags: u32, change: u32 });
const link = attrs("IFLA", {
  ifname: at(3, text),
  mtu: at(4, u32),
  linkinfo: at(
    18,
    attrs("IFLA_INFO", {
      info: tagged(1, 2, {
        bridge: attrs("IFLA_BR", {}),
        veth: attrs("VETH_INFO", { peer: at(1, bytes) }),
        vxlan: attrs("IFLA_VXLAN", { id: at(1, u32) }),
      }),
    }),
  ),
  stats: padding(7),
  stats64: padding(23),
  afSpec: padding(26),
});
const payload = body(ifinfomsg, link);
export const newlink = message("RTM_NEWLINK", 16, payload);
export const dellink = message("RTM_DELLINK", 17, payload);
export const getlink = message("RTM_GETLINK", 18, payload);

const rtmsg = struct("rtmsg", {
  family: u8,
  dstLen: u8,
  srcLen: u8,
  tos: u8,
  table: u8,
  protocol: u8,
  scope: u8,
  type: u8,
  flags: u32,
});
const rta = attrs("RTA", {
  dst: at(1, ip),
  oif: at(4, u32),
  gateway: at(5, ip),
  priority: at(6, u32),
  table: at(15, u32),
});
export const newroute = message("RTM_NEWROUTE", 24, body(rtmsg, rta));
export const getroute = message("RTM_GETROUTE", 26, body(rtmsg, rta));

const nfgenmsg = struct("nfgenmsg", { family: u8, version: u8, resId: u16 });
const table = attrs("NFTA_TABLE", { name: at(1, text) });
export const begin = message("NFNL_MSG_BATCH_BEGIN", 0x10, body(nfgenmsg, attrs("NFNL_BATCH", {})));
export const end = message("NFNL_MSG_BATCH_END", 0x11, body(nfgenmsg, attrs("NFNL_BATCH", {})));
export const newtable = message("NFT_MSG_NEWTABLE", 0xa00, body(nfgenmsg, table));
export const newchain = message(
  "NFT_MSG_NEWCHAIN",
  0xa03,
  body(nfgenmsg, attrs("NFTA_CHAIN", { table: at(1, text), name: at(3, text) })),
);

/** resId of a batch: NFNL_SUBSYS_NFTABLES in network order. */
export const NFTABLES = { header: { family: 0, resId: 10 << 8 } };
