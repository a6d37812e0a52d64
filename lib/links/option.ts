/**
 * Options: a property in people's words, what it looks like, and the attribute it stands for. From one declaration
 * come the TypeScript type, the check, the document's schema, both directions of the mapping, and the word that an
 * error uses for the attribute.
 */
import type { Shape } from "../shape/shape.ts";

/** Looks links up: names are what people write, indexes what the wire carries. */
export interface LinkNames {
  /** @throws when there is no such link. */
  indexOf(name: string): number;
  /** `undefined` where the index is not known in this namespace. */
  nameOf(index: number): string | undefined;
}

type Wire = Readonly<Record<string, unknown>>;

/** One property of a kind of link. */
export interface Option<T> {
  readonly shape: Shape<T>;
  /** The wire attributes it may set, for errors and documentation. */
  readonly keys: readonly string[];
  /** The kernel refuses to change it on a live link: a change means delete and create again. */
  readonly fixed: boolean;
  /** Names of another link, which has to exist first. */
  readonly refers: boolean;
  /** Dumped but not set, as a learned value. */
  write(value: T, names: LinkNames): Wire;
  read(wire: Wire, names: LinkNames): T | undefined;
}
export type Options = Readonly<Record<string, Option<unknown>>>;
/** The properties as an object, each optional. */
export type OptionsOf<O extends Options> = { readonly [K in keyof O]?: O[K] extends Option<infer T> ? T : never };

interface Traits {
  readonly fixed?: boolean;
}

function option<T>(
  shape: Shape<T>,
  keys: readonly string[],
  write: Option<T>["write"],
  read: Option<T>["read"],
  traits: Traits & { readonly refers?: boolean } = {},
): Option<T> {
  return { shape, keys, write, read, fixed: traits.fixed ?? false, refers: traits.refers ?? false };
}

/** An attribute whose value is the property's as it is. */
export function same<T>(key: string, shape: Shape<T>, traits?: Traits): Option<T> {
  return option(
    shape,
    [key],
    (value) => ({ [key]: value }),
    (wire) => wire[key] as T | undefined,
    traits,
  );
}

/** An attribute whose value is another form of the property's: units, flags, numbers with names. */
export function converted<T, W>(
  key: string,
  shape: Shape<T>,
  toWire: (value: T) => W,
  fromWire: (value: W) => T | undefined,
  traits?: Traits,
): Option<T> {
  return option(
    shape,
    [key],
    (value) => ({ [key]: toWire(value) }),
    (wire) => (wire[key] === undefined ? undefined : fromWire(wire[key] as W)),
    traits,
  );
}

/** Seconds, carried in hundredths. */
export function centiseconds(key: string, shape: Shape<number>, traits?: Traits): Option<number> {
  return converted<number, number>(
    key,
    shape,
    (value) => Math.round(value * 100),
    (value) => value / 100,
    traits,
  );
}

/** True or false, carried as 1 or 0 in a wider integer. */
export function switched(key: string, shape: Shape<boolean>, traits?: Traits): Option<boolean> {
  return converted<boolean, number>(
    key,
    shape,
    (value) => (value ? 1 : 0),
    (value) => value !== 0,
    traits,
  );
}

/** Name of another link, carried as its index; index 0 is "none". */
export function reference(key: string, shape: Shape<string>, traits?: Traits): Option<string> {
  return option(
    shape,
    [key],
    (value, names) => ({ [key]: names.indexOf(value) }),
    (wire, names) => {
      const index = wire[key];
      return typeof index === "number" && index !== 0 ? (names.nameOf(index) ?? `#${index}`) : undefined;
    },
    { ...traits, refers: true },
  );
}

/** An address that has one attribute for each family. An unspecified address (all zero) reads as absent. */
export function eitherFamily(key4: string, key6: string, shape: Shape<string>, traits?: Traits): Option<string> {
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

/** Anything else: both directions by hand. */
export function custom<T>(
  keys: readonly string[],
  shape: Shape<T>,
  write: Option<T>["write"],
  read: Option<T>["read"],
  traits?: Traits,
): Option<T> {
  return option(shape, keys, write, read, traits);
}

/** People's words to wire attributes. Absent means "leave it alone". */
export function toWire(options: Options, values: object, names: LinkNames): Record<string, unknown> {
  const wire: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(values)) {
    const found = options[key];
    if (found !== undefined && value !== undefined) Object.assign(wire, found.write(value, names));
  }
  return wire;
}

/** Wire attributes to people's words; what the kernel did not tell is absent. */
export function fromWire(options: Options, wire: Wire, names: LinkNames): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(options)) {
    const value = one.read(wire, names);
    if (value !== undefined) values[key] = value;
  }
  return values;
}

/** The word for a wire attribute, so that a refusal can be told as people say it. */
export function wordFor(options: Options, wireKey: string): string | undefined {
  return Object.entries(options).find(([, one]) => one.keys.includes(wireKey))?.[0];
}
