/**
 * Options: a property in people's words, what it looks like, and what it stands for on the wire. From one declaration
 * come the TypeScript type, the check, both directions of the mapping, and the word that an error uses.
 */
import type { Shape, Shapes } from "../shape/shape.ts";

export type Wire = Readonly<Record<string, unknown>>;
/** What writing an option may need besides its value. */
export interface Context {
  /** All the caller's words. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The index of a link that {@link Option.refers} named. */
  indexOf(name: string): number;
}
/** The name of a link by its index. */
export type NameOf = (index: number) => string;

/** One property. */
export interface Option<T> {
  readonly shape: Shape<T>;
  /** Attributes, or members of structs such as `parms.rate`, that it may set. */
  readonly keys: readonly string[];
  /** It is the name of a link. */
  readonly refers: boolean;
  /** Told by the kernel and never set. */
  readonly readOnly: boolean;
  /** By path, as in {@link keys}; what is undefined is left out. */
  write(value: T, context: Context): Wire;
  read(wire: Wire, nameOf: NameOf): T | undefined;
}
export type Options = Readonly<Record<string, Option<unknown>>>;
/** An option that is told and never set. */
export interface Status<T> extends Option<T> {
  readonly readOnly: true;
}
/** The properties that may be set, each optional. */
export type OptionsOf<O extends Options> = {
  readonly [K in keyof O as O[K] extends Status<unknown> ? never : K]?:
    | (O[K] extends Option<infer T> ? T : never)
    | undefined;
};
/** The properties as they are told, each optional. */
export type ToldOf<O extends Options> = { readonly [K in keyof O]?: O[K] extends Option<infer T> ? T : never };

/** The value at a path such as `parms.rate`. */
export function valueAt(wire: Wire, path: string): unknown {
  let value: unknown = wire;
  for (const key of path.split(".")) value = (value as Wire | undefined)?.[key];
  return value;
}

/** Anything: both directions by hand. */
export function custom<T>(
  keys: readonly string[],
  shape: Shape<T>,
  write: Option<T>["write"],
  read: Option<T>["read"],
): Option<T> {
  return { shape, keys, write, read, refers: false, readOnly: false };
}
/** A value whose form on the wire is another: units, numbers with names. */
export function converted<T, W>(
  path: string,
  shape: Shape<T>,
  toWire: (value: T) => W,
  fromWire: (value: W) => T | undefined,
): Option<T> {
  return custom(
    [path],
    shape,
    (value) => ({ [path]: toWire(value) }),
    (wire) => {
      const value = valueAt(wire, path);
      return value === undefined ? undefined : fromWire(value as W);
    },
  );
}
/** A value that is on the wire as it is. */
export function same<T>(path: string, shape: Shape<T>): Option<T> {
  return converted<T, T>(
    path,
    shape,
    (value) => value,
    (value) => value,
  );
}
/** As {@link same}, where 0 means that it is off, and is not told. */
export function unlessZero(path: string, shape: Shape<number>): Option<number> {
  return converted<number, number>(
    path,
    shape,
    (value) => value,
    (value) => value || undefined,
  );
}
/** True or false, carried as 1 or 0. */
export function switched(path: string, shape: Shape<boolean>): Option<boolean> {
  return converted<boolean, number>(path, shape, Number, Boolean);
}
/** The name of a link, carried as its index. */
export function reference(path: string, shape: Shape<string>): Option<string> {
  const option = custom<string>(
    [path],
    shape,
    (value, { indexOf }) => ({ [path]: indexOf(value) }),
    (wire, nameOf) => {
      const index = valueAt(wire, path);
      return typeof index === "number" && index !== 0 ? nameOf(index) : undefined;
    },
  );
  return { ...option, refers: true };
}
/** What the kernel tells and nobody sets. */
export function status<T>(path: string, read: (value: never) => T | undefined): Status<T> {
  const shape: Shape<T> = {
    expected: "nothing: the kernel tells it",
    json: { not: {} },
    accepts: (_): _ is T => false,
  };
  const told = converted<T, never>(path, shape, () => undefined as never, read);
  return { ...told, readOnly: true };
}

function place(wire: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let nest = wire;
  for (const key of keys) {
    nest[key] = { ...(nest[key] as object | undefined) };
    nest = nest[key] as Record<string, unknown>;
  }
  nest[last] = value;
}

/** People's words to attributes, on top of what is always sent. */
export function toWire(options: Options, context: Context, base: Wire = {}): Record<string, unknown> {
  const wire: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(context.values)) {
    const option = Object.hasOwn(options, key) ? options[key] : undefined;
    if (option === undefined || value === undefined) continue;
    for (const [path, part] of Object.entries(option.write(value, context)))
      if (part !== undefined) place(wire, path, part);
  }
  return wire;
}

/** Attributes to people's words; what the kernel did not tell is absent. */
export function fromWire(options: Options, wire: Wire, nameOf: NameOf): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(options)) {
    const value = option.read(wire, nameOf);
    if (value !== undefined) values[key] = value;
  }
  return values;
}

/** The shapes of the options that can be set, by name. */
export function shapesOf(options: Options): Shapes {
  const settable = Object.entries(options).filter(([, { readOnly }]) => !readOnly);
  return Object.fromEntries(settable.map(([key, { shape }]) => [key, shape]));
}
