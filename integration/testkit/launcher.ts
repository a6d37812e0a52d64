/** Makes a sandbox for the command in its arguments; with --guard it tries to make a test's namespace instead. */
import { TestNamespace } from "../../lib/testkit/namespace.ts";
import { runInSandbox, SandboxError } from "../../lib/testkit/sandbox.ts";

async function main(command: readonly string[]): Promise<number> {
  if (command[0] !== "--guard") {
    return await runInSandbox(command, process.env["LAUNCH_USER"] === "1" ? { userNamespace: true } : {});
  }
  await TestNamespace.create();
  return 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SandboxError)) throw error;
  console.error(error.code, error.message);
  process.exitCode = error.code === "ERR_NOT_SANDBOXED" ? 3 : 1;
}
