/** Who made an entry of a host. */

import type { Observed } from "../observed.ts";
import type { Words } from "../step.ts";
import { ORIGINAL_LABELS, ZERO_MAC } from "../words.ts";
import type { ListName, Sort } from "./sort.ts";

/** Nobody: the kernel makes it again by itself, or it is gone in a moment. */
export const KERNEL = "kernel";
/** Somebody who wrote it, or we. */
export const PEOPLE = "people";
/** What lasts for as long as somebody else said. */
export const LEASED = "DHCP, or a router";
export const ROUTER = "a router";

const MARKS_OF_PEOPLE: readonly unknown[] = ["boot", "static", "linkwright", "unspec", undefined];

/** Whether this kernel tells who made an address: since Linux 5.18. */
const tellsMakers = ({ addresses = [] }: Observed): boolean => addresses.some(({ protocol }) => protocol !== undefined);

const marked = ({ protocol }: Words): string => (MARKS_OF_PEOPLE.includes(protocol) ? PEOPLE : String(protocol));

function ofAddress(words: Words, observed: Observed): string {
  const { dev, address, protocol, dynamic, temporary } = words;
  const text = String(address);
  if (temporary === true || dynamic === true) return LEASED;
  if (String(protocol).startsWith("kernel_")) return KERNEL;
  if (dev === "lo" && (text === "127.0.0.1/8" || text === "::1/128")) return KERNEL;
  return /^fe80:/i.test(text) && !tellsMakers(observed) ? KERNEL : PEOPLE;
}

function ofRoute(words: Words): string {
  const { protocol, expires, cached } = words;
  if (cached === true || protocol === "redirect") return KERNEL;
  return protocol === "ra" || expires !== undefined ? ROUTER : marked(words);
}

/** Every kernel has three rules from the beginning. */
function ofRule(words: Words): string {
  const { protocol, priority, table, action } = words;
  const original =
    [0, 32_766, 32_767].includes(Number(priority)) &&
    action === "table" &&
    ["local", "main", "default"].includes(String(table));
  return protocol === "kernel" || original ? KERNEL : marked(words);
}

/** Somebody's own entry on a bridge or a VXLAN, and not the address of a link that is there. */
function ofFdb(words: Words, observed: Observed): string {
  // Written for no VLAN, a bridge adds it for each VLAN that the port has.
  const twin = ({ dev, mac, master, vlan }: Words): boolean =>
    vlan === undefined && dev === words["dev"] && mac === words["mac"] && master === words["master"];
  const copied = words["vlan"] !== undefined && words["master"] !== undefined && (observed.fdb ?? []).some(twin);
  const own = observed.links.some((link) => link["mac"] === words["mac"] && words["mac"] !== ZERO_MAC);
  return copied || own ? KERNEL : PEOPLE;
}

/** That every host has from its start, and what is left of a link that is no more. */
function ofAddressLabel({ prefix, label, dev }: Words, { links }: Observed): string {
  if (dev !== undefined) return links.some(({ name }) => name === dev) ? PEOPLE : KERNEL;
  return ORIGINAL_LABELS.get(String(prefix)) === label ? KERNEL : PEOPLE;
}
const ofFou = ({ dev }: Words, { links }: Observed): string =>
  dev === undefined || links.some(({ name }) => name === dev) ? PEOPLE : KERNEL;

const MAKERS: Readonly<Partial<Record<ListName, (words: Words, observed: Observed) => string>>> = {
  addresses: ofAddress,
  routes: ofRoute,
  rules: ofRule,
  fdb: ofFdb,
  nexthops: marked,
  addressLabels: ofAddressLabel,
  fou: ofFou,
};
/** Sorts whose own judgment asks what comes back with a link, and not what somebody wrote. */
const OWN_JUDGMENT: readonly ListName[] = ["addresses", "rules", "addressLabels", "fou"];

/** {@link KERNEL}, {@link PEOPLE}, {@link LEASED}, {@link ROUTER}, or the name of a daemon's protocol. */
export function makerOf(sort: Sort, words: Words, observed: Observed): string {
  if (!OWN_JUDGMENT.includes(sort.list) && !sort.isGiven(words, observed)) return KERNEL;
  return MAKERS[sort.list]?.(words, observed) ?? PEOPLE;
}
