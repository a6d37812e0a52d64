/** The kernel's way to write addresses, for what has no other canonical form. */
import { isIPv6 } from "node:net";
import type { Words } from "../step.ts";
import { canonicalIp } from "../words.ts";

/** An address as the kernel writes it, IPv6 by RFC 5952, MACs in lower case; anything else as it is. */
export function canonicalWord(value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(value)) return value.toLowerCase();
  return isIPv6(value) ? canonicalIp(value) : value;
}

/** An entry whose texts are as the kernel writes them. */
export function canonicalText(words: Words): Words {
  return Object.fromEntries(Object.entries(words).map(([key, value]) => [key, canonicalWord(value)]));
}
