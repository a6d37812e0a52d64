/**
 * What networkd calls the words of a document, and since when.
 *
 * Source: systemd.netdev(5) and systemd.network(5) of systemd 262 ("Added in version"), and what 247, 252, 257 and 262
 * made of each key in the kernel.
 */

/** How a word of a document is said to networkd. */
export interface Key {
  readonly section: string;
  readonly key: string;
  /** The first version that knows the key. */
  readonly since: number;
  /** The value in networkd's words; undefined where it has none. */
  readonly form: (value: unknown) => string | undefined;
}
/** Words of one kind of link, or of one sort of entry. */
export type Keys = Readonly<Record<string, Key>>;

/** networkd's word for a switch. */
export const yesNo = (value: unknown): string => (value === true ? "yes" : "no");
/** The same for one that networkd has the other way round. */
export const noYes = (value: unknown): string => (value === true ? "no" : "yes");
/** Numbers and text as they are. */
export const plain = (value: unknown): string | undefined =>
  typeof value === "number" || typeof value === "string" ? String(value) : undefined;
/** Words that networkd has others for; what is not among them it cannot say. */
export const oneOf =
  (words: Readonly<Record<string, string>>) =>
  (value: unknown): string | undefined =>
    Object.hasOwn(words, String(value)) ? words[String(value)] : undefined;

/** Words of a section, each with its key, the version that brought it, and its form where that is not its own text. */
export function keys(section: string, rows: Readonly<Record<string, readonly [string, number, Key["form"]?]>>): Keys {
  return Object.fromEntries(
    Object.entries(rows).map(([word, [key, since, form = plain]]) => [word, { section, key, since, form }]),
  );
}

/** Words of every link, in its .network file. */
export const linkKeys = keys("Link", {
  mtu: ["MTUBytes", 218],
  arp: ["ARP", 232, yesNo],
  multicast: ["Multicast", 239, yesNo],
  allmulticast: ["AllMulticast", 239, yesNo],
  promisc: ["Promiscuous", 248, yesNo],
  group: ["Group", 246],
});

/** Words of a port of a bridge, in its .network file. `UseBPDU` and `AllowPortToBeRoot` did not do the same in all versions. */
export const portKeys = keys("Bridge", {
  cost: ["Cost", 218],
  priority: ["Priority", 234],
  hairpin: ["HairPin", 223, yesNo],
  fastLeave: ["FastLeave", 223, yesNo],
  flood: ["UnicastFlood", 223, yesNo],
  mcastFlood: ["MulticastFlood", 242, yesNo],
  mcastToUnicast: ["MulticastToUnicast", 240, yesNo],
  mcastRouter: ["MulticastRouter", 243, oneOf({ 0: "no", 1: "query", 2: "permanent", 3: "temporary" })],
  learning: ["Learning", 242, yesNo],
  neighSuppress: ["NeighborSuppression", 242, yesNo],
  proxyArp: ["ProxyARP", 243, yesNo],
  proxyArpWifi: ["ProxyARPWiFi", 243, yesNo],
  isolated: ["Isolated", 251, yesNo],
  locked: ["Locked", 258, yesNo],
  mab: ["MACAuthenticationBypass", 258, yesNo],
  vlanTunnel: ["VLANTunnel", 258, yesNo],
});

/** Addresses, in the .network file of their link. */
export const addressKeys = keys("Address", {
  address: ["Address", 211],
  peer: ["Peer", 216, plain],
  label: ["Label", 211],
  broadcast: ["Broadcast", 211, (value) => (value === "none" ? "no" : plain(value))],
  scope: ["Scope", 235, oneOf({ global: "global", link: "link", host: "host" })],
  metric: ["RouteMetric", 246],
  noprefixroute: ["AddPrefixRoute", 245, noYes],
  preferredLifetime: ["PreferredLifetime", 230, oneOf({ 0: "0", forever: "forever" })],
  nodad: ["DuplicateAddressDetection", 245, (value) => (value === true ? "none" : undefined)],
});

/** Routes, in the .network file of their output link. */
export const routeKeys = keys("Route", {
  dst: ["Destination", 211],
  via: ["Gateway", 211],
  src: ["PreferredSource", 227],
  metric: ["Metric", 216],
  table: ["Table", 230],
  protocol: ["Protocol", 234],
  scope: ["Scope", 219, oneOf({ global: "global", link: "link", host: "host" })],
  type: ["Type", 235, oneOf({ unicast: "unicast" })],
  onlink: ["GatewayOnLink", 234, yesNo],
  mtu: ["MTUBytes", 239],
  advmss: ["TCPAdvertisedMaximumSegmentSize", 248],
});

/** Policy rules, in the .network file of any link. `Type` is left out: networkd gives rules without a table one as well. */
export const ruleKeys = keys("RoutingPolicyRule", {
  family: ["Family", 243, oneOf({ inet: "ipv4", inet6: "ipv6" })],
  priority: ["Priority", 235],
  from: ["From", 235],
  to: ["To", 235],
  iif: ["IncomingInterface", 236],
  oif: ["OutgoingInterface", 236],
  fwmark: ["FirewallMark", 235],
  tos: ["TypeOfService", 235],
  sport: ["SourcePort", 240],
  dport: ["DestinationPort", 240],
  uidrange: ["User", 245],
  not: ["InvertRule", 239, yesNo],
  table: ["Table", 235],
  suppressPrefixlength: ["SuppressPrefixLength", 245],
  suppressIfgroup: ["SuppressInterfaceGroup", 250],
});

/** Entries of a VXLAN's forwarding table. */
export const fdbKeys = keys("BridgeFDB", {
  mac: ["MACAddress", 215],
  dst: ["Destination", 243],
  vni: ["VNI", 243],
  via: ["OutgoingInterface", 249],
});

/** Neighbors that are not asked for. */
export const neighborKeys = keys("Neighbor", {
  address: ["Address", 240],
  mac: ["LinkLayerAddress", 243],
});
