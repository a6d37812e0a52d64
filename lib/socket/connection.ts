/** A connection to the kernel: requests, dumps, batches and transactions, from many callers at once. */

import { type Message, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_ERROR, NLMSG_HDRLEN } from "../wire/message.ts";
import { Acknowledged, Answered, type Command, command, Dumped, type DumpSink, type Outcome } from "./answers.ts";
import { Batch, transaction } from "./batch.ts";
import { type CallOptions, call, checkCall, type Work } from "./call.ts";
import { Channel, type ChannelOptions } from "./channel.ts";
import { now } from "./clock.ts";
import type { Dropped } from "./conversation.ts";
import { Deadlines } from "./deadline.ts";
import { EBUSY, ENOBUFS, NetlinkError, SocketError } from "./errors.ts";
import { KernelTransport } from "./kernel.ts";
import type { Job, Single } from "./outbox.ts";
import { Parcels } from "./stream.ts";
import type { Transport } from "./transport.ts";

/** A whole table. */
export interface Dump<O> {
  readonly messages: readonly O[];
  /** False: the table kept changing while it was read, so that objects may be missing or twice. */
  readonly consistent: boolean;
}

/** What {@link Connection.open} needs to know. */
export interface ConnectionOptions {
  /** NETLINK_ROUTE is 0, NETLINK_NETFILTER 12, NETLINK_GENERIC 16. */
  readonly protocol: number;
  /** Descriptor of the network namespace, which must stay open as long as the connection; the default is here. */
  readonly netns?: number | undefined;
  /**
   * Requests on the calling thread instead of a thread of the socket: two thirds of the time one by one, but a kernel
   * that is busy then holds up the whole process, for hundreds of milliseconds at times. For short-lived programs.
   */
  readonly inline?: boolean | undefined;
  /** Bytes of the longest datagram that is expected; default 32768. Grows by itself. */
  readonly slot?: number | undefined;
}

/** A dump that is interrupted, or finds the socket occupied, is read so many times again. */
const RETRIES = 10;
/** Answers that were lost or did not fit are asked for so many times again. */
const REREADS = 3;
/** Milliseconds. */
const LONGEST_PAUSE = 100;

const NOTHING: CallOptions = {};
const SUCCESS = Promise.resolve(undefined);

/** Milliseconds before attempt `n` of a dump, so that a table that is changing comes to rest. */
function pause(n: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      if (signal?.aborted === true) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(end, Math.min(2 ** n, LONGEST_PAUSE));
    signal?.addEventListener("abort", end);
  });
}

/** Who sends a job. */
interface Owner {
  cancel(job: Job, late: boolean): void;
  /** When anything was last heard, by {@link now}. */
  heard(): number;
}
/** A job, as a call watches over it. */
class JobWork implements Work {
  readonly #job: Job;
  readonly #owner: Owner;
  constructor(job: Job, owner: Owner) {
    this.#job = job;
    this.#owner = owner;
  }
  get name(): string {
    return this.#job.name;
  }
  heard(): number {
    const job = this.#job;
    if (job.kind !== "dump") return 0;
    if (!job.sent) return this.#owner.heard();
    return job.answers.full ? now() : job.answers.heard;
  }
  cancel(late: boolean): void {
    this.#owner.cancel(this.#job, late);
  }
}

/** Whether a request may leave at once. @throws {InputError} */
function mayAsk({ prompt }: Channel, options: CallOptions): boolean {
  if (options !== NOTHING) checkCall(options);
  return prompt && options.signal?.aborted !== true;
}

/** Requests to one part of the kernel. Safe to use from many callers at once. */
export class Connection implements AsyncDisposable {
  readonly #make: (() => Transport) | undefined;
  readonly #options: ChannelOptions;
  readonly #deadlines = new Deadlines();
  readonly #retired = new Set<Channel>();
  /** What former sockets dropped. */
  readonly #replaced: { readonly dropped: Dropped }[] = [];
  #channel: Channel;
  #closed = false;

