/** Source: include/uapi/linux/if_link.h (IFLA_GENEVE_*), drivers/net/geneve.c (geneve_policy, geneve_nl2info, geneve_fill_info). */
import { address, boolean, choice, integer } from "../../shape/shape.ts";
import { at, attrs, be16, be32, bool, flag, ipv4, ipv6, oneOf, u8, u32 } from "../../wire/index.ts";
import { linkKind } from "../kind.ts";
import { custom, eitherFamily, flagged, same } from "../option.ts";
import { port, portRange, portRangeStruct, ttl } from "../tunnels/udp.ts";

const FIXED = { fixed: true };
/** Without a far end it is a tunnel over IPv4. */
const isIPv6 = (remote: string | undefined): boolean => remote?.includes(":") === true;
/** What cannot be where each packet brings it along. */
const PER_PACKET = ["vni", "remote", "ttl", "tos", "label"] as const;

/** A layer 2 overlay over UDP whose header can grow. */
export const geneve = linkKind({
  kind: "geneve",
  wire: attrs("IFLA_GENEVE", {
    id: at(1, u32),
    remote: at(2, ipv4),
    ttl: at(3, u8),
    tos: at(4, u8),
    port: at(5, be16),
    collectMetadata: flag(6),
    remote6: at(7, ipv6),
    udpCsum: at(8, bool),
    udpZeroCsum6Tx: at(9, bool),
    udpZeroCsum6Rx: at(10, bool),
    label: at(11, be32),
    ttlInherit: at(12, bool),
    df: at(13, oneOf(u8, { unset: 0, set: 1, inherit: 2 })),
    innerProtoInherit: flag(14),
    portRange: at(15, portRangeStruct("ifla_geneve_port_range")),
    groHint: flag(16),
  }),
  options: {
    /** Virtual network identifier, 0 to 16777215. */
    vni: same("id", integer(0, 0xff_ffff), FIXED),
    /** Address of the far end; no multicast group. */
    remote: eitherFamily("remote", "remote6", address, { inPlace: (from, to) => isIPv6(from) === isIPv6(to) }),
    /** Hops of the outer packets: 0 lets the kernel choose, `inherit` takes the inner packet's. */
    ttl: custom(
      ["ttl", "ttlInherit"],
      ttl,
      (value) => (value === "inherit" ? { ttlInherit: true } : { ttl: value }),
      (wire) => (wire["ttlInherit"] === true ? "inherit" : (wire["ttl"] as number | undefined)),
    ),
    /** Traffic class of the outer packets; 1 means the inner packet's. */
    tos: same("tos", integer(0, 255)),
    /** Flow label of outer packets, 20 bits; IPv6 only. */
    label: same("label", integer(0, 0xf_ffff)),
    /** The don't-fragment bit of the outer IPv4 header. Default unset. */
    df: same("df", choice("unset", "set", "inherit")),
    /** UDP port; default 6081, the registered one. */
    dstport: same("port", port, FIXED),
    /** Range of UDP source ports; default 1 to 65535. Linux 6.16 and later. */
    srcport: same("portRange", portRange, FIXED),
    /** Whether outer UDP over IPv4 has a checksum. Default false. */
    udpCsum: same("udpCsum", boolean, FIXED),
    /** Whether outer UDP over IPv6 goes out without checksum. Default false. */
    udp6ZeroCsumTx: same("udpZeroCsum6Tx", boolean, FIXED),
    /** Whether outer UDP over IPv6 may come in without checksum. */
    udp6ZeroCsumRx: same("udpZeroCsum6Rx", boolean, FIXED),
    /** Whether IP packets are inside without Ethernet header. Default false. Linux 5.18 and later. */
    innerProtoInherit: flagged("innerProtoInherit", boolean, FIXED),
    /** Metadata mode: the far end and the VNI come with each packet, from a route or a filter. Default false. */
    external: flagged("collectMetadata", boolean, FIXED),
  },
  complete({ vni, remote, external }) {
    if (external === true) return undefined;
    if (vni === undefined) return { key: "vni", reason: "missing; a Geneve link needs it, or external: true" };
    return remote === undefined ? { key: "remote", reason: "missing; or external: true" } : undefined;
  },
  check(options) {
    const { remote, external, label = 0, udpCsum } = options;
    const given = PER_PACKET.find((key) => Boolean(options[key]));
    if (external === true && given !== undefined)
      return { key: given, reason: "comes with each packet where external is true; leave it out" };
    if (label !== 0 && !isIPv6(remote)) return { key: "label", reason: "needs a remote of IPv6" };
    return udpCsum === true && isIPv6(remote)
      ? { key: "udpCsum", reason: "is for IPv4; over IPv6 it is udp6ZeroCsumTx: false" }
      : undefined;
  },
});
