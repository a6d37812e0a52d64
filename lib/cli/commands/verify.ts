/** `linkwright verify FILE` */
import { verify } from "../../state/index.ts";
import type { Run } from "../command.ts";
import { openHost, readDocument } from "../document.ts";
import { EXIT } from "../failure.ts";
import { printJson, printPending, printVerification } from "../report.ts";
import { withProgress } from "../terminal.ts";

/** Compares the host with the document. */
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
  const found = await withProgress(terminal, "looking at the host", () => verify(host, desired));
  const { ok, differences, counts, warnings } = found;
  const { pendingRemark } = await import("../../transaction/index.ts");
  const pending = await pendingRemark(host, { directory: given.state });
  if (given.json)
    printJson({ file, host: name, ok, differences, verified: counts.same, counts, warnings, pending }, terminal);
  else {
    printVerification(found, terminal);
    printPending(pending, terminal);
  }
  return ok ? EXIT.OK : EXIT.DIFFERENT;
};
