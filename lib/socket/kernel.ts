/** The transport to the kernel of this machine. */

import { loadBinding, type NativeBinding, type SocketHandle } from "../../native-bindings/index.ts";
import { EBADF, SocketError } from "./errors.ts";
import type { Inbox, Transport } from "./transport.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_DROP_MEMBERSHIP = 2;
const NETLINK_PKTINFO = 3;
const NETLINK_LISTEN_ALL_NSID = 8;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;

/**
 * Microseconds for which an answer is waited for before the event loop goes on. Most are there in 10; waiting for one that
 * takes ten times as long still costs less than waking the event loop for it.
 */
const PATIENCE = 250;

const word = (value: number): Uint8Array => new Uint8Array(new Uint32Array([value]).buffer);

/** struct sockaddr_nl: port 0 (the kernel chooses), no groups. */
function anyPort(): Uint8Array {
  const address = new Uint8Array(12);
  new Uint16Array(address.buffer)[0] = AF_NETLINK;
  return address;
}

/** Where a socket is made, and for what. */
export interface KernelOptions {
  /** NETLINK_ROUTE is 0, NETLINK_NETFILTER 12, NETLINK_GENERIC 16. */
  readonly protocol: number;
  /** Descriptor of the network namespace; the default is the calling thread's own. */
  readonly netns?: number | undefined;
  /** Whether events of the namespaces that this one has numbers for are told, too. Default false. */
  readonly allNetns?: boolean | undefined;
}

/** A netlink socket of this machine's kernel. */
export class KernelTransport implements Transport {
  readonly port: number;
  readonly #binding: NativeBinding;
  #socket: SocketHandle | undefined;

  /** @throws {SocketError} `ERR_OPEN` when the kernel gives no such socket. */
  static open(options: KernelOptions): KernelTransport {
    const binding = loadBinding();
    const socket = binding.open(AF_NETLINK, SOCK_RAW, options.protocol, options.netns ?? -1);
    if (typeof socket === "number")
      throw new SocketError("ERR_OPEN", `cannot open a netlink socket of protocol ${options.protocol}`, {
        errno: socket,
      });
    for (const option of [NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK, NETLINK_PKTINFO])
      binding.setopt(socket, SOL_NETLINK, option, word(1)); // best effort: older kernels lack some
    const address = anyPort();
    const status =
      (options.allNetns === true ? binding.setopt(socket, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, word(1)) : 0) ||
      binding.bind(socket, address) ||
      binding.address(socket, address);
    if (status < 0) {
      binding.close(socket);
      throw new SocketError("ERR_OPEN", "cannot set up a netlink socket", { errno: status });
    }
    return new KernelTransport(binding, socket, new Uint32Array(address.buffer)[1] as number);
  }

  private constructor(binding: NativeBinding, socket: SocketHandle, port: number) {
    this.#binding = binding;
    this.#socket = socket;
    this.port = port;
  }

  get depth(): number {
    return this.#binding.depth;
  }
  exchange(message: Uint8Array | null, inbox: Inbox, done: (received: number) => void): number {
    if (this.#socket === undefined) return EBADF;
    return this.#binding.exchange(this.#socket, message, inbox.bytes, inbox.slot, inbox.meta, done);
  }
  ask(message: Uint8Array, { bytes, slot, meta }: Inbox, inline: boolean, done: (received: number) => void): number {
    if (this.#socket === undefined) return EBADF;
    if (inline) return this.#binding.transact(this.#socket, message, bytes, slot, meta);
    return this.#binding.ask(this.#socket, message, bytes, slot, meta, done, PATIENCE);
  }
  send(message: Uint8Array): number {
    return this.#socket === undefined ? EBADF : this.#binding.send(this.#socket, message, null);
  }
  receive(inbox: Inbox): number {
    return this.#socket === undefined ? EBADF : this.#binding.recv(this.#socket, inbox.bytes, inbox.slot, inbox.meta);
  }
  watch(ready: ((status: number) => void) | null): number {
    return this.#socket === undefined ? EBADF : this.#binding.watch(this.#socket, ready);
  }
  join(group: number): number {
    return this.#set(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
  }
  leave(group: number): number {
    return this.#set(SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, group);
  }
  resize(buffer: "send" | "receive", bytes: number): number {
    const [force, plain] = buffer === "send" ? [SO_SNDBUFFORCE, SO_SNDBUF] : [SO_RCVBUFFORCE, SO_RCVBUF];
    const status = this.#set(SOL_SOCKET, force, bytes);
    return status < 0 ? this.#set(SOL_SOCKET, plain, bytes) : status;
  }
  #set(level: number, option: number, value: number): number {
    return this.#socket === undefined ? EBADF : this.#binding.setopt(this.#socket, level, option, word(value));
  }
  hold(held: boolean): void {
    if (this.#socket === undefined) return;
    if (held) this.#binding.ref(this.#socket);
    else this.#binding.unref(this.#socket);
  }
  close(): void {
    if (this.#socket === undefined) return;
    this.#binding.close(this.#socket);
    this.#socket = undefined;
  }
}
