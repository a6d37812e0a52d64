/** `linkwright confirm` and `linkwright revert` */
import type { Host } from "../../host.ts";
import { type Committed, clock, confirm, describeWayBack, isExact, revert } from "../../transaction/index.ts";
import type { Invocation, Run } from "../command.ts";
import { needPrivilege, openHost } from "../document.ts";
import { EXIT, messagesOf } from "../failure.ts";
import { tellEnded } from "../journal.ts";
import { printJson } from "../report.ts";
import { askHere, mayConfirm } from "../service.ts";
import { printChecksAfter, printReport, storeOptions } from "../transaction.ts";

async function confirmed(invocation: Invocation, host: Host): Promise<Committed> {
  const { given } = invocation;
  // The service tells the journal itself.
  const told = (await mayConfirm(host, given)) ? undefined : await askHere(host, given, "confirm");
  if (told !== undefined) return told as Committed;
  needPrivilege("confirm");
  await printReport(invocation, host);
  const ended = await confirm(host, storeOptions(given));
  await tellEnded(host, ended);
  return ended;
}

/** Keeps what was applied; where this process may not do it itself, by the service. */
export const keep: Run = async (invocation) => {
  const { given, terminal } = invocation;
  await using host = await openHost(given);
  const { state, begun } = await confirmed(invocation, host);
  if (given.json) printJson({ state, begun }, terminal);
  else terminal.line(`what was applied at ${clock(begun)} is kept`);
  return EXIT.OK;
};

/** Puts the old state back. */
export const back: Run = async (invocation) => {
  const { given, terminal } = invocation;
  needPrivilege("revert");
  await using host = await openHost(given);
  await printReport(invocation, host);
  const ended = await revert(host, storeOptions(given));
  await tellEnded(host, ended);
  const { state, begun, wayBack, checksAfter } = ended;
  const exact = isExact(wayBack);
  const { failed, differing } = wayBack;
  const refused = failed.map(({ request, cause }) => ({ request, messages: messagesOf(cause) }));
  if (given.json) printJson({ state, begun, exact, failed: refused, differing, checksAfter }, terminal);
  else {
    terminal.line(describeWayBack(wayBack));
    printChecksAfter(checksAfter, terminal);
  }
  return exact ? EXIT.OK : EXIT.DIFFERENT;
};
