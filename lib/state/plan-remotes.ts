/** Where a VXLAN floods to: the far ends that the document names against the all-zero entries on the host. */
import type { DesiredLink } from "./desired.ts";
import { grouped, remembered } from "./grouped.ts";
import type { Observed, ObservedLink } from "./observed.ts";
import { move, type Planner } from "./planner.ts";
import type { Request, Words } from "./step.ts";
import { vnisAt } from "./vnis-at.ts";
import { ZERO_MAC } from "./words.ts";

const itself = (words: Words): Words => words;

/** The entry that the kernel keeps for the link's own `remote`: with the output link, where the VXLAN names one. */
export function isOwnRemote({ mac, dst, via }: Words, seen: Words | undefined): boolean {
  return mac === ZERO_MAC && dst === seen?.["remote"] && via === seen?.["dev"];
}

/** The entry that the kernel keeps for the far end of a VNI. */
export function isOfVni({ dev, mac, srcVni, dst }: Words, { vnis = [] }: Observed): boolean {
  if (mac !== ZERO_MAC) return false;
  return vnisAt(vnis, itself, { dev, srcVni }).some((one) => dst === (one["group"] ?? one["remote"]));
}

/** Whether the document lists this VNI of a link: then the far ends there are its to decide. */
function listsVni({ desired, before }: Planner, entry: Words): boolean {
  const listed = vnisAt(desired.vnis, (one) => (one.absent ? {} : one.words), entry);
  return listed.length > 0 && !isOfVni(entry, before);
}

/**
 * Whether a document that names far ends decides about this entry; others, as those of a control plane, or of a VNI that
 * the document does not list, are not ours.
 */
export function isFarEnd(planner: Planner, entry: Words, seen: Words | undefined): boolean {
  const { mac, dst, externLearn, port, vni, srcVni, via } = entry;
  if (mac !== ZERO_MAC || typeof dst !== "string" || externLearn === true) return false;
  if (srcVni !== undefined && !listsVni(planner, entry)) return false;
  // The entry of the link's own remote keeps a former output link when the VXLAN gets another `dev`.
  return (port ?? vni) === undefined && (via === undefined || dst === seen?.["remote"]);
}

/** The whole list of far ends; undefined where the document leaves it alone. Other tunnels keep theirs in the link. */
export function farEndsOf({ kind, remotes, options: { remote } }: DesiredLink): readonly string[] | undefined {
  return remotes ?? (kind === "vxlan" && typeof remote === "string" ? [remote] : undefined);
}

function* floodsIn<T>(list: readonly T[], wordsOf: (one: T) => Words): Generator<readonly [unknown, Words]> {
  for (const one of list) {
    const entry = wordsOf(one);
    if (entry["mac"] === ZERO_MAC) yield [entry["dev"], entry];
  }
}
const floodsByLink = remembered((list: readonly object[], wordsOf: (one: never) => Words) =>
  grouped(floodsIn(list as readonly never[], wordsOf)),
);
/** The all-zero entries of a link. Lists are long, and asked for once for each of many links. */
function floodsOf<T extends object>(list: readonly T[], dev: string, wordsOf: (one: T) => Words): readonly Words[] {
  return floodsByLink(list, wordsOf).get(dev) ?? [];
}
/** A far end as one text; of a VXLAN with several VNIs each has its own. */
const endOf = ({ dst, srcVni }: Words): unknown => (srcVni === undefined ? dst : `${String(dst)} ${String(srcVni)}`);
const farOf = (entries: readonly Words[]): ReadonlySet<unknown> => new Set(entries.map(endOf));

interface Comparison {
  readonly kept: readonly Words[];
  readonly missing: readonly Words[];
  readonly surplus: readonly Words[];
}

const words = (dev: string, { dst, via, srcVni }: Words): Words => ({
  ...{ mac: ZERO_MAC, dev, dst },
  ...(via !== undefined && { via }),
  ...(srcVni !== undefined && { srcVni }),
});

