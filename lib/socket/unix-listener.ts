/**
 * A unix socket that is listened at, with who connects. Node tells of no connection whose it is, nor its descriptor; so
 * connections are taken by the addon, and handed to Node as it documents: `new Socket({ fd })`.
 */
import { randomBytes } from "node:crypto";
import { type BigIntStats, chmodSync, closeSync, lstatSync, renameSync, unlinkSync } from "node:fs";
import { Socket } from "node:net";
import { dirname, join } from "node:path";
import { loadBinding, type NativeBinding, type SocketHandle } from "../../native-bindings/index.ts";
import { EAGAIN, errnoName, errnoText } from "./errors.ts";
import { AF_UNIX, addressOf, LONGEST_PATH } from "./unix.ts";

const SOCK_STREAM = 1;
const ECONNABORTED = -103;
/** Connections that wait to be taken; to more the kernel says EAGAIN. */
const BACKLOG = 64;
/** Connections that are taken before anything else has its turn. */
const AT_ONCE = 16;
/** Milliseconds until connections are taken again where that failed, as for want of descriptors. */
const PAUSE = 1000;

/** Who connected, as the kernel wrote it down then: numbers as this process's namespaces have them. */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

/** It cannot be listened there; nothing is left of the attempt. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  /** Name of the error number, or `ERR_IN_USE` where somebody answers there already. */
  readonly code: string;

  constructor(code: string, path: string, why: string) {
    super(`cannot listen at ${path}: ${why}`);
    this.code = code;
  }
}

const statOf = (path: string): BigIntStats | undefined => lstatSync(path, { bigint: true, throwIfNoEntry: false });

/** Whether somebody listens at a socket; a file that a dead process left is none. */
function isAlive(native: NativeBinding, path: string): boolean {
  const socket = native.open(AF_UNIX, SOCK_STREAM, 0, -1);
  if (typeof socket === "number") return false;
  const errno = native.connect(socket, addressOf(path));
  native.close(socket);
  return errno === 0 || errno === EAGAIN;
}

/** Listens from when it is made until it is closed; it alone does not keep the process alive. */
export class UnixListener implements Disposable {
  readonly path: string;
  readonly #native: NativeBinding;
  readonly #socket: SocketHandle;
  readonly #onConnection: (socket: Socket, peer: Peer) => void;
  readonly #peer = new Uint32Array(3);
  #file: BigIntStats | undefined;
  #pause: NodeJS.Timeout | undefined;
  #closed = false;

  /**
   * Listens at a path of which the directory has to be safe; a socket there that nobody listens at any more is replaced.
   * `mode` says who may connect. The sockets that are handed over are half-open where the other side ends first.
   *
   * @throws {ListenError}
   */
  constructor(path: string, mode: number, onConnection: (socket: Socket, peer: Peer) => void) {
    const native = loadBinding();
    const socket = native.open(AF_UNIX, SOCK_STREAM, 0, -1);
    if (typeof socket === "number") throw new ListenError(errnoName(socket), path, errnoText(socket));
    this.path = path;
    this.#native = native;
    this.#socket = socket;
    this.#onConnection = onConnection;
    try {
      this.#listen(mode);
    } catch (error) {
      this.close();
      if (error instanceof ListenError) throw error;
      const { code = "ERR_LISTEN", message } = error as NodeJS.ErrnoException;
      throw new ListenError(code, path, message);
    }
  }

  #must(errno: number): void {
    if (errno < 0) throw new ListenError(errnoName(errno), this.path, `${errnoText(errno)} (${errnoName(errno)})`);
  }

  /** Under another name first: whoever sees the file can connect, and nobody else has its name. */
  #listen(mode: number): void {
    const draft = join(dirname(this.path), `.${randomBytes(4).toString("hex")}`);
    const bytes = Math.max(Buffer.byteLength(this.path), Buffer.byteLength(draft));
    if (bytes > LONGEST_PATH) {
      const why = `the path is too long for a socket: ${bytes} bytes, where ${LONGEST_PATH} are the limit; name a shorter one`;
      throw new ListenError("ENAMETOOLONG", this.path, why);
    }
    const there = statOf(this.path);
    if (there !== undefined && !there.isSocket())
      throw new ListenError("EEXIST", this.path, "there is something else than a socket; remove it");
    if (there !== undefined && isAlive(this.#native, this.path))
      throw new ListenError("ERR_IN_USE", this.path, "another process answers there");
    this.#must(this.#native.bind(this.#socket, addressOf(draft)));
    try {
      chmodSync(draft, mode);
      this.#must(this.#native.listen(this.#socket, BACKLOG));
      renameSync(draft, this.path);
    } catch (error) {
      unlinkSync(draft);
      throw error;
    }
    this.#file = statOf(this.path);
    this.#must(this.#native.watch(this.#socket, () => this.#take()));
    this.#native.unref(this.#socket);
  }

  #take(): void {
    for (let taken = 0; taken < AT_ONCE && !this.#closed; taken++) {
      const fd = this.#native.accept(this.#socket, new Uint8Array(this.#peer.buffer));
      if (fd === EAGAIN) return;
      if (fd >= 0) this.#hand(fd);
      else if (fd !== ECONNABORTED) {
        this.#rest();
        return;
      }
    }
  }

  /** It would be called again at once, and fail again. */
  #rest(): void {
    this.#native.watch(this.#socket, null);
    this.#pause = setTimeout(() => this.#native.watch(this.#socket, () => this.#take()), PAUSE).unref();
  }

  #hand(fd: number): void {
    const [pid = 0, uid = 0, gid = 0] = this.#peer;
    let socket: Socket;
    try {
      socket = new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
    } catch {
      closeSync(fd);
      return;
    }
    this.#onConnection(socket, { pid, uid, gid });
  }

  /** Listens no more; connections that were handed over are not touched. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#pause);
    this.#native.close(this.#socket);
    const [ours, there] = [this.#file, statOf(this.path)];
    if (ours !== undefined && ours.ino === there?.ino && ours.dev === there.dev) unlinkSync(this.path);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
