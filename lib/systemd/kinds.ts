/**
 * Kinds of links that networkd makes: their words in the .netdev file, and what it needs to know of them besides.
 *
 * Source: systemd.netdev(5) of systemd 262 ("Added in version"), the keys that the networkd of 252, 257 and 262 has, and
 * what these make of them in the kernel.
 */
import { kindNamed } from "../state/words.ts";
import { isMulticast } from "../wire/multicast.ts";
import { type Key, type Keys, keys, noYes, oneOf, plain, yesNo } from "./keys.ts";

type Words = Readonly<Record<string, unknown>>;

/** A kind of link as networkd has it. */
export interface Netdev {
  readonly keys: Keys;
  /** The key of the file of the link below that has it made there; absent where it never is on another link. */
  readonly on?: string;
  /** The section that says that there is no link below. */
  readonly alone?: string;
  /** Whether networkd would choose a MAC address by itself. */
  readonly addressed?: true;
  /** Whether networkd gives it no IPv6 link-local address, whatever its file says. */
  readonly bare?: true;
  /** Whether the MAC address stands in the .network file, and not in the .netdev file. */
  readonly late?: true;
  /** Words that are said by the kind itself. */
  readonly said?: readonly string[];
  /** Words in networkd's terms, where several of ours are one of its. */
  readonly read?: (words: Words) => Words;
  /** What the kernel has by itself, and networkd has otherwise. */
  readonly defaults?: (words: Words) => Words;
}

const range = (value: unknown): string => {
  const { low, high } = value as { readonly low: number; readonly high: number };
  return `${low}-${high}`;
};
const spaced = (value: unknown): string | undefined => (Array.isArray(value) ? value.join(" ") : undefined);
const milliseconds = (value: unknown): string => `${String(value)}ms`;
/** Numbers that stand for nothing to networkd where they are 0. */
const counted = (value: unknown): string | undefined => (value === 0 ? undefined : plain(value));
const same = (...words: readonly string[]): Key["form"] => oneOf(Object.fromEntries(words.map((word) => [word, word])));

/* ---- on Ethernet ---- */

const bridge: Netdev = {
  addressed: true,
  keys: keys("Bridge", {
    hello: ["HelloTimeSec", 227],
    maxAge: ["MaxAgeSec", 227],
    forwardDelay: ["ForwardDelaySec", 227],
    ageing: ["AgeingTimeSec", 232],
    priority: ["Priority", 232],
    stp: ["STP", 232, yesNo],
    vlanFiltering: ["VLANFiltering", 231, yesNo],
    vlanProtocol: ["VLANProtocol", 246, oneOf({ "802.1Q": "802.1q", "802.1ad": "802.1ad" })],
    vlanDefaultPvid: ["DefaultPVID", 232, (value) => (value === 0 ? "none" : plain(value))],
    groupFwdMask: ["GroupForwardMask", 235],
    mcastSnooping: ["MulticastSnooping", 230, yesNo],
    mcastQuerier: ["MulticastQuerier", 230, yesNo],
    mcastIgmpVersion: ["MulticastIGMPVersion", 243],
    fdbMaxLearned: ["FDBMaxLearned", 257],
    noLinklocalLearn: ["LinkLocalLearning", 258, noYes],
  }),
};

