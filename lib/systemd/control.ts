/**
 * The socket of the service: whoever connects says one word and gets one line of JSON. What others send is bounded in
 * size, time and number, and does no more than be answered or dropped.
 */
import type { Socket } from "node:net";
import { join } from "node:path";
import { type Peer, UnixListener } from "../socket/unix-listener.ts";

const WORDS = ["status", "confirm"] as const;
/** What may be asked for. */
export type ControlWord = (typeof WORDS)[number];

/** What the service says to each word; what is thrown is told by its message and `code`. */
export type ControlAnswers = Readonly<Record<ControlWord, (peer: Peer) => Promise<unknown>>>;

/** How the service says no. */
export interface ControlRefusal {
  readonly code: string;
  readonly message: string;
}

/** Bounds, for tests to change. */
export interface ControlLimits {
  /** Milliseconds in which the word has to be there, and in which the answer has to be taken. */
  readonly patience: number;
  /** Connections at a time of one user, and of all users who may only ask. */
  readonly perUser: number;
  readonly others: number;
}
const LIMITS: ControlLimits = { patience: 2000, perUser: 8, others: 32 };

/** Bytes of a word with its line break. */
const LONGEST_WORD = 32;
/** Everybody may connect: what each may do is decided by who it is. */
const MODE = 0o666;

/** Where the service for a network namespace listens: another one there means another namespace here. */
export function controlPath(directory: string, inode: number): string {
  return join(directory, `netns-${inode}.socket`);
}

/** Whether somebody may change what the service looks after: root, and the user of the service itself. */
function mayChange({ uid }: Peer): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

/** What is said instead of an answer. */
class Refusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

function errorOf(error: unknown): { readonly error: ControlRefusal } {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return { error: { code: typeof code === "string" ? code : "ERR_SERVICE", message: String(message ?? error) } };
}

/** The word in what was sent so far; undefined where the line has not ended. @throws {Refusal} */
function wordIn(bytes: Buffer, ended: boolean): ControlWord | undefined {
  const end = bytes.indexOf("\n");
  if (end < 0 && !ended && bytes.length <= LONGEST_WORD) return undefined;
  const text = end < 0 || end > LONGEST_WORD ? "" : bytes.toString("latin1", 0, end).replace(/\r$/, "");
  const word = WORDS.find((one) => one === text);
  if (word !== undefined) return word;
  throw new Refusal("ERR_REQUEST", "expected one line, status or confirm");
}

/** One connection, until it is answered or dropped. */
class Conversation {
  readonly #socket: Socket;
  readonly #patience: number;
  #timer: NodeJS.Timeout;
  #bytes = Buffer.alloc(0);

  constructor(socket: Socket, patience: number) {
    this.#socket = socket;
    this.#patience = patience;
    this.#timer = this.#limit();
  }

  /** Drops it where nothing happens in time; that keeps no process alive. */
  #limit(): NodeJS.Timeout {
    return setTimeout(() => this.#socket.destroy(), this.#patience).unref();
  }

  /** The word, once. @throws {Refusal} where it is none. */
  word(): Promise<ControlWord> {
    return new Promise((resolve, reject) => {
      const look = (ended: boolean): void => {
        try {
          const word = wordIn(this.#bytes, ended);
          if (word === undefined) return;
          resolve(word);
        } catch (error) {
          reject(error);
        }
        clearTimeout(this.#timer);
        // More is of no interest; what the kernel keeps of it is bounded.
        this.#socket.removeAllListeners("data").pause();
      };
      this.#socket.on("data", (chunk: Buffer) => {
        this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(0, LONGEST_WORD + 1)]);
        look(false);
      });
      this.#socket.once("end", () => look(true));
    });
  }

  say(answer: object): void {
    clearTimeout(this.#timer);
    this.#timer = this.#limit();
    const text = JSON.stringify(answer, (_, one: unknown) => (typeof one === "bigint" ? String(one) : one));
    this.#socket.end(`${text}\n`, () => this.#socket.destroy());
  }

  over(): void {
    clearTimeout(this.#timer);
  }
}

/** Listens, and answers. */
export class ControlSocket implements Disposable {
  readonly #listener: UnixListener;
  readonly #answers: ControlAnswers;
  readonly #limits: ControlLimits;
  readonly #open = new Map<Socket, Peer>();

  /** @throws {ListenError} where that cannot be. */
  constructor(path: string, answers: ControlAnswers, limits: Partial<ControlLimits> = {}) {
    this.#answers = answers;
    this.#limits = { ...LIMITS, ...limits };
    this.#listener = new UnixListener(path, MODE, (socket, peer) => this.#take(socket, peer));
  }

  /** Whether one more would be too many; those who may change something always have their own places. */
  #isFull(peer: Peer): boolean {
    const all = [...this.#open.values()];
    const same = all.filter(({ uid }) => uid === peer.uid).length;
    if (same >= this.#limits.perUser) return true;
    return !mayChange(peer) && all.filter((one) => !mayChange(one)).length >= this.#limits.others;
  }

  #take(socket: Socket, peer: Peer): void {
    socket.on("error", () => socket.destroy());
    const full = this.#isFull(peer);
    const conversation = new Conversation(socket, this.#limits.patience);
    if (!full) this.#open.set(socket, peer);
    socket.once("close", () => {
      this.#open.delete(socket);
      conversation.over();
    });
    if (full) conversation.say(errorOf(new Refusal("ERR_BUSY", "too many ask at the same time; try again")));
    else void this.#answer(conversation, peer);
  }

  async #answer(conversation: Conversation, peer: Peer): Promise<void> {
    try {
      const word = await conversation.word();
      if (word === "confirm" && !mayChange(peer))
        throw new Refusal("ERR_ACCESS", `user ${peer.uid} may not confirm; root may: sudo linkwright confirm`);
      conversation.say({ [word]: await this.#answers[word](peer) });
    } catch (error) {
      conversation.say(errorOf(error));
    }
  }

  /** Listens no more; who is connected is dropped. */
  close(): void {
    this.#listener.close();
    for (const socket of this.#open.keys()) socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
