/** `linkwright doctor` */
import { statSync } from "node:fs";
import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type DiagnoseOptions, type Diagnosis, diagnose, type FarEnd, type Finding } from "../../doctor/index.ts";
import { derive, hostsOf } from "../../fabric/fabric.ts";
import type { Host } from "../../host.ts";
import type { DocumentValue } from "../../state/document.ts";
import { readSource, type Source } from "../../state/index.ts";
import type { Run } from "../command.ts";
import { hostNamed, interruptible, openHost } from "../document.ts";
import { UsageError } from "../failure.ts";
import type { Given } from "../options.ts";
import { fitted, printJson } from "../report.ts";
import { type Terminal, withProgress } from "../terminal.ts";

/** Exit codes: a program that calls this wants to know how bad it is. */
const EXITS = { healthy: 0, error: 2, warning: 3 } as const;
/** Milliseconds between two looks with `--watch`. */
const PAUSE = 1000;

/** Addresses that a host of the document has on bridges. */
function addressesOf(source: Source, name: string): string[] {
  const { links = {} } = derive(source, name).value as DocumentValue;
  const bridges = Object.values(links).filter(({ kind }) => kind === "bridge");
  const all = bridges.flatMap(({ addresses = [] }) => addresses);
  return all.map((one) => String(typeof one === "string" ? one : one["address"]).split("/")[0] ?? "");
}

/** Addresses to ask for: those that were given, and those of hosts of the document. @throws {UsageError} */
async function peersOf(file: string | undefined, given: Given): Promise<readonly string[] | undefined> {
  const source = file === undefined ? undefined : await readSource(file);
  const hosts = source === undefined ? [] : hostsOf(source);
  const own = source === undefined ? undefined : hostNamed(source, given);
  if (own !== undefined && !hosts.includes(own)) throw unknown("--host", own, file, hosts);
  const named = given.peer ?? (source === undefined ? undefined : hosts.filter((one) => one !== own));
  return named?.flatMap((one) => {
    if (isIP(one) !== 0) return [one];
    if (source === undefined)
      throw new UsageError(
        `--peer takes the address of a guest or bridge, not ${JSON.stringify(one)}; a host goes by its name where its document is given: linkwright doctor FILE --peer ${one}`,
      );
    if (!hosts.includes(one)) throw unknown("--peer", one, file, hosts);
    const found = addressesOf(source, one);
    if (found.length > 0 || given.peer === undefined) return found;
    throw new UsageError(
      `--peer: host ${one} has no address on a bridge in ${file}; name the address of a guest there`,
    );
  });
}

const unknown = (option: string, name: string, file: string | undefined, hosts: readonly string[]): UsageError =>
  new UsageError(`${option}: ${file} has no host ${JSON.stringify(name)}; it has ${hosts.join(", ") || "none"}`);

function rootOf({ root }: Given): string | undefined {
  if (root === undefined || statSync(root, { throwIfNoEntry: false })?.isDirectory() === true) return root;
  throw new UsageError(`--root: there is no directory ${root}`);
}

const exitOf = ({ findings }: Diagnosis): number => {
  if (findings.some(({ severity }) => severity === "error")) return EXITS.error;
  return findings.some(({ severity }) => severity === "warning") ? EXITS.warning : EXITS.healthy;
};

function printFinding({ cause, severity, text, evidence, fix }: Finding, terminal: Terminal): void {
  const { palette, width } = terminal;
  const paint = severity === "error" ? palette.bad : severity === "warning" ? palette.notable : palette.faint;
  const sign = { error: "✗", warning: "!", note: "·" }[severity];
  for (const line of fitted(`${sign} ${cause}: ${text}.`, width, "  ")) terminal.line(paint(line));
  for (const one of evidence)
    for (const line of fitted(`  seen  ${one}`, width, "        ")) terminal.line(palette.faint(line));
  for (const line of fitted(`  mend  ${fix}`, width, "        ")) terminal.line(line);
}

function describeEnd(link: string, { remote, answers, macs, through, asked, largest, vni }: FarEnd): string {
  const name = vni === undefined ? link : `${link}, VNI ${vni},`;
  const all = Math.max(asked, macs.size);
  const inside =
    macs.size > 0
      ? `${macs.size} of ${all} address${all === 1 ? "" : "es"} answered through the tunnel, in packets of up to ${through} bytes`
      : `nobody of ${asked} answered through the tunnel`;
  const outside = answers ? `pings of up to ${largest} bytes` : "no answer to pings";
  return `${name} to ${remote}: ${inside}; ${outside}`;
}

function print({ findings, unseen, asked }: Diagnosis, terminal: Terminal): void {
  const { palette, width } = terminal;
  findings.forEach((finding, at) => {
    if (at > 0) terminal.line();
    printFinding(finding, terminal);
  });
  if (findings.length > 1) terminal.line();
  const [first] = findings;
  if (first === undefined) terminal.line(palette.good("nothing wrong was found"));
  else if (findings.length > 1) terminal.line(`mend ${first.cause} first: the others may be its consequences`);
  const ends = Object.entries(asked.ends).flatMap(([name, all]) => all.map((end) => describeEnd(name, end)));
  for (const text of ends) for (const line of fitted(text, width)) terminal.line(palette.faint(line));
  for (const text of unseen)
    for (const line of fitted(`not looked at: ${text}`, width)) terminal.line(palette.notable(line));
}

/** As JSON: maps become objects. */
function plain(diagnosis: Diagnosis): object {
  const ends = Object.entries(diagnosis.asked.ends).map(([name, all]) => [
    name,
    all.map(({ macs, ...end }) => ({ ...end, macs: Object.fromEntries(macs) })),
  ]);
  return { ...diagnosis, asked: { ...diagnosis.asked, ends: Object.fromEntries(ends) } };
}

/** Says what is wrong; with `--watch` again whenever that changes. */
export const run: Run = async ({ operands: [file], given, terminal }) => {
  const peers = await peersOf(file, given);
  const options = { peers, root: rootOf(given), ask: given["no-ask"] !== true, witness: given.witness === true };
  await using host = await openHost(given);
  return await interruptible((signal) => look(host, { ...options, signal }, given, terminal));
};

async function look(host: Host, options: DiagnoseOptions, given: Given, terminal: Terminal): Promise<number> {
  let known: string | undefined;
  let last: Diagnosis | undefined;
  for (;;) {
    const found = await withProgress(terminal, "looking at the host and asking the network", () =>
      diagnose(host, options),
    ).catch((error: unknown) => {
      if (last === undefined || options.signal?.aborted !== true) throw error;
      return last;
    });
    last = found;
    const seen = JSON.stringify(found.findings.map(({ cause, subject }) => [cause, subject]));
    if (seen !== known) {
      if (known !== undefined && !given.json) terminal.line();
      if (given.json) printJson(plain(found), terminal);
      else print(found, terminal);
    }
    known = seen;
    if (given.watch !== true) return exitOf(found);
    // Ctrl-C is the way to end it.
    await sleep(PAUSE, undefined, { signal: options.signal }).catch(() => undefined);
    if (options.signal?.aborted === true) return exitOf(found);
  }
}
