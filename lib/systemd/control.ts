/**
 * The socket of the service: whoever connects says one word and gets one line of JSON. What others send is bounded in
 * size, time and number, and does no more than be answered or dropped.
 */
import type { Socket } from "node:net";
import { join } from "node:path";
import { LineError, lineOf } from "../socket/line.ts";
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
  /** Connections at a time of one user, and of all users who may only ask; as many more are told that there is no place. */
  readonly perUser: number;
  readonly others: number;
}
const LIMITS: ControlLimits = { patience: 2000, perUser: 8, others: 32 };

/** Bytes of a word with its line break. */
const LONGEST_WORD = 32;
/** Bytes after the word that are taken and thrown away. */
const MOST_IGNORED = 1 << 18;
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

/** The word in what somebody sends. @throws {Refusal} */
async function wordOf(socket: Socket): Promise<ControlWord> {
  const line = await lineOf(socket, LONGEST_WORD).catch((error: unknown) => {
    if (error instanceof LineError) return "";
    throw error;
  });
  const word = WORDS.find((one) => one === line.replace(/\r$/, ""));
  if (word !== undefined) return word;
  throw new Refusal("ERR_REQUEST", "expected one line, status or confirm");
}

/** One connection, until it is answered or dropped. */
class Conversation {
  readonly #socket: Socket;
  readonly #patience: number;
  #timer: NodeJS.Timeout | undefined;
  #last: NodeJS.Immediate | undefined;

  constructor(socket: Socket, patience: number) {
    this.#socket = socket;
    this.#patience = patience;
    this.#limit();
  }

  /**
   * Drops it where nothing happens in time; that keeps no process alive. Where this process itself was held up, what came
   * meanwhile has not been read when timers run: so once more after that.
   */
  #limit(): void {
    this.over();
    this.#timer = setTimeout(() => {
      this.#last = setImmediate(() => this.#socket.destroy());
    }, this.#patience).unref();
  }

  /** The word, once. @throws {Refusal} where it is none. */
  async word(): Promise<ControlWord> {
    try {
      return await wordOf(this.#socket);
    } finally {
      this.over();
    }
  }

  /**
   * Says it, and hangs up. Whoever is still sending would find the connection broken before the answer is read: so a bit of
   * that is taken, until the other side hangs up too. Not where there are too many of them.
   */
  say(answer: object, lingers = true): void {
    if (this.#socket.destroyed) return;
    this.#limit();
    const text = JSON.stringify(answer, (_, one: unknown) => (typeof one === "bigint" ? String(one) : one));
    const drop = (): void => void this.#socket.destroy();
    this.#socket.end(`${text}\n`, lingers ? undefined : drop);
    if (!lingers) return;
    let taken = 0;
    this.#socket
      .on("data", (chunk: Buffer) => {
        taken += chunk.length;
        if (taken > MOST_IGNORED) drop();
      })
      .resume();
  }

  over(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#last);
  }
}

/** Listens, and answers. */
export class ControlSocket implements Disposable {
  readonly #listener: UnixListener;
  readonly #answers: ControlAnswers;
  readonly #limits: ControlLimits;
  readonly #open = new Map<Socket, Peer>();
  /** Those for whom there is no place, until they have read that. */
  readonly #refused = new Set<Socket>();

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
    socket.once("close", () => {
      this.#open.delete(socket);
      this.#refused.delete(socket);
      conversation.over();
    });
    if (full) this.#refuse(socket, conversation);
    else {
      this.#open.set(socket, peer);
      void this.#answer(conversation, peer);
    }
  }

  #refuse(socket: Socket, conversation: Conversation): void {
    const lingers = this.#refused.size < this.#limits.others;
    if (lingers) this.#refused.add(socket);
    conversation.say(errorOf(new Refusal("ERR_BUSY", "too many ask at the same time; try again")), lingers);
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
    for (const socket of [...this.#open.keys(), ...this.#refused]) socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
