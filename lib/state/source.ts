/** YAML text to plain values, with the place of each. */
import { readFile, stat } from "node:fs/promises";
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Document as YamlDocument,
} from "yaml";
import { ConfigError, type Issue, type Path, type Position } from "./error.ts";

/** A document as it was written: plain values, and where they stand. */
export interface Source {
  /** The name of the file, for messages. */
  readonly file: string;
  readonly value: unknown;
  /** The place of a value; of the nearest that is there, where the path leads further. */
  locate(path: Path): Position;
  /** The place of the key of a value. */
  locateKey(path: Path): Position;
  /** The path in the file, where `value` was derived from what the file says. */
  origin(path: Path): Path;
  /** The device that `$underlay` stood for, and where the file says so. */
  readonly underlay?: { readonly name: string; readonly path: Path };
  /** The other hosts of the file, for probes. */
  readonly peers?: () => readonly Peer[];
}
/** Another host of the same document. */
export interface Peer {
  readonly name: string;
  readonly vtep?: string;
  /** What it has on its links. */
  readonly addresses: readonly { readonly dev: string; readonly address: string }[];
}

/** Larger ones than for a thousand hosts are a mistake. */
const MOST_BYTES = 8 * 1024 * 1024;
/** Values that aliases bring: they may stand for each other, and so for more than fits anywhere. */
const MOST_ALIASED = 100_000;
const DEEPEST = 64;
const START: Position = { line: 1, column: 1 };

const KINDS_OF_VALUE = "maps, lists, text, numbers, true, false";

function refuse(file: string, message: string, at: Position = START): never {
  throw new ConfigError([{ file, ...at, path: [], message }]);
}

/** An issue at a value of a source. */
export function issueAt(source: Source, path: Path, message: string, what: "value" | "key" = "value"): Issue {
  const at = what === "key" ? source.locateKey(path) : source.locate(path);
  return { file: source.file, ...at, path: source.origin(path), message };
}

function decode(bytes: Uint8Array, file: string): string {
  if (bytes.length > MOST_BYTES)
    refuse(file, `the file has ${bytes.length} bytes; a document has at most ${MOST_BYTES}: is this the right file?`);
  if (bytes.includes(0)) refuse(file, "this is a binary file, not a YAML document");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return refuse(file, "this is not text in UTF-8; a document is YAML text");
  }
}

/** Builds plain values out of YAML's nodes. */
class Reader {
  readonly issues: Issue[] = [];
  readonly #yaml: YamlDocument;
  readonly #file: string;
  readonly #lines: LineCounter;
  #aliased = 0;

  constructor(yaml: YamlDocument, file: string, lines: LineCounter) {
    this.#yaml = yaml;
    this.#file = file;
    this.#lines = lines;
  }

  at(node: Node | null | undefined): Position {
    const offset = node?.range?.[0];
    if (offset === undefined) return START;
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  }

