/**
 * One transport, kept busy: requests that come while an exchange is under way leave together in the next datagram,
 * and while a dump is decoded the next part of it is being received.
 */

import type { Reader } from "../wire/buffer.ts";
import { type Message, NLM_F_ACK_TLVS, NLM_F_MULTI, NLMSG_DONE, NLMSG_ERROR, NLMSG_HDRLEN } from "../wire/message.ts";
import type { Command } from "./answers.ts";
import { now } from "./clock.ts";
import { type Answers, Conversation, type Dropped, type Parts } from "./conversation.ts";
import { EAGAIN, ENOBUFS, SocketError } from "./errors.ts";
import { type Job, type Letter, Outbox, type Single } from "./outbox.ts";
import { Inbox, META_FLAGS, META_LENGTH, META_PORT, META_WORDS, SLOT, type Transport } from "./transport.ts";

/** While more requests than this may be answered, none is sent. */
const LOAD = 200;
/** Milliseconds of decoding after which the event loop gets its turn. */
const TURN = 4;
/** Datagrams after a loss that are read before the rest is taken for newer: more than the receive buffer holds. */
const RECOVERY = 16_384;
/** Bytes that are asked for as receive buffer. */
const RECEIVE_BUFFER = 1024 * 1024;

/** Continuations of it run at the end of the turn, as with queueMicrotask, which costs several times as much. */
const NOW = Promise.resolve();

/** What came of an exchange; it is decoded in turn. */
interface Parcel {
  readonly inbox: Inbox;
  readonly received: number;
  /** Requests that left in this exchange. */
  readonly sent: readonly Answers[];
  /** The next datagram to decode. */
  next: number;
}

/** How a channel works. */
export interface ChannelOptions {
  /** Requests on the calling thread: quicker one by one, but a request that the kernel holds up holds up the process. */
  readonly inline?: boolean | undefined;
  /** Bytes of a slot for a datagram; grows by itself. */
  readonly slot?: number | undefined;
  /** The first sequence number. */
  readonly sequence?: number | undefined;
}

/** Requests and answers over one transport. */
export class Channel {
  readonly #transport: Transport;
  readonly #inline: boolean;
  readonly #conversation: Conversation;
  readonly #outbox: Outbox;
  #slot: number;
  #free: Inbox[] = [];
  readonly #parcels: Parcel[] = [];
  /** The dump under way. */
  #dump: Parts | undefined;
  /** The transaction under way. */
  #exclusive: Answers | undefined;
  /** Answers were lost: nothing is sent until it is known whose. */
  #recovering = false;
  /** Datagrams read since the loss. */
  #recovered = 0;
  /** Exchanges under way. */
  #busy = 0;
  readonly #depth: number;
  /** The kernel may have something for us now. */
  #more = false;
  #watching = false;
  #turning = false;
  #scheduled = false;
  /** Milliseconds of work on the calling thread since the event loop had its turn. */
  #spent = 0;
  #closed: SocketError | undefined;
  /** Where the answer to a request arrives that is made at once. */
  #desk: Inbox;
  #asked = { first: 0, last: 0, received: 0, answers: [] as readonly Answers[] };
  /** Something was asked in this turn: what follows waits, and leaves together. */
  #asking = false;
  /** When the event loop last had its turn, by {@link now}; 0 where nothing was asked since then. */
  #since = 0;
  /** Bytes of the send buffer that was asked for. */
  #room = 100_000;
  /** When something was last heard of the kernel, by {@link now}. */
  heard = 0;
  /** The socket is of no use any more. */
  broken = false;
  #retired: (() => void) | undefined;

  constructor(transport: Transport, options: ChannelOptions = {}) {
    this.#transport = transport;
    this.#inline = options.inline ?? false;
    this.#slot = options.slot ?? SLOT;
    this.#conversation = new Conversation(options.sequence);
    this.#outbox = new Outbox(this.#conversation);
    this.#desk = new Inbox(1, this.#slot);
    this.#depth = this.#inline ? 1 : (transport.depth ?? 1);
    transport.resize("receive", RECEIVE_BUFFER);
  }

