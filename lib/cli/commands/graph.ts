/** `linkwright graph [FILE]` */
import { diagnose } from "../../doctor/index.ts";
import { derive } from "../../fabric/fabric.ts";
import { dot } from "../../graph/dot.ts";
import { type Graph, type GraphLink, graphOf, type Mark } from "../../graph/graph.ts";
import { mermaid } from "../../graph/mermaid.ts";
import { svg } from "../../graph/svg.ts";
import { tree } from "../../graph/text.ts";
import type { Host } from "../../host.ts";
import { observe, plan, readSource } from "../../state/index.ts";
import type { Run } from "../command.ts";
import { openHost, readDocument } from "../document.ts";
import { escapeText } from "../escape.ts";
import { EXIT, UsageError } from "../failure.ts";
import { betweenOf, marksOf, ofDesired, ofDocument, ofHost, planRemarks, sickOf } from "../graph-source.ts";
import { observePath } from "../observe-path.ts";
import type { Given } from "../options.ts";
import { printJson } from "../report.ts";
import { didYouMean } from "../spelling.ts";
import { type Terminal, withProgress } from "../terminal.ts";

/** The name of a host that no document names. */
const HERE = "this host";
const FORMS = ["text", "mermaid", "dot", "svg"] as const;
type Form = (typeof FORMS)[number];

function formOf({ as: given = "text" }: Given): Form {
  const found = FORMS.find((one) => one === given);
  if (found !== undefined) return found;
  throw new UsageError(
    `--as: there is no ${JSON.stringify(given)}${didYouMean(given, FORMS)}; known are ${FORMS.join(", ")}`,
  );
}

/** What a document makes, of all hosts or of one. */
async function ofFile(file: string, { host }: Given): Promise<Graph> {
  const source = await readSource(file);
  const all = ofDocument(source);
  if (host !== undefined) derive(source, host); // says which hosts there are
  return graphOf(host === undefined ? all : all.filter(({ name }) => name === host), betweenOf(source));
}

/** The host as it is, and what is wrong with it. */
async function ofRunning(host: Host, links: readonly GraphLink[], given: Given, terminal: Terminal): Promise<Graph> {
  if (given.doctor !== true) return graphOf([{ name: HERE, links }]);
  const { findings } = await withProgress(terminal, "asking the network", () => diagnose(host));
  const { marks, remarks, between } = sickOf(findings, links);
  return graphOf([{ name: HERE, links, marks, remarks }], between);
}

/** What a document makes of this host. */
async function ofPlan(host: Host, links: readonly GraphLink[], file: string, given: Given): Promise<Graph> {
  const { host: name = HERE, desired } = await readDocument(file, given);
  const planned = plan(await observe(host, desired), desired);
  const wanted = ofDesired(desired);
  const all = [...wanted, ...links.filter((one) => wanted.every((other) => other.name !== one.name))].map((link) => {
    const now = links.find((one) => one.name === link.name);
    if (now === undefined) return link;
    // Of a link that stays, what the document does not name stays too.
    const kept = Object.fromEntries(Object.entries(now).filter(([, value]) => value !== undefined)) as typeof now;
    const given = Object.fromEntries(Object.entries(link).filter(([, value]) => value !== undefined)) as typeof now;
    const mtu = planned.mtus[link.name]?.value ?? now.mtu;
    return { ...kept, ...given, mtu, kind: now.kind, addresses: [...new Set([...now.addresses, ...link.addresses])] };
  });
  const names = all.map((one) => one.name);
  return graphOf([{ name, links: all, marks: marksOf(planned, names), remarks: planRemarks(planned, names) }]);
}

async function graph(file: string | undefined, given: Given, terminal: Terminal): Promise<Graph> {
  if (file !== undefined && given.plan !== true) return await ofFile(file, given);
  await using host = await openHost(given);
  const links = ofHost(await withProgress(terminal, "looking at the host", () => observePath(host)));
  return await (file === undefined ? ofRunning(host, links, given, terminal) : ofPlan(host, links, file, given));
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
