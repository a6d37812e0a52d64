/** In which column each node of a picture stands, and in which order, from the guests on the left to the network. */
import type { Edge, Graph, Node, Role } from "./graph.ts";

/** How many columns there are at least to the right of a node, within the part of the host that it belongs to. */
const LEAST: Readonly<Record<Role, number>> = { guest: 2, bridge: 1, tunnel: 0, underlay: 0, network: 0, overlay: 0 };

/** Whether it is a device that packets leave by, which stand on the right of each host. */
const isOuter = ({ role }: Node): boolean => role === "underlay";

/** How many steps it is from each node to the last one of its part of the host; a circle is cut. */
function distances(nodes: readonly Node[], edges: readonly Edge[]): ReadonlyMap<string, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const next = new Map<string, Node[]>();
  for (const { from, to } of edges) {
    const [one, other] = [byId.get(from), byId.get(to)];
    if (one === undefined || other === undefined || isOuter(one) !== isOuter(other)) continue;
    next.set(from, [...(next.get(from) ?? []), other]);
  }
  const found = new Map<string, number>();
  const way = new Set<string>();
  const distance = (node: Node): number => {
    const known = found.get(node.id);
    if (known !== undefined || way.has(node.id)) return known ?? 0;
    way.add(node.id);
    const further = (next.get(node.id) ?? []).map((one) => distance(one) + 1);
    way.delete(node.id);
    const steps = Math.max(LEAST[node.role], ...further);
    found.set(node.id, steps);
    return steps;
  };
  for (const node of nodes) distance(node);
  return found;
}

/** Puts nodes beside those that they lead to: by the middle of their places. */
function beside(nodes: readonly Node[], places: ReadonlyMap<string, number>, edges: readonly Edge[]): Node[] {
  const middle = ({ id }: Node, at: number): number => {
    const ends = edges.flatMap(({ from, to }) => (from === id ? [to] : to === id ? [from] : []));
    const known = ends.flatMap((one) => places.get(one) ?? []);
    return known.length === 0 ? at : known.reduce((sum, one) => sum + one, 0) / known.length;
  };
  return nodes
    .map((node, at) => ({ node, by: middle(node, at) }))
    .sort((one, other) => one.by - other.by)
    .map(({ node }) => node);
}

/** The columns of one host, from left to right; some may be empty. */
export type Columns = readonly (readonly Node[])[];

/** Columns of each host of a picture: the same for all, so that what is alike stands below each other. */
export function columnsOf({ groups, edges }: Graph): readonly Columns[] {
  const hosts = groups.map(({ nodes }) => nodes.filter(({ role }) => role !== "network" && role !== "overlay"));
  const steps = distances(hosts.flat(), edges);
  const stepsOf = ({ id }: Node): number => steps.get(id) ?? 0;
  const widest = (outer: boolean): number =>
    Math.max(-1, ...hosts.flat().flatMap((node) => (isOuter(node) === outer ? [stepsOf(node)] : [])));
  const [inside, outside] = [widest(false), widest(true)];
  const columnOf = (node: Node): number =>
    isOuter(node) ? inside + 1 + outside - stepsOf(node) : inside - stepsOf(node);
  return hosts.map((nodes) => {
    const columns: Node[][] = Array.from({ length: inside + outside + 2 }, () => []);
    for (const node of nodes) columns[columnOf(node)]?.push(node);
    const places = new Map<string, number>();
    // What is further out has its place already.
    const ordered = columns.toReversed().map((column) => {
      const found = beside(column, places, edges);
      found.forEach((node, at) => void places.set(node.id, at));
      return found;
    });
    return ordered.reverse();
  });
}
