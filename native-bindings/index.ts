/**
 * The only door to the kernel, and the only file that knows an addon exists.
 *
 * A call returns a value >= 0, or -errno; it throws only for an argument of the wrong type.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

declare const brand: unique symbol;
/**
 * One socket, made with SOCK_CLOEXEC | SOCK_NONBLOCK. Its descriptor number is never shown: a descriptor closed
 * behind the event loop's back aborts the process.
 */
export interface SocketHandle {
  readonly [brand]: "socket";
}
/** A negated error number. */
export type Errno = number;

/** Words that `recv` and `exchange` write for each datagram. */
export const META = {
  WORDS: 5,
  /** Real length of the datagram; more than the slot means that it was cut. */
  LENGTH: 0,
  /** `msg_flags` of recvmsg. */
  FLAGS: 1,
  /** Netlink: the sender's port id, 0 for the kernel. 0xffffffff where the address was not a netlink one. */
  PORT: 2,
  /** Netlink: the multicast group, 0 for none (needs NETLINK_PKTINFO). */
  GROUP: 3,
  /** Netlink: the namespace id of the event (needs NETLINK_LISTEN_ALL_NSID), 0xffffffff for none. */
  NSID: 4,
} as const;

/** The addon. Descriptors of namespaces (`nsFd`) are plain numbers owned by the caller; -1 means "here". */
export interface NativeBinding {
  readonly abi: number;
  /** Exchanges that a socket may have: while one is carried out the others wait for it on the socket's own thread. */
  readonly depth: number;
  /** A socket made in the namespace `nsFd`; the calling thread's own namespace does not change. */
  open(domain: number, type: number, protocol: number, nsFd: number): SocketHandle | Errno;
  /** Safe at any time, also in a watch callback or with an exchange under way; the second call is -EBADF. */
  close(socket: SocketHandle): 0 | Errno;
  setopt(socket: SocketHandle, level: number, name: number, value: Uint8Array): 0 | Errno;
  /** Writes the value into `out` and returns its length. */
  getopt(socket: SocketHandle, level: number, name: number, out: Uint8Array): number | Errno;
  /** `address` is a raw sockaddr, as in bind(2). */
  bind(socket: SocketHandle, address: Uint8Array): 0 | Errno;
  connect(socket: SocketHandle, address: Uint8Array): 0 | Errno;
  /** listen(2), for stream sockets. */
  listen(socket: SocketHandle, backlog: number): 0 | Errno;
  /**
   * The next connection that waits, -EAGAIN where there is none. Its descriptor, non-blocking, is the caller's to close.
   * `peer` has to be 12 bytes, and gets pid, uid and gid of whoever connected, each 32 bits, in the numbers of this
   * process's namespaces: SO_PEERCRED, which the kernel wrote down in connect(2). For unix sockets.
   */
  accept(socket: SocketHandle, peer: Uint8Array): number | Errno;
  /** getsockname(2): writes the raw sockaddr into `out` and returns its length. */
  address(socket: SocketHandle, out: Uint8Array): number | Errno;
  /** On this thread: the kernel executes a netlink request inside the call and may sleep on its locks. `to` is a raw sockaddr; null for a connected socket, or netlink's kernel. */
  send(socket: SocketHandle, message: Uint8Array, to: Uint8Array | null): number | Errno;
  /** Datagrams taken (at most 32), each at i * slot; -EAGAIN when there is none, -EBUSY while an exchange is under way. */
  recv(socket: SocketHandle, slab: Uint8Array, slot: number, meta: Uint32Array): number | Errno;
  /**
   * send to netlink's kernel, and then one datagram as recv takes it, which tells neither group nor namespace. -EAGAIN
   * when the message was sent and nothing is there yet; -EBUSY while an exchange is under way.
   */
  transact(
    socket: SocketHandle,
    message: Uint8Array,
    slab: Uint8Array,
    slot: number,
    meta: Uint32Array,
  ): number | Errno;
  /**
   * send (unless `message` is null) and then recv, both on this socket's own I/O thread; `done` is called on this
   * thread's loop with what recv returned, or with send's error. As many at a time as `depth` says, else -EBUSY; they
   * happen, and are told, one after the other in the order of the calls. `message`,
   * `slab` and `meta` must not be touched until `done`; a buffer that was transferred away meanwhile is written to all
   * the same. The loop stays alive meanwhile. The thread starts at the first exchange and ends with `close`.
   */
  exchange(
    socket: SocketHandle,
    message: Uint8Array | null,
    slab: Uint8Array,
    slot: number,
    meta: Uint32Array,
    done: (received: number | Errno) => void,
  ): 0 | Errno;
  /**
   * The same for one datagram, as transact takes it; -EBUSY with any exchange under way. The calling thread waits for the end of it for so many microseconds
   * (less than a million): what is returned is 0, or what `done` would have been called with, which then is not called.
   */
  ask(
    socket: SocketHandle,
    message: Uint8Array | null,
    slab: Uint8Array,
    slot: number,
    meta: Uint32Array,
    done: (received: number | Errno) => void,
    wait: number,
  ): number | Errno;
  /**
   * Level-triggered, on this thread's loop, in a proper callback scope. status < 0 is a socket error that was taken
   * already (-ENOBUFS: events were lost); watching goes on. null stops. A second watch is -EALREADY. Paused while an
   * exchange is under way.
   */
  watch(socket: SocketHandle, ready: ((status: number) => void) | null): 0 | Errno;
  /** A watched socket holds the process (the default), or does not. */
  ref(socket: SocketHandle): 0 | Errno;
  unref(socket: SocketHandle): 0 | Errno;

