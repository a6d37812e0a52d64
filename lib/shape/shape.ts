/**
 * What a value that a person writes must look like. The typed API checks with these before anything is sent, and the
 * document's schema is made from the same ones, so a rule stands in one place.
 */
import { isIPv4, isIPv6, prefixLength, prefixOfIPv4 } from "./ip.ts";

/** One kind of value. */
export interface Shape<T> {
  /** Completes "expected …": `an integer from 0 to 255`. */
  readonly expected: string;
  /** The same rule as JSON Schema, as far as that language can say it. */
  readonly json: Readonly<Record<string, unknown>>;
  /** A refused value is not shown: it may be a secret. */
  readonly secret?: true;
  accepts(value: unknown): value is T;
}

function shape<T>(expected: string, json: Record<string, unknown>, accepts: (value: unknown) => boolean): Shape<T> {
  return { expected, json, accepts: accepts as Shape<T>["accepts"] };
}
const string =
  (test: (value: string) => boolean) =>
  (value: unknown): boolean =>
    typeof value === "string" && test(value);

/** A whole number in a closed range. */
export function integer(minimum: number, maximum: number, unit = ""): Shape<number> {
  return shape(
    `a whole number${unit && ` of ${unit}`} from ${minimum} to ${maximum}`,
    { type: "integer", minimum, maximum },
    (value) => Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum,
  );
}
/** A duration in seconds, hundredths included. */
export function seconds(maximum: number): Shape<number> {
  return shape(
    `seconds from 0 to ${maximum}`,
    { type: "number", minimum: 0, maximum },
    (value) => typeof value === "number" && value >= 0 && value <= maximum,
  );
}
export const boolean: Shape<boolean> = shape(
  "true or false",
  { type: "boolean" },
  (value) => typeof value === "boolean",
);
/** One of a few words. */
export function choice<const N extends string>(...names: readonly N[]): Shape<N> {
  return shape(`one of ${names.join(", ")}`, { enum: names }, (value) => names.includes(value as N));
}
/** Text without control characters, of at most `maximum` bytes. */
export function text(maximum: number): Shape<string> {
  return shape(
    `text of at most ${maximum} bytes without control characters`,
    { type: "string", maxLength: maximum },
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
    string((value) => Buffer.byteLength(value) <= maximum && !/[\x00-\x1f\x7f]/.test(value)),
  );
}

/** Bytes of an interface name without its closing NUL byte. Source: include/uapi/linux/if.h (IFNAMSIZ). */
const NAME_BYTES = 15;
const LINK_NAME = /^[A-Za-z0-9._:+@=][A-Za-z0-9._:+@=-]{0,14}$/;
const RESERVED = new Set([".", "..", "all", "default"]);
/** An interface name that we create; what the kernel already has may be named otherwise. */
export const linkName: Shape<string> = shape(
  `an interface name: 1 to ${NAME_BYTES} of the characters a-z A-Z 0-9 . _ : + @ = -, not starting with -, not . .. all default`,
  { type: "string", pattern: `^[A-Za-z0-9._:+@=][A-Za-z0-9._:+@=-]{0,${NAME_BYTES - 1}}$` },
  string((value) => LINK_NAME.test(value) && !RESERVED.has(value)),
);
/** The name or an alternative name of a link that is there: the kernel allows more than we create, even nothing at all. */
export const knownLinkName: Shape<string> = shape(
  "the name of a link: text of at most 127 bytes",
  { type: "string", maxLength: 127 },
  string((value) => Buffer.byteLength(value) <= 127 && !value.includes("\0")),
);
const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i;
export const mac: Shape<string> = shape(
  "a MAC address such as 02:00:00:00:00:01",
  { type: "string", pattern: "^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$" },
  string((value) => MAC.test(value)),
);
/** An address of either family, without zone. */
export const address: Shape<string> = shape(
  "an IPv4 or IPv6 address",
  { type: "string" },
  string((value) => isIPv4(value) || (isIPv6(value) && !value.includes("%"))),
);
function isPrefix(value: string, lengthNeeded: boolean): boolean {
  const short = prefixOfIPv4(value);
  if (short === undefined || short >= 0) return short !== undefined || !lengthNeeded;
  const slash = value.indexOf("/");
  const ip = slash < 0 ? value : value.slice(0, slash);
  if (!isIPv6(ip) || ip.includes("%")) return false;
  return slash < 0 ? !lengthNeeded : prefixLength(value, slash + 1, 128) >= 0;
}
/** An address with its prefix length, as an interface carries it. */
export const interfaceAddress: Shape<string> = shape(
  "an address with prefix length such as 192.0.2.1/24",
  { type: "string" },
  string((value) => isPrefix(value, true)),
);
/** A network; `default` is the one of length 0. A single address means all its bits. */
export const network: Shape<string> = shape(
  "a network such as 192.0.2.0/24, an address, or default",
  { type: "string" },
  string((value) => value === "default" || isPrefix(value, false)),
);

