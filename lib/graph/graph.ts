/** A picture before it is drawn: hosts, what they have, and how packets go. Knows nothing of netlink or documents. */

/** What something is on the way of a packet, from the guest outwards; an overlay is what the hosts have in common. */
export type Role = "guest" | "bridge" | "tunnel" | "underlay" | "network" | "overlay";

/** What is to be seen at a glance: what a plan does to it, or that something is wrong with it. */
export type Mark = "added" | "changed" | "removed" | "wrong" | "suspect";

/** Marks for those who see no colors. */
export const SIGNS: Readonly<Record<Mark, string>> = {
  added: "+",
  changed: "~",
  removed: "−",
  wrong: "✗",
  suspect: "!",
};

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
  /** What a plan does to it; `wrong` where packets get no further. */
  readonly mark?: Mark;
}
/** What is told of a host, and of none of its links. */
export interface Remark {
  readonly mark?: Mark;
  readonly text: string;
}
/** A host and what it has; without a name, what is between hosts. */
export interface Group {
  readonly name?: string;
  readonly remarks?: readonly Remark[];
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
  /** The address that tunnels of this host end at. */
  readonly vtep?: string | undefined;
  readonly master?: string | undefined;
  readonly dev?: string | undefined;
  readonly vni?: number | undefined;
  /** Where a tunnel sends to. */
  readonly peers?: readonly string[] | undefined;
  /** More lines. */
  readonly more?: readonly string[];
}

/** What a link is marked with. */
export interface Marked {
  readonly mark: Mark;
  readonly note?: string;
  /** Packets get no further than this. */
  readonly stops?: boolean;
}
/** Marks by the name of a link. */
export type Marks = Readonly<Record<string, Marked>>;

/** A host as it is to be drawn. */
export interface GraphHost {
  readonly name: string;
  readonly links: readonly GraphLink[];
  readonly marks?: Marks;
  readonly remarks?: readonly Remark[];
}
/** What is between hosts, as it is to be drawn. */
export interface Between {
  /** What is told of the network of the underlays. */
  readonly lines?: readonly string[];
  readonly marked?: Marked;
  readonly overlays?: readonly { readonly title: string; readonly lines: readonly string[] }[];
}

/** More lines of one sort than this are counted. */
const MANY = 6;

/** The first of many, and how many more there are. */
function few(lines: readonly string[]): readonly string[] {
  return lines.length <= MANY ? lines : [...lines.slice(0, MANY - 1), `and ${lines.length - MANY + 1} more`];
}

/** An address without the length of its network. */
const bare = (address: string): string => address.split("/")[0] ?? "";

const isBridge = (link: GraphLink | undefined): boolean => link?.kind === "bridge";

/** The links of one host, by what they have to do with each other. */
class Links {
  readonly all: readonly GraphLink[];
  readonly #byName: ReadonlyMap<string, GraphLink>;
  /** Names of links that others are ports of, or send through. */
  readonly #used: ReadonlySet<string | undefined>;

  constructor(links: readonly GraphLink[]) {
    this.all = links;
    this.#byName = new Map(links.map((link) => [link.name, link]));
    this.#used = new Set(links.flatMap(({ master, dev }) => [master, dev]));
  }

  named(name: string | undefined): GraphLink | undefined {
    return name === undefined ? undefined : this.#byName.get(name);
  }

  /** Whether anything hangs on it, or it hangs on anything. */
  isJoined({ name, master, dev, peers }: GraphLink): boolean {
    return master !== undefined || dev !== undefined || peers !== undefined || this.#used.has(name);
  }

  role(link: GraphLink): Role {
    if (link.peers !== undefined) return "tunnel";
    if (isBridge(link) || link.kind === "vrf") return "bridge";
    // A card in a bridge leads out of it.
    if (link.kind !== "device" && isBridge(this.named(link.master))) return "guest";
    return isBridge(this.named(link.dev)) ? "guest" : "underlay";
  }

  /** Ways from a link and to it, outwards: from a guest's port to the bridge, from the bridge to the tunnel. */
  ways(link: GraphLink): (readonly [from: string, to: string])[] {
    const { name, dev } = link;
    const master = this.named(link.master);
    // What belongs to a bond or a VRF, and what leads out of a bridge, is further out than that.
    const outside = !isBridge(master) || this.role(link) !== "guest";
    const up = master === undefined ? [] : outside ? [[master.name, name] as const] : [[name, master.name] as const];
    return this.named(dev) === undefined ? up : [...up, [name, dev ?? ""]];
  }
}

function linesOf({ kind, mtu, vni, state, addresses, vtep, more = [] }: GraphLink): string[] {
  return [
    [kind, ...(vni === undefined ? [] : [`VNI ${vni}`]), ...(mtu === undefined ? [] : [`MTU ${mtu}`])].join(", "),
    ...(state === undefined ? [] : [state]),
    ...(vtep === undefined ? [] : [`VTEP ${vtep}`]),
    ...few(more),
    ...few(addresses.filter((one) => bare(one) !== vtep)),
  ];
}

