/** Documents of several hosts put together: what they share is said once, what differs as a map of hosts. */
import { canonicalIp } from "../families/lookup.ts";
import type { DraftValue } from "./draft.ts";
import type { Findings } from "./finding.ts";
import type { Bag } from "./model.ts";

/** One host's share. */
export interface Share {
  readonly name: string;
  readonly value: DraftValue;
}
interface Place {
  readonly underlay?: string;
  readonly vtep?: string;
}

const isMap = (value: unknown): value is Bag => typeof value === "object" && value !== null && !Array.isArray(value);
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
const vxlans = ({ value }: Share): Bag[] => Object.values(value.links ?? {}).filter(({ kind }) => kind === "vxlan");

/** Where a host is in the underlay: by its VXLAN, by what the others call far end, by its address on the device. */
function placeOf(share: Share, others: readonly Share[]): Place {
  const own = vxlans(share);
  const underlay = own.map(({ dev }) => dev).find((dev) => typeof dev === "string");
  const local = own.map((one) => one["local"]).find((one) => typeof one === "string");
  const [other, ...more] = others;
  const named = more.length > 0 || other === undefined ? undefined : vxlans(other).map(({ remote }) => remote)[0];
  const there = share.value.links?.[String(underlay)]?.["addresses"];
  const first = Array.isArray(there) && typeof there[0] === "string" ? there[0].split("/")[0] : undefined;
  const vtep = [local, named, first].find((one) => typeof one === "string");
  return {
    ...(underlay !== undefined && { underlay }),
    ...(vtep !== undefined && { vtep: canonicalIp(vtep) }),
  };
}

/** Replaces what differs between hosts only by the place that they have. */
function abstract(value: unknown, key: string, place: Place, peer: string | undefined): unknown {
  if (typeof value === "string") {
    if (value === place.underlay && ["dev", "in", "out", "via", "on"].includes(key)) return "$underlay";
    if (peer !== undefined && key === "remote" && canonicalIp(value) === peer) return "$peer";
    return key === "local" && place.vtep !== undefined && canonicalIp(value) === place.vtep ? "$vtep" : value;
  }
  if (Array.isArray(value)) return value.map((one) => abstract(one, key, place, peer));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, abstract(one, name, place, peer)]));
}

/** `net.ipv4.conf.{all,eth0}.rp_filter` with the underlay as a variable. */
function sysctlKey(key: string, underlay: string | undefined): string {
  if (underlay === undefined) return key;
  return key.replace(/(?<=[.{,])[^.{},]+(?=[.},])/g, (name) => (name === underlay ? "$underlay" : name));
}

function shareOf({ value }: Share, place: Place, peer: string | undefined): DraftValue {
  const { sysctls, ...rest } = value;
  const found = abstract(rest, "", place, peer) as DraftValue;
  const links = found.links;
  const { underlay } = place;
  const named =
    underlay === undefined || links === undefined || !Object.hasOwn(links, underlay)
      ? links
      : Object.fromEntries(Object.entries(links).map(([name, link]) => [name === underlay ? "$underlay" : name, link]));
  const keys = Object.entries((sysctls ?? {}) as Bag).map(([key, one]) => [sysctlKey(key, underlay), one]);
  return {
    ...found,
    ...(named !== undefined && { links: named }),
    ...(sysctls !== undefined && { sysctls: Object.fromEntries(keys) }),
  };
}

/** Values of all hosts as one: the value itself, or a map of hosts. */
function merged(names: readonly string[], values: readonly unknown[]): unknown {
  const [first] = values;
  if (values.every((value) => same(value, first))) return first;
  return Object.fromEntries(names.flatMap((name, i) => (values[i] === undefined ? [] : [[name, values[i]]])));
}

function mergedMap(names: readonly string[], maps: readonly Bag[]): Bag {
  const keys = [...new Set(maps.flatMap((map) => Object.keys(map)))];
  return Object.fromEntries(
    keys.map((key) => [
      key,
      merged(
        names,
        maps.map((map) => map[key]),
      ),
    ]),
  );
}

/** Entries that all have stand by themselves, the others below their host. */
function mergedList(names: readonly string[], lists: readonly (readonly unknown[])[]): unknown[] {
  const all = lists.flatMap((list, i) => list.map((one) => ({ one, name: names[i] ?? "" })));
  const told = new Set<string>();
  return all.flatMap(({ one, name }) => {
    const text = JSON.stringify(one);
    if (!lists.every((list) => list.some((other) => same(other, one)))) return [{ [name]: one }];
    if (told.has(text)) return [];
    told.add(text);
    return [one];
  });
}

