/** `linkwright fabric frr`, `lint` and `check`: what concerns FRR. */
import { readFile } from "node:fs/promises";
import { derive, fabricOf } from "../../fabric/fabric.ts";
import { compareFrr } from "../../fabric/frr/agreement.ts";
import type { FrrFinding } from "../../fabric/frr/finding.ts";
import { lintFrr } from "../../fabric/frr/lint.ts";
import { renderFrr } from "../../fabric/frr/render.ts";
import { vtysh } from "../../fabric/frr/vtysh.ts";
import type { Fabric } from "../../fabric/overlay.ts";
import { readSource } from "../../state/index.ts";
import type { Invocation, Run } from "../command.ts";
import { hostNamed, openHost } from "../document.ts";
import { escapeText } from "../escape.ts";
import { CommandError, EXIT } from "../failure.ts";
import { fitted, printJson } from "../report.ts";

/** The fabric of a document, and the host that is meant. */
async function hostOf({ operands: [file = ""], given }: Invocation): Promise<{ fabric: Fabric; host: string }> {
  const source = await readSource(file);
  const host = hostNamed(source, given);
  // Says which hosts there are.
  derive(source, host);
  return { fabric: fabricOf(source), host: host ?? "" };
}

function partOf(fabric: Fabric, host: string): string {
  const part = renderFrr(fabric, host);
  if (part !== undefined) return part;
  const why =
    fabric.evpn === undefined
      ? "no overlay of this document has flood: evpn"
      : `${host} is in no overlay with flood: evpn`;
  throw new CommandError(`${fabric.source.file}: ${why}, and FRR has nothing to do there`, "ERR_FABRIC");
}

/** Prints the part of frr.conf. */
export const frr: Run = async (invocation) => {
  const { given, terminal } = invocation;
  const { fabric, host } = await hostOf(invocation);
  const part = partOf(fabric, host);
  if (given.json) printJson({ host, frr: part }, terminal);
  else for (const line of part.trimEnd().split("\n")) terminal.line(line);
  return EXIT.OK;
};

function report(invocation: Invocation, host: string, findings: readonly FrrFinding[], file?: string): number {
  const { given, terminal } = invocation;
  const { palette, width } = terminal;
  if (given.json) printJson({ host, findings }, terminal);
  else if (findings.length === 0) terminal.line(palette.good(`${escapeText(host)}: all agree`));
  else
    for (const { severity, line, message } of findings) {
      const place = line === undefined ? escapeText(host) : `${escapeText(file ?? "")}:${line}`;
      const paint = severity === "error" ? palette.bad : palette.notable;
      for (const part of fitted(`${place}: ${escapeText(message)}`, width)) terminal.line(paint(part));
    }
  return findings.some(({ severity }) => severity === "error") ? EXIT.DIFFERENT : EXIT.OK;
}

/** Names what is wrong with a frr.conf. */
export const lint: Run = async (invocation) => {
  const [, conf = ""] = invocation.operands;
  const { fabric, host } = await hostOf(invocation);
  partOf(fabric, host);
  const text = await readFile(conf, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new CommandError(`${conf}: ${error.code === "ENOENT" ? "there is no such file" : error.message}`, error.code);
  });
  return report(invocation, host, lintFrr(fabric, host, text), conf);
};

/** Compares FRR, kernel and document. */
export const check: Run = async (invocation) => {
  const { fabric, host } = await hostOf(invocation);
  partOf(fabric, host);
  await using here = await openHost(invocation.given);
  const fdb = await here.fdb.list();
  return report(invocation, host, await compareFrr(fabric, host, vtysh(invocation.given.vty), fdb));
};