const vxlan: Netdev = {
  on: "VXLAN",
  alone: "VXLAN",
  addressed: true,
  keys: keys("VXLAN", {
    vni: ["VNI", 243],
    outerGroup: ["Group", 243],
    remote: ["Remote", 233],
    local: ["Local", 233],
    dstport: ["DestinationPort", 229],
    srcport: ["PortRange", 229, range],
    ttl: ["TTL", 215],
    tos: ["TOS", 215],
    label: ["FlowLabel", 234],
    learning: ["MacLearning", 215, yesNo],
    ageing: ["FDBAgeingSec", 218],
    limit: ["MaximumFDBEntries", 228],
    proxy: ["ReduceARPProxy", 233, yesNo],
    rsc: ["RouteShortCircuit", 218, yesNo],
    l2miss: ["L2MissNotification", 218, yesNo],
    l3miss: ["L3MissNotification", 218, yesNo],
    udpCsum: ["UDPChecksum", 220, yesNo],
    udp6ZeroCsumTx: ["UDP6ZeroChecksumTx", 220, yesNo],
    udp6ZeroCsumRx: ["UDP6ZeroChecksumRx", 220, yesNo],
    remoteCsumTx: ["RemoteChecksumTx", 232, yesNo],
    remoteCsumRx: ["RemoteChecksumRx", 232, yesNo],
    gbp: ["GroupPolicyExtension", 224, yesNo],
    gpe: ["GenericProtocolExtension", 258, yesNo],
    external: ["External", 258, yesNo],
    vnifilter: ["VNIFilter", 258, yesNo],
    df: ["IPDoNotFragment", 243, oneOf({ unset: "no", set: "yes", inherit: "inherit" })],
  }),
  defaults: () => ({ udpCsum: true }),
  read: ({ remote, ...words }) => ({
    [typeof remote === "string" && isMulticast(remote) ? "outerGroup" : "remote"]: remote,
    ...words,
  }),
};

/** Priorities by priorities; networkd takes no 0, and none that becomes a larger one. */
function qosMap(value: unknown): string | undefined {
  const pairs = Object.entries(value as Readonly<Record<string, number>>).filter(([, to]) => to !== 0);
  const fits = pairs.length > 0 && pairs.every(([from, to]) => Number(from) > 0 && Number(from) >= to);
  return fits ? pairs.map(([from, to]) => `${from}-${to}`).join(" ") : undefined;
}
const vlan: Netdev = {
  on: "VLAN",
  addressed: true,
  keys: keys("VLAN", {
    id: ["Id", 211],
    protocol: ["Protocol", 248, oneOf({ "802.1Q": "802.1q", "802.1ad": "802.1ad" })],
    reorderHdr: ["ReorderHeader", 234, yesNo],
    gvrp: ["GVRP", 234, yesNo],
    mvrp: ["MVRP", 234, yesNo],
    looseBinding: ["LooseBinding", 234, yesNo],
    ingressQosMap: ["IngressQOSMaps", 248, qosMap],
    egressQosMap: ["EgressQOSMaps", 248, qosMap],
  }),
};

/** Left out is LearnPacketIntervalSec=, which 252 reads and does not set. */
const bond: Netdev = {
  addressed: true,
  keys: keys("Bond", {
    mode: ["Mode", 216],
    miimon: ["MIIMonitorSec", 216, milliseconds],
    updelay: ["UpDelaySec", 216, milliseconds],
    downdelay: ["DownDelaySec", 216, milliseconds],
    peerNotifyDelay: ["PeerNotifyDelaySec", 256, milliseconds],
    arpInterval: ["ARPIntervalSec", 220, milliseconds],
    arpIpTarget: ["ARPIPTargets", 220, spaced],
    arpValidate: ["ARPValidate", 220, same("none", "active", "backup", "all")],
    arpAllTargets: ["ARPAllTargets", 220],
    arpMissedMax: ["ARPMissedMax", 256],
    primaryReselect: ["PrimaryReselectPolicy", 220],
    failOverMac: ["FailOverMACPolicy", 220],
    xmitHashPolicy: ["TransmitHashPolicy", 216, same("layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4")],
    resendIgmp: ["ResendIGMP", 220],
    numGratArp: ["GratuitousARP", 220],
    allSlavesActive: ["AllSlavesActive", 220, yesNo],
    minLinks: ["MinLinks", 220],
    packetsPerSlave: ["PacketsPerSlave", 220],
    tlbDynamicLb: ["DynamicTransmitLoadBalancing", 240, yesNo],
    lacpRate: ["LACPTransmitRate", 216],
    adSelect: ["AdSelect", 220, same("stable", "bandwidth", "count")],
    adUserPortKey: ["AdUserPortKey", 240],
    adActorSysPrio: ["AdActorSystemPriority", 240],
    adActorSystem: ["AdActorSystem", 240],
  }),
};

const macvlanKeys = (section: string): Keys =>
  keys(section, { mode: ["Mode", 211], macaddr: ["SourceMACAddress", 246, spaced] });
