/** Ports of FOU and GUE as entries of a document. */
import type { DesiredEntry } from "../desired.ts";
import { move, type Planner } from "../planner.ts";
import { pick, type Words } from "../step.ts";
import { canonicalFou, FOU_ABSENCE, FOU_NAME, fouShapes } from "../words.ts";
import { equal, isOn, request, type Sort, unless } from "./sort.ts";

const again = (words: Words): Words => pick(words, Object.keys(fouShapes));
const named = (words: Words): Words => pick(words, FOU_NAME);

function subject({ port, family, local, peer, peerPort, dev }: Words): string {
  return [
    String(port),
    ...(family === "inet6" && local === undefined && peer === undefined ? ["inet6"] : []),
    ...(local === undefined ? [] : [`at ${String(local)}`]),
    ...(peer === undefined ? [] : [`from ${String(peer)} port ${String(peerPort)}`]),
    ...(dev === undefined ? [] : [`on ${String(dev)}`]),
  ].join(" ");
}

/** Any meets each. */
const meets = (one: unknown, other: unknown): boolean => one === undefined || other === undefined || one === other;
/** Whether the kernel lets only one of both be open, whoever they are from. */
const clashes = (one: Words, other: Words): boolean =>
  equal(one, other, "port", "family") && meets(one["local"], other["local"]) && meets(one["dev"], other["dev"]);

/** What is open at the same port and not in the document, and does not go. */
function inTheWay({ before, desired }: Planner, words: Words): Words | undefined {
  const goes = (seen: Words): boolean =>
    desired.fou.some((one) => one.absent && equal(one.words, seen, ...FOU_NAME)) ||
    desired.links.some(({ name, absent }) => absent && name === seen["dev"]);
  return before.fou?.find((seen) => clashes(words, seen) && !goes(seen));
}

function check(planner: Planner, { words, path, absent }: DesiredEntry, seen: Words | undefined): boolean {
  if (absent || seen !== undefined) return true;
  if (planner.before.fou === undefined) {
    planner.say(path, FOU_ABSENCE);
    return false;
  }
  const other = inTheWay(planner, words);
  if (other === undefined || equal(other, words, ...FOU_NAME)) return true;
  planner.say(
    [...path, "port"],
    `fou ${subject(other)} has it already; write that with state: absent, or take another`,
  );
  return false;
}

export const fou: Sort = {
  object: "fou",
  list: "fou",
  writing: {
    shapes: fouShapes,
    needed: ["port"],
    place: "top",
    one: "a port such as { port: 5555, ipproto: 4 }",
    many: "ports of FOU",
  },
  canonical: (words, absent) => canonicalFou(words as never, absent) as unknown as Words,
  bucket: ({ port, family }) => `${String(port)} ${String(family)}`,
  same: (wanted, seen) => equal(wanted, seen, ...FOU_NAME),
  clashes,
  subject,
  uncompared: FOU_NAME,
  implied: () => [],
  create: (words) => request("fou", "create", words),
  // What is in a port that is open cannot be changed.
  change(wanted, seen) {
    const old = again(seen);
    const whole = { ...pick(old, ["remcsumNopartial"]), ...wanted };
    return [
      move(request("fou", "delete", named(old)), request("fou", "restore", old)),
      move(request("fou", "create", whole), request("fou", "delete", named(wanted))),
    ];
  },
  again,
  named,
  restore: (words) => request("fou", "restore", words),
  isGiven: () => false,
  remains: (words, gone) => unless(isOn(gone, words["dev"]), words),
  devices: ({ dev }) => [["dev", dev]],
  check,
  outlastsLink: true,
};
