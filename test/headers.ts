/** Numbers of C headers, to compare ours with. */
import { existsSync, readFileSync } from "node:fs";
import type { AnySchema } from "../lib/wire/index.ts";
import { skip } from "./needs.ts";

const FOLDER = "/usr/include/linux";

/** Enumerators and plain #define numbers in C source. */
export function numbersOf(source: string): Map<string, number> {
  const plain = source.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/\/\/.*$/gm, "");
  const found = new Map<string, number>();
  for (const [, name = "", value = ""] of plain.matchAll(/^#define\s+(\w+)\s+\(?([\dx<a-fA-F ]+)\)?\s*$/gm)) {
    const [number = 0, shift = 0] = value.split("<<").map(Number);
    found.set(name, number << shift);
  }
  for (const [, body = ""] of plain.replaceAll(/^#.*$/gm, "").matchAll(/\benum\s*\w*\s*\{([^}]*)\}/g)) {
    let next = 0;
    for (const [, name = "", value] of body.matchAll(/(\w+)\s*(?:=\s*([\w\s-]+?))?\s*(?:,|$)/g)) {
      // What is made of others, such as `__IFLA_MAX - 1`, is no number of its own.
      if (value !== undefined) next = found.get(value) ?? Number(value);
      if (Number.isInteger(next)) found.set(name, next);
      next++;
    }
  }
  return found;
}

/** The numbers of a header under /usr/include/linux; skips the test where it is not there. */
export function header(context: Mocha.Context, name: string): Map<string, number> {
  const path = `${FOLDER}/${name}`;
  if (!existsSync(path)) skip(context, `${path} is missing; apt-get install linux-libc-dev`);
  return numbersOf(readFileSync(path, "utf8"));
}

/** The kernel's form of a key: `udpZeroCsum6Tx` is `UDP_ZERO_CSUM6_TX`. */
export const shouted = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

/** Constants whose names are not ours in capitals. */
const CONSTANTS: Readonly<Record<string, string>> = {
  "IPV4_DEVCONF arpFilter": "ARPFILTER",
  "IPV4_DEVCONF disableXfrm": "NOXFRM",
  "IPV4_DEVCONF disablePolicy": "NOPOLICY",
  "IPV4_DEVCONF srcValidMark": "SRC_VMARK",
  "IPV4_DEVCONF igmpv2UnsolicitedReportInterval": "IGMPV2_UNSOLICITED_REPORT_INTERVAL",
  "IPV4_DEVCONF igmpv3UnsolicitedReportInterval": "IGMPV3_UNSOLICITED_REPORT_INTERVAL",
  "IPV4_DEVCONF dropUnicastInL2Multicast": "DROP_UNICAST_IN_L2_MULTICAST",
  "DEVCONF dropUnicastInL2Multicast": "DROP_UNICAST_IN_L2_MULTICAST",
  "DEVCONF hopLimit": "HOPLIMIT",
  "DEVCONF mtu": "MTU6",
  "IFLA_STATS link64": "LINK_64",
  "DEVCONF routerSolicitations": "RTR_SOLICITS",
  "DEVCONF routerSolicitationInterval": "RTR_SOLICIT_INTERVAL",
  "DEVCONF routerSolicitationDelay": "RTR_SOLICIT_DELAY",
  "DEVCONF routerSolicitationMaxInterval": "RTR_SOLICIT_MAX_INTERVAL",
  "DEVCONF routerProbeInterval": "RTR_PROBE_INTERVAL",
};

/** The kernel's name for a number of ours. */
export const constantOf = (prefix: string, key: string): string =>
  `${prefix}_${CONSTANTS[`${prefix} ${key}`] ?? shouted(key)}`;

/** How the numbers of a schema stand to those of a header. */
export interface Comparison {
  /** Attributes that agree. */
  readonly checked: number;
  /** What disagrees, in words. */
  readonly wrong: readonly string[];
  /** Keys with numbers above the header's last one: the header is older. */
  readonly newer: readonly string[];
}

/**
 * Compares every attribute of a schema with the enumerators that begin with `prefix`. `names` gives the enumerators of
 * keys that claim more than one number, or are called otherwise.
 */
export function compare(
  numbers: ReadonlyMap<string, number>,
  { name, fields }: AnySchema,
  names: Readonly<Record<string, readonly string[]>> = {},
): Comparison {
  const last = (numbers.get(`__${name}_MAX`) ?? numbers.get(`__${name}_CNT`) ?? 0) - 1;
  const wrong: string[] = [];
  const newer: string[] = [];
  const ours = new Set<number>();
  let checked = 0;
  for (const [key, { claims }] of Object.entries(fields))
    for (const [i, number] of claims.entries()) {
      ours.add(number);
      const constant = names[key]?.[i] ?? constantOf(name, key);
      const theirs = numbers.get(constant);
      if (theirs === number) checked++;
      else if (theirs === undefined && number > last) newer.push(key);
      else wrong.push(`${constant} is ${theirs} in the header and ${number} here`);
    }
  for (let number = 1; number <= last; number++) if (!ours.has(number)) wrong.push(`${name} ${number} has no key`);
  return { checked, wrong, newer };
}

/** Which of our bits are not those of a header; `prefix` stands before their names there. Bits that it lacks are newer. */
export function compareBits(
  numbers: ReadonlyMap<string, number>,
  prefix: string,
  ours: Readonly<Record<string, number>>,
): Pick<Comparison, "checked" | "wrong"> {
  const known = Object.entries(ours).filter(([name]) => numbers.has(`${prefix}_${name}`));
  const wrong = known
    .filter(([name, bit]) => numbers.get(`${prefix}_${name}`) !== bit)
    .map(([name, bit]) => `${prefix}_${name} is ${numbers.get(`${prefix}_${name}`)} in the header and ${bit} here`);
  return { checked: known.length, wrong };
}