const macvlan: Netdev = {
  on: "MACVLAN",
  addressed: true,
  keys: {
    ...macvlanKeys("MACVLAN"),
    ...keys("MACVLAN", {
      bcqueuelen: ["BroadcastMulticastQueueLength", 248],
      bclim: [
        "BroadcastQueueThreshold",
        256,
        (value) => (Number(value) < -1 ? undefined : value === -1 ? "no" : plain(value)),
      ],
    }),
  },
};
const macvtap: Netdev = { on: "MACVTAP", addressed: true, keys: macvlanKeys("MACVTAP") };

const ipvlanOf = (section: string): Netdev => ({
  on: section,
  addressed: true,
  keys: keys(section, {
    mode: ["Mode", 219, oneOf({ l2: "L2", l3: "L3", l3s: "L3S" })],
    flags: ["Flags", 237],
  }),
});

const macsec: Netdev = {
  on: "MACsec",
  addressed: true,
  keys: keys("MACsec", { sciPort: ["Port", 243], encrypt: ["Encrypt", 243, yesNo] }),
};

/* ---- programs at the other end ---- */

/** Users and groups that are there on each machine; networkd makes no device for a number that it finds nobody of. */
const holder = oneOf({ 0: "root" });
const tuntap = (section: string): Netdev => ({
  late: true,
  said: ["mode"],
  keys: keys(section, {
    owner: ["User", 215, holder],
    ownerGroup: ["Group", 215, holder],
    pi: ["PacketInfo", 215, yesNo],
    vnetHdr: ["VNetHeader", 223, yesNo],
    multiQueue: ["MultiQueue", 215, yesNo],
  }),
  read: (words) => Object.fromEntries(Object.entries(words).filter(([, value]) => value !== null)),
});

/* ---- tunnels over UDP ---- */

const geneve: Netdev = {
  addressed: true,
  keys: keys("GENEVE", {
    vni: ["Id", 234],
    remote: ["Remote", 234],
    ttl: ["TTL", 234],
    tos: ["TOS", 234, counted],
    label: ["FlowLabel", 234],
    df: ["IPDoNotFragment", 243, oneOf({ unset: "no", set: "yes", inherit: "inherit" })],
    dstport: ["DestinationPort", 234],
    udpCsum: ["UDPChecksum", 234, yesNo],
    udp6ZeroCsumTx: ["UDP6ZeroChecksumTx", 234, yesNo],
    udp6ZeroCsumRx: ["UDP6ZeroChecksumRx", 234, yesNo],
    innerProtoInherit: ["InheritInnerProtocol", 254, yesNo],
  }),
};

/* ---- tunnels over IP ---- */

const hops: Key["form"] = (value) => (value === "inherit" ? "0" : plain(value));
const ends = keys("Tunnel", { local: ["Local", 215], remote: ["Remote", 215], external: ["External", 251, yesNo] });
/** Tunnels without a header of their own are not told TOS=. */
const header4 = keys("Tunnel", {
  ttl: ["TTL", 215, hops],
  pmtudisc: ["DiscoverPathMTU", 215, yesNo],
});
const header6 = keys("Tunnel", {
  ttl: ["TTL", 215, hops],
  flowlabel: ["IPv6FlowLabel", 223],
  dscp: ["CopyDSCP", 223, oneOf({ keep: "no", inherit: "yes" })],
});
const tos = keys("Tunnel", { tos: ["TOS", 215] });
const greKeys = keys("Tunnel", {
  ikey: ["InputKey", 231, counted],
  okey: ["OutputKey", 231, counted],
  seq: ["SerializeTunneledPackets", 240, yesNo],
});
const ignoreDf = keys("Tunnel", { ignoreDf: ["IgnoreDontFragment", 254, yesNo] });
const erspanKeys = keys("Tunnel", {
  erspanVer: ["ERSPANVersion", 252],
  erspan: ["ERSPANIndex", 240],
  erspanDir: ["ERSPANDirection", 252],
  erspanHwid: ["ERSPANHardwareId", 252],
});
const tunnel = (...tables: readonly Keys[]): Netdev => ({
  on: "Tunnel",
  alone: "Tunnel",
  keys: Object.assign({}, ends, ...tables) as Keys,
});
/** networkd numbers packets both ways, or neither. */
const bothWays = ({ iseq, oseq, ...words }: Words): Words => ({
  ...words,
  ...(iseq === oseq ? { seq: iseq } : { iseq, oseq }),
});
const gre = (...tables: readonly Keys[]): Netdev => ({ ...tunnel(greKeys, ...tables), read: bothWays });
/** Marks that are 0 are none. */
const vti: Netdev = {
  ...tunnel(keys("Tunnel", { ikey: ["InputKey", 231, counted], okey: ["OutputKey", 231, counted] })),
  read: (words) => Object.fromEntries(Object.entries(words).filter(([, value]) => value !== 0)),
};
/** Not in 257, and in 262. */
const modes4 = (...words: readonly string[]): Keys => keys("Tunnel", { mode: ["Mode", 262, same(...words)] });

