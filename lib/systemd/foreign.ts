/** What keeps networkd from taking away what it did not make. */
import type { ListName } from "../state/entries/sort.ts";
import type { ObjectKind } from "../state/step.ts";
import type { Places } from "./places.ts";
import { printSections } from "./section.ts";
import type { Unsayable } from "./unsaid.ts";

/** A key of networkd.conf. Source: networkd.conf(5) */
export interface ForeignKey {
  readonly object: ObjectKind;
  readonly list: ListName;
  readonly key: string;
  readonly since: number;
  /** The version from which on it counts also when networkd configures a link anew, and not at its start only. */
  readonly always: number;
  /** What networkd takes away without it. */
  readonly what: string;
}

/** One for each sort of entry that networkd takes away when it configures a link, and can be kept from. */
export const FOREIGN: readonly ForeignKey[] = [
  {
    object: "rule",
    list: "rules",
    key: "ManageForeignRoutingPolicyRules",
    since: 249,
    always: 249,
    what: "policy rules, whichever link it configures anew",
  },
  {
    object: "route",
    list: "routes",
    key: "ManageForeignRoutes",
    since: 246,
    always: 257,
    what: "routes on links that it manages",
  },
  {
    object: "nexthop",
    list: "nexthops",
    key: "ManageForeignNextHops",
    since: 256,
    always: 256,
    what: "nexthops on links that it manages",
  },
];
/** Since then networkd reads its own configuration when it is reloaded. */
const RELOADED = 257;
const PUT_BACK = "systemctl reload linkwright-apply puts them back";

/** What is to be known of a key, and of what goes without it; with what puts that back where something does. */
export function keyNote({ what, key, since, always }: ForeignKey, version: number, file: string, cure = ""): string {
  if (since > version)
    return `networkd of ${version} takes away ${what}, and has ${key}= since ${since} only${cure && `; ${cure}`}`;
  const restart = version < RELOADED ? ", once it was started again: systemctl restart systemd-networkd" : "";
  const gap = version < always ? `; not so when it configures a link anew${cure && `: ${cure}`}` : "";
  return `${file} keeps networkd from taking away ${what}${restart}${gap}`;
}

/** The drop-in for entries that `apply` makes beside networkd; undefined where there are none, or this version has no key. */
export function foreignText(unsaid: Unsayable, { networkdDropIn }: Places): string | undefined {
  const concerned = FOREIGN.filter(({ list }) => unsaid.applied.has(list));
  const known = concerned.filter(({ since }) => since <= unsaid.version);
  for (const one of concerned) unsaid.note([one.list], keyNote(one, unsaid.version, networkdDropIn, PUT_BACK));
  if (known.length === 0) return undefined;
  return printSections([{ name: "Network", entries: known.map(({ key }) => [key, "no"]) }]);
}
