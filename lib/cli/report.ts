/** Plans and verifications on the terminal, and as JSON. */
import {
  countForeign,
  describePlan,
  describeStep,
  describeVerification,
  explainForeign,
  explainKept,
  explainMtus,
  explainStep,
  type Foreign,
  type Painter,
  type Plan,
  type Source,
  type Verification,
} from "../state/index.ts";
import { table } from "./table.ts";
import type { Palette, Terminal } from "./terminal.ts";
import { wrapped } from "./text-width.ts";

/** Colors of the signs in front of a step. */
export function painter({ good, bad, notable, faint }: Palette): Painter {
  const paints = { create: good, change: notable, recreate: bad, remove: bad, warning: notable, dim: faint };
  return (style, text) => paints[style](text);
}

/** Long lines, broken at the terminal's edge with the rest set in. */
export function fitted(line: string, width: number, indent = "    "): string[] {
  if (!Number.isFinite(width)) return [line];
  const lead = /^ */.exec(line)?.[0] ?? "";
  const [first = "", ...rest] = wrapped(line.slice(lead.length), width - lead.length - indent.length);
  return [lead + first, ...rest.map((one) => lead + indent + one)];
}

/** The steps of a plan, what to watch out for, and with `explain`, the document, the reasons and the sums. */
export function printPlan(plan: Plan, terminal: Terminal, explain?: Source): void {
  const { palette, width } = terminal;
  const paint = painter(palette);
  const lines = describePlan(explain === undefined ? plan : { ...plan, steps: [] }, paint);
  if (explain !== undefined && plan.steps.length > 0) {
    lines.shift(); // "nothing to do"
    lines.unshift(
      ...plan.steps.flatMap((step) => [
        ...describeStep(step, paint),
        ...explainStep(step, plan, explain).map((line) => palette.faint(line)),
      ]),
    );
  }
  if (explain !== undefined) lines.push(...explainKept(plan).map((line) => palette.faint(line)));
  for (const line of lines) for (const part of fitted(line, width)) terminal.line(part);
  if (explain === undefined) return;
  const rows = explainMtus(plan).map((line) => line.split("  "));
  if (rows.length === 0) return;
  terminal.line();
  terminal.line(palette.strong("MTU"));
  const sums = rows.filter((row) => row.length > 1);
  for (const line of table(sums, Number.isFinite(width) ? width : 1000)) terminal.line(line);
  for (const [remark = "", more] of rows) if (more === undefined) terminal.line(remark);
}

/** What the plan leaves alone: how much of it, and with `explain` each object and what takes it over. */
export function printForeign(foreign: readonly Foreign[], terminal: Terminal, explain: boolean): void {
  const { palette, width } = terminal;
  const count = countForeign(foreign);
  if (count === undefined) return;
  if (!explain) {
    for (const part of fitted(`${count}; --explain names them`, width)) terminal.line(palette.faint(part));
    return;
  }
  terminal.line();
  terminal.line(palette.strong("Foreign, left alone"));
  const room = Number.isFinite(width) ? width : 1000;
  for (const text of wrapped(TAKE_OVER, room)) terminal.line(palette.faint(text));
  const rows = explainForeign(foreign);
  if (table(rows, 1000).every((line) => line.length <= room)) {
    for (const line of table(rows, room)) terminal.line(line);
    return;
  }
  for (const [sort, object, way] of rows) {
    for (const line of fitted(`${sort} ${object}`, room)) terminal.line(line);
    if (way !== "") for (const line of fitted(`    ${way}`, room)) terminal.line(palette.faint(line));
  }
}
const TAKE_OVER =
  "To take an object over, write what stands with it into the document; with state: absent in its entry (of a port: master: null) it is removed.";

/** That an application is not over yet. */
export function printPending(pending: string | undefined, { palette, width, line }: Terminal): void {
  if (pending !== undefined) for (const part of fitted(`! ${pending}`, width)) line(palette.notable(part));
}

/** What was found to differ. */
export function printVerification(found: Verification, terminal: Terminal): void {
  for (const line of describeVerification(found, painter(terminal.palette)))
    for (const part of fitted(line, terminal.width)) terminal.line(part);
}

/** One JSON value; counters are larger than a JavaScript number may be, and become text. */
export function printJson(value: unknown, terminal: Terminal): void {
  terminal.line(JSON.stringify(value, (_, one: unknown) => (typeof one === "bigint" ? String(one) : one), 2));
}

/** "1 step", "2 steps". */
export function counted(count: number, word: string): string {
  return `${count} ${count === 1 ? word : word.endsWith("y") ? `${word.slice(0, -1)}ies` : `${word}s`}`;
}
