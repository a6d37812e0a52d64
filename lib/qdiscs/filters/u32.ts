/**
 * Source: include/uapi/linux/pkt_cls.h (struct tc_u32_sel, tc_u32_key, TCA_U32_*), net/sched/cls_u32.c (u32_policy,
 * u32_change, u32_dump).
 */
import { boolean, choice, integer, type Shape, text } from "../../shape/shape.ts";
import {
  at,
  attrs,
  be16,
  be32,
  bytes,
  type Codec,
  fixedText,
  u32 as number32,
  padding,
  s32,
  struct,
  u8,
  u16,
} from "../../wire/index.ts";
import { actionList } from "../action.ts";
import { kind } from "../kind.ts";
import { converted, custom, same } from "../option.ts";
import { classid, hardwareFlags } from "./shared.ts";

const key = struct("tc_u32_key", { mask: be32, val: be32, off: s32, offmask: s32 });
const selHead = struct("tc_u32_sel", {
  flags: u8,
  offshift: u8,
  nkeys: u8,
  _pad1: u8,
  offmask: be16,
  off: u16,
  offoff: u16,
  hoff: u16,
  hmask: be32,
});
const TERMINAL = 1;
interface Key {
  readonly mask: number;
  readonly val: number;
  readonly off: number;
  readonly offmask: number;
}
interface Sel {
  readonly flags: number;
  readonly keys: readonly Key[];
  readonly [member: string]: unknown;
}
/** The struct, and the keys that follow it. */
const sel: Codec<Sel> = {
  name: "tc_u32_sel",
  write(out, { keys, ...head }) {
    selHead.write(out, { ...head, nkeys: keys.length } as never);
    for (const one of keys) key.write(out, one);
  },
  read(from, start, end) {
    const head = selHead.read(from, start, Math.min(start + selHead.size, end));
    const keys: Key[] = [];
    for (let at = start + selHead.size; at + key.size <= end; at += key.size)
      keys.push(key.read(from, at, at + key.size));
    return { ...head, keys };
  },
};

/** Bits of a packet that have to have a value. */
export interface U32Match {
  readonly value: number;
  /** Default all 32 bits. */
  readonly mask?: number;
  /** Byte at which the word begins, a multiple of 4, from the IP header; negative in the link's header. */
  readonly at: number;
  /** The place is counted from the end of the IP header. */
  readonly next?: boolean;
}
const word = integer(0, 0xffff_ffff);
const place = integer(-0x8000, 0x7fff);
const match: Shape<readonly U32Match[]> = {
  expected:
    "a list of { value, mask, at }, value and mask of 32 bits, no bit of value outside mask, at a multiple of 4",
  json: { type: "array", items: { type: "object" }, maxItems: 128 },
  accepts: (value): value is readonly U32Match[] => Array.isArray(value) && value.length <= 128 && value.every(isMatch),
};
function isMatch(one: unknown): boolean {
  if (typeof one !== "object" || one === null) return false;
  const { value, mask = 0xffff_ffff, at: byte, next = false, ...rest } = one as Partial<U32Match>;
  if (!word.accepts(value) || !word.accepts(mask) || !place.accepts(byte) || !boolean.accepts(next)) return false;
  return byte % 4 === 0 && (value & ~mask) === 0 && Object.keys(rest).length === 0;
}

const TABLE = /^([0-9a-f]{1,3}):([0-9a-f]{0,2}):?$/i;
/** A table as `tc` writes it: `800:`, or `1:2a:` for one of its buckets. */
const table: Shape<string> = {
  expected: "a hash table such as 800:, or one of its buckets such as 1:2a: (hexadecimal)",
  json: { type: "string" },
  accepts: (value): value is string => typeof value === "string" && TABLE.test(value),
};
function tableNumber(value: string): number {
  const [, id = "", bucket = ""] = TABLE.exec(value) ?? [];
  return ((Number.parseInt(id, 16) << 20) | (Number.parseInt(bucket || "0", 16) << 12)) >>> 0;
}
function tableText(value: number): string {
  const bucket = (value >>> 12) & 0xff;
  return `${(value >>> 20).toString(16)}:${bucket === 0 ? "" : `${bucket.toString(16)}:`}`;
}

/** Bits of the packet, wherever they are. */
export const u32 = kind({
  kind: "u32",
  wire: attrs("TCA_U32", {
    classid: at(1, number32),
    hash: at(2, number32),
    link: at(3, number32),
    divisor: at(4, number32),
    sel: at(5, sel),
    police: at(6, bytes),
    act: at(7, actionList),
    indev: at(8, fixedText(16)),
    /** Counters of matches, in kernels that were built so. */
    pcnt: at(9, bytes),
    mark: at(10, struct("tc_u32_mark", { val: number32, mask: number32, success: number32 })),
    flags: at(11, number32),
    pad: padding(12),
  }),
  options: {
    /** All of them have to match; an empty list is every packet. */
    match: custom<readonly U32Match[]>(
      ["sel"],
      match,
      (value, { values }) => ({
        sel: {
          flags: values["link"] === undefined ? TERMINAL : 0,
          keys: value.map(({ value: val, mask = 0xffff_ffff, at: off, next = false }) => ({
            val,
            mask,
            off,
            offmask: next ? -1 : 0,
          })),
        },
      }),
      (wire) =>
        (wire["sel"] as Sel | undefined)?.keys.map(({ val, mask, off, offmask }) => ({
          value: val,
          mask,
          at: off,
          ...(offmask === 0 ? {} : { next: true }),
        })),
    ),
    classid,
    /** The table that it is put into; default 800:, which is asked first. */
    ht: converted("hash", table, tableNumber, tableText),
    /** The table that goes on with what matches. */
    link: converted("link", table, tableNumber, tableText),
    /** Makes a table of so many buckets instead: a power of two. Its number is the `handle`. */
    divisor: same("divisor", choiceOfPowers()),
    /** Name of the link that packets arrived on. */
    indev: same("indev", text(15)),
    ...hardwareFlags,
  },
  whole: true,
  check: ({ match: given, divisor }) =>
    (given === undefined) === (divisor === undefined)
      ? { key: "match", reason: given === undefined ? "missing; or divisor" : "stands beside divisor; use one" }
      : undefined,
});
function choiceOfPowers(): Shape<number> {
  const powers = Array.from({ length: 9 }, (_, i) => 2 ** i);
  return {
    expected: choice(...powers.map(String)).expected,
    json: { enum: powers },
    accepts: (value): value is number => powers.includes(value as number),
  };
}
