/** Sets of named bits, as the family `ethtool` tells them. */
import type { AttrsOut } from "../wire/attr.ts";
import type { bitset } from "./schema.ts";

/** Names of bits that are on; every bit that a full set lists is put into `known` too. */
export function namesIn(set: AttrsOut<(typeof bitset)["fields"]> | undefined, known?: Set<string>): Set<string> {
  const on = new Set<string>();
  for (const { name, value } of set?.bits?.bit ?? []) {
    if (!name) continue; // a bit that the kernel keeps free
    known?.add(name);
    if (set?.nomask || value) on.add(name);
  }
  return on;
}
