/** Protocols of Ethernet and of IP, by the words of `tc`. Source: include/uapi/linux/if_ether.h (ETH_P_*), include/uapi/linux/in.h. */
import { words } from "../../families/lookup.ts";

/** `all` is every protocol. */
export const etherTypes = words(
  {
    all: 3,
    ip: 0x0800,
    arp: 0x0806,
    ipv6: 0x86dd,
    "802.1Q": 0x8100,
    "802.1ad": 0x88a8,
    mpls_uc: 0x8847,
    mpls_mc: 0x8848,
  },
  0xffff,
);
export const ipProtocols = words({ icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 }, 255);
export type EtherType = Parameters<typeof etherTypes.numberOf>[0];
export type IpProtocol = Parameters<typeof ipProtocols.numberOf>[0];