  /** A new descriptor of the calling thread's network namespace. */
  nsSelf(): number | Errno;
  /** A new namespace, made on a thread of its own; the descriptor is all that holds it. */
  nsNew(done: (nsFd: number | Errno) => void): 0 | Errno;
  /**
   * Opens a namespace file: it must be a network namespace (else -EINVAL) and no symbolic link (-ELOOP), except under
   * /proc, where namespaces are links.
   */
  nsOpen(path: string): number | Errno;
  /** Closes a descriptor made by nsSelf, nsNew or nsOpen; refuses any other (-EBADF). */
  nsClose(nsFd: number): 0 | Errno;
  /** mkdir and make it a shared mount, as iproute2 does with /run/netns. */
  nsDir(directory: string): 0 | Errno;
  nsBind(nsFd: number, path: string): 0 | Errno;
  nsUnbind(path: string): 0 | Errno;
  /**
   * nsRead, nsWrite and nsList: one file or directory as seen from the namespace, on a thread of its own, for the kernel
   * may sleep there on the lock of all networks. A path outside /proc/sys (nsRead, nsWrite: and /proc/thread-self/net)
   * is -EINVAL. `nsFd` may be closed as soon as the call returns; -1 is where the calling thread is at that moment.
   * `done` is called on this thread's loop, unless the call itself returned an error. The loop stays alive meanwhile.
   * Calls are independent of each other: two under way at the same time may happen in any order.
   *
   * nsRead writes into `out` immediately before it calls `done` with the number of bytes read, and never at another
   * time: many calls may share one array if each `done` takes what it needs at once. As much as fits is written where
   * the array was made smaller, or transferred away, meanwhile.
   */
  nsRead(nsFd: number, path: string, out: Uint8Array, done: (length: number | Errno) => void): 0 | Errno;
  /** One write(2) to the file, of what `data` holds at the time of the call. */
  nsWrite(nsFd: number, path: string, data: Uint8Array, done: (written: number | Errno) => void): 0 | Errno;
  /** Names in a directory. */
  nsList(nsFd: number, path: string, done: (names: string[] | Errno) => void): 0 | Errno;
  /**
   * Runs `step` on this thread inside the namespace and always comes back (aborts if it cannot). For
   * child_process.spawn and new Worker only: `step` must be synchronous. An exception in it passes through.
   */
  nsCall(nsFd: number, step: () => void): 0 | Errno;
  /**
   * One SIOCETHTOOL for the device of that name (1 to 15 bytes) in the namespace, on a thread of its own, for drivers
   * may sleep. `request` is the command and its arguments, as long as its own count says: anything else is -EINVAL, as is
   * any command but ETHTOOL_GDRVINFO, GSSET_INFO (with room for 64 counts), GSTRINGS, GSTATS, GFEATURES and SFEATURES.
   * It is read at the time of the call, and the answer is written into it immediately before `done`; -EFAULT where the
   * device has more to tell than there is room. `nsFd` may be closed as soon as the call returns.
   */
  ethtool(nsFd: number, device: Uint8Array, request: Uint8Array, done: (result: number | Errno) => void): 0 | Errno;
  /** Moves the calling thread for good: for a Worker that is to live in a namespace. */
  nsEnter(nsFd: number): 0 | Errno;

