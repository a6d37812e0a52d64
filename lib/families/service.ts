/** What all services share that change their objects one by one: many at once, requests for later, and flushing. */
import { checkObject, choice, InputError, type Shape } from "../shape/shape.ts";
import type { CallOptions, Command, Connection, NetlinkError } from "../socket/index.ts";
import { type ChangeRules, Changes, type Family, type LinkLookup, retold } from "./lookup.ts";
import { AF_INET, AF_INET6, AF_UNSPEC } from "./route.ts";

export const familyShape: Shape<Family> = choice("inet", "inet6");

/** The number of a family; that of all families where none is named. */
export function familyNumber(family: Family | undefined): number {
  return family === undefined ? AF_UNSPEC : family === "inet" ? AF_INET : AF_INET6;
}

/** Whether each property that a filter names is equal in what was found. Properties in `done` were seen to already. */
export function matches(filter: object, found: object, ...done: readonly string[]): boolean {
  return Object.entries(filter).every(
    ([key, value]) =>
      value === undefined || done.includes(key) || (found as Readonly<Record<string, unknown>>)[key] === value,
  );
}

/** A service that makes and removes objects of one sort, each by a request of its own. */
export abstract class Service<V extends string, C, W> {
  protected readonly connection: Connection;
  protected readonly links: LinkLookup;
  protected readonly changes: Changes<V, C, W>;

  constructor(connection: Connection, links: LinkLookup, rules: ChangeRules<V, C, W>) {
    this.connection = connection;
    this.links = links;
    this.changes = new Changes(connection, links, rules);
  }

  /** Checked requests for one sort of change, to be sent together with others. @throws {InputError} */
  commands(verb: V, configs: readonly C[]): Promise<Command[]> {
    return this.changes.commands(verb, configs);
  }

  /**
   * The same change for many objects in few system calls; no transaction. Resolves to one entry for each: undefined,
   * or why the kernel refused it. Nothing is sent when one of them does not pass the check.
   */
  batch(verb: V, configs: readonly C[], options?: CallOptions): Promise<readonly (NetlinkError | undefined)[]> {
    return this.changes.batch(verb, configs, options);
  }
}

/** @throws {InputError} for a filter that names nothing: everything is never meant by mistake. */
export function checkFlush(filter: object, what: string): void {
  checkObject([], filter, "filter");
  if (Object.values(filter).some((value) => value !== undefined)) return;
  throw new InputError(["filter"], `names nothing; say which ${what} are to go, at least { family: "inet" }`);
}

/** Sends deletions. Objects that went by themselves meanwhile are no failure. Resolves to how many were removed. */
export async function removeAll(
  connection: Connection,
  commands: readonly Command[],
  what: string,
  options?: CallOptions,
): Promise<number> {
  const results = await connection.batch(commands, options);
  const refusal = results.find((error) => error !== undefined && !error.absent);
  if (refusal !== undefined) throw retold(refusal, { what: `cannot flush ${what}`, properties: {} });
  return results.filter((error) => error === undefined).length;
}
