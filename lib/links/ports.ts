/**
 * Links as a part of others: `port` has the options of whatever `master` is, each declared with the kind of the master.
 * Words that may be set are of one kind of master only, so that a misplaced one is told where it belongs.
 */
import { InputError, type Shapes, unknownKey } from "../shape/shape.ts";
import { type PortKind, shapesOf } from "./kind.ts";
import { type KindName, kindNamed, type linkKinds } from "./kinds/index.ts";
import type { Options, OptionsOf, ToldOf } from "./option.ts";
import { bondPortOptions } from "./ports/bond.ts";
import { portOptions } from "./ports/bridge.ts";

type Kinds = typeof linkKinds;
type PortsOf<K> = K extends { readonly port?: infer P } ? Extract<P, PortKind> : never;
type OptionTables = { [N in KindName]: PortsOf<Kinds[N]> }[KindName]["options"];
type AnyOf<T, K extends PropertyKey> = T extends unknown ? (K extends keyof T ? T[K] : never) : never;
type KeysOf<T> = T extends unknown ? keyof T : never;
/** The properties of all members of a union. */
export type Every<T> = { readonly [K in KeysOf<T>]?: AnyOf<T, K> };
type Settable<T> = T extends Options ? OptionsOf<T> : never;
type Told<T> = T extends Options ? ToldOf<T> : never;

/** What a link may be told as a port of the link that `master` names: of a bridge, or of a bond. */
export interface PortOptions extends Every<Settable<OptionTables>> {}
/** What a link tells as a port of its master. */
export interface Port extends Every<Told<OptionTables>> {}

/** What can be set of ports, by the kind of their master. */
const tables: readonly (readonly [master: string, options: Options])[] = [
  ["bond", bondPortOptions],
  ["bridge", portOptions],
];

/** What ports of this kind of master are told; undefined where it has none, or is not known here. */
export function portOf(master: string | undefined): PortKind | undefined {
  return kindNamed(master)?.port;
}

/** The options of all ports that can be set. */
export const settablePortOptions: Options = Object.fromEntries(
  tables.flatMap(([, options]) => Object.entries(options).filter(([, { readOnly }]) => !readOnly)),
);
/** Their shapes. */
export const portShapes: Shapes = shapesOf(settablePortOptions);

/** @throws {InputError} for an option that is of a port of another kind of master. */
export function checkPortOf(path: readonly string[], port: object, master: string | undefined): void {
  if (Object.keys(port).length === 0) return;
  const known = Object.keys(shapesOf(portOf(master)?.options ?? {}));
  for (const [key, value] of Object.entries(port)) {
    if (value === undefined || known.includes(key)) continue;
    const owner = tables.find(([, options]) => options[key]?.readOnly === false)?.[0];
    const is = `the master is ${master === undefined ? "of no known kind" : `a ${master}`}`;
    throw new InputError(
      [...path, key],
      owner === undefined ? unknownKey(key, known) : `is an option of a port of a ${owner}, and ${is}`,
    );
  }
}
