/**
 * Messages of which a few attributes are read, each as its value and the others not at all: the quickest way through a
 * large table.
 */
import { type AnyField, type AttrsOut, type Fields, HEADER, NUMBER, type Schema } from "./attr.ts";
import { align, type Reader } from "./buffer.ts";
import type { Codec, Fixed } from "./codec.ts";
import { compile, inlineOf, warm } from "./compile.ts";
import { impossible, WireError } from "./error.ts";
import { type Message, readAs } from "./message.ts";

/** The chosen attributes; one that the message does not have is undefined. */
export type Picked<F extends Fields, K extends keyof F> = { readonly [N in K]: AttrsOut<F>[N] | undefined };

interface Choice {
  readonly key: string;
  readonly field: AnyField;
}

/**
 * Some attributes of a nest as a plain object: `chosen(rta, ["dst", "oif"])`. One whose form this build does not know reads
 * as undefined.
 */
export function chosen<F extends Fields, const K extends keyof F & string>(
  { name, fields }: Pick<Schema<F>, "name" | "fields">,
  keys: readonly K[],
): Codec<never, Picked<F, K>> {
  const choices: Choice[] = keys.map((key) => ({ key, field: fields[key] as AnyField }));
  const codec = {
    name,
    write: () => undefined,
    read(from: Reader, start: number, end: number): Picked<F, K> {
      const value: Record<string, unknown> = Object.fromEntries(keys.map((key) => [key, undefined]));
      const nest = { start, end };
      for (let at = start; at + HEADER <= end; ) {
        const length = from.u16[at >> 1] as number;
        const number = (from.u16[(at >> 1) + 1] as number) & NUMBER;
        if (length < HEADER || at + length > end) throw impossible(at, length);
        const choice = choices.find(({ field }) => field.claims.includes(number));
        if (choice !== undefined)
          try {
            const before = value[choice.key] as undefined;
            value[choice.key] = choice.field.read(from, number, at + HEADER, at + length, before, nest) ?? before;
          } catch (error) {
            if (!(error instanceof WireError)) throw error;
          }
        at += align(length);
      }
      return value as Picked<F, K>;
    },
  };
  const { read } = codec;
  warm(codec, "read", () => compileRead(choices, read));
  return codec;
}

/** The same kind of message, read as {@link chosen} attributes: `picked(newroute, rtmsg, rta, ["dst", "oif"])`. */
export function picked<HO, F extends Fields, const K extends keyof F & string>(
  kind: Pick<Message<never>, "name" | "type">,
  header: Fixed<never, HO>,
  schema: Schema<F>,
  keys: readonly K[],
): Message<never, Picked<F, K>> {
  const some = chosen(schema, keys);
  const skip = align(header.size);
  return readAs(kind, header, (from, start, end) => some.read(from, Math.min(start + skip, end), end));
}

/** A message of which a part was read, and which keeps its bytes for the rest. */
export interface Excerpt<HO, A, W> {
  readonly header: HO;
  readonly attrs: A;
  /** All of it, read when it is first asked for. */
  readonly whole: () => W;
}
/** The same kind of message, of which the header and what `some` reads are read at once. */
export function excerpt<HO, A, W>(
  kind: Message<never, W>,
  header: Fixed<never, HO>,
  some: Codec<never, A>,
): Message<never, Excerpt<HO, A, W>> {
  const skip = align(header.size);
  return readAs(kind, header, (from, start, end) => {
    const kept = from.keep();
    const [first, last] = [start - from.origin, end - from.origin];
    let read: W | undefined;
    return {
      header: header.read(from, start, start + header.size),
      attrs: some.read(from, Math.min(start + skip, end), end),
      whole: () => {
        read ??= kind.body.read(kept, first, last);
        return read;
      },
    };
  });
}

/**
 * Where the chosen attributes stand in nests that have the same attributes in the same places, as most of a table have:
 * to see that one is such takes a fraction of going through it.
 */
class Layout {
  /** Where each attribute begins, and what is to be there: its type, and its length with the padding. */
  readonly #places: number[] = [];
  readonly #types: number[] = [];
  readonly #steps: number[] = [];
  /** Where the payload of each chosen attribute begins, of the last where there are several; 0 where there is none. */
  readonly found: number[];
  /** Where those begin that a chosen property is put together of. */
  readonly parts: number[][];

