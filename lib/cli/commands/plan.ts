/** `linkwright plan FILE` */
import { observe, plan } from "../../state/index.ts";
import type { Run } from "../command.ts";
import { openHost, readDocument } from "../document.ts";
import { EXIT } from "../failure.ts";
import { counted, printJson, printPlan } from "../report.ts";
import { withProgress } from "../terminal.ts";

/** Shows what `apply` would do. */
export const run: Run = async ({ operands: [file = ""], given, terminal }) => {
  const { host: name, desired } = await readDocument(file, given);
  await using host = await openHost(given);
  const planned = await withProgress(terminal, "looking at the host", async () =>
    plan(await observe(host, desired), desired),
  );
  if (given.json) printJson({ file, host: name, ...planned }, terminal);
  else {
    printPlan(planned, terminal, given.explain === true);
    if (planned.steps.length > 0) terminal.line(`${counted(planned.steps.length, "step")}; nothing was changed`);
  }
  return planned.steps.length > 0 ? EXIT.DIFFERENT : EXIT.OK;
};
