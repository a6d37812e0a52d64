/** Datagrams to a unix socket: Node itself has none. And the addresses of such sockets. */
import { setTimeout as sleep } from "node:timers/promises";
import { loadBinding } from "../../native-bindings/index.ts";
import { EAGAIN } from "./errors.ts";

export const AF_UNIX = 1;
const SOCK_DGRAM = 2;
/** Bytes of a path in a sockaddr_un. Source: include/uapi/linux/un.h */
const LONGEST = 108;
/** Bytes of the path of a socket that others can connect to; with a null byte after it. */
export const LONGEST_PATH = LONGEST - 1;
const EINVAL = -22;
/** So often it is tried again where the other side's queue is full, with a pause in between, in milliseconds. */
const TRIES = 40;
const PAUSE = 25;

/** A sockaddr_un, with a path that may be too long for the kernel; one that begins with `@` is in the abstract namespace. */
export function addressOf(path: string): Uint8Array {
  const name = Buffer.from(path.startsWith("@") ? `\0${path.slice(1)}` : path);
  const out = Buffer.alloc(2 + name.length);
  new Uint16Array(out.buffer, out.byteOffset, 1)[0] = AF_UNIX;
  name.copy(out, 2);
  return out;
}

/** Sends one datagram. Returns 0 where it was taken, else a negated error number: whoever listens may be gone. */
export function sendUnix(path: string, message: string | Uint8Array): number {
  const native = loadBinding();
  const address = addressOf(path);
  if (address.length > 2 + LONGEST) return EINVAL;
  const socket = native.open(AF_UNIX, SOCK_DGRAM, 0, -1);
  if (typeof socket === "number") return socket;
  try {
    return Math.min(0, native.send(socket, Buffer.from(message), address));
  } finally {
    native.close(socket);
  }
}

/** The same, with a second of patience where the other side does not come to read. */
export async function deliverUnix(path: string, message: string | Uint8Array): Promise<number> {
  for (let tries = 1; ; tries++) {
    const errno = sendUnix(path, message);
    if (errno !== EAGAIN || tries === TRIES) return errno;
    await sleep(PAUSE);
  }
}
