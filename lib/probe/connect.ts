/** Opens a TCP connection in any network namespace, and closes it. */
import { setTimeout as sleep } from "node:timers/promises";
import { loadBinding, type SocketHandle } from "../../native-bindings/index.ts";
import { errnoName } from "../socket/errors.ts";
import type { TcpEvidence } from "./result.ts";
import {
  AF,
  leaveBy,
  openIn,
  SO_ERROR,
  SOCK_STREAM,
  SOL_SOCKET,
  socketAddress,
  versionOf,
  type WayOut,
} from "./sockets.ts";

const SOL_TCP = 6;
const TCP_INFO = 11;
/** The first byte of struct tcp_info. */
const SYN_SENT = 2;
const EINPROGRESS = -115;
/** Milliseconds between two looks: sockets tell only that something can be read. */
const LOOK = 5;

/** How to connect. */
export interface ConnectOptions extends WayOut {
  /** Number of the link of a link-local address. */
  readonly scope?: number;
  /** Milliseconds until it is given up. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
}

function stateOf(socket: SocketHandle): number {
  const info = new Uint8Array(8);
  const status = loadBinding().getopt(socket, SOL_TCP, TCP_INFO, info);
  return status < 0 ? 0 : (info[0] ?? 0);
}
function errorOf(socket: SocketHandle): number {
  const error = new Uint8Array(4);
  loadBinding().getopt(socket, SOL_SOCKET, SO_ERROR, error);
  return -(new Int32Array(error.buffer)[0] ?? 0);
}

/** What an error says of the other side. */
function told(errno: number): TcpEvidence {
  const error = errnoName(errno);
  if (error === "ECONNREFUSED") return { answer: "refused" };
  // It let us in, and was gone at once.
  return errno === 0 || error === "ECONNRESET" ? { answer: "open" } : { error };
}

/**
 * Whether anybody answers at this address and port. Same as: nc -z ADDRESS PORT
 * @throws {SocketError} where the source or the link cannot be had.
 */
export async function connect(
  nsFd: number,
  address: string,
  port: number,
  options: ConnectOptions,
): Promise<TcpEvidence> {
  const { timeout, signal, scope = 0, source, dev } = options;
  signal?.throwIfAborted();
  const native = loadBinding();
  const socket = openIn(nsFd, AF[versionOf(address)], SOCK_STREAM, 0);
  const end = performance.now() + timeout;
  try {
    leaveBy(socket, { source, dev });
    const status = native.connect(socket, socketAddress(address, port, scope));
    if (status !== EINPROGRESS) return told(status);
    while (stateOf(socket) === SYN_SENT) {
      if (performance.now() >= end) return { error: "ETIMEDOUT" };
      await sleep(LOOK, undefined, { signal });
    }
    return told(errorOf(socket));
  } finally {
    native.close(socket);
  }
}
