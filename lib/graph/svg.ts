/** Pictures as SVG, in light and in dark. Laid out by hand: a row for each host, a column for each step of the way. */
import { type Columns, columnsOf } from "./columns.ts";
import { type Graph, type Group, type Mark, type Node, type Remark, remarksOf, textsOf } from "./graph.ts";

const MARGIN = 16;
const GAP = { column: 56, row: 14, group: 22 } as const;
const LINE = 16;
const PAD = 9;
const HEAD = 26;
/** Width of a character, a bit more than what sans-serif fonts take on average at this size. */
const CHAR = 7.1;
/** How much wider it is in bold. */
const BOLD = 1.12;
/** Overlays beside each other where the hosts are not wider than this. */
const LEAST_WIDTH = 640;

const STYLE = `
  .page { fill: #ffffff } .host { fill: #f6f8fa; stroke: #d0d7de } .node { fill: #ffffff; stroke: #57606a }
  .edge { stroke: #57606a; fill: none; stroke-width: 1.5 } text { font: 12.5px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 } .more { fill: #57606a } .name { font-weight: 600; fill: #57606a }
  .added { stroke: #1a7f37; stroke-width: 2.5 } .changed, .suspect { stroke: #9a6700; stroke-width: 2.5 }
  .removed { stroke: #cf222e; stroke-width: 2; stroke-dasharray: 6 4 } .wrong { stroke: #cf222e; stroke-width: 3 }
  .edge.wrong { stroke-dasharray: 3 5 } .cross { stroke: #cf222e; stroke-width: 3; fill: none }
  .note { font-weight: 600 } .note.added { fill: #1a7f37 } .note.changed, .note.suspect { fill: #9a6700 }
  .note.removed, .note.wrong { fill: #cf222e } text.note { stroke: none }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .host { fill: #161b22; stroke: #30363d } .node { fill: #0d1117; stroke: #8b949e }
    .edge { stroke: #8b949e } text { fill: #e6edf3 } .more, .name { fill: #9198a1 }
    .added { stroke: #3fb950 } .changed, .suspect { stroke: #d29922 } .removed, .wrong, .cross { stroke: #f85149 }
    .note.added { fill: #3fb950 } .note.changed, .note.suspect { fill: #d29922 } .note.removed, .note.wrong { fill: #f85149 }
  }`;

