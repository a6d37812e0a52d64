/** Policy rules as entries of a document. */
import { InputError } from "../../shape/shape.ts";
import type { DesiredEntry } from "../desired.ts";
import { move, type Planner } from "../planner.ts";
import { type Difference, pick, sameValue, type Words } from "../step.ts";
import { canonicalRule, ruleShapes } from "../words.ts";
import { equal, request, type Sort } from "./sort.ts";

/** What becomes of a packet. */
const EFFECTS = ["action", "table", "goto", "suppressPrefixlength", "suppressIfgroup", "realm", "l3mdev"];
/** Which packets are meant. */
const SELECTORS = Object.keys(ruleShapes).filter(
  (key) => !EFFECTS.includes(key) && !["priority", "family", "protocol"].includes(key),
);
/** The kernel does not tell two rules apart by these. */
const INDISTINCT = ["not", "goto"];

const isExact = (wanted: Words, seen: Words): boolean => equal(wanted, seen, ...SELECTORS);
const again = (words: Words): Words => pick(words, Object.keys(ruleShapes));

function canonical(words: Words, absent: boolean): Words {
  if (!absent && SELECTORS.every((key) => words[key] === undefined) && words["l3mdev"] !== true)
    throw new InputError([], "a rule without a selector is for all packets; write from: default if that is meant");
  return canonicalRule(words as never) as unknown as Words;
}

/** Whether a deletion with these words may hit this rule. */
const isHit = (words: Words, rule: Words): boolean =>
  Object.keys(words).every((key) => sameValue(words[key], rule[key]));

/** The kernel deletes the first rule that has all that is named: that must not be another one. */
function checkDeletion(planner: Planner, { words, path }: DesiredEntry, seen: Words | undefined): boolean {
  const there = planner.before.rules ?? [];
  const hit = there.find((one) => one !== seen && isHit(again(seen ?? words), one));
  if (hit === undefined) return true;
  const text = Object.entries(again(hit)).flatMap(([key, value]) =>
    key === "family" ? [] : `${key} ${String(value)}`,
  );
  planner.say(
    path,
    `the kernel would take the rule ${text.join(" ")} for this one when it deletes it; give this one another priority`,
  );
  return false;
}

export const rules: Sort = {
  object: "rule",
  list: "rules",
  writing: { shapes: ruleShapes, needed: ["priority"], place: "top", one: "a rule", many: "rules" },
  canonical,
  bucket: ({ priority, family }) => `${String(priority)} ${String(family)}`,
  // Of ours there is one of a priority, as its order among several would be that of their making.
  same: (wanted, seen) =>
    equal(wanted, seen, "priority", "family") && (isExact(wanted, seen) || seen["protocol"] === "linkwright"),
  exact: isExact,
  subject: ({ priority, family }) => `${String(priority)}${family === "inet6" ? " inet6" : ""}`,
  uncompared: ["priority", "family", "protocol"],
  implied: (wanted, seen) =>
    [...SELECTORS, ...EFFECTS]
      .filter((key) => wanted[key] === undefined && seen[key] !== undefined)
      .map((field): Difference => ({ field, from: seen[field], to: undefined })),
  create: (words) => request("rule", "create", words),
  change(wanted, seen, differences) {
    const old = again(seen);
    const made = move(request("rule", "create", wanted), request("rule", "delete", wanted));
    const gone = move(request("rule", "delete", old), request("rule", "create", old));
    // The new one first: no packet is without either.
    return differences.every(({ field }) => INDISTINCT.includes(field)) ? [gone, made] : [made, gone];
  },
  again,
  restore: (words) => request("rule", "create", words),
  isGiven: () => false,
  // Rules name links by text, and stay without them.
  remains: (words) => words,
  devices: () => [],
  check(planner, entry, seen) {
    for (const key of ["iif", "oif"])
      if (!entry.absent && typeof entry.words[key] === "string" && !planner.willExist(entry.words[key]))
        planner.warn(
          `there is no interface ${entry.words[key]} yet; the rule that names it matches nothing until there is`,
        );
    if (seen?.["permanent"] === true && entry.absent) {
      planner.say(entry.path, "the kernel keeps this rule and refuses to delete it; leave it out");
      return false;
    }
    return (entry.absent && seen === undefined) || checkDeletion(planner, entry, seen);
  },
  wayOut: "give ours another priority",
};
