/**
 * Messages that are decoded where they are looked at: each attribute when it is asked for, out of one copy of the
 * datagram. For tables of which few properties are read, several times faster than decoding all there is.
 */
import { type AnyField, type AttrsOut, type Fields, HEADER, NUMBER, type Schema } from "./attr.ts";
import { align, type Reader } from "./buffer.ts";
import type { Fixed } from "./codec.ts";
import { WireError } from "./error.ts";
import { type Message, readAs } from "./message.ts";

/** Attributes of which nothing was decoded yet. Those without a name of ours are not seen through it. */
export type AttrsView<F extends Fields> = { readonly [K in keyof F]?: AttrsOut<F>[K] };

/** A stretch of memory that stays as it is: attributes, or a header and attributes. */
class Stretch {
  // Declared only: defining them as undefined first would cost as much as all the rest.
  declare readonly from: Reader;
  declare readonly start: number;
  declare readonly end: number;
  constructor(from: Reader, start: number, end: number) {
    this.from = from;
    this.start = start;
    this.end = end;
  }
}

/** Where the payload of the last attribute with this number begins; 0 where there is none. */
function find({ from: { u16 }, start, end }: Stretch, number: number): number {
  let hit = 0;
  for (let at = start; at + HEADER <= end; ) {
    const length = u16[at >> 1] as number;
    if (length < HEADER || at + length > end) break;
    if (((u16[(at >> 1) + 1] as number) & NUMBER) === number) hit = at + HEADER;
    at += (length + 3) & ~3;
  }
  return hit;
}

/** What a field that is not one plain attribute makes of those it claims. */
function gather(nest: Stretch, field: AnyField): unknown {
  const { from, start, end } = nest;
  let value: unknown;
  for (let at = start; at + HEADER <= end; ) {
    const length = from.u16[at >> 1] as number;
    if (length < HEADER || at + length > end) break;
    const number = (from.u16[(at >> 1) + 1] as number) & NUMBER;
    if (field.claims.includes(number))
      value = field.read(from, number, at + HEADER, at + length, value as undefined, nest) ?? value;
    at += (length + 3) & ~3;
  }
  return value;
}

function lookup({ claims, plain }: AnyField): (nest: Stretch) => unknown {
  const [number = 0] = claims;
  return (nest) => {
    const at = find(nest, number);
    if (at === 0) return undefined;
    return plain?.read(nest.from, at, at - HEADER + (nest.from.u16[(at - HEADER) >> 1] as number));
  };
}

/** Makes views of one schema's attributes, which stand from `start` to `end` of memory that stays as it is. */
function viewer<F extends Fields>({
  fields,
}: Schema<F>): new (
  from: Reader,
  start: number,
  end: number,
) => AttrsView<F> {
  class Attributes extends Stretch {}
  for (const [key, field] of Object.entries<AnyField>(fields)) {
    const read = field.plain === undefined ? (nest: Stretch) => gather(nest, field) : lookup(field);
    Object.defineProperty(Attributes.prototype, key, {
      get(this: Stretch): unknown {
        try {
          return read(this);
        } catch (error) {
          if (error instanceof WireError) return undefined; // a form that this build does not know
          throw error;
        }
      },
    });
  }
  return Attributes as unknown as new (
    from: Reader,
    start: number,
    end: number,
  ) => AttrsView<F>;
}

/** A message of which nothing was decoded yet. Each property is decoded anew every time it is asked for. */
export interface View<HO, F extends Fields> {
  readonly header: HO;
  readonly attrs: AttrsView<F>;
}

/** The same kind of message, read as a {@link View}: `viewed(newroute, rtmsg, rta)`. */
export function viewed<HO, F extends Fields>(
  kind: Pick<Message<never>, "name" | "type">,
  header: Fixed<never, HO>,
  attributes: Schema<F>,
): Message<never, View<HO, F>> {
  const skip = align(header.size);
  const Attributes = viewer(attributes);
  class MessageView extends Stretch implements View<HO, F> {
    get header(): HO {
      return header.read(this.from, this.start, this.start + header.size);
    }
    get attrs(): AttrsView<F> {
      return new Attributes(this.from, this.start + skip, this.end);
    }
  }
  return readAs(
    kind,
    header,
    (from, start, end) => new MessageView(from.keep(), start - from.origin, end - from.origin),
  );
}
