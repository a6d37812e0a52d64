/** What is wrong in the bridge, in the order in which it is told. */
import { filtered, netfilter } from "./bridge-filter.ts";
import { guests, masked } from "./guests.ts";
import { downs, ports, unbridged } from "./ports.ts";
import { clones, contested, duplicates, twins } from "./twice.ts";

/** Causes in the bridge. */
export const bridgeChecks = [
  unbridged,
  downs,
  ports,
  twins,
  clones,
  duplicates,
  contested,
  filtered,
  netfilter,
  guests,
  masked,
];
