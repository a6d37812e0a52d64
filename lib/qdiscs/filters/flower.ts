/**
 * Source: include/uapi/linux/pkt_cls.h (TCA_FLOWER_*), net/sched/cls_flower.c (fl_policy, fl_set_key, fl_dump_key).
 */
import { isIPv4, isIPv6 } from "../../shape/ip.ts";
import { integer, type Shape, text } from "../../shape/shape.ts";
import { at, attrs, be16, be32, bytes, fixedText, ipv4, ipv6, mac, u8, u16, u32 } from "../../wire/index.ts";
import { actionList } from "../action.ts";
import { kind } from "../kind.ts";
import { converted, custom, type Option, same, switched, type Wire } from "../option.ts";
import { maskedAddress, maskedHex, maskedMac, maskedNumber, signedFlags } from "./masked.ts";
import { encOpts, erspanOpts, geneveOpts, gtpOpts, mplsLabels, mplsOpts, mplsShapes, vxlanOpts } from "./options.ts";
import { type EtherType, etherTypes, type IpProtocol, ipProtocols } from "./protocol.ts";
import { classid, hardwareFlags } from "./shared.ts";

const wire = attrs("TCA_FLOWER", {
  classid: at(1, u32),
  indev: at(2, fixedText(16)),
  act: at(3, actionList),
  keyEthDst: at(4, mac),
  keyEthDstMask: at(5, mac),
  keyEthSrc: at(6, mac),
  keyEthSrcMask: at(7, mac),
  keyEthType: at(8, be16),
  keyIpProto: at(9, u8),
  keyIpv4Src: at(10, ipv4),
  keyIpv4SrcMask: at(11, ipv4),
  keyIpv4Dst: at(12, ipv4),
  keyIpv4DstMask: at(13, ipv4),
  keyIpv6Src: at(14, ipv6),
  keyIpv6SrcMask: at(15, ipv6),
  keyIpv6Dst: at(16, ipv6),
  keyIpv6DstMask: at(17, ipv6),
  keyTcpSrc: at(18, be16),
  keyTcpDst: at(19, be16),
  keyUdpSrc: at(20, be16),
  keyUdpDst: at(21, be16),
  flags: at(22, u32),
  keyVlanId: at(23, u16),
  keyVlanPrio: at(24, u8),
  keyVlanEthType: at(25, be16),
  keyEncKeyId: at(26, be32),
  keyEncIpv4Src: at(27, ipv4),
  keyEncIpv4SrcMask: at(28, ipv4),
  keyEncIpv4Dst: at(29, ipv4),
  keyEncIpv4DstMask: at(30, ipv4),
  keyEncIpv6Src: at(31, ipv6),
  keyEncIpv6SrcMask: at(32, ipv6),
  keyEncIpv6Dst: at(33, ipv6),
  keyEncIpv6DstMask: at(34, ipv6),
  keyTcpSrcMask: at(35, be16),
  keyTcpDstMask: at(36, be16),
  keyUdpSrcMask: at(37, be16),
  keyUdpDstMask: at(38, be16),
  keySctpSrcMask: at(39, be16),
  keySctpDstMask: at(40, be16),
  keySctpSrc: at(41, be16),
  keySctpDst: at(42, be16),
  keyEncUdpSrcPort: at(43, be16),
  keyEncUdpSrcPortMask: at(44, be16),
  keyEncUdpDstPort: at(45, be16),
  keyEncUdpDstPortMask: at(46, be16),
  keyFlags: at(47, be32),
  keyFlagsMask: at(48, be32),
  keyIcmpv4Code: at(49, u8),
  keyIcmpv4CodeMask: at(50, u8),
  keyIcmpv4Type: at(51, u8),
  keyIcmpv4TypeMask: at(52, u8),
  keyIcmpv6Code: at(53, u8),
  keyIcmpv6CodeMask: at(54, u8),
  keyIcmpv6Type: at(55, u8),
  keyIcmpv6TypeMask: at(56, u8),
  keyArpSip: at(57, ipv4),
  keyArpSipMask: at(58, ipv4),
  keyArpTip: at(59, ipv4),
  keyArpTipMask: at(60, ipv4),
  keyArpOp: at(61, u8),
  keyArpOpMask: at(62, u8),
  keyArpSha: at(63, mac),
  keyArpShaMask: at(64, mac),
  keyArpTha: at(65, mac),
  keyArpThaMask: at(66, mac),
  keyMplsTtl: at(67, u8),
  keyMplsBos: at(68, u8),
  keyMplsTc: at(69, u8),
  keyMplsLabel: at(70, u32),
  keyTcpFlags: at(71, be16),
  keyTcpFlagsMask: at(72, be16),
  keyIpTos: at(73, u8),
  keyIpTosMask: at(74, u8),
  keyIpTtl: at(75, u8),
  keyIpTtlMask: at(76, u8),
  keyCvlanId: at(77, u16),
  keyCvlanPrio: at(78, u8),
  keyCvlanEthType: at(79, be16),
  keyEncIpTos: at(80, u8),
  keyEncIpTosMask: at(81, u8),
  keyEncIpTtl: at(82, u8),
  keyEncIpTtlMask: at(83, u8),
  keyEncOpts: at(84, encOpts),
  keyEncOptsMask: at(85, encOpts),
  inHwCount: at(86, u32),
  keyPortSrcMin: at(87, be16),
  keyPortSrcMax: at(88, be16),
  keyPortDstMin: at(89, be16),
  keyPortDstMax: at(90, be16),
  keyCtState: at(91, u16),
  keyCtStateMask: at(92, u16),
  keyCtZone: at(93, u16),
  keyCtZoneMask: at(94, u16),
  keyCtMark: at(95, u32),
  keyCtMarkMask: at(96, u32),
  keyCtLabels: at(97, bytes),
  keyCtLabelsMask: at(98, bytes),
  keyMplsOpts: at(99, mplsOpts),
  keyHash: at(100, u32),
  keyHashMask: at(101, u32),
  keyNumOfVlans: at(102, u8),
  keyPppoeSid: at(103, be16),
  keyPppProto: at(104, be16),
  keyL2tpv3Sid: at(105, be32),
});

