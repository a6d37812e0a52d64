/** Sets of bits of which each may be left alone: a word with the bits, and a word that tells which of them count. */
import { boolean } from "../shape/shape.ts";
import { type Fixed, struct, u32 } from "../wire/index.ts";
import { custom, type Option } from "./option.ts";

/** Switches by name: what is absent is not touched, or not known to this kernel. */
export type Switches<N extends string> = { readonly [K in N]?: boolean } & {
  /** Bits without a name here. */
  readonly restValue?: number;
  readonly restMask?: number;
};
const words = struct("bits and their mask", { bits: u32, mask: u32 });

/** Two words of 32 bits; `numbers` are those of the bits. */
export function switches<const N extends Record<string, number>>(
  name: string,
  numbers: N,
): Fixed<Switches<keyof N & string>> {
  const list = Object.entries(numbers);
  const known = list.reduce((all, [, bit]) => all | (1 << bit), 0);
  return {
    name,
    size: words.size,
    write(out, value) {
      let bits = value.restValue ?? 0;
      let mask = value.restMask ?? 0;
      for (const [key, bit] of list) {
        const on = value[key as keyof typeof value];
        if (on !== undefined) mask |= 1 << bit;
        if (on === true) bits |= 1 << bit;
      }
      words.write(out, { bits: bits >>> 0, mask: mask >>> 0 });
    },
    read(from, start, end) {
      const { bits, mask } = words.read(from, start, end);
      const value: Record<string, boolean | number> = {};
      for (const [key, bit] of list) if ((mask & (1 << bit)) !== 0) value[key] = (bits & (1 << bit)) !== 0;
      const restMask = (mask & ~known) >>> 0;
      if (restMask !== 0) Object.assign(value, { restMask, restValue: (bits & ~known) >>> 0 });
      return value as Switches<keyof N & string>;
    },
  };
}

/** One of the switches of an attribute; `absent` is what it is where the kernel tells nothing of it. */
export function switchOf(attribute: string, key: string, absent?: boolean): Option<boolean> {
  return custom(
    [attribute],
    boolean,
    (value) => ({ [attribute]: { [key]: value } }),
    (wire) => (wire[attribute] as Readonly<Record<string, boolean>> | undefined)?.[key] ?? absent,
  );
}
