/** Compares messages as the kernel reads them: attributes in any order, with or without the mark of a nest. */
import { deepEqual } from "node:assert/strict";
import { align, type Message, NLMSG_HDRLEN, Reader, Writer } from "../../lib/wire/index.ts";
import { capture } from "../fixtures.ts";

const NUMBER = 0x3fff;

function attributes(payload: Uint8Array, header: number): string[] {
  const from = new Reader(new Uint8Array(payload));
  const found: string[] = [];
  for (let at = align(header); at < payload.length; at += align(from.u16[at >> 1] ?? 4)) {
    const length = from.u16[at >> 1] ?? 0;
    const number = (from.u16[(at >> 1) + 1] ?? 0) & NUMBER;
    found.push(`${number}: ${Buffer.from(from.copy(at + 4, at + length)).toString("hex")}`);
  }
  return found.sort();
}

/** Decodes a capture of one message, checks that encoding it again gives the same message, and returns what was read. */
export function readAgain<I, O extends I>(path: string, message: Message<I, O>, header: number): O {
  const whole = capture(path)[0] ?? new Uint8Array();
  const from = new Reader(new Uint8Array(whole));
  const value = message.body.read(from, NLMSG_HDRLEN, whole.length);
  deepEqual(
    Object.keys((value as { attrs: object }).attrs).filter((key) => key.startsWith("#")),
    [],
  );
  const out = new Writer();
  message.body.write(out, value);
  const again = out.finish();
  const payload = whole.slice(NLMSG_HDRLEN);
  deepEqual([...again.slice(0, header)], [...payload.slice(0, header)]);
  deepEqual(attributes(again, header), attributes(payload, header));
  return value;
}

/** The same of one whose nests are marked, padded or ordered otherwise than ours: what is read from ours has to be the same. */
export function readTwice<I, O extends I>(path: string, message: Message<I, O>): O {
  const whole = capture(path)[0] ?? new Uint8Array();
  const value = message.body.read(new Reader(new Uint8Array(whole)), NLMSG_HDRLEN, whole.length);
  const out = new Writer();
  message.body.write(out, value);
  const again = out.finish();
  deepEqual(message.body.read(new Reader(again), 0, again.length), value);
  return value;
}

/** Names of the links in the captures. */
export const NAMES = new Map([
  [1, "lo"],
  [10, "d0"],
  [11, "d1"],
  [12, "br0"],
  [13, "vx0"],
]);
/** The index of a link in the captures. */
export function indexIn(name: string): number {
  return [...NAMES].find(([, known]) => known === name)?.[0] ?? 0;
}
