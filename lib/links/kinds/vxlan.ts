/**
 * Source: include/uapi/linux/if_link.h (IFLA_VXLAN_*), drivers/net/vxlan/vxlan_core.c (vxlan_policy, vxlan_fill_info,
 * vxlan_nl2conf for what a change may contain).
 */

import { address, boolean, choice, integer, linkName, type Shape } from "../../shape/shape.ts";
import {
  at,
  attrs,
  be16,
  be32,
  be64,
  bool,
  byteOrFlag,
  flag,
  ipv4,
  ipv6,
  oneOf,
  u8,
  u32,
  uneven,
} from "../../wire/index.ts";
import { isMulticast } from "../../wire/multicast.ts";
import { linkKind } from "../kind.ts";
import { converted, custom, eitherFamily, flagged, type OptionsOf, reference, same } from "../option.ts";
import { port, portRange, portRangeStruct, ttl } from "../tunnels/udp.ts";

const FIXED = { fixed: true };
const header: Shape<string> = {
  expected: 'the 64 bits of a VXLAN header, as "0xff00000000000000"; quoted, as a number may be too long',
  json: { type: "string", pattern: "^0x[0-9a-fA-F]{1,16}$" },
  accepts: (value): value is string => typeof value === "string" && /^0x[0-9a-f]{1,16}$/i.test(value),
};

/** Bits of a header that nobody uses, without those that these options use. */
const UNUSED = 0xf7ff_ffff_0000_00ffn;
const USED = { gbp: 0x80ff_ffff_0000_0000n, gpe: 0x3500_00ff_0000_0000n, remoteCsumRx: 0x0020_0000_0000_00ffn };

/**
 * What a VXLAN that is made again is not told. Bits that the kernel chose itself follow from the other options, which would
 * contradict them; and it takes those of a checksum for used also where that is told to be off.
 */
function untold({ reservedBits, gbp, gpe, remoteCsumRx }: Readonly<Record<string, unknown>>) {
  if (typeof reservedBits !== "string") return ["reservedBits"] as const;
  const bits = BigInt(reservedBits);
  const own = UNUSED & ~((gbp === true ? USED.gbp : 0n) | (gpe === true ? USED.gpe : 0n));
  const plain = remoteCsumRx === true || bits === (own & ~USED.remoteCsumRx) ? [] : (["remoteCsumRx"] as const);
  return [own, own & ~USED.remoteCsumRx].includes(bits) ? (["reservedBits", ...plain] as const) : plain;
}

