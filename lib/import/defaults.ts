/**
 * What a new link has by itself: not worth a line of a document.
 *
 * Taken from kernels: each kind was made with nothing but what it cannot be without, and read.
 */
import { sameValue } from "../state/step.ts";

type Values = Readonly<Record<string, unknown>>;

const EVERY: Values = {
  arp: true,
  multicast: true,
  trailers: true,
  broadcast: "ff:ff:ff:ff:ff:ff",
  txqlen: 1000,
  numTxQueues: 1,
  numRxQueues: 1,
  gsoMaxSize: 65_536,
  gsoMaxSegs: 65_535,
  groMaxSize: 65_536,
  gsoIpv4MaxSize: 65_536,
  groIpv4MaxSize: 65_536,
  addrGenMode: "eui64",
  linkmode: "default",
  label: 0,
};
/** What most options are that nobody set. */
const NOTHING: readonly unknown[] = [false, 0, "none", "unset", null, "", "::", "0.0.0.0"];
/** Words without which a link is another one, whatever their value. */
const ALWAYS = ["vni", "id", "dev", "table", "ifId", "dstport", "mode", "slave1", "slave2", "ikey", "okey", "sci"];
/** Told, and not to be said: what comes with the hardware, or from what is below. */
export const NEVER = [
  "carrier",
  "mac",
  "broadcast",
  "up",
  "mtu",
  "master",
  "numTxQueues",
  "numRxQueues",
  "kind",
  "name",
  "port",
  "peer",
];

const IPV4_TUNNEL: Values = { ttl: "inherit", pmtudisc: true };
const BARE: Values = { arp: false, multicast: false };
const IPV6_TUNNEL: Values = { ttl: 64, encaplimit: 4, dscp: "keep" };
const MACVLAN: Values = { bcqueuelen: 1000 };

const KINDS: Readonly<Record<string, Values>> = {
  bridge: {
    stpMode: "auto",
    forwardDelay: 15,
    hello: 2,
    maxAge: 20,
    ageing: 300,
    priority: 32_768,
    vlanProtocol: "802.1Q",
    vlanDefaultPvid: 1,
    groupAddress: "01:80:c2:00:00:00",
    mcastRouter: 1,
    mcastSnooping: true,
    mcastHashMax: 4096,
    mcastLastMemberCount: 2,
    mcastStartupQueryCount: 2,
    mcastLastMemberInterval: 1,
    mcastMembershipInterval: 260,
    mcastQuerierInterval: 255,
    mcastQueryInterval: 125,
    mcastQueryResponseInterval: 10,
    mcastIgmpVersion: 2,
    mcastMldVersion: 1,
  },
  vxlan: { labelPolicy: "fixed", learning: true, ageing: 300, udpCsum: true, localbypass: true },
  bond: {
    useCarrier: true,
    arpAllTargets: "any",
    arpMissedMax: 2,
    primaryReselect: "always",
    xmitHashPolicy: "layer2",
    resendIgmp: 1,
    numGratArp: 1,
    lpInterval: 1,
    packetsPerSlave: 1,
    tlbDynamicLb: true,
    lacpRate: "slow",
    lacpActive: true,
    coupledControl: true,
    adSelect: "stable",
  },
  dummy: BARE,
  ifb: { ...BARE, txqlen: 32 },
  nlmon: BARE,
  vcan: BARE,
  vrf: BARE,
  vti: BARE,
  vti6: BARE,
  xfrm: BARE,
  wireguard: BARE,
  vlan: { ...BARE, protocol: "802.1Q", reorderHdr: true },
  macvlan: MACVLAN,
  macvtap: { ...MACVLAN, txqlen: 500 },
  ipvlan: { flags: "bridge" },
  ipvtap: { flags: "bridge", txqlen: 500 },
  geneve: { udp6ZeroCsumRx: true },
  macsec: { cipher: "gcm-aes-128", icvlen: 16, sendSci: true, protect: true, validate: "strict" },
  gre: { ...BARE, ...IPV4_TUNNEL },
  gretap: IPV4_TUNNEL,
  erspan: { ...IPV4_TUNNEL, iseq: true, oseq: true, erspanVer: 1 },
  ipip: { ...BARE, ...IPV4_TUNNEL, mode: "ipip" },
  sit: { ...BARE, ...IPV4_TUNNEL, ttl: 64, mode: "ip6ip" },
  ip6gre: { ...BARE, ...IPV6_TUNNEL },
  ip6gretap: IPV6_TUNNEL,
  ip6erspan: { ...IPV6_TUNNEL, iseq: true, oseq: true, erspanVer: 1 },
  ip6tnl: { ...BARE, ...IPV6_TUNNEL, mode: "ip6ip6" },
};
/** The kernel takes the length of its clock's ticks off: 31.24 or 31.25 seconds. */
const STARTUP_QUERY = { least: 31.2, most: 31.3 };

const PORT: Values = {
  priority: 32,
  learning: true,
  flood: true,
  mcastFlood: true,
  bcastFlood: true,
  mcastRouter: 1,
  mcastEhtHostsLimit: 512,
};
/** Of a port: what the bridge works out. */
const PORT_NEVER = ["state"];
/** Costs that a bridge gives ports of 10 Gbit/s, 5, 2.5, 1, 100 Mbit/s, and of no known speed. */
const COSTS: readonly unknown[] = [1, 2, 3, 4, 5, 19, 100];

/** Bytes of an MTU where nothing else is known of it. */
const MTU = 1500;
const MTUS: Readonly<Record<string, number>> = {
  gre: 1476,
  gretap: 1462,
  erspan: 1450,
  ipip: 1480,
  sit: 1480,
  ip6gretap: 1434,
  ip6erspan: 1422,
  ip6tnl: 1452,
  macsec: 1468,
  wireguard: 1420,
  nlmon: 3776,
  vcan: 72,
};
/** The MTU that a new link of a kind has, over an underlay of 1500 bytes. */
export const mtuOfKind = (kind: string | undefined): number => (kind === undefined ? undefined : MTUS[kind]) ?? MTU;

/** Whether a list or a map is empty. */
const isEmpty = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;

/** Whether a new link of a kind has this value anyway. */
export function isDefault(kind: string | undefined, key: string, value: unknown): boolean {
  const own = kind === undefined ? undefined : KINDS[kind];
  const known = { ...EVERY, ...own };
  if (Object.hasOwn(known, key)) return sameValue(known[key], value);
  if (ALWAYS.includes(key) && kind !== undefined) return false;
  if (key === "mcastStartupQueryInterval")
    return typeof value === "number" && value > STARTUP_QUERY.least && value < STARTUP_QUERY.most;
  return NOTHING.includes(value) || isEmpty(value);
}

/** Options as a port that a new port does not have. */
export function portRest(master: string | undefined, port: Values): Record<string, unknown> {
  if (master !== "bridge") return {};
  const kept = Object.entries(port).filter(
    ([key, value]) =>
      !PORT_NEVER.includes(key) &&
      !(key === "cost" && COSTS.includes(value)) &&
      !(Object.hasOwn(PORT, key) ? sameValue(PORT[key], value) : NOTHING.includes(value) || isEmpty(value)),
  );
  return Object.fromEntries(kept);
}
