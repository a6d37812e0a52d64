/** What the tests of the native layer share: requests, a small connection, processes of their own. */
import { type SpawnSyncOptions, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { endianness } from "node:os";
import { fileURLToPath } from "node:url";
import { threadId } from "node:worker_threads";
import { loadBinding, META, type NativeBinding, type SocketHandle } from "../../native-bindings/index.ts";

export const AF_NETLINK = 16;
export const SOCK_RAW = 3;
export const SOL_NETLINK = 270;
export const SOL_SOCKET = 1;
export const OPTION = { MEMBERSHIP: 1, PKTINFO: 3, ALL_NSID: 8, CAP_ACK: 10, EXT_ACK: 11, STRICT: 12 } as const;
export const ERRNO = {
  EPERM: -1,
  ENOENT: -2,
  EBADF: -9,
  EAGAIN: -11,
  EBUSY: -16,
  EEXIST: -17,
  EINVAL: -22,
  ENOPROTOOPT: -92,
  ENOBUFS: -105,
  EALREADY: -114,
} as const;
const little = endianness() === "LE";

export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
export const turn = (): Promise<void> => new Promise((done) => setImmediate(done));
/** This process as /proc knows it; process.pid is another number where /proc belongs to an outer PID namespace. */
export const procId = (): string => readlinkSync("/proc/self");
export const home = (): string => readlinkSync("/proc/thread-self/ns/net");
export const descriptors = (): number => readdirSync("/proc/self/fd").length;
export const threads = (): number => readdirSync("/proc/self/task").length;
export const residentMiB = (): number => process.memoryUsage().rss / 1048576;

/** How many descriptors of this process are sockets, or network namespaces. */
export function countOf(prefix: "socket:" | "net:"): number {
  return readdirSync("/proc/self/fd").filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(prefix);
    } catch {
      return false;
    }
  }).length;
}

export async function collect(): Promise<void> {
  if (globalThis.gc === undefined) throw new Error("needs --expose-gc");
  for (let i = 0; i < 5; i++) {
    globalThis.gc();
    await sleep(5);
  }
}

/** A repetition count that a slower run (sanitizers) may lower: LINKWRIGHT_NATIVE_SCALE=0.1. */
export function times(count: number): number {
  return Math.max(1, Math.round(count * Number(process.env["LINKWRIGHT_NATIVE_SCALE"] ?? 1)));
}

/** Nothing here may run in the network of the machine. */
export function assertApart(): void {
  const inode = (path: string): string => String(statSync(path, { bigint: true }).ino);
  const own = inode("/proc/self/ns/net");
  let outer = process.env["LINKWRIGHT_SANDBOX"];
  if (outer === undefined) {
    try {
      outer = inode("/proc/1/ns/net");
    } catch {
      return; // not to be read from a user namespace
    }
  }
  if (outer === own) throw new Error("refusing to run in the network of the machine: start this under unshare -n");
}

function u32(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, little);
}

export function int(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, little);
  return bytes;
}

export function readInt(bytes: Uint8Array, at = 0): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getInt32(at, little);
}

/** A raw sockaddr_nl. */
export function netlinkAddress(port = 0, groups = 0): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_NETLINK, little);
  u32(view, 4, port);
  u32(view, 8, groups);
  return bytes;
}

export function request(type: number, flags: number, sequence: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16 + body.length);
  const view = new DataView(bytes.buffer);
  u32(view, 0, bytes.length);
  view.setUint16(4, type, little);
  view.setUint16(6, flags | 1, little);
  u32(view, 8, sequence);
  bytes.set(body, 16);
  return bytes;
}

export function attribute(type: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((4 + payload.length + 3) & ~3);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + payload.length, little);
  view.setUint16(2, type, little);
  bytes.set(payload, 4);
  return bytes;
}

function linkBody(index = 0, up = false): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setInt32(4, index, little);
  if (up) {
    u32(view, 8, 1);
    u32(view, 12, 1);
  }
  return bytes;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(`${value}\0`);
