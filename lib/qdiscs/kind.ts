/** What a kind of qdisc, class, filter or action is. Each is declared once, in one file of `kinds/`, `filters/` or `actions/`. */
import { type AnySchema, align, type Codec, type Field, type Fixed, type Kinds, tagged } from "../wire/index.ts";
import type { Context, Options, OptionsOf, Wire } from "./option.ts";

/** The declaration of one kind: its payload on the wire, and its options in people's words. */
export interface Kind<N extends string, O extends Options> {
  /** TCA_KIND: `netem`. */
  readonly kind: N;
  /** TCA_OPTIONS: attributes, or a struct, or both. */
  readonly wire: Codec<never, unknown>;
  readonly options: O;
  /** The kernel takes what a change does not name for unset: what is there now has to be sent along. */
  readonly whole?: boolean;
  /** Attributes that are always sent. */
  readonly base?: Wire | ((values: Context["values"]) => Wire);
  /** What is sent at creation unless the caller says otherwise. */
  defaults?(options: OptionsOf<O>): OptionsOf<O>;
  /** Says what is wrong with a combination of options; each by itself was checked. */
  check?(options: OptionsOf<O>): Complaint | undefined;
  /** Groups of options of which there can be one; a change to one drops the others. */
  readonly exclusive?: readonly (readonly (keyof O & string)[])[];
  /** Options that mean nothing without another, which may not be off either. */
  readonly needs?: readonly (readonly [key: keyof O & string, other: keyof O & string])[];
  /** Options that creation needs. */
  readonly needed?: readonly (keyof O & string)[];
  /** Counters of its own: TCA_STATS_APP. */
  readonly counters?: Codec<never, object>;
}
/** What is wrong, and with which word. */
export interface Complaint {
  readonly key: string;
  readonly reason: string;
}
/** A kind, whichever. */
export interface AnyKind extends Omit<Kind<string, Options>, "defaults" | "check" | "needed" | "needs" | "exclusive"> {
  readonly needs?: readonly (readonly [key: string, other: string])[];
  readonly exclusive?: readonly (readonly string[])[];
  readonly needed?: readonly string[];
  defaults?(options: object): object;
  check?(options: object): Complaint | undefined;
}

export function kind<const N extends string, O extends Options>(declared: Kind<N, O>): Kind<N, O> {
  return declared;
}

/** A payload that is a struct and then attributes. The struct's members stand under `key`. */
export function prefixed(key: string, header: Fixed<never, object>, attributes: AnySchema): Codec<never, object> {
  const skip = align(header.size);
  return {
    name: header.name,
    write(out, value: Wire) {
      const { [key]: first = {}, ...rest } = value;
      header.write(out, first as never);
      out.take(skip - header.size);
      attributes.write(out, rest as never);
    },
    read(from, start, end) {
      const first = header.read(from, start, Math.min(start + header.size, end));
      return { [key]: first, ...(attributes.read(from, Math.min(start + skip, end), end) as object) };
    },
  };
}
/** A payload that is a struct and nothing else. Its members stand under `key`. */
export function lone(key: string, codec: Fixed<never, object>): Codec<never, object> {
  return {
    name: codec.name,
    write: (out, value: Wire) => codec.write(out, (value[key] ?? {}) as never),
    read: (from, start, end) => ({ [key]: codec.read(from, start, end) }),
  };
}

/** TCA_KIND and TCA_OPTIONS, where the first selects the form of the second; `#` marks a kind that has none here. */
export function kindAndOptions(
  kind: number,
  options: number,
  kinds: Readonly<Record<string, AnyKind>>,
): Field<{ readonly kind: string; readonly data?: unknown }> {
  const codecs: Record<string, Codec<never, unknown>> = {};
  for (const [name, { wire }] of Object.entries(kinds)) codecs[name] = wire;
  // Some payloads are no nest of attributes; all that `tagged` does with them is what codecs can do.
  return tagged(kind, options, codecs as Readonly<Record<string, AnySchema>> as Kinds) as unknown as Field<{
    readonly kind: string;
    readonly data?: unknown;
  }>;
}

/** The kinds of a table, looked up by a name that somebody else wrote. */
export function kindIn(kinds: Readonly<Record<string, AnyKind>>, name: string): AnyKind | undefined {
  return Object.hasOwn(kinds, name) ? kinds[name] : undefined;
}
