/** Whether text is an IP address, as `node:net` has it. That takes 2 ms to load and is asked for IPv6 only. */

const DOT = 46;
const SLASH = 47;
/** Where the IPv4 address at the beginning of `text` ends; -1 where there is none. Nothing is copied: lists are long. */
function endOfIPv4(text: string): number {
  let dots = 0;
  let byte = -1;
  let at = 0;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (byte < 0 || ++dots > 3) return -1;
      byte = -1;
    } else if (code < 48 || code > 57) break;
    else if (byte === 0) return -1;
    else {
      byte = byte < 0 ? code - 48 : byte * 10 + code - 48;
      if (byte > 255) return -1;
    }
  }
  return byte < 0 || dots < 3 ? -1 : at;
}

export const isIPv4 = (value: string): boolean => endOfIPv4(value) === value.length;
/** The prefix length of an IPv4 address, undefined where none stands behind it; -1 for any other text. */
export function prefixOfIPv4(value: string): number | undefined {
  const end = endOfIPv4(value);
  if (end === value.length) return undefined;
  if (end < 0 || value.charCodeAt(end) !== SLASH) return -1;
  return prefixLength(value, end + 1, 32);
}
/** A number of one to three digits from `start` to the end, at most `most`; -1 for any other text. */
export function prefixLength(text: string, start: number, most: number): number {
  const digits = text.length - start;
  if (digits < 1 || digits > 3) return -1;
  let length = 0;
  for (let at = start; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length > most ? -1 : length;
}
/** With a zone or without. */
export const isIPv6 = (value: string): boolean =>
  value.includes(":") && process.getBuiltinModule("node:net").isIPv6(value);