function mergedLinks(shares: readonly { name: string; value: DraftValue }[], findings: Findings): Record<string, Bag> {
  const names = shares.map(({ name }) => name);
  const keys = [...new Set(shares.flatMap(({ value }) => Object.keys(value.links ?? {})))];
  return Object.fromEntries(
    keys.flatMap((key) => {
      const maps = shares.map(({ value }) => value.links?.[key]);
      const having = names.filter((_, i) => maps[i] !== undefined);
      const made = maps.some((map) => map?.["kind"] !== undefined);
      if (having.length === names.length) return [[key, mergedMap(names, maps as Bag[])]];
      if (!made)
        return [
          [
            key,
            mergedMap(
              names,
              maps.map((map) => map ?? {}),
            ),
          ],
        ];
      findings.say(
        "error",
        undefined,
        `${key} is made on ${having.join(", ")} only; the links of a document for several hosts are on each of them`,
        `it is left out; write a document of its own for ${having.join(", ")}`,
      );
      return [];
    }),
  );
}

/** With three hosts or more, a VXLAN whose far ends are all the others floods to them. */
function flooding(link: Bag, others: readonly string[]): Bag {
  const { remotes, local, ...rest } = link;
  const ends = Array.isArray(remotes) ? remotes.map((one) => canonicalIp(String(one))) : [];
  const all = others.length > 1 && ends.length === others.length && others.every((one) => ends.includes(one));
  return all && (local === undefined || local === "$vtep") ? { ...rest, flood: "unicast" } : link;
}

/** Puts the documents of hosts together. */
export function mergeHosts(shares: readonly Share[], findings: Findings): DraftValue {
  const names = shares.map(({ name }) => name);
  const places = shares.map((share) =>
    placeOf(
      share,
      shares.filter((one) => one !== share),
    ),
  );
  const derived = shares.map((share, i) => {
    const peers = places.filter((_, j) => j !== i).flatMap(({ vtep }) => vtep ?? []);
    const value = shareOf(share, places[i] ?? {}, shares.length === 2 ? peers[0] : undefined);
    const links =
      value.links && Object.fromEntries(Object.entries(value.links).map(([key, link]) => [key, flooding(link, peers)]));
    const flooded: DraftValue = { ...value, ...(links !== undefined && { links }) };
    return { name: share.name, value: flooded };
  });
  const abstracted = agreed(derived, findings);
  const sections = [...new Set(abstracted.flatMap(({ value }) => Object.keys(value)))].filter((key) =>
    abstracted.some(({ value }) => value[key] !== undefined),
  );
  const rest = sections
    .filter((key) => key !== "links")
    .map((key) => [
      key,
      section(
        names,
        abstracted.map(({ value }) => value[key]),
      ),
    ]);
  const links = mergedLinks(abstracted, findings);
  return {
    hosts: Object.fromEntries(names.map((name, i) => [name, places[i]])),
    ...(Object.keys(links).length > 0 && { links }),
    ...Object.fromEntries(rest),
  };
}

function section(names: readonly string[], values: readonly unknown[]): unknown {
  const some = values.find((value) => value !== undefined);
  if (Array.isArray(some))
    return mergedList(
      names,
      values.map((value) => (Array.isArray(value) ? value : [])),
    );
  if (isMap(some))
    return mergedMap(
      names,
      values.map((value) => (isMap(value) ? value : {})),
    );
  return merged(names, values);
}

/** What has to be the same at both ends of a tunnel is taken from the first host, and said where another one differs. */
function agreed(shares: readonly Share[], findings: Findings): readonly Share[] {
  const [first, ...others] = shares;
  if (first === undefined) return shares;
  const agree = ({ name, value }: Share): Share => {
    const links = Object.entries(value.links ?? {}).map(([link, theirs]) => {
      const ours = first.value.links?.[link];
      const differ = ["vni", "dstport"].filter((key) => ours?.["kind"] === "vxlan" && !same(ours[key], theirs[key]));
      for (const key of differ)
        findings.say(
          "error",
          undefined,
          `${link} has ${key} ${String(ours?.[key])} on ${first.name}, and ${String(theirs[key])} on ${name}: they do not hear each other`,
          `the document has that of ${first.name} for both`,
        );
      return [link, { ...theirs, ...Object.fromEntries(differ.map((key) => [key, ours?.[key]])) }];
    });
    return value.links === undefined
      ? { name, value }
      : { name, value: { ...value, links: Object.fromEntries(links) } };
  };
  return [first, ...others.map(agree)];
}
