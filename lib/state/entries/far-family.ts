/** The family of a VXLAN's ends: all of them have the same. */
import type { Path } from "../error.ts";
import type { Planner } from "../planner.ts";
import { willBe } from "./link-state.ts";

/** The end by which the kernel takes the family of a VXLAN; undefined where it has none, and is of IPv4. Null for other links. */
function endOf(planner: Planner, dev: string): string | undefined | null {
  const { kind, options } = willBe(planner, dev);
  if (kind !== "vxlan") return null;
  const { remotes = [] } = planner.desired.links.find(({ name, absent }) => name === dev && !absent) ?? {};
  const ends = [options["remote"], options["local"], options["group"], ...remotes];
  return ends.find((one) => typeof one === "string") as string | undefined;
}

/** What was found for each link: entries are many. */
const known = new WeakMap<Planner, Map<string, string | undefined | null>>();

/** Says that a far end is of another family than the VXLAN that is to send there. */
export function fitsTunnel(planner: Planner, dev: string, far: unknown, path: Path, property: string): boolean {
  if (typeof far !== "string") return true;
  const ends = known.get(planner) ?? new Map<string, string | undefined | null>();
  known.set(planner, ends);
  if (!ends.has(dev)) ends.set(dev, endOf(planner, dev));
  const own = ends.get(dev);
  if (own === null || far.includes(":") === (own?.includes(":") === true)) return true;
  const other = own === undefined ? `${dev}, which names no end of its own and so is of IPv4,` : own;
  planner.say([...path, property], `${far} and ${other} are of different families; a VXLAN has one`);
  return false;
}
