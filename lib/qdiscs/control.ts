/**
 * What becomes of a packet after an action.
 *
 * Source: include/uapi/linux/pkt_cls.h (TC_ACT_*).
 */
import { integer, type Shape } from "../shape/shape.ts";

const VERDICTS = {
  continue: -1,
  pass: 0,
  reclassify: 1,
  drop: 2,
  pipe: 3,
  stolen: 4,
  queued: 5,
  repeat: 6,
  trap: 8,
} as const;
type Verdict = keyof typeof VERDICTS;
const JUMP = 1;
const GOTO = 2;
const LOCAL = 28;
const VALUE = 2 ** LOCAL - 1;

/**
 * `pass` ends the filters, `pipe` goes on to the next action, `continue` to the next filter, `reclassify` begins anew;
 * `{ goto: 5 }` goes on in that chain, `{ jump: 2 }` leaves out so many actions. Numbers are those without a word.
 */
export type TcControl = Verdict | { readonly goto: number } | { readonly jump: number } | number;
const operand = integer(0, VALUE);
export const control: Shape<TcControl> = {
  expected: `one of ${Object.keys(VERDICTS).join(", ")}, { goto: chain }, { jump: actions }, or a number`,
  json: { anyOf: [{ enum: Object.keys(VERDICTS) }, { type: "object" }, { type: "integer" }] },
  accepts(value): value is TcControl {
    if (typeof value === "string") return Object.hasOwn(VERDICTS, value);
    if (typeof value === "number") return Number.isInteger(value) && Math.abs(value) < 2 ** 31;
    if (typeof value !== "object" || value === null) return false;
    const [[key, part] = [], ...more] = Object.entries(value);
    return more.length === 0 && (key === "goto" || key === "jump") && operand.accepts(part);
  },
};
export function controlNumber(value: TcControl): number {
  if (typeof value === "number") return value;
  if (typeof value === "string") return VERDICTS[value];
  return "goto" in value ? (GOTO << LOCAL) | value.goto : (JUMP << LOCAL) | value.jump;
}
export function controlOf(number: number): TcControl {
  const word = (Object.keys(VERDICTS) as Verdict[]).find((name) => VERDICTS[name] === number);
  if (word !== undefined) return word;
  if (number >>> LOCAL === GOTO) return { goto: number & VALUE };
  return number >>> LOCAL === JUMP ? { jump: number & VALUE } : number;
}
