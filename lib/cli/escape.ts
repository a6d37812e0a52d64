/** Text from outside, made fit for a terminal: nothing that it holds can move the cursor, set a color or lie. */

/**
 * What must not reach a terminal as it is: control characters (C0, DEL, C1), line and paragraph separators, marks that
 * turn the direction of text or are invisible, and lone surrogates, which stand for bytes that are not UTF-8.
 */
const UNSAFE =
  /[\p{Cc}\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\p{Cs}]|[\u{e0000}-\u{e007f}]/gu;

function escapeCharacter(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
  return `\\u{${code.toString(16)}}`;
}

/** The text with everything unsafe written as `\x1b` or `\u{202e}`; a backslash is doubled where anything was. */
export function escapeText(text: string): string {
  if (text.search(UNSAFE) < 0) return text;
  return text.replaceAll("\\", "\\\\").replace(UNSAFE, escapeCharacter);
}
