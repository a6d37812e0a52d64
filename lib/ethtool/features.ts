/** Features (offloads) of a device: what they are, and what came of changing them. */
import { boolean, check, checkObject } from "../shape/shape.ts";
import type { AttrsOut } from "../wire/attr.ts";
import { namesIn } from "./bits.ts";
import { EthtoolError } from "./error.ts";
import { expandFeature, FEATURE_GROUPS, type LongFeature, type ShortFeature } from "./names.ts";
import type { ethtoolFeatures } from "./schema.ts";

/** One feature, by the kernel's name. */
export interface Feature {
  /** Whether it is on. */
  readonly active: boolean;
  /** Whether it was asked for; the kernel turns off what cannot be (TSO without scatter-gather). */
  readonly wanted: boolean;
  /** Whether it can change on this device; ethtool says `[fixed]` where not. */
  readonly changeable: boolean;
}

/** All features of a device. */
export interface Features {
  /** By the kernel's names: `tx-udp_tnl-segmentation`. */
  readonly features: ReadonlyMap<string, Feature>;
  /** By ethtool's short words: on if any of the group is. */
  readonly groups: Readonly<Partial<Record<ShortFeature, boolean>>>;
}

/** What to change: ethtool's short or long words, or the kernel's names. */
export type FeatureChanges = { readonly [word in ShortFeature | LongFeature]?: boolean } & {
  readonly [name: string]: boolean | undefined;
};

/** One feature that changed, or did not. */
export interface FeatureChange {
  /** The kernel's name. */
  readonly name: string;
  readonly before: boolean;
  readonly after: boolean;
}

/** What was wanted and what the kernel did. */
export interface FeatureReport {
  /** Asked for, and done. */
  readonly changed: readonly FeatureChange[];
  /** Asked for, and not done; `fixed` never changes on this device. */
  readonly refused: readonly (FeatureChange & { readonly reason: "fixed" | "not done" })[];
  /** Not asked for, and changed all the same, as they depend on another feature. */
  readonly also: readonly FeatureChange[];
}

/** Features with the words of ethtool for groups of them. */
export function withGroups(features: ReadonlyMap<string, Feature>): Features {
  const groups: Partial<Record<ShortFeature, boolean>> = {};
  for (const { short } of FEATURE_GROUPS) {
    const members = expandFeature(short, features.keys());
    if (members.length > 0) groups[short] = members.some((name) => features.get(name)?.active);
  }
  return { features, groups };
}

/** Turns a reply into features. */
export function decodeFeatures(reply: AttrsOut<(typeof ethtoolFeatures)["fields"]>): Features {
  const names = new Set<string>();
  const hw = namesIn(reply.hw, names);
  const wanted = namesIn(reply.wanted, names);
  const active = namesIn(reply.active, names);
  const nochange = namesIn(reply.nochange, names);
  const features = new Map<string, Feature>();
  for (const name of [...names].sort())
    features.set(name, {
      active: active.has(name),
      wanted: wanted.has(name),
      changeable: hw.has(name) && !nochange.has(name),
    });
  return withGroups(features);
}

/** The bits to send: those of a plan that can change and differ. */
export function bitsOf(plan: ReadonlyMap<string, boolean>, { features }: Features): { name: string; value: boolean }[] {
  return [...plan]
    .filter(([name, value]) => {
      const now = features.get(name);
      return now?.changeable && (now.wanted !== value || now.active !== value);
    })
    .map(([name, value]) => ({ name, value }));
}

/** What can be said before it is known what the device has. @throws {InputError} */
export function checkFeatures(changes: FeatureChanges): void {
  checkObject([], changes, "changes");
  check([], Object.fromEntries(Object.keys(changes).map((word) => [word, boolean])), changes);
}

/** The kernel's names to change, for words; a word for a group leaves those of its features out that are fixed. */
export function planFeatures(device: string, now: Features, changes: FeatureChanges): Map<string, boolean> {
  const plan = new Map<string, boolean>();
  for (const [word, value] of Object.entries(changes)) {
    if (value === undefined) continue;
    const names = expandFeature(word, now.features.keys());
    if (names.length === 0) throw new EthtoolError(device, word);
    const changeable = names.filter((name) => now.features.get(name)?.changeable);
    for (const name of changeable.length > 0 ? changeable : names) plan.set(name, value);
  }
  return plan;
}

/** What came of changes. */
export function compareFeatures(before: Features, after: Features, plan: ReadonlyMap<string, boolean>): FeatureReport {
  const changed: FeatureChange[] = [];
  const refused: FeatureReport["refused"][number][] = [];
  const also: FeatureChange[] = [];
  for (const [name, was] of before.features) {
    const change = { name, before: was.active, after: after.features.get(name)?.active ?? false };
    const wanted = plan.get(name);
    if (wanted !== undefined && change.after !== wanted)
      refused.push({ ...change, reason: was.changeable ? "not done" : "fixed" });
    else if (change.before !== change.after) (wanted === undefined ? also : changed).push(change);
  }
  return { changed, refused, also };
}
