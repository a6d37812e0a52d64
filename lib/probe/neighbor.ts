/** Asks a link who has an address, from any network namespace. */
import { loadBinding } from "../../native-bindings/index.ts";
import {
  AF,
  type Asked,
  ask,
  int32,
  linkAddress,
  networkOrder,
  openIn,
  type Question,
  SOCK_DGRAM,
  SOCK_RAW,
  setOption,
  socketAddress,
} from "./sockets.ts";
import {
  arpRequest,
  BROADCAST,
  ETH_P_ARP,
  IPPROTO_ICMPV6,
  NEVER_ROUTED,
  neighborSolicitation,
  readAdvertisement,
  readArp,
  solicitedNode,
} from "./solicit.ts";

const SOL_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const IPV6_MULTICAST_HOPS = 18;

/** A link that speaks Ethernet. */
export interface AskingLink {
  readonly name: string;
  readonly index: number;
  readonly mac: string;
}
/** How long, and how often. */
export interface Patience extends Pick<Question<unknown>, "interval" | "timeout" | "signal"> {
  /** Bytes of the question of ARP, as those of an IP packet; default what it takes. */
  readonly size?: number | undefined;
}

/**
 * Asks for an IPv4 address by ARP; the answer is the Ethernet address. Same as: arping -I LINK -s SOURCE TARGET
 * @throws {SocketError} with EPERM without CAP_NET_RAW.
 */
export async function arp(
  nsFd: number,
  { index, mac }: AskingLink,
  source: string,
  target: string,
  patience: Patience,
): Promise<Asked<string>> {
  const native = loadBinding();
  const socket = openIn(nsFd, AF.packet, SOCK_DGRAM, networkOrder(ETH_P_ARP));
  try {
    native.bind(socket, linkAddress(index, ETH_P_ARP));
    const least = arpRequest({ mac, source, target });
    const request = new Uint8Array(Math.max(least.length, patience.size ?? 0));
    request.set(least);
    const to = linkAddress(index, ETH_P_ARP, BROADCAST);
    const send = (): number => native.send(socket, request, to);
    return await ask(socket, { ...patience, send, read: (data) => readArp(data, target) });
  } finally {
    native.close(socket);
  }
}

/**
 * Asks for an IPv6 address by neighbor solicitation; the answer is the Ethernet address, empty where it was not told.
 * Same as: ndisc6 TARGET LINK
 * @throws {SocketError} with EPERM without CAP_NET_RAW.
 */
export async function solicit(
  nsFd: number,
  { index, mac }: AskingLink,
  target: string,
  patience: Patience,
): Promise<Asked<string>> {
  const native = loadBinding();
  const socket = openIn(nsFd, AF[6], SOCK_RAW, IPPROTO_ICMPV6);
  try {
    for (const hops of [IPV6_UNICAST_HOPS, IPV6_MULTICAST_HOPS])
      setOption(socket, SOL_IPV6, hops, int32(NEVER_ROUTED), "set the hop limit");
    const request = neighborSolicitation({ mac, target });
    const to = socketAddress(solicitedNode(target), 0, index);
    const send = (): number => native.send(socket, request, to);
    return await ask(socket, { ...patience, send, read: (data) => readAdvertisement(data, target) });
  } finally {
    native.close(socket);
  }
}
