/** All sorts of entries, in the order in which they are put back on a link that is made again. */
import { addressLabels } from "./address-labels.ts";
import { addresses } from "./addresses.ts";
import { classes } from "./classes.ts";
import { fdb } from "./fdb.ts";
import { filters } from "./filters.ts";
import { fou } from "./fou.ts";
import { mdb } from "./mdb.ts";
import { neighbors } from "./neighbors.ts";
import { nexthops } from "./nexthops.ts";
import { queues } from "./queues.ts";
import { routes } from "./routes.ts";
import { rules } from "./rules.ts";
import type { EntryKind, Sort } from "./sort.ts";
import { vlanGlobals } from "./vlan-globals.ts";
import { vlans } from "./vlans.ts";
import { vnis } from "./vnis.ts";

export const SORTS: readonly Sort[] = [
  ...[vnis, vlans, vlanGlobals, addresses, nexthops, routes, fdb, mdb, neighbors, rules],
  ...[queues, classes, filters],
  ...[addressLabels, fou],
];

/** The sort of an object; undefined for links and settings. */
export function sortOf(object: string): Sort | undefined {
  return SORTS.find((sort) => sort.object === (object as EntryKind));
}