/** A port, ports of which some bits count, or all from `min` to `max`. */
export type MatchedPorts =
  | number
  | { readonly value: number; readonly mask: number }
  | { readonly min: number; readonly max: number };
const port = integer(0, 0xffff);
const ports: Shape<MatchedPorts> = {
  expected: "a port from 0 to 65535, { min, max } of them with min below max, or { value, mask }",
  json: { anyOf: [port.json, { type: "object" }] },
  accepts(value): value is MatchedPorts {
    if (typeof value !== "object" || value === null) return port.accepts(value);
    const keys = Object.keys(value).sort().join();
    const { min, max, value: number, mask } = value as Readonly<Record<string, unknown>>;
    if (keys === "max,min") return port.accepts(min) && port.accepts(max) && min < max;
    return keys === "mask,value" && port.accepts(number) && port.accepts(mask);
  },
};
const TRANSPORTS = { tcp: "Tcp", udp: "Udp", sctp: "Sctp" } as const;
const transports = Object.values(TRANSPORTS);
/** MatchedPorts have attributes for each protocol, and others for ranges. */
function portsOf(side: "Src" | "Dst"): Option<MatchedPorts> {
  const [min, max] = [`keyPort${side}Min`, `keyPort${side}Max`];
  const plain = transports.map((name) => ({ name, option: maskedNumber(`key${name}${side}`, 16) }));
  return custom<MatchedPorts>(
    [...plain.flatMap(({ option }) => option.keys), min, max],
    ports,
    (value, context) => {
      if (typeof value === "object" && "min" in value) return { [min]: value.min, [max]: value.max };
      const protocol = ipProtocols.wordOf(ipProtocols.numberOf(context.values["ipProto"] as IpProtocol));
      const name = TRANSPORTS[protocol as keyof typeof TRANSPORTS];
      return plain.find((one) => one.name === name)?.option.write(value, context) ?? {};
    },
    (told, nameOf) => {
      if (told[min] !== undefined) return { min: told[min] as number, max: told[max] as number };
      return plain.map(({ option }) => option.read(told, nameOf)).find((value) => value !== undefined);
    },
  );
}

/** Types and codes of ICMP have attributes for each family. */
function icmp(part: "Type" | "Code"): Option<number | { readonly value: number; readonly mask: number }> {
  const [four, six] = [maskedNumber(`keyIcmpv4${part}`, 8), maskedNumber(`keyIcmpv6${part}`, 8)];
  return custom(
    [...four.keys, ...six.keys],
    four.shape,
    (value, context) =>
      (ipProtocols.numberOf(context.values["ipProto"] as IpProtocol) === 58 ? six : four).write(value, context),
    (told, nameOf) => four.read(told, nameOf) ?? six.read(told, nameOf),
  );
}
const etherType = (path: string): Option<EtherType> =>
  converted(path, etherTypes.shape, etherTypes.numberOf, etherTypes.wordOf);
