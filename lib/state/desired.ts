/** A checked document in the form that plans are made of: flat lists, canonical words, each with its place. */
import type { Table } from "../nftables/index.ts";
import { expandBraces, formatKey, parseKey } from "../sysctl/key.ts";
import { checkValue } from "../sysctl/range.ts";
import { isSecret } from "../sysctl/secret.ts";
import { checkConsistency, checkVariables } from "./consistency.ts";
import { checkSchema, type DocumentValue, type Entry, type GuestsEntry, type LinkEntry } from "./document.ts";
import { LIST_NAMES, type ListName, type Sort } from "./entries/sort.ts";
import { SORTS } from "./entries/sorts.ts";
import { canonicalWord } from "./entries/text.ts";
import { ConfigError, type Issue, type Path } from "./error.ts";
import { contradictions, Ignored } from "./ignore.ts";
import { canonicalEthtool } from "./plan-ethtool.ts";
import { canonicalWireguard } from "./plan-wireguard.ts";
import { policyTable } from "./policy.ts";
import { checkProbes, type DesiredProbe } from "./probes.ts";
import { canonicalQdisc } from "./queue.ts";
import { issueAt, type Source } from "./source.ts";
import { pick } from "./step.ts";
import { canonicalIp, wireguardShapes } from "./words.ts";

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
  /** Keys, by their files, and all peers of a WireGuard link. */
  readonly wireguard?: Words;
  /** The queue at the root, or `state: absent`. */
  readonly qdisc?: Words;
  /** Features, rings and channels of the device. */
  readonly ethtool?: Words;
  readonly path: Path;
}
/** An entry of a sort that the document describes. */
export interface DesiredEntry {
  /** Removed only where it is marked as ours, or what others rely on does not go with it. */
  readonly ours?: true;
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
export interface Desired extends Readonly<Record<ListName, readonly DesiredEntry[]>> {
  readonly source: Source;
  readonly links: readonly DesiredLink[];
  readonly sysctls: readonly DesiredSysctl[];
  /** Our nftables table: null where there shall be none, absent where the document says nothing of it. */
  readonly table?: Table | null;
  /** What others own. */
  readonly ignored: Ignored;
  /** Interfaces that the rules name. */
  readonly ruleLinks: readonly { readonly name: string; readonly path: Path }[];
  readonly guests?: GuestsEntry;
  /** What has to get through when it is so; absent where the document says nothing of it. */
  readonly probes?: readonly DesiredProbe[];
  /** Seconds within which somebody has to confirm what was applied; 0 waits for nobody. */
  readonly confirm?: number;
}

/** Keys of a link's entry that are objects of their own. */
const SEPARATE: readonly string[] = ["kind", "state", "port", "remotes", "flood", "ethtool", "qdisc", ...LIST_NAMES];

function linkOf(name: string, entry: LinkEntry): DesiredLink {
  const separate = entry.kind === "wireguard" ? [...SEPARATE, ...Object.keys(wireguardShapes), "peers"] : SEPARATE;
  const given = Object.entries(entry).filter(([key, value]) => !separate.includes(key) && value !== undefined);
  const wireguard = pick(entry, [...Object.keys(wireguardShapes), "peers"]);
  const options = Object.fromEntries(given.map(([key, value]) => [key, canonicalWord(value)]));
  return {
    name,
    ...(entry.kind !== undefined && { kind: entry.kind }),
    absent: entry.state === "absent",
    // A link that we make is there to be used.
    options: entry.kind === undefined ? options : { up: true, ...options },
    ...(entry.port !== undefined && { port: entry.port }),
    ...(entry.kind === "wireguard" &&
      Object.keys(wireguard).length > 0 && { wireguard: canonicalWireguard(wireguard) }),
    ...(entry.qdisc !== undefined && { qdisc: canonicalQdisc(entry.qdisc) }),
    ...(entry.ethtool !== undefined && { ethtool: canonicalEthtool(entry.ethtool) }),
    ...(entry.remotes !== undefined && { remotes: entry.remotes.map(canonicalIp) }),
    path: ["links", name],
  };
}

/** Collects entries of one sort, with what is wrong with them. */
class Entries {
  readonly found: DesiredEntry[] = [];
  readonly #source: Source;
  readonly #issues: Issue[];
  readonly #sort: Sort;
  readonly #buckets = new Map<string, DesiredEntry[]>();

