/** `linkwright recover` */

import { discardInstallations } from "../../systemd/taking-back.ts";
import {
  clock,
  describeWayBack,
  discard,
  type Ended,
  type Found,
  isExact,
  recover,
  recoverAll,
} from "../../transaction/index.ts";
import type { Invocation, Run } from "../command.ts";
import { needPrivilege, openHost } from "../document.ts";
import { EXIT, messagesOf } from "../failure.ts";
import { remarkOnInstallation, takeInstallationsBack } from "../installations.ts";
import { tellEnded } from "../journal.ts";
import { printJson } from "../report.ts";
import type { Terminal } from "../terminal.ts";
import { printChecksAfter, printReport, storeOptions } from "../transaction.ts";

function describe(ended: Ended): string {
  if (ended.state === "nothing") return "nothing was interrupted";
  const begun = clock(ended.begun);
  if (ended.state === "committed") return `what was applied at ${begun} had been done, and is kept`;
  return `what was begun at ${begun} was interrupted; ${describeWayBack(ended.wayBack)}`;
}

function describeFound({ directory, netns, ended, error }: Found): string {
  const where = netns === undefined ? "" : `${netns}: `;
  if (error !== undefined) return `${where}${messagesOf(error).join("; ")}`;
  if (ended === undefined) return `${directory} is of a network namespace that is not here; left alone`;
  return `${where}${describe(ended)}`;
}

function printAfter(ended: Ended | undefined, terminal: Terminal): void {
  if (ended?.state === "reverted") printChecksAfter(ended.checksAfter, terminal);
}

/** It is left alone as its time to be confirmed is not over; whoever calls again later finds it over. */
const isWaiting = (error: unknown): boolean => (error as { code?: unknown }).code === "ERR_PENDING";

/** Whether all is well: an old state that is not there again must not pass for one that is. */
function codeOf(ended: Ended | undefined): number {
  if (ended?.state !== "reverted" || isExact(ended.wayBack)) return EXIT.OK;
  return ended.wayBack.failed.length > 0 ? EXIT.ERROR : EXIT.DIFFERENT;
}

/** Installations that are under way, or that a unit may not take back as it sees the files read-only, are for another time. */
const LATER: readonly unknown[] = ["ERR_LOCKED", "EROFS", "EACCES"];

async function tryToTakeBack({ given, terminal }: Invocation): Promise<void> {
  try {
    await using host = await openHost(given);
    await takeInstallationsBack(host, given, terminal);
  } catch (error) {
    if (!LATER.includes((error as { code?: unknown }).code)) throw error;
    await remarkOnInstallation(terminal);
  }
}

/** Ends what was interrupted: in one namespace where one is named, else in all that have a journal. */
export const run: Run = async (invocation) => {
  const { given, terminal } = invocation;
  needPrivilege("recover");
  const options = storeOptions(given);
  if (given.discard === true) {
    await using host = await openHost(given);
    const [journal, record] = [await discard(host, options), await discardInstallations()];
    const was = journal || record;
    if (given.json) printJson({ discarded: was }, terminal);
    else terminal.line(was ? "the journal is gone; the host is as it is" : "there is no journal");
    return EXIT.OK;
  }
  await tryToTakeBack(invocation);
  if (given.netns !== undefined) {
    await using host = await openHost(given);
    await printReport(invocation, host);
    const ended = await recover(host, options);
    await tellEnded(host, ended);
    if (given.json) printJson(ended, terminal);
    else {
      terminal.line(describe(ended));
      printAfter(ended, terminal);
    }
    return codeOf(ended);
  }
  {
    await using host = await openHost(given);
    await printReport(invocation, host);
  }
  const found = await recoverAll(options);
  for (const { netns, ended } of found) if (ended !== undefined) await tellEnded({ netns: { name: netns } }, ended);
  if (given.json)
    printJson(
      found.map(({ error, ...rest }) => ({ ...rest, ...(error !== undefined && { error: messagesOf(error) }) })),
      terminal,
    );
  else
    for (const one of found) {
      terminal.line(describeFound(one));
      printAfter(one.ended, terminal);
    }
  if (found.length === 0 && !given.json) terminal.line(describe({ state: "nothing" }));
  const codes = found.map(({ ended, error }) =>
    error === undefined ? codeOf(ended) : isWaiting(error) ? EXIT.DIFFERENT : EXIT.ERROR,
  );
  return codes.find((code) => code === EXIT.ERROR) ?? codes.find((code) => code !== EXIT.OK) ?? EXIT.OK;
};
