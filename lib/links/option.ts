/**
 * Options: a property in people's words, what it looks like, and the attribute it stands for. From one declaration
 * come the TypeScript type, the check, the document's schema, both directions of the mapping, and the word that an
 * error uses for the attribute.
 */
import { linkName, type Shape } from "../shape/shape.ts";
import { type Bind, compile, constructed, warm } from "../wire/compile.ts";
import { ipv6, Reader, Writer } from "../wire/index.ts";

/** A network namespace: its name under /run/netns or path, or whatever holds a descriptor of it, as a `Netns` does. */
export type NetnsRef = string | { readonly fd: number };

/** Looks links up: names are what people write, indexes what the wire carries. */
export interface LinkNames {
  /** @throws when there is no such link. */
  indexOf(name: string): number;
  /** `undefined` where the index is not known in this namespace. */
  nameOf(index: number): string | undefined;
  /** The descriptor of a namespace that was opened for this request. */
  fdOf(netns: NetnsRef): number;
}

type Wire = Readonly<Record<string, unknown>>;

/** The same, or null. */
function orNull<T>({ expected, json, accepts }: Shape<T>): Shape<T | null> {
  return {
    expected: `${expected}, or null for none`,
    json: { anyOf: [json, { type: "null" }] },
    accepts: (value): value is T | null => value === null || accepts(value),
  };
}

/** What a live link has to be for the kernel to take a change: switched off (`down`), or without ports (`empty`). */
export type Demand = "down" | "empty";

/** One property of a kind of link. */
export interface Option<T> {
  readonly shape: Shape<T>;
  /** The wire attributes it may set, for errors and documentation. */
  readonly keys: readonly string[];
  /** The kernel refuses to change it on a live link: a change means delete and create again. */
  readonly fixed: boolean;
  /** It is `fixed`, and the kernel acknowledges a change in silence and makes none, so that we refuse it. */
  readonly ignored: boolean;
  /** Carried by an attribute of the link itself, such as IFLA_LINK, and not by one of its kind. */
  readonly beside: boolean;
  /** Names of another link, which has to exist first; `port` where that is a part of this one and comes to it later. */
  readonly refers: boolean | "port";
  /** Told by the kernel and never set. */
  readonly readOnly: boolean;
  /** Set and never told by the kernel: whether it has been done cannot be seen. */
  readonly untold: boolean;
  /** The value that means that it is not set, where the kernel tells that by telling nothing. */
  readonly none: T | undefined;
  /**
   * Whether the kernel accepts the change on a live link: not when it is `fixed`, and some options are fixed for some
   * values only. `from` is absent where the option is not set now.
   */
  inPlace(from: T | undefined, to: T): boolean;
  /** What the link has to be while the option changes; both can be had without making it again. Empty: as it is. */
  readonly demands: readonly Demand[];
  /** Why the kernel refuses the option beside these others, though it may tell it: some belong to one mode. */
  unfit(others: Readonly<Record<string, unknown>>): string | undefined;
  /** Whether two values mean the same: letters of either case, times within what the kernel's clock can tell apart. */
  equal(a: T, b: T): boolean;
  /** `before` is what a live link has now: what the kernel only adds to has to be taken away by name. */
  write(value: T, names: LinkNames, before?: T): Wire;
  read(wire: Wire, names: LinkNames): T | undefined;
  /** The attribute whose value it is as it stands. */
  readonly plain?: string;
}
export type Options = Readonly<Record<string, Option<unknown>>>;
/** An option that is told and never set. */
export interface Status<T> extends Option<T> {
  readonly readOnly: true;
}
/** The properties that may be set, each optional. */
export type OptionsOf<O extends Options> = {
  readonly [K in keyof O as O[K] extends Status<unknown> ? never : K]?: O[K] extends Option<infer T> ? T : never;
};
/** The properties as they are told, each optional. */
export type ToldOf<O extends Options> = { readonly [K in keyof O]?: O[K] extends Option<infer T> ? T : never };

interface Traits<T> {
  readonly fixed?: boolean;
  readonly ignored?: boolean;
  readonly beside?: boolean;
  readonly refers?: boolean | "port";
  readonly untold?: boolean;
  readonly none?: T;
  readonly inPlace?: (from: T | undefined, to: T) => boolean;
  readonly demands?: readonly Demand[];
  readonly unfit?: Option<T>["unfit"];
  readonly equal?: (a: T, b: T) => boolean;
}

function alike(a: unknown, b: unknown): boolean {
  if (typeof a === "string" && typeof b === "string") return a === b || canonical(a) === canonical(b);
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const [left, right] = [Object.entries(a), b as Record<string, unknown>];
  return left.length === Object.keys(b).length && left.every(([key, value]) => alike(value, right[key]));
}
/** The one form of an address that has many: MAC and IPv6. */
function canonical(value: string): string {
  if (!value.includes(":") || value.length > 45) return value;
  try {
    const out = new Writer(16);
    ipv6.write(out, value);
    return ipv6.read(new Reader(out.finish()), 0, 16);
  } catch {
    return /^[0-9a-f]{2}(:[0-9a-f]{2})+$/i.test(value) ? value.toLowerCase() : value;
  }
}