  constructor(source: Source, issues: Issue[], sort: Sort) {
    this.#source = source;
    this.#issues = issues;
    this.#sort = sort;
  }

  add(written: unknown, path: Path, link: Words = {}): void {
    const { short } = this.#sort.writing;
    const entry = typeof written === "object" ? written : short?.expand(written);
    const { state, ...words } = { ...(entry as Entry), ...link };
    const absent = state === "absent";
    try {
      // "present" and "absent" are the document's words, others those of the service.
      const own = state === undefined || state === "present" || state === "absent" ? {} : { state };
      this.#keep({ words: this.#sort.canonical({ ...words, ...own }, absent), absent, path });
    } catch (error) {
      this.#issues.push(inputIssue(this.#source, path, error));
    }
  }

  #keep(entry: DesiredEntry): void {
    const { bucket, same, subject, object, list } = this.#sort;
    const clashes = this.#sort.clashes ?? ((a: Words, b: Words) => same(a, b) || same(b, a));
    const key = bucket(entry.words);
    const others = this.#buckets.get(key) ?? [];
    const before = others.find((one) => clashes(one.words, entry.words));
    // Addresses are compared across links.
    if (before !== undefined && list !== "addresses") {
      const { line } = this.#source.locate(before.path);
      const text = `${object} ${subject(before.words)} stands at line ${line} already; keep one`;
      this.#issues.push(issueAt(this.#source, entry.path, text));
    }
    others.push(entry);
    if (others.length === 1) this.#buckets.set(key, others);
    this.found.push(entry);
  }
}

/** An error of a service as an issue of the document. */
function inputIssue(source: Source, path: Path, error: unknown): Issue {
  const { path: at, reason, message } = error as { path?: readonly string[]; reason?: string; message: string };
  return issueAt(source, [...path, ...(Array.isArray(at) ? at : [])], reason ?? message);
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
              `${key} is ${isSecret(parsed) ? "another one" : before.value} at line ${source.locateKey(before.path).line}; keep one`,
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

/** All entries of a sort: those of links, and those beside them. */
function entriesOf(sort: Sort, source: Source, value: DocumentValue, issues: Issue[]): readonly DesiredEntry[] {
  const { list } = sort;
  const entries = new Entries(source, issues, sort);
  for (const [name, link] of Object.entries(value.links ?? {}))
    for (const [i, one] of ((link[list] ?? []) as readonly unknown[]).entries())
      entries.add(one, ["links", name, list, i], { dev: name });
  const beside = (value as unknown as Readonly<Record<string, unknown>>)[list] as readonly unknown[] | undefined;
  for (const [i, one] of (beside ?? []).entries()) entries.add(one, [list, i]);
  return entries.found;
}

/** A document that describes what it ignores. */
function checkIgnored(source: Source, ignored: Ignored, all: Parameters<typeof contradictions>[1]): Issue[] {
  return contradictions(ignored, all).map(({ what, place, by }) => {
    const { line } = source.locate(by);
    return issueAt(source, place, `${what} is ignored at line ${line}; leave one of them out`, "key");
  });
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
  const lists = SORTS.map((sort) => [sort.list, entriesOf(sort, source, value, issues)] as const);
  const sysctls = sysctlsOf(source, value, issues);
  const links = Object.entries(value.links ?? {}).map(([name, entry]) => linkOf(name, entry));
  const entries = Object.fromEntries(lists) as Record<ListName, readonly DesiredEntry[]>;
  const ignored = new Ignored(value.ignore);
  issues.push(...checkIgnored(source, ignored, { links, sysctls, ...entries }));
  const probes = value.probes === undefined ? undefined : checkProbes(source, value.probes, issues);
  if (issues.length > 0) throw new ConfigError(issues);
  return {
    source,
    links,
    ...entries,
    sysctls,
    ignored,
    ...tableOf(value),
    ruleLinks: ruleLinksOf(value),
    ...(value.guests !== undefined && { guests: value.guests }),
    ...(probes !== undefined && { probes }),
    ...(value.confirm !== undefined && { confirm: value.confirm }),
  };
}