/** What is there once the link itself was changed, against what shall be. */
function compare(link: DesiredLink, seen: ObservedLink | undefined, there: readonly Words[]): Comparison {
  const { name, remotes, options } = link;
  const via = options["dev"] ?? seen?.["dev"];
  const own = words(name, { dst: options["remote"], via });
  // With another `remote` the kernel exchanges the entry of its own; with another `dev` it leaves it as it is.
  const exchanged = remotes === undefined && options["remote"] !== seen?.["remote"];
  const next = { remote: options["remote"], dev: seen === undefined ? via : seen["dev"] };
  const left = exchanged ? there.filter((one) => !isOwnRemote(one, seen) && !isOwnRemote(one, next)) : there;
  const made = words(name, { dst: next.remote, via: next.dev });
  const standing = exchanged ? [made, ...left] : left;
  const usable = standing.filter((one) => one["via"] === undefined || one["via"] === via);
  // What leaves by the link's own device comes before what does not say by which.
  const byDst = new Map(
    [...usable].sort((a, b) => Number(a["via"] === via) - Number(b["via"] === via)).map((one) => [one["dst"], one]),
  );
  const keep = (dst: string): Words | undefined => byDst.get(dst);
  const wanted = farEndsOf(link) ?? [];
  const kept = wanted.map(keep).filter((one) => one !== undefined);
  const missing = wanted.filter((dst) => keep(dst) === undefined);
  const stay = new Set(kept);
  return {
    kept: kept.filter((one) => one !== made),
    missing: missing.map((dst) => (remotes === undefined ? own : words(name, { dst }))),
    surplus: standing.filter((one) => !stay.has(one)),
  };
}

const append = (entry: Words): Request => ({ object: "fdb", verb: "append", words: entry });
const cut = (entry: Words): Request => ({ object: "fdb", verb: "delete", words: entry });
const subjectOf = ({ dst, dev, via, srcVni }: Words): string =>
  `${ZERO_MAC} dst ${String(dst)}${wordOf("via", via)}${wordOf("srcVni", srcVni)} on ${String(dev)}`;
const wordOf = (word: string, value: unknown): string => (value === undefined ? "" : ` ${word} ${String(value)}`);

function reasonOf({ remotes, options }: DesiredLink, { dst, srcVni }: Words): string {
  if (srcVni !== undefined) return `not among the far ends of VNI ${String(srcVni)}`;
  if ((remotes ?? [options["remote"]]).includes(String(dst))) return "there twice: what is flooded would be sent twice";
  return remotes === undefined ? `not the remote ${String(options["remote"])}` : "not in the list of remotes";
}

/** What is lost with an entry: nothing where another one floods there too. */
function dropsOf(link: DesiredLink, { dst, srcVni }: Words): readonly string[] {
  if (srcVni !== undefined) return [`flooding of VNI ${String(srcVni)} to ${String(dst)}`];
  return farEndsOf(link)?.includes(String(dst)) === true ? [] : [`flooding to ${String(dst)}`];
}

/**
 * The far ends of a link that is there, as `seen`, or that is made: what is missing is added first, so that traffic to
 * those that stay goes on. Entries that the document's `fdb` names are planned there.
 */
export function planFarEnds(
  planner: Planner,
  link: DesiredLink,
  seen: ObservedLink | undefined,
  fdb: readonly Words[],
): void {
  const { name, remotes } = link;
  if (farEndsOf(link) === undefined) return;
  const listed = farOf(floodsOf(planner.desired.fdb, name, ({ words: one }) => one));
  const named = (one: Words): boolean => listed.has(endOf(one));
  const flooding = floodsOf(fdb, name, itself);
  const there = flooding.filter((one) => isFarEnd(planner, one, seen) && !named(one));
  // One entry of a control plane marks all those of the same MAC.
  const marked = farOf(flooding.filter((one) => one["externLearn"] === true));
  const learned = (one: Words): boolean => marked.has(endOf(one));
  // What goes with a link that is made again.
  const gone = farOf(floodsOf(planner.before.fdb ?? [], name, itself));
  const had = (one: Words): boolean => gone.has(endOf(one));
  const { kept, missing, surplus } = compare(link, seen, there);
  const path = [...link.path, remotes === undefined ? "remote" : "remotes"];
  // The one of `remote` is that property of the link.
  for (const one of remotes === undefined ? [] : kept) planner.keep("fdb", subjectOf(words(name, one)), ["dst"]);
  for (const entry of missing.filter((one) => !named(one) && !learned(one))) {
    planner.add({
      action: "create",
      object: "fdb",
      subject: subjectOf(entry),
      path,
      reason: "not there",
      differences: [
        { field: "dst", from: seen === undefined && had(entry) ? entry["dst"] : undefined, to: entry["dst"] },
      ],
      needs: planner.linkIds(name),
      moves: [move(append(entry), cut(entry))],
    });
  }
  for (const one of surplus) {
    const entry = words(name, one);
    planner.add({
      action: "remove",
      object: "fdb",
      subject: subjectOf(entry),
      path,
      reason: reasonOf(link, one),
      differences: [{ field: "dst", from: one["dst"], to: undefined }],
      drops: dropsOf(link, one),
      needs: [...planner.linkIds(name), ...missing.map((far) => `fdb ${subjectOf(far)}`)],
      moves: [move(cut(entry), append(entry))],
    });
  }
}
