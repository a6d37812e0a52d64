/** A checked document in the form that plans are made of: flat lists, canonical words, each with its place. */
import { canonicalAddress } from "../addresses/words.ts";
import type { Table } from "../nftables/index.ts";
import { expandBraces, formatKey, parseKey } from "../sysctl/key.ts";
import { checkValue } from "../sysctl/range.ts";
import { checkConsistency, checkVariables } from "./consistency.ts";
import { checkSchema, type DocumentValue, type Entry, type GuestsEntry, type LinkEntry } from "./document.ts";
import { ConfigError, type Issue, type Path } from "./error.ts";
import { policyTable } from "./policy.ts";
import { issueAt, type Source } from "./source.ts";
import { canonicalIp, canonicalRoute } from "./words.ts";

/** Properties in the words of a service. */
export type Words = Readonly<Record<string, unknown>>;

/** A link that the document describes. */
export interface DesiredLink {
  readonly name: string;
  /** Absent: the link has to be there already. */
  readonly kind?: string;
  readonly absent: boolean;
  /** What the document names, `mtu` as `"auto"` where it says so; without kind, name, port. */
  readonly options: Words;
  readonly port?: Words;
  /** The whole list of far ends, where the document gives it. */
  readonly remotes?: readonly string[];
  readonly path: Path;
}
/** An address, a route, a forwarding entry or a neighbor that the document describes. */
export interface DesiredEntry {
  readonly words: Words;
  readonly absent: boolean;
  readonly path: Path;
}
/** A sysctl; `key` is in the one form that `formatKey` writes. */
export interface DesiredSysctl {
  readonly key: string;
  readonly value: string;
  readonly path: Path;
}
/** What one host shall look like. What is not in it is left alone. */
export interface Desired {
  readonly source: Source;
  readonly links: readonly DesiredLink[];
  readonly addresses: readonly DesiredEntry[];
  readonly routes: readonly DesiredEntry[];
  readonly fdb: readonly DesiredEntry[];
  readonly neighbors: readonly DesiredEntry[];
  readonly sysctls: readonly DesiredSysctl[];
  /** Our nftables table: null where there shall be none, absent where the document says nothing of it. */
  readonly table?: Table | null;
  /** Interfaces that the rules name. */
  readonly ruleLinks: readonly { readonly name: string; readonly path: Path }[];
  readonly guests?: GuestsEntry;
}

/** Keys of a link's entry that are objects of their own. */
const SEPARATE = ["kind", "state", "port", "addresses", "routes", "fdb", "remotes", "flood"];

function linkOf(name: string, entry: LinkEntry): DesiredLink {
  const given = Object.entries(entry).filter(([key, value]) => !SEPARATE.includes(key) && value !== undefined);
  const options = Object.fromEntries(given.map(([key, value]) => [key, canonicalWord(value)]));
  return {
    name,
    ...(entry.kind !== undefined && { kind: entry.kind }),
    absent: entry.state === "absent",
    // A link that we make is there to be used.
    options: entry.kind === undefined ? options : { up: true, ...options },
    ...(entry.port !== undefined && { port: entry.port }),
    ...(entry.remotes !== undefined && { remotes: entry.remotes.map(canonicalIp) }),
    path: ["links", name],
  };
}

/** The kernel's way to write addresses: IPv6 by RFC 5952, MACs in lower case. */
function canonicalWord(value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(value)) return value.toLowerCase();
  return value.includes(":") ? canonicalIp(value) : value;
}

/** Collects entries of one sort, with what is wrong with them. */
class Entries {
  readonly found: DesiredEntry[] = [];
  readonly #source: Source;
  readonly #issues: Issue[];
  readonly #canonical: (words: Words) => Words;

  constructor(source: Source, issues: Issue[], canonical: (words: Words) => Words) {
    this.#source = source;
    this.#issues = issues;
    this.#canonical = canonical;
  }

