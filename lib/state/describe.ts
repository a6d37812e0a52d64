/** Plans and verifications for people to read. */
import { escaped } from "./error.ts";
import type { Action, Difference, Explained, Plan, Step } from "./step.ts";
import type { Verification } from "./verify.ts";

/** Colors text; the default leaves it as it is. */
export type Painter = (style: "create" | "change" | "recreate" | "remove" | "warning" | "dim", text: string) => string;
const plain: Painter = (_, text) => text;

const SIGNS: Readonly<Record<Action, string>> = { create: "+", change: "~", recreate: "±", remove: "-" };

/** A value in one word, harmless in a terminal. */
function value(of: unknown): string {
  if (of === undefined || of === null) return "none";
  return escaped(typeof of === "object" ? JSON.stringify(of) : String(of));
}

/** Words that the subject of the step says already. */
const SAID = ["kind", "address", "dst", "dev", "via", "mac", "family", "protocol", "type", "table"];

function created({ object, differences, moves }: Step): string {
  const kind = moves.at(0)?.request.words["kind"];
  const shown = differences.filter(({ field }) => object === "link" || !SAID.includes(field));
  const text = shown.map(({ field, to, why }) => {
    const word = to === true ? field : `${field} ${value(to)}`;
    return field === "rule" ? value(to) : `${escaped(word)}${why === undefined ? "" : ` (${escaped(why)})`}`;
  });
  return [...(typeof kind === "string" ? [kind] : []), ...text].join(object === "nftables" ? "; " : " ");
}

function changed({ field, from, to, why }: Difference): string {
  if (field === "rule") return from === undefined ? `+ ${value(to)}` : `- ${value(from)}`;
  const sum = why === undefined ? "" : ` (${escaped(why)})`;
  return `${field === "value" ? "" : `${escaped(field)} `}${value(from)} → ${value(to)}${sum}`;
}

/** One step in one line. */
export function describeStep(step: Step, paint: Painter = plain): string {
  const { action, object, subject, differences, drops, reason } = step;
  const what = action === "create" ? created(step) : differences.map(changed).join(", ");
  const said = differences.length > 0 && action !== "recreate" && differences.some(({ from, to }) => from !== to);
  const why = !said ? `  ${escaped(reason)}` : "";
  const costs = drops.length === 0 ? "" : `  drops: ${escaped(drops.join(", "))}`;
  const head = paint(action, `${SIGNS[action]} ${object} ${escaped(subject)}`);
  return `${head}${what === "" ? "" : `  ${what}`}${paint("dim", why)}${costs === "" ? "" : paint("warning", costs)}`;
}

/** A plan as lines. */
export function describePlan(plan: Plan, paint: Painter = plain): string[] {
  const lines = plan.steps.map((step) => describeStep(step, paint));
  if (lines.length === 0) lines.push("nothing to do: the host is as the document says");
  for (const warning of plan.warnings) lines.push(paint("warning", `! ${escaped(warning)}`));
  return lines;
}

/** The sums behind the MTUs, and what guests have to be told. Same as: linkwright plan --explain */
export function explainMtus(plan: Plan): string[] {
  const line = (name: string, { value: mtu, why }: Explained): string => `${escaped(name)}  ${mtu}  ${escaped(why)}`;
  const lines = Object.entries(plan.mtus).map(([name, one]) => line(name, one));
  if (plan.guests !== undefined) {
    const { on, inside, ...sum } = plan.guests;
    lines.push(line(`guests on ${on}`, sum));
    for (const overlay of inside)
      lines.push(`overlay in the guests: ${escaped(overlay)} takes its own header off ${sum.value}`);
  }
  return lines;
}

/** A verification as lines. */
export function describeVerification(found: Verification, paint: Painter = plain): string[] {
  const lines = found.differences.map(({ object, subject, field, wanted, found: has, outcome }) => {
    const text = `${object} ${escaped(subject)}  ${escaped(field)}: wanted ${value(wanted)}, found ${value(has)}`;
    return outcome === "unsupported"
      ? paint("dim", `? ${text} (not supported by this kernel)`)
      : paint("change", `✗ ${text}`);
  });
  return [...lines, `${found.applied} properties as the document says, ${found.differences.length} not`];
}
