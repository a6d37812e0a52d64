/** Pictures as SVG, in light and in dark. Laid out by hand: a row for each host, a column for each role. */
import { type Graph, type Group, type Node, ROLES } from "./graph.ts";

const MARGIN = 16;
const GAP = { column: 56, row: 14, group: 22 } as const;
const LINE = 16;
const PAD = 9;
const HEAD = 26;
/** Width of a character, a bit more than what sans-serif fonts take on average at this size. */
const CHAR = 7.1;
/** How much wider it is in bold. */
const BOLD = 1.12;

const STYLE = `
  .page { fill: #ffffff } .host { fill: #f6f8fa; stroke: #d0d7de } .node { fill: #ffffff; stroke: #57606a }
  .edge { stroke: #57606a; fill: none; stroke-width: 1.5 } text { font: 12.5px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 } .more { fill: #57606a } .name { font-weight: 600; fill: #57606a }
  .added { stroke: #1a7f37; stroke-width: 2.5 } .changed, .suspect { stroke: #9a6700; stroke-width: 2.5 }
  .removed { stroke: #cf222e; stroke-width: 2; stroke-dasharray: 6 4 } .wrong { stroke: #cf222e; stroke-width: 3 }
  .note { font-weight: 600 } .note.added { fill: #1a7f37 } .note.changed, .note.suspect { fill: #9a6700 }
  .note.removed, .note.wrong { fill: #cf222e } .note { stroke: none !important }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .host { fill: #161b22; stroke: #30363d } .node { fill: #0d1117; stroke: #8b949e }
    .edge { stroke: #8b949e } text { fill: #e6edf3 } .more, .name { fill: #9198a1 }
    .added { stroke: #3fb950 } .changed, .suspect { stroke: #d29922 } .removed, .wrong { stroke: #f85149 }
    .note.added { fill: #3fb950 } .note.changed, .note.suspect { fill: #d29922 } .note.removed, .note.wrong { fill: #f85149 }
  }`;

interface Box {
  readonly node: Node;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const escaped = (text: string): string =>
  text.replaceAll(/[&<>"\p{Cc}]/gu, (char) => `&#${char < " " ? 0xfffd : char.codePointAt(0)};`);
const textsOf = ({ title, lines, note }: Node): string[] => [title, ...lines, ...(note === undefined ? [] : [note])];
const widthOf = (node: Node): number => {
  const widths = textsOf(node).map((text, at) => text.length * CHAR * (at === 0 || text === node.note ? BOLD : 1));
  return Math.ceil(Math.max(...widths)) + 2 * PAD;
};
const heightOf = (node: Node): number => textsOf(node).length * LINE + 2 * PAD - 3;

/** The left edge of each column that has anything in it, and its width. */
function columnsOf(nodes: readonly Node[]): Map<string, { readonly x: number; readonly width: number }> {
  const columns = new Map<string, { x: number; width: number }>();
  let x = 2 * MARGIN;
  for (const role of ROLES) {
    const widths = nodes.filter((node) => node.role === role).map(widthOf);
    if (widths.length === 0) continue;
    const width = Math.max(...widths);
    columns.set(role, { x, width });
    x += width + GAP.column;
  }
  return columns;
}

/** Boxes of one host, from a height on: each column is centered. */
function place(group: Group, columns: ReturnType<typeof columnsOf>, top: number): { boxes: Box[]; height: number } {
  const stacks = ROLES.map((role) => group.nodes.filter((node) => node.role === role));
  const tall = (stack: readonly Node[]): number =>
    stack.reduce((sum, node) => sum + heightOf(node) + GAP.row, -GAP.row);
  const height = Math.max(...stacks.map(tall));
  const boxes = stacks.flatMap((stack) => {
    let y = top + (height - tall(stack)) / 2;
    return stack.map((node): Box => {
      const { x = 0, width = 0 } = columns.get(node.role) ?? {};
      const box = { node, x, y, width, height: heightOf(node) };
      y += box.height + GAP.row;
      return box;
    });
  });
  return { boxes, height };
}

function drawBox({ node, x, y, width, height }: Box): string {
  const mark = node.mark === undefined ? "" : ` ${node.mark}`;
  const texts = textsOf(node).map((text, at, all) => {
    const kind = at === 0 ? "title" : node.note !== undefined && at === all.length - 1 ? `note${mark}` : "more";
    return `<text class="${kind}" x="${x + PAD}" y="${y + PAD + 10 + at * LINE}">${escaped(text)}</text>`;
  });
  return `<rect class="node${mark}" x="${x}" y="${y}" width="${width}" height="${height}" rx="6"/>${texts.join("")}`;
}

function drawEdge(from: Box, to: Box): string {
  const [left, right] = from.x <= to.x ? [from, to] : [to, from];
  const [x1, y1] = [left.x + left.width, left.y + left.height / 2];
  const [x2, y2] = [right.x, right.y + right.height / 2];
  // Within one column the way goes around.
  const bend = x2 > x1 ? (x2 - x1) / 2 : GAP.column / 2;
  return x2 > x1
    ? `<path class="edge" d="M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}"/>`
    : `<path class="edge" d="M${x1} ${y1}C${x1 + bend} ${y1} ${x1 + bend} ${y2} ${right.x + right.width} ${y2}"/>`;
}

/** A picture that stands for itself: no scripts, no fonts, nothing from elsewhere. */
export function svg({ groups, edges }: Graph): string {
  const columns = columnsOf(groups.flatMap(({ nodes }) => nodes));
  const hosts = groups.filter(({ name }) => name !== undefined);
  const inside = Math.max(
    0,
    ...hosts.flatMap(({ nodes }) =>
      nodes.map(({ role }) => (columns.get(role)?.x ?? 0) + (columns.get(role)?.width ?? 0)),
    ),
  );
  let y = MARGIN;
  const frames: string[] = [];
  const boxes = new Map<string, Box>();
  for (const group of hosts) {
    const placed = place(group, columns, y + HEAD);
    for (const box of placed.boxes) boxes.set(box.node.id, box);
    const height = placed.height + HEAD + PAD;
    frames.push(
      `<rect class="host" x="${MARGIN}" y="${y}" width="${inside}" height="${height}" rx="8"/><text class="name" x="${2 * MARGIN}" y="${y + 17}">${escaped(group.name ?? "")}</text>`,
    );
    y += height + GAP.group;
  }
  const bottom = Math.max(y - GAP.group, MARGIN);
  for (const group of groups.filter(({ name }) => name === undefined)) {
    const { height } = place(group, columns, 0);
    for (const box of place(group, columns, Math.max(MARGIN, (MARGIN + bottom - height) / 2)).boxes)
      boxes.set(box.node.id, box);
  }
  const width = Math.max(inside + MARGIN, ...[...boxes.values()].map((box) => box.x + box.width)) + MARGIN;
  const ways = edges.flatMap(({ from, to }) => {
    const [one, other] = [boxes.get(from), boxes.get(to)];
    return one === undefined || other === undefined ? [] : [drawEdge(one, other)];
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${bottom + MARGIN}" width="${width}" height="${bottom + MARGIN}" role="img">
<style>${STYLE}
</style>
<rect class="page" width="100%" height="100%"/>
${[...frames, ...ways, ...[...boxes.values()].map(drawBox)].join("\n")}
</svg>
`;
}
