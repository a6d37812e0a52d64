/** What a kind of link is. Each is declared once, in one file of `kinds/`. */
import type { Shapes } from "../shape/shape.ts";
import type { AnySchema } from "../wire/index.ts";
import type { LinkNames, Options, OptionsOf } from "./option.ts";

/** What links are told as a part of a link of some kind: a port of a bridge, of a bond. */
export interface PortKind<W extends AnySchema = AnySchema, O extends Options = Options> {
  /** Attributes inside IFLA_INFO_SLAVE_DATA, in the kernel's names. */
  readonly wire: W;
  readonly options: O;
}

/** The declaration of one kind: its attributes on the wire, and its options in people's words. */
export interface LinkKind<
  N extends string,
  W extends AnySchema,
  O extends Options,
  P extends PortKind | undefined = undefined,
> {
  /** IFLA_INFO_KIND: `vxlan`. */
  readonly kind: N;
  /** Attributes inside IFLA_INFO_DATA, in the kernel's names. */
  readonly wire: W;
  readonly options: O;
  /** The kernel takes a change for all there is, and sets to zero what it does not name: so a change names everything. */
  readonly whole?: boolean;
  /** Present where other links can be a part of this one, and are told something as such. */
  readonly port?: P;
  /** Says what is wrong with a combination of options; each by itself was checked. */
  check?(options: OptionsOf<O>): { readonly key: keyof O & string; readonly reason: string } | undefined;
  /** Says what creation lacks. */
  complete?(options: OptionsOf<O>): { readonly key: keyof O & string; readonly reason: string } | undefined;
  /** What is sent at creation unless the caller says otherwise. */
  defaults?(options: OptionsOf<O>): OptionsOf<O>;
  /** Options that are told by attributes of the link itself. */
  beside?(link: Readonly<Record<string, unknown>>, names: LinkNames): OptionsOf<O>;
  /** Options that the kernel tells of a link and that are left out where it is made again, as it would refuse them. */
  leftOut?(told: Readonly<Record<string, unknown>>): readonly (keyof O & string)[];
}
/** A kind, whichever. */
export interface AnyKind {
  readonly kind: string;
  readonly wire: AnySchema;
  readonly options: Options;
  readonly whole?: boolean;
  readonly port?: PortKind | undefined;
  check?(options: object): { readonly key: string; readonly reason: string } | undefined;
  complete?(options: object): { readonly key: string; readonly reason: string } | undefined;
  defaults?(options: object): object;
  beside?(link: Readonly<Record<string, unknown>>, names: LinkNames): object;
  leftOut?(told: Readonly<Record<string, unknown>>): readonly string[];
}

export function linkKind<
  const N extends string,
  W extends AnySchema,
  O extends Options,
  P extends PortKind | undefined = undefined,
>(kind: LinkKind<N, W, O, P>): LinkKind<N, W, O, P> {
  return kind;
}

const shapes = new WeakMap<Options, Shapes>();
/** The shapes of the options that can be set, by name. */
export function shapesOf(options: Options): Shapes {
  const known = shapes.get(options);
  if (known !== undefined) return known;
  const settable = Object.entries(options).filter(([, one]) => !one.readOnly);
  const made = Object.fromEntries(settable.map(([key, one]) => [key, one.shape]));
  shapes.set(options, made);
  return made;
}
