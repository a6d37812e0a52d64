/** Guests: what runs on an emulated machine, as a thread that lives in its network namespace. */
import type { Worker } from "node:worker_threads";
import type { Netns } from "../netns/netns.ts";
import { type PingOptions, type PingResult, ping } from "../probe/ping.ts";
import type {
  GuestAnswer,
  GuestArguments,
  GuestMethod,
  Listening,
  Outcome,
  Question,
  Reply,
  TlsServer,
} from "./guest-call.ts";
import { assertSandboxed } from "./sandbox.ts";

export type { Listening, Outcome, TlsServer } from "./guest-call.ts";

/** The thread of a guest could not do what it was asked. */
export class GuestError extends Error {
  override readonly name = "GuestError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Milliseconds in which a guest has to end by itself before its thread is stopped. */
const PATIENCE = 1000;
/** Milliseconds for a transfer or handshake, where nothing else is said. */
const TIMEOUT = 3000;

/** One guest. Its servers and clients belong to the namespace; nothing of it holds the process when nothing is asked. */
export class Guest implements AsyncDisposable {
  readonly #netns: Netns;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #next = 1;
  #closed = false;

  /** Starts the thread. The namespace must stay open as long as the guest. */
  static async start(netns: Netns): Promise<Guest> {
    assertSandboxed();
    const main = import.meta.url.endsWith(".ts") ? "../testkit/guest-main.ts" : "../testkit/guest-main.js";
    const guest = new Guest(
      netns,
      netns.worker(new URL(main, import.meta.url), { name: netns.name ?? "guest", execArgv: [] }),
    );
    const { inode } = await guest.#ask("identity");
    if (inode === netns.identity.inode) return guest;
    await guest.close();
    throw new GuestError("ERR_GUEST", `a guest's thread is in namespace ${inode} instead of its own`);
  }

  private constructor(netns: Netns, worker: Worker) {
    this.#netns = netns;
    this.#worker = worker;
    worker.on("message", (reply: Reply) => this.#answer(reply));
    worker.on("error", (error) => this.#fail(error));
    this.#exited = new Promise((resolve) => {
      worker.on("exit", () => {
        this.#fail(new GuestError("ERR_GUEST_ENDED", "the guest has ended"));
        resolve();
      });
    });
    worker.unref();
  }

  /** A TLS server that greets and closes. Port 0 takes any. */
  listenTls({ chain, key }: TlsServer, port = 0): Promise<Listening> {
    return this.#ask("listenTls", { chain, key }, port);
  }

  /** A TLS handshake, and the server's greeting; with `root` the certificate and its addresses are checked. */
  tls(host: string, port: number, timeout = TIMEOUT, root?: string): Promise<Outcome> {
    return this.#ask("tls", host, port, timeout, root);
  }

  /**
   * A TCP server that answers the first bytes of each connection by one write: of `sizes` in turn, or of as many bytes
   * as `fetch` asks for.
   */
  serve(port = 0, sizes: readonly number[] = []): Promise<Listening> {
    return this.#ask("serve", port, sizes);
  }

  /** Connects to a guest that serves, and waits for `size` bytes. */
  fetch(host: string, port: number, size: number, timeout = TIMEOUT): Promise<Outcome> {
    return this.#ask("fetch", host, port, size, timeout);
  }

  /** A TCP server that sends everything back. */
  echoTcp(port = 0): Promise<Listening> {
    return this.#ask("echoTcp", port);
  }

  /** Sends `size` bytes to a guest that echoes, and waits for all of them to come back. */
  sendTcp(host: string, port: number, size: number, timeout = TIMEOUT): Promise<Outcome> {
    return this.#ask("sendTcp", host, port, size, timeout);
  }

  /** A UDP server that sends every datagram back. */
  listenUdp(port = 0, family: 4 | 6 = 4): Promise<Listening> {
    return this.#ask("listenUdp", port, family);
  }

  /** Sends one datagram of `size` bytes to a guest that echoes, and waits for it to come back. */
  udp(host: string, port: number, size: number, timeout = TIMEOUT): Promise<Outcome> {
    return this.#ask("udp", host, port, size, timeout);
  }

  /** Echo requests of an exact size. Same as: ping -M probe -s SIZE-28 ADDRESS */
  ping(address: string, options: PingOptions = {}): Promise<PingResult> {
    return ping(this.#netns.fd, address, options);
  }

  /** Closes servers and connections and waits for the thread to end. May be called again. */
  async close(): Promise<void> {
    if (this.#closed) return this.#exited;
    const ended = this.#ask("end").catch(() => undefined);
    this.#closed = true;
    this.#worker.ref();
    const timer = setTimeout(() => void this.#worker.terminate(), PATIENCE);
    await ended;
    await this.#exited;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #ask<M extends GuestMethod>(method: M, ...args: GuestArguments<M>): Promise<GuestAnswer<M>> {
    if (this.#closed) return Promise.reject(new GuestError("ERR_GUEST_ENDED", "the guest has ended"));
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#waiting.set(id, { resolve: (value) => resolve(value as GuestAnswer<M>), reject });
      this.#worker.ref();
      this.#worker.postMessage({ id, method, args } satisfies Question);
    });
  }

  #answer(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0 && !this.#closed) this.#worker.unref();
    if ("failure" in reply) waiting?.reject(new GuestError(reply.failure.code, reply.failure.message));
    else waiting?.resolve(reply.value);
  }

  #fail(error: Error): void {
    this.#closed = true;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
