/**
 * Payload codecs: one payload, one value.
 *
 * Source: include/uapi/linux/netlink.h (nlattr payload rules), host byte order unless a name says `be`.
 */
import type { Reader, Writer } from "./buffer.ts";
import { type Bind, compile, type Inline, warm } from "./compile.ts";
import { tooShort, WireError } from "./error.ts";

/** Turns a payload into a value and back. `I` is what callers may write, `O` is what they read. */
export interface Codec<I, O = I> {
  readonly name: string;
  /** Appends the payload, without attribute header or padding. */
  write(out: Writer, value: I): void;
  /** Reads the payload that stands from `start` (a multiple of 4, or of the codec's size) to `end`. */
  read(from: Reader, start: number, end: number): O;
}

/** A codec whose payload has one possible length, so that it can also be a member of a C struct. */
export interface Fixed<I, O = I> extends Codec<I, O> {
  /** Bytes. */
  readonly size: number;
  readonly inline?: Inline;
}

/** The value a codec accepts. */
export type In<C> = C extends { write(out: never, value: infer I): void } ? I : never;
/** The value a codec returns. */
export type Out<C> = C extends { read(...from: never): infer O } ? O : never;

function sized(name: string, size: number, start: number, end: number): void {
  if (end - start !== size) throw new WireError(`${name} needs ${size} bytes, got ${end - start}`);
}

function int<T extends number | bigint>(
  name: string,
  size: number,
  [min, max]: readonly [min: T, max: T],
  put: (out: Writer, at: number, value: T) => void,
  get: (from: Reader, at: number) => T,
  inline?: Pick<Inline, "get" | "put">,
): Fixed<T> {
  const kind = typeof max;
  const fits = (value: string): string => `Number.isInteger(${value}) && ${value} >= ${min} && ${value} <= ${max}`;
  return {
    name,
    size,
    ...(inline === undefined ? {} : { inline: { ...inline, fits } }),
    write(out, value) {
      if (typeof value !== kind || value < min || value > max || (kind === "number" && !Number.isInteger(value)))
        throw new WireError(`expected ${name} (${min}..${max}), got ${String(value)}`);
      put(out, out.take(size), value);
    },
    read(from, start, end) {
      sized(name, size, start, end);
      return get(from, start);
    },
  };
}

export const u8: Fixed<number> = int(
  "u8",
  1,
  [0, 0xff],
  (out, at, x) => {
    out.u8[at] = x;
  },
  (from, at) => from.u8[at] as number,
  { get: (at) => `from.u8[${at}]`, put: (at, value) => `out.u8[${at}] = ${value}` },
);
export const u16: Fixed<number> = int(
  "u16",
  2,
  [0, 0xffff],
  (out, at, x) => {
    out.u16[at >> 1] = x;
  },
  (from, at) => from.u16[at >> 1] as number,
  { get: (at) => `from.u16[(${at}) >> 1]`, put: (at, value) => `out.u16[(${at}) >> 1] = ${value}` },
);
export const u32: Fixed<number> = int(
  "u32",
  4,
  [0, 0xffff_ffff],
  (out, at, x) => {
    out.u32[at >> 2] = x;
  },
  (from, at) => from.u32[at >> 2] as number,
  { get: (at) => `from.u32[(${at}) >> 2]`, put: (at, value) => `out.u32[(${at}) >> 2] = ${value}` },
);
export const s16: Fixed<number> = int(
  "s16",
  2,
  [-0x8000, 0x7fff],
  (out, at, x) => {
    out.u16[at >> 1] = x;
  },
  (from, at) => ((from.u16[at >> 1] as number) << 16) >> 16,
  { get: (at) => `((from.u16[(${at}) >> 1] << 16) >> 16)`, put: (at, value) => `out.u16[(${at}) >> 1] = ${value}` },
);
export const s32: Fixed<number> = int(
  "s32",
  4,
  [-0x8000_0000, 0x7fff_ffff],
  (out, at, x) => {
    out.u32[at >> 2] = x;
  },
  (from, at) => (from.u32[at >> 2] as number) | 0,
  { get: (at) => `(from.u32[(${at}) >> 2] | 0)`, put: (at, value) => `out.u32[(${at}) >> 2] = ${value}` },
);
export const u64: Fixed<bigint> = int(
  "u64",
  8,
  [0n, 0xffff_ffff_ffff_ffffn],
  (out, at, x) => out.u64(at, x),
  (from, at) => from.u64(at),
);
export const be16: Fixed<number> = int(
  "be16",
  2,
  [0, 0xffff],
  (out, at, x) => {
    out.u8[at] = x >> 8;
    out.u8[at + 1] = x;
  },
  (from, at) => ((from.u8[at] as number) << 8) | (from.u8[at + 1] as number),
  {
    get: (at) => `((from.u8[${at}] << 8) | from.u8[${at} + 1])`,
    put: (at, value) => `out.u8[${at}] = ${value} >> 8, out.u8[${at} + 1] = ${value}`,
  },
);
const getBe32 = (from: Reader, at: number): number =>
  (((from.u8[at] as number) << 24) |
    ((from.u8[at + 1] as number) << 16) |
    ((from.u8[at + 2] as number) << 8) |
    (from.u8[at + 3] as number)) >>>
  0;
