/** Plans and verifications for people to read. */
import { insideParts, sumOf, total } from "../mtu/encapsulation.ts";
import { VXLAN_PORT } from "./consistency.ts";
import { valueAt } from "./document.ts";
import { escaped, formatPath } from "./error.ts";
import type { Foreign } from "./foreign.ts";
import type { Source } from "./source.ts";
import { type Action, type Difference, type Explained, type Plan, type Step, sameValue, type Words } from "./step.ts";
import type { Counts, Finding, Verification } from "./verify.ts";
import { FOU_NAME } from "./words.ts";

/** Colors text; the default leaves it as it is. */
export type Painter = (style: "create" | "change" | "recreate" | "remove" | "warning" | "dim", text: string) => string;
const plain: Painter = (_, text) => text;

const SIGNS: Readonly<Record<Action, string>> = { create: "+", change: "~", recreate: "±", remove: "-" };

/** A value in one word, harmless in a terminal. */
function value(of: unknown): string {
  if (of === undefined || of === null) return "none";
  return escaped(typeof of === "object" ? JSON.stringify(of) : String(of));
}

/** Words that the subject of the step says already, or that say nothing. */
const SAID = ["kind", "address", "dst", "dev", "via", "mac", "family", "protocol", "type", "table"];
const SAID_OF: Readonly<Partial<Record<Step["object"], readonly string[]>>> = {
  route: [...SAID, "nhid"],
  addressLabel: ["prefix", "dev"],
  rule: ["priority", "family", "protocol", "action"],
  nexthop: ["id", "family", "protocol"],
  neighbor: [...SAID, "proxy"],
  vlan: ["vid", "vidEnd", "dev"],
  vlanGlobal: ["vid", "vidEnd", "dev"],
  vni: ["vni", "vniEnd", "dev"],
  queue: ["dev", "parent", "kind"],
  class: ["dev", "classid", "kind"],
  filter: ["dev", "parent", "pref", "chain", "handle", "kind"],
  fou: FOU_NAME,
  mdb: ["dev", "port", "group", "source", "vid", "dst", "protocol"],
};

function created({ object, differences, moves }: Step): string {
  const kind = moves.at(0)?.request.words["kind"];
  const shown = differences.filter(({ field }) => object === "link" || !(SAID_OF[object] ?? SAID).includes(field));
  const text = shown.map(({ field, to, why }) => {
    const word = to === true ? field : `${field} ${value(to)}`;
    return `${escaped(word)}${why === undefined ? "" : ` (${escaped(why)})`}`;
  });
  return [...(typeof kind === "string" ? [kind] : []), ...text].join(" ");
}

function changed({ field, from, to, why }: Difference): string {
  const sum = why === undefined ? "" : ` (${escaped(why)})`;
  const way = sameValue(from, to) ? value(to) : `${value(from)} → ${value(to)}`;
  return `${field === "value" ? "" : `${escaped(field)} `}${way}${sum}`;
}

/** What differs in a table: a line for each rule, two where it is another one. */
function tableLines({ field, from, to }: Difference, paint: Painter): string[] {
  const what = field === "rule" || field === "chain" ? "" : `${escaped(field)} `;
  if (from === undefined) return [paint("create", `    + ${what}${value(to)}`)];
  if (to === undefined) return [paint("remove", `    - ${what}${value(from)}`)];
  return [paint("change", `    ~ ${what}${value(from)}`), paint("change", `    → ${what}${value(to)}`)];
}

/** One step: a line, and for a table those of its rules. */
export function describeStep(step: Step, paint: Painter = plain): string[] {
  const { action, object, subject, differences, drops, reason } = step;
  // Of a table that goes as a whole nobody reads the rules.
  const rules = object === "nftables" && action !== "remove" ? differences : [];
  const told = object === "nftables" ? [] : differences;
  const what = action === "create" ? created({ ...step, differences: told }) : told.map(changed).join(", ");
  const said = action !== "recreate" && (rules.length > 0 ? rules : told).some(({ from, to }) => !sameValue(from, to));
  const why = !said ? `  ${escaped(reason)}` : "";
  const costs = drops.length === 0 ? "" : `  drops: ${escaped(drops.join(", "))}`;
  const head = paint(action, `${SIGNS[action]} ${object} ${escaped(subject)}`);
  const line = `${head}${what === "" ? "" : `  ${what}`}${paint("dim", why)}${costs === "" ? "" : paint("warning", costs)}`;
  return [line, ...rules.flatMap((one) => tableLines(one, paint))];
}

