/** The error of a document that is wrong. */

/** A place in a document: its keys and indexes from the top, `["links", "vxlan0", "vni"]`. */
export type Path = readonly (string | number)[];

/** Where something stands in a file; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong with a document. */
export interface Issue extends Position {
  readonly file: string;
  /** Empty where it is the whole file. */
  readonly path: Path;
  /** What is wrong and what to do about it, in one line. */
  readonly message: string;
}

/** Text that is harmless in a terminal and in a log: control characters become visible. */
export function escaped(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A path as people read it: `links.vxlan0.vni`, `nat[0].out`, `sysctls."net.ipv4.ip_forward"`. */
export function formatPath(path: Path): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += `${text === "" ? "" : "."}${/^[\w$@+:=-]+$/.test(part) ? part : JSON.stringify(part)}`;
  }
  return escaped(text);
}

/** An issue in one line: `two-hosts.yaml:9:25: links.vxlan0.vni: expected a whole number from …`. */
export function formatIssue({ file, line, column, path, message }: Issue): string {
  const place = formatPath(path);
  return `${escaped(file)}:${line}:${column}: ${place === "" ? "" : `${place}: `}${escaped(message)}`;
}

/** A document that is wrong, by itself or for this host; nothing was changed. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "ERR_CONFIG";
  /** All that is wrong, in the order of the file. */
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[]) {
    const sorted = [...issues].sort((a, b) => a.line - b.line || a.column - b.column);
    super([...new Set(sorted.map(formatIssue))].join("\n"));
    this.issues = sorted;
  }
}
