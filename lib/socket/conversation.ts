/**
 * Which answer belongs to which request. No input or output: datagrams go in, answers come out.
 *
 * Source: include/uapi/linux/netlink.h; Documentation/userspace-api/netlink/intro.rst.
 */
import type { Reader } from "../wire/buffer.ts";
import { NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, NLMSG_HDRLEN, NLMSG_NOOP, NLMSG_OVERRUN } from "../wire/message.ts";
import { SocketError } from "./errors.ts";
import { type Inbox, META_FLAGS, META_LENGTH, META_PORT, META_WORDS, MSG_TRUNC } from "./transport.ts";
import { readAck, readDone, type Verdict } from "./verdict.ts";

/** What waits for the answers to one request, or to a run of requests with successive sequence numbers. */
export interface Answers {
  /** Sequence numbers; known when the request is written. */
  first: number;
  last: number;
  /** A dump: it is answered in parts, and only one can be under way. */
  readonly multipart: boolean;
  /** A message of the answer; true when it was the last. */
  data(type: number, from: Reader, start: number, end: number): boolean;
  /** An acknowledgement or a refusal of request `sequence`; true when nothing more is to come. */
  ack(sequence: number, verdict: Verdict): boolean;
  /** The end of a multipart answer. */
  done(verdict: Verdict): boolean;
  /** Part of a multipart answer was collected while the table changed. */
  interrupted(): void;
  /** Everything that had arrived was read; true when nothing more is to come. */
  drained(): boolean;
  /** The conversation about this request is over. */
  fail(error: SocketError): void;
}

/** What waits for the parts of a dump. */
export interface Parts extends Answers {
  /** When the last part came, by {@link now}; a dump may take long, but not be silent for long. */
  heard: number;
  /** Nothing is wanted any more; the rest is read and dropped. */
  abandoned: boolean;
  /** Whoever receives the parts has enough for now. */
  readonly full: boolean;
  /** Somebody reads the parts while further ones arrive: he gets a turn after each datagram. */
  readonly streamed: boolean;
}

/** What was dropped, by reason. */
export interface Dropped {
  /** Datagrams that did not come from the kernel. */
  readonly forged: number;
  /** Messages that answer no request, or one that was given up. */
  readonly stray: number;
  /** Datagrams that did not fit, or whose lengths cannot be. */
  readonly broken: number;
}

const lost = (): SocketError =>
  new SocketError("ERR_OVERRUN", "answers were lost: whether the request was carried out is unknown");

/** The requests under way on one socket. */
export class Conversation {
  #next: number;
  readonly #single = new Map<number, Answers>();
  readonly #runs: Answers[] = [];
  #lost = false;
  #dropped = { forged: 0, stray: 0, broken: 0 };

  /** `sequence` is the number of the first request. */
  constructor(sequence = 1) {
    this.#next = sequence;
  }

  get dropped(): Dropped {
    return this.#dropped;
  }
  /** Requests, and runs of requests, that wait for an answer. */
  get pending(): number {
    return this.#single.size + this.#runs.length;
  }

  /** Requests that may still be answered, those of runs counted one by one. */
  get load(): number {
    return this.#runs.reduce((sum, run) => sum + run.last - run.first + 1, this.#single.size);
  }