const FATES: Readonly<Record<Action, string>> = {
  create: "create",
  change: "change in place",
  recreate: "recreate",
  remove: "remove",
};

/** What the document leaves out and a new link has all the same, with the reason. */
function derived({ object, action, subject, moves }: Step, source: Source | undefined): string[] {
  const made = action === "create" || action === "recreate";
  const entry = valueAt(source?.value, ["links", subject]) as Words | undefined;
  if (object !== "link" || !made || entry?.["kind"] === undefined) return [];
  const port = moves.map(({ request }) => request.words["dstport"]).find((one) => one !== undefined) ?? VXLAN_PORT;
  return [
    ...(entry["up"] === undefined ? ["up, as a link that the document makes is there to be used"] : []),
    ...(entry["kind"] === "vxlan" && entry["dstport"] === undefined
      ? [`dstport ${String(port)}, the registered one; the kernel's own default would be 8472`]
      : []),
  ];
}

/** The place of a step in the document: `links.vxlan0, line 6`. */
function placeOf({ path }: Step, source: Source | undefined): string {
  if (source === undefined || path.length === 0) return "";
  const { line } = source.locateKey(path);
  return ` (${formatPath(source.origin(path))}, line ${line})`;
}

/**
 * What becomes of each field of a step's object: created, changed in place, made again, removed, kept; what is derived,
 * why the step is there, where the document says so, and which steps have to come before it.
 */
export function explainStep(step: Step, plan: Plan, source?: Source): string[] {
  const { action, object, subject, differences, drops, reason, needs } = step;
  const list = (fields: readonly string[]): string =>
    fields.length === 0 ? "" : `: ${fields.map(escaped).join(", ")}`;
  const costs = action === "recreate" && drops.length > 0 ? ` (drops: ${escaped(drops.join(", "))})` : "";
  const fields = object === "nftables" ? [] : [...new Set(differences.map(({ field }) => field))];
  const kept = plan.kept.filter((one) => one.object === object && one.subject === subject);
  const rest = [...new Set(kept.flatMap((one) => one.fields))];
  const before = plan.steps.filter(({ id }) => id !== step.id && needs.includes(id)).map(({ id }) => id);
  return [
    `    ${FATES[action]}${costs}${list(fields)}`,
    ...(object === "nftables" || rest.length === 0 ? [] : [`    keep${list(rest)}`]),
    ...derived(step, source).map((text) => `    derived: ${text}`),
    `    why: ${escaped(reason)}${placeOf(step, source)}`,
    ...(before.length === 0 ? [] : [`    after: ${escaped(before.join(", "))}`]),
  ];
}

/** Objects that are as the document says, each with the fields that it names. */
export function explainKept(plan: Plan): string[] {
  const touched = new Set(plan.steps.map(({ object, subject }) => `${object} ${subject}`));
  return plan.kept
    .filter(({ object, subject, problem }) => problem === undefined && !touched.has(`${object} ${subject}`))
    .map(({ object, subject, fields }) => {
      const named = object === "nftables" || fields.length === 0 ? "" : `: ${fields.map(escaped).join(", ")}`;
      return `= ${object} ${escaped(subject)}  keep${named}`;
    });
}

/** More of one sort are counted. */
const MOST_FOREIGN = 10;
const many = ({ object }: Foreign, count: number): string =>
  object === "nftables"
    ? `table${count === 1 ? "" : "s"} of nftables`
    : count === 1
      ? object
      : `${object}${object.endsWith("s") ? "es" : "s"}`;

function bySort(all: readonly Foreign[]): readonly (readonly Foreign[])[] {
  const sorts = new Map<string, Foreign[]>();
  for (const one of all) {
    const found = sorts.get(one.object);
    if (found === undefined) sorts.set(one.object, [one]);
    else found.push(one);
  }
  return [...sorts.values()];
}

/** `foreign, left alone: 2 addresses, 1 route`; undefined where there is nothing. */
export function countForeign(all: readonly Foreign[]): string | undefined {
  const counts = bySort(all).map((some) => `${some.length} ${some[0] === undefined ? "" : many(some[0], some.length)}`);
  return counts.length === 0 ? undefined : `foreign, left alone: ${counts.join(", ")}`;
}

