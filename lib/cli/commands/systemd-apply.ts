/** `linkwright systemd apply FILE` */
import { applyAtBoot } from "../../systemd/at-boot.ts";
import type { Run } from "../command.ts";
import { interruptible, needPrivilege, openHost, readDocument } from "../document.ts";
import { EXIT, messagesOf } from "../failure.ts";
import { tellApplied, tellFailed, tellWaiting } from "../journal.ts";
import { askOwners } from "../owners.ts";
import { counted, printJson } from "../report.ts";
import { secondsOf } from "../transaction.ts";

/** Seconds. */
const PATIENCE = 90;

/** Makes the host what the document says, as soon as the links are there that others make. */
export const run: Run = async ({ operands: [file = ""], given, terminal }) => {
  const { host: name, desired } = await readDocument(file, given);
  needPrivilege("systemd apply");
  await using host = await openHost(given);
  const said = new Set<string>();
  const done = await interruptible((signal) =>
    applyAtBoot(host, desired, {
      patience: secondsOf(given, "deadline") ?? PATIENCE,
      directory: given.state,
      allowRecreate: given["allow-recreate"] === true,
      signal,
      planCheck: () => askOwners(host, desired, { given, terminal, said }),
      onWait: async (error) => {
        const text = `waiting: ${messagesOf(error).join("; ")}`;
        if (!(await tellWaiting(host, file, text))) terminal.remark(text, "warning");
      },
    }),
  ).catch(async (error: unknown) => {
    await tellFailed(host, file, error);
    throw error;
  });
  await tellApplied(host, file, "apply", done);
  const { plan, requests, state } = done;
  const { steps, warnings } = plan;
  if (given.json) printJson({ file, host: name, steps, warnings, requests, state }, terminal);
  else {
    for (const warning of warnings) terminal.remark(warning);
    terminal.line(steps.length === 0 ? "nothing to do" : `${counted(steps.length, "step")} done`);
  }
  return EXIT.OK;
};