  add(entry: Entry, path: Path): void {
    const { state, ...words } = entry;
    try {
      // "present" and "absent" are the document's words, others those of the service.
      const own = state === undefined || state === "present" || state === "absent" ? {} : { state };
      this.found.push({ words: this.#canonical({ ...words, ...own }), absent: state === "absent", path });
    } catch (error) {
      this.#issues.push(inputIssue(this.#source, path, error));
    }
  }
}

/** An error of a service as an issue of the document. */
function inputIssue(source: Source, path: Path, error: unknown): Issue {
  const { path: at, reason, message } = error as { path?: readonly string[]; reason?: string; message: string };
  return issueAt(source, [...path, ...(Array.isArray(at) ? at : [])], reason ?? message);
}

function canonicalEntry(words: Words): Words {
  return Object.fromEntries(Object.entries(words).map(([key, value]) => [key, canonicalWord(value)]));
}

function sysctlsOf(source: Source, value: DocumentValue, issues: Issue[]): DesiredSysctl[] {
  const found = new Map<string, DesiredSysctl>();
  for (const [written, wanted] of Object.entries(value.sysctls ?? {})) {
    const path = ["sysctls", written];
    try {
      for (const one of expandBraces(written)) {
        const parsed = parseKey(one);
        const key = formatKey(parsed);
        const before = found.get(key);
        const text = checkValue(parsed, wanted);
        if (before !== undefined && before.value !== text)
          issues.push(
            issueAt(
              source,
              path,
              `${key} is ${before.value} at line ${source.locateKey(before.path).line}; keep one`,
              "key",
            ),
          );
        found.set(key, { key, value: text, path });
      }
    } catch (error) {
      issues.push(issueAt(source, path, sysctlReason(error)));
    }
  }
  return [...found.values()];
}

function sysctlReason(error: unknown): string {
  return (error as Error).message.replace(/^cannot (set|use sysctl) /, "").replace(/ \(ERR_SYSCTL_\w+\)$/, "");
}

function tableOf({ nat, forward }: DocumentValue): { table?: Table | null } {
  if (nat === undefined && forward === undefined) return {};
  return { table: policyTable(nat ?? [], forward ?? []) ?? null };
}

function ruleLinksOf({ nat, forward, guests }: DocumentValue): Desired["ruleLinks"] {
  return [
    ...(nat ?? []).map(({ out }, i) => ({ name: out, path: ["nat", i, "out"] })),
    ...(forward ?? []).flatMap((one, i) => [
      { name: one.in, path: ["forward", i, "in"] },
      { name: one.out, path: ["forward", i, "out"] },
    ]),
    ...(guests === undefined ? [] : [{ name: guests.on, path: ["guests", "on"] }]),
  ];
}

/**
 * The desired state of one host. The source is a document without `hosts`, or what `derive` made of one with them.
 *
 * @throws {ConfigError} with all that is wrong.
 */
export function desiredOf(source: Source): Desired {
  const unresolved = checkVariables(source);
  if (unresolved.length > 0) throw new ConfigError(unresolved);
  const value = checkSchema(source);
  const issues: Issue[] = checkConsistency(source, value);
  const addresses = new Entries(source, issues, (words) => canonicalAddress(words as never) as unknown as Words);
  const routes = new Entries(source, issues, (words) => canonicalRoute(words as never) as unknown as Words);
  const fdb = new Entries(source, issues, canonicalEntry);
  const neighbors = new Entries(source, issues, canonicalEntry);
  for (const [name, entry] of Object.entries(value.links ?? {})) {
    const inLink = (key: string, i: number): Path => ["links", name, key, i];
    entry.addresses?.forEach((one, i) => {
      addresses.add({ ...(typeof one === "string" ? { address: one } : one), dev: name }, inLink("addresses", i));
    });
    entry.routes?.forEach((one, i) => {
      routes.add({ ...one, dev: name }, inLink("routes", i));
    });
    entry.fdb?.forEach((one, i) => {
      fdb.add({ ...one, dev: name }, inLink("fdb", i));
    });
  }
  const collectors = { addresses, routes, fdb, neighbors };
  for (const [key, entries] of Object.entries(collectors))
    for (const [i, one] of (value[key as keyof typeof collectors] ?? []).entries()) entries.add(one, [key, i]);
  const sysctls = sysctlsOf(source, value, issues);
  if (issues.length > 0) throw new ConfigError(issues);
  return {
    source,
    links: Object.entries(value.links ?? {}).map(([name, entry]) => linkOf(name, entry)),
    addresses: addresses.found,
    routes: routes.found,
    fdb: fdb.found,
    neighbors: neighbors.found,
    sysctls,
    ...tableOf(value),
    ruleLinks: ruleLinksOf(value),
    ...(value.guests !== undefined && { guests: value.guests }),
  };
}
