/** The service that keeps this host as its document says, for commands that ask it. */
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import type { Host } from "../host.ts";
import { askService } from "../systemd/ask.ts";
import { type ControlWord, controlPath } from "../systemd/control.ts";
import { rootOf } from "../transaction/index.ts";
import { mayChange } from "./document.ts";
import { codeOf } from "./failure.ts";
import type { Given } from "./options.ts";

/** Where root's service is, whoever asks. */
const ROOTS = "/run/linkwright";

/** What the service for the host's network namespace says; undefined where there is none. @throws {ControlError} */
export async function askHere(host: Host, given: Given, word: ControlWord): Promise<unknown> {
  const own = rootOf({ directory: given.state });
  const directories = given.state === undefined ? new Set([own, ROOTS]) : [own];
  for (const directory of directories)
    try {
      return await askService(controlPath(directory, host.netns.identity.inode), word);
    } catch (error) {
      if (codeOf(error) !== "ERR_NO_SERVICE") throw error;
    }
  return undefined;
}

/** Whether this process may confirm by itself: change the network, and write to the journal. */
export async function mayConfirm(host: Host, given: Given): Promise<boolean> {
  if (!mayChange()) return false;
  const directory = rootOf({ directory: given.state });
  try {
    await access(`${directory}/netns-${host.netns.identity.inode}`, constants.W_OK);
    return true;
  } catch (error) {
    return codeOf(error) === "ENOENT";
  }
}
