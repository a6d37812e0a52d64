/** `linkwright remove FILE` */
import type { Run } from "../command.ts";
import { needPrivilege, openHost, readDocument } from "../document.ts";
import { EXIT } from "../failure.ts";
import { counted, printJson } from "../report.ts";
import { awaitAnswer, carryOut } from "../transaction.ts";

/** Takes away what the document describes, and looks whether it is gone. */
export const run: Run = async (invocation) => {
  const {
    operands: [file = ""],
    given,
    terminal,
  } = invocation;
  const { host: name, desired } = await readDocument(file, given);
  needPrivilege("remove");
  await using host = await openHost(given);
  const done = await carryOut(invocation, host, desired, "remove");
  const { plan, requests, state, deadline } = done;
  const { steps, warnings } = plan;
  if (given.json) printJson({ file, host: name, steps, warnings, requests, state, deadline }, terminal);
  else terminal.line(steps.length === 0 ? "nothing to remove" : `${counted(steps.length, "step")} done`);
  return state === "unconfirmed" ? await awaitAnswer(invocation, host, done) : EXIT.OK;
};
