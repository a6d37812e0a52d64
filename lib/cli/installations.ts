/** Installations that were interrupted, for the commands that come after them. */
import type { Host } from "../host.ts";
import { installationRemark, recoverInstallations } from "../systemd/taking-back.ts";
import { CommandError } from "./failure.ts";
import type { Given } from "./options.ts";
import type { Terminal } from "./terminal.ts";
import { storeOptions } from "./transaction.ts";

/** Takes them back, and says so beside the output. @throws {CommandError} where something could not be put back. */
export async function takeInstallationsBack(host: Host, given: Given, terminal: Terminal): Promise<void> {
  for (const { text, failed } of await recoverInstallations(host, storeOptions(given))) {
    if (failed.length > 0)
      throw new CommandError(`${text}; what is not as before: ${failed.join("; ")}`, "ERR_WAY_BACK");
    terminal.remark(text);
  }
}

/** Says that there is one; who may not know is told nothing. */
export async function remarkOnInstallation(terminal: Terminal): Promise<void> {
  const remark = await installationRemark().catch(() => undefined);
  if (remark !== undefined) terminal.remark(remark);
}