const NETWORK: Shape<string> = {
  expected: "an address, or a network such as 192.0.2.0/24",
  json: { type: "string" },
  accepts: (value): value is string => typeof value === "string" && isNetwork(value),
};
function isNetwork(value: string): boolean {
  const [address = "", length, ...rest] = value.split("/");
  const most = isIPv4(address) ? 32 : isIPv6(address) && !address.includes("%") ? 128 : -1;
  return (
    rest.length === 0 && most > 0 && (length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= most))
  );
}
const NETWORK4: Shape<string> = {
  ...NETWORK,
  expected: "an IPv4 address, or a network such as 192.0.2.0/24",
  accepts: (value): value is string => NETWORK.accepts(value) && !value.includes(":"),
};
const CT_STATES = { new: 1, est: 2, rel: 4, trk: 8, inv: 16, rpl: 32 };
const IP_FLAGS = { frag: 1, firstfrag: 2 };

const options = {
  classid,
  /** Name of the link that packets arrived on. */
  indev: same("indev", text(15)),
  dstMac: maskedMac("keyEthDst"),
  srcMac: maskedMac("keyEthSrc"),
  /** Needs `protocol: "802.1Q"` of the filter. 0 to 4095. */
  vlanId: same("keyVlanId", integer(0, 4095)),
  vlanPrio: same("keyVlanPrio", integer(0, 7)),
  /** The protocol behind the VLAN's header. */
  vlanEthtype: etherType("keyVlanEthType"),
  /** The second VLAN's. */
  cvlanId: same("keyCvlanId", integer(0, 4095)),
  cvlanPrio: same("keyCvlanPrio", integer(0, 7)),
  cvlanEthtype: etherType("keyCvlanEthType"),
  /** Protocol over IP: `tcp`, `udp`, a number. */
  ipProto: converted("keyIpProto", ipProtocols.shape, ipProtocols.numberOf, ipProtocols.wordOf),
  srcIp: maskedAddress("keyIpv4Src", "keyIpv6Src", NETWORK),
  dstIp: maskedAddress("keyIpv4Dst", "keyIpv6Dst", NETWORK),
  ipTos: maskedNumber("keyIpTos", 8),
  ipTtl: maskedNumber("keyIpTtl", 8),
  /** Fragments: `+frag`, `-frag`, `+firstfrag`. */
  ipFlags: signedFlags("keyFlags", IP_FLAGS),
  /** Needs `ipProto` tcp, udp or sctp. */
  srcPort: portsOf("Src"),
  dstPort: portsOf("Dst"),
  /** Flags of TCP as bits: 2 is SYN, 16 is ACK. */
  tcpFlags: maskedNumber("keyTcpFlags", 12),
  /** Needs `ipProto` icmp or icmpv6. */
  icmpType: icmp("Type"),
  icmpCode: icmp("Code"),
  /** Sender and target of ARP. */
  arpSip: maskedAddress("keyArpSip", "keyArpSip", NETWORK4),
  arpTip: maskedAddress("keyArpTip", "keyArpTip", NETWORK4),
  /** 1 asks, 2 answers. */
  arpOp: maskedNumber("keyArpOp", 8),
  /** Of the tunnel that the packet came through: its VNI or key, and outer addresses. */
  encKeyId: same("keyEncKeyId", integer(0, 0xffff_ffff)),
  encSrcIp: maskedAddress("keyEncIpv4Src", "keyEncIpv6Src", NETWORK),
  encDstIp: maskedAddress("keyEncIpv4Dst", "keyEncIpv6Dst", NETWORK),
  encSrcPort: maskedNumber("keyEncUdpSrcPort", 16),
  encDstPort: maskedNumber("keyEncUdpDstPort", 16),
  encTos: maskedNumber("keyEncIpTos", 8),
  encTtl: maskedNumber("keyEncIpTtl", 8),
  /** What else the header of the tunnel carries, of one sort: options of Geneve, and each of them has to be there. */
  geneveOpts,
  vxlanOpts,
  erspanOpts,
  gtpOpts,
  /** Of the outermost label of MPLS. Needs `protocol` mpls_uc or mpls_mc. */
  mplsLabel: same("keyMplsLabel", mplsShapes.label),
  mplsTc: same("keyMplsTc", mplsShapes.tc),
  /** Whether it is the only label. */
  mplsBos: switched("keyMplsBos", mplsShapes.bos),
  mplsTtl: same("keyMplsTtl", mplsShapes.ttl),
  /** Of several labels, instead of the four above. */
  mpls: mplsLabels,
  /** State of connection tracking: `+trk+est`, `-new`. */
  ctState: signedFlags("keyCtState", CT_STATES),
  ctZone: maskedNumber("keyCtZone", 16),
  ctMark: maskedNumber("keyCtMark", 32),
  /** 16 bytes in hexadecimal, with a mask where not all bits count. */
  ctLabel: maskedHex("keyCtLabels", 16),
  ...hardwareFlags,
};

