/** Draws links as trees: a bridge with its ports, a VXLAN with what it sends through. */
import { escapeText } from "./escape.ts";
import { type Finding, findFaults, type PathLink, type Tunnel } from "./path.ts";
import { table } from "./table.ts";
import type { Palette } from "./terminal.ts";
import { wrapped } from "./text-width.ts";

/** How to draw. */
export interface TreeStyle {
  readonly palette: Palette;
  readonly width: number;
}

interface Branch {
  readonly link: PathLink;
  readonly children: readonly Branch[];
  readonly note?: string;
}

const PEERS_SHOWN = 3;

/** Guests before the tunnel: that is the way of the packet. */
function inOrder(a: PathLink, b: PathLink): number {
  return Number(a.tunnel !== undefined) - Number(b.tunnel !== undefined) || (a.name < b.name ? -1 : 1);
}

function grow(link: PathLink, links: readonly PathLink[], above: readonly string[], note?: string): Branch {
  const path = [...above, link.name];
  const ports = links.filter((one) => one.master === link.name && !path.includes(one.name)).sort(inOrder);
  const lower = links.find((one) => one.name === link.dev && !path.includes(one.name));
  return {
    link,
    children: [
      ...ports.map((port) => grow(port, links, path)),
      // A link that is shown as what another sends through does not show its own ports again.
      ...(lower === undefined ? [] : [grow(lower, links, path, link.routed ? "by route" : undefined)]),
    ],
    ...(note === undefined ? {} : { note }),
  };
}

/** Bridges that hold a tunnel come first, then other trees, then links by themselves. */
function rootsOf(links: readonly PathLink[]): Branch[] {
  const below = new Set(links.flatMap((link) => (link.dev === undefined ? [] : [link.dev])));
  const named = new Set(links.map((link) => link.name));
  const tops = links.filter((link) => !named.has(link.master ?? "") && !below.has(link.name));
  const reached = new Set<string>();
  const note = (branch: Branch): void => {
    reached.add(branch.link.name);
    branch.children.forEach(note);
  };
  const roots = tops.map((link) => grow(link, links, []));
  roots.forEach(note);
  // What only refers to each other has no top; nothing may be left out for that.
  for (const link of links)
    if (!reached.has(link.name)) {
      const branch = grow(link, links, []);
      note(branch);
      roots.push(branch);
    }
  const rank = ({ link, children }: Branch): number =>
    children.length === 0 ? 2 : link.tunnel !== undefined || children.some((child) => child.link.tunnel) ? 0 : 1;
  return roots.sort((a, b) => rank(a) - rank(b));
}

function tunnelText({ vni, dstport, local, peers }: Tunnel): string {
  const shown = peers.slice(0, PEERS_SHOWN).map(escapeText).join(", ");
  const more = peers.length > PEERS_SHOWN ? ` and ${peers.length - PEERS_SHOWN} more` : "";
  const parts = [
    vni === undefined ? "any VNI" : `VNI ${vni}`,
    ...(local === undefined ? [] : [`from ${escapeText(local)}`]),
    peers.length === 0 ? "to learned peers only" : `to ${shown}${more}`,
    ...(dstport === undefined ? [] : [`port ${dstport}`]),
  ];
  return parts.join(" ");
}

function details({ link, note }: Branch, findings: readonly Finding[], palette: Palette): string {
  const words = [
    ...link.addresses.map(escapeText),
    ...(link.tunnel === undefined ? [] : [tunnelText(link.tunnel)]),
    ...(note === undefined ? [] : [palette.faint(`(${note})`)]),
  ].join(" ");
  const marks = findings
    .filter((finding) => finding.mark !== link.state)
    .map((finding) => escapeText(finding.mark))
    .join(", ");
  if (marks === "") return words;
  const color = findings.some((finding) => finding.severity === "lost") ? palette.bad : palette.notable;
  return [color(`◄ ${marks}`), words].filter((part) => part !== "").join("  ");
}

function rowsOf(branch: Branch, faults: readonly Finding[], palette: Palette, first: string, rest: string): string[][] {
  const { link, children } = branch;
  const own = faults.filter((finding) => finding.link === link.name);
  const size = own.some((finding) => finding.mark !== link.state) ? palette.bad : (text: string) => text;
  const state = link.state === "up" ? palette.good : link.state === "down" ? palette.bad : palette.notable;
  const row = [
    palette.faint(first) + palette.strong(escapeText(link.name)),
    escapeText(link.kind),
    size(`mtu ${link.mtu}`),
    state(escapeText(link.state)),
    details(branch, own, palette),
  ];
  return [
    row,
    ...children.flatMap((child, index) => {
      const last = index === children.length - 1;
      return rowsOf(child, faults, palette, `${rest}${last ? "└─ " : "├─ "}`, `${rest}${last ? "   " : "│  "}`);
    }),
  ];
}

/** The links as trees, and below them what does not fit, each in a sentence. */
export function drawPaths(links: readonly PathLink[], style: TreeStyle): string[] {
  const { palette } = style;
  const faults = findFaults(links);
  const rows = rootsOf(links).flatMap((branch) => rowsOf(branch, faults, palette, "", ""));
  const width = Number.isFinite(style.width) ? style.width : 1000;
  const sentences = faults.flatMap((finding) => {
    const sign = finding.severity === "lost" ? palette.bad("✗") : palette.notable("!");
    const name = escapeText(finding.link);
    const lines = wrapped(`${name} ${escapeText(finding.text)}`, width - 2);
    return lines.map((line, index) =>
      index === 0 ? `${sign} ${line.replace(name, () => palette.strong(name))}` : `  ${line}`,
    );
  });
  return [...table(rows, width), ...(sentences.length > 0 ? ["", ...sentences] : [])];
}
