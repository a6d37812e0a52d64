/** Runs examples. */
import { equal } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the compiled examples are. */
export const examples = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), "examples");

/** What an example says, in a namespace of its own. */
export function run(name: string): string {
  const command = ["--net", process.execPath, join(examples, `${name}.js`)];
  const { status, stdout, stderr } = spawnSync("unshare", command, { encoding: "utf8" });
  equal(stderr, "");
  equal(status, 0);
  return stdout;
}
