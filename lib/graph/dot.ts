/** Pictures as DOT, for Graphviz. */
import { type Graph, type Group, type Mark, type Node, remarksOf, textsOf } from "./graph.ts";

const STYLES: Readonly<Record<Mark, string>> = {
  added: "color=forestgreen, penwidth=2",
  changed: "color=darkgoldenrod, penwidth=2",
  removed: 'color=firebrick, penwidth=2, style="rounded,dashed"',
  wrong: "color=firebrick, penwidth=3",
  suspect: "color=darkgoldenrod, penwidth=3",
};
const WAYS: Readonly<Record<Mark, string>> = {
  ...STYLES,
  removed: "color=firebrick, penwidth=2, style=dashed",
  // Packets get no further.
  wrong: "color=firebrick, penwidth=3, style=dashed, dir=forward, arrowhead=tee",
};

/** Text in quotes; `end` is where a line ends, and where it is aligned to. */
const quoted = (lines: readonly string[], end: "\\n" | "\\l" = "\\n"): string => {
  const safe = lines.map((line) => line.replaceAll(/[\\"]/g, "\\$&").replaceAll("\n", " "));
  return `"${safe.join(end)}${end === "\\l" ? end : ""}"`;
};

function draw(node: Node): string {
  const style = node.mark === undefined ? "" : `, ${STYLES[node.mark]}`;
  return `${quoted([node.id])} [label=${quoted(textsOf(node), "\\l")}${style}];`;
}

function frame(group: Group, at: number): string[] {
  const { name, nodes } = group;
  if (name === undefined) return nodes.map((node) => `  ${draw(node)}`);
  const title = quoted([name, ...remarksOf(group).map(({ line }) => line)], "\\l");
  return [
    `  subgraph cluster_${at} {`,
    `    label=${title}; labeljust=l; style=rounded; color=gray;`,
    ...nodes.map((node) => `    ${draw(node)}`),
    "  }",
  ];
}

/** An undirected graph, drawn from left to right. */
export function dot({ groups, edges }: Graph): string {
  const lines = [
    "graph linkwright {",
    '  rankdir=LR; node [shape=box, style=rounded, fontname="sans-serif"]; graph [fontname="sans-serif"];',
    ...groups.flatMap(frame),
    ...edges.map(({ from, to, mark }) => {
      const style = mark === undefined ? "" : ` [${WAYS[mark]}]`;
      return `  ${quoted([from])} -- ${quoted([to])}${style};`;
    }),
    "}",
  ];
  return `${lines.join("\n")}\n`;
}
