/**
 * Source: include/uapi/linux/if_link.h (IFLA_NETKIT_*, NETKIT_*), drivers/net/netkit.c (netkit_policy, netkit_new_link,
 * netkit_change_link, netkit_fill_info). Linux 6.7 and later. The far end is told as veth's.
 */
import { choice, integer } from "../../shape/shape.ts";
import { at, attrs, bool, oneOf, u16, u32 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { type Option, type OptionsOf, same, status } from "../option.ts";
import { peerMessage, peerOf, peerOption } from "../peer.ts";

const policy = oneOf(u32, { forward: 0, blackhole: 2 });
const scrub = oneOf(u32, { none: 0, default: 1 });
const policyOf = (key: string): Option<"forward" | "blackhole"> => same(key, choice("forward", "blackhole"));
const scrubOf = (key: string): Option<"default" | "none"> => same(key, choice("default", "none"), { fixed: true });
const room = integer(0, 0xffff, "bytes");

/** A pair of links, each with BPF programs, that takes the place of a veth for containers. */
export const netkit = linkKind({
  kind: "netkit",
  wire: attrs("IFLA_NETKIT", {
    peerInfo: at(1, peerMessage),
    primary: at(2, bool),
    policy: at(3, policy),
    peerPolicy: at(4, policy),
    mode: at(5, oneOf(u32, { l2: 0, l3: 1 })),
    scrub: at(6, scrub),
    peerScrub: at(7, scrub),
    headroom: at(8, u16),
    tailroom: at(9, u16),
    pairing: at(10, oneOf(u32, { pair: 0, single: 1 })),
  }),
  options: {
    /** The far end; only with mode `l2` it may have a MAC address of its own. */
    peer: peerOption("peerInfo"),
    /** Whether it carries frames (`l2`) or packets (`l3`, the default). */
    mode: same("mode", choice("l2", "l3"), { fixed: true }),
    /** What becomes of traffic when no program decides: it passes (the default), or is dropped. */
    policy: policyOf("policy"),
    /** The same for the far end; told and changed at this end only, the first of the two. */
    peerPolicy: policyOf("peerPolicy"),
    /** Whether mark and priority are cleared on the way to another namespace. Default `default`, which does. Linux 6.13 and later. */
    scrub: scrubOf("scrub"),
    /** The same for what the far end sends. */
    peerScrub: scrubOf("peerScrub"),
    /** Room before a packet for headers of links further on, default 0. Linux 6.14 and later. */
    headroom: same("headroom", room, { fixed: true }),
    /** Room after a packet, default 0. Linux 6.14 and later. */
    tailroom: same("tailroom", room, { fixed: true }),

    /** Whether this is the end that was made first, where programs and policies are set. */
    primary: status<boolean>("primary", (value: boolean) => value),
  },
  beside: peerOf,
  check({ mode = "l3", peer }) {
    return mode === "l3" && peer?.mac !== undefined
      ? { key: "peer", reason: "has no MAC address of its own but with mode: l2" }
      : undefined;
  },
});
export interface NetkitOptions extends OptionsOf<typeof netkit.options> {}
