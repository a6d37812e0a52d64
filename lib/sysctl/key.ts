/**
 * Keys of sysctls: text as people write it, and the path below /proc/sys that it means.
 *
 * Source: sysctl.d(5). If the first separator is a slash, dots are part of names; if it is a dot, a slash stands for
 * a dot in a name: `net.ipv4.conf.eth0/100.rp_filter` is the interface eth0.100.
 */
import { SysctlError } from "./error.ts";

/** A sysctl: `net.ipv4.ip_forward`, `net/ipv4/conf/eth0.100/rp_filter`, or its path segment by segment. */
export type SysctlKey = string | readonly string[];

/** More alternatives than this in one key are a mistake. */
const MOST = 4096;
/** Segments of net.ipv4.conf.INTERFACE.SETTING. */
const PER_INTERFACE = 5;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const HOSTILE = /[\x00-\x1f\x7f/]|[\ud800-\udfff]/u;

function refuse(key: SysctlKey, reason: string): never {
  const shown = typeof key === "string" ? key : Array.isArray(key) ? key.join(".") : String(key);
  throw new SysctlError(JSON.stringify(shown.slice(0, 200)), "ERR_SYSCTL_KEY", reason, { doing: "cannot use sysctl" });
}

/**
 * Dotted segments, with an interface name that itself has dots put together again: what stands between
 * `net.ipv4.conf` and the last segment can only be the interface.
 */
function joinInterface(segments: string[]): string[] {
  const [net, family, table] = segments;
  const known = net === "net" && (family === "ipv4" || family === "ipv6") && (table === "conf" || table === "neigh");
  if (!known || segments.length <= PER_INTERFACE) return segments;
  return ["net", family, table, segments.slice(3, -1).join("."), segments.at(-1) ?? ""];
}

function splitKey(key: string): string[] {
  const first = /[./]/.exec(key)?.[0];
  if (first === "/") return key.split("/");
  return joinInterface(key.split(".").map((segment) => segment.replaceAll("/", ".")));
}

/**
 * The path of a key, below /proc/sys, segment by segment. Only `net` is open to this library.
 *
 * @throws {SysctlError} with code ERR_SYSCTL_KEY.
 */
export function parseKey(key: SysctlKey): readonly string[] {
  if (typeof key !== "string" && !(Array.isArray(key) && key.every((part) => typeof part === "string")))
    refuse(key, "expected text, or an array of path segments");
  const segments = typeof key === "string" ? splitKey(key) : key;
  for (const segment of segments) {
    if (segment === "") refuse(key, "a segment is empty");
    if (segment === "." || segment === "..") refuse(key, `"${segment}" is no segment`);
    if (segment.length > 255) refuse(key, "a segment is longer than 255 characters");
    const bad = HOSTILE.exec(segment)?.[0];
    if (bad !== undefined) refuse(key, `a segment has the character ${JSON.stringify(bad)} in it`);
  }
  if (segments[0] !== "net") refuse(key, "expected a key that begins with net.");
  if (segments.length > 8) refuse(key, "expected at most 8 segments");
  return segments;
}

/** A path as one would write it for `sysctl`: dots between segments, slashes for the dots in them. */
export function formatKey(path: readonly string[]): string {
  return path.map((segment) => segment.replaceAll(".", "/")).join(".");
}

/** A path as one would write it in a file of sysctl.d: with slashes, which keeps dots in names. */
export function formatSlashKey(path: readonly string[]): string {
  return path.join("/");
}

/** Splits what stands between braces at its commas, leaving inner braces alone. */
function alternatives(text: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const char of text) {
    if (char === "{") depth++;
    else if (char === "}") depth--;
    if (char === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += char;
  }
  return parts;
}

/** The place of the brace that closes the one at `open`; -1 where none does. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === "{") depth++;
    else if (text[at] === "}" && --depth === 0) return at;
  }
  return -1;
}

/**
 * All keys that a key with braces stands for, in order, each once: `net.ipv4.conf.{all,default,eth0}.rp_filter`.
 * Braces may be nested. After `conf.` and `neigh.` a dot between braces belongs to the interface's name.
 * Same as: the shell's brace expansion
 *
 * @throws {SysctlError} with code ERR_SYSCTL_KEY, where a brace has no partner or there are too many keys.
 */
export function expandBraces(key: string): string[] {
  const done: string[] = [];
  const open: string[] = [key];
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    const from = next.indexOf("{");
    const to = from < 0 ? -1 : closing(next, from);
    if (from < 0 && next.includes("}")) refuse(key, `"}" has no "{"`);
    if (from < 0) {
      if (!done.includes(next)) done.push(next);
      continue;
    }
    const head = next.slice(0, from);
    if (to < 0) refuse(key, `"{" has no "}"`);
    if (head.includes("}")) refuse(key, `"}" has no "{"`);
    const tail = next.slice(to + 1);
    const names = /^[^/]*\.(conf|neigh)\.$/.test(head);
    const parts = alternatives(next.slice(from + 1, to));
    if (parts.length + open.length + done.length > MOST) refuse(key, `it stands for more than ${MOST} keys`);
    open.unshift(...parts.map((part) => head + (names ? part.replaceAll(".", "/") : part) + tail));
  }
  return done;
}
