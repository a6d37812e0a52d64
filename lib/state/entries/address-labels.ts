/** Labels of IPv6 addresses as entries of a document. */
import type { DesiredEntry } from "../desired.ts";
import { move, type Planner } from "../planner.ts";
import { pick, type Words } from "../step.ts";
import { addressLabelShapes, canonicalAddressLabel, checkAddressLabel, ORIGINAL_LABELS } from "../words.ts";
import { equal, isOn, request, type Sort, unless } from "./sort.ts";

const again = (words: Words): Words => pick(words, Object.keys(addressLabelShapes));
const named = (words: Words): Words => pick(words, ["prefix", "dev"]);
const subject = ({ prefix, dev }: Words): string => `${String(prefix)}${dev === undefined ? "" : ` on ${String(dev)}`}`;

/** A document that goes does not take along what every host has from its start. */
function isKept(planner: Planner, { words, absent, ours }: DesiredEntry, seen: Words | undefined): boolean {
  const { prefix, dev } = words;
  const original = dev === undefined ? ORIGINAL_LABELS.get(String(prefix)) : undefined;
  if (!absent || ours !== true || seen === undefined || original === undefined) return false;
  if (seen["label"] !== original)
    planner.warn(
      `addressLabel ${subject(words)} stays as it is, as every host has one; at its start that was ${original}`,
    );
  return true;
}

export const addressLabels: Sort = {
  object: "addressLabel",
  list: "addressLabels",
  writing: {
    shapes: addressLabelShapes,
    needed: ["prefix"],
    place: "top",
    one: "a label such as { prefix: '2001:db8::/32', label: 99 }",
    many: "labels of addresses",
  },
  canonical(words, absent) {
    checkAddressLabel(words as never, absent ? "delete" : "create");
    return canonicalAddressLabel(words as never) as unknown as Words;
  },
  bucket: subject,
  same: (wanted, seen) => equal(wanted, seen, "prefix", "dev"),
  subject,
  uncompared: ["prefix", "dev"],
  implied: () => [],
  create: (words) => request("addressLabel", "create", words),
  // Of several networks of one length Linux replaces the first only; any other it then has twice.
  change: (wanted, seen) => [
    move(request("addressLabel", "delete", named(wanted)), request("addressLabel", "restore", again(seen))),
    move(request("addressLabel", "create", wanted), request("addressLabel", "delete", named(wanted))),
  ],
  again,
  named,
  restore: (words) => request("addressLabel", "restore", words),
  isGiven: () => false,
  remains: (words, gone) => unless(isOn(gone, words["dev"]), words),
  devices: ({ dev }) => [["dev", dev]],
  check: (planner, entry, seen) => !isKept(planner, entry, seen),
  outlastsLink: true,
};
