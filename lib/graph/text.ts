/** Pictures as trees of text. */
import { type Graph, type Group, type Mark, type Node, type Role, remarksOf, SIGNS } from "./graph.ts";

/** Paints a line by the mark of its node. */
export type PaintMark = (mark: Mark | undefined, text: string) => string;

const ORDER: readonly Role[] = ["guest", "bridge", "tunnel", "underlay", "network", "overlay"];

function lineOf({ title, lines, mark, note }: Node): string {
  const words = [title, ...lines].join("  ") + (note === undefined ? "" : `  (${note})`);
  return mark === undefined ? words : `${SIGNS[mark]} ${words}`;
}

/** A line for each node: bridges first, with their ports, then outwards; where ways meet, the second has its name only. */
export function tree({ groups, edges }: Graph, paint: PaintMark): string[] {
  const nodes = new Map(groups.flatMap((group) => group.nodes).map((node) => [node.id, node]));
  const rank = ({ role }: Node): number => ORDER.indexOf(role);
  const nodesOf = (ids: readonly string[]): Node[] => [...new Set(ids)].flatMap((id) => nodes.get(id) ?? []);
  const outwards = (id: string): Node[] => nodesOf(edges.flatMap(({ from, to }) => (from === id ? [to] : [])));
  const inwards = (id: string): Node[] => nodesOf(edges.flatMap(({ from, to }) => (to === id ? [from] : [])));
  const stops = new Set(edges.flatMap(({ from, mark }) => (mark === "wrong" ? [from] : [])));
  const seen = new Set<string>();
  const draw = (node: Node, lead: string, below: string, before?: string): string[] => {
    seen.add(node.id);
    const end = stops.has(node.id) ? "  ⟵ no further" : "";
    const own = `${lead}${paint(node.mark ?? (end === "" ? undefined : "wrong"), `${lineOf(node)}${end}`)}`;
    // From a device that packets leave by the way does not lead back to others that leave by it.
    const inner = node.role === "underlay" ? [] : inwards(node.id).filter(({ id }) => !seen.has(id));
    const out = outwards(node.id).filter(({ id, role }) => role !== "network" && id !== node.id && id !== before);
    const next = nodesOf([...inner, ...out].map(({ id }) => id)).sort((one, other) => rank(one) - rank(other));
    const again = new Set(next.flatMap(({ id }) => (seen.has(id) ? [id] : [])));
    for (const { id } of next) seen.add(id);
    const rest = next.flatMap((one, at) => {
      const last = at === next.length - 1;
      const [first, further] = [`${below}${last ? "└─ " : "├─ "}`, `${below}${last ? "   " : "│  "}`];
      return again.has(one.id) ? [`${first}${one.title}`] : draw(one, first, further, node.id);
    });
    return [own, ...rest];
  };
  const drawGroup = (group: Group): string[] => {
    const { name, nodes: all } = group;
    if (name === undefined) return all.map((node) => paint(node.mark, lineOf(node)));
    const roots = [...all].sort((one, other) => Number(one.role !== "bridge") - Number(other.role !== "bridge"));
    const remarks = remarksOf(group).map(({ mark, line }) => `  ${paint(mark, line)}`);
    return [name, ...remarks, ...roots.flatMap((node) => (seen.has(node.id) ? [] : draw(node, "  ", "  ")))];
  };
  return groups.flatMap(drawGroup);
}