/** Words that mean something in packets of some protocols only; the kernel would ignore them silently in others. */
const OVER_IP = [
  "ipProto",
  "srcIp",
  "dstIp",
  "ipTos",
  "ipTtl",
  "srcPort",
  "dstPort",
  "tcpFlags",
  "icmpType",
  "icmpCode",
] as const;
const OVER_ARP = ["arpSip", "arpTip", "arpOp"] as const;
const OVER_MPLS = ["mpls", "mplsLabel", "mplsTc", "mplsBos", "mplsTtl"] as const;
const OVER_VLAN = ["vlanId", "vlanPrio", "vlanEthtype"] as const;
const WITH_PORTS: readonly unknown[] = ["tcp", "udp", "sctp"];

/** The protocol of the packet behind its VLAN headers. */
function innermost({ protocol = "all", vlanEthtype, cvlanEthtype }: Wire): EtherType {
  return etherTypes.wordOf(etherTypes.numberOf((cvlanEthtype ?? vlanEthtype ?? protocol) as EtherType));
}

/** Fields of the packet, by name. */
export const flower = kind({
  kind: "flower",
  wire,
  options,
  whole: true,
  exclusive: [
    ["geneveOpts", "vxlanOpts", "erspanOpts", "gtpOpts"],
    ["mpls", "mplsLabel"],
    ["mpls", "mplsTc"],
    ["mpls", "mplsBos"],
    ["mpls", "mplsTtl"],
  ],
  base: ({ protocol = "all" }): Wire =>
    protocol === "all" ? {} : { keyEthType: etherTypes.numberOf(protocol as EtherType) },
  check(values) {
    const given = values as Wire;
    const inner = innermost(given);
    const outer = etherTypes.wordOf(etherTypes.numberOf((given["protocol"] ?? "all") as EtherType));
    const needs = (keys: readonly string[], fits: boolean, reason: string) => {
      const key = fits ? undefined : keys.find((one) => given[one] !== undefined);
      return key === undefined ? undefined : { key, reason };
    };
    const proto = values.ipProto === undefined ? undefined : ipProtocols.wordOf(ipProtocols.numberOf(values.ipProto));
    const wide = inner === "ipv6";
    const address = [values.srcIp, values.dstIp].find((one) => one !== undefined && one.includes(":") !== wide);
    return (
      needs(OVER_IP, inner === "ip" || wide, "needs protocol: ip or ipv6") ??
      needs(OVER_ARP, inner === "arp", "needs protocol: arp") ??
      needs(OVER_MPLS, inner === "mpls_uc" || inner === "mpls_mc", "needs protocol: mpls_uc or mpls_mc") ??
      needs(OVER_VLAN, outer === "802.1Q" || outer === "802.1ad", "needs protocol: 802.1Q or 802.1ad") ??
      needs(["srcPort", "dstPort"], WITH_PORTS.includes(proto), "needs ipProto: tcp, udp or sctp") ??
      needs(["tcpFlags"], proto === "tcp", "needs ipProto: tcp") ??
      needs(
        ["icmpType", "icmpCode"],
        proto === (wide ? "icmpv6" : "icmp"),
        `needs ipProto: ${wide ? "icmpv6" : "icmp"}`,
      ) ??
      (address === undefined
        ? undefined
        : { key: values.srcIp === address ? "srcIp" : "dstIp", reason: `${address} is not of protocol ${inner}` })
    );
  },
});
