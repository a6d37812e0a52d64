/** Pictures as DOT, for Graphviz. */
import type { Graph, Mark, Node } from "./graph.ts";

const STYLES: Readonly<Record<Mark, string>> = {
  added: "color=forestgreen, penwidth=2",
  changed: "color=darkgoldenrod, penwidth=2",
  removed: 'color=firebrick, penwidth=2, style="rounded,dashed"',
  wrong: "color=firebrick, penwidth=3",
  suspect: "color=darkgoldenrod, penwidth=3",
};

const quoted = (text: string): string => `"${text.replaceAll(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`;
const labelOf = ({ title, lines, note }: Node): string =>
  [title, ...lines, ...(note === undefined ? [] : [note])].join("\n");

function draw(node: Node): string {
  const style = node.mark === undefined ? "" : `, ${STYLES[node.mark]}`;
  return `${quoted(node.id)} [label=${quoted(labelOf(node))}${style}];`;
}

/** An undirected graph, drawn from left to right. */
export function dot({ groups, edges }: Graph): string {
  const lines = [
    "graph linkwright {",
    '  rankdir=LR; node [shape=box, style=rounded, fontname="sans-serif"]; graph [fontname="sans-serif"];',
    ...groups.flatMap((group, at) =>
      group.name === undefined
        ? group.nodes.map((node) => `  ${draw(node)}`)
        : [
            `  subgraph cluster_${at} {`,
            `    label=${quoted(group.name)};`,
            ...group.nodes.map((node) => `    ${draw(node)}`),
            "  }",
          ],
    ),
    ...edges.map(({ from, to }) => `  ${quoted(from)} -- ${quoted(to)};`),
    "}",
  ];
  return `${lines.join("\n")}\n`;
}
