/** Steps for what links' devices are told of offloads, rings, queues, interrupts and pause frames. */
import type { DesiredLink } from "./desired.ts";
import { linkOf, type Observed } from "./observed.ts";
import { move, type Planner } from "./planner.ts";
import { DIFFERS, type Difference, type Move, type Request, type Words } from "./step.ts";
import { expandFeature } from "./words.ts";

/** A feature as the device has it, by the kernel's name. */
export interface ObservedFeature {
  readonly active: boolean;
  readonly wanted: boolean;
  readonly changeable: boolean;
}
/** Settings that are named one by one. */
export const DEVICE_GROUPS = ["rings", "channels", "coalesce", "pause"] as const;
export type DeviceGroup = (typeof DEVICE_GROUPS)[number];
/** What a device tells; groups are absent where it has none. */
export type ObservedEthtool = Readonly<Partial<Record<DeviceGroup, Words>>> & {
  readonly features: Readonly<Record<string, ObservedFeature>>;
};
type Group = "features" | DeviceGroup;
/** Groups for which many devices stop for a moment. */
const CUTTING = /^(rings|channels|pause)\./;

const request = (verb: "update" | "restore", name: string, group: Group, change: Words): Request => ({
  object: "ethtool",
  verb,
  words: { name, group, change },
});
const wantedOf = (features: ObservedEthtool["features"]): Words =>
  Object.fromEntries(Object.entries(features).flatMap(([key, one]) => (one.changeable ? [[key, one.wanted]] : [])));
/** What can be set of what is told. */
const settableOf = (told: Words): Words =>
  Object.fromEntries(Object.entries(told).filter(([key]) => !/Max$/.test(key)));

/** What it takes to have the settings of a link back that was made again, as far as they were read. */
export function ethtoolAgain({ ethtool }: Observed, name: string): Request[] {
  const seen = ethtool?.[name];
  if (seen === undefined) return [];
  const counted = DEVICE_GROUPS.flatMap((group) => {
    const told = seen[group];
    return told === undefined ? [] : [request("restore", name, group, settableOf(told))];
  });
  return [request("restore", name, "features", wantedOf(seen.features)), ...counted];
}

/** The document's words, on and off as truth values. */
export function canonicalEthtool({ features, ...rest }: Words): Words {
  if (features === undefined) return rest;
  const all = Object.entries(features as Words).map(([word, value]) => [word, value === true || value === "on"]);
  return { ...rest, features: Object.fromEntries(all) };
}

/** Plans one link: `known` is its device before the plan, `fresh` whether it is made in it. */
class Plan {
  readonly #planner: Planner;
  readonly #link: DesiredLink;
  readonly #known: ObservedEthtool | undefined;
  readonly #fresh: boolean;
  readonly #differences: Difference[] = [];
  readonly #moves: Move[] = [];

  constructor(planner: Planner, link: DesiredLink, fresh: boolean) {
    this.#planner = planner;
    this.#link = link;
    this.#known = planner.before.ethtool?.[link.name];
    this.#fresh = fresh;
  }

