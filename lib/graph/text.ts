/** Pictures as trees of text. */
import { type Graph, type Mark, type Node, ROLES } from "./graph.ts";

/** Paints a line by the mark of its node. */
export type PaintMark = (mark: Mark | undefined, text: string) => string;

const SIGNS: Readonly<Record<Mark, string>> = { added: "+", changed: "~", removed: "-", wrong: "✗", suspect: "!" };

/** A line for each node: bridges first, with their ports, then outwards. */
export function tree({ groups, edges }: Graph, paint: PaintMark): string[] {
  const nodes = new Map(groups.flatMap((group) => group.nodes).map((node) => [node.id, node]));
  const rank = ({ role }: Node): number => ROLES.indexOf(role);
  const near = (id: string): Node[] =>
    edges
      .flatMap(({ from, to }) => (from === id ? [to] : to === id ? [from] : []))
      .flatMap((one) => nodes.get(one) ?? [])
      .sort((one, other) => rank(one) - rank(other));
  const seen = new Set<string>();
  const draw = (node: Node, lead: string, below: string): string[] => {
    seen.add(node.id);
    const { title, lines, mark, note } = node;
    const words = [title, ...lines].join("  ") + (note === undefined ? "" : `  (${note})`);
    const own = `${lead}${paint(mark, mark === undefined ? words : `${SIGNS[mark]} ${words}`)}`;
    const next = near(node.id).filter(({ id, role }) => !seen.has(id) && role !== "network");
    for (const { id } of next) seen.add(id);
    const rest = next.flatMap((one, at) => {
      const last = at === next.length - 1;
      return draw(one, `${below}${last ? "└─ " : "├─ "}`, `${below}${last ? "   " : "│  "}`);
    });
    return [own, ...rest];
  };
  return groups.flatMap(({ name, nodes: all }) => {
    if (name === undefined) return all.map((node) => [node.title, ...node.lines].join("  "));
    const roots = [...all].sort((one, other) => Number(one.role !== "bridge") - Number(other.role !== "bridge"));
    return [name, ...roots.flatMap((node) => (seen.has(node.id) ? [] : draw(node, "  ", "  ")))];
  });
}
