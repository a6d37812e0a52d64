/** What changes, told by the kernel as it happens: the members of multicast groups. */

import { type Message, type MessageOut, NLMSG_HDRLEN } from "../wire/message.ts";
import { now } from "./clock.ts";
import { EAGAIN, EBADF, SocketError } from "./errors.ts";
import { type KernelOptions, KernelTransport } from "./kernel.ts";
import {
  Inbox,
  META_FLAGS,
  META_GROUP,
  META_LENGTH,
  META_NSID,
  META_PORT,
  META_WORDS,
  MSG_TRUNC,
  type Transport,
} from "./transport.ts";

type Kind = Message<never, unknown>;

declare const matched: unique symbol;
/** Marks a change whose kind was looked at, so that "not this kind" says nothing of kinds with an equal payload. */
export interface Matched {
  readonly [matched]: true;
}

/** One change. */
export class Change<V = unknown> {
  /** Number of the message: 16 is RTM_NEWLINK. */
  readonly type: number;
  /** The kernel's name of it. */
  readonly name: string;
  readonly value: V;
  /** The multicast group. */
  readonly group: number;
  /** The namespace that it happened in, as this one numbers it; undefined for this one. */
  readonly nsid: number | undefined;

  constructor(kind: Kind, value: V, group: number, nsid: number | undefined) {
    this.type = kind.type;
    this.name = kind.name;
    this.value = value;
    this.group = group;
    this.nsid = nsid;
  }
  /** Whether it is a message of this kind; its value then has that kind's type. */
  is<O>(kind: Message<never, O>): this is Change<O> & Matched {
    return this.type === kind.type;
  }
}

/**
 * Changes were lost, because they came faster than they were read, or one did not fit. Read anew what is of interest:
 * all that is told from here on is newer than the loss.
 */
export interface Resync {
  readonly type: "resync";
}
const RESYNC: Resync = { type: "resync" };

/** A change of one of the kinds asked for, or the word that some were lost. */
export type MonitorEvent<M extends Kind = Kind> = Change<MessageOut<M>> | Resync;

/** How to listen. */
export interface MonitorOptions<M extends Kind = Kind> {
  /** Numbers of the multicast groups: RTNLGRP_LINK is 1. */
  readonly groups: readonly number[];
  /** The kinds of messages that are told; others are passed over. */
  readonly kinds: readonly M[];
  /** Bytes of the receive buffer that is asked for; default 4 MiB, of which the unprivileged may get less. */
  readonly buffer?: number | undefined;
  /** Whether listening keeps the process alive; by default it does not. */
  readonly held?: boolean | undefined;
  /** Ends listening: waiting readers reject with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Bytes. */
const BUFFER = 4 * 1024 * 1024;
/** Events that wait for their reader; then the kernel's buffer has to hold the further ones. */
const WAITING = 8192;
/** Milliseconds of decoding after which the event loop gets its turn. */
const TURN = 4;
/**
 * Milliseconds. When events come closer together than this, so long is waited before the next ones are read, all of them at
 * once: waking up for each costs more than reading it.
 */
const REST = 1;
/** Datagrams that are passed over after a loss at most: more than any buffer holds. */
const PASSED_OVER = 65_536;

interface Reader<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

/** Listens to multicast groups. Iterate over it; it can be read by one reader. */
export class Monitor<M extends Kind = Kind> implements AsyncDisposable, AsyncIterableIterator<MonitorEvent<M>> {
  readonly #transport: Transport;
  readonly #kinds: (M | undefined)[] = [];
  readonly #signal: AbortSignal | undefined;
  readonly #inbox = new Inbox(32);
  #queue: MonitorEvent<M>[] = [];
  /** Place in the queue of the next event. */
  #at = 0;
  #reader: Reader<MonitorEvent<M>> | undefined;
  #watching = false;
  /** When events were last read, by {@link now}. */
  #last = Number.NEGATIVE_INFINITY;
  /** The socket is not watched but read when this is over. */
  #rest: NodeJS.Timeout | undefined;
  readonly #held: boolean;
  /** Datagrams that may still be passed over after a loss. */
  #losing = 0;
  #end: { readonly error?: unknown } | undefined;
  #forged = 0;

