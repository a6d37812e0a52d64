/** A picture before it is drawn: hosts, what they have, and how packets go. Knows nothing of netlink or documents. */

/** Where on the way of a packet something is, from the guest outwards. */
export const ROLES = ["guest", "bridge", "tunnel", "underlay", "network"] as const;
/** One of them. */
export type Role = (typeof ROLES)[number];

/** What is to be seen at a glance: what a plan does to it, or that something is wrong with it. */
export type Mark = "added" | "changed" | "removed" | "wrong" | "suspect";

/** A link, or what is at the other end. */
export interface Node {
  /** Unique in the graph. */
  readonly id: string;
  readonly title: string;
  /** What else is to be read: kind, MTU, addresses. */
  readonly lines: readonly string[];
  readonly role: Role;
  readonly mark?: Mark;
  /** Why it is marked. */
  readonly note?: string;
}
/** A way between two nodes, outwards. */
export interface Edge {
  readonly from: string;
  readonly to: string;
}
/** A host and what it has; without a name, what is between hosts. */
export interface Group {
  readonly name?: string;
  readonly nodes: readonly Node[];
}
/** All of it. */
export interface Graph {
  readonly groups: readonly Group[];
  readonly edges: readonly Edge[];
}

/** A link, as much of it as is drawn. */
export interface GraphLink {
  readonly name: string;
  readonly kind: string;
  readonly mtu?: number | undefined;
  /** What is wrong with its state, such as `down`. */
  readonly state?: string | undefined;
  readonly addresses: readonly string[];
  readonly master?: string | undefined;
  readonly dev?: string | undefined;
  readonly vni?: number | undefined;
  /** Where a tunnel sends to. */
  readonly peers?: readonly string[] | undefined;
}

/** Marks by the name of a link. */
export type Marks = Readonly<Record<string, { readonly mark: Mark; readonly note?: string }>>;

function roleOf(link: GraphLink, links: readonly GraphLink[]): Role {
  if (link.peers !== undefined) return "tunnel";
  if (links.some(({ dev }) => dev === link.name)) return "underlay";
  if (links.some(({ master }) => master === link.name)) return "bridge";
  return link.master === undefined && link.kind === "bridge"
    ? "bridge"
    : link.master === undefined
      ? "underlay"
      : "guest";
}

function linesOf({ kind, mtu, vni, state, addresses }: GraphLink): string[] {
  return [
    [kind, ...(vni === undefined ? [] : [`VNI ${vni}`]), ...(mtu === undefined ? [] : [`MTU ${mtu}`])].join(", "),
    ...(state === undefined ? [] : [state]),
    ...addresses,
  ];
}

/** One host's part; `names` is the prefix of its ids. Links that nothing hangs on are left out. */
function hostPart(name: string, links: readonly GraphLink[], marks: Marks = {}): { group: Group; edges: Edge[] } {
  const id = (link: string): string => `${name}/${link}`;
  const joined = (link: GraphLink): boolean =>
    link.master !== undefined ||
    link.dev !== undefined ||
    link.peers !== undefined ||
    marks[link.name] !== undefined ||
    links.some(({ master, dev }) => master === link.name || dev === link.name);
  const shown = links.filter(joined);
  const known = new Set(shown.map((link) => link.name));
  const nodes = shown.map((link): Node => {
    const own = { id: id(link.name), title: link.name, lines: linesOf(link), role: roleOf(link, links) };
    return { ...own, ...marks[link.name] };
  });
  const edges = shown.flatMap((link): Edge[] => {
    const bridge = link.master !== undefined && known.has(link.master) ? link.master : undefined;
    // Outwards: a guest's port leads to the bridge, the bridge to the tunnel.
    const up = bridge === undefined ? [] : link.peers === undefined ? [[link.name, bridge]] : [[bridge, link.name]];
    const down = link.dev === undefined || !known.has(link.dev) ? [] : [[link.name, link.dev]];
    return [...up, ...down].map(([from = "", to = ""]) => ({ from: id(from), to: id(to) }));
  });
  return { group: { name, nodes }, edges };
}

/** What is between hosts: the network that their underlay devices are in, with all that tunnels send to. */
function network(hosts: readonly { readonly name: string; readonly links: readonly GraphLink[] }[]): {
  group: Group;
  edges: Edge[];
} {
  const own = new Set(
    hosts.flatMap(({ links }) => links.flatMap(({ addresses }) => addresses.map((one) => one.split("/")[0]))),
  );
  const far = [...new Set(hosts.flatMap(({ links }) => links.flatMap(({ peers = [] }) => peers)))].filter(
    (one) => !own.has(one),
  );
  const node: Node = { id: "network", title: "underlay network", lines: far, role: "network" };
  const edges = hosts.flatMap(({ name, links }) =>
    [...new Set(links.flatMap(({ peers, dev }) => (peers === undefined || dev === undefined ? [] : [dev])))].map(
      (dev) => {
        return { from: `${name}/${dev}`, to: node.id };
      },
    ),
  );
  return { group: { nodes: edges.length === 0 ? [] : [node] }, edges };
}

/** The whole picture of some hosts. */
export function graphOf(
  hosts: readonly { readonly name: string; readonly links: readonly GraphLink[]; readonly marks?: Marks }[],
): Graph {
  const parts = hosts.map(({ name, links, marks }) => hostPart(name, links, marks));
  const between = network(hosts);
  const edges = [...parts.flatMap((part) => part.edges), ...between.edges];
  const ids = new Set([...parts.flatMap(({ group }) => group.nodes), ...between.group.nodes].map(({ id }) => id));
  return {
    groups: [...parts.map(({ group }) => group), between.group].filter(({ nodes }) => nodes.length > 0),
    edges: edges.filter(({ from, to }) => ids.has(from) && ids.has(to)),
  };
}
