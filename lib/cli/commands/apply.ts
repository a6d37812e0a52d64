/** `linkwright apply FILE` */
import type { Run } from "../command.ts";
import { needPrivilege, openHost, readDocument } from "../document.ts";
import { EXIT } from "../failure.ts";
import { counted, printJson, printVerification } from "../report.ts";
import { awaitAnswer, carryOut, printPassed } from "../transaction.ts";

/** Makes the host what the document says, or leaves it as it was. */
export const run: Run = async (invocation) => {
  const {
    operands: [file = ""],
    given,
    terminal,
  } = invocation;
  const { host: name, desired } = await readDocument(file, given);
  needPrivilege("apply");
  await using host = await openHost(given);
  const done = await carryOut(invocation, host, desired, "apply");
  const { plan, requests, verification, checks, state, deadline } = done;
  const { ok, differences, counts } = verification;
  if (given.json)
    printJson(
      { file, host: name, ...plan, requests, ok, differences, verified: counts.same, counts, checks, state, deadline },
      terminal,
    );
  else {
    if (plan.steps.length > 0) terminal.line(`${counted(plan.steps.length, "step")} done`);
    printVerification(verification, terminal);
    printPassed(done, terminal);
  }
  return state === "unconfirmed" ? await awaitAnswer(invocation, host, done) : EXIT.OK;
};
