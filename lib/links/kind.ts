/** What a kind of link is. Each is declared once, in one file of `kinds/`. */
import type { Shapes } from "../shape/shape.ts";
import type { AnySchema } from "../wire/index.ts";
import type { Options, OptionsOf } from "./option.ts";

/** The declaration of one kind: its attributes on the wire, and its options in people's words. */
export interface LinkKind<N extends string, W extends AnySchema, O extends Options> {
  /** IFLA_INFO_KIND: `vxlan`. */
  readonly kind: N;
  /** Attributes inside IFLA_INFO_DATA, in the kernel's names. */
  readonly wire: W;
  readonly options: O;
  /** Says what is wrong with a combination of options; each by itself was checked. */
  check?(options: OptionsOf<O>): { readonly key: keyof O & string; readonly reason: string } | undefined;
}
/** A kind, whichever. */
export interface AnyKind {
  readonly kind: string;
  readonly wire: AnySchema;
  readonly options: Options;
  check?(options: object): { readonly key: string; readonly reason: string } | undefined;
}

export function linkKind<const N extends string, W extends AnySchema, O extends Options>(
  kind: LinkKind<N, W, O>,
): LinkKind<N, W, O> {
  return kind;
}

/** The shapes of a kind's options, by name. */
export function shapesOf(options: Options): Shapes {
  return Object.fromEntries(Object.entries(options).map(([key, one]) => [key, one.shape]));
}
