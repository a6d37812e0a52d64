/** Pictures as Mermaid, which forges draw in Markdown. */
import { type Graph, type Group, type Mark, type Node, remarksOf, textsOf } from "./graph.ts";

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

/** A flowchart. */
export function mermaid({ groups, edges }: Graph): string {
  const nodes = groups.flatMap((group) => group.nodes);
  const ids = new Map(nodes.map(({ id }, at) => [id, `n${at}`]));
  const draw = (node: Node): string =>
    `${ids.get(node.id)}[${quoted(textsOf(node))}]${node.mark === undefined ? "" : `:::${node.mark}`}`;
  const frame = (group: Group, at: number): string[] => {
    const { name, nodes: own } = group;
    if (name === undefined) return own.map((node) => `  ${draw(node)}`);
    const title = quoted([name, ...remarksOf(group).map(({ line }) => line)]);
    return [`  subgraph g${at}[${title}]`, ...own.map((node) => `    ${draw(node)}`), "  end"];
  };
  const marks = [...new Set(nodes.flatMap(({ mark }) => (mark === undefined ? [] : [mark])))];
  const lines = [
    "flowchart LR",
    ...groups.flatMap(frame),
    ...edges.map(({ from, to, mark }) => `  ${ids.get(from)} ${mark === "wrong" ? "---x" : "---"} ${ids.get(to)}`),
    ...edges.flatMap(({ mark }, at) => (mark === undefined ? [] : [`  linkStyle ${at} ${STYLES[mark]}`])),
    ...marks.map((mark) => `  classDef ${mark} ${STYLES[mark]}`),
  ];
  return `${lines.join("\n")}\n`;
}