const join = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
export const getLink = (sequence: number, index = 1): Uint8Array => request(18, 0, sequence, linkBody(index));
export const dumpLinks = (sequence: number, ...attributes: Uint8Array[]): Uint8Array =>
  request(18, 0x300, sequence, join(linkBody(), ...attributes));
/** A change that a monitor hears of; of a link that is down the kernel says nothing, so it brings it up. */
export const setAlias = (sequence: number, value: string): Uint8Array =>
  request(16, 4, sequence, join(linkBody(1, true), attribute(20, text(value))));
/** A pair of veth devices with names of the kernel's choice. */
export const newVeth = (sequence: number): Uint8Array =>
  request(16, 4 | 0x600, sequence, join(linkBody(), attribute(18, attribute(1, text("veth")))));

interface Message {
  readonly type: number;
  readonly sequence: number;
  readonly body: Uint8Array;
  readonly group: number;
}

/** A socket with its buffers. */
export class Connection {
  readonly binding: NativeBinding;
  readonly handle: SocketHandle;
  readonly slab: Uint8Array;
  readonly meta: Uint32Array;
  readonly slot: number;
  events: Message[] = [];
  statuses: number[] = [];
  onEvent: (() => void) | undefined;

  constructor({ ns = -1, slots = 8, slot = 65536, protocol = 0 } = {}) {
    this.binding = loadBinding();
    const handle = this.binding.open(AF_NETLINK, SOCK_RAW, protocol, ns);
    if (typeof handle === "number") throw new Error(`open: ${handle}`);
    this.handle = handle;
    this.slot = slot;
    this.slab = new Uint8Array(slots * slot);
    this.meta = new Uint32Array(slots * META.WORDS);
    for (const option of [OPTION.EXT_ACK, OPTION.CAP_ACK, OPTION.STRICT, OPTION.PKTINFO]) this.set(option, 1);
    const bound = this.binding.bind(handle, netlinkAddress());
    if (bound < 0) throw new Error(`bind: ${bound}`);
  }

  get port(): number {
    const out = new Uint8Array(12);
    const n = this.binding.address(this.handle, out);
    if (n !== 12) throw new Error(`address: ${n}`);
    return readInt(out, 4) >>> 0;
  }

  set(option: number, value: number): number {
    return this.binding.setopt(this.handle, SOL_NETLINK, option, int(value));
  }

  receive(): number {
    return this.binding.recv(this.handle, this.slab, this.slot, this.meta);
  }

  messages(datagrams: number): Message[] {
    const found: Message[] = [];
    for (let i = 0; i < datagrams; i++) {
      const word = (at: number): number => this.meta[i * META.WORDS + at] ?? 0;
      if (word(META.LENGTH) > this.slot) throw new Error("cut");
      const view = new DataView(this.slab.buffer, i * this.slot, word(META.LENGTH));
      for (let at = 0; at + 16 <= view.byteLength; ) {
        const length = view.getUint32(at, little);
        if (length < 16) throw new Error("bad length");
        found.push({
          type: view.getUint16(at + 4, little),
          sequence: view.getUint32(at + 8, little),
          body: this.slab.slice(i * this.slot + at + 16, i * this.slot + at + length),
          group: word(META.GROUP),
        });
        at += (length + 3) & ~3;
      }
    }
    return found;
  }

  /** On this thread: rtnetlink's answer is there when send returns. */
  ask(message: Uint8Array): Message[] {
    const sent = this.binding.send(this.handle, message, null);
    if (sent < 0) throw new Error(`send: ${sent}`);
    const all: Message[] = [];
    for (;;) {
      const n = this.receive();
      if (n < 0) throw new Error(`recv: ${n}`);
      all.push(...this.messages(n));
      const dump = (message[7] ?? 0) === 3;
      if (!dump || all.some(({ type }) => type === 2 || type === 3)) return all;
    }
  }

