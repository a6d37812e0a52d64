/** `linkwright confirm` and `linkwright revert` */
import { clock, confirm, describeWayBack, isExact, revert } from "../../transaction/index.ts";
import type { Run } from "../command.ts";
import { needPrivilege, openHost } from "../document.ts";
import { EXIT, messagesOf } from "../failure.ts";
import { tellEnded } from "../journal.ts";
import { printJson } from "../report.ts";
import { printChecksAfter, printReport, storeOptions } from "../transaction.ts";

/** Keeps what was applied. */
export const keep: Run = async (invocation) => {
  const { given, terminal } = invocation;
  needPrivilege("confirm");
  await using host = await openHost(given);
  await printReport(invocation, host);
  const ended = await confirm(host, storeOptions(given));
  await tellEnded(host, ended);
  const { state, begun } = ended;
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
