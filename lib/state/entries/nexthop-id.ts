/** Numbers of nexthop objects, by which routes, groups and forwarding entries refer to them. */
import type { Path } from "../error.ts";
import type { Planner } from "../planner.ts";

/** Ids of the steps that make or change a nexthop. */
export const nexthopIds = (id: unknown): readonly string[] => (id === undefined ? [] : [`nexthop ${String(id)}`]);

/** Says that a nexthop is nowhere, or goes; `path` leads to the entry that names it. */
export function knowsNexthop(planner: Planner, id: unknown, path: Path, property: Path = ["nhid"]): boolean {
  if (id === undefined) return true;
  const described = planner.desired.nexthops.find(({ words }) => words["id"] === id);
  const there = (planner.before.nexthops ?? []).some((one) => one["id"] === id);
  const at = [...path, ...property];
  if (described?.absent === true) planner.say(at, `nexthop ${String(id)} is absent in this document; name another one`);
  else if (described === undefined && !there)
    planner.say(at, `there is no nexthop ${String(id)}, neither in this document nor on this host`);
  else return true;
  return false;
}
