/** `linkwright systemd serve [FILE]` */
import { join } from "node:path";
import type { Host } from "../../host.ts";
import { ControlSocket, controlPath } from "../../systemd/control.ts";
import { teller, watchdogSeconds } from "../../systemd/notify.ts";
import { Reconciler, type ServiceTold } from "../../systemd/reconcile.ts";
import { confirm, madeRoot, pendingOf } from "../../transaction/index.ts";
import type { Run } from "../command.ts";
import { interruptible, needPrivilege, openHost, readDocument } from "../document.ts";
import { tellDrift } from "../drift-report.ts";
import { EXIT, messagesOf, UsageError } from "../failure.ts";
import { tellEnded } from "../journal.ts";
import type { Given } from "../options.ts";
import { askOwners } from "../owners.ts";
import type { Terminal } from "../terminal.ts";
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

/** Its socket; without one the service does all the rest. */
async function openControl(
  host: Host,
  document: string,
  reconciler: Reconciler,
  given: Given,
  terminal: Terminal,
): Promise<Disposable | undefined> {
  const options = { directory: given.state };
  const status = async (): Promise<ServiceTold> => {
    const pending = await pendingOf(host, options);
    return { document, ...reconciler.status, ...(pending !== undefined && { pending }) };
  };
  const keep = async (): Promise<object> => {
    const ended = await confirm(host, options);
    await tellEnded(host, ended);
    return ended;
  };
  try {
    const path = controlPath(await madeRoot(options), host.netns.identity.inode);
    return new ControlSocket(path, { status, confirm: keep });
  } catch (error) {
    for (const line of messagesOf(error)) terminal.remark(`nobody can ask for the status: ${line}`);
    return undefined;
  }
}

/** Keeps the host as the document says, until it is stopped. */
export const run: Run = async ({ operands: [operand], given, terminal }) => {
  const file = documentFile(operand);
  needPrivilege("systemd serve");
  await using host = await openHost(given);
  const said = new Set<string>();
  const reconciler = new Reconciler(host, {
    read: async () => (await readDocument(file, given)).desired,
    tell: teller(),
    planCheck: (desired) => askOwners(host, desired, { given, terminal, said }),
    watchdog: watchdogSeconds(),
    interval: secondsOf(given, "interval"),
    directory: given.state,
    allowRecreate: given["allow-recreate"] === true,
    onReport: (report) => tellDrift(host, file, report, terminal, given.json === true),
  });
  const reload = (): void => reconciler.reload();
  process.on("SIGHUP", reload);
  using _ = await openControl(host, file, reconciler, given, terminal);
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