/** A layer 2 overlay over UDP. */
export const vxlan = linkKind({
  kind: "vxlan",
  wire: attrs("IFLA_VXLAN", {
    /** VXLAN network identifier (VNI), 24 bits. */
    id: at(1, u32),
    group: at(2, ipv4),
    /** Interface index of the underlay device. */
    link: at(3, u32),
    local: at(4, ipv4),
    ttl: at(5, u8),
    tos: at(6, u8),
    learning: at(7, bool),
    ageing: at(8, u32),
    limit: at(9, u32),
    portRange: at(10, portRangeStruct("ifla_vxlan_port_range")),
    proxy: at(11, bool),
    rsc: at(12, bool),
    l2miss: at(13, bool),
    l3miss: at(14, bool),
    port: at(15, be16),
    group6: at(16, ipv6),
    local6: at(17, ipv6),
    udpCsum: at(18, bool),
    udpZeroCsum6Tx: at(19, bool),
    udpZeroCsum6Rx: at(20, bool),
    remcsumTx: at(21, bool),
    remcsumRx: at(22, bool),
    gbp: flag(23),
    remcsumNopartial: flag(24),
    collectMetadata: at(25, bool),
    label: at(26, be32),
    gpe: flag(27),
    /** The kernel accepts a flag and dumps a byte. */
    ttlInherit: uneven(flag(28), at(28, byteOrFlag)),
    df: at(29, oneOf(u8, { unset: 0, set: 1, inherit: 2 })),
    vnifilter: at(30, bool),
    localbypass: at(31, bool),
    labelPolicy: at(32, oneOf(u32, { fixed: 0, inherit: 1 })),
    /** struct vxlanhdr: two words of 32 bits, network order. */
    reservedBits: at(33, be64),
    mcRoute: at(34, bool),
  }),
  options: {
    /** VXLAN network identifier, 0 to 16777215. */
    vni: same("id", integer(0, 0xff_ffff), FIXED),
    /** Name of the underlay device. The kernel then lowers this link's MTU to what fits into that device's. */
    dev: reference("link", linkName),
    /** Address of the far end, or a multicast group (which needs `dev`). */
    remote: eitherFamily("group", "group6", address, {
      inPlace: (from, to) => from === undefined || from.includes(":") === to.includes(":"),
    }),
    /** Source address of the outer packets. */
    local: eitherFamily("local", "local6", address, {
      inPlace: (from, to) => from === undefined || from.includes(":") === to.includes(":"),
    }),
    /** UDP port; default 4789, with `gpe` 4790, the registered ones. The kernel's own, which is not used here, is 8472. */
    dstport: same("port", port, FIXED),
    /** Range of UDP source ports; default: the host's local port range. */
    srcport: same("portRange", portRange, FIXED),
    /** Hops of the outer packets: 0 lets the kernel choose (64, multicast 1), `inherit` takes the inner packet's. */
    ttl: custom(
      ["ttl", "ttlInherit"],
      ttl,
      (value) => (value === "inherit" ? { ttlInherit: true } : { ttl: value }),
      (wire) => (wire["ttlInherit"] === true ? "inherit" : (wire["ttl"] as number | undefined)),
      { inPlace: (from, to) => (from === "inherit") === (to === "inherit") },
    ),
    /** Traffic class of the outer packets; 1 means the inner packet's. */
    tos: same("tos", integer(0, 255)),
    /** Flow label of outer packets, 20 bits; IPv6 only. */
    label: same("label", integer(0, 0xf_ffff)),
    /** Whether the flow label is `label` or the inner packet's; IPv6 only. Linux 6.7 and later. */
    labelPolicy: same("labelPolicy", choice("fixed", "inherit")),
    /** Whether to learn from traffic which address is behind which far end. Default true, with `external` false. */
    learning: same("learning", boolean),
    /** Lifetime of a learned entry in seconds, default 300, which is also what the kernel makes of 0. */
    ageing: same("ageing", integer(1, 0xffff_ffff, "seconds")),
    /** Most entries that are learned; 0 means no limit. */
    limit: same("limit", integer(0, 0xffff_ffff), FIXED),
    /** Whether to answer ARP and neighbor solicitations for known neighbors. */
    proxy: same("proxy", boolean, FIXED),
    /** Route short circuit. */
    rsc: same("rsc", boolean, FIXED),
    /** Whether to notify of unknown destination addresses. */
    l2miss: same("l2miss", boolean, FIXED),
    l3miss: same("l3miss", boolean, FIXED),
    /** Whether outer UDP over IPv4 has a checksum. */
    udpCsum: same("udpCsum", boolean, FIXED),
    udp6ZeroCsumTx: same("udpZeroCsum6Tx", boolean, FIXED),
    udp6ZeroCsumRx: same("udpZeroCsum6Rx", boolean, FIXED),
    remoteCsumTx: same("remcsumTx", boolean, FIXED),
    remoteCsumRx: same("remcsumRx", boolean, FIXED),
    remoteCsumNoPartial: flagged("remcsumNopartial", boolean, FIXED),
    /** Group policy extension: the packet mark travels in the header. */
    gbp: flagged("gbp", boolean, FIXED),
    /** Generic protocol extension; needs `external`. */
    gpe: flagged("gpe", boolean, FIXED),
    /** Metadata mode: tunnel parameters come with each packet, from a route, a filter or a forwarding entry. */
    external: same("collectMetadata", boolean, FIXED),
    /** Accept only the listed VNIs; needs `external`. */
    vnifilter: flagged("vnifilter", boolean, FIXED),
    /** The don't-fragment bit of the outer IPv4 header. Default unset. */
    df: same("df", choice("unset", "set", "inherit")),
    /** Whether packets to this host's own address skip the encapsulation. Linux 6.5 and later. */
    localbypass: same("localbypass", boolean),
    /**
     * Bits of the VXLAN header that have to be 0, as hexadecimal digits from its first byte on; default: all that no option
     * uses. A packet with one of them set is dropped, and counted as an error. Linux 6.14 and later.
     */
    reservedBits: converted<string, bigint>(
      "reservedBits",
      header,
      BigInt,
      (value) => `0x${value.toString(16).padStart(16, "0")}`,
      { ...FIXED, equal: (a, b) => BigInt(a) === BigInt(b) },
    ),
    /** Whether multicast goes through the routing table. Linux 6.17 and later, which do not tell it. */
    mcroute: same("mcRoute", boolean, { untold: true }),
  },
  // As iproute2: the registered ports, and no learning where the far end comes with each packet.
  defaults: ({ external, gpe }) => ({
    dstport: gpe === true ? 4790 : 4789,
    ...(external === true ? { learning: false } : {}),
  }),
  complete({ vni, external }) {
    return vni === undefined && external !== true
      ? { key: "vni", reason: "missing; a VXLAN needs it, or external: true" }
      : undefined;
  },
  check(options) {
    const { remote, local } = options;
    if (remote !== undefined && local !== undefined && remote.includes(":") !== local.includes(":"))
      return { key: "local", reason: `${local} and remote ${remote} are of different families; use one` };
    if (remote !== undefined && isMulticast(remote) && options.dev === undefined)
      return { key: "dev", reason: `missing; a multicast remote (${remote}) needs the underlay device` };
    if (options.vnifilter === true && options.external !== true)
      return { key: "vnifilter", reason: "needs external: true" };
    return undefined;
  },
  leftOut: untold,
});
export interface VxlanOptions extends OptionsOf<typeof vxlan.options> {}