/** A list of equal values. */
export function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return shape(
    `a list, each ${item.expected}`,
    { type: "array", items: item.json },
    (value) => Array.isArray(value) && value.every((one) => item.accepts(one)),
  );
}

/** Named shapes: the properties of an object, each optional. */
export type Shapes = Readonly<Record<string, Shape<unknown>>>;

/** A value that the typed API refuses; nothing was sent. */
export class InputError extends Error {
  override readonly name = "InputError";
  readonly code = "ERR_INPUT";
  /** The property at fault, outermost first: `["vxlan0", "vni"]`. */
  readonly path: readonly string[];
  /** What is wrong, without the path. */
  readonly reason: string;

  constructor(path: readonly string[], reason: string) {
    super([...(path.length === 0 ? [] : [path.join(".")]), reason].join(": "));
    this.path = path;
    this.reason = reason;
  }
}

function written(value: unknown): string {
  try {
    const plain = JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}n` : part));
    return typeof value === "bigint" ? String(value) : (plain ?? String(value));
  } catch {
    return Object.prototype.toString.call(value); // it refers to itself, or refuses to be read
  }
}
/** How a refused value is shown: short, and harmless in a terminal. */
export function shown(value: unknown): string {
  const plain = typeof value === "function" ? "a function" : written(value);
  return plain.length > 60 ? `${plain.slice(0, 57)}...` : plain;
}

/** Says what is wrong with a value, or nothing. */
export function problem(wanted: Shape<unknown>, value: unknown): string | undefined {
  if (wanted.accepts(value)) return undefined;
  return `expected ${wanted.expected}, got ${wanted.secret === true ? "something else" : shown(value)}`;
}

/** Number of edits between two words, of one letter or two neighbors swapped; for "did you mean". */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const one = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1));
      next[j] = swapped ? Math.min(one, (before[j - 2] ?? 0) + 1) : one;
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The known word nearest to an unknown one, where one is near enough to be meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const near = known
    .map((name) => ({ name, edits: distance(word.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)[0];
  return near !== undefined && near.edits <= Math.max(1, Math.floor(word.length / 3)) ? near.name : undefined;
}

/** Says what is wrong with an unknown property. */
export function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  return meant === undefined ? `unknown key; known are ${known.join(", ")}` : `unknown key; did you mean ${meant}?`;
}

/** One value that has to be there. @throws {InputError} */
export function checkOne(path: readonly string[], wanted: Shape<unknown>, value: unknown): void {
  const wrong = problem(wanted, value);
  if (wrong !== undefined) throw new InputError(path, wrong);
}

/** What a value is, for those that are not shown as they may be secrets. */
const typeOf = (value: unknown): string => (value === null ? "null" : Array.isArray(value) ? "a list" : typeof value);

/** Something with properties; without a path it is called `name`. @throws {InputError} */
export function checkObject(path: readonly string[], value: unknown, name = "config"): void {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return;
  throw new InputError(path.length === 0 ? [name] : path, `expected an object, got ${typeOf(value)}`);
}

/** @throws {InputError} for what is no list. */
export function checkList(path: readonly string[], value: unknown): void {
  if (!Array.isArray(value)) throw new InputError(path, `expected a list, got ${typeOf(value)}`);
}

/** @throws {InputError} for what is no object, and for the first property that is unknown or does not fit. */
export function check(path: readonly string[], shapes: Shapes, value: unknown, name?: string): void {
  checkObject(path, value, name);
  const parts = value as Readonly<Record<string, unknown>>;
  for (const key in parts) {
    const part = parts[key];
    if (part === undefined || !Object.hasOwn(parts, key)) continue;
    const wanted = Object.hasOwn(shapes, key) ? shapes[key] : undefined;
    if (wanted === undefined)
      throw new InputError([...path, shown(key).slice(1, -1)], unknownKey(key, Object.keys(shapes)));
    const wrong = problem(wanted, part);
    if (wrong !== undefined) throw new InputError([...path, key], wrong);
  }
}
