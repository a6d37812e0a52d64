/** Names: what tables, chains and interfaces may be called. */
import { fixedText, text } from "../wire/index.ts";
import { invalid, shown } from "./error.ts";
import { fromBytes, toBytes } from "./value.ts";
import { reservedWords } from "./words.ts";

/** Bytes of an interface's name with its closing NUL. Source: include/uapi/linux/if.h IFNAMSIZ. */
const IFNAMSIZ = 16;
const padded = fixedText(IFNAMSIZ);

/** Refuses names that nft could not read again, and those too long for the kernel (NFT_NAME_MAXLEN). */
export function checkName(value: unknown, path: string): string {
  if (typeof value !== "string" || !/^[A-Za-z_][A-Za-z0-9/_.-]*$/.test(value))
    invalid(path, `a name begins with a letter and has letters, digits, "/", "-", "_" and ".", got ${shown(value)}`);
  if (value.length > 255) invalid(path, `a name has at most 255 characters, got ${value.length}`);
  if (reservedWords.has(value))
    invalid(path, `"${value}" is a word of nft itself, which could not list it again: write lw_${value}, for example`);
  return value;
}

/** Refuses comments that nft could not show or read again. */
export function checkComment(value: unknown, path: string): string {
  if (typeof value !== "string") invalid(path, `expected text, got ${shown(value)}`);
  if (/["\p{Cc}]/u.test(value))
    invalid(path, `nft has no way to write quotes, newlines and control characters: leave them out`);
  const size = Buffer.byteLength(value);
  if (size > 128) invalid(path, `nft shows comments of at most 128 bytes, this has ${size}`);
  return value;
}

/** The bytes that `iifname` compares: the padded name, or for `ens*` only its beginning. A closing `\*` is a real asterisk. */
export function interfaceBytes(value: unknown, path: string): Uint8Array {
  if (typeof value !== "string") invalid(path, `expected the name of an interface, got ${shown(value)}`);
  const wild = value.endsWith("*") && !value.endsWith("\\*");
  const name = wild ? value.slice(0, -1) : value.replace(/\\\*$/, "*");
  if (wild && name === "") invalid(path, `"*" matches every interface: leave it out`);
  if (name === "" || name === "." || name === ".." || /[/:\s\0]/.test(name))
    invalid(path, `expected the name of an interface, got ${shown(value)}`);
  const bytes = toBytes(text, name);
  if (bytes.length > IFNAMSIZ)
    invalid(path, `an interface's name has at most 15 bytes, ${shown(value)} has ${bytes.length - 1}`);
  return wild ? bytes.slice(0, -1) : toBytes(padded, name);
}

/** The name that these bytes compare, or nothing when it cannot be written. */
export function interfaceName(bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(0);
  if (end >= 0 && bytes.subarray(end).some((byte) => byte !== 0)) return undefined;
  const name = fromBytes(text, bytes);
  if (end >= 0) return name.endsWith("*") ? `${name.slice(0, -1)}\\*` : name;
  return bytes.length < IFNAMSIZ && !name.endsWith("\\") ? `${name}*` : undefined;
}
