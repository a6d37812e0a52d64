/** `linkwright status` */
import type { Host } from "../../host.ts";
import type { ServiceTold } from "../../systemd/reconcile.ts";
import { clock, describePending, type Pending, pendingOf } from "../../transaction/index.ts";
import type { Run } from "../command.ts";
import { openHost } from "../document.ts";
import { escapeText } from "../escape.ts";
import { EXIT } from "../failure.ts";
import type { Given } from "../options.ts";
import { counted, printJson } from "../report.ts";
import { askHere } from "../service.ts";
import type { Terminal } from "../terminal.ts";
import { storeOptions } from "../transaction.ts";

function printService(told: ServiceTold, terminal: Terminal): void {
  const { document, state, text, since, rounds, repairs, differing, warning } = told;
  const { good, bad, faint } = terminal.palette;
  const say = (line: string): void => terminal.line(escapeText(line));
  say(`linkwright.service keeps this host as ${document} says`);
  terminal.line(`${state === "ok" ? good("✓") : bad("✗")} ${escapeText(text)} ${faint(`since ${clock(since)}`)}`);
  if (differing !== undefined) {
    say(`differs since ${clock(differing.since)}:`);
    for (const one of differing.what) say(`  ${one}`);
  }
  if (warning !== undefined) say(warning);
  say(`${counted(rounds, "look")} at the host, ${counted(repairs, "repair")}`);
}

function printPending(pending: Pending, terminal: Terminal): void {
  terminal.line(describePending(pending));
  if (pending.until !== undefined) terminal.line(`the old state is put back at ${clock(pending.until)}`);
}

/** Whether nobody but root can know what waits: the journal is root's, and no other was named. */
const isHidden = (given: Given): boolean => given.state === undefined && process.geteuid?.() !== 0;

/** What can be known where no service answers. */
async function withoutService(host: Host, given: Given, terminal: Terminal): Promise<Pending | undefined> {
  const pending = isHidden(given) ? undefined : await pendingOf(host, storeOptions(given));
  if (given.json) return pending;
  terminal.line("no linkwright.service answers for this network namespace; linkwright verify FILE compares it");
  if (isHidden(given)) terminal.line("whether something waits to be confirmed is for root to know");
  else if (pending === undefined) terminal.line("nothing waits to be confirmed");
  return pending;
}

/** Tells what the service found last, and what waits to be confirmed. */
export const run: Run = async ({ given, terminal }) => {
  await using host = await openHost(given);
  const service = (await askHere(host, given, "status")) as ServiceTold | undefined;
  const pending = service === undefined ? await withoutService(host, given, terminal) : service.pending;
  if (given.json) printJson({ service, pending }, terminal);
  else {
    if (service !== undefined) printService(service, terminal);
    if (pending !== undefined) printPending(pending, terminal);
  }
  return pending === undefined && (service === undefined || service.state === "ok") ? EXIT.OK : EXIT.DIFFERENT;
};