  exchange(message: Uint8Array | null): Promise<number> {
    return new Promise((done) => {
      const status = this.binding.exchange(this.handle, message, this.slab, this.slot, this.meta, done);
      if (status < 0) done(status);
    });
  }

  /** Joins the group of link events and reads whatever comes. */
  monitor(): this {
    this.set(OPTION.MEMBERSHIP, 1);
    const status = this.binding.watch(this.handle, (state) => {
      if (state < 0) this.statuses.push(state);
      for (;;) {
        const n = this.receive();
        if (n === ERRNO.EAGAIN || n === ERRNO.EBADF) return;
        if (n < 0) {
          this.statuses.push(n);
          return;
        }
        for (const message of this.messages(n)) {
          this.events.push(message);
          this.onEvent?.();
        }
      }
    });
    if (status < 0) throw new Error(`watch: ${status}`);
    return this;
  }

  close(): number {
    return this.binding.close(this.handle);
  }
}

let pokes = 0;

/** Makes link events: each sets a name that the link does not have, for the kernel says nothing about the same again. */
export function poke(count = 1, ns = -1): void {
  const connection = new Connection({ ns, slots: 1, slot: 8192 });
  for (let i = 0; i < count; i++) connection.ask(setAlias(i + 1, `${process.pid}-${threadId}-${pokes++}`));
  connection.close();
}

export async function until(condition: () => boolean, what: string, ms = 5000): Promise<void> {
  const end = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(2);
  }
}

export function newNamespace(): Promise<number> {
  return new Promise((done, fail) => {
    const status = loadBinding().nsNew((fd) => (fd < 0 ? fail(new Error(`nsNew: ${fd}`)) : done(fd)));
    if (status < 0) fail(new Error(`nsNew: ${status}`));
  });
}

/** The longest time that the loop was not at work, until the returned function is called. */
export function stall(): () => number {
  let longest = 0;
  let last = performance.now();
  let over = false;
  const beat = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!over) setImmediate(beat);
  };
  setImmediate(beat);
  return () => {
    over = true;
    return longest;
  };
}

/** The answer of a call that takes `done`, or the error that it returned at once. */
export function answer<T>(start: (done: (result: T | number) => void) => number): Promise<T | number> {
  return new Promise((done) => {
    const status = start(done);
    if (status < 0) done(status);
  });
}

export async function readIn(ns: number, path: string, size = 256): Promise<string | number> {
  const out = new Uint8Array(size);
  const n = await answer<number>((done) => loadBinding().nsRead(ns, path, out, done));
  return n < 0 ? n : new TextDecoder().decode(out.subarray(0, n));
}

export function writeIn(ns: number, path: string, value: string): Promise<number> {
  return answer<number>((done) => loadBinding().nsWrite(ns, path, new TextEncoder().encode(value), done));
}

export function listIn(ns: number, path: string): Promise<string[] | number> {
  return answer<string[]>((done) => loadBinding().nsList(ns, path, done));
}

const file = fileURLToPath(new URL(import.meta.url.endsWith(".ts") ? "./child.ts" : "./child.js", import.meta.url));
export const CHILD = file;

/** Runs one case of child.ts in a process of its own and returns what it printed; throws when it does not end well. */
export function inChild(name: string, options: SpawnSyncOptions & { wrap?: string[]; args?: string[] } = {}): string {
  const { wrap = [], args = [], ...rest } = options;
  const line = [...wrap, process.execPath, "--expose-gc", "--no-warnings", file, name, ...args];
  const [command = "", ...others] = line;
  const r = spawnSync(command, others, { timeout: 60_000, ...rest, encoding: "utf8" });
  if (r.status !== 0)
    throw new Error(`${name}: ${r.error?.message ?? r.signal ?? `exit ${r.status}`}\n${r.stdout}\n${r.stderr}`);
  return String(r.stdout).trim();
}

export function isIdle(): number {
  const status = readFileSync(`/proc/${procId()}/status`, "utf8");
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN);
}