function putBe32(out: Writer, at: number, x: number): void {
  out.u8[at] = x >>> 24;
  out.u8[at + 1] = x >>> 16;
  out.u8[at + 2] = x >>> 8;
  out.u8[at + 3] = x;
}
export const be32: Fixed<number> = int("be32", 4, [0, 0xffff_ffff], putBe32, getBe32, {
  get: (at, bind) => `${bind(getBe32)}(from, ${at})`,
  put: (at, value) =>
    `out.u8[${at}] = ${value} >>> 24, out.u8[${at} + 1] = ${value} >>> 16, out.u8[${at} + 2] = ${value} >>> 8, out.u8[${at} + 3] = ${value}`,
});
export const be64: Fixed<bigint> = int(
  "be64",
  8,
  [0n, 0xffff_ffff_ffff_ffffn],
  (out, at, x) => {
    putBe32(out, at, Number(x >> 32n));
    putBe32(out, at + 4, Number(x & 0xffff_ffffn));
  },
  (from, at) => (BigInt(getBe32(from, at)) << 32n) | BigInt(getBe32(from, at + 4)),
);

/** A number of 4 bytes, or of 8 where it does not fit into these. Same as the C function nla_put_uint. */
export const uint: Codec<bigint> = {
  name: "uint",
  write(out, value) {
    if (typeof value === "bigint" && value >= 0n && value <= 0xffff_ffffn) u32.write(out, Number(value));
    else u64.write(out, value);
  },
  read: (from, start, end) => (end - start === 4 ? BigInt(u32.read(from, start, end)) : u64.read(from, start, end)),
};

/** One byte: 0 is false, anything else is true. */
export const bool: Fixed<boolean> = {
  name: "bool",
  size: 1,
  inline: {
    get: (at) => `(from.u8[${at}] !== 0)`,
    fits: (value) => `typeof ${value} === "boolean"`,
    put: (at, value) => `out.u8[${at}] = ${value} ? 1 : 0`,
  },
  write(out, value) {
    if (typeof value !== "boolean") throw new WireError(`expected true or false, got ${String(value)}`);
    out.byte(value ? 1 : 0);
  },
  read(from, start, end) {
    sized("bool", 1, start, end);
    return from.u8[start] !== 0;
  },
};

/** Read side of an attribute that is a flag in requests and a byte in dumps. */
export const byteOrFlag: Codec<never, boolean> = {
  name: "byte or flag",
  write: () => undefined,
  read: (from, start, end) => end === start || from.u8[start] !== 0,
};

/** Raw payload. Reading copies, so that a value never aliases the receive buffer. */
export const bytes: Codec<Uint8Array> = {
  name: "bytes",
  write: (out, value) => out.bytes(value),
  read: (from, start, end) => from.copy(start, end),
};

/** A codec for integers seen through a pair of functions: units, offsets, other spellings of the same number. */
export function mapped<A, T extends number | bigint>(
  base: Fixed<T>,
  name: string,
  toNumber: (value: A) => T,
  fromNumber: (value: T) => A,
): Fixed<A> {
  const { inline } = base;
  return {
    name,
    size: base.size,
    // Read in line; written through the codec, whose other form may be refused.
    ...(inline === undefined
      ? {}
      : {
          inline: {
            ...inline,
            get: (at: string, bind: Bind) => `${bind(fromNumber)}(${inline.get(at, bind)})`,
            fits: () => "false",
          },
        }),
    write: (out, value) => base.write(out, toNumber(value)),
    read: (from, start, end) => fromNumber(base.read(from, start, end)),
  };
}

/** One of a closed list of names; a number the list does not know reads as that number. */
export function oneOf<const N extends Record<string, number>>(
  base: Fixed<number>,
  names: N,
): Fixed<(keyof N & string) | number> {
  const byNumber = new Map(Object.entries(names).map(([name, value]) => [value, name as keyof N & string]));
  const expected = `one of ${Object.keys(names).join(", ")}`;
  return mapped<(keyof N & string) | number, number>(
    base,
    expected,
    (value) => {
      const number = typeof value === "number" ? value : Object.hasOwn(names, value) ? names[value] : undefined;
      if (number === undefined) throw new WireError(`expected ${expected}, got ${String(value)}`);
      return number;
    },
    (number) => byNumber.get(number) ?? number,
  );
}

