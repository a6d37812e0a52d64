/** `linkwright graph [FILE]` */
import { diagnose, type Finding } from "../../doctor/index.ts";
import { derive } from "../../fabric/fabric.ts";
import { dot } from "../../graph/dot.ts";
import { type Graph, type GraphLink, graphOf, type Mark, type Marks } from "../../graph/graph.ts";
import { mermaid } from "../../graph/mermaid.ts";
import { svg } from "../../graph/svg.ts";
import { tree } from "../../graph/text.ts";
import { observe, plan, readSource } from "../../state/index.ts";
import type { Run } from "../command.ts";
import { openHost, readDocument } from "../document.ts";
import { escapeText } from "../escape.ts";
import { EXIT, UsageError } from "../failure.ts";
import { marksOf, ofDesired, ofDocument, ofHost } from "../graph-source.ts";
import { observePath } from "../observe-path.ts";
import type { Given } from "../options.ts";
import { printJson } from "../report.ts";
import { didYouMean } from "../spelling.ts";
import { type Terminal, withProgress } from "../terminal.ts";

/** MTU of devices that a document only names. */
const UNDERLAY = 1500;
const FORMS = ["text", "mermaid", "dot", "svg"] as const;
type Form = (typeof FORMS)[number];

function formOf({ as: given = "text" }: Given): Form {
  const found = FORMS.find((one) => one === given);
  if (found !== undefined) return found;
  throw new UsageError(
    `--as: there is no ${JSON.stringify(given)}${didYouMean(given, FORMS)}; known are ${FORMS.join(", ")}`,
  );
}

/** The link of a finding is marked; what is about something else than a link is told on the link it has to do with. */
function marksOfFindings(findings: readonly Finding[], links: readonly GraphLink[]): Marks {
  const marks: Record<string, { mark: Mark; note: string }> = {};
  for (const { cause, severity, subject, evidence } of findings) {
    const about =
      links.find(({ name }) => name === subject) ??
      links.find(
        ({ name, addresses, peers }) =>
          addresses.some((one) => one.split("/")[0] === subject) ||
          peers?.includes(subject) ||
          evidence.some((one) => one.includes(name)),
      );
    if (about === undefined || severity === "note") continue;
    const mark = severity === "error" ? "wrong" : "suspect";
    const known = marks[about.name];
    marks[about.name] = known === undefined ? { mark, note: cause } : { ...known, note: `${known.note}, ${cause}` };
  }
  return marks;
}

async function graph(file: string | undefined, given: Given, terminal: Terminal): Promise<Graph> {
  if (file !== undefined && given.plan !== true) {
    const source = await readSource(file);
    const all = ofDocument(source, UNDERLAY);
    if (given.host === undefined) return graphOf(all);
    derive(source, given.host); // says which hosts there are
    return graphOf(all.filter(({ name }) => name === given.host));
  }
  await using host = await openHost(given);
  const links = ofHost(await withProgress(terminal, "looking at the host", () => observePath(host)));
  if (file === undefined) {
    if (given.doctor !== true) return graphOf([{ name: "this host", links }]);
    const { findings } = await withProgress(terminal, "asking the network", () => diagnose(host));
    return graphOf([{ name: "this host", links, marks: marksOfFindings(findings, links) }]);
  }
  const { host: name, desired } = await readDocument(file, given);
  const planned = plan(await observe(host, desired), desired);
  const wanted = ofDesired(desired, UNDERLAY);
  const all = [...wanted, ...links.filter((one) => wanted.every((other) => other.name !== one.name))].map((link) => {
    const now = links.find((one) => one.name === link.name);
    return now === undefined
      ? link
      : { ...link, mtu: link.mtu ?? now.mtu, addresses: [...new Set([...now.addresses, ...link.addresses])] };
  });
  return graphOf([
    {
      name: name ?? "this host",
      links: all,
      marks: marksOf(
        planned,
        all.map((one) => one.name),
      ),
    },
  ]);
}

function printText(drawn: Graph, { palette, line }: Terminal): void {
  const paints: Readonly<Record<Mark, (text: string) => string>> = {
    ...{ added: palette.good, changed: palette.notable, removed: palette.bad },
    ...{ wrong: palette.bad, suspect: palette.notable },
  };
  for (const one of tree(drawn, (mark, text) => (mark === undefined ? text : paints[mark](text)))) line(one);
}

/** Draws. */
export const run: Run = async ({ operands: [file], given, terminal }) => {
  const form = formOf(given);
  if (given.plan === true && file === undefined) throw new UsageError("--plan needs a FILE to make a plan of");
  if (given.doctor === true && file !== undefined) throw new UsageError("--doctor looks at a host: leave FILE out");
  const drawn = await graph(file, given, terminal);
  if (given.json) printJson(drawn, terminal);
  else if (form === "text") printText(drawn, terminal);
  else
    for (const one of { mermaid, dot, svg }[form](drawn).trimEnd().split("\n"))
      terminal.line(form === "svg" ? one : escapeText(one));
  return EXIT.OK;
};
