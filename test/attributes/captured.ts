/** What was captured from kernels, decoded, and where an attribute stands in it. */
import { readdirSync } from "node:fs";
import { type Body, NLMSG_HDRLEN, Reader } from "../../lib/wire/index.ts";
import { capture } from "../fixtures.ts";
import { requests } from "./requests.ts";

export type Values = Readonly<Record<string, unknown>>;
/** What a message says: its header and its attributes. */
export interface Whole {
  readonly header: never;
  readonly attrs: Values;
}
/** A message, and the file in which it is, without its ending. */
export interface Captured {
  readonly file: string;
  readonly whole: Whole;
}
type AnyBody = Body<never, { readonly attrs: object }>;

const decoded = (body: AnyBody, bytes: Uint8Array): Whole =>
  body.read(new Reader(bytes), NLMSG_HDRLEN, bytes.length) as unknown as Whole;

/** The messages of a folder, or those of a type, or in files of some names. */
export function captures(folder: string, body: AnyBody, type?: number, name = /./): Captured[] {
  const files = readdirSync(`test/fixtures/${folder}`)
    .filter((file) => file.endsWith(".hex") && name.test(file))
    .sort();
  return files.flatMap((file) =>
    capture(`${folder}/${file}`)
      .filter((bytes) => type === undefined || new Reader(bytes).u16[2] === type)
      .map((bytes) => ({ file: file.replace(".hex", ""), whole: decoded(body, bytes) })),
  );
}

/** What was asked with these messages. */
export function asked(...messages: readonly object[]): Captured[] {
  return requests()
    .filter(({ message }) => messages.includes(message))
    .map(({ file, bytes, message: { body } }) => ({ file, whole: decoded(body, bytes) }));
}

/** What stands behind these keys, one in the other; of lists, all. */
export function inside(value: unknown, [key, ...more]: readonly string[]): unknown[] {
  const all = [value].flat().filter((one) => one !== undefined);
  return key === undefined ? all : all.flatMap((one) => inside((one as Values)[key], more));
}

/** Files by the attribute that they have; `part` finds a section's attributes in those of a message. */
export function filesOf(all: readonly Captured[], part: (attrs: Values) => unknown): Map<string, string[]> {
  const files = new Map<string, string[]>();
  for (const { file, whole } of all)
    for (const key of inside(part(whole.attrs), []).flatMap((one) => Object.keys(one as Values))) {
      const list = files.get(key) ?? [];
      if (!list.includes(file)) files.set(key, [...list, file]);
    }
  return files;
}
