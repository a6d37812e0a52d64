/**
 * Makes one function of the source text of a schema, so that each schema's decoder and encoder has call sites and
 * object shapes of its own: several times faster than a loop over closures that all schemas share (bench/wire.ts).
 *
 * The text is made of the schema's own numbers and keys, never of data. Where code generation from strings is switched
 * off (`node --disallow-code-generation-from-strings`), the loops over closures do the work; tests compare the two.
 */

import type { AnyField } from "./attr.ts";
import type { Fixed } from "./codec.ts";

/** Hands a value to the generated text, and returns the name under which it stands there. */
export type Bind = (value: unknown) => string;

/** How a codec of fixed size reads and writes as an expression. `at` and `value` are names or sums of them. */
export interface Inline {
  /** The value at byte `at` of `from`. */
  get(at: string, bind: Bind): string;
  /** Whether `value` may be written so; what does not fit is left to the codec, which has the words for it. */
  fits(value: string): string;
  /** A statement that writes `value` at byte `at` of `out`. */
  put(at: string, value: string): string;
}

/** The function that `source`, an expression, evaluates to; undefined where code generation is switched off. */
export function compile<F>(source: (bind: Bind) => string): F | undefined {
  const values: unknown[] = [];
  const names = new Map<unknown, string>();
  const text = source((value) => {
    const known = names.get(value);
    if (known !== undefined) return known;
    const name = `v${values.length}`;
    values.push(value);
    names.set(value, name);
    return name;
  });
  try {
    return new Function(...names.values(), `"use strict"; return ${text};`)(...values) as F;
  } catch (error) {
    if (error instanceof EvalError) return undefined;
    throw error;
  }
}

/**
 * The text of a function that makes a plain object, whose statements `body` set the properties of `this`: the engine counts
 * those that the text of a constructor sets, and makes room for them in the object itself.
 */
export function constructed(parameters: readonly string[], body: string): string {
  const list = parameters.join(", ");
  return `(() => {
    const Plain = function (${list}) { ${body} };
    Plain.prototype = Object.prototype;
    return (${list}) => new Plain(${list});
  })()`;
}

/** Calls before a schema is compiled: what is used a few times in a short program never pays for it. */
const WARM = 16;

/** Has `owner[method]` replaced by what `make` gives, once it turns out to be called a lot. */
export function warm<K extends string, F extends (...args: never) => unknown>(
  owner: { [key in K]: F },
  method: K,
  make: () => F | undefined,
): void {
  const plain = owner[method];
  let calls = 0;
  owner[method] = ((...args: never) => {
    if (++calls === WARM) owner[method] = make() ?? plain;
    return plain(...args);
  }) as F;
}

/** How a property is read and written in line, where it can be. */
export const inlineOf = (field: AnyField): Fixed<unknown>["inline"] =>
  field.plain === undefined ? undefined : (field.plain as unknown as Fixed<unknown>).inline;

/** Statements that read the attribute between `s` and `e` of `from` into `target`, or do what `otherwise` says. */
export function readCase(target: string, number: number, field: AnyField, bind: Bind, otherwise = ""): string {
  const inline = inlineOf(field);
  const size = (field.plain as Fixed<never> | undefined)?.size;
  if (inline !== undefined && size !== undefined)
    return `if (e - s === ${size}) ${target} = ${inline.get("s", bind)}; else {${otherwise}}`;
  if (field.plain !== undefined) return `${target} = ${bind(field.plain)}.read(from, s, e);`;
  const part = `${bind(field)}.read(from, ${number}, s, e, ${target}, nest ??= { start, end })`;
  return `{ const part = ${part}; if (part !== undefined) ${target} = part; }`;
}
