/** One host's document: checked against the schema and against itself. */
import type { z } from "zod";
import { unknownKey } from "../shape/shape.ts";
import { ConfigError, type Issue, type Path } from "./error.ts";
import type { IgnoreEntry } from "./ignore.ts";
import { documentSchema } from "./schema.ts";
import { issueAt, type Source } from "./source.ts";

/** A link as a document tells it: keys of every link, and the options of its kind. */
export interface LinkEntry {
  /** Absent for a link that is there already, such as a network card. */
  readonly kind?: string;
  readonly state?: "present" | "absent";
  readonly mtu?: number | "auto";
  readonly up?: boolean;
  readonly master?: string;
  readonly mac?: string;
  readonly port?: Readonly<Record<string, unknown>>;
  readonly qdisc?: Readonly<Record<string, unknown>>;
  readonly ethtool?: Readonly<Record<string, unknown>>;
  readonly addresses?: readonly (string | Entry)[];
  readonly routes?: readonly Entry[];
  readonly fdb?: readonly Entry[];
  readonly neighbors?: readonly Entry[];
  readonly vlans?: readonly (number | string | Entry)[];
  readonly vnis?: readonly (number | string | Entry)[];
  readonly mdb?: readonly Entry[];
  /** All far ends of a VXLAN that get what has no known place: the whole list, one zero-MAC entry each. */
  readonly remotes?: readonly string[];
  readonly flood?: unknown;
  readonly [option: string]: unknown;
}
/** An address, a route, a rule, a neighbor or the like, in the words of its service. */
export interface Entry {
  /** `absent`, `present`, or a word of the service. */
  readonly state?: string;
  readonly [word: string]: unknown;
}
/** Packets from a network that leave by `out` get the address of `out`. */
export interface NatEntry {
  readonly masquerade: string;
  readonly out: string;
}
/** Packets that may pass from `in` to `out`: all, or only answers, the others being dropped. */
export interface ForwardEntry {
  readonly in: string;
  readonly out: string;
  readonly accept: "all" | "replies";
  /** Lowers the MSS of TCP handshakes to what the route carries, in both directions' own entries. */
  readonly clampMss?: boolean;
}
/** What the guests on a bridge have to be told; nothing is configured by it. */
export interface GuestsEntry {
  readonly on: string;
  readonly mtu?: number | "auto";
  readonly inside?: readonly string[];
}
/** A document that fits the schema. */
export interface DocumentValue {
  readonly linkwright: 1;
  readonly hosts?: Readonly<Record<string, { readonly underlay?: string; readonly vtep?: string }>>;
  readonly links?: Readonly<Record<string, LinkEntry>>;
  readonly sysctls?: Readonly<Record<string, number | string>>;
  readonly nat?: readonly NatEntry[];
  readonly forward?: readonly ForwardEntry[];
  readonly guests?: GuestsEntry;
  /** See {@link Probe}; each in full, or the word for it. */
  readonly probes?: readonly unknown[];
  /** Seconds within which somebody has to confirm what was applied; 0 waits for nobody. */
  readonly confirm?: number;
  /** What others own. */
  readonly ignore?: IgnoreEntry;
  readonly addresses?: readonly Entry[];
  readonly routes?: readonly Entry[];
  readonly rules?: readonly Entry[];
  readonly nexthops?: readonly Entry[];
  readonly fdb?: readonly Entry[];
  readonly neighbors?: readonly Entry[];
}

type Raw = z.core.$ZodIssue;

/** The value at a path of a document. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, part) =>
      typeof at === "object" && at !== null && Object.hasOwn(at, part)
        ? (at as Record<string | number, unknown>)[part]
        : undefined,
    value,
  );
}

function issuesOf(source: Source, raw: readonly Raw[], at: Path = []): Issue[] {
  return raw.flatMap((issue): Issue[] => {
    const path = [...at, ...(issue.path as (string | number)[])];
    if (issue.code === "unrecognized_keys") {
      const known = issue.message.split(" ");
      return issue.keys.map((key) => issueAt(source, [...path, key], unknownKey(key, known), "key"));
    }
    if (issue.code !== "invalid_union") return [issueAt(source, path, issue.message)];
    const value = valueAt(source.value, path);
    if ("discriminator" in issue && issue.discriminator !== undefined) {
      const known = ((issue as { options?: readonly (string | undefined)[] }).options ?? []).filter(
        (kind) => kind !== undefined,
      );
      const meant =
        typeof value === "string" ? unknownKey(value, known).replace("unknown key", "unknown kind of link") : "";
      return [issueAt(source, path, meant || `expected one of ${known.join(", ")}`)];
    }
    // Text or a map: the map's own messages are for maps.
    const branch = issue.errors[typeof value === "object" && value !== null ? issue.errors.length - 1 : 0];
    return issuesOf(source, branch ?? [], path);
  });
}

/**
 * Checks a source against the schema.
 *
 * @throws {ConfigError} with all that is wrong.
 */
export function checkSchema(source: Source): DocumentValue {
  const result = documentSchema().safeParse(source.value);
  if (!result.success) {
    const issues = issuesOf(source, result.error.issues);
    const version = issues.filter(({ path }) => path[0] === "linkwright");
    // Of a document of another version nothing else is known.
    const other = version.length > 0 && valueAt(source.value, ["linkwright"]) !== undefined;
    throw new ConfigError(other ? version : issues);
  }
  return source.value as DocumentValue;
}

/**
 * Checks only the hosts of a document.
 *
 * @throws {ConfigError} with all that is wrong with them.
 */
export function checkHosts(source: Source): NonNullable<DocumentValue["hosts"]> {
  const hosts = valueAt(source.value, ["hosts"]);
  const result = documentSchema().shape["hosts"].safeParse(hosts);
  if (!result.success) throw new ConfigError(issuesOf(source, result.error.issues, ["hosts"]));
  return (hosts ?? {}) as NonNullable<DocumentValue["hosts"]>;
}
