/**
 * Userdata: what nft keeps beside tables, chains, rules and objects. A run of {u8 type, u8 length, bytes}; type 0 is the
 * comment, with its closing NUL, in all four.
 *
 * Source: libnftnl include/libnftnl/udata.h enum nftnl_udata_rule_types, nftnl_udata_table_types and their like.
 */
import { text } from "../wire/index.ts";
import { fromBytes, toBytes } from "./value.ts";

const COMMENT = 0;

/** The bytes that hold a comment. */
export function commentData(comment: string): Uint8Array {
  const bytes = toBytes(text, comment);
  return Uint8Array.from([COMMENT, bytes.length, ...bytes]);
}

/** The comment in these bytes, if there is one. */
export function commentOf(data: Uint8Array | undefined): string | undefined {
  if (data === undefined) return undefined;
  for (let at = 0; at + 2 <= data.length; at += 2 + (data[at + 1] ?? 0)) {
    const end = at + 2 + (data[at + 1] ?? 0);
    if (data[at] === COMMENT && end <= data.length) return fromBytes(text, data.slice(at + 2, end));
  }
  return undefined;
}