/** What is left alone: the sort, the object with its owner, and how it is taken over, or else removed. */
export function explainForeign(all: readonly Foreign[]): (readonly [sort: string, object: string, way: string])[] {
  return bySort(all).flatMap((some) => {
    const rows = some.slice(0, MOST_FOREIGN).map(({ object, subject, owner, takeOver, remove }) => {
      const of = owner === undefined ? "" : `, kept by ${owner}`;
      const way = takeOver ?? (remove === undefined ? "" : `to remove it: ${remove}`);
      return [object, escaped(subject + of), escaped(way)] as const;
    });
    const rest = some.length - rows.length;
    return rest === 0 ? rows : [...rows, ["", `and ${rest} more, which --json names`, ""] as const];
  });
}

/** A plan as lines. */
export function describePlan(plan: Plan, paint: Painter = plain): string[] {
  const lines = plan.steps.flatMap((step) => describeStep(step, paint));
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
    for (const overlay of inside) {
      const parts = insideParts(overlay);
      lines.push(
        parts === undefined
          ? `overlay in the guests: ${escaped(overlay)} takes its own header off ${sum.value}`
          : line(`${overlay} in them`, { value: sum.value - total(parts), why: sumOf(sum.value, parts) }),
      );
    }
  }
  return lines;
}

/** How a finding reads: `mtu: wanted 1450, found 1400`, `rule missing: …`. */
function found({ field, wanted, found: has, state }: Finding): string {
  const name = escaped(field);
  if (state === "missing") return `${name} missing: ${value(wanted)}`;
  if (state === "foreign") return `${name} not in the document: ${value(has)}`;
  return `${name}: wanted ${value(wanted)}, found ${value(has)}`;
}

/** The findings of one object; a line where the whole object is missing or too much. */
function describeObject(all: readonly Finding[], whole: boolean, paint: Painter): string[] {
  const [first] = all;
  if (first === undefined) return [];
  const subject = `${first.object} ${escaped(first.subject)}`;
  if (whole && all.every(({ state }) => state === "missing")) return [paint("remove", `✗ ${subject}  missing`)];
  if (whole && all.every(({ state }) => state === "foreign")) return [paint("remove", `✗ ${subject}  not to be there`)];
  return all.map((one) =>
    one.outcome === "unsupported"
      ? paint("dim", `? ${subject}  ${found(one)} (not supported by this kernel)`)
      : paint("change", `✗ ${subject}  ${found(one)}`),
  );
}

function share(same: number, all: number): string {
  if (all === 0) return "the document names no properties";
  if (all === 1 && same === 1) return "the one property as the document says";
  const of = same === all ? "all" : `${same} of`;
  return `${of} ${all} ${all === 1 ? "property" : "properties"} as the document says`;
}

/** `18 of 25 properties as the document says; 1 differs, 6 missing; 2 not in the document`. */
function sum({ same, differ, missing, foreign, untold }: Counts): string {
  const all = same + differ + missing + untold;
  const most = [
    ...(differ > 0 ? [`${differ} ${differ === 1 ? "differs" : "differ"}`] : []),
    ...(missing > 0 ? [`${missing} missing`] : []),
    ...(untold > 0 ? [`${untold} not verified`] : []),
    ...(foreign > 0 ? [`besides ${foreign} that ${foreign === 1 ? "is" : "are"} not in it`] : []),
  ];
  const said = share(same, all);
  return most.length === 0 ? said : `${said}; ${most.join(", ")}`;
}

/** A verification as lines. */
export function describeVerification(verification: Verification, paint: Painter = plain): string[] {
  const { differences, plan, counts, warnings } = verification;
  const objects = new Map<string, Finding[]>();
  for (const one of differences) {
    const key = `${one.object} ${one.subject}`;
    objects.set(key, [...(objects.get(key) ?? []), one]);
  }
  const partly = new Set(plan.kept.map(({ object, subject }) => `${object} ${subject}`));
  const lines = [...objects].flatMap(([key, all]) => describeObject(all, !partly.has(key), paint));
  return [...lines, ...warnings.map((one) => paint("warning", `! ${escaped(one)}`)), sum(counts)];
}
