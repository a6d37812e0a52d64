/** Takes away what a document describes. */
import type { Desired, DesiredEntry } from "./desired.ts";
import { LIST_NAMES, type ListName } from "./entries/sort.ts";
import type { Observed } from "./observed.ts";
import { linkOf } from "./observed.ts";
import { plan } from "./plan.ts";
import { bringerOf } from "./planner.ts";
import type { Plan } from "./step.ts";

/** The entries of a list for what they describe to go, but for those that go with a link. */
function goneOf(entries: readonly DesiredEntry[], names: ReadonlySet<string>): readonly DesiredEntry[] {
  return entries
    .filter(({ words }) => !names.has(String(words["dev"])))
    .map((entry) => ({ ...entry, absent: true, ours: true }));
}

/** A host without what a document describes. */
export function absentOf(desired: Desired): Desired {
  const made = desired.links.filter(({ kind }) => kind !== undefined);
  const names = new Set(made.map(({ name }) => name));
  // With a link goes what is on it.
  const lists = LIST_NAMES.map((list) => [list, goneOf(desired[list], names)] as const);
  return {
    source: desired.source,
    links: made.map(({ name, kind, path }) => ({
      name,
      ...(kind !== undefined && { kind }),
      absent: true,
      options: {},
      path,
    })),
    ...(Object.fromEntries(lists) as Record<ListName, readonly DesiredEntry[]>),
    sysctls: [],
    ...(desired.table !== undefined && { table: null }),
    ruleLinks: [],
    ignored: desired.ignored,
  };
}

/**
 * Plans the removal of what a document describes and of nothing else: links of the same kind, addresses, routes,
 * entries, our nftables table. Sysctls stay as they are, as nobody knows what they were.
 *
 * @throws {ConfigError} where a link of that name is of another kind.
 */
export function planRemoval(observed: Observed, desired: Desired): Plan {
  const removal = plan(observed, absentOf(desired));
  const kept = desired.sysctls.map(({ key }) => key);
  const stay = desired.links.filter(
    ({ name, kind }) =>
      kind === undefined && bringerOf(desired, name) === undefined && linkOf(observed, name) !== undefined,
  );
  return {
    ...removal,
    kept: [],
    warnings: [
      ...removal.warnings,
      ...(kept.length === 0 ? [] : [`sysctls stay as they are: ${kept.join(", ")}`]),
      ...stay.map(({ name }) => `link ${name} was not made by this document and stays, with its options as they are`),
    ],
  };
}
