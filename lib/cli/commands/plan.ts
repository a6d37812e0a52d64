/** `linkwright plan FILE` */
import { foreignOf, observe, plan } from "../../state/index.ts";
import type { Run } from "../command.ts";
import { openHost, readDocument } from "../document.ts";
import { EXIT, messagesOf } from "../failure.ts";
import { askOwners } from "../owners.ts";
import { counted, printForeign, printJson, printPending, printPlan } from "../report.ts";
import { withProgress } from "../terminal.ts";

/** Shows what `apply` would do. */
export const run: Run = async (invocation) => {
  const {
    operands: [file = ""],
    given,
    terminal,
  } = invocation;
  const { host: name, desired } = await readDocument(file, given);
  await using host = await openHost(given);
  const { printReport } = await import("../transaction.ts");
  await printReport(invocation, host);
  const observed = await withProgress(terminal, "looking at the host", () => observe(host, desired));
  const planned = plan(observed, desired);
  const foreign = foreignOf(observed, desired, planned);
  const checkOwners = await askOwners(host, desired, { given, terminal });
  try {
    checkOwners(planned);
  } catch (error) {
    for (const line of messagesOf(error)) terminal.remark(line);
  }
  const { pendingRemark } = await import("../../transaction/index.ts");
  const pending = await pendingRemark(host, { directory: given.state });
  if (given.json) printJson({ file, host: name, ...planned, foreign, pending }, terminal);
  else {
    printPlan(planned, terminal, given.explain && desired.source);
    printPending(pending, terminal);
    printForeign(foreign, terminal, given.explain === true);
    if (planned.steps.length > 0) terminal.line(`${counted(planned.steps.length, "step")}; nothing was changed`);
  }
  return planned.steps.length > 0 ? EXIT.DIFFERENT : EXIT.OK;
};
