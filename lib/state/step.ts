/** Plans as data: what is to be done, why, what it costs, and how it is undone. */
import type { Path } from "./error.ts";

/** Properties in the words of a service. */
export type Words = Readonly<Record<string, unknown>>;

/** What a step is about. */
export type ObjectKind =
  | "link"
  | "address"
  | "addressLabel"
  | "route"
  | "rule"
  | "nexthop"
  | "fdb"
  | "neighbor"
  | "vlan"
  | "vlanGlobal"
  | "vni"
  | "mdb"
  | "fou"
  | "wireguard"
  | "ethtool"
  | "qdisc"
  | "queue"
  | "class"
  | "filter"
  | "sysctl"
  | "nftables";

/** One call to a service. Everything that it needs is in it: whoever runs it decides nothing. */
export interface Request {
  readonly object: ObjectKind;
  /** A method of the service: `create`, `update`, `replace`, `append`, `delete`, `set`, `restore`. */
  readonly verb: "create" | "update" | "replace" | "append" | "delete" | "set" | "restore";
  readonly words: Words;
}

/** A call, and the calls that undo it. */
export interface Move {
  readonly request: Request;
  /** In the order in which they are made. Empty where nothing is left of it anyway. */
  readonly undo: readonly Request[];
}

/** One property that differs. `undefined` means that it is not there. */
export interface Difference {
  readonly field: string;
  readonly from: unknown;
  readonly to: unknown;
  /** How the wanted value came about: `1500 − 50: VXLAN over IPv4`. */
  readonly why?: string;
  /** The document does not name it: it is set because the link is new. */
  readonly implied?: true;
}

export type Action = "create" | "change" | "recreate" | "remove";

/** The reason of most changes: the differences tell the rest. */
export const DIFFERS = "differs from the document";

/** One step of a plan. */
export interface Step {
  /** Unique in its plan: `link vxlan0`. */
  readonly id: string;
  readonly action: Action;
  readonly object: ObjectKind;
  /** Name of what it is about: `vxlan0`, `12.12.139.1/24 on br-vm`. */
  readonly subject: string;
  /** The place in the document. */
  readonly path: Path;
  readonly differences: readonly Difference[];
  /** Why, in a few words. */
  readonly reason: string;
  /** What is lost or interrupted. */
  readonly drops: readonly string[];
  /** Ids of steps that have to be done before. */
  readonly needs: readonly string[];
  readonly moves: readonly Move[];
  /** It is there already, goes with a link that is made again, and is put back. */
  readonly restores?: true;
}

/** What is as the document wants it already. */
export interface Kept {
  readonly object: ObjectKind;
  readonly subject: string;
  /** The properties that are; others may differ. */
  readonly fields: readonly string[];
  /** Properties that this kernel does not tell, or that could not be looked at, so that nothing is known of them. */
  readonly untold?: readonly string[];
  /** Why they could not be looked at; absent where the kernel does not tell them. */
  readonly problem?: string;
}

/** A number, and the sum that it comes from. */
export interface Explained {
  readonly value: number;
  readonly why: string;
}

/** What is to be done to a host. */
export interface Plan {
  /** In the order in which they are made. Empty where the host is as it should be. */
  readonly steps: readonly Step[];
  readonly kept: readonly Kept[];
  /** What a person should know; none of it stops the plan. */
  readonly warnings: readonly string[];
  /** The resolved MTU of each link, with its sum. */
  readonly mtus: Readonly<Record<string, Explained>>;
  /** What the guests' MTU has to be. */
  readonly guests?: Explained & { readonly on: string; readonly inside: readonly string[] };
}

/** Whether links are deleted and made again, which takes a permission of its own. */
export function recreates(plan: Plan): readonly Step[] {
  return plan.steps.filter((step) => step.action === "recreate");
}

/** Whether two values are the same in a document's sense: key order does not matter. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const [keysA, keysB] = [Object.keys(a), Object.keys(b)];
  return (
    Array.isArray(a) === Array.isArray(b) &&
    keysA.length === keysB.length &&
    keysA.every((key) => Object.hasOwn(b, key) && sameValue((a as Words)[key], (b as Words)[key]))
  );
}

/** Those properties of `words` that are in `names` and have a value. */
export function pick(words: Words, names: Iterable<string>): Record<string, unknown> {
  const picked: Record<string, unknown> = {};
  for (const name of names) if (Object.hasOwn(words, name) && words[name] !== undefined) picked[name] = words[name];
  return picked;
}
