/** Addresses as text: what people write and read; the wire has the bytes. */
import type { Reader, Writer } from "./buffer.ts";
import type { Codec, Fixed } from "./codec.ts";
import { WireError } from "./error.ts";

function needs(name: string, size: number, start: number, end: number): void {
  if (end - start !== size) throw new WireError(`${name} needs ${size} bytes, got ${end - start}`);
}

const hexBytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

// The beginning of the address that was read last: in a table, neighbors share it, and joining two texts is cheaper than
// joining four or six. Tables of all pairs of bytes cost more to fill than they save before they were used many times.
let ipv4Start = 0;
let ipv4Text = "0.0.0.";
let macStart = 0;
let macText = "00:00:00:";

/** The value of a hexadecimal digit; -1 where it is none. */
function digit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
/** Writes bytes in colons; writes nothing and returns false where `value` is of another form. */
function writeHex(out: Writer, value: string): boolean {
  if (value !== "" && value.length % 3 !== 2) return false;
  const begin = out.length;
  let at = out.take(Math.ceil(value.length / 3));
  for (let i = 0; i < value.length; i += 3) {
    const byte = (digit(value.charCodeAt(i)) << 4) | digit(value.charCodeAt(i + 1));
    if (byte < 0 || byte > 255 || (i > 0 && value.charCodeAt(i - 1) !== COLON)) {
      out.truncate(begin);
      return false;
    }
    out.u8[at++] = byte;
  }
  return true;
}
const COLON = 58;

/** A MAC address, written `02:00:00:00:00:01`, read in lower case. */
export const mac: Fixed<string> = {
  name: "MAC address",
  size: 6,
  write(out, value) {
    if (typeof value !== "string" || value.length !== 17 || !writeHex(out, value))
      throw new WireError(`expected a MAC address such as 02:00:00:00:00:01, got ${String(value)}`);
  },
  read({ u8 }, start, end) {
    needs("MAC address", 6, start, end);
    const first = ((u8[start] as number) << 16) | ((u8[start + 1] as number) << 8) | (u8[start + 2] as number);
    if (first !== macStart) {
      macStart = first;
      macText = `${hexBytes[first >> 16]}:${hexBytes[(first >> 8) & 255]}:${hexBytes[first & 255]}:`;
    }
    const rest = `${hexBytes[u8[start + 3] as number]}:${hexBytes[u8[start + 4] as number]}:`;
    return macText + (rest + hexBytes[u8[start + 5] as number]);
  },
};

/** A hardware address of any length, in colons. Ethernet's have 6 bytes, tunnels' have 4 or 16. */
export const hardware: Codec<string> = {
  name: "hardware address",
  write(out, value) {
    if (typeof value !== "string" || !writeHex(out, value))
      throw new WireError(`expected a hardware address such as 02:00:00:00:00:01, got ${String(value)}`);
  },
  read: (from, start, end) =>
    end - start === 6
      ? mac.read(from, start, end)
      : Array.from(from.u8.subarray(start, end), (byte) => hexBytes[byte]).join(":"),
};

function readIpv4({ u8 }: Reader, at: number): string {
  const first = ((u8[at] as number) << 16) | ((u8[at + 1] as number) << 8) | (u8[at + 2] as number);
  if (first !== ipv4Start) {
    ipv4Start = first;
    ipv4Text = `${u8[at]}.${u8[at + 1]}.${u8[at + 2]}.`;
  }
  return ipv4Text + u8[at + 3];
}

/** The bytes of a dotted address as one number; -1 where it is none. Leading zeros are refused, as `net.isIPv4` does. */
function parseIpv4(value: string): number {
  let all = 0;
  let byte = -1;
  let dotsSeen = 0;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 46) {
      if (byte < 0 || ++dotsSeen > 3) return -1;
      all = all * 256 + byte;
      byte = -1;
    } else {
      if (code < 48 || code > 57 || byte === 0) return -1;
      byte = byte < 0 ? code - 48 : byte * 10 + code - 48;
      if (byte > 255) return -1;
    }
  }
  return byte < 0 || dotsSeen !== 3 ? -1 : all * 256 + byte;
}

/** An IPv4 address in dotted form. */
export const ipv4: Fixed<string> = {
  name: "IPv4 address",
  size: 4,
  write(out, value) {
    const number = typeof value === "string" ? parseIpv4(value) : -1;
    if (number < 0) throw new WireError(`expected an IPv4 address, got ${String(value)}`);
    const at = out.take(4);
    out.u8[at] = number >>> 24;
    out.u8[at + 1] = number >>> 16;
    out.u8[at + 2] = number >>> 8;
    out.u8[at + 3] = number;
  },
  read(from, start, end) {
    needs("IPv4 address", 4, start, end);
    return readIpv4(from, start);
  },
};

function isZero(u8: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (u8[at] !== 0) return false;
  return true;
}

/** The text form of RFC 5952: lower case, the longest run of two or more zero groups as `::`. */
function readIpv6({ u8 }: Reader, at: number): string {
  if (isZero(u8, at, at + 16)) return "::"; // told of every link
  let best = -1;
  let longest = 1;
  const groups: number[] = [];
  for (let i = 0, run = 0; i < 8; i++) {
    const group = ((u8[at + 2 * i] as number) << 8) | (u8[at + 2 * i + 1] as number);
    groups.push(group);
    run = group === 0 ? run + 1 : 0;
    if (run > longest) {
      longest = run;
      best = i - run + 1;
    }
  }
  const hex = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(":");
  return best < 0 ? hex(groups) : `${hex(groups.slice(0, best))}::${hex(groups.slice(best + longest))}`;
}

function ipv6Groups(part: string): number[] {
  if (part === "") return [];
  return part.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}

function writeIpv6(out: Writer, value: string): void {
  const [head = "", tail = ""] = value.split("::");
  const [left, right] = [ipv6Groups(head), ipv6Groups(tail)];
  const at = out.take(16);
  const put = (group: number, i: number): void => {
    out.u8[at + 2 * i] = group >> 8;
    out.u8[at + 2 * i + 1] = group;
  };
  left.forEach(put);
  right.forEach((group, i) => {
    put(group, 8 - right.length + i);
  });
}

/** `node:net` takes 2 ms to load. */
const isIPv6 = (value: string): boolean => process.getBuiltinModule("node:net").isIPv6(value);

/** An IPv6 address; reads in any form, writes in the form of RFC 5952. */
export const ipv6: Fixed<string> = {
  name: "IPv6 address",
  size: 16,
  write(out, value) {
    if (typeof value !== "string" || value.includes("%") || !isIPv6(value))
      throw new WireError(`expected an IPv6 address without zone, got ${String(value)}`);
    writeIpv6(out, value);
  },
  read(from, start, end) {
    needs("IPv6 address", 16, start, end);
    return readIpv6(from, start);
  },
};

/** An address of either family; the payload's length tells which. */
export const ip: Codec<string> = {
  name: "IP address",
  write(out, value) {
    if (typeof value === "string" && value.includes(":")) ipv6.write(out, value);
    else if (typeof value === "string" && value.includes(".")) ipv4.write(out, value);
    else throw new WireError(`expected an IP address, got ${String(value)}`);
  },
  read(from, start, end) {
    if (end - start === 4) return readIpv4(from, start);
    if (end - start === 16) return readIpv6(from, start);
    throw new WireError(`IP address needs 4 or 16 bytes, got ${end - start}`);
  },
};
