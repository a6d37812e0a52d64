/** Runs this same command again inside a throw-away sandbox. */
import { fileURLToPath } from "node:url";
import { runInSandbox } from "../testkit/sandbox.ts";
import type { Run } from "./command.ts";

/** Says, in the environment of the inner process only, that it is the inner one. */
const MARK = "LINKWRIGHT_INSIDE";

/** Whether this is the inner process; true until its command begins. */
export function isInside(): boolean {
  return process.env[MARK] !== undefined;
}

/** The command line of this process, for a process of its own. */
function ownCommand(): string[] {
  const main = import.meta.url.endsWith(".ts") ? "../cli/main.ts" : "../cli/main.js";
  const file = fileURLToPath(new URL(main, import.meta.url));
  return [process.execPath, ...process.execArgv, file, ...process.argv.slice(2)];
}

/** A command whose work is done in a sandbox, by this program started once more in there. */
export function inside(work: Run): Run {
  return async (invocation) => {
    if (!isInside()) return await runInSandbox(ownCommand(), { env: { ...process.env, [MARK]: "1" } });
    // What is run inside shall not believe to be the inner process.
    delete process.env[MARK];
    return await work(invocation);
  };
}