function option<T>(
  shape: Shape<T>,
  keys: readonly string[],
  write: Option<T>["write"],
  read: Option<T>["read"],
  traits: Traits<T> = {},
): Option<T> {
  const { ignored = false, beside = false, refers = false, untold = false, equal = alike } = traits;
  const fixed = traits.fixed ?? ignored;
  const { none, inPlace = () => !fixed, demands = [], unfit = () => undefined } = traits;
  const which = { fixed, ignored, beside, refers, untold, readOnly: false };
  return { shape, keys, write, read, inPlace, equal, none, demands, unfit, ...which };
}

/** An attribute whose value is the property's as it is. */
export function same<T>(key: string, shape: Shape<T>, traits?: Traits<T>): Option<T> {
  const made = option<T>(
    shape,
    [key],
    (value) => ({ [key]: value }),
    (wire) => wire[key] as T | undefined,
    traits,
  );
  return { ...made, plain: key };
}

/** An attribute whose value is another form of the property's: units, flags, numbers with names. */
export function converted<T, W>(
  key: string,
  shape: Shape<T>,
  toWire: (value: T) => W,
  fromWire: (value: W) => T | undefined,
  traits?: Traits<T>,
): Option<T> {
  return option(
    shape,
    [key],
    (value) => ({ [key]: toWire(value) }),
    (wire) => (wire[key] === undefined ? undefined : fromWire(wire[key] as W)),
    traits,
  );
}

/** A clock of 100 Hz to the outside, and of 100 to 1000 Hz inside: what is read back may be one hundredth off. */
const sameTime = (a: number, b: number): boolean => Math.abs(a - b) < 0.0101;

/** Seconds, carried in hundredths. */
export function centiseconds(key: string, shape: Shape<number>, traits?: Traits<number>): Option<number> {
  return converted<number, number>(
    key,
    shape,
    (value) => Math.round(value * 100),
    (value) => value / 100,
    { equal: sameTime, ...traits },
  );
}

/** Seconds, carried in hundredths in 64 bits. */
export function wideCentiseconds(key: string, shape: Shape<number>, traits?: Traits<number>): Option<number> {
  return converted<number, bigint>(
    key,
    shape,
    (value) => BigInt(Math.round(value * 100)),
    (value) => Number(value) / 100,
    { equal: sameTime, ...traits },
  );
}

/** True or false, where the kernel tells only what is true. */
export function flagged(key: string, shape: Shape<boolean>, traits?: Traits<boolean>): Option<boolean> {
  return option(
    shape,
    [key],
    (value) => ({ [key]: value }),
    (wire) => wire[key] === true,
    traits,
  );
}

/** True or false, carried as 1 or 0 in a wider integer. */
export function switched(key: string, shape: Shape<boolean>, traits?: Traits<boolean>): Option<boolean> {
  return converted<boolean, number>(
    key,
    shape,
    (value) => (value ? 1 : 0),
    (value) => value !== 0,
    traits,
  );
}

/** Name of another link, carried as its index; index 0 is "none". */
export function reference(key: string, shape: Shape<string>, traits?: Traits<string>): Option<string> {
  return option(
    shape,
    [key],
    (value, names) => ({ [key]: names.indexOf(value) }),
    (wire, names) => {
      const index = wire[key];
      return typeof index === "number" && index !== 0 ? (names.nameOf(index) ?? `#${index}`) : undefined;
    },
    { refers: true, ...traits },
  );
}

/**
 * Name of the link below, which a VLAN or a MACsec link cannot be without. It is the first argument of
 * `ip link add link DEV`.
 */
export function below(): Option<string> {
  return reference("link", linkName, { ignored: true, beside: true });
}

/** The same, where null says that there is to be none. */
export function nullableReference(key: string, traits?: Traits<string | null>): Option<string | null> {
  return option<string | null>(
    orNull(linkName),
    [key],
    (value, names) => ({ [key]: value === null ? 0 : names.indexOf(value) }),
    reference(key, linkName).read,
    { none: null, equal: (a, b) => (a ?? undefined) === (b ?? undefined), ...traits },
  );
}

/** An address that has one attribute for each family. An unspecified address (all zero) reads as absent. */
export function eitherFamily(
  key4: string,
  key6: string,
  shape: Shape<string>,
  traits?: Traits<string>,
): Option<string> {
  return option(
    shape,
    [key4, key6],
    (value) => (value.includes(":") ? { [key6]: value } : { [key4]: value }),
    (wire) => {
      const value = (wire[key4] ?? wire[key6]) as string | undefined;
      return value === "0.0.0.0" || value === "::" ? undefined : value;
    },
    traits,
  );
}

