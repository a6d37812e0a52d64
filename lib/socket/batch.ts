/** Many requests in few datagrams. */

import { Writer } from "../wire/buffer.ts";
import { NLM_F_ACK, NLM_F_REQUEST, writeMessage } from "../wire/message.ts";
import { type Command, type Outcome, Run, type Written } from "./answers.ts";
import { now } from "./clock.ts";
import type { NetlinkError } from "./errors.ts";
import { FULL, type Job, MOST, type Whole } from "./outbox.ts";

/** Who sends the datagrams. */
export interface Sender {
  /** Takes `count` successive sequence numbers, of a row of at least `room`, and returns the first. */
  sequence(count: number, room?: number): number;
  submit(job: Job): void;
}

/** Asks for an acknowledgement of the message that begins at byte `begin`. */
function acknowledge(out: Writer, begin: number): void {
  const at = (begin >> 1) + 3;
  out.u16[at] = (out.u16[at] as number) | NLM_F_ACK;
}

/** Datagrams of a batch in memory: one is written, one waits for its turn, and one is being sent. */
const MEMORIES = 3;

/** Sends commands in datagrams of 12 to 16 KiB, the next one being written while the kernel works on the one before. */
export class Batch {
  /** When an answer last came, by {@link now}. */
  heard = now();
  readonly #commands: Iterator<Command>;
  /** The one that is written next. */
  #command: Command | undefined;
  readonly #sender: Sender;
  readonly #outcome: Outcome<readonly (NetlinkError | undefined)[]>;
  readonly #results: (NetlinkError | undefined)[] = [];
  /** One is written while the others are being sent; the next to be used comes first. */
  readonly #writers: Writer[] = [];
  readonly #open = new Set<Whole>();
  /** What sent the last datagram. */
  #through: object | undefined;
  #over = false;
  /** The kernel's name of the requests, for errors. */
  readonly name: string;

  constructor(commands: Iterable<Command>, sender: Sender, outcome: Outcome<readonly (NetlinkError | undefined)[]>) {
    this.#commands = commands[Symbol.iterator]();
    this.#sender = sender;
    this.#outcome = outcome;
    this.#advance();
    this.name = this.#command?.message.name ?? "";
    if (this.#command === undefined) this.#finish();
    else this.#write();
  }
  #advance(): void {
    const { done, value } = this.#commands.next();
    this.#command = done === true ? undefined : value;
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#outcome.resolve(this.#results);
  }
  #fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#outcome.reject(error);
  }

  /** Sends nothing more; returns what was sent and not answered. */
  stop(): Iterable<Job> {
    this.#over = true;
    return this.#open;
  }

  /** A datagram is given to a socket: the one before the last is done with there, unless that went through another one. */
  #gone(through: object): void {
    if (this.#through !== undefined && this.#through !== through) this.#writers.length = 0;
    this.#through = through;
    this.#write();
  }

  /** Writes the next datagram, into the memory of one that is done with. */
  #write(): void {
    if (this.#over || this.#command === undefined) return;
    const used = this.#writers.length < MEMORIES ? undefined : this.#writers.shift();
    const out = used ?? new Writer(FULL + 4096);
    this.#writers.push(out);
    out.truncate(0);
    const base = this.#results.length;
    const first = this.#sender.sequence(0, MOST);
    const commands: Command[] = [];
    let begin = 0;
    try {
      for (
        let one = this.#command;
        one !== undefined && out.length < FULL && commands.length < MOST;
        one = this.#command
      ) {
        begin = writeMessage(out, one.message, one.value, one.flags | NLM_F_REQUEST, first + commands.length);
        commands.push(one);
        this.#results.push(undefined);
        this.#advance();
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    acknowledge(out, begin);
    const count = commands.length;
    this.#sender.sequence(count);
    const written: Written = {
      commands,
      first,
      final: first + count - 1,
      index: (at) => base + at,
    };
    const answers = new Run(written, false, (error, refusals) => {
      this.#open.delete(job);
      this.heard = now();
      for (const refusal of refusals) if (refusal.index !== undefined) this.#results[refusal.index] = refusal;
      if (error !== undefined) this.#fail(error);
      else if (this.#command === undefined && this.#open.size === 0) this.#finish();
    });
    const job: Whole = {
      kind: "whole",
      name: "batch",
      packet: out,
      answers,
      exclusive: false,
      dropped: false,
      sent: false,
      gone: (through) => this.#gone(through),
    };
    this.#open.add(job);
    this.#sender.submit(job);
  }
}

/** One datagram that the kernel carries out whole or not at all: `begin`, the commands, `end`. */
export function transaction(
  begin: Command,
  commands: readonly Command[],
  end: Command,
  sender: Sender,
  outcome: Outcome<void>,
): Whole {
  const all = [begin, ...commands, end];
  const packet = new Writer(64 * all.length);
  const first = sender.sequence(all.length);
  let last = 0;
  for (const [at, { message, value, flags }] of all.entries()) {
    const start = writeMessage(packet, message, value, flags | NLM_F_REQUEST, first + at);
    if (at === commands.length) last = start;
  }
  acknowledge(packet, last);
  const written: Written = {
    commands: all,
    first,
    final: first + commands.length,
    index: (at) => (at === 0 || at > commands.length ? undefined : at - 1),
  };
  const answers = new Run(written, true, (error, refusals) => {
    const fault = refusals[0] ?? error; // one refusal is enough to know that nothing was done
    if (fault === undefined) outcome.resolve();
    else outcome.reject(fault);
  });
  const name = commands[0]?.message.name ?? "";
  return { kind: "whole", name, packet, answers, exclusive: true, dropped: false, sent: false, gone: () => undefined };
}