  /** The node that an alias stands for. */
  follow(node: unknown): Node | undefined {
    const found = isAlias(node) ? node.resolve(this.#yaml) : node;
    return isMap(found) || isSeq(found) || isScalar(found) ? found : undefined;
  }

  read(node: unknown, path: Path, within = false): unknown {
    const aliased = within || isAlias(node);
    if (aliased) this.#aliased++;
    if (this.#aliased > MOST_ALIASED || path.length > DEEPEST)
      refuse(this.#file, "too many values, or values too deep within each other; are aliases nested?");
    const found = this.follow(node);
    if (found === undefined && isAlias(node))
      this.#say(node, path, `there is no &${node.source} above that *${node.source} could stand for`);
    if (isMap(found)) return this.#map(found.items, path, aliased);
    if (isSeq(found)) return found.items.map((item, index) => this.read(item, [...path, index], aliased));
    if (!isScalar(found)) return null;
    const { value } = found;
    if (value === null || ["string", "number", "boolean"].includes(typeof value)) return value;
    this.#say(found, path, `expected ${KINDS_OF_VALUE}; put quotes around it to make it text`);
    return null;
  }

  #map(items: readonly { key: unknown; value: unknown }[], path: Path, aliased: boolean): Record<string, unknown> {
    const read: Record<string, unknown> = {};
    for (const { key, value } of items) {
      const node = this.follow(key);
      const name = isScalar(node) ? node.value : undefined;
      if ((typeof name !== "string" && typeof name !== "number") || name === "__proto__") {
        this.#say(node, path, "a key is text; put quotes around it");
        continue;
      }
      const from = name === "<<" ? this.read(value, [...path, name], aliased) : undefined;
      // A merge key: what stands in the map itself goes first.
      if (typeof from === "object" && from !== null)
        for (const [k, v] of Array.isArray(from)
          ? from.flatMap((one) => Object.entries(one ?? {}))
          : Object.entries(from))
          read[k] = Object.hasOwn(read, k) ? read[k] : v;
      else read[String(name)] = this.read(value, [...path, String(name)], aliased);
    }
    return read;
  }

  #say(node: Node | undefined, path: Path, message: string): void {
    this.issues.push({ file: this.#file, ...this.at(node), path, message });
  }
}

/** The value node, and the key node, at the end of a path, or of as much of it as there is. */
function find(reader: Reader, yaml: YamlDocument, path: Path): { value: Node | undefined; key: Node | undefined } {
  let value = reader.follow(yaml.contents);
  let key = value;
  for (const part of path) {
    let next: unknown;
    let nextKey: Node | undefined;
    if (isSeq(value)) next = value.items[Number(part)];
    else if (isMap(value)) {
      const pair = value.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      next = pair?.value;
      nextKey = reader.follow(pair?.key);
    }
    const found = reader.follow(next);
    if (found === undefined) return { value: nextKey ?? value, key: nextKey ?? key };
    // An alias stands where it was written, not where its anchor is: positions keep to the key then.
    [value, key] = [found, nextKey ?? found];
  }
  return { value, key };
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]?.replace(/:$/, "") ?? "";
}

/** Says what YAML's parser found, in words that fit a document of ours. */
function yamlIssue(
  file: string,
  lines: LineCounter,
  error: { code: string; message: string; pos: readonly number[] },
): Issue {
  const { line, col } = lines.linePos(error.pos[0] ?? 0);
  const message =
    error.code === "DUPLICATE_KEY"
      ? "the same key stands twice in this map; keep one"
      : error.code === "MULTIPLE_DOCS"
        ? "more than one YAML document in one file; keep one"
        : /call stack/.test(error.message)
          ? "values too deep within each other"
          : `this is not YAML: ${firstLine(error.message)}`;
  return { file, line: Math.max(line, 1), column: Math.max(col, 1), path: [], message };
}

/**
 * Reads YAML text into plain values.
 *
 * @throws {ConfigError} where it is no YAML, holds a key twice, or is not a map.
 */
export function parseSource(input: string | Uint8Array, file = "document"): Source {
  const text = decode(typeof input === "string" ? Buffer.from(input) : input, file);
  const lines = new LineCounter();
  const yaml = parseYaml(text, file, lines);
  const problems = [...yaml.errors, ...yaml.warnings];
  const [first] = problems;
  if (first !== undefined) {
    // What follows on a mistake in the syntax is noise.
    const twice = problems.filter(({ code }) => code === "DUPLICATE_KEY");
    throw new ConfigError((twice.length > 0 ? twice : [first]).map((error) => yamlIssue(file, lines, error)));
  }
  if (yaml.contents === null) refuse(file, "the file is empty; a document begins with `linkwright: 1`");
  if (!isMap(yaml.contents))
    refuse(file, "expected a map of keys such as links and sysctls; it begins with `linkwright: 1`");
  const reader = new Reader(yaml, file, lines);
  const value = reader.read(yaml.contents, []);
  if (reader.issues.length > 0) throw new ConfigError(reader.issues);
  return {
    file,
    value,
    locate: (path) => reader.at(find(reader, yaml, path).value),
    locateKey: (path) => reader.at(find(reader, yaml, path).key),
    origin: (path) => path,
  };
}

function parseYaml(text: string, file: string, lineCounter: LineCounter): YamlDocument {
  try {
    return parseDocument(text, {
      lineCounter,
      prettyErrors: false,
      uniqueKeys: true,
      stringKeys: false,
      logLevel: "error",
    });
  } catch (error) {
    if (error instanceof RangeError) refuse(file, "values too deep within each other");
    throw error;
  }
}

/** Reads a file of YAML. @throws {ConfigError} also where there is no such file. */
export async function readSource(file: string): Promise<Source> {
  try {
    const { size } = await stat(file);
    if (size > MOST_BYTES)
      refuse(file, `the file has ${size} bytes; a document has at most ${MOST_BYTES}: is this the right file?`);
    return parseSource(await readFile(file), file);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      ENOENT: "there is no such file",
      EACCES: "not readable for this user",
      EISDIR: "this is a directory, not a file",
    };
    return refuse(file, reasons[code ?? ""] ?? `cannot be read: ${(error as Error).message}`);
  }
}
