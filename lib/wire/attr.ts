/**
 * The attribute schema language: one declaration gives the encoder, the decoder, both TypeScript types,
 * and the names used in error messages. A schema is compiled to closures once, when it is declared.
 *
 * Source: include/uapi/linux/netlink.h (struct nlattr, NLA_F_NESTED, NLA_TYPE_MASK).
 */
import { align, Reader, type Writer } from "./buffer.ts";
import { bytes, type Codec, type Fixed, type In, type Out } from "./codec.ts";
import { type Bind, compile, constructed, inlineOf, readCase, warm } from "./compile.ts";
import { impossible, WireError } from "./error.ts";
import { text } from "./text.ts";

const NESTED = 0x8000;
/** The part of an attribute's type that is its number. */
export const NUMBER = 0x3fff;
/** Length of an attribute's header: its length and its type, two bytes each. */
export const HEADER = 4;

/** One attribute as it stands on the wire. `type` keeps its flag bits. */
export interface RawAttr {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Where an attribute stands, and the nest around it. */
export interface Span {
  readonly number: number;
  readonly start: number;
  readonly end: number;
  readonly nestStart: number;
  readonly nestEnd: number;
}

/** A property of a schema: the attribute numbers it claims, and what they mean together. */
export interface Field<I, O = I> {
  readonly claims: readonly number[];
  write(out: Writer, value: I): void;
  /** Reads one claimed attribute; `before` is what this property read from an earlier one, if any. */
  read(from: Reader, number: number, start: number, end: number, before: O | undefined, nest: Nest): O | undefined;
  /** The codec, where the property is one attribute and its payload is the value. */
  readonly plain?: AnyCodec;
  /** False: dumped, never set. */
  readonly settable?: boolean;
  /** What is inside an attribute of this number, so that an error can name it. */
  open(from: Reader, number: number, nest: Nest): { readonly label?: string; readonly codec?: AnyCodec };
}
/** The bounds of the attributes around the one being read. */
export interface Nest {
  readonly start: number;
  readonly end: number;
}
type AnyCodec = Codec<never, unknown>;
export type AnyField = Field<never, unknown>;
export type Fields = Readonly<Record<string, AnyField>>;

/** Attributes that no field claims, by number, kept so that what was read can be written back. */
export type Unclaimed = { readonly [number: `#${number}`]: readonly RawAttr[] };
type FieldIn<F> = F extends { write(out: never, value: infer I): void } ? I : never;
type FieldOut<F> = F extends { read(...from: never): infer O } ? Exclude<O, undefined> : never;
export type AttrsIn<F extends Fields> = { readonly [K in keyof F]?: FieldIn<F[K]> | undefined } & Unclaimed;
export type AttrsOut<F extends Fields> = { readonly [K in keyof F]?: FieldOut<F[K]> } & Unclaimed;

export interface AnySchema extends AnyCodec {
  readonly fields: Fields;
}
/** The attributes of one nest: itself a codec, so nests compose. */
export interface Schema<F extends Fields> extends Codec<AttrsIn<F>, AttrsOut<F>> {
  readonly fields: F;
}
const isSchema = (codec: AnyCodec | undefined): codec is AnySchema => codec !== undefined && "fields" in codec;

/** Writes one attribute: header, payload, padding. */
function put<I>(out: Writer, number: number, codec: Codec<I, unknown>, value: I): void {
  const at = out.begin(isSchema(codec) ? number | NESTED : number);
  codec.write(out, value);
  out.end(at);
}

/** One attribute. When the kernel repeats it, the last one wins, as in the kernel's own parser. */
export function at<I, O>(number: number, codec: Codec<I, O>): Field<I, O> {
  return {
    claims: [number],
    plain: codec,
    write: (out, value) => put(out, number, codec, value),
    read: (from, _number, start, end) => codec.read(from, start, end),
    open: () => ({ codec }),
  };
}

/** An attribute that may be repeated. */
export function many<I, O>(number: number, codec: Codec<I, O>): Field<readonly I[], readonly O[]> {
  return {
    claims: [number],
    write(out, values) {
      for (const value of values) put(out, number, codec, value);
    },
    read(from, _number, start, end, before) {
      const value = codec.read(from, start, end);
      if (before === undefined) return [value];
      (before as O[]).push(value);
      return before;
    },
    open: () => ({ codec }),
  };
}

/** An attribute without payload: its presence means `true`, and `false` writes nothing. */
export function flag(number: number): Field<boolean, true> {
  return {
    claims: [number],
    write(out, value) {
      if (typeof value !== "boolean") throw new WireError(`expected true or false, got ${String(value)}`);
      if (value) out.end(out.begin(number));
    },
    read: () => true,
    open: () => ({}),
  };
}

/** An attribute that the kernel dumps in another form than it accepts. */
export function uneven<I, O>(write: Field<I, unknown>, read: Field<never, O>): Field<I, O> {
  return { claims: write.claims, write: write.write, read: read.read, open: write.open };
}

/** An attribute that is dumped and never set. */
export function readOnly<O>(number: number, codec: Codec<never, O>): Field<never, O> {
  return { ...at(number, codec), settable: false, write: () => fail("this attribute cannot be set") };
}
function fail(reason: string): never {
  throw new WireError(reason);
}

/** Padding that the kernel puts before 64-bit attributes: known, and without meaning. */
export function padding(number: number): Field<never, never> {
  return { claims: [number], write: () => undefined, read: () => undefined, open: () => ({}) };
}

export type Kinds = Readonly<Record<string, AnySchema>>;
type Tagged<K extends Kinds, Way extends "in" | "out"> =
  | { [N in keyof K & string]: { readonly kind: N; readonly data?: Way extends "in" ? In<K[N]> : Out<K[N]> } }[keyof K &
      string]
  | { readonly kind: `#${string}`; readonly data?: Uint8Array };

/** Finds the payload of the last attribute with this number in a nest. */
function find({ u16 }: Reader, number: number, nest: Nest): Nest | undefined {
  let hit: Nest | undefined;
  for (let at = nest.start; at + HEADER <= nest.end; ) {
    const length = u16[at >> 1] as number;
    if (length < HEADER || at + length > nest.end) throw impossible(at, length);
    if (((u16[(at >> 1) + 1] as number) & NUMBER) === number) hit = { start: at + HEADER, end: at + length };
    at += align(length);
  }
  return hit;
}

/** Two attributes where the text of the first selects the schema of the second; `#` marks a kind without one. */
export function tagged<const K extends Kinds>(
  tag: number,
  data: number,
  kinds: K,
): Field<Tagged<K, "in">, Tagged<K, "out">> {
  const schemas = new Map<string, AnyCodec>();
  /** Only what is met is looked at: the others may not be loaded. */
  const schemaOf = (kind: string): AnyCodec | undefined => {
    const met = schemas.get(kind);
    if (met !== undefined || !Object.hasOwn(kinds, kind)) return met;
    const schema = kinds[kind] as AnyCodec;
    schemas.set(kind, schema);
    return schema;
  };
  const kindOf = (from: Reader, nest: Nest): string => {
    const hit = find(from, tag, nest);
    const kind = hit ? text.read(from, hit.start, hit.end) : "";
    return Object.hasOwn(kinds, kind) ? kind : `#${kind}`;
  };
  return {
    claims: [tag, data],
    write(out, { kind, data: value }) {
      put(out, tag, text, kind.replace(/^#/, ""));
      if (value === undefined) return;
      try {
        put(out, data, schemaOf(kind) ?? bytes, value as never);
      } catch (error) {
        throw WireError.under(kind, error);
      }
    },
    read(from, number, start, end, before, nest) {
      const kind = before?.kind ?? kindOf(from, nest);
      if (number !== data) return before ?? ({ kind } as Tagged<K, "out">);
      return { kind, data: (schemaOf(kind) ?? bytes).read(from, start, end) } as Tagged<K, "out">;
    },
    open(from, number, nest) {
      if (number !== data) return {};
      const kind = kindOf(from, nest);
      const codec = schemaOf(kind);
      return codec ? { label: kind, codec } : {};
    },
  };
}

/** Goes through the attributes of a nest; throws {@link WireError} where a length is impossible. */
function* walk(from: Reader, nest: Nest): Generator<Span & { readonly type: number }> {
  for (let at = nest.start; at + HEADER <= nest.end; ) {
    const length = from.u16[at >> 1] as number;
    const type = from.u16[(at >> 1) + 1] as number;
    if (length < HEADER || at + length > nest.end) throw impossible(at, length);
    yield {
      type,
      number: type & NUMBER,
      start: at + HEADER,
      end: at + length,
      nestStart: nest.start,
      nestEnd: nest.end,
    };
    at += align(length);
  }
}

/** Splits a payload into attributes without knowing what they mean. */
export function split(payload: Uint8Array): RawAttr[] {
  const from = new Reader(payload);
  return Array.from(walk(from, { start: 0, end: payload.length }), ({ type, start, end }) => ({
    type,
    payload: from.copy(start, end),
  }));
}

interface Slot {
  readonly key: string;
  readonly field: Field<unknown>;
}

function keep(value: Record<string, unknown>, from: Reader, type: number, start: number, end: number): void {
  const key = `#${type & NUMBER}`;
  const attr: RawAttr = { type, payload: from.copy(start, end) };
  const group = value[key] as RawAttr[] | undefined;
  if (group) group.push(attr);
  else value[key] = [attr];
}

/** Declares the attributes of one nest. Keys are the kernel's names after `prefix`, in camelCase; they are written in the order declared. */
export function attrs<const F extends Fields>(prefix: string, fields: F): Schema<F> {
  const slots: Slot[] = Object.entries(fields).map(([key, field]) => ({ key, field: field as Field<unknown> }));
  const known = new Set(slots.map(({ key }) => key));
  const byNumber: (Slot | undefined)[] = [];
  for (const slot of slots) for (const number of slot.field.claims) byNumber[number] = slot;

  /** Writes what no field claims. */
  function writeRest(out: Writer, value: Readonly<Record<string, unknown>>): void {
    for (const key in value)
      if (key.startsWith("#"))
        for (const { type, payload } of (value[key] as readonly RawAttr[] | undefined) ?? [])
          put(out, type, bytes, payload);
      else if (!known.has(key)) fail(`${prefix} has no attribute "${key}"`);
  }

  const schema: { name: string; fields: F; write: Schema<F>["write"]; read: Schema<F>["read"] } = {
    name: prefix,
    fields,
    write(out, given) {
      const value = given as Readonly<Record<string, unknown>>;
      for (const { key, field } of slots) {
        const part = value[key];
        if (part === undefined) continue;
        try {
          field.write(out, part);
        } catch (error) {
          throw WireError.under(key, error);
        }
      }
      writeRest(out, value);
    },
    read(from, start, end) {
      const value: Record<string, unknown> = {};
      const nest: Nest = { start, end };
      for (let at = start; at + HEADER <= end; ) {
        const length = from.u16[at >> 1] as number;
        const type = from.u16[(at >> 1) + 1] as number;
        if (length < HEADER || at + length > end) throw impossible(at, length);
        const slot = byNumber[type & NUMBER];
        if (slot === undefined) keep(value, from, type, at + HEADER, at + length);
        else
          try {
            const part = slot.field.read(from, type & NUMBER, at + HEADER, at + length, value[slot.key], nest);
            if (part !== undefined) value[slot.key] = part;
          } catch (error) {
            // A form this build does not know must not hide the rest of the message.
            if (!(error instanceof WireError)) throw error;
            keep(value, from, type, at + HEADER, at + length);
          }
        at += align(length);
      }
      return value as AttrsOut<F>;
    },
  };
  warm(schema, "write", () => compileWrite(slots, writeRest));
  warm(schema, "read", () => compileRead(slots));
  return schema;
}

/** The loop over a nest as one function with a `switch` over this schema's numbers. */
function compileRead<R>(slots: readonly Slot[]): R | undefined {
  return compile<R>((bind) => {
    const unknown = `${bind(keep)}(this, from, type, s, e);`;
    const cases = slots.flatMap(({ key, field }) =>
      field.claims.map((number) => {
        const target = `this[${JSON.stringify(key)}]`;
        return `case ${number}: ${readCase(target, number, field, bind, unknown)} break;`;
      }),
    );
    return constructed(
      ["from", "start", "end"],
      `const u16 = from.u16;
      let nest;
      for (let at = start; at + ${HEADER} <= end; ) {
        const length = u16[at >> 1], type = u16[(at >> 1) + 1], s = at + ${HEADER}, e = at + length;
        if (length < ${HEADER} || e > end) throw ${bind(impossible)}(at, length);
        try {
          switch (type & ${NUMBER}) {
            ${cases.join("\n            ")}
            default: ${unknown}
          }
        } catch (error) {
          if (!(error instanceof ${bind(WireError)})) throw error;
          ${unknown}
        }
        at += (length + 3) & ~3;
      }`,
    );
  });
}

/** One statement a property, in the order declared. */
function compileWrite<W>(
  slots: readonly Slot[],
  writeRest: (out: Writer, value: Record<string, unknown>) => void,
): W | undefined {
  return compile<W>((bind) => {
    const parts = slots.map(({ key, field }) => {
      const name = JSON.stringify(key);
      return `if ((x = given[${name}]) !== undefined) { count++; key = ${name}; ${writeCase(field, bind)} }`;
    });
    return `(out, given) => {
      let x, key = "", count = 0, keys = 0;
      try {
        ${parts.join("\n        ")}
      } catch (error) {
        throw ${bind(WireError)}.under(key, error);
      }
      for (const any in given) keys++;
      if (keys !== count) ${bind(writeRest)}(out, given);
    }`;
  });
}

function writeCase(field: Field<unknown>, bind: Bind): string {
  const slow = `${bind(field)}.write(out, x);`;
  const inline = inlineOf(field);
  const size = (field.plain as Fixed<unknown> | undefined)?.size;
  const fits = inline?.fits("x");
  if (field.settable === false || inline === undefined || size === undefined || fits === "false") return slow;
  const put = [
    `const at = out.take(${HEADER + align(size)})`,
    `out.u16[at >> 1] = ${HEADER + size}`,
    `out.u16[(at >> 1) + 1] = ${field.claims[0]}`,
    inline.put(`at + ${HEADER}`, "x"),
  ];
  return `if (${fits}) { ${put.join("; ")}; } else ${slow}`;
}

/** Names the attribute at byte `target` of a message, whose attributes stand from `start` to `end`: `linkinfo.info(vxlan).port`. */
export function locate(
  schema: AnySchema,
  from: Reader,
  start: number,
  end: number,
  target: number,
): string | undefined {
  const nest: Nest = { start, end };
  let hit: Span | undefined;
  for (const attr of walk(from, nest)) if (attr.start - HEADER <= target && target < attr.end) hit = attr;
  if (!hit) return undefined;
  const { number } = hit;
  const entry = Object.entries(schema.fields).find(([, field]) => field.claims.includes(number));
  if (!entry) return `#${number}`;
  const { label, codec } = entry[1].open(from, number, nest);
  const here = label === undefined ? entry[0] : `${entry[0]}(${label})`;
  const rest = isSchema(codec) && target >= hit.start ? locate(codec, from, hit.start, hit.end, target) : undefined;
  return rest === undefined ? here : `${here}.${rest}`;
}
