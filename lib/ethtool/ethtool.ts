/** Features (offloads) of network devices. Same as: ethtool -k and ethtool -K */
import { type Family, type FamilyLookup, genericBody, genericMessage, lookUpFamily } from "../families/generic.ts";
import { retold } from "../families/lookup.ts";
import type { AttrsOut } from "../wire/attr.ts";
import type { Message } from "../wire/message.ts";
import { expandFeature, FEATURE_GROUPS, type LongFeature, type ShortFeature } from "./names.ts";
import {
  type bitset,
  ETHTOOL_FLAG_OMIT_REPLY,
  ETHTOOL_GENL_NAME,
  ETHTOOL_GENL_VERSION,
  ETHTOOL_MSG_FEATURES_GET,
  ETHTOOL_MSG_FEATURES_SET,
  ethtoolFeatures,
} from "./schema.ts";

/** The caller's words for attributes that a refusal points at. */
const WORDS = { header: "name", "header.devName": "name", wanted: "features" } as const;

/** The part of a connection over NETLINK_GENERIC that is needed here. */
export interface EthtoolConnection extends FamilyLookup {
  request<I>(message: Message<I, unknown>, value: I): Promise<unknown>;
}

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

/** A word that names no feature of the device. */
export class EthtoolError extends Error {
  override readonly name = "EthtoolError";
  readonly code = "ERR_FEATURE_UNKNOWN";
  readonly feature: string;

  constructor(device: string, feature: string) {
    super(`cannot set features of ${device}: it has no feature ${JSON.stringify(feature)} (ERR_FEATURE_UNKNOWN)`);
    this.feature = feature;
  }
}

/** Names of bits that are on; every bit that a full set lists is put into `known` too. */
function namesIn(set: AttrsOut<(typeof bitset)["fields"]> | undefined, known?: Set<string>): Set<string> {
  const on = new Set<string>();
  for (const { name, value } of set?.bits?.bit ?? []) {
    if (name === undefined) continue;
    known?.add(name);
    if (set?.nomask || value) on.add(name);
  }
  return on;
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
  const groups: Partial<Record<ShortFeature, boolean>> = {};
  for (const { short } of FEATURE_GROUPS) {
    const members = expandFeature(short, names);
    if (members.length > 0) groups[short] = members.some((name) => active.has(name));
  }
  return { features, groups };
}

/** The kernel's names to change, for words; a word for a group leaves those of its features out that are fixed. */
export function planFeatures(device: string, now: Features, changes: FeatureChanges): Map<string, boolean> {
  const plan = new Map<string, boolean>();
  for (const [word, value] of Object.entries(changes)) {
    if (value === undefined) continue;
    if (typeof value !== "boolean")
      throw new TypeError(`cannot set features of ${device}: expected true or false for ${word}, got ${String(value)}`);
    const names = expandFeature(word, now.features.keys());
    if (names.length === 0) throw new EthtoolError(device, word);
    const changeable = names.filter((name) => now.features.get(name)?.changeable);
    for (const name of changeable.length > 0 ? changeable : names) plan.set(name, value);
  }
  return plan;
}

function compare(before: Features, after: Features, plan: ReadonlyMap<string, boolean>): FeatureReport {
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

/** Features of the devices of one namespace, over a connection that was opened with NETLINK_GENERIC. */
export class Ethtool {
  readonly #connection: EthtoolConnection;
  #family: Promise<Family> | undefined;

  /** The connection stays the caller's to close. */
  constructor(connection: EthtoolConnection) {
    this.#connection = connection;
  }

  /** Same as: ethtool -k NAME */
  async features(name: string): Promise<Features> {
    const message = await this.#message("ETHTOOL_MSG_FEATURES_GET");
    const header = { cmd: ETHTOOL_MSG_FEATURES_GET, version: ETHTOOL_GENL_VERSION };
    try {
      const reply = await this.#connection.get(message, { header, attrs: { header: { devName: name } } }, message);
      return decodeFeatures(reply.attrs);
    } catch (error) {
      throw retold(error, { what: `cannot read features of ${JSON.stringify(name)}`, properties: WORDS });
    }
  }

  /**
   * Changes features in one request and tells what came of it. Where nothing differs nothing is sent.
   * Same as: ethtool -K NAME tso off gso off
   *
   * @throws {EthtoolError} for a word that names no feature of the device; nothing was changed then.
   */
  async set(name: string, changes: FeatureChanges): Promise<FeatureReport> {
    const before = await this.features(name);
    const plan = planFeatures(name, before, changes);
    const bits = [...plan]
      .filter(([feature, value]) => {
        const now = before.features.get(feature);
        return now?.changeable && (now.wanted !== value || now.active !== value);
      })
      .map(([feature, value]) => ({ name: feature, value }));
    if (bits.length === 0) return compare(before, before, plan);
    const message = await this.#message("ETHTOOL_MSG_FEATURES_SET");
    try {
      await this.#connection.request(message, {
        header: { cmd: ETHTOOL_MSG_FEATURES_SET, version: ETHTOOL_GENL_VERSION },
        attrs: { header: { devName: name, flags: ETHTOOL_FLAG_OMIT_REPLY }, wanted: { bits: { bit: bits } } },
      });
    } catch (error) {
      throw retold(error, { what: `cannot set features of ${JSON.stringify(name)}`, properties: WORDS });
    }
    return compare(before, await this.features(name), plan);
  }

  async #message(name: string) {
    this.#family ??= lookUpFamily(this.#connection, ETHTOOL_GENL_NAME);
    this.#family.catch(() => {
      this.#family = undefined; // asked again the next time
    });
    return genericMessage(name, (await this.#family).id, genericBody(ethtoolFeatures));
  }
}