/** What a plan does to a way is what it does to its ends. */
function markOf(from: Marked | undefined, to: Marked | undefined): { mark?: Mark } {
  if (from?.stops === true) return { mark: "wrong" };
  const marks = [from?.mark, to?.mark];
  const mark = (["removed", "added"] as const).find((one) => marks.includes(one));
  return mark === undefined ? {} : { mark };
}

interface Part {
  readonly group: Group;
  readonly edges: readonly Edge[];
  /** The links by which packets leave the host, with their marks. */
  readonly leave: readonly { readonly id: string; readonly marked: Marked | undefined }[];
}

/** One host's part; its name is the prefix of its ids. Links that nothing hangs on are left out. */
function hostPart({ name, links: all, marks = {}, remarks }: GraphHost): Part {
  const id = (link: string): string => `${name}/${link}`;
  const links = new Links(all);
  const shown = links.all.filter((link) => links.isJoined(link) || marks[link.name] !== undefined);
  const nodes = shown.map((link): Node => {
    const { mark, note } = marks[link.name] ?? {};
    const own = { id: id(link.name), title: link.name, lines: linesOf(link), role: links.role(link) };
    return { ...own, ...(mark !== undefined && { mark }), ...(note !== undefined && { note }) };
  });
  const ways = shown.flatMap((link) => links.ways(link));
  const next = (from: string): string[] => ways.flatMap(([one, to]) => (one === from ? [to] : []));
  const leave = new Set<string>();
  const seen = new Set<string>();
  const follow = (link: string): void => {
    if (seen.has(link)) return;
    seen.add(link);
    const further = next(link);
    if (further.length === 0) leave.add(link);
    for (const one of further) follow(one);
  };
  for (const { name: tunnel, peers } of shown) if (peers !== undefined) follow(tunnel);
  return {
    group: { name, ...(remarks !== undefined && remarks.length > 0 && { remarks }), nodes },
    edges: ways.map(([from, to]) => ({ from: id(from), to: id(to), ...markOf(marks[from], marks[to]) })),
    leave: [...leave].map((link) => ({ id: id(link), marked: marks[link] })),
  };
}

const NETWORK = "network";

/** What is between hosts: the network that their underlay devices are in, with all that tunnels send to. */
function betweenPart(hosts: readonly GraphHost[], leave: Part["leave"], between: Between): Omit<Part, "leave"> {
  const { lines = [], marked } = between;
  const links = hosts.flatMap((host) => host.links);
  const own = new Set<string | undefined>(links.flatMap(({ addresses, vtep }) => [...addresses.map(bare), vtep]));
  const far = [...new Set(links.flatMap(({ peers = [] }) => peers))].filter((one) => !own.has(one));
  if (leave.length === 0) return { group: { nodes: [] }, edges: [] };
  const { mark, note } = marked ?? {};
  const node: Node = {
    ...{ id: NETWORK, title: "underlay network", lines: [...lines, ...few(far)], role: "network" },
    ...(mark !== undefined && { mark }),
    ...(note !== undefined && { note }),
  };
  const cut: { mark?: Mark } = marked?.stops === true ? { mark: "wrong" } : {};
  return {
    group: { nodes: [node] },
    edges: leave.map(({ id, marked: own }) => ({ from: id, to: NETWORK, ...markOf(own, undefined), ...cut })),
  };
}

/** The whole picture of some hosts, and of what is between them. */
export function graphOf(hosts: readonly GraphHost[], between: Between = {}): Graph {
  const parts = hosts.map(hostPart);
  const network = betweenPart(
    hosts,
    parts.flatMap(({ leave }) => leave),
    between,
  );
  const overlays = (between.overlays ?? []).map(
    (one, at): Node => ({ ...one, id: `overlay/${at}`, role: "overlay", lines: few(one.lines) }),
  );
  const groups = [...parts.map(({ group }) => group), network.group, { name: "overlays", nodes: overlays }];
  return {
    groups: groups.filter(({ nodes, remarks = [] }) => nodes.length + remarks.length > 0),
    edges: [...parts.flatMap((part) => part.edges), ...network.edges],
  };
}

/** What is written in a node's box, from above. */
export function textsOf({ title, lines, mark, note }: Node): string[] {
  return [mark === undefined ? title : `${SIGNS[mark]} ${title}`, ...lines, ...(note === undefined ? [] : [note])];
}

/** What is told of a group, with its mark. */
export function remarksOf({ remarks = [] }: Group): readonly (Remark & { readonly line: string })[] {
  return remarks.map((one) => ({ ...one, line: one.mark === undefined ? one.text : `${SIGNS[one.mark]} ${one.text}` }));
}
