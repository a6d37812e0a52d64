/** `linkwright fabric …` */
import { Document, visit } from "yaml";
import { derive, fabricOf } from "../../fabric/fabric.ts";
import type { Fabric } from "../../fabric/overlay.ts";
import { desiredOf, readSource } from "../../state/index.ts";
import type { Run } from "../command.ts";
import { escapeText } from "../escape.ts";
import { CommandError, EXIT } from "../failure.ts";
import { counted, printJson } from "../report.ts";
import { table } from "../table.ts";
import type { Terminal } from "../terminal.ts";

/** What is shorter stands on one line. */
const SHORT = 100;

/** A document as people write it. */
function yamlOf(value: unknown): string {
  const document = new Document(value);
  visit(document, {
    Collection(_, node, path) {
      if (path.length > 1 && JSON.stringify(node).length < SHORT) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function floodOf({ flood }: Fabric["overlays"][number]): string {
  return typeof flood === "string" ? flood : `multicast ${flood.multicast}`;
}

function printFabric({ hosts, overlays }: Fabric, terminal: Terminal): void {
  const { palette, width } = terminal;
  const edge = Number.isFinite(width) ? width : 1000;
  const head = (words: readonly string[]): string[] => words.map((word) => palette.faint(word));
  const all = Object.entries(hosts).map(([name, { underlay = "", vtep = "" }]) => [
    palette.strong(escapeText(name)),
    escapeText(underlay),
    vtep,
  ]);
  for (const line of table([head(["host", "underlay", "vtep"]), ...all], edge)) terminal.line(line);
  if (overlays.length === 0) return;
  terminal.line();
  const rows = overlays.map((overlay) => [
    palette.strong(escapeText(overlay.name)),
    String(overlay.vni),
    String(overlay.dstport),
    floodOf(overlay),
    overlay.entry.over === undefined ? "underlay" : escapeText(overlay.entry.over),
    String(overlay.mtu),
    counted(overlay.ends.size, "host"),
    `${overlay.vxlan} on ${overlay.bridge}`,
  ]);
  for (const line of table(
    [head(["overlay", "vni", "port", "flood", "over", "mtu", "members", "links"]), ...rows],
    edge,
  ))
    terminal.line(line);
}

/** Shows the hosts and overlays of a document, or one host's own document. */
export const show: Run = async ({ operands: [file = ""], given, terminal }) => {
  const source = await readSource(file);
  if (given.host === undefined) {
    const fabric = fabricOf(source);
    if (Object.keys(fabric.hosts).length === 0)
      throw new CommandError(`${file}: this document has no hosts: it is that of one host already`, "ERR_FABRIC");
    if (given.json) printJson(asData(fabric), terminal);
    else printFabric(fabric, terminal);
    return EXIT.OK;
  }
  const derived = derive(source, given.host);
  desiredOf(derived);
  if (given.json) printJson(derived.value, terminal);
  else for (const line of yamlOf(derived.value).trimEnd().split("\n")) terminal.line(line);
  return EXIT.OK;
};

function asData({ hosts, overlays }: Fabric): unknown {
  return {
    hosts,
    overlays: overlays.map(({ name, vni, dstport, flood, bridge, vxlan, mtu, ends }) => ({
      ...{ name, vni, dstport, flood, bridge, vxlan, mtu },
      ends: Object.fromEntries(ends),
    })),
  };
}