  /** Opens a socket and joins the groups. @throws {SocketError} `ERR_OPEN` */
  static open<M extends Kind>(options: MonitorOptions<M> & KernelOptions): Monitor<M> {
    return new Monitor(KernelTransport.open(options), options);
  }
  /** Listens on a transport of the caller's, which is closed with the monitor. @throws {SocketError} `ERR_OPEN` */
  static over<M extends Kind>(transport: Transport, options: MonitorOptions<M>): Monitor<M> {
    return new Monitor(transport, options);
  }
  private constructor(transport: Transport, options: MonitorOptions<M>) {
    this.#transport = transport;
    this.#held = options.held ?? false;
    for (const kind of options.kinds) this.#kinds[kind.type] = kind;
    transport.resize("receive", options.buffer ?? BUFFER);
    for (const group of options.groups) {
      const status = transport.join(group);
      if (status >= 0) continue;
      transport.close();
      throw new SocketError("ERR_OPEN", `cannot listen to multicast group ${group}`, { errno: status });
    }
    this.#signal = options.signal;
    this.#signal?.addEventListener("abort", this.#abort);
    if (this.#signal?.aborted === true) this.#abort();
    else this.#watch();
  }
  readonly #abort = (): void => this.#finish({ error: this.#signal?.reason });

  /** Datagrams that did not come from the kernel, and were dropped. */
  get forged(): number {
    return this.#forged;
  }

  #watch(): void {
    if (this.#watching || this.#end !== undefined) return;
    this.#watching = true;
    if (this.#rest !== undefined) return;
    const status = this.#transport.watch((ready) => this.#ready(ready));
    if (status < 0) this.#broken(status);
    else this.#transport.hold(this.#held);
  }
  #broken(errno: number): void {
    this.#finish({ error: new SocketError("ERR_RECEIVE", "the socket is broken", { errno }) });
  }

  /** True when all that has arrived was read. */
  #ready(status: number): boolean {
    let empty = false;
    let some = false;
    if (status < 0) this.#lose();
    const start = now();
    const until = start + TURN;
    do {
      const received = this.#transport.receive(this.#inbox);
      if (received === EAGAIN) {
        if (this.#losing > 0) this.#lost();
        empty = true;
        break;
      }
      if (received < 0) {
        if (received === EBADF) {
          this.#broken(received);
          return true;
        }
        this.#lose();
        continue;
      }
      for (let i = 0; i < received; i++) this.#take(i);
      some = true;
      if (this.#waiting >= WAITING) {
        this.#watching = false;
        this.#transport.watch(null);
        break;
      }
    } while (now() < until && this.#end === undefined);
    if (some) this.#pace(start);
    this.#serve();
    return empty;
  }
  /** Events were read, from `now` on. */
  #pace(now: number): void {
    const close = now - this.#last < 2 * REST;
    this.#last = now;
    if (!close || !this.#watching || this.#rest !== undefined || this.#end !== undefined) return;
    this.#transport.watch(null);
    this.#rest = setTimeout(() => {
      this.#rest = undefined;
      if (!this.#watching || this.#end !== undefined) return;
      this.#ready(0);
      if (this.#rest !== undefined || !this.#watching) return;
      this.#watching = false;
      this.#watch();
    }, REST);
    if (!this.#held) this.#rest.unref();
  }
  get #waiting(): number {
    return this.#queue.length - this.#at;
  }

  /** What is in the kernel's buffer now is older than the loss: it goes too, and then a reader may start afresh. */
  #lose(): void {
    this.#losing = PASSED_OVER;
    this.#queue = [];
    this.#at = 0;
  }
  #lost(): void {
    this.#losing = 0;
    this.#queue.push(RESYNC);
  }