/** What the kernel tells and nobody sets: a state, a counter, a timer. */
export function status<T>(key: string, read: (value: never, names: LinkNames) => T | undefined): Status<T> {
  const shape: Shape<T> = {
    expected: "nothing: the kernel tells it",
    json: { not: {} },
    accepts: (_): _ is T => false,
  };
  const told = option<T>(
    shape,
    [key],
    () => fail(key),
    (wire, names) => (wire[key] === undefined ? undefined : read(wire[key] as never, names)),
  );
  return { ...told, readOnly: true };
}
function fail(key: string): never {
  throw new TypeError(`${key} is told by the kernel and cannot be set`);
}

/** Anything else: both directions by hand. */
export function custom<T>(
  keys: readonly string[],
  shape: Shape<T>,
  write: Option<T>["write"],
  read: Option<T>["read"],
  traits?: Traits<T>,
): Option<T> {
  return option(shape, keys, write, read, traits);
}

const isNest = (value: unknown): value is Wire =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Puts the attributes that several options share together: sets of bits, and nests. */
export function merge(into: Record<string, unknown>, more: Wire): Record<string, unknown> {
  for (const [key, value] of Object.entries(more)) {
    const before = into[key];
    into[key] = isNest(before) && isNest(value) ? merge({ ...before }, value) : value;
  }
  return into;
}

/**
 * People's words to wire attributes. Absent means "leave it alone"; `now` is what a live link has. `beside`: only of options
 * that are so, or are not.
 */
export function toWire(
  options: Options,
  values: object,
  names: LinkNames,
  now: object = {},
  beside?: boolean,
): Record<string, unknown> {
  const wire: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values)) {
    const found = Object.hasOwn(options, key) ? options[key] : undefined;
    if (found !== undefined && value !== undefined && (beside ?? found.beside) === found.beside)
      merge(wire, found.write(value, names, (now as Readonly<Record<string, unknown>>)[key]));
  }
  return wire;
}

/** How a property is told. `beside`: by what is beside the attributes. */
export type Telling = Pick<Option<unknown>, "beside" | "read" | "plain">;
type Tellings = Readonly<Record<string, Telling>>;

interface Teller {
  add(values: Record<string, unknown>, wire: Wire, names: LinkNames, beside: Wire): void;
  make(wire: Wire, names: LinkNames, beside: Wire): Record<string, unknown>;
}
const tellers = new WeakMap<Tellings, Teller>();
/** Made once for each table, as it is gone through for every link. */
function tellerOf(table: Tellings): Teller {
  const known = tellers.get(table);
  if (known !== undefined) return known;
  const list = Object.entries(table);
  const teller: Teller = {
    add(values, wire, names, beside) {
      for (const [key, one] of list) {
        const value = one.read(one.beside ? beside : wire, names);
        if (value !== undefined) values[key] = value;
      }
    },
    make(wire, names, beside) {
      const values: Record<string, unknown> = {};
      teller.add(values, wire, names, beside);
      return values;
    },
  };
  warm(teller, "add", () =>
    compile((bind) => `(values, wire, names, beside) => { ${statements("values", list, bind)} }`),
  );
  warm(teller, "make", () =>
    compile((bind) => constructed(["wire", "names", "beside"], statements("this", list, bind))),
  );
  tellers.set(table, teller);
  return teller;
}
function statements(target: string, list: readonly (readonly [key: string, one: Telling])[], bind: Bind): string {
  const parts = list.map(([key, one]) => {
    const from = one.beside ? "beside" : "wire";
    const value =
      one.plain === undefined ? `${bind(one)}.read(${from}, names)` : `${from}[${JSON.stringify(one.plain)}]`;
    return `if ((x = ${value}) !== undefined) ${target}[${JSON.stringify(key)}] = x;`;
  });
  return `let x; ${parts.join("\n")}`;
}

/** Wire attributes in people's words; what the kernel did not tell is absent. `beside` has what stands beside them. */
export function fromWire(table: Tellings, wire: Wire, names: LinkNames, beside = wire): Record<string, unknown> {
  return tellerOf(table).make(wire, names, beside);
}
/** The same, put into `values`. */
export function addFromWire(
  values: Record<string, unknown>,
  table: Tellings,
  wire: Wire,
  names: LinkNames,
  beside: Wire,
): void {
  tellerOf(table).add(values, wire, names, beside);
}

/** The word for a wire attribute, so that a refusal can be told as people say it. */
export function wordFor(options: Options, wireKey: string): string | undefined {
  return Object.entries(options).find(([, one]) => one.keys.includes(wireKey))?.[0];
}