interface Box {
  readonly node: Node;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
/** A column that has anything in it. */
interface Column {
  readonly x: number;
  readonly width: number;
}

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"\p{Cc}]/gu, (char) => `&#${char < " " ? 0xfffd : char.codePointAt(0)};`);
/** Letters of East Asia, which are as wide as they are high. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/gu;
const textWidth = (text: string, bold: boolean): number =>
  ([...text].length + (text.match(WIDE)?.length ?? 0)) * CHAR * (bold ? BOLD : 1);
const widthOf = (node: Node): number => {
  const widths = textsOf(node).map((text, at) => textWidth(text, at === 0 || text === node.note));
  return Math.ceil(Math.max(...widths)) + 2 * PAD;
};
const heightOf = (node: Node): number => textsOf(node).length * LINE + 2 * PAD - 3;
const right = ({ x, width }: { readonly x: number; readonly width: number }): number => x + width;

/** Where the columns of all hosts begin, and how wide they are; undefined for those that are empty everywhere. */
function measured(hosts: readonly Columns[]): readonly (Column | undefined)[] {
  const count = Math.max(0, ...hosts.map(({ length }) => length));
  let x = 2 * MARGIN;
  return Array.from({ length: count }, (_, at): Column | undefined => {
    const widths = hosts.flatMap((columns) => columns[at] ?? []).map(widthOf);
    if (widths.length === 0) return undefined;
    const column = { x, width: Math.max(...widths) };
    x = right(column) + GAP.column;
    return column;
  });
}

const tall = (stack: readonly Node[]): number => stack.reduce((sum, node) => sum + heightOf(node) + GAP.row, -GAP.row);

/** Boxes of one host, from a height on: each column is centered. */
function place(columns: Columns, places: ReturnType<typeof measured>, top: number): { boxes: Box[]; height: number } {
  const height = Math.max(0, ...columns.map(tall));
  const boxes = columns.flatMap((stack, at) => {
    const { x = 0, width = 0 } = places[at] ?? {};
    let y = top + (height - tall(stack)) / 2;
    return stack.map((node): Box => {
      const box = { node, x, y, width, height: heightOf(node) };
      y += box.height + GAP.row;
      return box;
    });
  });
  return { boxes, height };
}

/** Boxes in lines that are filled from left to right. */
function flow(nodes: readonly Node[], most: number, top: number): Box[] {
  let [x, y, line] = [2 * MARGIN, top, 0];
  return nodes.map((node): Box => {
    const [width, height] = [widthOf(node), heightOf(node)];
    if (x > 2 * MARGIN && x + width > most) [x, y, line] = [2 * MARGIN, y + line + GAP.row, 0];
    const box = { node, x, y, width, height };
    x += width + GAP.row;
    line = Math.max(line, height);
    return box;
  });
}

const textAt = (kind: string, x: number, y: number, text: string): string =>
  `<text class="${kind}" x="${x}" y="${y}">${escaped(text)}</text>`;
const marked = (kind: string, mark: Mark | undefined): string => (mark === undefined ? kind : `${kind} ${mark}`);

function drawBox({ node, x, y, width, height }: Box): string {
  const texts = textsOf(node).map((text, at, all) => {
    const last = node.note !== undefined && at === all.length - 1;
    const kind = at === 0 ? "title" : last ? marked("note", node.mark) : "more";
    return textAt(kind, x + PAD, y + PAD + 10 + at * LINE, text);
  });
  const frame = `<rect class="${marked("node", node.mark)}" x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>`;
  return `${frame}${texts.join("")}`;
}

function drawEdge(from: Box, to: Box, mark: Mark | undefined): string {
  const [left, other] = from.x <= to.x ? [from, to] : [to, from];
  const [x1, y1] = [right(left), left.y + left.height / 2];
  const y2 = other.y + other.height / 2;
  // Within one column the way goes around.
  const around = other.x <= x1;
  const x2 = around ? right(other) : other.x;
  const [out, back] = around ? [x1 + GAP.column / 2, x2 + GAP.column / 2] : [(x1 + x2) / 2, (x1 + x2) / 2];
  const way = `<path class="${marked("edge", mark)}" d="M${x1} ${y1}C${out} ${y1} ${back} ${y2} ${x2} ${y2}"/>`;
  if (mark !== "wrong") return way;
  const [x, y] = [around ? out - GAP.column / 8 : (x1 + x2) / 2, (y1 + y2) / 2];
  return `${way}<path class="cross" d="M${x - 6} ${y - 6}l12 12m0 -12l-12 12"/>`;
}

interface Frame {
  readonly y: number;
  readonly height: number;
  readonly name: string;
  readonly remarks: readonly (Remark & { readonly line: string })[];
}

function drawFrame({ y, height, name, remarks }: Frame, width: number): string {
  const frame = `<rect class="host" x="${MARGIN}" y="${y}" width="${width}" height="${height}" rx="8"/>`;
  const lines = remarks.map(({ line, mark }, at) =>
    textAt(mark === undefined ? "more" : marked("note", mark), 2 * MARGIN, y + 17 + (at + 1) * LINE, line),
  );
  return `${frame}${textAt("name", 2 * MARGIN, y + 17, name)}${lines.join("")}`;
}

/** Places everything, from above: hosts, what is between them, and overlays. */
class Layout {
  readonly boxes = new Map<string, Box>();
  readonly hosts: Frame[] = [];
  readonly overlays: Frame[] = [];
  /** The width of the frames of hosts. */
  inside = 0;
  width = 0;
  height = MARGIN;
  #y = MARGIN;