/** A set of bits by name, as `{ up: true }`; bits without a name are kept under `rest`. */
export function bits<const N extends Record<string, number>>(
  base: Fixed<number>,
  names: N,
): Fixed<{ readonly [K in keyof N]?: boolean } & { readonly rest?: number }> {
  const list = Object.entries(names);
  const known = list.reduce((all, [, bit]) => all | bit, 0);
  type Set = { readonly [K in keyof N]?: boolean } & { readonly rest?: number };
  return mapped<Set, number>(
    base,
    `bits ${Object.keys(names).join(", ")}`,
    (set) =>
      list.reduce((sum, [name, bit]) => ((set as Record<string, unknown>)[name] ? sum | bit : sum), set.rest ?? 0) >>>
      0,
    (number) => {
      const set: Record<string, boolean | number> = {};
      for (const [name, bit] of list) if ((number & bit) !== 0) set[name] = true;
      if ((number & ~known) !== 0) set["rest"] = (number & ~known) >>> 0;
      return set as Set;
    },
  );
}

/**
 * A C struct: members in order, packed as declared; write padding as a member whose key starts with `_`.
 * A payload that is longer (from a newer kernel) is accepted, a shorter one is not.
 */
export function struct<const M extends Record<string, Fixed<never, unknown>>>(
  name: string,
  members: M,
): Fixed<StructIn<M>, StructOut<M>> {
  let size = 0;
  const list = Object.entries(members).map(([key, codec]) => {
    const offset = size;
    size += codec.size;
    return { key, offset, codec: codec as Fixed<unknown>, shown: !key.startsWith("_") };
  });
  const shown = list.filter((member) => member.shown);
  const total = size;
  const codec: {
    name: string;
    size: number;
    write: Fixed<StructIn<M>>["write"];
    read: Fixed<never, StructOut<M>>["read"];
  } = {
    name,
    size: total,
    write(out, value) {
      const begin = out.length;
      for (const member of list) {
        const part = (value as Record<string, unknown>)[member.key];
        if (part === undefined) out.take(member.codec.size);
        else
          try {
            member.codec.write(out, part);
          } catch (error) {
            out.truncate(begin);
            throw WireError.under(member.key, error);
          }
      }
    },
    read(from, start, end) {
      if (end - start < total) throw tooShort(name, total, start, end);
      const value: Record<string, unknown> = {};
      for (const member of shown) {
        const at = start + member.offset;
        value[member.key] = member.codec.read(from, at, at + member.codec.size);
      }
      return value as StructOut<M>;
    },
  };
  const slowWrite = codec.write;
  warm(codec, "read", () => compileStructRead(name, total, shown));
  if (shown.every((member) => member.codec.inline !== undefined))
    warm(codec, "write", () => compileStructWrite(total, shown, slowWrite));
  return codec;
}

interface Member {
  readonly key: string;
  readonly offset: number;
  readonly codec: Fixed<unknown>;
}

/** `(from, start, end) => ({ family: from.u8[start + 0], … })` */
function compileStructRead<F>(name: string, size: number, members: readonly Member[]): F | undefined {
  return compile<F>((bind) => {
    const parts = members.map(({ key, offset, codec }) => {
      const at = `start + ${offset}`;
      const value = codec.inline?.get(at, bind) ?? `${bind(codec)}.read(from, ${at}, ${at} + ${codec.size})`;
      return `${JSON.stringify(key)}: ${value}`;
    });
    const check = `if (end - start < ${size}) throw ${bind(tooShort)}(${JSON.stringify(name)}, ${size}, start, end);`;
    return `(from, start, end) => { ${check} return { ${parts.join(", ")} }; }`;
  });
}

/** Writes the members in line; a value that does not fit goes through the slow writer, which says what is wrong. */
function compileStructWrite<F>(size: number, members: readonly Member[], slow: F): F | undefined {
  return compile<F>((bind) => {
    const parts = members.map(({ key, offset, codec }) => {
      const part = `if ((x = value[${JSON.stringify(key)}]) !== undefined) {`;
      const put = codec.inline?.put(`at + ${offset}`, "x");
      return `${part} if (!(${codec.inline?.fits("x")})) { out.truncate(at); return ${bind(slow)}(out, value); } ${put}; }`;
    });
    return `(out, value) => { const at = out.take(${size}); let x; ${parts.join("\n")} }`;
  });
}
type Named<M> = { [K in keyof M as K extends `_${string}` ? never : K]: M[K] };
type StructIn<M> = { readonly [K in keyof Named<M>]?: In<Named<M>[K]> | undefined };
type StructOut<M> = { readonly [K in keyof Named<M>]: Out<Named<M>[K]> };

/** A run of equal members, as C arrays are: `array(u32)` reads as many as fit. */
export function array<I, O>(item: Fixed<I, O>): Codec<readonly I[], readonly O[]> {
  return {
    name: `${item.name}[]`,
    write(out, values) {
      for (const value of values) item.write(out, value);
    },
    read(from, start, end) {
      const values: O[] = [];
      for (let at = start; at + item.size <= end; at += item.size) values.push(item.read(from, at, at + item.size));
      return values;
    },
  };
}
