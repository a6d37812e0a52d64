/** `linkwright systemd serve [FILE]` */
import { join } from "node:path";
import { teller, watchdogSeconds } from "../../systemd/notify.ts";
import { Reconciler } from "../../systemd/reconcile.ts";
import type { Run } from "../command.ts";
import { interruptible, needPrivilege, openHost, readDocument } from "../document.ts";
import { tellDrift } from "../drift-report.ts";
import { EXIT, UsageError } from "../failure.ts";
import { secondsOf } from "../transaction.ts";

/** The document as a credential of the unit. Source: systemd.exec(5), LoadCredential= */
const CREDENTIAL = "linkwright.document";

/** @throws {UsageError} where there is neither. */
function documentFile(file: string | undefined, env = process.env): string {
  if (file !== undefined) return file;
  const directory = env["CREDENTIALS_DIRECTORY"];
  if (directory === undefined)
    throw new UsageError(`systemd serve needs FILE, or the credential ${CREDENTIAL} of a unit of systemd`);
  return join(directory, CREDENTIAL);
}

/** Keeps the host as the document says, until it is stopped. */
export const run: Run = async ({ operands: [operand], given, terminal }) => {
  const file = documentFile(operand);
  needPrivilege("systemd serve");
  await using host = await openHost(given);
  const reconciler = new Reconciler(host, {
    read: async () => (await readDocument(file, given)).desired,
    tell: teller(),
    watchdog: watchdogSeconds(),
    interval: secondsOf(given, "interval"),
    directory: given.state,
    allowRecreate: given["allow-recreate"] === true,
    onReport: (report) => tellDrift(host, file, report, terminal, given.json === true),
  });
  const reload = (): void => reconciler.reload();
  process.on("SIGHUP", reload);
  try {
    await interruptible(async (signal) => {
      signal.addEventListener("abort", () => reconciler.stop(), { once: true });
      await reconciler.run();
    });
  } finally {
    process.off("SIGHUP", reload);
  }
  return EXIT.OK;
};
