/** What all parts of planning share: the two states, the steps so far, and what is wrong. */
import type { Desired } from "./desired.ts";
import { ConfigError, type Issue, type Path } from "./error.ts";
import { Mtus } from "./mtu.ts";
import { linkOf, type Observed, type ObservedLink } from "./observed.ts";
import { issueAt } from "./source.ts";
import type { Kept, Move, Request, Step } from "./step.ts";

/** A step as its planner gives it; what is left out is empty. */
export type Draft = Pick<Step, "action" | "object" | "subject" | "path" | "reason"> &
  Partial<Pick<Step, "id" | "differences" | "drops" | "needs">> & { readonly moves: readonly Move[] };

/** Collects the steps of one plan. */
export class Planner {
  readonly desired: Desired;
  /** The host as it is. */
  readonly before: Observed;
  mtus: Mtus;
  readonly steps: Step[] = [];
  readonly kept: Kept[] = [];
  readonly warnings: string[] = [];
  readonly #issues: Issue[] = [];

  constructor(desired: Desired, before: Observed) {
    this.desired = desired;
    this.before = before;
    this.mtus = new Mtus(desired, before);
  }

  add(draft: Draft): void {
    const id = draft.id ?? `${draft.object} ${draft.subject}`;
    this.steps.push({ differences: [], drops: [], needs: [], ...draft, id });
  }

  keep(object: Kept["object"], subject: string, fields: readonly string[]): void {
    this.kept.push({ object, subject, fields });
  }

  say(path: Path, message: string, what: "value" | "key" = "value"): void {
    this.#issues.push(issueAt(this.desired.source, path, message, what));
  }

  warn(message: string): void {
    if (!this.warnings.includes(message)) this.warnings.push(message);
  }

  seen(name: string): ObservedLink | undefined {
    return linkOf(this.before, name);
  }

  /** Whether there will be a link of this name. */
  willExist(name: string): boolean {
    const link = this.desired.links.find((one) => one.name === name);
    return link === undefined ? this.seen(name) !== undefined : !link.absent;
  }

  /** Ids of the steps that make or change a link: what is on it comes after them. */
  linkIds(...names: readonly unknown[]): string[] {
    return names.flatMap((name) => (typeof name === "string" ? [`link ${name}`] : []));
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