  #say(group: Group, field: string, message: string): void {
    this.#planner.say([...this.#link.path, "ethtool", group, field], message, "key");
  }

  #change(group: Group, change: Words, back: Words): void {
    if (Object.keys(change).length === 0) return;
    const { name } = this.#link;
    const undo = this.#fresh ? [] : [request("restore", name, group, back)];
    this.#moves.push(move(request("update", name, group, change), ...undo));
  }

  #features(wanted: Words): void {
    const change: Record<string, unknown> = {};
    const back: Record<string, unknown> = {};
    for (const [word, to] of Object.entries(wanted)) {
      const names = this.#differing(word, to);
      if (names === undefined || names.length === 0) continue;
      this.#differences.push({ field: `features.${word}`, from: this.#fresh ? undefined : !to, to });
      for (const name of names) {
        change[name] = to;
        back[name] = this.#known?.features[name]?.wanted;
      }
    }
    this.#change("features", change, back);
  }

  /** The kernel's names that have to change for a word; undefined where something is wrong with it. */
  #differing(word: string, to: unknown): readonly string[] | undefined {
    if (this.#known === undefined) return [word];
    const { features } = this.#known;
    const names = expandFeature(word, Object.keys(features));
    const { name } = this.#link;
    if (names.length === 0)
      return this.#say("features", word, `${name} has no feature ${word}; see ethtool -k ${name}`) as undefined;
    const changeable = names.filter((one) => features[one]?.changeable);
    const is = (one: string): boolean => features[one]?.active === to && features[one]?.wanted === to;
    if (changeable.length > 0) return this.#fresh ? changeable : changeable.filter((one) => !is(one));
    if (names.every((one) => features[one]?.active === to)) return [];
    const fixed = to === true ? "off" : "on";
    return this.#say("features", word, `${name} holds ${word} ${fixed}; leave it out`) as undefined;
  }

  #counted(group: DeviceGroup, wanted: Words): void {
    const told = this.#known?.[group];
    const change: Record<string, unknown> = {};
    const back: Record<string, unknown> = {};
    for (const [field, to] of Object.entries(wanted)) {
      if (to === undefined || !this.#fits(group, field, to)) continue;
      const from = this.#fresh ? undefined : told?.[field];
      if (from === to) continue;
      this.#differences.push({ field: `${group}.${field}`, from, to });
      change[field] = to;
      back[field] = from;
    }
    this.#change(group, change, back);
  }

  #fits(group: DeviceGroup, field: string, to: unknown): boolean {
    if (this.#known === undefined) return true;
    const told = this.#known[group];
    const { name } = this.#link;
    const most = told?.[`${field}Max`];
    if (told?.[field] === undefined) this.#say(group, field, `${name} has no ${group} ${field}; leave it out`);
    else if (typeof most === "number" && typeof to === "number" && to > most)
      this.#say(group, field, `${to} is more than ${name} has: at most ${most}`);
    else return true;
    return false;
  }

  /** The driver of a veth switches its carrier on with its channels. */
  #tellCarrier(): void {
    const { name } = this.#link;
    const { name: other = "" } = (this.#planner.seen(name)?.["peer"] ?? {}) as { readonly name?: string };
    const seen = this.#planner.seen(other);
    const wanted = this.#planner.desired.links.find((link) => link.name === other)?.options["up"];
    if (this.#differences.every(({ field }) => !field.startsWith("channels.")) || (wanted ?? seen?.["up"]) !== false)
      return;
    this.#planner.warn(
      `${name} tells of a carrier once it has other channels, although ${other} is off; switching ${other} on and off ends that`,
    );
  }

  run(wanted: Words): void {
    const planner = this.#planner;
    const { name, path } = this.#link;
    this.#features((wanted["features"] ?? {}) as Words);
    for (const group of DEVICE_GROUPS) this.#counted(group, (wanted[group] ?? {}) as Words);
    const fields = Object.entries(wanted).flatMap(([group, all]) =>
      Object.keys(all as Words).map((f) => `${group}.${f}`),
    );
    const differences = this.#differences;
    planner.keepRest("ethtool", name, fields, differences);
    if (this.#moves.length === 0) return;
    this.#tellCarrier();
    const cuts = !this.#fresh && differences.some(({ field }) => CUTTING.test(field));
    planner.add({
      action: this.#fresh ? "create" : "change",
      object: "ethtool",
      subject: name,
      path: [...path, "ethtool"],
      reason: this.#fresh ? "not there" : DIFFERS,
      differences,
      drops: cuts ? [`traffic through ${name} for a moment, with many devices`] : [],
      needs: planner.linkIds(name),
      moves: this.#moves,
    });
  }
}

/** All steps for devices; `world` is what will be there once links are made again. */
export function planEthtool(planner: Planner, world: Observed): void {
  for (const link of planner.desired.links) {
    if (link.absent || link.ethtool === undefined) continue;
    new Plan(planner, link, linkOf(world, link.name) === undefined).run(link.ethtool);
  }
}
