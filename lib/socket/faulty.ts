/** A transport that does to another one what goes wrong in practice, by a list. */

import { NLMSG_ERROR } from "../wire/message.ts";
import { now } from "./clock.ts";
import { EAGAIN, EALREADY, EBADF, EBUSY } from "./errors.ts";
import { type Datagram, Inbox, type Transport } from "./transport.ts";

/**
 * What goes wrong. `at` counts from 0: datagrams that arrive, or messages that are sent; without it, all of them.
 * - `truncate` leaves `length` bytes of a datagram. `drop` loses it, `duplicate` doubles it.
 * - `delay` holds it back, and all behind it, for `ms` milliseconds. `forge` gives it another sender.
 * - `flags` sets bits of `nlmsg_flags` in its first message. `sequence` changes the number that it answers.
 * - `receive` lets a receive fail with `errno` before the datagram. `send` lets a message fail, which is not sent.
 * - `mute` swallows a message: it is not sent, and nobody is told. `refuse` does so, and answers it with `errno`.
 */
export type Fault = { readonly at?: number } & (
  | { readonly kind: "truncate"; readonly length: number }
  | { readonly kind: "drop" | "duplicate" | "mute" }
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "forge"; readonly port: number }
  | { readonly kind: "flags"; readonly flags: number }
  | { readonly kind: "sequence"; readonly sequence: number }
  | { readonly kind: "receive" | "send" | "refuse"; readonly errno: number }
);

/** Datagrams, and receives that fail, in the order in which they are to be seen. */
type Item = Datagram | number;

