/** Requests that wait to be sent, and the datagrams they are written into. */

import { Writer } from "../wire/buffer.ts";
import { type Message, NLM_F_REQUEST, writeMessage } from "../wire/message.ts";
import type { Command } from "./answers.ts";
import { now } from "./clock.ts";
import type { Answers, Conversation, Parts } from "./conversation.ts";
import type { SocketError } from "./errors.ts";

/** A datagram that has so many bytes gets no further request: full ones have 12 to 16 KiB. */
export const FULL = 12 * 1024;
/** Requests in a datagram at most: with those under way their acknowledgements must fit into a receive buffer. */
export const MOST = 192;

interface Waiting {
  /** The kernel's name of the request, for errors. */
  readonly name: string;
  /** Nobody waits for the answers any more; what was not sent is not to be. */
  dropped: boolean;
  sent: boolean;
}
/** One request that waits to be sent. */
export interface Single extends Waiting {
  readonly kind: "single";
  /** Sent before it in the same datagram, and answered only when it is refused. */
  readonly change?: Command | undefined;
  readonly command: Command;
  /** NLM_F_* that are added. */
  readonly flags: number;
  readonly answers: Answers;
}
/** A dump that waits to be asked for. */
export interface Dump extends Waiting {
  readonly kind: "dump";
  readonly change?: undefined;
  readonly command: Command;
  readonly flags: number;
  readonly answers: Parts;
}
/** A whole datagram that waits to be sent. */
export interface Whole extends Waiting {
  readonly kind: "whole";
  readonly packet: Writer;
  readonly answers: Answers;
  /** Nothing else is sent until its answers are in. */
  readonly exclusive: boolean;
  /** Called soon after it began to be sent through an outbox, or was passed over. */
  readonly gone: (through: object) => void;
}
export type Job = Single | Dump | Whole;

/** A datagram to be sent. */
export interface Letter {
  readonly bytes: Uint8Array;
  readonly answers: readonly Answers[];
  /** The dump that it begins. */
  readonly dump?: Parts | undefined;
  /** The transaction that it is. */
  readonly exclusive?: Answers | undefined;
}

/** Appends a change that asks for no acknowledgement. */
function writeChange(out: Writer, { message, value, flags }: Command, sequence: number): void {
  writeMessage(out, message, value, flags | NLM_F_REQUEST, sequence);
}

/** A queue of jobs. */
export class Outbox {
  readonly #conversation: Conversation;
  readonly #writer = new Writer(16 * 1024);
  readonly #views: (Uint8Array | undefined)[] = new Array<undefined>(256).fill(undefined);
  readonly #jobs: (Single | Whole)[] = [];
  readonly #dumps: Dump[] = [];
  /** The last datagram was a whole one: a dump that waits comes before the next. */
  #whole = false;

  constructor(conversation: Conversation) {
    this.#conversation = conversation;
  }

  get empty(): boolean {
    return this.#jobs.length === 0 && this.#dumps.length === 0;
  }
  /** A dump waits for the end of another. */
  get dumping(): boolean {
    return this.#dumps.length > 0;
  }

  /** What comes next is a datagram that is written already, and need not wait for the answers to the one before. */
  get ready(): boolean {
    const [job] = this.#jobs;
    return job?.kind === "whole" && !job.exclusive && !job.dropped && !this.dumping;
  }

  add(job: Job): void {
    if (job.kind === "dump") this.#dumps.push(job);
    else this.#jobs.push(job);
  }

  /** Takes out everything that is still wanted. */
  clear(): Job[] {
    return [...this.#jobs.splice(0), ...this.#dumps.splice(0)].filter((job) => !job.dropped);
  }

  /**
   * Writes the next datagram, and expects its answers; undefined when nothing can be sent. `free`: no dump is under
   * way. The datagram before must have been sent, as its memory is used again, unless this one is `ready`.
   */
  next(free: boolean): Letter | undefined {
    // Written elsewhere: the memory of the datagram before may still be on its way.
    if (this.ready) return this.#letter(this.#jobs.shift() as Whole);
    const writer = this.#writer;
    writer.truncate(0);
    const answers: Answers[] = [];
    const yields = this.#whole && free && this.#dumps.length > 0;
    this.#whole = false;
    while (this.#jobs.length > 0 && answers.length < MOST && writer.length < FULL) {
      const job = this.#jobs[0] as Single | Whole;
      if (job.kind === "whole" && (yields || answers.length > 0)) break;
      this.#jobs.shift();
      if (job.kind === "single") this.#write(job, answers);
      else if (job.dropped) job.gone(this);
      else return this.#letter(job);
    }
    let dump: Parts | undefined;
    while (free && dump === undefined) {
      const job = this.#dumps.shift();
      if (job === undefined) break;
      if (!this.#write(job, answers)) continue;
      dump = job.answers;
      dump.heard = now();
    }
    return answers.length > 0 ? { bytes: this.#view(), answers, dump } : undefined;
  }

  /**
   * One request as a datagram of its own, which must have been sent before the next is written; the `change` before it has
   * the sequence number before. @throws {WireError}
   */
  only<I>(message: Message<I, unknown>, value: I, flags: number, sequence: number, change?: Command): Uint8Array {
    const writer = this.#writer;
    writer.truncate(0);
    if (change !== undefined) writeChange(writer, change, sequence - 1);
    writeMessage(writer, message, value, flags, sequence);
    return this.#view();
  }

  /** What was written. Short datagrams have few lengths: their views are kept, as making one costs as much as a write. */
  #view(): Uint8Array {
    const { u8, length } = this.#writer;
    if (length >= 1024) return u8.subarray(0, length);
    const known = this.#views[length >> 2];
    if (known !== undefined && known.buffer === u8.buffer) return known;
    const view = u8.subarray(0, length);
    this.#views[length >> 2] = view;
    return view;
  }

  #letter(job: Whole): Letter {
    const { packet, answers } = job;
    this.#whole = true;
    job.sent = true;
    this.#conversation.expect(answers);
    queueMicrotask(() => job.gone(this));
    const bytes = packet.u8.subarray(0, packet.length);
    return { bytes, answers: [answers], exclusive: job.exclusive ? answers : undefined };
  }

  /** Appends a request to the datagram; false when it is not wanted any more, or cannot be written. */
  #write(job: Single | Dump, answers: Answers[]): boolean {
    if (job.dropped) return false;
    const { change, command } = job;
    const { message, value, flags } = command;
    const first = this.#conversation.sequence(change === undefined ? 1 : 2);
    const last = change === undefined ? first : first + 1;
    const begin = this.#writer.length;
    try {
      if (change !== undefined) writeChange(this.#writer, change, first);
      writeMessage(this.#writer, message, value, flags | job.flags, last);
    } catch (error) {
      this.#writer.truncate(begin);
      job.answers.fail(error as SocketError);
      return false;
    }
    job.answers.first = first;
    job.answers.last = last;
    job.sent = true;
    this.#conversation.expect(job.answers);
    answers.push(job.answers);
    return true;
  }
}
