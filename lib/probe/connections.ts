/**
 * TCP connections as the kernel sees them.
 *
 * Source: include/uapi/linux/sock_diag.h, inet_diag.h (struct inet_diag_req_v2, inet_diag_msg, INET_DIAG_INFO),
 * include/uapi/linux/tcp.h (struct tcp_info), include/net/tcp_states.h, net/ipv4/inet_diag.c inet_diag_dump_icsk.
 */
import { type CallOptions, Connection } from "../socket/index.ts";
import { ipv4, ipv6 } from "../wire/address.ts";
import { at, attrs } from "../wire/attr.ts";
import { Reader } from "../wire/buffer.ts";
import { be16, bytes, type Fixed, struct, u8, u32 } from "../wire/codec.ts";
import { body, type MessageOut, message } from "../wire/message.ts";
import type { ConnectionState } from "./result.ts";

const NETLINK_SOCK_DIAG = 4;
const SOCK_DIAG_BY_FAMILY = 20;
const AF_INET = 2;
const AF_INET6 = 10;
const IPPROTO_TCP = 6;
/** INET_DIAG_INFO as a bit of `ext`. */
const WANT_INFO = 1 << 1;
/** TCP states by number. */
const STATES = [
  "",
  "established",
  "syn-sent",
  "syn-recv",
  "fin-wait-1",
  "fin-wait-2",
  "time-wait",
  "close",
  "close-wait",
  "last-ack",
  "listen",
  "closing",
];
/** Bits of those that carry data: established, and half closed by the other side. */
const OPEN_STATES = (1 << STATES.indexOf("established")) | (1 << STATES.indexOf("close-wait"));
/** INET_DIAG_NOCOOKIE. */
const ANY = 0xffff_ffff;
const MICRO = 1000;

/** 16 bytes of an address: all of IPv6, or the first four. */
const room: Fixed<string> = {
  name: "address",
  size: 16,
  write: (out) => {
    out.take(16);
  },
  read: (from, start, end) => Buffer.from(from.u8.subarray(start, end)).toString("hex"),
};
const sockid = {
  sport: be16,
  dport: be16,
  src: room,
  dst: room,
  interface: u32,
  cookieLow: u32,
  cookieHigh: u32,
} as const;
const request = struct("inet_diag_req_v2", { family: u8, protocol: u8, ext: u8, _pad: u8, states: u32, ...sockid });
const answer = struct("inet_diag_msg", {
  family: u8,
  state: u8,
  timer: u8,
  retransmits: u8,
  ...sockid,
  expires: u32,
  rqueue: u32,
  wqueue: u32,
  uid: u32,
  inode: u32,
});
const getConnection = message("SOCK_DIAG_BY_FAMILY", SOCK_DIAG_BY_FAMILY, body(request, attrs("INET_DIAG_REQ", {})));
/** What the kernel tells of one connection. */
export const connectionMessage = message(
  "SOCK_DIAG_BY_FAMILY",
  SOCK_DIAG_BY_FAMILY,
  body(answer, attrs("INET_DIAG", { info: at(2, bytes) })),
);

/** An address out of the 16 bytes; IPv4 that a socket of IPv6 has comes as IPv4. */
function addressOf(family: number, hex: string): string {
  const all = Buffer.from(hex, "hex");
  const mapped = family === AF_INET6 && hex.startsWith("00000000000000000000ffff");
  if (family === AF_INET6 && !mapped) return ipv6.read(new Reader(all), 0, 16);
  return ipv4.read(new Reader(all.subarray(mapped ? 12 : 0, mapped ? 16 : 4)), 0, 4);
}

/** Places in struct tcp_info, which grows at its end. */
const INFO = {
  retransmits: 2,
  rto: 8,
  unacked: 24,
  lastDataSent: 44,
  lastAckReceived: 56,
  pathMtu: 60,
  bytesAcked: 120,
  segmentsIn: 140,
} as const;

/** One connection in our words; a field that this kernel does not tell is 0. */
export function connectionOf({ header, attrs: found }: MessageOut<typeof connectionMessage>): ConnectionState {
  const info = found.info ?? new Uint8Array(0);
  const view = new DataView(info.buffer, info.byteOffset, info.byteLength);
  const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  const word = (place: number): number => (place + 4 <= info.length ? view.getUint32(place, little) : 0);
  const { bytesAcked, retransmits, rto } = INFO;
  return {
    local: addressOf(header.family, header.src),
    localPort: header.sport,
    remote: addressOf(header.family, header.dst),
    remotePort: header.dport,
    state: STATES[header.state] ?? `#${header.state}`,
    segmentsIn: word(INFO.segmentsIn),
    bytesAcked: bytesAcked + 8 <= info.length ? Number(view.getBigUint64(bytesAcked, little)) : 0,
    unacked: word(INFO.unacked),
    retransmits: info[retransmits] ?? 0,
    lastAckReceived: word(INFO.lastAckReceived),
    lastDataSent: word(INFO.lastDataSent),
    rto: Math.round(word(rto) / MICRO),
    pathMtu: word(INFO.pathMtu),
  };
}

/** Which connection. */
export interface Ends {
  readonly local?: string | undefined;
  readonly localPort: number;
  readonly remote: string;
  readonly remotePort: number;
}

/** Asks one network namespace for its TCP connections. */
export class Connections implements Disposable {
  readonly #connection: Connection;

  /** `nsFd` as with the native layer; it must stay open. @throws {SocketError} */
  constructor(nsFd: number) {
    this.#connection = Connection.open({ protocol: NETLINK_SOCK_DIAG, netns: nsFd });
  }

  /**
   * The open connection with these ends; undefined where there is none. Needs no privilege.
   * Same as: ss -tin state established sport = :22 dst ADDRESS dport = :50022
   */
  async find(ends: Ends, options: CallOptions = {}): Promise<ConnectionState | undefined> {
    // A connection of IPv4 may belong to a socket of IPv6.
    for (const family of ends.remote.includes(":") ? [AF_INET6] : [AF_INET, AF_INET6]) {
      const header = {
        ...{ family, protocol: IPPROTO_TCP, ext: WANT_INFO, states: OPEN_STATES },
        ...{ sport: ends.localPort, dport: ends.remotePort, src: "", dst: "", interface: 0 },
        ...{ cookieLow: ANY, cookieHigh: ANY },
      };
      const { messages } = await this.#connection.dump(getConnection, { header }, connectionMessage, options);
      const found = messages
        .map(connectionOf)
        .find(({ local, remote }) => remote === ends.remote && (ends.local === undefined || ends.local === local));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}
