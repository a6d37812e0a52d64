/**
 * Messages of which a few attributes are read, each as its value and the others not at all: the quickest way through a
 * large table.
 */
import { type AnyField, type AttrsOut, type Fields, HEADER, NUMBER, type Schema } from "./attr.ts";
import { align } from "./buffer.ts";
import type { Fixed } from "./codec.ts";
import { compile, readCase, warm } from "./compile.ts";
import { impossible, tooShort, WireError } from "./error.ts";
import type { Message } from "./message.ts";

/** The chosen attributes; one that the message does not have is undefined. */
export type Picked<F extends Fields, K extends keyof F> = { readonly [N in K]: AttrsOut<F>[N] | undefined };

interface Choice {
  readonly key: string;
  readonly field: AnyField;
}

/**
 * The same kind of message, read as a plain object of the attributes `keys`: `picked(newroute, rtmsg, rta, ["dst", "oif"])`.
 * One whose form this build does not know reads as undefined.
 */
export function picked<HO, F extends Fields, const K extends keyof F & string>(
  { name, type }: Pick<Message<never>, "name" | "type">,
  header: Fixed<never, HO>,
  { fields }: Schema<F>,
  keys: readonly K[],
): Message<never, Picked<F, K>> {
  const choices: Choice[] = keys.map((key) => ({ key, field: fields[key] as AnyField }));
  const body: Message<never, Picked<F, K>>["body"] = {
    write: () => undefined,
    locate: () => undefined,
    read(from, start, end) {
      if (end - start < header.size) throw tooShort(header.name, header.size, start, end);
      const value: Record<string, unknown> = Object.fromEntries(keys.map((key) => [key, undefined]));
      const nest = { start: Math.min(start + align(header.size), end), end };
      for (let at = nest.start; at + HEADER <= end; ) {
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
  warm(body, "read", () => compileRead(header, choices));
  return { name, type, body };
}

/** The same as one function with a `switch` over the numbers of the chosen attributes. */
function compileRead<R>(header: Fixed<never, unknown>, choices: readonly Choice[]): R | undefined {
  return compile<R>((bind) => {
    const cases = choices.flatMap(({ field }, i) =>
      field.claims.map((number) => `case ${number}: ${readCase(`x${i}`, number, field, bind)} break;`),
    );
    return `(from, begin, end) => {
      if (end - begin < ${header.size}) throw ${bind(tooShort)}(${JSON.stringify(header.name)}, ${header.size}, begin, end);
      const u16 = from.u16, start = Math.min(begin + ${align(header.size)}, end);
      let nest, ${choices.map((_, i) => `x${i}`).join(", ")};
      for (let at = start; at + ${HEADER} <= end; ) {
        const length = u16[at >> 1], s = at + ${HEADER}, e = at + length;
        if (length < ${HEADER} || e > end) throw ${bind(impossible)}(at, length);
        try {
          switch (u16[(at >> 1) + 1] & ${NUMBER}) {
            ${cases.join("\n            ")}
          }
        } catch (error) {
          if (!(error instanceof ${bind(WireError)})) throw error;
        }
        at += (length + 3) & ~3;
      }
      return { ${choices.map(({ key }, i) => `${JSON.stringify(key)}: x${i}`).join(", ")} };
    }`;
  });
}
