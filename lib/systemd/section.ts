/** Files of systemd as a tree of sections and keys, and their text. Nothing in a value can begin a line of its own. */

/** A key and its value; the same key may come several times. */
export type Entry = readonly [key: string, value: string];
/** A part of a file under its `[Name]`. */
export interface Section {
  readonly name: string;
  readonly entries: readonly Entry[];
}

/** A value that no file of systemd can hold. */
export class UnitTextError extends Error {
  override readonly name = "UnitTextError";
  readonly code = "ERR_UNIT_TEXT";
}

/** @throws {UnitTextError} where a value would end its line, go on in the next, or lose its ends. */
function checkValue(key: string, value: string): string {
  if (/[\p{Cc}\u2028\u2029]/u.test(value))
    throw new UnitTextError(`${key}: ${JSON.stringify(value)} has a control character in it, which no file can hold`);
  if (/^\s|\s$|\\$/.test(value))
    throw new UnitTextError(`${key}: ${JSON.stringify(value)} begins or ends with white space or a backslash`);
  return value;
}

/** The sections that have entries, as text. @throws {UnitTextError} */
export function printSections(sections: readonly Section[]): string {
  return sections
    .filter(({ entries }) => entries.length > 0)
    .flatMap(({ name, entries }) => [
      `[${name}]`,
      ...entries.map(([key, value]) => `${key}=${checkValue(key, value)}`),
      "",
    ])
    .join("\n");
}

/** One argument of a command line in a unit, in quotes: neither `%` nor `$` stands for something else. */
export function quoteArgument(text: string): string {
  const escaped = checkValue("argument", text).replace(/["\\]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$");
  return `"${escaped}"`;
}

/**
 * Whether networkd's files can hold this name as it is: systemd takes no `%` and `:` in the names of links, no number,
 * and gives `*`, `?`, `[`, `!`, quotes and backslashes a meaning of their own.
 */
export function isPlainName(name: string): boolean {
  return (
    /^[A-Za-z0-9._+@=,~][A-Za-z0-9._+@=,~-]*$/.test(name) && !/^\d+$/.test(name) && !["all", "default"].includes(name)
  );
}
