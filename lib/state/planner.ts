/** What all parts of planning share: the two states, the steps so far, and what is wrong. */
import type { Desired, DesiredLink } from "./desired.ts";
import { ConfigError, type Issue, type Path } from "./error.ts";
import { Mtus } from "./mtu.ts";
import { linkOf, type Observed, type ObservedLink } from "./observed.ts";
import { issueAt } from "./source.ts";
import type { Difference, Kept, Move, Request, Step, Words } from "./step.ts";

/** A step as its planner gives it; what is left out is empty. */
export type Draft = Pick<Step, "action" | "object" | "subject" | "path" | "reason"> &
  Partial<Pick<Step, "id" | "differences" | "drops" | "needs" | "restores">> & { readonly moves: readonly Move[] };

/** What is left out of a step. */
const NONE: readonly never[] = [];

/** The link of a document that brings another one along, as a veth does its other end in the same namespace. */
export function bringerOf({ links }: Pick<Desired, "links">, name: string): DesiredLink | undefined {
  return links.find(({ absent, options }) => {
    const { name: peer, netns } = (options["peer"] ?? {}) as { name?: unknown; netns?: unknown };
    return !absent && peer === name && netns === undefined;
  });
}

/** Collects the steps of one plan. */
export class Planner {
  readonly desired: Desired;
  /** The host as it is. */
  readonly before: Observed;
  /** The host without what the document ignores. */
  mine: Observed;
  mtus: Mtus;
  /** Other ends that go and come back with a link that is made again, each with the name of that link. */
  ends: ReadonlyMap<string, string> = new Map();
  readonly steps: Step[] = [];
  readonly kept: Kept[] = [];
  readonly warnings: string[] = [];
  readonly #issues: Issue[] = [];
  /** How many steps have a name. */
  readonly #named = new Map<string, number>();
  /** Asked for once for each of the many entries of a link. */
  readonly #linkIds = new Map<string, readonly string[]>();
  readonly #willExist = new Map<string, boolean>();
  /** Links that were told to be missing. */
  readonly #told = new Set<string>();

  constructor(desired: Desired, before: Observed) {
    this.desired = desired;
    this.before = before;
    this.mine = before;
    this.mtus = new Mtus(desired, before);
  }

  // Of hundreds of thousands of steps each object counts, and a spread takes longer than all else.
  add(draft: Draft): void {
    const { action, object, subject, path, reason, moves, restores } = draft;
    const { differences = NONE, drops = NONE, needs = NONE } = draft;
    const name = draft.id ?? `${object} ${subject}`;
    const same = (this.#named.get(name) ?? 0) + 1;
    this.#named.set(name, same);
    const id = same === 1 ? name : `${name} #${same}`;
    const step = { id, action, object, subject, path, differences, reason, drops, needs, moves };
    this.steps.push(restores === undefined ? step : { ...step, restores });
  }

  keep(object: Kept["object"], subject: string, fields: readonly string[], untold: readonly string[] = []): void {
    this.kept.push({ object, subject, fields, ...(untold.length > 0 && { untold }) });
  }

  /** The properties besides those that differ. */
  keepRest(
    object: Kept["object"],
    subject: string,
    fields: readonly string[],
    differences: readonly Difference[],
  ): void {
    const rest = fields.filter((field) => differences.every((one) => one.field !== field));
    if (rest.length > 0) this.keep(object, subject, rest);
  }

  say(path: Path, message: string, what: "value" | "key" = "value"): void {
    this.#issues.push(issueAt(this.desired.source, path, message, what));
  }

  /** Says that a link is nowhere: at this path, or once for all where the hosts of the document name it. */
  sayMissing(name: string, path: Path, what: "value" | "key" = "value"): void {
    const { underlay } = this.desired.source;
    const has = `this host, which has ${this.before.links.map((one) => one.name).join(", ")}`;
    if (underlay?.name !== name)
      this.say(path, `there is no link ${name}, neither in this document nor on ${has}`, what);
    else if (!this.#told.has(name)) this.say(underlay.path, `there is no link ${name} on ${has}`);
    this.#told.add(name);
  }

  warn(message: string): void {
    if (!this.warnings.includes(message)) this.warnings.push(message);
  }

  seen(name: string): ObservedLink | undefined {
    return linkOf(this.before, name);
  }

  /** See {@link bringerOf}. */
  bringerOf(name: string): DesiredLink | undefined {
    return bringerOf(this.desired, name);
  }

  /** Whether there will be a link of this name. */
  willExist(name: string): boolean {
    const known = this.#willExist.get(name);
    if (known !== undefined) return known;
    const link = this.desired.links.find((one) => one.name === name);
    const will = link === undefined ? (this.seen(name) ?? this.bringerOf(name)) !== undefined : !link.absent;
    this.#willExist.set(name, will);
    return will;
  }

  /** Ids of the steps that make or change a link, or bring it along: what is on it comes after them. */
  linkIds(...names: readonly unknown[]): readonly string[] {
    let ids: readonly string[] = [];
    for (const name of names)
      if (typeof name === "string") ids = ids.length === 0 ? this.#idsOf(name) : [...ids, ...this.#idsOf(name)];
    return ids;
  }

  #idsOf(name: string): readonly string[] {
    const known = this.#linkIds.get(name);
    if (known !== undefined) return known;
    const bringer = this.bringerOf(name)?.name;
    // One that is there as the other end of another link goes with that.
    const { name: own } = (this.seen(String(bringer))?.["peer"] ?? {}) as Words;
    const stays = this.seen(name) !== undefined && (bringer === undefined || own === name);
    const brought = stays ? [] : [bringer ?? name];
    const ids = [name, ...brought].map((one) => `link ${one}`).concat(this.again(name));
    this.#linkIds.set(name, ids);
    return ids;
  }

  /** The id of the step that makes an other end what it was, where there is one. */
  again(name: string): readonly string[] {
    return this.ends.has(name) ? [`link ${name} again`] : [];
  }

  /** @throws {ConfigError} where something was wrong. */
  finish(): void {
    if (this.#issues.length > 0) throw new ConfigError(this.#issues);
  }
}

/** One call and its undoing. */
export function move(request: Request, ...undo: readonly Request[]): Move {
  return { request, undo };
}