  /**
   * Makes a tun or tap device in a namespace that stays without anybody who has it open, on a thread of its own, for the
   * kernel may sleep there on the lock of all networks. `flags` are those of TUNSETIFF, with exactly one of IFF_TUN and
   * IFF_TAP; `owner` and `group` are numbers of a user and a group who may open it without a privilege, 0xffffffff for
   * none. -EINVAL for other flags, and for a name that is too long or a pattern; -EEXIST where the name is taken. `nsFd`
   * and `done` as with nsRead.
   */
  tunNew(
    nsFd: number,
    name: string,
    flags: number,
    owner: number,
    group: number,
    done: (status: 0 | Errno) => void,
  ): 0 | Errno;

  /**
   * flock(2), exclusive: -EAGAIN where another open file has it. The descriptor is Node's own. The lock ends when the file
   * is closed, by this process and by all that inherited the descriptor.
   */
  lock(fd: number): 0 | Errno;
}

/** The interface version that this file speaks: counted up where a function changes or goes; what is only added comes with the package. */
const ABI = 4;

let loaded: NativeBinding | undefined;

function abiOf(candidate: unknown): unknown {
  return typeof candidate === "object" && candidate !== null && "abi" in candidate ? candidate.abi : undefined;
}

function isBinding(candidate: unknown): candidate is NativeBinding {
  return abiOf(candidate) === ABI;
}

function isOurs(directory: string): boolean {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    return typeof manifest === "object" && manifest !== null && "name" in manifest && manifest.name === "linkwright";
  } catch {
    return false;
  }
}

/** This file runs from dist/, from a test build and as source: each lies at another depth. */
function packageRoot(): string | undefined {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!(existsSync(join(directory, "package.json")) && isOurs(directory))) {
    const parent = dirname(directory);
    if (parent === directory) return undefined;
    directory = parent;
  }
  return directory;
}

/** A program that runs with more rights than its caller must not load what the caller's environment names. */
function fromEnvironment(): string | undefined {
  const raised = process.geteuid?.() !== process.getuid?.() || process.getegid?.() !== process.getgid?.();
  const file = process.env["LINKWRIGHT_NATIVE"];
  return raised || file === "" ? undefined : file;
}

/** What a file exports. An addon is loaded as require() does it in the end, without the time that it takes before. */
function load(file: string): unknown {
  if (!file.endsWith(".node")) return process.getBuiltinModule("node:module").createRequire(file)(file);
  const module: { exports: unknown } = { exports: {} };
  process.dlopen(module, file);
  return module.exports;
}

/** The addon: LINKWRIGHT_NATIVE if it is set and fits, else the package's own build. */
export function loadBinding(): NativeBinding {
  if (loaded !== undefined) return loaded;
  if (process.platform !== "linux") throw new Error(`linkwright works on Linux only; this is ${process.platform}`);
  const root = packageRoot();
  const name = `linux-${process.arch}.node`;
  const files = [
    fromEnvironment(),
    root === undefined ? undefined : join(root, "native-bindings", "prebuilds", name),
  ].filter((file) => file !== undefined);
  const tries = root === undefined ? ["no package.json of linkwright above this file"] : [];
  for (const file of files) {
    try {
      const candidate = load(resolve(file));
      if (isBinding(candidate)) {
        loaded = candidate;
        return candidate;
      }
      tries.push(`${file}: speaks interface ${String(abiOf(candidate))}, needed is ${ABI}`);
    } catch (error) {
      tries.push(`${file}: ${error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error)}`);
    }
  }
  throw new Error(
    `linkwright has no native layer for ${name.slice(0, -5)}:\n  ${tries.join("\n  ")}\n` +
      "Build it with: npm run build:native (needs cc)",
  );
}
