/** One sysctl of an interface: its place among the kernel's numbers, and what people write for its value. */
import { boolean, integer, type Shape } from "../shape/shape.ts";

/** A sysctl that the kernel carries as a signed number of 32 bits. */
export interface Setting<T> {
  /** The kernel's number of it, which is also its place in a dump. */
  readonly number: number;
  readonly shape: Shape<T>;
  /** False: told and never set. */
  readonly settable: boolean;
  toNumber(value: T): number;
  fromNumber(number: number): T;
}
/** Settings by people's words. */
export type Settings = Readonly<Record<string, Setting<unknown>>>;
/** What the kernel tells of settings: older kernels have fewer of them. */
export type Told<S> = { readonly [K in keyof S]?: S[K] extends Setting<infer T> ? T : never } & {
  /** What this build has no word for, by the kernel's number. */
  readonly [number: `#${number}`]: number;
};
/** What can be set; what is absent stays as it is. */
export type Changed<S> = { readonly [K in keyof S]?: (S[K] extends Setting<infer T> ? T : never) | undefined };

const INT_MAX = 0x7fff_ffff;

/** On or off. */
export function on(number: number): Setting<boolean> {
  return {
    number,
    shape: boolean,
    settable: true,
    toNumber: (value) => (value ? 1 : 0),
    fromNumber: (value) => value !== 0,
  };
}
/** A number as it is. */
export function plain(number: number, maximum = INT_MAX, minimum = 0): Setting<number> {
  const same = (value: number): number => value;
  return { number, shape: integer(minimum, maximum), settable: true, toNumber: same, fromNumber: same };
}
/** A number without sign. */
export function unsigned(number: number): Setting<number> {
  return { ...plain(number, 0xffff_ffff), toNumber: (value) => value | 0, fromNumber: (value) => value >>> 0 };
}
/** Words for a number. */
export function worded<W extends string>(
  number: number,
  words: {
    readonly shape: Shape<W | number>;
    numberOf(word: W | number): number;
    wordOf(number: number): W | number;
  },
): Setting<W | number> {
  return { number, shape: words.shape, settable: true, toNumber: words.numberOf, fromNumber: words.wordOf };
}
const milliseconds: Shape<number> = {
  expected: `seconds from 0 to ${INT_MAX / 1000}, in thousandths`,
  json: { type: "number", minimum: 0, maximum: INT_MAX / 1000 },
  accepts: (value): value is number => typeof value === "number" && value >= 0 && value <= INT_MAX / 1000,
};
/** Seconds, carried in milliseconds. */
export function duration(number: number): Setting<number> {
  return {
    number,
    shape: milliseconds,
    settable: true,
    toNumber: (value) => Math.round(value * 1000),
    fromNumber: (value) => value / 1000,
  };
}
/** A setting that is the kernel's own to change. */
export function readOnly<T>(setting: Setting<T>): Setting<T> {
  return { ...setting, settable: false };
}

/** Settings from the array that a dump carries; the first member has the number `first`. */
export function fromArray<S extends Settings>(settings: S, conf: Uint8Array, first: number): Told<S> {
  const view = new DataView(conf.buffer, conf.byteOffset, conf.byteLength);
  const told: Record<string, unknown> = {};
  const byNumber = new Map(
    Object.entries(settings).map(([word, setting]) => [setting.number, [word, setting] as const]),
  );
  for (let i = 0; 4 * i + 4 <= conf.byteLength; i++) {
    const value = view.getInt32(4 * i, LITTLE);
    const [word, setting] = byNumber.get(first + i) ?? [`#${first + i}`];
    told[word] = setting === undefined ? value : setting.fromNumber(value);
  }
  return told as Told<S>;
}
const LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
