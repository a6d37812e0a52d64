/**
 * What a conversation with the kernel needs from a socket, and the memory that datagrams arrive in.
 *
 * Calls return a value >= 0 or a negated error number, as the native binding does; they do not throw.
 */
import { Reader } from "../wire/buffer.ts";

/** Words of {@link Inbox.meta} for each datagram; the layout of the native binding. */
export const META_WORDS = 5;
/** Real length of the datagram; more than the slot means that it was cut. */
export const META_LENGTH = 0;
/** `msg_flags` of recvmsg(2). */
export const META_FLAGS = 1;
/** The sender's port id, 0 for the kernel. */
export const META_PORT = 2;
/** The multicast group that the datagram was sent to, 0 for none. */
export const META_GROUP = 3;
/** The namespace id of an event, 0xffffffff for none. */
export const META_NSID = 4;
/** In {@link META_FLAGS}: the datagram did not fit. */
export const MSG_TRUNC = 0x20;

/** Bytes of a slot: a dump fills what it is offered up to 32 KiB, and smaller slots are up to 12 times slower. */
export const SLOT = 32 * 1024;

/** Room for some datagrams: datagram `i` stands at byte `i * slot` of `bytes`. */
export class Inbox {
  /** Bytes that one datagram may have. A multiple of 8. */
  readonly slot: number;
  /** Datagrams that fit. */
  readonly slots: number;
  readonly bytes: Uint8Array;
  readonly meta: Uint32Array;
  /** The same memory, for decoders. Nothing that outlives the decoding may point into it. */
  readonly reader: Reader;

  constructor(slots = 16, slot = SLOT) {
    this.slots = slots;
    this.slot = (slot + 7) & ~7;
    this.bytes = new Uint8Array(this.slots * this.slot);
    this.meta = new Uint32Array(this.slots * META_WORDS);
    this.reader = new Reader(this.bytes);
  }

  /** Puts a datagram into slot `index`, cut where it does not fit, as the kernel does. */
  put(index: number, datagram: Datagram): void {
    const start = index * this.slot;
    this.bytes.set(datagram.data.subarray(0, this.slot), start);
    this.bytes.fill(0, start + Math.min(datagram.data.length, this.slot), start + this.slot);
    const at = index * META_WORDS;
    this.meta[at + META_LENGTH] = datagram.length;
    this.meta[at + META_FLAGS] = datagram.length > this.slot ? datagram.flags | MSG_TRUNC : datagram.flags;
    this.meta[at + META_PORT] = datagram.port;
    this.meta[at + META_GROUP] = datagram.group;
    this.meta[at + META_NSID] = datagram.nsid;
  }

  /** A copy of the datagram in slot `index`. */
  get(index: number): Datagram {
    const at = index * META_WORDS;
    const length = this.meta[at + META_LENGTH] as number;
    const start = index * this.slot;
    return {
      data: this.bytes.slice(start, start + Math.min(length, this.slot)),
      length,
      flags: this.meta[at + META_FLAGS] as number,
      port: this.meta[at + META_PORT] as number,
      group: this.meta[at + META_GROUP] as number,
      nsid: this.meta[at + META_NSID] as number,
    };
  }
}

/** One datagram outside an inbox: its bytes, and what {@link Inbox.meta} says of it. */
export interface Datagram {
  readonly data: Uint8Array;
  readonly length: number;
  readonly flags: number;
  readonly port: number;
  readonly group: number;
  readonly nsid: number;
}

/** One netlink socket, or what stands in for one. */
export interface Transport {
  /** The port id of this socket; 0 when it is not known. */
  readonly port: number;
  /** Exchanges that may be under way: they happen one after the other, as they were asked for. Default 1. */
  readonly depth?: number;
  /**
   * Sends `message` (unless null), then receives into `inbox`, without holding up the calling thread. `done` gets the
   * number of datagrams, or what went wrong: -EAGAIN when nothing was there yet (the message was sent). -EBUSY for one
   * more than {@link depth}. Nothing of `message` and `inbox` may be touched until `done`. The process stays alive meanwhile.
   */
  exchange(message: Uint8Array | null, inbox: Inbox, done: (received: number) => void): number;
  /**
   * The same for one request that is answered by one datagram; for a fraction of a millisecond it is waited for here. Returns
   * 0, or what `done` would have been called with, which then is not called. `inline`: all on the calling thread. Who has
   * no such method has each request wait for the others that are made in the same turn.
   */
  ask?(message: Uint8Array, inbox: Inbox, inline: boolean, done: (received: number) => void): number;
  /** Sends on the calling thread: the kernel executes a request inside the call and may sleep on its locks. */
  send(message: Uint8Array): number;
  /** Receives on the calling thread what is there; -EAGAIN when nothing is. */
  receive(inbox: Inbox): number;
  /**
   * Calls `ready` as long as something is there to receive; with a status below 0 for an error of the socket
   * (-ENOBUFS: datagrams were lost). Null stops. A second watch is -EALREADY. Paused during an exchange.
   */
  watch(ready: ((status: number) => void) | null): number;
  /** Becomes a member of a multicast group. */
  join(group: number): number;
  leave(group: number): number;
  /** Asks for a buffer of at least so many bytes; what privileges do not allow is given as far as they do. */
  resize(buffer: "send" | "receive", bytes: number): number;
  /** Whether a watched socket holds the process; it does by default. */
  hold(held: boolean): void;
  /** At any time, also with an exchange under way, whose `done` may then still be called. Later calls are -EBADF. */
  close(): void;
}
