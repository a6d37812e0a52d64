/** All sorts of entries, in the order in which they are put back on a link that is made again. */
import { addresses } from "./addresses.ts";
import { fdb } from "./fdb.ts";
import { neighbors } from "./neighbors.ts";
import { routes } from "./routes.ts";
import type { EntryKind, Sort } from "./sort.ts";

export const SORTS: readonly Sort[] = [addresses, routes, fdb, neighbors];

/** The sort of an object; undefined for links and settings. */
export function sortOf(object: string): Sort | undefined {
  return SORTS.find((sort) => sort.object === (object as EntryKind));
}
