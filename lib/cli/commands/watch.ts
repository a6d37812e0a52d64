/** `linkwright watch FILE` */
import { guard } from "../../drift/index.ts";
import { observe, plan } from "../../state/index.ts";
import type { Run } from "../command.ts";
import { interruptible, needPrivilege, openHost, readDocument } from "../document.ts";
import { tellDrift } from "../drift-report.ts";
import { EXIT } from "../failure.ts";
import { askOwners } from "../owners.ts";
import { secondsOf } from "../transaction.ts";

/** Tells what differs as it happens, and puts it right where that is wanted, until it is interrupted. */
export const run: Run = async ({ operands: [file = ""], given, terminal }) => {
  const { desired } = await readDocument(file, given);
  const reconcile = given.reconcile === true;
  const interval = secondsOf(given, "interval");
  if (reconcile) needPrivilege("watch");
  await using host = await openHost(given);
  const options = { reconcile, interval, directory: given.state, allowRecreate: given["allow-recreate"] === true };
  const said = new Set<string>();
  const planCheck = () => askOwners(host, desired, { given, terminal, said });
  if (reconcile) (await planCheck())(plan(await observe(host, desired), desired));
  await interruptible(async (signal) => {
    for await (const report of guard(host, desired, { ...options, planCheck, signal }))
      await tellDrift(host, file, report, terminal, given.json === true);
  });
  return EXIT.OK;
};