const netdevs: Readonly<Record<string, Netdev>> = {
  bridge,
  vxlan,
  vlan,
  bond,
  macvlan,
  macvtap,
  ipvlan: ipvlanOf("IPVLAN"),
  ipvtap: ipvlanOf("IPVTAP"),
  macsec,
  veth: { addressed: true, keys: {} },
  dummy: { addressed: true, keys: {} },
  ifb: { addressed: true, keys: {} },
  nlmon: { bare: true, keys: {} },
  vcan: { keys: {} },
  vrf: { bare: true, addressed: true, keys: keys("VRF", { table: ["Table", 243] }) },
  wireguard: { bare: true, keys: {} },
  tun: tuntap("Tun"),
  tap: tuntap("Tap"),
  geneve,
  ipip: { bare: true, ...tunnel(header4, modes4("ipip", "any")) },
  sit: {
    bare: true,
    ...tunnel(
      header4,
      modes4("ip6ip", "ipip", "any"),
      keys("Tunnel", { isatap: ["ISATAP", 240, yesNo], "6rdPrefix": ["IPv6RapidDeploymentPrefix", 240] }),
    ),
    // With a number, the path's MTU is always found out.
    defaults: ({ pmtudisc }) => (pmtudisc === false ? {} : { ttl: 64 }),
  },
  ip6tnl: {
    ...tunnel(
      header6,
      keys("Tunnel", {
        encaplimit: ["EncapsulationLimit", 226],
        allowLocalremote: ["AllowLocalRemote", 237, yesNo],
        mode: ["Mode", 219],
      }),
    ),
    defaults: () => ({ mode: "any" }),
  },
  gre: { bare: true, ...gre(header4, tos, ignoreDf) },
  gretap: { ...gre(header4, tos, ignoreDf), addressed: true },
  ip6gre: gre(header6),
  ip6gretap: { ...gre(header6), addressed: true },
  erspan: { ...gre(header4, tos, ignoreDf, erspanKeys), addressed: true },
  vti: { bare: true, ...vti },
  vti6: vti,
  xfrm: { on: "Xfrm", alone: "Xfrm", keys: keys("Xfrm", { ifId: ["InterfaceId", 243] }) },
};

/** networkd's word for a kind of link with these options; that of a tun device is its mode. */
export function netdevKind(kind: string, options: Words): string {
  return kind === "tun" ? String(options["mode"]) : kind;
}

/** How networkd has such a link; undefined where it does not make it. */
export function netdevOf(kind: string, options: Words): Netdev | undefined {
  const word = netdevKind(kind, options);
  return Object.hasOwn(netdevs, word) ? netdevs[word] : undefined;
}

/** All words of the .netdev file: those of the document, and what linkwright and the kernel have by themselves. */
export function netdevWords({ defaults, read }: Netdev, kind: string, options: Words): Words {
  const ours = kindNamed(kind)?.defaults?.(options) ?? {};
  const words = { ...ours, ...defaults?.(options), ...options };
  return read === undefined ? words : read(words);
}

/** Each key of a .netdev file that may be written. */
export function netdevKeys(): readonly Key[] {
  return Object.values(netdevs).flatMap((one) => Object.values(one.keys));
}

/** Each key of a .network file that makes a link on another one. */
export function underlayKeys(): readonly string[] {
  return Object.values(netdevs).flatMap(({ on }) => (on === undefined ? [] : [on]));
}
