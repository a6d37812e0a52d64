/** What differs between a link that is there and what a document wants of it. */
import type { AnyKind } from "../links/kind.ts";
import type { Demand } from "../links/option.ts";
import { commonOptions } from "../links/words.ts";
import type { DesiredLink } from "./desired.ts";
import { linkOf, type Observed, type ObservedLink } from "./observed.ts";
import { type Difference, pick, sameValue, type Words } from "./step.ts";
import { kindNamed, linkShapes, portShapes, settablePortOptions } from "./words.ts";

/** The comparison of one link. */
export interface Comparison {
  /** What can be changed while the link lives. */
  readonly changes: readonly Difference[];
  /** What takes a new link. */
  readonly fixed: readonly Difference[];
  /** Properties that this kernel does not tell, so that nothing is known of them. */
  readonly unknown: readonly string[];
  readonly fields: readonly string[];
}

/** A name can be absent (null), which the kernel tells by saying nothing. */
const NONE = [null, undefined];

type Option = AnyKind["options"][string];

function optionOf(kind: AnyKind | undefined, field: string): Option | undefined {
  if (Object.hasOwn(commonOptions, field))
    return commonOptions[field as keyof typeof commonOptions] as unknown as Option;
  return kind !== undefined && Object.hasOwn(kind.options, field) ? kind.options[field] : undefined;
}

function same(option: Option | undefined, from: unknown, to: unknown): boolean {
  if (NONE.includes(to as null) && NONE.includes(from as null)) return true;
  // A flag that is not set is not told.
  if (from === undefined) return to === false || (option?.none !== undefined && option.equal(option.none, to));
  return sameValue(from, to) || option?.equal(from, to) === true;
}

/** Whether the kernel says nothing of an option, set or not; an option of every link is told once it is set. */
function isSilent(option: Option, field: string, to: unknown): boolean {
  if (option.untold) return true;
  if (option.none !== undefined) return false;
  const single = option.keys.length === 1 && !option.refers && !Object.hasOwn(commonOptions, field);
  return single && typeof to !== "boolean";
}

/** Whether the ends of a tunnel would be of another family than they are. */
function changesFamily(link: DesiredLink, seen: ObservedLink): boolean {
  const wide = (words: Words): boolean | undefined => {
    const end = words["remote"] ?? words["local"];
    return typeof end === "string" ? end.includes(":") : undefined;
  };
  const [from, to] = [wide(seen), wide(link.options)];
  return from !== undefined && to !== undefined && from !== to;
}

/** What a link has to be while one of its options changes. */
export function demandsOf(seen: ObservedLink, field: string): readonly Demand[] {
  return optionOf(kindNamed(seen.kind), field)?.demands ?? [];
}

/** Compares what the document names, and nothing else. `ports` tells whether the link has some. */
export function compareLink(link: DesiredLink, seen: ObservedLink, wanted: Words, ports = false): Comparison {
  const kind = kindNamed(seen.kind);
  const changes: Difference[] = [];
  const fixed: Difference[] = [];
  const unknown: string[] = [];
  const family = changesFamily(link, seen);
  for (const [field, to] of Object.entries(wanted)) {
    const from = seen[field];
    const option = optionOf(kind, field);
    if (same(option, from, to)) continue;
    const moves = family && (field === "remote" || field === "local");
    const difference = { field, from, to };
    if (option !== undefined && from === undefined && isSilent(option, field, to)) unknown.push(field);
    else if (moves || (ports && option?.demands.includes("empty") === true)) fixed.push(difference);
    else if (option !== undefined && !option.inPlace(from, to)) fixed.push(difference);
    else changes.push(difference);
  }
  // What it is told as a port of another master goes when it leaves that.
  const joins = typeof wanted["master"] === "string" && wanted["master"] !== seen["master"];
  const port = (joins ? {} : (seen["port"] ?? {})) as Words;
  for (const [key, to] of Object.entries(link.port ?? {}))
    if (joins || !same(settablePortOptions[key], port[key], to))
      changes.push({ field: `port.${key}`, from: port[key], to });
  const fields = [...Object.keys(wanted), ...Object.keys(link.port ?? {}).map((key) => `port.${key}`)];
  return { changes, fixed, unknown, fields };
}

/** Options that every link can be given. */
const COMMON = Object.keys(linkShapes).filter((key) => !["kind", "name"].includes(key));

/** Options as a port, without those that the bridge itself keeps, such as the state of the spanning tree. */
function portOf({ port, master }: ObservedLink, above: Words = {}): Words | undefined {
  if (typeof port !== "object" || port === null || master === undefined) return undefined;
  const told = Object.entries(port).filter(
    ([key, value]) =>
      key !== "state" && portShapes[key]?.accepts(value) && settablePortOptions[key]?.unfit(above) === undefined,
  );
  return Object.fromEntries(told);
}

/** Options that name a port of the link: they can be set once it has it. Which port is in use comes by itself. */
export function portChoice(seen: ObservedLink): Words {
  const kind = kindNamed(seen.kind);
  const named = Object.entries(kind?.options ?? {}).filter(
    ([key, one]) => one.refers === "port" && typeof seen[key] === "string" && one.unfit(seen) === undefined,
  );
  const own = named.map(([key]) => pick(seen, [key])).filter((one) => kind?.complete?.(one) === undefined);
  return Object.assign({}, ...own) as Words;
}

/** What it takes to have a port back at its master, with its options; `above` is the master as it is then. */
export function rejoining(port: ObservedLink, above: Words | undefined): Words {
  const options = portOf(port, above) ?? {};
  return { master: port["master"], ...(Object.keys(options).length > 0 && { port: options }) };
}

/** What it takes to make a link again as it was: its settable options, as far as they are values that we accept. */
export function settable(seen: ObservedLink, observed?: Observed): Words {
  const kind = kindNamed(seen.kind);
  // A port comes to the link later; what its mode does not take the kernel tells, and refuses.
  const leftOut = kind?.leftOut?.(seen) ?? [];
  const own = Object.entries(kind?.options ?? {}).filter(
    ([key, one]) =>
      !one.readOnly &&
      one.refers !== "port" &&
      !leftOut.includes(key) &&
      one.unfit(seen) === undefined &&
      one.shape.accepts(seen[key]),
  );
  const port = portOf(seen, observed && linkOf(observed, String(seen["master"])));
  const common = pick(
    seen,
    COMMON.filter((key) => linkShapes[key]?.accepts(seen[key])),
  );
  return {
    kind: seen.kind,
    name: seen.name,
    ...common,
    ...pick(
      seen,
      own.map(([key]) => key),
    ),
    ...(port !== undefined && { port }),
  };
}
