/** What a document says that others own: it is not planned, not removed, and no drift. */
import { protocols, tables } from "../families/lookup.ts";
import { maskedAddress, parsePrefix } from "../families/prefix.ts";
import type { Shape } from "../shape/shape.ts";
import type { Desired, DesiredEntry } from "./desired.ts";
import { LIST_NAMES } from "./entries/sort.ts";
import type { Path } from "./error.ts";
import { interfaceOf, type Observed } from "./observed.ts";
import type { Words } from "./step.ts";

/** Which routes are meant: those that have all of this. */
export interface IgnoredRoutes {
  readonly protocol?: string | number;
  readonly table?: string | number;
  /** Destinations in this network. */
  readonly dst?: string;
}
/** What others own. */
export interface IgnoreEntry {
  /** Names of links, `*` for any characters and `?` for one. With a link goes what is on it. */
  readonly links?: readonly string[];
  readonly routes?: readonly IgnoredRoutes[];
  /** Networks whose addresses are meant. */
  readonly addresses?: readonly string[];
}

/** A name of a link with `*` and `?`. */
export const linkPattern: Shape<string> = {
  expected: "a name of links such as docker*, with * for any characters and ? for one",
  json: { type: "string", pattern: "^[^/\\s]{1,64}$" },
  accepts: (value): value is string => typeof value === "string" && /^[^/\s]{1,64}$/.test(value),
};

function matches(pattern: string, name: string): boolean {
  const parts = pattern
    .replace(/[\\^$.|+()[\]{}]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${parts}$`, "s").test(name);
}

/** Whether an address, or a network, lies in a network. */
function isWithin(inner: string, outer: string): boolean {
  const wide = inner.includes(":");
  const part = parsePrefix(inner, "dst", wide);
  const whole = parsePrefix(outer, "dst", wide);
  if (whole.wide !== part.wide || part.length < whole.length) return false;
  if (whole.address === undefined || part.address === undefined) return whole.length === 0;
  return maskedAddress(part.address, whole.length) === maskedAddress(whole.address, whole.length);
}

/** What of an entry makes it ignored: where that stands in `ignore`. */
export class Ignored {
  readonly #links: readonly string[];
  readonly #routes: readonly IgnoredRoutes[];
  readonly #addresses: readonly string[];
  readonly #known = new Map<string, Path | undefined>();

  constructor({ links = [], routes = [], addresses = [] }: IgnoreEntry = {}) {
    this.#links = links;
    this.#routes = routes.map(({ protocol, table, dst }) => ({
      ...(protocol !== undefined && { protocol: protocols.wordOf(protocols.numberOf(protocol as never)) }),
      ...(table !== undefined && { table: tables.wordOf(tables.numberOf(table as never)) }),
      ...(dst !== undefined && { dst }),
    }));
    this.#addresses = addresses;
  }

  /** Where a link is ignored. */
  link(name: unknown): Path | undefined {
    if (typeof name !== "string" || this.#links.length === 0) return undefined;
    if (!this.#known.has(name)) {
      const at = this.#links.findIndex((pattern) => matches(pattern, name));
      this.#known.set(name, at < 0 ? undefined : ["ignore", "links", at]);
    }
    return this.#known.get(name);
  }

  /** Where an entry of a list is ignored, by itself or with the link that it is on. */
  entry(list: (typeof LIST_NAMES)[number], words: Words): Path | undefined {
    const { dev, port } = words;
    const on = this.link(dev) ?? (list === "mdb" ? this.link(port) : undefined);
    if (on !== undefined) return on;
    if (list === "routes") return found("routes", this.#routes, (one) => isMeant(one, words));
    if (list !== "addresses") return undefined;
    const ip = String(words["address"]).split("/")[0] ?? "";
    return found("addresses", this.#addresses, (network) => isWithin(ip, network));
  }
}

function found<T>(list: string, all: readonly T[], test: (one: T) => boolean): Path | undefined {
  const at = all.findIndex(test);
  return at < 0 ? undefined : ["ignore", list, at];
}

function isMeant({ protocol, table, dst }: IgnoredRoutes, route: Words): boolean {
  const within = (): boolean => isWithin(String(route["dst"]), String(dst)) && sameFamily(String(dst), route);
  return (
    (protocol === undefined || route["protocol"] === protocol) &&
    (table === undefined || route["table"] === table) &&
    (dst === undefined || within())
  );
}
/** `default` stands for all of its family only. */
function sameFamily(dst: string, { family }: Words): boolean {
  return dst === "default" || dst.includes(":") === (family === "inet6");
}

/** A host without what is ignored. Links stay, for others to name. */
export function withoutIgnored(ignored: Ignored, observed: Observed): Observed {
  const lists = LIST_NAMES.flatMap((list) => {
    const all = observed[list];
    return all === undefined ? [] : [[list, all.filter((words) => ignored.entry(list, words) === undefined)]];
  });
  return { ...observed, ...Object.fromEntries(lists) };
}

/** What a document describes although it ignores it: `place` is the path in the document, `by` that in `ignore`. */
export function contradictions(
  ignored: Ignored,
  { links, sysctls, ...desired }: Pick<Desired, "links" | "sysctls" | (typeof LIST_NAMES)[number]>,
): { readonly what: string; readonly place: Path; readonly by: Path }[] {
  const all: { what: string; place: Path; by: Path | undefined }[] = [
    ...links.map(({ name, path }) => ({ what: name, place: path, by: ignored.link(name) })),
    ...sysctls.map(({ key, path }) => ({ what: key, place: path, by: ignored.link(interfaceOf(key)) })),
    ...LIST_NAMES.flatMap((list) =>
      desired[list].map(({ words, path }: DesiredEntry) => ({
        what: "this entry",
        place: path,
        by: ignored.entry(list, words),
      })),
    ),
  ];
  return all.flatMap(({ what, place, by }) => (by === undefined ? [] : [{ what, place, by }]));
}
