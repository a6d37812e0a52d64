/** Checks of a config against the declaration of its kind. */
import { check, checkObject, InputError, type Shapes, shown, unknownKey } from "../shape/shape.ts";
import type { AnyKind } from "./kind.ts";
import { shapesOf } from "./option.ts";

/** The first word that is wrong in itself. Returns the declaration. @throws {InputError} */
export function checkWords(
  path: readonly string[],
  kinds: Readonly<Record<string, AnyKind>>,
  common: Shapes,
  config: unknown,
): AnyKind {
  checkObject(path, config);
  const { kind, ...values } = config as Readonly<Record<string, unknown>>;
  const known = typeof kind === "string" && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (known === undefined) {
    const names = Object.keys(kinds);
    const wrong = kind === undefined ? `missing; expected one of ${names.join(", ")}` : `unknown kind ${shown(kind)}; `;
    throw new InputError(
      [...path, "kind"],
      kind === undefined ? wrong : wrong + unknownKey(String(kind), names).replace("unknown key; ", ""),
    );
  }
  check(path, { ...common, ...shapesOf(known.options) }, values);
  return known;
}

/** What is wrong with a config as a whole. @throws {InputError} */
export function checkWhole(path: readonly string[], known: AnyKind, values: Readonly<Record<string, unknown>>): void {
  for (const key of known.needed ?? [])
    if (values[key] === undefined)
      throw new InputError([...path, key], `missing; expected ${known.options[key]?.shape.expected}`);
  for (const [key, other] of known.needs ?? [])
    if (values[key] && !values[other]) throw new InputError([...path, key], `needs ${other}`);
  for (const group of known.exclusive ?? []) {
    const [first, second] = group.filter((key) => values[key] !== undefined);
    if (second !== undefined) throw new InputError([...path, second], `stands beside ${first}; use one`);
  }
  const complaint = known.check?.(values);
  if (complaint !== undefined) throw new InputError([...path, complaint.key], complaint.reason);
}

/** Both: a config that is complete. @throws {InputError} */
export function checkKind(
  path: readonly string[],
  kinds: Readonly<Record<string, AnyKind>>,
  common: Shapes,
  config: unknown,
): AnyKind {
  const known = checkWords(path, kinds, common, config);
  checkWhole(path, known, config as Readonly<Record<string, unknown>>);
  return known;
}
