/** What each kind of request makes of its answers. */
import type { Reader } from "../wire/buffer.ts";
import type { Message } from "../wire/message.ts";
import type { Answers, Parts } from "./conversation.ts";
import { type NetlinkError, SocketError } from "./errors.ts";
import { refused, type Verdict } from "./verdict.ts";

/** A request as it is sent, made with {@link command}. */
export interface Command<I = never> {
  readonly message: Message<I, unknown>;
  readonly value: I;
  /** NLM_F_*; NLM_F_REQUEST and NLM_F_ACK are added where they are needed. */
  readonly flags: number;
}

/** Makes a command; commands of different kinds fit into one list. */
export function command<I>(message: Message<I, unknown>, value: I, flags = 0): Command {
  return { message, value, flags } as unknown as Command;
}

/** How a request ends. */
export interface Outcome<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** Waits for the acknowledgement of one request. */
export class Acknowledged<I> implements Answers {
  first = 0;
  last = 0;
  readonly multipart = false;
  readonly #command: Command<I>;
  readonly #outcome: Outcome<string | undefined>;

  constructor(sent: Command<I>, outcome: Outcome<string | undefined>) {
    this.#command = sent;
    this.#outcome = outcome;
  }
  data(): boolean {
    return false;
  }
  ack(_sequence: number, verdict: Verdict): boolean {
    const { message, value } = this.#command;
    if (verdict.errno < 0) this.#outcome.reject(refused(verdict, message, value));
    else this.#outcome.resolve(verdict.reason || undefined);
    return true;
  }
  done(verdict: Verdict): boolean {
    return this.ack(0, verdict);
  }
  interrupted(): void {}
  drained(): boolean {
    return false;
  }
  fail(error: SocketError): void {
    this.#outcome.reject(error);
  }
}

/** Waits for the one answer of a kind to a request, and for the refusal of the change that was sent before it, if any. */
export class Answered<I, O> implements Answers {
  first = 0;
  last = 0;
  readonly multipart = false;
  readonly #command: Command<I>;
  readonly #reply: Message<never, O>;
  readonly #outcome: Outcome<O>;
  readonly #change: Command | undefined;
  #refusal: NetlinkError | undefined;

