/** Runs this same command again inside a throw-away sandbox. */
import { fileURLToPath } from "node:url";
import { runInSandbox } from "../testkit/sandbox.ts";
import type { Invocation, Run } from "./command.ts";

/** Says, in the environment of the inner process only, that it is the inner one and who asked for it. */
const MARK = "LINKWRIGHT_INSIDE";

/** What the inner process knows of the outer one. */
export interface Outside {
  /** User id outside; inside of a user namespace it is 0. */
  readonly uid: number;
  readonly userNamespace: boolean;
}

/** Whether this is the inner process; true until its command begins. */
export function isInside(): boolean {
  return process.env[MARK] !== undefined;
}

/** Taken out of the environment, so that what is run inside does not believe to be the inner process. */
function takeMark(): Outside | undefined {
  const mark = process.env[MARK];
  delete process.env[MARK];
  return mark === undefined ? undefined : (JSON.parse(mark) as Outside);
}

/** The command line of this process, for a process of its own. */
function ownCommand(): string[] {
  const main = import.meta.url.endsWith(".ts") ? "./main.ts" : "./main.js";
  const file = fileURLToPath(new URL(main, import.meta.url));
  return [process.execPath, ...process.execArgv, file, ...process.argv.slice(2)];
}

/** A command whose work is done in a sandbox, by this program started once more in there. */
export function inside(work: (invocation: Invocation, outside: Outside) => Promise<number>): Run {
  return async (invocation) => {
    const outside = takeMark();
    if (outside !== undefined) return await work(invocation, outside);
    const uid = process.geteuid?.() ?? 0;
    const mark: Outside = { uid, userNamespace: uid !== 0 };
    return await runInSandbox(ownCommand(), { env: { ...process.env, [MARK]: JSON.stringify(mark) } });
  };
}
