/**
 * Sockets for packets of our own, made in any network namespace without entering it.
 *
 * Source: include/uapi/linux/in.h, in6.h, if_packet.h, icmp.h (options and address structures), asm-generic/socket.h.
 */
import { loadBinding, META, type SocketHandle } from "../../native-bindings/index.ts";
import { EAGAIN, errnoName, SocketError } from "../socket/errors.ts";
import { ipv4, ipv6, mac as macCodec } from "../wire/address.ts";
import { Writer } from "../wire/buffer.ts";
import type { Version } from "./echo.ts";

export const AF = { 4: 2, 6: 10, packet: 17 } as const;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
/** Packets of every protocol. Source: include/uapi/linux/if_ether.h */
export const ETH_P_ALL = 0x0003;
export const SOL_SOCKET = 1;
export const SO_ERROR = 4;
const SO_RCVBUF = 8;
const SO_BINDTODEVICE = 25;
/** Bytes of what one packet may have. */
export const LARGEST = 65_535;

/** An `int` of an option. */
export function int32(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

export const versionOf = (address: string): Version => (address.includes(":") ? 6 : 4);

/** struct sockaddr_in or sockaddr_in6. */
export function socketAddress(address: string, port: number, scope = 0): Uint8Array {
  const version = versionOf(address);
  const out = new Writer(32);
  const at = out.take(version === 4 ? 4 : 8);
  out.u16[at >> 1] = AF[version];
  out.u8[at + 2] = port >> 8;
  out.u8[at + 3] = port;
  (version === 4 ? ipv4 : ipv6).write(out, address);
  const end = out.take(version === 4 ? 8 : 4);
  if (version === 6) out.u32[end >> 2] = scope;
  return out.finish();
}

/** struct sockaddr_ll: a link and, for what is sent, the Ethernet address of the receiver. */
export function linkAddress(index: number, protocol: number, mac = "00:00:00:00:00:00"): Uint8Array {
  const out = new Writer(32);
  const at = out.take(12);
  out.u16[at >> 1] = AF.packet;
  out.u8[at + 2] = protocol >> 8;
  out.u8[at + 3] = protocol;
  out.u32[(at + 4) >> 2] = index;
  out.u8[at + 11] = 6;
  macCodec.write(out, mac);
  out.take(2);
  return out.finish();
}

/** A protocol of Ethernet as `socket` takes it. */
export const networkOrder = (protocol: number): number => ((protocol & 0xff) << 8) | (protocol >> 8);

/** @throws {SocketError} `ERR_OPEN`, with EPERM where a packet socket needs CAP_NET_RAW. */
export function openIn(nsFd: number, domain: number, type: number, protocol: number): SocketHandle {
  const socket = loadBinding().open(domain, type, protocol, nsFd);
  if (typeof socket === "number") throw new SocketError("ERR_OPEN", "cannot open a socket", { errno: socket });
  return socket;
}

/** @throws {SocketError} where the kernel refuses the option. */
export function setOption(socket: SocketHandle, level: number, name: number, value: Uint8Array, doing: string): void {
  const errno = loadBinding().setopt(socket, level, name, value);
  if (errno < 0) throw new SocketError("ERR_OPEN", `cannot ${doing}`, { errno });
}

/** Room for more than one packet. */
export function widen(socket: SocketHandle): void {
  loadBinding().setopt(socket, SOL_SOCKET, SO_RCVBUF, int32(1_048_576));
}

/** What a packet leaves by. */
export interface WayOut {
  /** Source address; default the one that the kernel chooses. */
  readonly source?: string | undefined;
  /** Name of the link to leave by, whatever the routes say. */
  readonly dev?: string | undefined;
}

/** @throws {SocketError} with EADDRNOTAVAIL for an address that this host does not have, ENODEV for no such link. */
export function leaveBy(socket: SocketHandle, { source, dev }: WayOut): void {
  if (dev !== undefined)
    setOption(socket, SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${dev}\0`), `send by the link ${dev}`);
  if (source === undefined) return;
  const errno = loadBinding().bind(socket, socketAddress(source, 0));
  if (errno < 0) throw new SocketError("ERR_OPEN", `cannot send from ${source}`, { errno });
}

/** Takes every packet that has arrived, or those until `take` says false: on a busy link there is always another one. */
export function receive(
  socket: SocketHandle,
  slab: Uint8Array,
  meta: Uint32Array,
  take: (data: Buffer) => unknown,
): void {
  const slot = slab.length;
  for (let errors = 0; errors < 100; ) {
    const count = loadBinding().recv(socket, slab, slot, meta);
    if (count === EAGAIN || count === 0) return;
    // An error of an earlier packet is gone by being told.
    if (count < 0) errors++;
    else if (take(Buffer.from(slab.slice(0, Math.min(meta[META.LENGTH] ?? 0, slot)))) === false) return;
  }
}

/** A question in one packet, asked several times. */
export interface Question<T> {
  /** Sends it; returns what the kernel said. */
  send(): number;
  /** What an answer tells; undefined for packets that are none. */
  read(data: Buffer): T | undefined;
  /** Milliseconds between two times. */
  readonly interval: number;
  /** Milliseconds until it is given up. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}
/** What came of it: an answer, else why the question did not leave, else nothing. */
export interface Asked<T> {
  readonly answer?: T;
  readonly error?: string;
  /** Milliseconds. */
  readonly ms: number;
}

/** Asks until there is an answer, or the time is over. Rejects with the signal's reason. */
export function ask<T>(
  socket: SocketHandle,
  { send, read, interval, timeout, signal }: Question<T>,
): Promise<Asked<T>> {
  const native = loadBinding();
  const start = performance.now();
  const slab = new Uint8Array(2048);
  const meta = new Uint32Array(META.WORDS);
  return new Promise((resolve, reject) => {
    let error: string | undefined;
    const end = (answer?: T): void => {
      clearInterval(again);
      clearTimeout(last);
      native.watch(socket, null);
      signal?.removeEventListener("abort", stop);
      const ms = performance.now() - start;
      if (signal?.aborted === true) reject(signal.reason);
      else if (answer !== undefined) resolve({ answer, ms });
      else resolve({ ...(error !== undefined && { error }), ms });
    };
    const stop = (): void => end();
    const once = (): void => {
      const status = send();
      if (status < 0) error ??= errnoName(status);
    };
    const again = setInterval(once, interval);
    const last = setTimeout(stop, timeout);
    signal?.addEventListener("abort", stop);
    native.watch(socket, (status) => {
      if (status < 0) error ??= errnoName(status);
      let answer: T | undefined;
      receive(socket, slab, meta, (data) => {
        answer ??= read(data);
      });
      if (answer !== undefined) end(answer);
    });
    once();
    if (signal?.aborted === true) stop();
  });
}
