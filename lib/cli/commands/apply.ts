/** `linkwright apply FILE` */
import type { Host } from "../../host.ts";
import { type Applied, apply, type Desired, observe, type Plan, plan, verify } from "../../state/index.ts";
import type { Run } from "../command.ts";
import { interruptible, needPrivilege, openHost, readDocument } from "../document.ts";
import { EXIT } from "../failure.ts";
import { counted, printJson, printPlan, printVerification } from "../report.ts";
import { type Terminal, withProgress } from "../terminal.ts";

/** Carries a plan out; what it is doing shows where it takes long. */
export function carryOut(
  host: Host,
  planned: Plan,
  { source }: Desired,
  terminal: Terminal,
  allowRecreate: boolean,
): Promise<Applied> {
  return interruptible((signal) =>
    withProgress(terminal, "applying", (say) =>
      apply(host, planned, {
        signal,
        allowRecreate,
        source,
        onProgress: ({ step, number, of }) => say(`step ${number} of ${of}: ${step.object} ${step.subject}`),
      }),
    ),
  );
}

async function planFor(host: Host, desired: Desired): Promise<Plan> {
  return plan(await observe(host, desired), desired);
}

/** Makes the host what the document says, reads it back, compares. */
export const run: Run = async ({ operands: [file = ""], given, terminal }) => {
  const { host: name, desired } = await readDocument(file, given);
  needPrivilege("apply");
  await using host = await openHost(given);
  const planned = await withProgress(terminal, "looking at the host", () => planFor(host, desired));
  if (!given.json) printPlan(planned, terminal, given.explain === true);
  const { requests } = await carryOut(host, planned, desired, terminal, given["allow-recreate"] === true);
  const found = await withProgress(terminal, "reading back", () => verify(host, desired, { applied: planned }));
  const { ok, differences, counts } = found;
  if (given.json)
    printJson({ file, host: name, ...planned, requests, ok, differences, verified: counts.same, counts }, terminal);
  else {
    if (planned.steps.length > 0) terminal.line(`${counted(planned.steps.length, "step")} done`);
    printVerification(found, terminal);
  }
  return ok ? EXIT.OK : EXIT.DIFFERENT;
};