  constructor(graph: Graph) {
    const columns = columnsOf(graph);
    const places = measured(columns);
    const edge = Math.max(0, ...places.map((one) => (one === undefined ? 0 : right(one))));
    const heads = graph.groups.flatMap((group) => [group.name ?? "", ...remarksOf(group).map(({ line }) => line)]);
    const told = Math.max(0, ...heads.map((line) => textWidth(line, true))) + 3 * MARGIN;
    this.inside = Math.ceil(Math.max(edge, told));
    const isOverlays = ({ nodes: [first] }: Group): boolean => first?.role === "overlay";
    const isBetween = ({ name }: Group): boolean => name === undefined;
    graph.groups.forEach((group, at) => {
      if (!isBetween(group) && !isOverlays(group)) this.#host(group, columns[at] ?? [], places);
    });
    const bottom = Math.max(MARGIN, this.#y - GAP.group);
    for (const group of graph.groups.filter(isBetween)) this.#network(group, bottom);
    this.width = Math.max(this.inside + MARGIN, ...[...this.boxes.values()].map(right)) + MARGIN;
    this.height = Math.max(bottom, ...[...this.boxes.values()].map(({ y, height }) => y + height)) + MARGIN;
    for (const group of graph.groups.filter(isOverlays)) this.#legend(group);
  }

  #add(boxes: readonly Box[]): void {
    for (const box of boxes) this.boxes.set(box.node.id, box);
  }

  #host(group: Group, columns: Columns, places: ReturnType<typeof measured>): void {
    const remarks = remarksOf(group);
    const head = HEAD + remarks.length * LINE;
    const { boxes, height } = place(columns, places, this.#y + head);
    this.#add(boxes);
    this.hosts.push({ y: this.#y, height: height + head + PAD, name: group.name ?? "", remarks });
    this.#y += height + head + PAD + GAP.group;
  }

  #network({ nodes }: Group, bottom: number): void {
    const x = this.inside + MARGIN + GAP.column;
    let y = Math.max(MARGIN, (MARGIN + bottom - tall(nodes)) / 2);
    const boxes = nodes.map((node): Box => {
      const box = { node, x, y, width: widthOf(node), height: heightOf(node) };
      y += box.height + GAP.row;
      return box;
    });
    this.#add(boxes);
  }

  #legend({ name = "", nodes }: Group): void {
    this.width = Math.max(this.width, LEAST_WIDTH, ...nodes.map((node) => widthOf(node) + 4 * MARGIN));
    const y = this.height - MARGIN + GAP.group;
    const boxes = flow(nodes, this.width - 2 * MARGIN, y + HEAD);
    this.#add(boxes);
    const end = Math.max(...boxes.map((box) => box.y + box.height)) + PAD;
    this.overlays.push({ y, height: end - y, name, remarks: [] });
    this.height = end + MARGIN;
  }
}

/** A picture that stands for itself: no scripts, no fonts, nothing from elsewhere. */
export function svg(graph: Graph): string {
  const { boxes, hosts, overlays, inside, width, height } = new Layout(graph);
  const ways = graph.edges.flatMap(({ from, to, mark }) => {
    const [one, other] = [boxes.get(from), boxes.get(to)];
    return one === undefined || other === undefined ? [] : [drawEdge(one, other, mark)];
  });
  const frames = [
    ...hosts.map((one) => drawFrame(one, inside)),
    ...overlays.map((one) => drawFrame(one, width - 2 * MARGIN)),
  ];
  const names = hosts.map(({ name }) => name).join(", ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${escaped(names)}</title>
<style>${STYLE}
</style>
<rect class="page" width="100%" height="100%"/>
${[...frames, ...ways, ...[...boxes.values()].map(drawBox)].join("\n")}
</svg>
`;
}