  constructor({ u16 }: Reader, start: number, end: number, choices: readonly Choice[]) {
    this.found = choices.map(() => 0);
    this.parts = choices.map(() => []);
    for (let at = start; at + HEADER <= end; ) {
      const length = u16[at >> 1] as number;
      const type = u16[(at >> 1) + 1] as number;
      if (length < HEADER || at + length > end) throw impossible(at, length);
      this.#places.push((at - start) >> 1);
      this.#types.push(type);
      this.#steps.push(align(length));
      const payload = at + HEADER - start;
      choices.forEach(({ field }, i) => {
        if (!field.claims.includes(type & NUMBER)) return;
        this.found[i] = payload;
        this.parts[i]?.push(payload);
      });
      at += align(length);
    }
  }

  /** Whether the nest from `start` to `end`, of the same size, has the same attributes in the same places. */
  fits({ u16 }: Reader, start: number, end: number): boolean {
    const places = this.#places;
    const types = this.#types;
    const steps = this.#steps;
    let length = 0;
    let at = start >> 1;
    for (let i = 0; i < places.length; i++) {
      at = (start >> 1) + (places[i] as number);
      length = u16[at] as number;
      if (u16[at + 1] !== types[i] || length < HEADER || ((length + 3) & ~3) !== steps[i]) return false;
    }
    return 2 * at + length <= end; // the last may lack its padding
  }
}
/** So many are remembered. */
const LAYOUTS = 64;

/** Finds the layout of a nest among those that were met. */
function finder(choices: readonly Choice[]): (from: Reader, start: number, end: number) => Layout {
  const met = new Map<number, Layout>();
  return (from, start, end) => {
    const known = met.get(end - start);
    if (known?.fits(from, start, end) === true) return known;
    const layout = new Layout(from, start, end, choices);
    if (met.size >= LAYOUTS) met.clear();
    met.set(end - start, layout);
    return layout;
  };
}

/** What a property that is put together of several attributes reads as. */
function gathered({ field }: Choice, parts: readonly number[], from: Reader, start: number, end: number): unknown {
  const nest = { start, end };
  let value: unknown;
  for (const part of parts) {
    const at = (start + part - HEADER) >> 1;
    const number = (from.u16[at + 1] as number) & NUMBER;
    const last = start + part - HEADER + (from.u16[at] as number);
    value = field.read(from, number, start + part, last, value as undefined, nest) ?? value;
  }
  return value;
}

/** The same as one expression, of where the attributes stand. What is out of the ordinary is left to the loop. */
function compileRead<R>(choices: readonly Choice[], plain: R): R | undefined {
  return compile<R>((bind) => {
    const slow = `${bind(plain)}(from, start, end)`;
    const values = choices.map((choice, i) => {
      const { key, field } = choice;
      const gather = `${bind(gathered)}(${bind(choice)}, layout.parts[${i}], from, start, end)`;
      const inline = inlineOf(field);
      const value =
        inline === undefined
          ? `${bind(field.plain)}.read(from, s, s - ${HEADER} + length)`
          : `length === ${HEADER + ((field.plain as Fixed<never> | undefined)?.size ?? 0)} ? ${inline.get("s", bind)} : ${bind(uncommon)}()`;
      const one = `(s = found[${i}]) === 0 ? undefined : (length = u16[((s += start) - ${HEADER}) >> 1], ${value})`;
      return `${JSON.stringify(key)}: ${field.plain === undefined ? gather : one}`;
    });
    return `(from, start, end) => {
      if ((start & 3) !== 0) return ${slow};
      const u16 = from.u16;
      let s, length;
      try {
        const layout = ${bind(finder(choices))}(from, start, end), found = layout.found;
        return { ${values.join(", ")} };
      } catch (error) {
        if (!(error instanceof ${bind(WireError)})) throw error;
        return ${slow};
      }
    }`;
  });
}
function uncommon(): never {
  throw new WireError("an attribute has another length than it should have");
}