function patched(datagram: Datagram, change: (words: DataView) => void): Datagram {
  const data = datagram.data.slice();
  if (data.length >= 16) change(new DataView(data.buffer));
  return { ...datagram, data };
}
/** What the kernel answers to each message that it refuses: an error, and the header of what it is about. */
function allRefused(messages: Uint8Array, port: number, errno: number): Datagram[] {
  const all: Datagram[] = [];
  const words = new DataView(messages.buffer, messages.byteOffset, messages.length);
  for (let at = 0; at + 16 <= messages.length; at += (words.getUint32(at, LITTLE) + 3) & ~3)
    all.push(refused(messages.subarray(at), port, errno));
  return all;
}
function refused(message: Uint8Array, port: number, errno: number): Datagram {
  const data = new Uint8Array(36);
  const words = new DataView(data.buffer);
  words.setUint32(0, data.length, LITTLE);
  words.setUint16(4, NLMSG_ERROR, LITTLE);
  data.set(message.subarray(8, 12), 8);
  words.setUint32(12, port, LITTLE);
  words.setInt32(16, errno, LITTLE);
  data.set(message.subarray(0, 16), 20);
  return { data, length: data.length, flags: 0, port: 0, group: 0, nsid: 0xffff_ffff };
}
const LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Wraps a transport. */
export class FaultyTransport implements Transport {
  readonly #inner: Transport;
  readonly #faults: readonly Fault[];
  readonly #inbox = new Inbox();
  readonly #queue: { readonly due: number; readonly item: Item }[] = [];
  #arrived = 0;
  #sent = 0;
  #due = 0;
  #busy = false;
  #ready: ((status: number) => void) | null = null;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(inner: Transport, faults: readonly Fault[]) {
    this.#inner = inner;
    this.#faults = faults;
  }
  get port(): number {
    return this.#inner.port;
  }

  #at(number: number, sending: boolean): Fault[] {
    const matches = ({ at, kind }: Fault): boolean =>
      (at === undefined || at === number) && ["send", "mute", "refuse"].includes(kind) === sending;
    return this.#faults.filter(matches);
  }

  /** undefined: send it. */
  #outgoing(message: Uint8Array): number | undefined {
    for (const fault of this.#at(this.#sent++, true)) {
      if (fault.kind === "send") return fault.errno;
      if (fault.kind === "mute") return message.length;
      if (fault.kind !== "refuse") continue;
      for (const item of allRefused(message, this.port, fault.errno)) this.#queue.push({ due: this.#due, item });
      return message.length;
    }
    return undefined;
  }

  #incoming(datagram: Datagram): void {
    let items: Item[] = [datagram];
    const each = (change: (datagram: Datagram) => Item[]): void => {
      items = items.flatMap((item) => (typeof item === "number" ? [item] : change(item)));
    };
    for (const fault of this.#at(this.#arrived++, false)) {
      if (fault.kind === "drop") items = [];
      else if (fault.kind === "duplicate") each((item) => [item, item]);
      else if (fault.kind === "delay") this.#due = now() + fault.ms;
      else if (fault.kind === "forge") each((item) => [{ ...item, port: fault.port }]);
      else if (fault.kind === "truncate")
        each((item) => [{ ...item, data: item.data.slice(0, fault.length), flags: 0x20 }]);
      else if (fault.kind === "receive") items.unshift(fault.errno);
      else if (fault.kind === "flags")
        each((item) => [
          patched(item, (words) => words.setUint16(6, words.getUint16(6, LITTLE) | fault.flags, LITTLE)),
        ]);
      else if (fault.kind === "sequence")
        each((item) => [patched(item, (words) => words.setUint32(8, fault.sequence, LITTLE))]);
    }
    for (const item of items) this.#queue.push({ due: this.#due, item });
  }

  #collect(received: number): void {
    for (let i = 0; i < received; i++) this.#incoming(this.#inbox.get(i));
    if (received < 0 && received !== EAGAIN) this.#queue.push({ due: this.#due, item: received });
  }

  #deliver(inbox: Inbox): number {
    const time = now();
    let count = 0;
    while (count < inbox.slots) {
      const next = this.#queue[0];
      if (next === undefined || next.due > time || (typeof next.item === "number" && count > 0)) break;
      this.#queue.shift();
      if (typeof next.item === "number") return next.item;
      inbox.put(count++, next.item);
    }
    return count > 0 ? count : EAGAIN;
  }

  exchange(message: Uint8Array | null, inbox: Inbox, done: (received: number) => void): number {
    if (this.#closed) return EBADF;
    if (this.#busy) return EBUSY;
    const status = message === null ? undefined : this.#outgoing(message);
    if (status !== undefined) {
      this.#busy = true;
      setImmediate(() => {
        this.#busy = false;
        done(status < 0 ? status : this.receive(inbox));
        this.#stir();
      });
      return 0;
    }
    this.#busy = true;
    const result = this.#inner.exchange(message, this.#inbox, (received) => {
      this.#busy = false;
      this.#collect(received);
      done(this.#closed ? EBADF : this.#deliver(inbox));
      this.#stir();
    });
    if (result < 0) this.#busy = false;
    return result;
  }
  send(message: Uint8Array): number {
    return this.#closed ? EBADF : (this.#outgoing(message) ?? this.#inner.send(message));
  }
  receive(inbox: Inbox): number {
    if (this.#closed) return EBADF;
    if (this.#busy) return EBUSY;
    this.#collect(this.#inner.receive(this.#inbox));
    return this.#deliver(inbox);
  }

  watch(ready: ((status: number) => void) | null): number {
    if (this.#closed) return EBADF;
    if (ready !== null && this.#ready !== null) return EALREADY;
    this.#ready = ready;
    this.#stir();
    return this.#inner.watch(ready === null ? null : (status) => this.#woken(status));
  }
  /** What the inner socket has is taken in at once, so that it does not call again for what is held back here. */
  #woken(status: number): void {
    if (status < 0) this.#queue.push({ due: this.#due, item: status });
    if (!this.#busy) this.#collect(this.#inner.receive(this.#inbox));
    this.#stir();
  }
  #stir(): void {
    clearTimeout(this.#timer);
    const next = this.#queue[0];
    if (next === undefined || this.#ready === null || this.#busy || this.#closed) return;
    const wait = Math.max(0, Math.ceil(next.due - now()));
    this.#timer = setTimeout(() => {
      if (this.#queue[0] !== next || this.#busy) return;
      const status = typeof next.item === "number" ? next.item : 0;
      if (status < 0) this.#queue.shift();
      this.#ready?.(status);
      this.#stir();
    }, wait);
  }

  join(group: number): number {
    return this.#inner.join(group);
  }
  leave(group: number): number {
    return this.#inner.leave(group);
  }
  resize(buffer: "send" | "receive", bytes: number): number {
    return this.#inner.resize(buffer, bytes);
  }
  hold(held: boolean): void {
    this.#inner.hold(held);
  }
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#inner.close();
  }
}
