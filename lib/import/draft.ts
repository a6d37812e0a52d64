/** A document that is being made: plain values, and remarks that stand beside them as comments. */
import { Document, isMap, isNode, isScalar, isSeq, type Node, type Pair, Scalar } from "yaml";
import { printable } from "./finding.ts";
import type { Bag } from "./model.ts";

/** What a document says, in its sections. */
export interface DraftValue {
  readonly links?: Readonly<Record<string, Bag>>;
  readonly [section: string]: unknown;
}
/** A document and its comments. */
export interface Draft {
  readonly value: DraftValue;
  /** Comments by the path that they stand above, as JSON: `["links","br-vm"]`. */
  readonly remarks: ReadonlyMap<string, readonly string[]>;
  /** Comments at the head of the document. */
  readonly head: readonly string[];
  /** Comments at its end. */
  readonly foot: readonly string[];
}

/** The key of a path among the remarks. */
export const at = (...path: readonly (string | number)[]): string => JSON.stringify(path);

/** Comment signs come from the writer; lines must not hold what ends a comment. */
function comment(lines: readonly string[]): string {
  return lines.map((line) => ` ${printable(line)}`).join("\n");
}

const SECTIONS = [
  "links",
  "rules",
  "nexthops",
  "addresses",
  "routes",
  "neighbors",
  "fdb",
  "addressLabels",
  "fou",
  "sysctls",
  "nat",
  "forward",
  "guests",
];

/** Depth from which a map of a section is written in one line. */
const FLOW_DEPTH: Readonly<Record<string, number>> = { hosts: 2, links: 3, sysctls: 2, guests: 1 };

function keyOf({ key }: Pair): string {
  return String(isScalar(key) ? key.value : key);
}

/** Short things stand in one line; a link has a line for each of its keys. */
function layOut(node: unknown, path: readonly (string | number)[], remarks: Draft["remarks"]): void {
  const depth = path.length;
  const flow = depth >= (FLOW_DEPTH[String(path[0])] ?? 2);
  if (isMap(node)) {
    node.flow = flow && depth > 0 && !holdsList(node);
    for (const pair of node.items) {
      const inner = [...path, keyOf(pair)];
      remark(pair.key, remarks.get(at(...inner)));
      layOut(pair.value, inner, remarks);
    }
  } else if (isSeq(node)) {
    node.flow = node.items.every((item) => isScalar(item)) || node.items.length === 0;
    node.items.forEach((item, i) => {
      remark(item, remarks.get(at(...path, i)));
      layOut(item, [...path, i], remarks);
      if (isMap(item)) item.flow = true;
    });
  }
}

/** A list of maps needs lines of its own, and so what it stands in. */
function holdsList(node: unknown): boolean {
  return isMap(node) && node.items.some(({ value }) => isSeq(value) && value.items.some((item) => !isScalar(item)));
}

function remark(node: unknown, lines: readonly string[] | undefined): void {
  if (lines !== undefined && isNode(node)) (node as Node).commentBefore = comment(lines);
}

function sorted(value: DraftValue): Bag {
  const known = ["hosts", ...SECTIONS].filter((key) => value[key] !== undefined);
  const others = Object.keys(value).filter((key) => !known.includes(key) && value[key] !== undefined);
  return Object.fromEntries([...known, ...others].map((key) => [key, value[key]]));
}

/** The text of a document. */
export function writeDraft({ value, remarks, head, foot }: Draft): string {
  const document = new Document({ linkwright: 1, ...sorted(value) });
  const root = document.contents;
  if (!isMap(root)) return "linkwright: 1\n";
  for (const [i, pair] of root.items.entries()) {
    const key = keyOf(pair);
    if (!isNode(pair.key)) pair.key = new Scalar(key);
    if (i > 0) (pair.key as Node).spaceBefore = true;
    remark(pair.key, remarks.get(at(key)));
    layOut(pair.value, [key], remarks);
  }
  if (head.length > 0) document.commentBefore = comment(head);
  if (foot.length > 0) document.comment = comment(foot);
  return document.toString({ lineWidth: 0, singleQuote: false });
}

/** A part of a document as lines, to stand in a comment. */
export function writePart(value: DraftValue): string[] {
  const text = writeDraft({ value, remarks: new Map(), head: [], foot: [] });
  return text
    .trimEnd()
    .split("\n")
    .slice(1)
    .filter((line) => line !== "");
}
