/** Entries for systemd's journal, with fields of their own. Source: systemd.io, Native Journal Protocol */
import { existsSync } from "node:fs";
import { deliverUnix } from "../socket/unix.ts";
import { PRIORITY, type Priority } from "./stream.ts";

const SOCKET = "/run/systemd/journal/socket";
/** Bytes of a value, and number of values of one field: a datagram takes some 200 KiB, and nobody reads more. */
const LONGEST = 16_384;
const MOST = 8;
/** Source: systemd.journal-fields(7); a field that begins with `_` is the journal's own. */
const NAME = /^[A-Z][A-Z0-9_]{0,63}$/;

/** What a field may hold; several values make the field several times, undefined makes none. */
export type FieldValue = string | number | boolean | readonly string[] | undefined;

/** An entry. */
export interface JournalEntry {
  /** What people read; it may have several lines. */
  readonly message: string;
  /** Default: `info`. */
  readonly priority?: Priority | undefined;
  /** 32 hexadecimal digits, the same for each entry of a kind. */
  readonly messageId?: string | undefined;
  /** As `journalctl -t` finds it. Default: `linkwright`. */
  readonly identifier?: string | undefined;
  /** Further fields: `LINKWRIGHT_FILE`. */
  readonly fields?: Readonly<Record<string, FieldValue>> | undefined;
}

/** As much of a text as fits, in whole characters. */
function cut(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length <= LONGEST) return bytes;
  let end = LONGEST;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

/** One field: with an equals sign, or with its length where it has several lines. */
function fieldOf(name: string, text: string): Buffer {
  const value = cut(text);
  if (!value.includes(0x0a)) return Buffer.concat([Buffer.from(`${name}=`), value, Buffer.from("\n")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(value.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, value, Buffer.from("\n")]);
}

function fieldsOf(name: string, value: FieldValue): readonly Buffer[] {
  if (!NAME.test(name))
    throw new TypeError(`fields: expected a name of capitals, digits and underscores, got ${JSON.stringify(name)}`);
  if (value === undefined) return [];
  return (Array.isArray(value) ? value.slice(0, MOST) : [value]).map((one) => fieldOf(name, String(one)));
}

/** An entry as the journal takes it. @throws {TypeError} for a field's name that it does not take */
export function encodeEntry({ message, priority = "info", messageId, identifier, fields }: JournalEntry): Uint8Array {
  const own = { MESSAGE: message, PRIORITY: PRIORITY[priority], MESSAGE_ID: messageId };
  const all = { ...own, SYSLOG_IDENTIFIER: identifier ?? "linkwright", ...fields };
  return Buffer.concat(Object.entries(all).flatMap(([name, value]) => fieldsOf(name, value)));
}

/** Writes to the journal; false where there is none, or it does not take it: nothing may depend on it. */
export async function writeJournal(entry: JournalEntry, socket = SOCKET): Promise<boolean> {
  const bytes = encodeEntry(entry);
  return existsSync(socket) && (await deliverUnix(socket, bytes)) === 0;
}