  get port(): number {
    return this.#transport.port;
  }
  /** Bytes of a slot. */
  get slot(): number {
    return this.#slot;
  }
  get dropped(): Dropped {
    return this.#conversation.dropped;
  }
  get #quiet(): boolean {
    return this.#conversation.pending === 0 && this.#outbox.empty;
  }
  sequence(count: number, room = count): number {
    return this.#conversation.sequence(count, room);
  }

  /** Sends `job` as soon as may be. */
  submit(job: Job): void {
    if (this.#closed !== undefined) {
      job.answers.fail(this.#closed);
      return;
    }
    this.#outbox.add(job);
    this.#soon();
  }

  /** Whether a request can be made at once: nothing is under way, and the event loop does not wait for long already. */
  get prompt(): boolean {
    if (this.#transport.ask === undefined || this.#busy > 0 || this.#asking || this.#scheduled || this.#turning)
      return false;
    if (!this.#quiet || this.#parcels.length > 0 || this.#recovering || this.#closed !== undefined) return false;
    if (this.broken || this.#retired !== undefined) return false;
    const time = now();
    if (this.#since === 0) {
      this.#since = time;
      setImmediate(() => {
        this.#since = 0;
      });
    }
    this.#spent = Math.max(this.#spent, time - this.#since);
    return this.#spent <= TURN;
  }

  /**
   * Makes a request at once, and before it a change that is not acknowledged; only where {@link prompt} is true. Returns
   * where the payload of its answer ends in {@link answer}, if that is there already, alone and of type `type`: for an
   * acknowledgement, if it is a plain success. Where 0 is returned, {@link adopt} has to follow.
   * @throws {WireError} when nothing was sent.
   */
  ask<I>(message: Message<I, unknown>, value: I, flags: number, type: number, change?: Command): number {
    const first = this.#conversation.sequence(change === undefined ? 1 : 2);
    const sequence = change === undefined ? first : first + 1;
    const bytes = this.#outbox.only(message, value, flags, sequence, change);
    this.#makeRoom(bytes.length);
    this.#asked.first = first;
    this.#asked.last = sequence;
    this.#asking = true;
    void NOW.then(this.#cease);
    this.#busy = 1;
    const received = this.#transport.ask?.(bytes, this.#desk, this.#inline, this.#late) ?? EAGAIN;
    this.#asked.received = received;
    if (received === 0) return 0;
    this.#busy = 0;
    return received === 1 ? this.#only(sequence, type) : 0;
  }
  readonly #cease = (): void => {
    this.#asking = false;
  };
  /** What was received. */
  get answer(): Reader {
    return this.#desk.reader;
  }
  #only(sequence: number, type: number): number {
    const { meta, slot, reader } = this.#desk;
    const { u16, u32 } = reader;
    const length = u32[0] as number;
    const sound = meta[META_PORT] === 0 && meta[META_FLAGS] === 0 && meta[META_LENGTH] === length && length <= slot;
    if (!sound || length < NLMSG_HDRLEN || u32[2] !== sequence || u16[2] !== type) return 0;
    const flags = u16[3] as number;
    if (type === NLMSG_ERROR ? u32[4] !== 0 || (flags & NLM_F_ACK_TLVS) !== 0 : (flags & NLM_F_MULTI) !== 0) return 0;
    reader.datagram(0, length);
    return length;
  }
  /** The request that was made last is answered to `job`. */
  adopt({ answers }: Single): void {
    const { first, last, received } = this.#asked;
    answers.first = first;
    answers.last = last;
    this.#conversation.expect(answers);
    this.#asked.answers = [answers];
    if (received === 0) return;
    this.#arrived(this.#desk, received, [answers]);
    this.#soon();
  }
  readonly #late = (received: number): void => {
    this.#ended(this.#desk, received, this.#asked.answers);
  };

  /** Nobody waits for the answers any more. */
  cancel(job: Job, hopeless: boolean): void {
    job.dropped = true;
    if (!job.sent) return;
    // The kernel goes on with a dump: it has to be read to its end before the next, unless the kernel is silent.
    if (job.kind === "dump" && !hopeless) job.answers.abandoned = true;
    else this.#forget(job.answers);
    this.#soon();
  }
  #forget(answers: Answers): void {
    this.#conversation.forget(answers);
    this.#settle();
  }

  /** Datagrams of up to `length` bytes must fit from now on. */
  grow(length: number): void {
    if (length <= this.#slot) return;
    this.#slot = 2 ** Math.ceil(Math.log2(length));
    this.#free = [];
    if (this.#busy === 0 && this.#parcels.length === 0) this.#desk = new Inbox(1, this.#slot);
  }

  /** Nothing is to be sent here any more: gives back what was not, and closes when the rest is answered. */
  retire(closed: () => void): Job[] {
    this.#retired = closed;
    this.#soon();
    return this.#outbox.clear();
  }

  /** Ends everything under way with `error`. */
  close(error: SocketError): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    this.#transport.close();
    this.#conversation.fail(error);
    for (const job of this.#outbox.clear()) job.answers.fail(error);
    this.#free = [];
  }

  /** Goes on at the end of this turn, so that requests made in one go leave in one datagram. */
  #soon(): void {
    if (this.#scheduled || this.#turning || (this.#busy > 0 && !this.#ahead)) return;
    if (this.#spent > TURN) {
      this.#later();
      return;
    }
    this.#scheduled = true;
    void NOW.then(this.#run);
  }
  readonly #run = (): void => {
    this.#scheduled = false;
    this.#turn();
  };
  #later(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#spent = 0;
      this.#turn();
    });
  }
  /** Goes on after a stream was read. */
  resume(): void {
    if (this.#dump !== undefined) this.#dump.heard = now();
    this.#soon();
  }

  #turn(until = now() + TURN): void {
    if (this.#turning) return;
    this.#turning = true;
    const start = now();
    try {
      while (this.#closed === undefined) {
        this.#begin();
        const parcel = this.#parcels[0];
        if (parcel === undefined) break;
        if (this.#open(parcel, until)) {
          this.#parcels.shift();
          this.#giveBack(parcel.inbox);
        }
        if (now() > until && (this.#parcels.length > 0 || this.#inline)) {
          this.#later();
          break;
        }
        if (this.#dump?.streamed === true && this.#parcels.length > 0) {
          // Its reader comes first: what he has done with does not live to be moved by the collector.
          this.#scheduled = true;
          void NOW.then(() => {
            this.#scheduled = false;
            this.#turn(until);
          });
          break;
        }
      }
    } finally {
      this.#turning = false;
      if (this.#inline) this.#spent += now() - start;
    }
    if (this.#retired !== undefined && this.#busy === 0 && this.#quiet) {
      this.close(new SocketError("ERR_CLOSED", "this socket was replaced"));
      this.#retired();
    }
  }

  /** Starts what can be started: a datagram of requests, or a look for what has arrived. */
  #begin(): void {
    const dumping = this.#dump !== undefined;
    const behind = this.#parcels.length > 0;
    if (this.#busy > 0) {
      const letter = this.#ahead ? this.#outbox.next(false) : undefined;
      if (letter !== undefined) this.#send(letter);
      return;
    }
    if (behind && (this.#inline || this.#parcels.length > 1)) return;
    if (!this.#recovering && this.#exclusive === undefined && this.#conversation.load < LOAD) {
      const letter = this.#outbox.next(this.#dump === undefined);
      if (letter !== undefined) {
        this.#send(letter);
        return;
      }
    }
    if (this.#conversation.pending === 0) {
      this.#unwatch();
      return;
    }
    if (!this.#more) {
      if (!behind) this.#watch();
      return;
    }
    // Without a dump all answers are in the socket's queue already: taking them runs no kernel code worth a thread.
    if (dumping) {
      if (!this.#paused() && !(behind && this.#ending())) this.#exchange(null, []);
    } else if (!behind) {
      const inbox = this.#take();
      this.#arrived(inbox, this.#transport.receive(inbox), []);
    }
  }

  /** Whether a further datagram of a batch can be sent: the kernel goes on with it while the answers to the last are read. */
  get #ahead(): boolean {
    if (this.#busy >= this.#depth || this.#dump !== undefined || this.#exclusive !== undefined) return false;
    if (this.#recovering || this.#parcels.length > 1) return false;
    return this.#outbox.ready && this.#conversation.load < LOAD;
  }

  /** A stream that nobody reads stops its dump, unless somebody else waits. */
  #paused(): boolean {
    return this.#dump?.full === true && this.#conversation.pending === 1 && !this.#outbox.dumping;
  }

  /** The last datagram that has arrived ends the dump: nothing more is to come, so do not ask. */
  #ending(): boolean {
    const parcel = this.#parcels[this.#parcels.length - 1] as Parcel;
    if (parcel.received <= 0) return true;
    const { meta, slot, reader } = parcel.inbox;
    let at = (parcel.received - 1) * slot;
    const length = meta[(parcel.received - 1) * META_WORDS + META_LENGTH] as number;
    const end = at + Math.min(length, slot);
    while (at + NLMSG_HDRLEN <= end) {
      const type = reader.u16[(at >> 1) + 2] as number;
      if (type === NLMSG_DONE || type === NLMSG_ERROR) return true;
      const step = reader.u32[at >> 2] as number;
      if (step < NLMSG_HDRLEN) return true;
      at += (step + 3) & ~3;
    }
    return false;
  }

  #send(letter: Letter): void {
    this.#makeRoom(letter.bytes.length);
    this.#dump ??= letter.dump;
    this.#exclusive = letter.exclusive;
    this.#exchange(letter.bytes, letter.answers);
  }

  #makeRoom(length: number): void {
    if (length <= this.#room) return;
    this.#room = length * 2;
    this.#transport.resize("send", this.#room);
  }

  #exchange(message: Uint8Array | null, sent: readonly Answers[]): void {
    const inbox = this.#take();
    if (this.#inline) {
      const status = message === null ? 0 : this.#transport.send(message);
      this.#arrived(inbox, status < 0 ? status : this.#transport.receive(inbox), sent);
      return;
    }
    this.#busy++;
    const status = this.#transport.exchange(message, inbox, (received) => this.#ended(inbox, received, sent));
    if (status < 0) {
      this.#busy--;
      this.#arrived(inbox, status, sent);
    }
  }
  #ended(inbox: Inbox, received: number, sent: readonly Answers[]): void {
    this.#busy--;
    if (this.#closed !== undefined) return;
    this.#arrived(inbox, received, sent);
    if (!this.#scheduled) this.#turn();
    else if (!this.#turning) this.#begin(); // decoding goes on after the event loop had its turn
  }
  #arrived(inbox: Inbox, received: number, sent: readonly Answers[]): void {
    this.#more = received !== EAGAIN;
    if (received === ENOBUFS) this.#recovering = true;
    this.#parcels.push({ inbox, received, sent, next: 0 });
  }

  /** Decodes until the time is over; true when the parcel is done with. */
  #open(parcel: Parcel, until: number): boolean {
    const { inbox, received, sent } = parcel;
    if (received < 0) {
      this.#trouble(received, sent);
      return true;
    }
    while (parcel.next < received) {
      this.heard = now();
      if (this.#dump !== undefined) this.#dump.heard = this.heard;
      this.#conversation.take(inbox, parcel.next++);
      if (this.#closed !== undefined) return true;
      if (parcel.next < received && (this.#dump?.streamed === true || now() > until)) return false;
    }
    if (this.#recovering) this.#recovered += received;
    if (this.#recovered > RECOVERY) this.#recover();
    this.#settle();
    return true;
  }
  #recover(): void {
    this.#conversation.drained();
    this.#recovering = false;
    this.#recovered = 0;
  }
  #settle(): void {
    if (this.#dump !== undefined && !this.#conversation.expects(this.#dump)) this.#dump = undefined;
    if (this.#exclusive !== undefined && !this.#conversation.expects(this.#exclusive)) this.#exclusive = undefined;
  }

  #trouble(errno: number, sent: readonly Answers[]): void {
    if (errno === EAGAIN) {
      this.#recover();
    } else if (errno === ENOBUFS) this.#conversation.overrun();
    else if (sent.length > 0) {
      for (const answers of sent) {
        if (!this.#conversation.expects(answers)) continue;
        this.#conversation.forget(answers);
        answers.fail(new SocketError("ERR_SEND", "the request was not sent", { errno }));
      }
    } else this.#break(errno);
    this.#settle();
  }

  #watch(): void {
    if (this.#watching) return;
    const status = this.#transport.watch((ready) => {
      this.#unwatch();
      if (ready < 0) this.#conversation.overrun();
      this.#recovering ||= ready < 0;
      this.#more = true;
      this.#turn();
    });
    this.#watching = status >= 0;
    if (status < 0) this.#break(status);
  }
  #break(errno: number): void {
    this.broken = true;
    this.#conversation.fail(new SocketError("ERR_RECEIVE", "the socket is broken", { errno }));
  }
  #unwatch(): void {
    if (!this.#watching) return;
    this.#watching = false;
    this.#transport.watch(null);
  }

  #take(): Inbox {
    const inbox = this.#free.pop();
    if (inbox !== undefined) return inbox;
    return new Inbox(16, this.#slot);
  }
  #giveBack(inbox: Inbox): void {
    if (inbox === this.#desk) {
      if (inbox.slot < this.#slot) this.#desk = new Inbox(1, this.#slot);
    } else if (inbox.slot >= this.#slot) this.#free.push(inbox);
  }
}
