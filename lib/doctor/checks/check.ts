/** What every check is given, and gives. */

import type { Link } from "../../links/index.ts";
import type { Asked } from "../ask.ts";
import type { Counters } from "../counters.ts";
import type { Finding } from "../finding.ts";
import { bridgeOf, type Tunnel, type View } from "../view.ts";

/** A host as it was read, what was asked, and the counters that moved meanwhile. */
export interface Case {
  readonly view: View;
  readonly asked: Asked;
  readonly moved: Counters;
}

/** Looks for some causes. Pure. */
export type Check = (given: Case) => readonly Finding[];

/** Packets from which on it means something that all of them were lost; and how many of several alike are told of. */
export const FEW = 3;

/** Tunnels that are in a bridge, with it. */
export const bridges = ({ view }: Case): [Tunnel, Link][] =>
  view.tunnels.flatMap((tunnel) => {
    const bridge = bridgeOf(view, tunnel.link);
    return bridge === undefined ? [] : [[tunnel, bridge]];
  });
