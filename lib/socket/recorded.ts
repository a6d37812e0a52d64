/** Transports that write a conversation down, and one that answers from what was written down. */
import { EAGAIN, EALREADY, EBADF, EBUSY, ENOBUFS, EPROTO } from "./errors.ts";
import { type Datagram, type Inbox, MSG_TRUNC, type Transport } from "./transport.ts";

/** A request, null for what came unasked, and the datagrams that arrived before the next request. */
export interface Step {
  readonly sent: string | null;
  /** Datagrams, or the error number of a receive that failed, negated. */
  readonly received: (RecordedDatagram | number)[];
}
/** A datagram as it is written down: bytes in hexadecimal; port, group and flags where they are not 0. */
export interface RecordedDatagram {
  readonly data: string;
  readonly port?: number;
  readonly group?: number;
  readonly flags?: number;
  /** Real length, where the datagram was cut. */
  readonly length?: number;
}
/** A conversation as it is kept in a file. */
export interface Recording {
  /** What was done on which kernel. */
  readonly command: string;
  readonly steps: Step[];
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function toRecord({ data, length, flags, port, group }: Datagram): RecordedDatagram {
  return {
    data: hex(data),
    ...(port !== 0 && { port }),
    ...(group !== 0 && { group }),
    ...((flags & MSG_TRUNC) !== 0 && { flags: MSG_TRUNC }),
    ...(length !== data.length && { length }),
  };
}
function fromRecord({ data, length, flags = 0, port = 0, group = 0 }: RecordedDatagram): Datagram {
  const bytes = new Uint8Array(Buffer.from(data, "hex"));
  return { data: bytes, length: length ?? bytes.length, flags, port, group, nsid: 0xffff_ffff };
}

/** Passes everything on to another transport, and writes it down in {@link steps}. */
export class Recorder implements Transport {
  readonly steps: Step[] = [];
  readonly #inner: Transport;

  constructor(inner: Transport) {
    this.#inner = inner;
  }
  get port(): number {
    return this.#inner.port;
  }
  exchange(message: Uint8Array | null, inbox: Inbox, done: (received: number) => void): number {
    const sent = message && hex(message);
    const status = this.#inner.exchange(message, inbox, (received) => {
      this.#received(inbox, received);
      done(received);
    });
    if (status >= 0 && sent !== null) this.steps.push({ sent, received: [] });
    return status;
  }
  send(message: Uint8Array): number {
    this.steps.push({ sent: hex(message), received: [] });
    return this.#inner.send(message);
  }
  receive(inbox: Inbox): number {
    const received = this.#inner.receive(inbox);
    this.#received(inbox, received);
    return received;
  }
  #received(inbox: Inbox, received: number): void {
    let step = this.steps[this.steps.length - 1];
    if (received < 0 && received !== ENOBUFS) return;
    if (step === undefined) {
      step = { sent: null, received: [] };
      this.steps.push(step);
    }
    if (received === ENOBUFS) step.received.push(received);
    for (let i = 0; i < received; i++) step.received.push(toRecord(inbox.get(i)));
  }
  watch(ready: ((status: number) => void) | null): number {
    return this.#inner.watch(ready);
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
    this.#inner.close();
  }
}

/** A socket whose kernel is given by {@link Responder.answer}; base of the transports that have none. */
export abstract class Played implements Transport {
  readonly port: number = 1;
  readonly #queue: (Datagram | number)[] = [];
  #ready: ((status: number) => void) | null = null;
  #busy = false;
  #closed = false;
  #immediate: NodeJS.Immediate | undefined;

  /** Answers `message` by {@link deliver}; returns its length, or what sendmsg(2) would fail with. */
  protected abstract answer(message: Uint8Array): number;

  /** Puts datagrams, or error numbers of failing receives, into the queue of the socket. */
  deliver(...items: (Datagram | number)[]): void {
    this.#queue.push(...items);
    this.#stir();
  }

  exchange(message: Uint8Array | null, inbox: Inbox, done: (received: number) => void): number {
    if (this.#closed) return EBADF;
    if (this.#busy) return EBUSY;
    this.#busy = true;
    const copy = message === null ? null : message.slice();
    setImmediate(() => {
      this.#busy = false;
      const status = copy === null ? 0 : this.#answer(copy);
      done(status < 0 ? status : this.receive(inbox));
      this.#stir();
    });
    return 0;
  }
  send(message: Uint8Array): number {
    if (this.#busy) return EBUSY;
    return this.#answer(message.slice());
  }
  #answer(message: Uint8Array): number {
    return this.#closed ? EBADF : this.answer(message);
  }
  receive(inbox: Inbox): number {
    if (this.#closed) return EBADF;
    if (this.#busy) return EBUSY;
    let count = 0;
    while (count < inbox.slots) {
      const item = this.#queue[0];
      if (item === undefined || (typeof item === "number" && count > 0)) break;
      this.#queue.shift();
      if (typeof item === "number") return item;
      inbox.put(count++, item);
    }
    return count > 0 ? count : EAGAIN;
  }
  watch(ready: ((status: number) => void) | null): number {
    if (this.#closed) return EBADF;
    if (ready !== null && this.#ready !== null) return EALREADY;
    this.#ready = ready;
    this.#stir();
    return 0;
  }
  /** Level-triggered: calls the watcher in every turn in which something is there. */
  #stir(): void {
    if (this.#ready === null || this.#queue.length === 0 || this.#busy || this.#immediate !== undefined) return;
    this.#immediate = setImmediate(() => {
      this.#immediate = undefined;
      if (this.#closed || this.#busy || this.#queue.length === 0) return;
      const item = this.#queue[0];
      if (typeof item === "number") this.#queue.shift();
      this.#ready?.(typeof item === "number" ? item : 0);
      this.#stir();
    });
  }
  join(_group: number): number {
    return this.#closed ? EBADF : 0;
  }
  leave(_group: number): number {
    return this.#closed ? EBADF : 0;
  }
  resize(_buffer: "send" | "receive", _bytes: number): number {
    return this.#closed ? EBADF : 0;
  }
  hold(): void {}
  close(): void {
    this.#closed = true;
    this.#ready = null;
    this.#queue.length = 0;
  }
}

/** Answers from a recording, whose requests have to come again byte by byte and in the same order. */
export class RecordedTransport extends Played {
  readonly #steps: readonly Step[];
  #next = 0;

  constructor(recording: Pick<Recording, "steps">) {
    super();
    this.#steps = recording.steps;
    while (this.#steps[this.#next]?.sent === null) this.#play();
  }
  /** Every request of the recording was made. */
  get finished(): boolean {
    return this.#next >= this.#steps.length;
  }
  #play(): void {
    const step = this.#steps[this.#next++];
    this.deliver(...(step?.received ?? []).map((item) => (typeof item === "number" ? item : fromRecord(item))));
  }
  protected answer(message: Uint8Array): number {
    if (this.#steps[this.#next]?.sent !== hex(message)) return EPROTO;
    this.#play();
    return message.length;
  }
}

/** Answers by a function, which returns the datagrams for a request: a kernel made up for a test. */
export class ScriptedTransport extends Played {
  readonly #respond: (message: Uint8Array) => readonly (Datagram | number)[] | number;

  constructor(respond: (message: Uint8Array) => readonly (Datagram | number)[] | number) {
    super();
    this.#respond = respond;
  }
  protected answer(message: Uint8Array): number {
    const answer = this.#respond(message);
    if (typeof answer === "number") return answer;
    this.deliver(...answer);
    return message.length;
  }
}