  /** Takes `count` successive sequence numbers, none of them 0, and returns the first; `room` of them would do, too. */
  sequence(count = 1, room = count): number {
    if (this.#next + room > 0xffff_ffff) this.#next = 1;
    const first = this.#next;
    this.#next += count;
    return first;
  }

  /** From now on answers are told to `answers`. */
  expect(answers: Answers): void {
    if (answers.first === answers.last) this.#single.set(answers.first, answers);
    else this.#runs.push(answers);
  }

  /** Nobody waits any more; late answers are dropped. */
  forget(answers: Answers): void {
    if (this.#single.get(answers.first) === answers) this.#single.delete(answers.first);
    const at = this.#runs.indexOf(answers);
    if (at >= 0) this.#runs.splice(at, 1);
  }

  /** Whether the conversation about this request still goes on. */
  expects(answers: Answers): boolean {
    return this.#single.get(answers.first) === answers || this.#runs.includes(answers);
  }

  #find(sequence: number): Answers | undefined {
    const single = this.#single.get(sequence);
    if (single !== undefined || this.#runs.length === 0) return single;
    return this.#runs.find((run) => run.first <= sequence && sequence <= run.last);
  }

  /** Takes in the datagram in slot `index`. */
  take(inbox: Inbox, index: number): void {
    const at = index * META_WORDS;
    const length = inbox.meta[at + META_LENGTH] as number;
    const start = index * inbox.slot;
    if (inbox.meta[at + META_PORT] !== 0) {
      this.#dropped.forged++;
      return;
    }
    if (length > inbox.slot || ((inbox.meta[at + META_FLAGS] as number) & MSG_TRUNC) !== 0)
      this.#truncated(inbox.reader, start, length);
    else {
      inbox.reader.datagram(start, start + length);
      this.#walk(inbox.reader, start, start + length);
    }
  }

  /** A cut datagram is not read, but for the number of the request that it answers. */
  #truncated(from: Reader, start: number, length: number): void {
    this.#dropped.broken++;
    const error = new SocketError("ERR_TRUNCATED", `an answer of ${length} bytes did not fit`, { length });
    const answers = length >= NLMSG_HDRLEN ? this.#find(from.u32[(start >> 2) + 2] as number) : undefined;
    if (answers === undefined) this.fail(error);
    else this.#end(answers, error);
  }

  #walk(from: Reader, start: number, end: number): void {
    let sequence = 0;
    let answers: Answers | undefined;
    let at = start;
    for (; at + NLMSG_HDRLEN <= end; ) {
      const length = from.u32[at >> 2] as number;
      if (length < NLMSG_HDRLEN || length > end - at) break;
      const type = from.u16[(at >> 1) + 2] as number;
      const flags = from.u16[(at >> 1) + 3] as number;
      const number = from.u32[(at >> 2) + 2] as number;
      if (number !== sequence || answers === undefined) {
        sequence = number;
        answers = this.#find(number);
      }
      if (answers === undefined) this.#dropped.stray++;
      else if (this.#message(answers, sequence, type, flags, from, at + NLMSG_HDRLEN, at + length)) {
        this.forget(answers);
        answers = undefined;
      }
      at += (length + 3) & ~3;
    }
    if (at < end) {
      this.#dropped.broken++;
      this.fail(new SocketError("ERR_PROTOCOL", `an answer has an impossible length at byte ${at - start}`));
    }
  }

  #message(
    answers: Answers,
    sequence: number,
    type: number,
    flags: number,
    from: Reader,
    start: number,
    end: number,
  ): boolean {
    if (answers.multipart && (flags & NLM_F_DUMP_INTR) !== 0 && type !== NLMSG_ERROR) answers.interrupted();
    if (type >= 16) return answers.data(type, from, start, end);
    if (type === NLMSG_ERROR) {
      const verdict = readAck(from, flags, start, end);
      if (verdict !== undefined) return answers.ack(sequence, verdict);
      answers.fail(new SocketError("ERR_PROTOCOL", `an acknowledgement of ${end - start} bytes is too short`));
      return true;
    }
    if (type === NLMSG_DONE) {
      if (!this.#lost) return answers.done(readDone(from, flags, start, end));
      answers.fail(lost());
      return true;
    }
    if (type === NLMSG_OVERRUN) this.overrun();
    else if (type !== NLMSG_NOOP) this.#dropped.stray++;
    return false;
  }

  #end(answers: Answers, error: SocketError): void {
    this.forget(answers);
    answers.fail(error);
  }

  /** Answers were lost (-ENOBUFS). Which ones is known when what did arrive was read: see {@link drained}. */
  overrun(): void {
    this.#lost = true;
  }

  /** Everything that had arrived was read. */
  drained(): void {
    if (this.#lost) {
      this.#lost = false;
      this.fail(lost());
      return;
    }
    for (const run of this.#runs.slice()) if (run.drained()) this.forget(run);
    for (const single of this.#single.values()) if (single.multipart && single.drained()) this.forget(single);
  }

  /** Ends the conversation about every request under way. */
  fail(error: SocketError): void {
    const all = [...this.#single.values(), ...this.#runs];
    this.#single.clear();
    this.#runs.length = 0;
    for (const answers of all) answers.fail(error);
  }
}
