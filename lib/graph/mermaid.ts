/** Pictures as Mermaid, which forges draw in Markdown. */
import type { Graph, Mark, Node } from "./graph.ts";

const STYLES: Readonly<Record<Mark, string>> = {
  added: "stroke:#2da44e,stroke-width:3px",
  changed: "stroke:#bf8700,stroke-width:3px",
  removed: "stroke:#cf222e,stroke-width:3px,stroke-dasharray:5",
  wrong: "stroke:#cf222e,stroke-width:4px",
  suspect: "stroke:#bf8700,stroke-width:4px",
};

/** Text in quotes: Mermaid takes numbered entities and reads everything else as Markdown or HTML. */
function quoted(lines: readonly string[]): string {
  const safe = lines.map((line) => line.replaceAll(/[^\w .,:/()+-]/gu, (char) => `#${char.codePointAt(0)};`));
  return `"${safe.join("<br>")}"`;
}

const linesOf = ({ title, lines, note }: Node): string[] => [title, ...lines, ...(note === undefined ? [] : [note])];

/** A flowchart. */
export function mermaid({ groups, edges }: Graph): string {
  const nodes = groups.flatMap((group) => group.nodes);
  const ids = new Map(nodes.map(({ id }, at) => [id, `n${at}`]));
  const draw = (node: Node): string =>
    `${ids.get(node.id)}[${quoted(linesOf(node))}]${node.mark === undefined ? "" : `:::${node.mark}`}`;
  const marks = [...new Set(nodes.flatMap(({ mark }) => (mark === undefined ? [] : [mark])))];
  const lines = [
    "flowchart LR",
    ...groups.flatMap((group, at) =>
      group.name === undefined
        ? group.nodes.map((node) => `  ${draw(node)}`)
        : [`  subgraph g${at}[${quoted([group.name])}]`, ...group.nodes.map((node) => `    ${draw(node)}`), "  end"],
    ),
    ...edges.map(({ from, to }) => `  ${ids.get(from)} --- ${ids.get(to)}`),
    ...marks.map((mark) => `  classDef ${mark} ${STYLES[mark]}`),
  ];
  return `${lines.join("\n")}\n`;
}
