/** The steps of a rule, read as what registers hold: conditions on the packet first, then what is done. */
import type { Expression } from "./expressions/index.ts";

/** Something that can be loaded and compared. */
type Source =
  | { readonly from: "meta"; readonly key: string }
  | { readonly from: "payload"; readonly base: string; readonly offset: number; readonly len: number }
  | { readonly from: "ct state" | "mss" | "rt mtu" }
  | { readonly from: "constant"; readonly value: Uint8Array };

/** A register's content. */
export interface Loaded {
  readonly source: Source;
  readonly mask?: Uint8Array;
  /** Turned from host to network order. */
  readonly swapped?: boolean;
}

/** A comparison that must hold for the rule to go on. */
export interface Condition extends Loaded {
  readonly op: "eq" | "neq" | "lt" | "lte" | "gt" | "gte" | "in" | "not in";
  readonly value: Uint8Array;
  /** The end of a range. */
  readonly to?: Uint8Array;
}

/** A step that does something, with the registers as they stood then. */
export interface Statement {
  readonly step: Expression;
  readonly registers: ReadonlyMap<number, Loaded>;
}

/** A rule in two parts. */
export interface Parts {
  readonly conditions: readonly Condition[];
  readonly statements: readonly Statement[];
}

const only = (data: object, ...keys: string[]): boolean => Object.keys(data).every((key) => keys.includes(key));
/** Registers 8, 12, 16 and 20 are the beginnings of 1 to 4. */
const whole = (register: number): number => (register >= 8 && register % 4 === 0 ? register / 4 - 1 : register);

function loads(step: Expression): (Loaded & { readonly dreg: number }) | undefined {
  if (step.kind === "meta") {
    const { dreg, key } = step.data ?? {};
    if (dreg === undefined || typeof key !== "string" || !only(step.data ?? {}, "dreg", "key")) return undefined;
    return { dreg, source: { from: "meta", key } };
  }
  if (step.kind === "payload") {
    const { dreg, base, offset, len } = step.data ?? {};
    if (dreg === undefined || typeof base !== "string" || offset === undefined || len === undefined) return undefined;
    if (!only(step.data ?? {}, "dreg", "base", "offset", "len")) return undefined;
    return { dreg, source: { from: "payload", base, offset, len } };
  }
  if (step.kind === "ct") {
    const { dreg, key } = step.data ?? {};
    if (dreg === undefined || key !== "state" || !only(step.data ?? {}, "dreg", "key")) return undefined;
    return { dreg, source: { from: "ct state" } };
  }
  if (step.kind === "rt") {
    const { dreg, key } = step.data ?? {};
    if (dreg === undefined || key !== "tcpmss" || !only(step.data ?? {}, "dreg", "key")) return undefined;
    return { dreg, source: { from: "rt mtu" } };
  }
  if (step.kind === "exthdr") {
    const { dreg } = step.data ?? {};
    return dreg !== undefined && isMss(step) ? { dreg, source: { from: "mss" } } : undefined;
  }
  if (step.kind === "immediate") {
    const { dreg, data } = step.data ?? {};
    if (!dreg || data?.value === undefined || !only(step.data ?? {}, "dreg", "data") || !only(data, "value"))
      return undefined;
    return { dreg, source: { from: "constant", value: data.value } };
  }
  return undefined;
}

/** Whether a step is about the MSS option of TCP. */
export function isMss(step: Expression): boolean {
  if (step.kind !== "exthdr") return false;
  const { type, offset, len, op, flags = 0 } = step.data ?? {};
  if (!only(step.data ?? {}, "dreg", "sreg", "type", "offset", "len", "op", "flags")) return false;
  return type === 2 && offset === 2 && len === 2 && op === "tcpopt" && flags === 0;
}

/** A register changed in place: masked, or turned around. */
function changes(step: Expression, registers: Map<number, Loaded>): boolean {
  if (step.kind === "bitwise") {
    const { sreg, dreg, len, op = "mask_xor", mask, xor } = step.data ?? {};
    const before = sreg === undefined ? undefined : registers.get(whole(sreg));
    if (before === undefined || before.mask || before.swapped || dreg === undefined) return false;
    if (op !== "mask_xor" || !only(step.data ?? {}, "sreg", "dreg", "len", "op", "mask", "xor")) return false;
    if (mask?.value === undefined || mask.value.length !== len || xor?.value?.some((byte) => byte !== 0)) return false;
    registers.set(whole(dreg), { ...before, mask: mask.value });
    return true;
  }
  if (step.kind === "byteorder") {
    const { sreg, dreg, op, len, size } = step.data ?? {};
    const before = sreg === undefined ? undefined : registers.get(whole(sreg));
    if (before === undefined || before.swapped || before.mask || dreg === undefined) return false;
    if (op !== "hton" || len !== size || !only(step.data ?? {}, "sreg", "dreg", "op", "len", "size")) return false;
    registers.set(whole(dreg), { ...before, swapped: true });
    return true;
  }
  return false;
}

function compares(step: Expression, registers: ReadonlyMap<number, Loaded>): Condition | undefined {
  if (step.kind === "cmp") {
    const { sreg, op, data } = step.data ?? {};
    const loaded = sreg === undefined ? undefined : registers.get(whole(sreg));
    if (loaded === undefined || typeof op !== "string" || data?.value === undefined) return undefined;
    if (!only(step.data ?? {}, "sreg", "op", "data") || !only(data, "value")) return undefined;
    return { ...loaded, op, value: data.value };
  }
  if (step.kind === "range") {
    const { sreg, op, fromData, toData } = step.data ?? {};
    const loaded = sreg === undefined ? undefined : registers.get(whole(sreg));
    if (loaded === undefined || typeof op !== "string" || !fromData?.value || !toData?.value) return undefined;
    if (!only(step.data ?? {}, "sreg", "op", "fromData", "toData")) return undefined;
    return { ...loaded, op: op === "eq" ? "in" : "not in", value: fromData.value, to: toData.value };
  }
  return undefined;
}

const acting = new Set(["immediate", "counter", "objref", "limit", "log", "reject", "masq", "nat", "redir", "exthdr"]);

/** Takes a rule apart, or gives nothing when a step means something else than conditions and then statements. */
export function takeApart(steps: readonly Expression[]): Parts | undefined {
  const registers = new Map<number, Loaded>();
  const conditions: Condition[] = [];
  const statements: Statement[] = [];
  for (const step of steps) {
    const loaded = loads(step);
    if (loaded) {
      const { dreg, ...what } = loaded;
      if (whole(dreg) > 4) return undefined; // part of a register: only concatenations use it
      registers.set(whole(dreg), what);
      continue;
    }
    if (changes(step, registers)) continue;
    const condition = compares(step, registers);
    if (condition) {
      if (statements.length > 0) return undefined;
      conditions.push(condition);
      continue;
    }
    if (!acting.has(step.kind)) return undefined;
    statements.push({ step, registers: new Map(registers) });
  }
  return { conditions, statements };
}

/** What stands in a register. */
export const held = (statement: Statement, register: number | undefined): Loaded | undefined =>
  register === undefined ? undefined : statement.registers.get(whole(register));
