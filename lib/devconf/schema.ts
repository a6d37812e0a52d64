/**
 * Sysctls of interfaces on the wire: in messages of links, and in the messages that tell who forwards.
 *
 * Source: include/uapi/linux/if_link.h (IFLA_AF_SPEC, IFLA_INET_CONF, IFLA_INET6_CONF), net/ipv4/devinet.c
 * (inet_fill_link_af, inet_set_link_af: an array when told, a nest of attributes when set), net/ipv6/addrconf.c
 * (inet6_fill_ifla6_attrs), include/uapi/linux/netconf.h (struct netconfmsg, NETCONFA_*),
 * include/uapi/linux/rtnetlink.h (RTM_*NETCONF, RTNLGRP_*).
 */
import { ifinfomsg, RTM_GETLINK, RTM_NEWLINK, RTM_SETLINK } from "../families/route.ts";
import { at, attrs, body, bytes, type Field, message, s32, struct, text, u8, u32, uneven } from "../wire/index.ts";
import { inetSettings } from "./settings.ts";

type Numbers = { readonly [K in keyof typeof inetSettings]: Field<number> };
export const inetConf = attrs(
  "IPV4_DEVCONF",
  Object.fromEntries(Object.entries(inetSettings).map(([word, { number }]) => [word, at(number, s32)])) as Numbers,
);
const afSpec = attrs("AF", {
  inet: at(2, attrs("IFLA_INET", { conf: uneven(at(1, inetConf), at(1, bytes)) })),
  inet6: at(10, attrs("IFLA_INET6", { conf: at(2, bytes) })),
});
/** Of a link, only what is needed here. */
const confLink = attrs("IFLA", { ifname: at(3, text), afSpec: at(26, afSpec), extMask: at(29, u32) });

const link = body(ifinfomsg, confLink);
export const newlink = message("RTM_NEWLINK", RTM_NEWLINK, link);
export const getlink = message("RTM_GETLINK", RTM_GETLINK, link);
export const setlink = message("RTM_SETLINK", RTM_SETLINK, link);

const netconfmsg = struct("netconfmsg", { family: u8 });
/** Who forwards, and what goes with it; in the order in which the kernel tells them. */
export const netconfa = attrs("NETCONFA", {
  ifindex: at(1, s32),
  forwarding: at(2, s32),
  rpFilter: at(3, s32),
  mcForwarding: at(4, s32),
  bcForwarding: at(8, s32),
  proxyNeigh: at(5, s32),
  ignoreRoutesWithLinkdown: at(6, s32),
  input: at(7, s32),
  forceForwarding: at(9, s32),
});
const netconf = body(netconfmsg, netconfa);
export const newnetconf = message("RTM_NEWNETCONF", 80, netconf);
/** Nobody asks for this: it tells of an interface that went away. */
export const delnetconf = message("RTM_DELNETCONF", 81, netconf);
export const getnetconf = message("RTM_GETNETCONF", 82, netconf);

/** NETCONFA_IFINDEX_*: instead of an interface. */
export const IFINDEX_ALL = -1;
export const IFINDEX_DEFAULT = -2;

/** Groups of the events, by family. */
export const NETCONF_GROUPS = { inet: 24, inet6: 25, mpls: 29 } as const;
