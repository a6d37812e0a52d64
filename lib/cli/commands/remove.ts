/** `linkwright remove FILE` */
import { observe, planRemoval } from "../../state/index.ts";
import type { Run } from "../command.ts";
import { needPrivilege, openHost, readDocument } from "../document.ts";
import { CommandError, EXIT } from "../failure.ts";
import { counted, printJson, printPlan } from "../report.ts";
import { withProgress } from "../terminal.ts";
import { carryOut } from "./apply.ts";

/** Takes away what the document describes, and looks whether it is gone. */
export const run: Run = async ({ operands: [file = ""], given, terminal }) => {
  const { host: name, desired } = await readDocument(file, given);
  needPrivilege("remove");
  await using host = await openHost(given);
  const planned = await withProgress(terminal, "looking at the host", async () =>
    planRemoval(await observe(host, desired), desired),
  );
  const { steps, warnings } = planned;
  if (!given.json && steps.length > 0) printPlan(planned, terminal, false);
  const { requests } = await carryOut(host, planned, desired, terminal, false);
  const [left] = planRemoval(await observe(host, desired), desired).steps;
  if (left !== undefined) throw new CommandError(`${left.object} ${left.subject} is still there`, "ERR_REMOVE");
  if (given.json) printJson({ file, host: name, steps, warnings, requests }, terminal);
  else terminal.line(steps.length === 0 ? "nothing to remove" : `${counted(steps.length, "step")} done`);
  return EXIT.OK;
};
