/**
 * Runs the tests: unit tests as they are, integration tests in a throw-away sandbox. Arguments are passed on to mocha.
 * Without a sandbox the integration tests cannot run: it says why, and counts each of their files as skipped.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runInSandbox, SandboxError } from "../lib/testkit/sandbox.ts";

const build = dirname(dirname(fileURLToPath(import.meta.url)));
const root = dirname(build);
const mocha = join(dirname(createRequire(import.meta.url).resolve("mocha/package.json")), "bin/mocha.js");
const reporter = ["--reporter", join(build, "test/reporter.js")];
const files = (folder: string): string => join(build, folder, "**/*.test.js");

const globFiles = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".test.js"));

async function main(extra: readonly string[]): Promise<number> {
  process.chdir(root);
  // On a machine that does other work a deadline may pass; a test that was tried again is told at the end.
  const retries = process.env["CI"] === undefined ? [] : ["--retries", "1"];
  const both = [process.execPath, mocha, ...reporter, ...retries, files("test"), files("integration"), ...extra];
  try {
    return await runInSandbox(both);
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error;
    const missed = globFiles(join(build, "integration")).length;
    const env = { ...process.env, LINKWRIGHT_MISSED: `${missed} ${error.message}` };
    return (
      spawnSync(process.execPath, [mocha, ...reporter, files("test"), ...extra], { stdio: "inherit", env }).status ?? 1
    );
  }
}

process.exitCode = await main(process.argv.slice(2));