  /** Opens a socket. @throws {SocketError} `ERR_OPEN` when the kernel gives none. */
  static open(options: ConnectionOptions): Connection {
    return new Connection(() => KernelTransport.open(options), options);
  }
  /** Speaks over a transport of the caller's, which is closed with the connection and cannot be replaced. */
  static over(transport: Transport, options: ChannelOptions = {}): Connection {
    return new Connection(transport, options);
  }
  private constructor(transport: Transport | (() => Transport), options: ChannelOptions) {
    this.#make = typeof transport === "function" ? transport : undefined;
    this.#options = options;
    this.#channel = new Channel(typeof transport === "function" ? transport() : transport, options);
  }

  /** What arrived and was dropped. */
  get dropped(): Dropped {
    const all = [...this.#replaced, this.#channel].map(({ dropped }) => dropped);
    const sum = (of: keyof Dropped): number => all.reduce((total, one) => total + one[of], 0);
    return { forged: sum("forged"), stray: sum("stray"), broken: sum("broken") };
  }
  /** The port id of the present socket. */
  get port(): number {
    return this.#channel.port;
  }

  /**
   * Asks for a change, and waits for the acknowledgement. Resolves to the kernel's warning, if it has one.
   * @throws {NetlinkError} when the kernel refuses. @throws {WireError} when `value` does not fit the schema.
   */
  request<I>(
    message: Message<I, unknown>,
    value: I,
    flags = 0,
    options: CallOptions = NOTHING,
  ): Promise<string | undefined> {
    let asked: boolean;
    try {
      asked = mayAsk(this.#channel, options);
      if (asked && this.#channel.ask(message, value, flags | NLM_F_REQUEST | NLM_F_ACK, NLMSG_ERROR) > 0)
        return SUCCESS;
    } catch (error) {
      return Promise.reject(error);
    }
    const make = (outcome: Outcome<string | undefined>): Single => ({
      kind: "single",
      name: message.name,
      command: command(message, value, flags),
      flags: NLM_F_REQUEST | NLM_F_ACK,
      answers: new Acknowledged({ message, value, flags }, outcome),
      dropped: false,
      sent: false,
    });
    return asked ? this.#adopt(options, make) : this.#call<string | undefined>(options, make);
  }

  /**
   * Makes a change, and asks in the same datagram for what came of it: no acknowledgement is waited for besides the answer,
   * of kind `reply`. Nothing is asked again. @throws {NetlinkError} the refusal of the change, else that of the question.
   */
  changeAndGet<I, O>(
    change: Command,
    message: Message<I, unknown>,
    value: I,
    reply: Message<never, O>,
    options?: CallOptions,
  ): Promise<O> {
    return this.#ask(message, value, reply, options, change);
  }

  /** A request with exactly one answer, of kind `reply`. Asked again when the answer was lost or did not fit. */
  get<I, O>(message: Message<I, unknown>, value: I, reply: Message<never, O>, options?: CallOptions): Promise<O> {
    return this.#ask(message, value, reply, options);
  }

  #ask<I, O>(
    message: Message<I, unknown>,
    value: I,
    reply: Message<never, O>,
    options: CallOptions = NOTHING,
    change?: Command,
  ): Promise<O> {
    const channel = this.#channel;
    let asked: boolean;
    try {
      asked = mayAsk(channel, options);
      const end = asked ? channel.ask(message, value, NLM_F_REQUEST, reply.type, change) : 0;
      if (end > 0) return Promise.resolve(reply.body.read(channel.answer, NLMSG_HDRLEN, end));
    } catch (error) {
      return Promise.reject(error);
    }
    if (change !== undefined) return this.#one(message, value, reply, options, asked, change);
    return this.#get(message, value, reply, options, asked);
  }

  async #get<I, O>(
    message: Message<I, unknown>,
    value: I,
    reply: Message<never, O>,
    options: CallOptions,
    asked: boolean,
  ): Promise<O> {
    for (let n = 0; ; n++) {
      try {
        return await this.#one(message, value, reply, options, asked && n === 0);
      } catch (error) {
        if (n >= REREADS || !this.#again(error)) throw error;
      }
    }
  }

  #one<I, O>(
    message: Message<I, unknown>,
    value: I,
    reply: Message<never, O>,
    options: CallOptions,
    asked: boolean,
    change?: Command,
  ): Promise<O> {
    const make = (outcome: Outcome<O>): Single => ({
      kind: "single",
      name: change?.message.name ?? message.name,
      change,
      command: command(message, value, 0),
      flags: NLM_F_REQUEST,
      answers: new Answered({ message, value, flags: 0 }, reply, outcome, change),
      dropped: false,
      sent: false,
    });
    return asked ? this.#adopt(options, make) : this.#call<O>(options, make);
  }

  /** Whether a read that ended so is worth another try. */
  #again(error: unknown): boolean {
    if (!(error instanceof SocketError)) return false;
    if (error.code === "ERR_TRUNCATED") this.#channel.grow(error.length ?? 0);
    // Somebody floods this socket with false answers: he does not know the port of the next.
    if (error.code === "ERR_OVERRUN" && this.#channel.dropped.forged > 0) this.#replace();
    return error.code === "ERR_TRUNCATED" || error.code === "ERR_OVERRUN";
  }

  /**
   * Reads a whole table. One that changes meanwhile is read again, up to 10 times, with pauses of up to 100 ms; then
   * the last reading is returned with `consistent: false`. Dumps of one connection follow one another.
   */
  async dump<I, O>(
    message: Message<I, unknown>,
    value: I,
    reply: Message<never, O>,
    options: CallOptions = NOTHING,
  ): Promise<Dump<O>> {
    for (let n = 0, lost = 0; ; n++) {
      if (n > 0) await pause(n, options.signal);
      try {
        const read = await this.#call<Dump<O>>(options, (outcome) => {
          const messages: O[] = [];
          return this.#dump(message, value, reply, {
            part: (part) => messages.push(part),
            full: () => false,
            streamed: false,
            end: (changed) => outcome.resolve({ messages, consistent: !changed }),
            reject: (error) => outcome.reject(error),
          });
        });
        if (read.consistent || n >= RETRIES) return read;
      } catch (error) {
        // ENOBUFS: the kernel begins no dump while the socket's receive buffer is full of what others sent.
        const occupied = error instanceof NetlinkError && (error.errno === EBUSY || error.errno === ENOBUFS);
        if (occupied && n < RETRIES) continue;
        if (lost++ >= REREADS || !this.#again(error)) throw error;
      }
    }
  }

  #dump<I, O>(message: Message<I, unknown>, value: I, reply: Message<never, O>, sink: DumpSink<O>): Job {
    return {
      kind: "dump",
      name: message.name,
      command: command(message, value, 0),
      flags: NLM_F_REQUEST | NLM_F_DUMP,
      answers: new Dumped({ message, value, flags: 0 }, reply, sink),
      dropped: false,
      sent: false,
    };
  }

  /**
   * Reads a table in parts of some hundred messages, as they arrive; the kernel waits for a slow reader.
   * @throws {SocketError} `ERR_INTERRUPTED` after the last part when the table changed while it was read: what was
   * read may lack objects or have some twice. Leaving the loop early is fine.
   */
  async *stream<I, O>(
    message: Message<I, unknown>,
    value: I,
    reply: Message<never, O>,
    options: CallOptions = NOTHING,
  ): AsyncGenerator<readonly O[], void, undefined> {
    checkCall(options);
    for (let n = 0; ; n++) {
      const left = new AbortController();
      const signal = options.signal === undefined ? left.signal : AbortSignal.any([options.signal, left.signal]);
      const parcels = new Parcels<O>(() => this.#channel.resume());
      const ended = this.#call<void>({ ...options, signal }, (outcome) =>
        this.#dump(message, value, reply, parcels.sink(message.name, outcome)),
      );
      ended.catch(() => undefined);
      try {
        yield* parcels.read(ended);
        return await ended;
      } catch (error) {
        if (parcels.given || n >= REREADS || !this.#again(error)) throw error;
      } finally {
        left.abort();
      }
    }
  }

  /**
   * Sends many requests, each on its own: no transaction. Resolves to one entry for each command: undefined, or why
   * the kernel refused it. They leave in datagrams of 12 to 16 KiB with one acknowledgement each, for which the commands
   * are taken one after the other: what makes them as they are asked for works while the kernel does.
   * @throws {WireError} for a value that does not fit; commands before it may have been carried out.
   * @throws {SocketError} as everything here; which commands were carried out is then unknown.
   */
  batch(commands: Iterable<Command>, options: CallOptions = NOTHING): Promise<readonly (NetlinkError | undefined)[]> {
    return call(this.#deadlines, options, (outcome) => {
      const batch = new Batch(commands, this.#sender, outcome);
      return {
        name: batch.name,
        heard: () => batch.heard,
        cancel: (late) => this.#cancel(batch.stop(), late),
      };
    });
  }

  /**
   * Sends `begin`, the commands and `end` in one datagram, which nf_tables carries out whole or not at all.
   * @throws {NetlinkError} the first refusal; `index` is that of the command at fault, absent for `begin` and `end`.
   * @throws {SocketError} `ERR_SEND` when the datagram is too large for what the system allows; nothing was done then.
   */
  async transaction(
    begin: Command,
    commands: readonly Command[],
    end: Command,
    options: CallOptions = NOTHING,
  ): Promise<void> {
    if (commands.length === 0) return;
    await this.#call<void>(options, (outcome) => transaction(begin, commands, end, this.#sender, outcome));
  }

  #call<T>(options: CallOptions, make: (outcome: Outcome<T>) => Job): Promise<T> {
    return call<T>(this.#deadlines, options, (outcome) => {
      const job = make(outcome);
      this.#submit(job);
      return new JobWork(job, this.#owner);
    });
  }
  /** A call whose request the channel has made already. */
  #adopt<T>(options: CallOptions, make: (outcome: Outcome<T>) => Single): Promise<T> {
    return call<T>(this.#deadlines, options, (outcome) => {
      const job = make(outcome);
      job.sent = true;
      this.#channel.adopt(job);
      return new JobWork(job, this.#owner);
    });
  }
  readonly #owner: Owner = {
    cancel: (job, late) => this.#cancel([job], late),
    heard: () => this.#channel.heard,
  };

  readonly #sender = {
    sequence: (count: number, room = count): number => this.#present().sequence(count, room),
    submit: (job: Job): void => this.#submit(job),
  };
  #submit(job: Job): void {
    if (this.#closed) job.answers.fail(new SocketError("ERR_CLOSED", "the connection is closed"));
    else this.#present().submit(job);
  }

  #cancel(jobs: Iterable<Job>, late: boolean): void {
    for (const job of jobs) for (const channel of [this.#channel, ...this.#retired]) channel.cancel(job, late);
    if (late) this.#replace();
  }

  #present(): Channel {
    if (this.#channel.broken) this.#replace();
    return this.#channel;
  }

  /** Takes a new socket where the present one does not answer any more; what was not sent goes there. */
  #replace(): void {
    if (this.#make === undefined || this.#closed) return;
    const old = this.#channel;
    try {
      const options = { ...this.#options, sequence: old.sequence(1), slot: old.slot };
      this.#channel = new Channel(this.#make(), options);
    } catch {
      return; // no other socket to be had: go on with this one
    }
    this.#retired.add(old);
    this.#replaced.push({ dropped: old.dropped });
    const unsent = old.retire(() => this.#retired.delete(old));
    for (const job of unsent) this.#channel.submit(job);
  }

  /** Closes the socket; everything under way rejects with `ERR_CLOSED`. May be called again. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const error = new SocketError("ERR_CLOSED", "the connection was closed");
    for (const channel of [this.#channel, ...this.#retired]) channel.close(error);
    this.#deadlines.clear();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