  #take(index: number): void {
    const { meta, reader, slot } = this.#inbox;
    const at = index * META_WORDS;
    if (meta[at + META_PORT] !== 0) {
      this.#forged++;
      return;
    }
    if (this.#losing > 0) {
      if (--this.#losing === 0) this.#lost();
      return;
    }
    const length = meta[at + META_LENGTH] as number;
    if (length > slot || ((meta[at + META_FLAGS] as number) & MSG_TRUNC) !== 0) {
      this.#lost();
      return;
    }
    const end = index * slot + length;
    reader.datagram(index * slot, end);
    for (let from = index * slot; from + NLMSG_HDRLEN <= end; ) {
      const size = reader.u32[from >> 2] as number;
      if (size < NLMSG_HDRLEN || size > end - from) {
        this.#lost();
        return;
      }
      const kind = this.#kinds[reader.u16[(from >> 1) + 2] as number];
      if (kind !== undefined) {
        const nsid = meta[at + META_NSID] as number;
        try {
          const value = kind.body.read(reader, from + NLMSG_HDRLEN, from + size) as MessageOut<M>;
          const where = nsid === 0xffff_ffff ? undefined : nsid;
          this.#queue.push(new Change(kind, value, meta[at + META_GROUP] as number, where));
        } catch {
          this.#lost(); // a form that this build does not know: whoever listens has to look
        }
      }
      from += (size + 3) & ~3;
    }
  }

  /** Gives the reader what it waits for. */
  #serve(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    const event = this.#queue[this.#at];
    if (event !== undefined) {
      this.#reader = undefined;
      reader.resolve({ done: false, value: this.#shift(event) });
    } else if (this.#end !== undefined) {
      this.#reader = undefined;
      if ("error" in this.#end) reader.reject(this.#end.error);
      else reader.resolve({ done: true, value: undefined });
    }
  }
  #shift(event: MonitorEvent<M>): MonitorEvent<M> {
    this.#at++;
    if (this.#at === this.#queue.length) {
      this.#queue = [];
      this.#at = 0;
    }
    if (!this.#watching && this.#waiting < WAITING / 2) this.#watch();
    return event;
  }

  /** The next event. Rejects with the signal's reason, or `ERR_RECEIVE`; ends when the monitor is closed. */
  next(): Promise<IteratorResult<MonitorEvent<M>, undefined>> {
    const event = this.#queue[this.#at];
    if (event !== undefined) return Promise.resolve({ done: false, value: this.#shift(event) });
    return new Promise((resolve, reject) => {
      if (this.#reader !== undefined) {
        reject(new SocketError("ERR_PROTOCOL", "a monitor has one reader"));
        return;
      }
      this.#reader = { resolve, reject };
      this.#serve();
    });
  }
  /**
   * Reads what the kernel has told by now, without waiting; false where that was too much for one turn. A change that
   * was acknowledged has been told.
   */
  poll(): boolean {
    return this.#end !== undefined || this.#ready(0);
  }
  /** All events that are there already, without waiting; empty when there is none. */
  take(): MonitorEvent<M>[] {
    const events = this.#queue.slice(this.#at);
    this.#queue = [];
    this.#at = 0;
    this.#watch();
    return events;
  }
  /** Leaving a loop closes the monitor. */
  async return(): Promise<IteratorResult<MonitorEvent<M>, undefined>> {
    this.close();
    return { done: true, value: undefined };
  }
  [Symbol.asyncIterator](): this {
    return this;
  }

  #finish(end: { readonly error?: unknown }): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#watching = true; // never again
    clearTimeout(this.#rest);
    this.#transport.close();
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#serve();
  }
  /** Stops listening; what was received before can still be read. May be called again. */
  close(): void {
    this.#finish({});
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
