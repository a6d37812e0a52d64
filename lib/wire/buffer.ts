/**
 * Memory that messages are read from and written to: one block, seen as bytes, 16-bit and 32-bit words.
 *
 * Source: include/uapi/linux/netlink.h (NLMSG_ALIGNTO, NLA_ALIGNTO: everything starts at a multiple of 4).
 * Words are in host byte order, as netlink is; the block itself therefore has to start at a multiple of 8.
 */
import { WireError } from "./error.ts";

/** Rounds a length up to the next multiple of 4. Same as the C macros NLMSG_ALIGN and NLA_ALIGN. */
export const align = (length: number): number => (length + 3) & ~3;

const pair = new Uint32Array(2);
const wide = new BigUint64Array(pair.buffer);

/** A block that is read. Positions are bytes from its beginning; fields start at a multiple of their size. */
export class Reader {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  #start = 0;
  #end: number;
  #kept: Reader | undefined;
  #origin = 0;

  /**
   * Uses the memory of `bytes` where it starts at a multiple of 8, and a copy of it where it does not. Never `bytes`
   * itself: it may be a Buffer, whose `slice` copies nothing.
   */
  constructor(bytes: Uint8Array) {
    const { buffer, byteOffset, length } = bytes;
    const whole = byteOffset % 8 === 0 ? new Uint8Array(buffer, byteOffset, length) : new Uint8Array(bytes);
    this.u8 = whole;
    this.#end = whole.length;
    this.u16 = new Uint16Array(whole.buffer, whole.byteOffset, whole.length >> 1);
    this.u32 = new Uint32Array(whole.buffer, whole.byteOffset, whole.length >> 2);
  }

  /** A 64-bit word; it needs to start at a multiple of 4 only, as the kernel promises no more. */
  u64(at: number): bigint {
    pair[0] = this.u32[at >> 2] as number;
    pair[1] = this.u32[(at >> 2) + 1] as number;
    return wide[0] as bigint;
  }

  /** One of memory that stays as it is, so that nothing of it has to be copied. */
  static #lasting(bytes: Uint8Array): Reader {
    const made = new Reader(bytes);
    made.#kept = made;
    return made;
  }

  /** Says which datagram is read now: what its values keep of it is copied at most once. */
  datagram(start: number, end: number): void {
    this.#start = start;
    this.#end = end;
    this.#kept = undefined;
  }

  /**
   * The bytes from `start` to `end`, for values that outlive the block. Parts of one datagram share one copy of it: a
   * copy for each attribute would have memory of its own each, and the collector would do little else.
   */
  copy(start: number, end: number): Uint8Array {
    if (start < this.#start || end > this.#end) return this.u8.slice(start, end);
    return this.keep().u8.subarray(start - this.#origin, end - this.#origin);
  }

  /** The datagram that is read now, in memory that stays as it is: byte `at` is byte `at - origin` there. */
  keep(): Reader {
    if (this.#kept !== undefined) return this.#kept;
    const length = this.#end - this.#start;
    if (length > SHARED) {
      this.#origin = this.#start;
      this.#kept = Reader.#lasting(this.u8.slice(this.#start, this.#end));
      return this.#kept;
    }
    if (pool === undefined || used + length > POOL) {
      pool = Reader.#lasting(new Uint8Array(POOL));
      used = 0;
    }
    pool.u8.set(this.u8.subarray(this.#start, this.#end), used);
    this.#origin = this.#start - used;
    used += (length + 7) & ~7;
    this.#kept = pool;
    return pool;
  }
  /** Valid after {@link keep}. */
  get origin(): number {
    return this.#origin;
  }
}

/** Copies of small datagrams share a block of so many bytes: one of its own for each costs several times the copy. */
const POOL = 16 * 1024;
/** Bytes of the longest of them. */
const SHARED = 2048;
let pool: Reader | undefined;
let used = 0;

/** A block that grows while it is written. What stands before `length` is the message so far. */
export class Writer {
  u8: Uint8Array;
  u16: Uint16Array;
  u32: Uint32Array;
  /** Bytes written. */
  length = 0;

  constructor(capacity = 4096) {
    this.u8 = new Uint8Array(align(capacity));
    this.u16 = new Uint16Array(this.u8.buffer);
    this.u32 = new Uint32Array(this.u8.buffer);
  }

  /** Makes room for `count` bytes, zeroed, and returns where they begin. */
  take(count: number): number {
    const at = this.length;
    this.length = at + count;
    if (this.length > this.u8.length) this.#grow(this.length);
    return at;
  }

  #grow(needed: number): void {
    const old = this.u8;
    this.u8 = new Uint8Array(align(Math.max(needed, old.length * 2)));
    this.u8.set(old);
    this.u16 = new Uint16Array(this.u8.buffer);
    this.u32 = new Uint32Array(this.u8.buffer);
  }

  /** Writes a 64-bit word at `at`, a multiple of 4. */
  u64(at: number, value: bigint): void {
    wide[0] = value;
    this.u32[at >> 2] = pair[0] as number;
    this.u32[(at >> 2) + 1] = pair[1] as number;
  }

  /** Appends one byte. (`u8[take(1)] = …` would write into the memory from before the growth.) */
  byte(value: number): void {
    const at = this.take(1);
    this.u8[at] = value;
  }

  /** Appends bytes as they are. */
  bytes(data: Uint8Array): void {
    const at = this.take(data.length);
    this.u8.set(data, at);
  }

  /** Begins an attribute (struct nlattr) and returns where; its payload follows, then {@link end}. */
  begin(type: number): number {
    const at = this.take(4);
    this.u16[(at >> 1) + 1] = type;
    return at;
  }

  /** Ends the attribute begun at `at`: writes its length, and pads with zeros to a multiple of 4. */
  end(at: number): void {
    const length = this.length - at;
    if (length > 0xffff) throw new WireError(`attribute is ${length} bytes; 65535 is the most`);
    this.u16[at >> 1] = length;
    this.take(align(length) - length);
  }

  /** Drops everything after `length` bytes, so that what is written next starts from zeroed memory. */
  truncate(length: number): void {
    this.u8.fill(0, length, this.length);
    this.length = length;
  }

  /** What was written, as a copy. */
  finish(): Uint8Array {
    return this.u8.slice(0, this.length);
  }
}