  constructor(sent: Command<I>, reply: Message<never, O>, outcome: Outcome<O>, change?: Command) {
    this.#command = sent;
    this.#reply = reply;
    this.#outcome = outcome;
    this.#change = change;
  }
  data(type: number, from: Reader, start: number, end: number): boolean {
    if (type !== this.#reply.type) return false;
    if (this.#refusal === undefined)
      try {
        this.#outcome.resolve(this.#reply.body.read(from, start, end));
      } catch (error) {
        this.#outcome.reject(error);
      }
    else this.#outcome.reject(this.#refusal);
    return true;
  }
  ack(sequence: number, verdict: Verdict): boolean {
    if (this.#change !== undefined && sequence === this.first) {
      if (verdict.errno < 0) this.#refusal = refused(verdict, this.#change.message, this.#change.value);
      return false;
    }
    const { message, value } = this.#command;
    if (this.#refusal !== undefined) this.#outcome.reject(this.#refusal);
    else if (verdict.errno < 0) this.#outcome.reject(refused(verdict, message, value));
    else this.#outcome.reject(new SocketError("ERR_PROTOCOL", `${message.name} was not answered`));
    return true;
  }
  done(verdict: Verdict): boolean {
    return this.ack(0, verdict);
  }
  interrupted(): void {}
  drained(): boolean {
    return false;
  }
  fail(error: SocketError): void {
    this.#outcome.reject(error);
  }
}

/** A dump that says more than this is taken for endless, in messages. */
const MOST = 50_000_000;
/** Of so many messages, one is compared. */
const SAMPLE = 16;
/** So many equal ones in a row of those that are compared, and a dump is taken for endless. */
const REPEATS = 312;

/** Collects the parts of a dump and hands them on. */
export class Dumped<I, O> implements Parts {
  first = 0;
  last = 0;
  readonly multipart = true;
  heard = 0;
  abandoned = false;
  /** The table changed while it was read. */
  changed = false;
  readonly #command: Command<I>;
  readonly #reply: Message<never, O>;
  readonly #sink: DumpSink<O>;
  #count = 0;
  #print = 0;
  #repeats = 0;

  constructor(sent: Command<I>, reply: Message<never, O>, sink: DumpSink<O>) {
    this.#command = sent;
    this.#reply = reply;
    this.#sink = sink;
  }
  get full(): boolean {
    return !this.abandoned && this.#sink.full();
  }
  get streamed(): boolean {
    return !this.abandoned && this.#sink.streamed;
  }
  data(type: number, from: Reader, start: number, end: number): boolean {
    if (++this.#count > MOST || this.#repeated(from, start, end)) {
      this.fail(new SocketError("ERR_ENDLESS", `${this.#command.message.name}: the dump does not end`));
      return true;
    }
    if (this.abandoned || type !== this.#reply.type) return false;
    try {
      this.#sink.part(this.#reply.body.read(from, start, end));
    } catch (error) {
      this.#reject(error);
    }
    return false;
  }
  /**
   * Counts messages that are alike, by a hash of every word, as similar rules differ in few of them; one message in
   * {@link SAMPLE} is looked at, since hashing them all is a good part of what decoding them costs.
   */
  #repeated(from: Reader, start: number, end: number): boolean {
    if (this.#count % SAMPLE !== 0) return false;
    let print = end - start;
    for (let at = start >> 2; at < end >> 2; at++) print = (Math.imul(print, 31) + (from.u32[at] as number)) | 0;
    this.#repeats = print === this.#print ? this.#repeats + 1 : 0;
    this.#print = print;
    return this.#repeats > REPEATS;
  }
  #reject(error: unknown): void {
    if (this.abandoned) return;
    this.abandoned = true;
    this.#sink.reject(error);
  }
  ack(_sequence: number, verdict: Verdict): boolean {
    if (verdict.errno === 0) return false; // dumps that were asked with NLM_F_ACK
    const { message, value } = this.#command;
    this.#reject(refused(verdict, message, value));
    return true;
  }
  done(verdict: Verdict): boolean {
    if (verdict.errno < 0) return this.ack(0, verdict);
    if (!this.abandoned) this.#sink.end(this.changed);
    this.abandoned = true;
    return true;
  }
  interrupted(): void {
    this.changed = true;
  }
  drained(): boolean {
    return false;
  }
  fail(error: SocketError): void {
    this.#reject(error);
  }
}

/** Who receives a dump. */
export interface DumpSink<O> {
  part(value: O): void;
  /** Whether to stop receiving for now. */
  full(): boolean;
  /** Somebody reads the parts while further ones arrive. */
  readonly streamed: boolean;
  end(changed: boolean): void;
  reject(error: unknown): void;
}

/** A run of requests as it was written. */
export interface Written {
  readonly commands: readonly Command[];
  /** Sequence number of the first. */
  readonly first: number;
  /** Sequence number of the one that is acknowledged in any case. */
  readonly final: number;
  /** The index, for its error, of the command at place `at`. */
  index(at: number): number | undefined;
}

/** Waits for a run of requests of which one is acknowledged in any case and the others when they are refused. */
export class Run implements Answers {
  first: number;
  last: number;
  readonly multipart = false;
  readonly #written: Written;
  readonly #atomic: boolean;
  readonly #settle: (error: SocketError | undefined, refusals: readonly NetlinkError[]) => void;
  readonly #refusals: NetlinkError[] = [];
  #acknowledged = false;

  /** The run ends with the acknowledgement; with `atomic` when all that had arrived after it was read as well. */
  constructor(
    written: Written,
    atomic: boolean,
    settle: (error: SocketError | undefined, refusals: readonly NetlinkError[]) => void,
  ) {
    this.#written = written;
    this.first = written.first;
    this.last = written.first + written.commands.length - 1;
    this.#atomic = atomic;
    this.#settle = settle;
  }
  data(): boolean {
    return false;
  }
  ack(sequence: number, verdict: Verdict): boolean {
    const at = sequence - this.first;
    const { message, value } = this.#written.commands[at] as Command;
    if (verdict.errno < 0) this.#refusals.push(refused(verdict, message, value, this.#written.index(at)));
    if (sequence === this.#written.final) this.#acknowledged = true;
    return this.#acknowledged && !this.#atomic && this.#finish();
  }
  done(): boolean {
    return false;
  }
  interrupted(): void {}
  drained(): boolean {
    return this.#atomic && (this.#acknowledged || this.#refusals.length > 0) && this.#finish();
  }
  #finish(): boolean {
    this.#settle(undefined, this.#refusals);
    return true;
  }
  fail(error: SocketError): void {
    this.#settle(error, this.#refusals);
  }
}
